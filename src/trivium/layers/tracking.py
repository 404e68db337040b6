"""Finding what a layer is made of by looking through its attributes, lists, tuples and dicts included.

Nothing is wrapped or hooked: what an attribute holds now is what the layer has now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

__all__ = ["tracked", "unique"]

T = TypeVar("T")
_SEQUENCES = (list, tuple, set)


def tracked(owner: Any, kind: type[T]) -> Iterator[T]:
    """Return the objects of a kind among an object's attributes, in the order of assignment.

    Args:
        owner: The object; its `_untracked` names the attributes to pass over.
        kind: A class, or a tuple of classes.
    """
    skip = owner._untracked
    return _within((value for name, value in vars(owner).items() if name not in skip), kind)


# Each call of `fit` and `predict` comes here for every layer: a generator for each container, none for each value.
def _within(values: Iterable[Any], kind: type[T]) -> Iterator[T]:
    for value in values:
        if isinstance(value, kind):
            yield value
        elif isinstance(value, _SEQUENCES):
            yield from _within(value, kind)
        elif isinstance(value, dict):
            yield from _within(value.values(), kind)


def unique(items: Any) -> list[Any]:
    """Return each object once, by identity, in order."""
    return list({id(item): item for item in items}.values())
