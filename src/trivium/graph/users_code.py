"""What a user's code may do in a layer's call, read off the code: what it asks for, and whether it leaves something."""

from __future__ import annotations

import dataclasses
import dis
import types
import weakref
from collections.abc import Iterator
from typing import Any, TypeAlias

__all__ = ["Code", "code_of", "in_library", "is_ours", "names_in"]

# What runs before a layer is called, or beside it.
_BEFORE_CALLS = frozenset(
    {"__init__", "build", "get_config", "from_config", "get_build_config", "build_from_config",
     "compute_output_shape", "save_own_variables", "load_own_variables"}
)  # fmt: skip
_STORES = frozenset({"STORE_ATTR", "STORE_GLOBAL", "DELETE_ATTR", "STORE_SUBSCR"})
_CHANGES = frozenset(
    {"append", "extend", "insert", "update", "setdefault", "setattr", "__dict__", "__setattr__", "pop", "next"}
)  # fmt: skip

# What gets arrays, and no layers.
_OF_ARRAYS = frozenset({"jax", "numpy"})

_Around: TypeAlias = tuple[types.CodeType, dict[str, Any]]

_LIBRARY = __name__.partition(".")[0]


def in_library(module: Any) -> bool:
    """Say whether a module, by its name, is the library's.

    Args:
        module: The name; `None` where there is none.

    Example:
        >>> in_library("trivium.layers.dense"), in_library("__main__")
        (True, False)
    """
    return str(module).partition(".")[0] == _LIBRARY


def is_ours(kind: type) -> bool:
    """Say whether a class is the library's, with attributes that can be looked at.

    Args:
        kind: The class.

    Example:
        >>> is_ours(Code), is_ours(dict)
        (True, False)
    """
    return in_library(kind.__module__) and hasattr(kind, "__dict__")


@dataclasses.dataclass(frozen=True)
class Code:
    """What is in the code of a user's class.

    Args:
        reads: The names in it, of attributes and of what stands outside.
        keeps: Whether a call leaves something on the layer or elsewhere: in a loop it would be one block's, and of no
            use outside.
    """

    reads: frozenset[str]
    keeps: bool


# By class, since reading code takes long; a class made while a program runs may go.
_known: weakref.WeakKeyDictionary[type, Code] = weakref.WeakKeyDictionary()


def code_of(kind: type) -> Code:
    """Return what is in the code of a class, its bases', and what is called by it; nothing of the library's.

    Args:
        kind: The class.

    Example:
        >>> def call(self, x):
        ...     return 2 * x if self.name == "double" else x
        >>> named = type("Named", (), {"call": call, "__module__": "mine"})
        >>> code_of(named).keeps, sorted(code_of(named).reads)
        (False, ['name'])
    """
    if kind not in _known:
        found = [code for each in kind.__mro__ for code in _written_in(each)]
        reads = frozenset(name for code in found for name in code.co_names)
        _known[kind] = Code(reads, any(map(_keeps, found)))
    return _known[kind]


def names_in(function: types.FunctionType) -> set[str]:
    """Return the names in the code of a function, and of those of its package that it calls.

    Args:
        function: The function.

    Example:
        >>> def half(layer):
        ...     return layer.seed / 2
        >>> sorted(names_in(lambda layer: half(layer)))
        ['half', 'seed']
    """
    home = _home(function)
    if home in _OF_ARRAYS:
        return set()
    return {name for code in _reached_by([_told_apart(function)], home) for name in code.co_names}


def _written_in(kind: type) -> Iterator[types.CodeType]:
    """Yield the code of a user's class that may run in a call, with functions inside it and those of its package."""
    if is_ours(kind) or kind is object:
        return
    home = _package(kind.__module__)
    for name, member in vars(kind).items():
        function = getattr(member, "__func__", getattr(member, "fget", member))
        while callable(function):  # Decorators, from the outermost on.
            further = getattr(function, "__wrapped__", None)
            if isinstance(function, types.FunctionType):
                codes = (
                    [_told_apart(function)] if further is None or _home(function) == home else []
                )
                yield from _reached_by(_made_in(codes) if name in _BEFORE_CALLS else codes, home)
            function = further


def _made_in(codes: list[_Around]) -> list[_Around]:
    """Return the functions that are made where code runs: a lambda may be what a call runs; a comprehension has run."""
    inside = [(c, around) for code, around in codes for c in _functions_in(code)]
    return [(c, a) for c, a in inside if c.co_name[0] != "<" or c.co_name == "<lambda>"]


def _reached_by(waiting: list[_Around], home: str) -> Iterator[types.CodeType]:
    """Yield code, that of the functions inside, and that of the functions of a package which are named in it."""
    seen: set[types.CodeType] = set()
    while waiting:
        code, around = waiting.pop()
        if code in seen:
            continue
        seen.add(code)
        yield code
        waiting += [(c, around) for c in _functions_in(code)]
        for name in {*code.co_names, *code.co_freevars}:
            named = around.get(name)
            if isinstance(named, types.FunctionType) and _home(named) == home:
                waiting.append(_told_apart(named))


def _told_apart(function: types.FunctionType) -> _Around:
    """Return a function's code, and what it finds by names."""
    around, cells = function.__globals__, function.__closure__ or ()
    if cells:
        closed = zip(function.__code__.co_freevars, cells, strict=True)
        around = around | {name: cell.cell_contents for name, cell in closed if _is_filled(cell)}
    return function.__code__, around


def _is_filled(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:  # A name that is not bound yet, as a class is while it is made.
        return False


def _home(function: types.FunctionType) -> str:
    # Not by its `__module__`, which `functools.wraps` takes from another function.
    return _package(function.__globals__.get("__name__"))


def _package(module: Any) -> str:
    return str(module).partition(".")[0]


def _functions_in(code: types.CodeType) -> list[types.CodeType]:
    return [c for c in code.co_consts if isinstance(c, types.CodeType)]


def _keeps(code: types.CodeType) -> bool:
    stores = any(i.opname in _STORES for i in dis.get_instructions(code))
    return stores or not _CHANGES.isdisjoint(code.co_names)
