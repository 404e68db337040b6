"""Tracking: what an object is made of, found by looking through its attributes, and through containers among them.

Nothing is wrapped or hooked: what an attribute holds now is what the object has now. A class says by `_tracked_as`
which kind of member its objects are, so that one look finds all kinds, and the ground floor knows layers without
importing them.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

from trivium.state.frame import current_frame, entered

__all__ = [
    "LAYERS",
    "METRICS",
    "REPORTS",
    "SEEDS",
    "VARIABLES",
    "Members",
    "attributes",
    "contents",
    "in_one_look",
    "lasts",
    "members",
    "one_look",
    "role_of",
    "unique",
]

T = TypeVar("T")

# What a class sets `_tracked_as` to: the places in `Members`.
LAYERS, VARIABLES, SEEDS, METRICS = range(4)

# What work with an object has left on it, as `fit` does: another one of these makes no other object.
REPORTS = -2

_NOTHING, _CONTAINER = -1, 4
_CONTAINERS = (list, tuple, set, dict)
# What the objects of a class are to whoever holds them. Only classes that last as long as the process are remembered.
_roles: dict[type, int] = {}
# Those that are none, which nearly all attributes are: one look into a set passes them over.
_nothing: set[type] = set()
_LASTING = ("builtins", "weakref", "functools", "numpy", "jax", "jaxlib", "trivium")


def lasts(kind: type) -> bool:
    """Say whether a class surely lasts as long as the process, so that it may be remembered.

    Example:
        >>> def made():
        ...     class Mine:
        ...         pass
        ...     return Mine
        >>> lasts(dict), lasts(made())
        (True, False)
    """
    return str(kind.__module__).partition(".")[0] in _LASTING and "<" not in kind.__qualname__


def role_of(kind: type) -> int:
    """Return which kind of member the objects of a class are; a number below zero where they are none.

    Example:
        >>> role_of(int)
        -1
    """
    known = _roles.get(kind)
    if known is not None:
        return known
    role: int | None = getattr(kind, "_tracked_as", None)
    if role is None:
        role = _CONTAINER if issubclass(kind, _CONTAINERS) else _NOTHING
    if lasts(kind):
        _roles[kind] = role
        if role < 0:
            _nothing.add(kind)
    return role


class Members(NamedTuple):
    """What an object holds directly, each thing once, in the order of assignment."""

    layers: tuple[Any, ...]
    variables: tuple[Any, ...]
    seeds: tuple[Any, ...]
    metrics: tuple[Any, ...]


_EMPTY = Members((), (), (), ())


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
    if current_frame().seen is not None:
        yield
        return
    with entered(seen={}):
        yield


def in_one_look(function: Callable[[Any], list[T]]) -> Callable[[Any], list[T]]:
    """Make a method without arguments, that returns a list, run once for each object within `one_look`.

    Outside of one the method has one for itself: it asks the same objects several times.
    """

    @functools.wraps(function)
    def asked(self: Any) -> list[T]:
        seen = current_frame().seen
        if seen is None:
            with entered(seen={}):
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
    seen = current_frame().seen
    if seen is None:
        return _look(owner)
    if id(owner) not in seen:
        seen[id(owner)] = (owner, _look(owner))
    found: Members = seen[id(owner)][1]
    return found


def _look(owner: Any) -> Members:
    # Each call of `fit` and `predict` comes here for every layer, so these lines are what a large model costs: most
    # attributes hold nothing, and are passed over at the speed of a comprehension.
    skip = getattr(owner, "_untracked", ())
    holding = [v for n, v in vars(owner).items() if type(v) not in _nothing and n not in skip]
    if not holding:
        return _EMPTY
    found: list[dict[int, Any] | None] = [None, None, None, None]
    for value in holding:
        _take(value, found)
    return Members(*[() if kind is None else tuple(kind.values()) for kind in found])


def _take(value: Any, found: list[dict[int, Any] | None]) -> None:
    role = role_of(type(value))
    if role == _CONTAINER:
        if value:
            for inner in value.values() if isinstance(value, dict) else value:
                if type(inner) not in _nothing:
                    _take(inner, found)
    elif role >= 0:
        kind = found[role]
        if kind is None:
            kind = found[role] = {}
        kind[id(value)] = value


def contents(value: Any) -> Iterable[Any] | None:
    """Return what a container holds, a dict's values; `None` for anything that is no container."""
    if not isinstance(value, _CONTAINERS):
        return None
    return value.values() if isinstance(value, dict) else value


def attributes(owner: Any) -> dict[str, Any]:
    """Return an object's attributes by name, without those that its `_untracked` names."""
    skip = getattr(owner, "_untracked", ())
    return {name: value for name, value in vars(owner).items() if name not in skip}


def unique(items: Iterable[T]) -> list[T]:
    """Return each object once, by identity, in order."""
    return list({id(item): item for item in items}.values())
