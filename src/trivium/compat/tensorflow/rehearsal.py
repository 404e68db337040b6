"""Calls of a program's function for what it gives, whose writes are taken back.

Compiled code has to know the shape of what Python's function will give it. TensorFlow does not run the function before
it has values, so nobody may notice that we do.
"""

from __future__ import annotations

import contextlib
import io
import random
from collections.abc import Callable, Iterator
from types import CellType, FunctionType, MethodType
from typing import Any

import jax
import numpy as np

from trivium.graph.errors import is_foreign
from trivium.state.undo import undone_on_error
from trivium.state.variable import Variable

__all__ = ["rehearsed"]


class _Over(Exception):
    """The call has ended: what it did is taken back."""


@contextlib.contextmanager
def rehearsed(function: Callable[..., Any]) -> Iterator[None]:
    """Take back what a function does in the `with` block to Python's objects and to variables, and print nothing.

    That is what its code can reach by names: variables in its own and the outer functions, attributes, lists, dicts,
    sets and arrays in them, and the random generators. Files stay written.

    Args:
        function: The function, which is called in the block.

    Example:
        >>> seen = []
        >>> def note(x):
        ...     seen.append(x)
        >>> with rehearsed(note):
        ...     note(1)
        >>> seen
        []
    """
    restore: list[Callable[[], object]] = []
    _note(function, restore, {})
    numbers, mine = np.random.get_state(), random.getstate()
    try:
        with (
            contextlib.suppress(_Over),
            contextlib.redirect_stdout(io.StringIO()),
            undone_on_error(),
        ):
            yield
            raise _Over
    finally:
        np.random.set_state(numbers)
        random.setstate(mine)
        for back in restore:
            back()


def _note(thing: Any, restore: list[Callable[[], object]], seen: dict[int, Any]) -> None:
    """Note how an object, and all that it holds or names, is made again what it is."""
    if id(thing) in seen or isinstance(thing, str | bytes | int | float | type | jax.Array):
        return
    seen[id(thing)] = thing
    if isinstance(thing, MethodType):
        _note(thing.__self__, restore, seen)
        _note(thing.__func__, restore, seen)
    elif isinstance(thing, FunctionType):
        if not is_foreign(thing.__code__.co_filename):
            _note_names(thing, restore, seen)
    elif isinstance(thing, Variable):
        value = thing.kept_value
        restore.append(lambda: thing.assign(value) if thing.kept_value is not value else None)
    elif isinstance(thing, np.ndarray):
        if thing.flags.writeable:
            kept = thing.copy()
            restore.append(lambda: np.copyto(thing, kept))
    elif isinstance(thing, list | dict | set | bytearray):
        _note_container(thing, restore, seen)
    elif isinstance(thing, tuple):
        for part in thing:
            _note(part, restore, seen)
    elif not is_foreign(_file_of(type(thing))) and hasattr(thing, "__dict__"):
        _note_container(vars(thing), restore, seen)
        for method in vars(type(thing)).values():
            _note(method, restore, seen)


def _file_of(cls: type) -> str:
    """Return the file that a class of a program is written in; a library's for all others."""
    for function in vars(cls).values():
        if isinstance(function, FunctionType):
            return function.__code__.co_filename
    return "site-packages"


def _note_container(thing: Any, restore: list[Callable[[], object]], seen: dict[int, Any]) -> None:
    kept = thing.copy()

    def back() -> None:
        if isinstance(thing, list | bytearray):
            thing[:] = kept
        else:
            thing.clear()
            thing.update(kept)

    restore.append(back)
    if not isinstance(thing, bytearray):
        for part in thing.values() if isinstance(thing, dict) else list(thing):
            _note(part, restore, seen)


def _note_names(
    function: FunctionType, restore: list[Callable[[], object]], seen: dict[int, Any]
) -> None:
    """Note what a function's code names: globals, and variables of the functions around it."""
    names, codes = set[str](), [function.__code__]
    while codes:
        code = codes.pop()
        names.update(code.co_names)
        codes.extend(c for c in code.co_consts if hasattr(c, "co_names"))
    space = function.__globals__
    for name in names & space.keys():
        value = space[name]

        def rebind(name: str = name, value: Any = value) -> None:
            space[name] = value

        restore.append(rebind)
        _note(value, restore, seen)
    for cell in function.__closure__ or ():
        with contextlib.suppress(ValueError):  # It is empty.
            value = cell.cell_contents

            def refill(cell: CellType = cell, value: Any = value) -> None:
                cell.cell_contents = value

            restore.append(refill)
            _note(value, restore, seen)
