"""Trees: dicts, lists and tuples of arrays, walked in the order they were written in.

`jax.tree_util` sorts the keys of a dict, so a tree that went through it, as everything does that is compiled, comes out
in another order than it was written in. A user's code may count on that order (`list(inputs.values())`): what it is
given must have it, in a call and in training alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

import jax
import numpy as np

from trivium.state.types import Tree

__all__ = [
    "has_keys",
    "is_nested",
    "item_name",
    "keep_order",
    "key_order",
    "map_leaves",
    "map_tree",
    "named_leaves",
    "rebuild",
]


_NESTED = (dict, list, tuple, Mapping)


def is_nested(value: object) -> bool:
    """Say whether a value is a dict, a list or a tuple.

    Example:
        >>> is_nested([1]), is_nested(1)
        (True, False)
    """
    # An abstract class takes its time to say no, and each array of each batch is asked.
    return not isinstance(value, np.ndarray) and isinstance(value, _NESTED)


def item_name(name: str, key: Any) -> str:
    """Return the name of one entry of a nested structure, as Python would reach it.

    Example:
        >>> item_name("x", "image"), item_name("y", 1)
        ('x["image"]', 'y[1]')
    """
    return f"{name}[{json.dumps(key, ensure_ascii=False) if isinstance(key, str) else repr(key)}]"


def rebuild(like: list[Any] | tuple[Any, ...], parts: list[Any]) -> Any:
    """Return a list, tuple or named tuple of the same kind with other entries.

    Example:
        >>> rebuild((1, 2), [3, 4])
        (3, 4)
    """
    if isinstance(like, list):
        return parts
    return type(like)(*parts) if hasattr(like, "_fields") else tuple(parts)


def named_leaves(structure: Tree, name: str) -> Iterator[tuple[str, Any]]:
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


def map_leaves(function: Callable[[Any], Any], structure: Tree) -> Any:
    """Return the structure with `function` of each leaf; `None` stays `None`.

    Example:
        >>> map_leaves(abs, {"b": -1, "a": [None, -2]})
        {'b': 1, 'a': [None, 2]}
    """
    if not is_nested(structure):
        return None if structure is None else function(structure)
    if isinstance(structure, Mapping):
        return {key: map_leaves(function, value) for key, value in structure.items()}
    return rebuild(structure, [map_leaves(function, value) for value in structure])


def keep_order(like: Tree, tree: Tree) -> Any:
    """Return a tree with the keys of its dicts in the order of another tree's.

    Args:
        like: The tree whose order to take. Where the two differ in form, `tree` stays as it is.
        tree: A tree that JAX has put together.

    Example:
        >>> keep_order({"b": 0, "a": (0, {"d": 0, "c": 0})}, {"a": (1, {"c": 2, "d": 3}), "b": 4})
        {'b': 4, 'a': (1, {'d': 3, 'c': 2})}
    """
    if type(tree) is dict and isinstance(like, Mapping) and like.keys() == tree.keys():
        return {key: keep_order(like[key], tree[key]) for key in like}
    rows = isinstance(tree, list | tuple) and isinstance(like, list | tuple)
    if rows and len(tree) == len(like):
        return rebuild(tree, [keep_order(a, b) for a, b in zip(like, tree, strict=True)])
    return tree


def has_keys(tree: Tree) -> bool:
    """Say whether there is a dict in a tree, so that its order can be lost.

    Example:
        >>> has_keys([1, ({"a": 2},)]), has_keys([1])
        (True, False)
    """
    if isinstance(tree, list | tuple):
        return any(map(has_keys, tree))
    return isinstance(tree, Mapping)


def map_tree(function: Callable[..., Any], tree: Tree, *rest: Tree) -> Any:
    """Do what `jax.tree_util.tree_map` does, and keep the order of dicts.

    Args:
        function: Takes a leaf of each tree.
        tree: The tree.
        rest: Trees of the same form.

    Example:
        >>> map_tree(abs, {"b": -1, "a": None})
        {'b': 1, 'a': None}
    """
    return keep_order(tree, jax.tree_util.tree_map(function, tree, *rest))


def key_order(tree: Tree) -> Hashable:
    """Return what two trees share exactly when their dicts have the same keys in the same order.

    Example:
        >>> key_order({"a": 1, "b": 2}) == key_order({"b": 1, "a": 2})
        False
    """
    if isinstance(tree, Mapping):
        return tuple((key, key_order(value)) for key, value in tree.items())
    return tuple(map(key_order, tree)) if isinstance(tree, list | tuple) else None
