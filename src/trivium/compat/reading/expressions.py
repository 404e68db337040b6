"""What an expression is, and which names of Keras and TensorFlow it uses."""

from __future__ import annotations

import ast
import contextlib
import typing
from collections.abc import Iterator
from typing import Any

from trivium.compat import vocabulary
from trivium.compat.arguments import accepted
from trivium.compat.findings import Finding
from trivium.compat.hints import hint_for
from trivium.compat.names import shown
from trivium.compat.reading.meanings import (
    Function,
    Instance,
    Module,
    Thing,
    UserClass,
    given_attributes,
)
from trivium.compat.values import refused_value
from trivium.compat.vocabulary import class_name
from trivium.state.registry import suggest

__all__ = ["Expressions"]

# How many functions of the program are read within each other for what a call gives: each reading of one may read all
# that it calls, so that without an end a program of many small functions would be read again and again.
_DEEPEST = 4


class Expressions(ast.NodeVisitor):
    """The part of a reader that says what an expression is, with the names that are known where it stands.

    Args:
        file: The file that is read, for the findings.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Finding] = []
        self.scopes: list[dict[str, Any]] = [{}]
        # What the functions return that are being read, and those of them that are read again for what a call gives.
        self.returned: list[Any] = []
        self.entered: list[ast.FunctionDef] = []
        # What the first argument of the function that comes next is, where that is a method.
        self.own: Instance | None = None

    # -- names --

    def note(self, node: ast.AST, name: str, note: str = "") -> None:
        """Note a use of a name; with a note, one that is not covered."""
        finding = Finding(self.file, getattr(node, "lineno", 0), name, not note, note)
        if not self.entered or finding not in self.findings:
            self.findings.append(finding)

    def bind(self, target: ast.AST, value: Any) -> None:
        """Keep what a target of an assignment stands for from here on."""
        if isinstance(target, ast.Name):
            self.scopes[-1][target.id] = value
        elif isinstance(target, ast.Tuple | ast.List):
            values = value if isinstance(value, tuple) else ()
            for i, part in enumerate(target.elts):
                self.bind(part, values[i] if len(values) == len(target.elts) else None)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, None)
        else:
            self.value(target)

    @contextlib.contextmanager
    def scope(self, *names_within: str) -> Iterator[None]:
        """Enter a scope, of a function or a class, in which some names are not known yet."""
        self.scopes.append(dict.fromkeys(names_within))
        yield
        self.scopes.pop()

    def resolve(self, node: ast.AST, path: str) -> Any:
        """Return what a path of Keras or TensorFlow is, and note it, unless it is a module on the way to more."""
        found = vocabulary.find(path)
        if found is not vocabulary.MISSING:
            name = shown(vocabulary.canonical(path))
            self.note(node, name)
            return Thing(name, found)
        if vocabulary.is_face(path):
            return Module(path)
        self.note(node, shown(vocabulary.canonical(path)), vocabulary.absence(path))
        return None

    # -- expressions --

    def visit(self, node: ast.AST) -> Any:
        """Visit a node: a name, or what begins with one, as an expression."""
        if isinstance(node, ast.Name | ast.Attribute | ast.Call):
            return self.value(node)
        return super().visit(node)

    def value(self, node: ast.AST) -> Any:
        """Visit an expression and return what it is, as far as that is known."""
        if isinstance(node, ast.Name):
            return self.name(node)
        if isinstance(node, ast.Attribute):
            return self.attribute(node, self.value(node.value))
        if isinstance(node, ast.Call):
            return self.call(node)
        if isinstance(node, ast.Tuple):
            return tuple(self.value(part) for part in node.elts)
        self.visit(node)
        return None

    def name(self, node: ast.Name) -> Any:
        """Return what a name stands for, in the innermost scope that has it."""
        for scope in reversed(self.scopes):
            if node.id in scope:
                value = scope[node.id]
                starred = isinstance(value, tuple) and value[:1] == ("from",)
                return self.resolve(node, value[1]) if starred else value
        return None

    def attribute(self, node: ast.Attribute, base: Any) -> Any:
        """Return what an attribute of a thing is."""
        if isinstance(base, Module):
            return self.resolve(node, f"{base.path}.{node.attr}")
        if isinstance(base, Thing):
            return self.member(node, base.name, base.value, frozenset())
        if isinstance(base, Instance):
            return self.member(node, base.name, base.cls, base.own)
        if isinstance(base, UserClass):
            return self.member(node, base.name, base.base, base.own)
        return None

    def member(self, node: ast.Attribute, name: str, owner: Any, own: frozenset[str]) -> Any:
        """Return a member of one of ours, and note it; what the program gives it itself is not known."""
        if node.attr in own:
            return None
        if isinstance(owner, type) and node.attr in given_attributes(owner):
            return None
        if hasattr(owner, node.attr):
            self.note(node, f"{name}.{node.attr}")
            return Thing(f"{name}.{node.attr}", getattr(owner, node.attr))
        message = vocabulary.member_absence(owner, node.attr)
        if message is not None:
            self.note(node, f"{name}.{node.attr}", message)
        return None

    def call(self, node: ast.Call) -> Any:
        """Return what a call gives, and note arguments that nothing takes."""
        called = self.value(node.func)
        values = [self.value(a) for a in (*node.args, *(k.value for k in node.keywords))]
        if isinstance(called, UserClass):
            return Instance(called.name, called.base, called.own)
        if isinstance(called, Function):
            return self.enter(called, node, values)
        if isinstance(called, Thing) and (refused := refused_value(called.name, node)):
            self.note(node, *refused)
        if not isinstance(called, Thing) or not callable(called.value):
            return None
        self.keywords(node, called)
        if isinstance(called.value, type):
            return Instance(called.name, called.value)
        with contextlib.suppress(Exception):  # annotations that cannot be read say nothing
            returned = typing.get_type_hints(called.value).get("return")
            if isinstance(returned, type) and returned.__module__.startswith("trivium."):
                return Instance(class_name(returned), returned)
        return None

    def keywords(self, node: ast.Call, called: Thing) -> None:
        """Note arguments that what is called does not take."""
        parameters = accepted(called.value)
        if parameters is None:
            return
        for keyword in node.keywords:
            if keyword.arg is not None and keyword.arg not in parameters:
                older = (
                    isinstance(called.value, type) and f"{class_name(called.value)}.{keyword.arg}"
                )
                hint = (older and hint_for(older, exact=True)) or suggest(keyword.arg, parameters)
                note = f"{called.name}: there is no argument {keyword.arg!r}."
                full = f"{note} {hint}" if "?" in hint or "Keras 3" in hint else note
                self.note(keyword.value, f"{called.name}({keyword.arg}=)", full)

    # -- functions of the program --

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Read a function of the program, and keep what it returns."""
        own, self.own = self.own, None
        for decorator in node.decorator_list:
            self.value(decorator)
        self.scopes[-1][node.name] = None
        outer, self.returned = self.returned, []
        self.function(node.args, node.body, own)
        # What it returns is known where that is one thing, and nothing comes between it and its caller.
        if isinstance(node, ast.FunctionDef) and not node.decorator_list:
            self.scopes[-1][node.name] = Function(self.one_return(), node)
        self.returned = outer
        if node.returns is not None:
            self.value(node.returns)

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]

    def visit_Return(self, node: ast.Return) -> None:
        """Note what a function returns."""
        self.returned.append(self.value(node.value) if node.value is not None else None)

    def one_return(self) -> Any:
        """Return what a function that has been read returns, if it is one kind of thing."""
        kinds = self.returned
        return kinds[0] if kinds and all(r == kinds[0] for r in kinds) else None

    def enter(self, function: Function, call: ast.Call, values: list[Any]) -> Any:
        """Read a function of the program again for what a call gives it, and return what it returns then."""
        node = function.node
        known = any(v is not None for v in values)
        if node is None or not known or node in self.entered or len(self.entered) > _DEEPEST:
            return function.returned
        names_given = [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
        plain = [
            None if isinstance(a, ast.Starred) else v
            for a, v in zip(call.args, values, strict=False)
        ]
        given = dict(zip(names_given, plain, strict=False))
        named = values[len(call.args) :]
        given |= {k.arg: v for k, v in zip(call.keywords, named, strict=True) if k.arg is not None}
        outer, self.returned = self.returned, []
        self.entered.append(node)
        self.function(node.args, node.body, given=given)
        self.entered.pop()
        returned, self.returned = self.one_return(), outer
        return returned

    def function(
        self,
        arguments: ast.arguments,
        body: list[ast.stmt] | ast.expr,
        own: Any = None,
        given: dict[str, Any] | None = None,
    ) -> None:
        """Read a function's arguments and its body, in a scope of its own.

        Args:
            arguments: Its arguments.
            body: Its statements; a lambda's expression.
            own: What its first argument is, for a method.
            given: What a call gives for its arguments, by their names.
        """
        taken = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        for expression in [*arguments.defaults, *arguments.kw_defaults]:
            if expression is not None:
                self.value(expression)
        for argument in taken:
            if argument.annotation is not None:
                self.value(argument.annotation)
        rest = [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
        with self.scope(*(a.arg for a in taken + rest)):
            if own is not None and taken:
                self.scopes[-1][taken[0].arg] = own
            self.scopes[-1].update(given or {})
            for statement in body if isinstance(body, list) else [body]:
                self.visit(statement)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """Read a lambda."""
        self.function(node.args, node.body)
