"""Rows of several lengths and sparse arrays in compiled code, where dense arrays go in and out.

JAX sees the values alone. Where rows end, and which places of a sparse array hold something, is part of the form that a
function is compiled for, like a shape: numbers that Python knows, as everywhere in `trivium.data.ragged`.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Self

import jax
import numpy as np

from trivium.data.kinds import AnyRows, AnySparse, AnyStrings
from trivium.data.ragged import RaggedArray
from trivium.data.sparse import SparseArray
from trivium.data.strings import StringArray
from trivium.state.types import Tree

__all__ = ["holds_strings", "only_dense", "pack", "unpack"]


@jax.tree_util.register_pytree_node_class
class _Packed:
    """A ragged or sparse array, as JAX's trees take it apart: its values, and how they are put together again."""

    def __init__(self, values: Any, form: tuple[Any, ...]) -> None:
        self.values, self.form = values, form

    @classmethod
    def of(cls, array: RaggedArray | SparseArray) -> Self:
        if isinstance(array, RaggedArray):
            # Bytes, since what a program is compiled for is looked up by it.
            splits = tuple(splits.tobytes() for splits in array._all_splits())
            return cls(array.flat_values, (type(array), splits))
        return cls(array.values, (type(array), array.places.tobytes(), array.shape))

    def array(self) -> RaggedArray | SparseArray:
        kind, places, *shape = self.form
        if issubclass(kind, RaggedArray):
            rows = self.values
            for splits in reversed(places):
                rows = kind(rows, np.frombuffer(splits, np.int64))
            return rows
        indices = np.frombuffer(places, np.int64).reshape(-1, len(shape[0]))
        return kind(indices, self.values, shape[0])

    def tree_flatten(self) -> tuple[tuple[Any], tuple[Any, ...]]:
        return (self.values,), self.form

    @classmethod
    def tree_unflatten(cls, form: tuple[Any, ...], values: tuple[Any]) -> Self:
        return cls(values[0], form)


def pack(tree: Tree) -> tuple[Tree, Hashable]:
    """Return a structure with all rows and sparse arrays of numbers packed, and how they are made; `()` without any.

    Example:
        >>> packed, form = pack({"rows": RaggedArray([1, 2], [0, 2, 2])})
        >>> jax.tree.map(lambda x: x * 10, packed)["rows"].array()
        RaggedArray([[10, 20], []])
    """
    leaves, structure = jax.tree_util.tree_flatten(tree)
    forms: list[Any] = []
    for i, leaf in enumerate(leaves):
        if isinstance(leaf, RaggedArray | SparseArray) and not _is_text(leaf):
            leaves[i] = _Packed.of(leaf)
            forms.append((i, leaves[i].form))
    return (jax.tree_util.tree_unflatten(structure, leaves) if forms else tree), tuple(forms)


def unpack(tree: Tree) -> Tree:
    """Return a structure with rows and sparse arrays in the place of packed ones.

    Example:
        >>> unpack(pack([RaggedArray([1, 2], [0, 2, 2]), 3])[0])
        [RaggedArray([[1, 2], []]), 3]
    """
    return jax.tree.map(
        lambda x: x.array() if isinstance(x, _Packed) else x,
        tree,
        is_leaf=lambda x: isinstance(x, _Packed),
    )


def only_dense(tree: Tree) -> bool:
    """Say whether no strings, rows or sparse arrays are in a structure.

    Example:
        >>> only_dense([1.0, "a"]), only_dense([StringArray("a")])
        (True, False)
    """
    others = AnyStrings | AnyRows | AnySparse
    return not any(isinstance(x, others) for x in jax.tree_util.tree_leaves(tree))


def holds_strings(tree: Tree) -> bool:
    """Say whether there are string tensors in a structure.

    Example:
        >>> holds_strings([StringArray("a")]), holds_strings(["a", 1.0])
        (True, False)
    """
    return any(
        isinstance(x, StringArray) or (isinstance(x, RaggedArray | SparseArray) and _is_text(x))
        for x in jax.tree_util.tree_leaves(tree)
    )


def _is_text(array: RaggedArray | SparseArray) -> bool:
    values = array.flat_values if isinstance(array, RaggedArray) else array.values
    return isinstance(values, StringArray)
