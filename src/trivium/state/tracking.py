"""Tracking: what an object is made of, found by looking through its attributes, and through containers among them.

Nothing is wrapped or hooked: what an attribute holds now is what the object has now. A class says by `_tracked_as`
which kind of member its objects are, so that one look finds all kinds, and the ground floor knows layers without
importing them.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import types
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

__all__ = [
    "LAYERS",
    "METRICS",
    "SEEDS",
    "VARIABLES",
    "Members",
    "attributes",
    "contents",
    "in_one_look",
    "members",
    "one_look",
    "unique",
]

T = TypeVar("T")

# What a class sets `_tracked_as` to: the places in `Members`.
LAYERS, VARIABLES, SEEDS, METRICS = range(4)

# Most attributes are one of these, and hold nothing.
_PLAIN = frozenset(
    {
        type(None), bool, int, float, complex, str, bytes, type,
        types.FunctionType, types.BuiltinFunctionType, types.MethodType, weakref.ref,
    }
)  # fmt: skip


class Members(NamedTuple):
    """What an object holds directly, each thing once, in the order of assignment."""

    layers: list[Any]
    variables: list[Any]
    seeds: list[Any]
    metrics: list[Any]


class _Local(threading.local):
    def __init__(self) -> None:
        self.seen: dict[Any, tuple[Any, Any]] | None = None


_local = _Local()


@contextlib.contextmanager
def one_look() -> Iterator[None]:
    """Look at each object once at most while the `with` block lasts.

    What belongs to a model is asked for several times on the way into a step. Within the block all of these questions
    share one walk. Nothing may be built or assigned there: lists are plain lists, so nobody would notice.

    Example:
        >>> class Box:
        ...     pass
        >>> box = Box()
        >>> with one_look():
        ...     members(box) is members(box)
        True
    """
    if _local.seen is not None:
        yield
        return
    _local.seen = {}
    try:
        yield
    finally:
        _local.seen = None


def in_one_look(function: Callable[[Any], list[T]]) -> Callable[[Any], list[T]]:
    """Make a method without arguments, that returns a list, run once for each object within `one_look`."""

    @functools.wraps(function)
    def asked(self: Any) -> list[T]:
        seen = _local.seen
        if seen is None:
            return function(self)
        key = (id(self), function)
        if key not in seen:
            # The object is kept so that its id stays its own.
            seen[key] = (self, function(self))
        return list(seen[key][1])

    return asked


def members(owner: Any) -> Members:
    """Return what an object holds directly.

    Args:
        owner: The object; its `_untracked`, if it has one, names the attributes to pass over.

    Example:
        >>> from trivium.state import Variable
        >>> class Box:
        ...     def __init__(self):
        ...         self.parts = [Variable(1.0, name="a"), {"more": (Variable(2.0, name="b"),)}]
        >>> [v.name for v in members(Box()).variables]
        ['a', 'b']
    """
    seen = _local.seen
    if seen is None:
        return _look(owner)
    if id(owner) not in seen:
        seen[id(owner)] = (owner, _look(owner))
    found: Members = seen[id(owner)][1]
    return found


def _look(owner: Any) -> Members:
    found: tuple[dict[int, Any], ...] = ({}, {}, {}, {})
    skip = getattr(owner, "_untracked", ())
    # Each call of `fit` and `predict` comes here for every layer, so this loop is what a large model costs.
    for name, value in vars(owner).items():
        if type(value) not in _PLAIN and name not in skip:
            _take(value, found)
    return Members(*(list(kind.values()) for kind in found))


def _take(value: Any, found: tuple[dict[int, Any], ...]) -> None:
    kind = getattr(type(value), "_tracked_as", None)
    if kind is not None:
        found[kind][id(value)] = value
        return
    for inner in contents(value) or ():
        if type(inner) not in _PLAIN:
            _take(inner, found)


def contents(value: Any) -> Iterable[Any] | None:
    """Return what a container holds, a dict's values; `None` for anything that is no container."""
    if isinstance(value, list | tuple | set):
        return value
    return value.values() if isinstance(value, dict) else None


def attributes(owner: Any) -> dict[str, Any]:
    """Return an object's attributes by name, without those that its `_untracked` names."""
    skip = getattr(owner, "_untracked", ())
    return {name: value for name, value in vars(owner).items() if name not in skip}


def unique(items: Iterable[T]) -> list[T]:
    """Return each object once, by identity, in order."""
    return list({id(item): item for item in items}.values())
