"""Finding what a layer is made of by looking through its attributes, lists, tuples and dicts included.

Nothing is wrapped or hooked: what an attribute holds now is what the layer has now.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

__all__ = ["tracked", "unique"]

T = TypeVar("T")


def tracked(owner: Any, kind: type[T]) -> Iterator[T]:
    """Yield the objects of a kind among an object's attributes, in the order of assignment.

    Args:
        owner: The object; its `_untracked` names the attributes to pass over.
        kind: A class, or a tuple of classes.
    """
    skip = owner._untracked
    for name, value in vars(owner).items():
        if name not in skip:
            yield from _walk(value, kind)


def _walk(value: Any, kind: type[T]) -> Iterator[T]:
    if isinstance(value, kind):
        yield value
    elif isinstance(value, list | tuple | set):
        for item in value:
            yield from _walk(item, kind)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _walk(item, kind)


def unique(items: Any) -> list[Any]:
    """Return each object once, by identity, in order."""
    return list({id(item): item for item in items}.values())
