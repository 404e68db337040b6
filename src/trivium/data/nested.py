"""Nested structures: dicts, lists and tuples of arrays, walked in the order they were written in.

`jax.tree.map` sorts the keys of a dict; a model's `call` may count on the order in which they came.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = ["is_nested", "item_name", "map_leaves", "named_leaves", "rebuild"]


def is_nested(value: Any) -> bool:
    """Say whether a value is a dict, a list or a tuple.

    Example:
        >>> is_nested([1]), is_nested(1)
        (True, False)
    """
    return isinstance(value, Mapping | list | tuple)


def item_name(name: str, key: Any) -> str:
    """Return the name of one entry of a nested structure, as Python would reach it.

    Example:
        >>> item_name("x", "image"), item_name("y", 1)
        ('x["image"]', 'y[1]')
    """
    return f"{name}[{json.dumps(key, ensure_ascii=False) if isinstance(key, str) else repr(key)}]"


def rebuild(like: list | tuple, parts: list[Any]) -> Any:
    """Return a list, tuple or named tuple of the same kind with other entries.

    Example:
        >>> rebuild((1, 2), [3, 4])
        (3, 4)
    """
    if isinstance(like, list):
        return parts
    return type(like)(*parts) if hasattr(like, "_fields") else tuple(parts)


def named_leaves(structure: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of a nested structure, arrays and `None`, with their names.

    Args:
        structure: The structure.
        name: The name of the whole, e.g. `"x"`.

    Example:
        >>> [n for n, _ in named_leaves({"image": 1, "tags": [2]}, "x")]
        ['x["image"]', 'x["tags"][0]']
    """
    if not is_nested(structure):
        yield name, structure
        return
    entries = structure.items() if isinstance(structure, Mapping) else enumerate(structure)
    for key, value in entries:
        yield from named_leaves(value, item_name(name, key))


def map_leaves(function: Callable[[Any], Any], structure: Any) -> Any:
    """Return the structure with `function` of each leaf; `None` stays `None`.

    Example:
        >>> map_leaves(abs, {"b": -1, "a": [None, -2]})
        {'b': 1, 'a': [None, 2]}
    """
    if isinstance(structure, Mapping):
        return {key: map_leaves(function, value) for key, value in structure.items()}
    if isinstance(structure, list | tuple):
        return rebuild(structure, [map_leaves(function, value) for value in structure])
    return None if structure is None else function(structure)
