"""Going through a program: its imports, what it assigns, its classes and functions."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from trivium.compat import names, vocabulary
from trivium.compat.hints import REFUSED_PACKAGES
from trivium.compat.reading.expressions import Expressions
from trivium.compat.reading.meanings import Instance, Module, Thing, UserClass, own_names

__all__ = ["Reader"]


class Reader(Expressions):
    """Reads a file, and notes the modules beside it that it imports.

    Args:
        file: The file's name, for the findings.
        folder: Where the program's modules lie.
    """

    def __init__(self, file: str, folder: Path) -> None:
        super().__init__(file)
        self.folder = folder
        self.imported: list[Path] = []

    # -- imports --

    def visit_Import(self, node: ast.Import) -> None:
        """Keep what `import` brings, and follow it to modules of the program."""
        for alias in node.names:
            root = alias.name.partition(".")[0]
            if root not in vocabulary.ROOTS and root not in REFUSED_PACKAGES:
                self.follow(alias.name)
                self.scopes[-1][alias.asname or root] = None
                continue
            module = self.resolve(node, alias.name) if alias.name != root else Module(root)
            if root in REFUSED_PACKAGES:
                module = self.resolve(node, alias.name)
            self.scopes[-1][alias.asname or root] = module if alias.asname else Module(root)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Keep what `from ... import` brings, likewise."""
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
        """Keep what an assignment gives to its targets."""
        value = self.value(node.value)
        for target in node.targets:
            self.bind(target, value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """Keep what an assignment with an annotation gives to its target."""
        self.value(node.annotation)
        self.bind(node.target, self.value(node.value) if node.value else None)

    def visit_With(self, node: ast.With) -> None:
        """Keep what `with ... as` names."""
        for item in node.items:
            value = self.value(item.context_expr)
            if item.optional_vars is not None:
                self.bind(item.optional_vars, value)
        for statement in node.body:
            self.visit(statement)

    def visit_For(self, node: ast.For) -> None:
        """Read a loop; what it goes through is not known."""
        self.value(node.iter)
        self.bind(node.target, None)
        for statement in node.body + node.orelse:
            self.visit(statement)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Read a class of the program, and keep which of ours it is derived from."""
        for decorator in node.decorator_list:
            self.value(decorator)
        bases = [self.value(base) for base in node.bases]
        made: Any = None
        for base in bases:
            if isinstance(base, Thing) and isinstance(base.value, type):
                made = UserClass(base.name, base.value, own_names(node))
            elif isinstance(base, UserClass):
                made = UserClass(base.name, base.base, base.own | own_names(node))
        self.scopes[-1][node.name] = made
        with self.scope():
            for statement in node.body:
                # A method's first argument is an object of the class.
                method = made is not None and isinstance(statement, ast.FunctionDef)
                self.own = Instance(made.name, made.base, made.own) if method else None
                self.visit(statement)
