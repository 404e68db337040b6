"""What an expression of a program can be, as far as Keras and TensorFlow are concerned."""

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
import textwrap
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Function", "Instance", "Module", "Thing", "UserClass", "given_attributes", "own_names"]


@dataclass(frozen=True)
class Module:
    """A module of Keras or TensorFlow."""

    path: str


@dataclass(frozen=True, eq=False)
class Thing:
    """A class, function or value that is covered."""

    name: str
    value: Any


@dataclass(frozen=True)
class Instance:
    """An object of a class; `own` are the names that the program itself gives it."""

    name: str
    cls: type
    own: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Function:
    """A function of the program, and the one kind of thing that it returns, if it is one."""

    returned: Any
    node: ast.FunctionDef | None = field(default=None, compare=False)


@dataclass(frozen=True)
class UserClass:
    """A class of the program, derived from one of ours."""

    name: str
    base: type
    own: frozenset[str]


@functools.cache
def given_attributes(cls: type) -> frozenset[str]:
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
            found |= own_names(tree) - set(base.__dict__)
    return frozenset(found)


def own_names(node: ast.ClassDef) -> frozenset[str]:
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
