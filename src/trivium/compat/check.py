"""Reading a program without running it: what of Keras and TensorFlow it uses, and what of that is covered."""

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
import textwrap
import tokenize
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trivium.compat import names, vocabulary
from trivium.compat.arguments import accepted
from trivium.compat.cells import cells_of, parsed
from trivium.compat.errors import NotCovered
from trivium.compat.hints import REFUSED_PACKAGES, hint_for
from trivium.compat.names import shown
from trivium.compat.older import applied
from trivium.compat.values import refused_value
from trivium.compat.vocabulary import class_name
from trivium.state.registry import suggest

__all__ = ["Finding", "check_script"]


@dataclass(frozen=True)
class Finding:
    """One use of a name of Keras or TensorFlow.

    Args:
        file: The file.
        line: The line.
        name: What is used there.
        covered: Whether Trivium covers it.
        note: What is to be said where it does not.

    Example:
        >>> Finding("model.py", 3, "keras.layers.Dense", True).covered
        True
    """

    file: str
    line: int
    name: str
    covered: bool
    note: str = ""


def check_script(script: str | Path) -> list[Finding]:
    """Read a program, and the modules beside it that it imports.

    What a variable holds is followed as far as it is plain: `model = keras.Sequential(...)` is a model, what a
    function was given is not known.

    Args:
        script: The program's file, or a notebook's.

    Returns:
        What it uses, in the order of its files' lines.

    Raises:
        NotCovered: The file cannot be read as Python.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     script = Path(folder) / "train.py"
        ...     _ = script.write_text("import tensorflow as tf\\nscope = tf.distribute.TPUStrategy().scope()")
        ...     [(f.line, f.name, f.covered) for f in check_script(script)]
        [(2, 'tf.distribute.TPUStrategy', False)]
    """
    with applied():  # what Keras 2's objects had counts as theirs
        return _read(Path(script))


def _read(script: Path) -> list[Finding]:
    folder = script.resolve().parent
    findings: list[Finding] = []
    waiting, seen = [script], set[Path]()
    while waiting:
        path = waiting.pop(0)
        if path.resolve() in seen:
            continue
        seen.add(path.resolve())
        reader = _Reader(str(path), folder)
        for reader.file, tree in _parse(path):
            reader.findings = []
            reader.visit(tree)
            found = dict.fromkeys(reader.findings)
            findings += sorted(found, key=lambda f: (f.line, f.name))
        waiting += reader.imported
    return findings


def _parse(path: Path) -> Iterator[tuple[str, ast.Module]]:
    """Yield a program's file by its name, or a notebook's cells by theirs."""
    if path.suffix == ".ipynb":
        for cell in cells_of(path):
            yield f"{path}, cell {cell.number}", parsed(cell, path)
        return
    try:
        with tokenize.open(path) as file:
            yield str(path), ast.parse(file.read(), str(path))
    except OSError as error:
        raise NotCovered(f"{str(path)!r} cannot be read: {error.strerror}.", "") from None
    except (SyntaxError, UnicodeDecodeError) as error:
        line = getattr(error, "lineno", None)
        place = f"{path}, line {line}" if line else str(path)
        reason = getattr(error, "msg", None) or error
        raise NotCovered(f"{place}: this is not Python ({reason}).", "") from None


# -- what an expression is --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Module:
    """A module of Keras or TensorFlow."""

    path: str


@dataclass(frozen=True, eq=False)
class _Thing:
    """A class, function or value that is covered."""

    name: str
    value: Any


@dataclass(frozen=True)
class _Instance:
    """An object of a class; `own` are the names that the program itself gives it."""

    name: str
    cls: type
    own: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Function:
    """A function of the program, and the one kind of thing that it returns, if it is one."""

    returned: Any
    node: ast.FunctionDef | None = field(default=None, compare=False)


@dataclass(frozen=True)
class _UserClass:
    """A class of the program, derived from one of ours."""

    name: str
    base: type
    own: frozenset[str]


class _Reader(ast.NodeVisitor):
    def __init__(self, file: str, folder: Path) -> None:
        self.file, self.folder = file, folder
        self.findings: list[Finding] = []
        self.imported: list[Path] = []
        self.scopes: list[dict[str, Any]] = [{}]
        self.own: _Instance | None = None
        self.returned: list[Any] = []
        self.entered: list[
            ast.FunctionDef
        ] = []  # those that are read again for what a call gives them

    # -- names --

    def note(self, node: ast.AST, name: str, note: str = "") -> None:
        finding = Finding(self.file, getattr(node, "lineno", 0), name, not note, note)
        if not self.entered or finding not in self.findings:
            self.findings.append(finding)

    def bind(self, target: ast.AST, value: Any) -> None:
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
        self.scopes.append(dict.fromkeys(names_within))
        yield
        self.scopes.pop()

    def resolve(self, node: ast.AST, path: str) -> Any:
        """Return what a path of Keras or TensorFlow is, and note it, unless it is a module on the way to more."""
        found = vocabulary.find(path)
        if found is not vocabulary.MISSING:
            name = shown(vocabulary.canonical(path))
            self.note(node, name)
            return _Thing(name, found)
        if vocabulary.is_face(path):
            return _Module(path)
        self.note(node, shown(vocabulary.canonical(path)), vocabulary.absence(path))
        return None

    # -- imports --

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            root = alias.name.partition(".")[0]
            if root not in vocabulary.ROOTS and root not in REFUSED_PACKAGES:
                self.follow(alias.name)
                self.scopes[-1][alias.asname or root] = None
                continue
            module = self.resolve(node, alias.name) if alias.name != root else _Module(root)
            if root in REFUSED_PACKAGES:
                module = self.resolve(node, alias.name)
            self.scopes[-1][alias.asname or root] = module if alias.asname else _Module(root)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        root = module.partition(".")[0]
        if node.level or (root not in vocabulary.ROOTS and root not in REFUSED_PACKAGES):
            self.follow(module)
            for alias in node.names:
                self.follow(f"{module}.{alias.name}".lstrip("."))
                self.scopes[-1][alias.asname or alias.name] = None
            return
        for alias in node.names:
            if alias.name == "*":
                path = vocabulary.canonical(module)
                for name in {*names.names_in(path), *vocabulary.public_names(path)}:
                    self.scopes[0].setdefault(name, ("from", f"{module}.{name}"))
            else:
                self.scopes[-1][alias.asname or alias.name] = self.resolve(
                    node, f"{module}.{alias.name}"
                )

    def follow(self, module: str) -> None:
        """Read a module of the program too, if it lies beside it."""
        place = self.folder.joinpath(*module.split("."))
        for path in (place.with_suffix(".py"), place / "__init__.py"):
            if module and path.is_file():
                self.imported.append(path)

    # -- statements --

    def visit_Assign(self, node: ast.Assign) -> None:
        value = self.value(node.value)
        for target in node.targets:
            self.bind(target, value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.value(node.annotation)
        self.bind(node.target, self.value(node.value) if node.value else None)

    def visit_With(self, node: ast.With) -> None:
        for item in node.items:
            value = self.value(item.context_expr)
            if item.optional_vars is not None:
                self.bind(item.optional_vars, value)
        for statement in node.body:
            self.visit(statement)

    def visit_For(self, node: ast.For) -> None:
        self.value(node.iter)
        self.bind(node.target, None)
        for statement in node.body + node.orelse:
            self.visit(statement)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for decorator in node.decorator_list:
            self.value(decorator)
        bases = [self.value(base) for base in node.bases]
        made: Any = None
        for base in bases:
            if isinstance(base, _Thing) and isinstance(base.value, type):
                made = _UserClass(base.name, base.value, _own_names(node))
            elif isinstance(base, _UserClass):
                made = _UserClass(base.name, base.base, base.own | _own_names(node))
        self.scopes[-1][node.name] = made
        with self.scope():
            for statement in node.body:
                # A method's first argument is an object of the class.
                method = made is not None and isinstance(statement, ast.FunctionDef)
                self.own = _Instance(made.name, made.base, made.own) if method else None
                self.visit(statement)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        own, self.own = self.own, None
        for decorator in node.decorator_list:
            self.value(decorator)
        self.scopes[-1][node.name] = None
        outer, self.returned = self.returned, []
        self.function(node.args, node.body, own)
        # What it returns is known where that is one thing, and nothing comes between it and its caller.
        if isinstance(node, ast.FunctionDef) and not node.decorator_list:
            self.scopes[-1][node.name] = _Function(self.one_return(), node)
        self.returned = outer
        if node.returns is not None:
            self.value(node.returns)

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]

    def visit_Return(self, node: ast.Return) -> None:
        self.returned.append(self.value(node.value) if node.value is not None else None)

    def one_return(self) -> Any:
        """Return what a function that has been read returns, if it is one kind of thing."""
        kinds = self.returned
        return kinds[0] if kinds and all(r == kinds[0] for r in kinds) else None

    def enter(self, function: _Function, call: ast.Call, values: list[Any]) -> Any:
        """Read a function of the program again for what a call gives it, and return what it returns then."""
        node = function.node
        known = any(v is not None for v in values)
        if node is None or not known or node in self.entered or len(self.entered) > 4:
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
        self.function(node.args, node.body)

    # -- expressions --

    def visit(self, node: ast.AST) -> Any:
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
        for scope in reversed(self.scopes):
            if node.id in scope:
                value = scope[node.id]
                starred = isinstance(value, tuple) and value[:1] == ("from",)
                return self.resolve(node, value[1]) if starred else value
        return None

    def attribute(self, node: ast.Attribute, base: Any) -> Any:
        if isinstance(base, _Module):
            return self.resolve(node, f"{base.path}.{node.attr}")
        if isinstance(base, _Thing):
            return self.member(node, base.name, base.value, frozenset())
        if isinstance(base, _Instance):
            return self.member(node, base.name, base.cls, base.own)
        if isinstance(base, _UserClass):
            return self.member(node, base.name, base.base, base.own)
        return None

    def member(self, node: ast.Attribute, name: str, owner: Any, own: frozenset[str]) -> Any:
        if node.attr in own:
            return None
        if isinstance(owner, type) and node.attr in _given_attributes(owner):
            return None
        if hasattr(owner, node.attr):
            self.note(node, f"{name}.{node.attr}")
            return _Thing(f"{name}.{node.attr}", getattr(owner, node.attr))
        message = vocabulary.member_absence(owner, node.attr)
        if message is not None:
            self.note(node, f"{name}.{node.attr}", message)
        return None

    def call(self, node: ast.Call) -> Any:
        called = self.value(node.func)
        values = [self.value(a) for a in (*node.args, *(k.value for k in node.keywords))]
        if isinstance(called, _UserClass):
            return _Instance(called.name, called.base, called.own)
        if isinstance(called, _Function):
            return self.enter(called, node, values)
        if isinstance(called, _Thing) and (refused := refused_value(called.name, node)):
            self.note(node, *refused)
        if not isinstance(called, _Thing) or not callable(called.value):
            return None
        self.keywords(node, called)
        if isinstance(called.value, type):
            return _Instance(called.name, called.value)
        with contextlib.suppress(Exception):  # annotations that cannot be read say nothing
            returned = typing.get_type_hints(called.value).get("return")
            if isinstance(returned, type) and returned.__module__.startswith("trivium."):
                return _Instance(class_name(returned), returned)
        return None

    def keywords(self, node: ast.Call, called: _Thing) -> None:
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


@functools.cache
def _given_attributes(cls: type) -> frozenset[str]:
    """Return the names that objects of a class of ours have beyond those of the class."""
    found: set[str] = set()
    for base in cls.__mro__:
        found |= set(inspect.get_annotations(base))
        if not base.__module__.startswith("trivium."):
            continue
        with contextlib.suppress(
            OSError
        ):  # One made by `type(…)` has no text; those above it have.
            (tree,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
            assert isinstance(tree, ast.ClassDef)
            found |= _own_names(tree) - set(base.__dict__)
    return frozenset(found)


def _own_names(node: ast.ClassDef) -> frozenset[str]:
    """Return the names that a class defines, or gives to `self` somewhere."""
    names_within = set()
    for part in ast.walk(node):
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            names_within.add(part.name)
        elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            names_within.add(part.id)
        elif isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store):
            names_within.add(part.attr)
    return frozenset(names_within)
