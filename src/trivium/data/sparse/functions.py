"""What is done to sparse arrays: cut, joined, turned, added up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.data.checks import DataError
from trivium.data.ragged import RaggedArray, as_values, boundaries
from trivium.data.ragged import concat as concat_values
from trivium.data.ragged import softmax as softened
from trivium.data.sparse.array import SparseArray, as_sparse
from trivium.state.types import ArrayLike, Axes, DType, Shape

__all__ = [
    "add", "as_sparse", "concat", "cut", "expand_dims", "eye", "fill_empty_rows", "matmul", "merged", "reduced",
    "reset_shape", "reshape", "retain", "softmax", "split", "stack", "transpose",
]  # fmt: skip


def transpose(x: SparseArray, perm: Axes = None) -> SparseArray:
    """Return an array with its axes in another order.

    Args:
        x: The array.
        perm: The axes in the order wanted; `None` turns it around.

    Example:
        >>> transpose(as_sparse([[0, 5, 0]])).places.tolist()
        [[1, 0]]
    """
    order = list(range(x.ndim))[::-1] if perm is None else np.asarray(perm).tolist()
    return SparseArray(x.places[:, order], x.values, [x.shape[i] for i in order]).ordered()


def reshape(x: SparseArray, shape: Shape) -> SparseArray:
    """Return the entries, row by row, in another shape.

    Args:
        x: The array.
        shape: The sizes; -1 for one that follows from the others.

    Raises:
        DataError: The shape has another number of places.

    Example:
        >>> reshape(as_sparse([[0, 5, 0, 7]]), [2, -1]).places.tolist()
        [[0, 1], [1, 1]]
    """
    sizes = [int(n) for n in np.asarray(shape).tolist()]
    total = int(np.prod(x.shape))
    if -1 in sizes:
        rest = int(np.prod([n for n in sizes if n != -1]))
        sizes[sizes.index(-1)] = total // max(rest, 1)
    if int(np.prod(sizes)) != total:
        raise DataError(f"reshape: a sparse array of the shape {x.shape} has no shape {sizes}.")
    flat = np.ravel_multi_index(tuple(x.places.T), x.shape) if len(x.places) else np.zeros(0, int)
    return SparseArray(np.stack(np.unravel_index(flat, sizes), axis=-1), x.values, sizes)


def expand_dims(x: SparseArray, axis: int = -1) -> SparseArray:
    """Return an array with a further axis of size 1.

    Args:
        x: The array.
        axis: Where it stands.

    Example:
        >>> expand_dims(as_sparse([0, 5]), 0).shape
        (1, 2)
    """
    at = axis + x.ndim + 1 if axis < 0 else axis
    return SparseArray(np.insert(x.places, at, 0, axis=1), x.values, np.insert(x.shape, at, 1))


def cut(x: SparseArray, start: Shape | np.ndarray, size: Shape | np.ndarray) -> SparseArray:
    """Return a part of an array.

    Args:
        x: The array.
        start: Where it begins, a number for each axis.
        size: How large it is at most, likewise.

    Example:
        >>> cut(as_sparse([[1, 0], [0, 2]]), [1, 0], [1, 2])
        SparseArray(indices=[[0, 1]], values=[2], dense_shape=[1, 2])
    """
    first = np.asarray(start)
    sizes = np.clip(np.asarray(x.shape) - first, 0, np.asarray(size))
    moved = x.places - first
    inside = np.flatnonzero(((moved >= 0) & (moved < sizes)).all(axis=1))
    return SparseArray(moved[inside], x.values[inside], sizes)


def split(x: SparseArray, count: int, axis: int = 0) -> list[SparseArray]:
    """Return so many parts of an array; where the sizes differ, the first ones are larger.

    Args:
        x: The array.
        count: How many parts.
        axis: Along which axis.

    Example:
        >>> [part.shape for part in split(as_sparse([[1, 2, 3]]), 2, axis=1)]
        [(1, 2), (1, 1)]
    """
    sizes = [len(part) for part in np.array_split(np.arange(x.shape[axis]), count)]
    starts = np.cumsum([0, *sizes])
    parts = []
    for begin, size in zip(starts, sizes, strict=False):
        start, whole = np.zeros(x.ndim, int), np.asarray(x.shape).copy()
        start[axis], whole[axis] = begin, size
        parts.append(cut(x, start, whole))
    return parts


def concat(arrays: Sequence[SparseArray], axis: int = 0, expand: bool = False) -> SparseArray:
    """Put arrays together along an axis.

    Args:
        arrays: The arrays.
        axis: Along which axis.
        expand: Whether the other axes may differ; the largest size counts.

    Raises:
        DataError: The other axes differ, and may not.

    Example:
        >>> concat([as_sparse([1, 0]), as_sparse([0, 2])]).places.tolist()
        [[0], [3]]
    """
    axis %= arrays[0].ndim
    shapes = np.array([x.shape for x in arrays])
    others = np.delete(shapes, axis, axis=1)
    if not expand and (others != others[0]).any():
        raise DataError(
            f"concat along axis {axis}: the other sizes are those of all; got {[x.shape for x in arrays]}."
        )
    sizes = shapes.max(axis=0)
    sizes[axis] = shapes[:, axis].sum()
    places = [x.places.copy() for x in arrays]
    for mine, begin in zip(places, np.cumsum([0, *shapes[:, axis]]), strict=False):
        mine[:, axis] += begin
    values = concat_values([x.values for x in arrays])
    return SparseArray(np.concatenate(places), values, sizes).ordered()


def stack(arrays: Sequence[SparseArray]) -> SparseArray:
    """Put arrays together along a new first axis.

    Args:
        arrays: The arrays, of one shape.

    Example:
        >>> stack([as_sparse([1, 0]), as_sparse([0, 2])]).shape
        (2, 2)
    """
    return concat([expand_dims(x, 0) for x in arrays])


def merged(
    x: SparseArray, y: SparseArray, combine: Callable[[Any, Any], Any], at_least: float = 0
) -> SparseArray:
    """Return an array with the places of two, whose values a function combines; where one has none it has 0.

    Args:
        x: One.
        y: The other.
        combine: Takes the values of both, as arrays.
        at_least: Values below it in size are left out.

    Raises:
        DataError: The shapes differ.

    Example:
        >>> merged(as_sparse([1, 0, 2]), as_sparse([0, 5, 3]), jnp.maximum).values.tolist()
        [1, 5, 3]
    """
    if x.shape != y.shape:
        raise DataError(f"Two sparse arrays of one shape are wanted; got {x.shape} and {y.shape}.")
    both = np.concatenate([x.places, y.places])
    places, where = np.unique(both, axis=0, return_inverse=True)
    where = where.ravel()
    parts = [
        jnp.zeros(len(places), a.dtype).at[w].add(a.values)
        for a, w in ((x, where[: len(x.places)]), (y, where[len(x.places) :]))
    ]
    result = SparseArray(places, combine(*parts), x.shape)
    if not at_least:
        return result
    return result.taken(np.flatnonzero(np.abs(np.asarray(result.values)) >= at_least))


def add(x: Any, y: Any, threshold: Any = 0) -> Any:
    """Add a sparse array to another, or to a dense one.

    Args:
        x: One.
        y: The other.
        threshold: Of two sparse ones, sums below it in size are left out.

    Example:
        >>> add(as_sparse([1, 0]), as_sparse([2, 0])).values.tolist(), add(as_sparse([1, 0]), jnp.ones(2)).tolist()
        ([3], [2.0, 1.0])
    """
    if isinstance(x, SparseArray) and isinstance(y, SparseArray):
        return merged(x, y, jnp.add, threshold)
    sparse, dense = (x, y) if isinstance(x, SparseArray) else (y, x)
    return jnp.asarray(dense).at[tuple(sparse.places.T)].add(sparse.values)


def matmul(a: Any, b: Any, adjoint_a: bool = False, adjoint_b: bool = False) -> Any:
    """Multiply a sparse matrix with a dense one, or the other way around.

    Args:
        a: One matrix.
        b: The other.
        adjoint_a: Whether the first is transposed, and complex numbers conjugated.
        adjoint_b: Likewise the second.

    Example:
        >>> matmul(as_sparse([[0.0, 2.0]]), jnp.ones((2, 1))).tolist()
        [[2.0]]
    """

    def turned(x: Any, adjoint: bool) -> Any:
        if not isinstance(x, SparseArray):
            x = jnp.asarray(x)
            return jnp.conj(x.T) if adjoint else x
        return transpose(x).with_values(jnp.conj(transpose(x).values)) if adjoint else x

    return turned(a, adjoint_a) @ turned(b, adjoint_b)


def reduced(x: SparseArray, kind: str, axis: Axes = None, keepdims: bool = False) -> Any:
    """Return sums or largest values along axes, of the entries that are kept: 0 where there are none.

    Args:
        x: The array.
        kind: `"sum"` or `"max"`.
        axis: The axis, or several; `None` for all.
        keepdims: Whether the axes stay, with the size 1.

    Example:
        >>> reduced(as_sparse([[1, 2], [0, 5]]), "sum", axis=1).tolist()
        [3, 5]
    """
    named = range(x.ndim) if axis is None else np.ravel(axis).tolist()
    axes = {int(a) % x.ndim for a in named}
    kept = [a for a in range(x.ndim) if a not in axes]
    sizes = [x.shape[a] for a in kept]
    numbers = np.zeros(len(x.places), int)
    if kept and len(x.places):
        numbers = np.ravel_multi_index(tuple(x.places[:, kept].T), sizes)
    count = int(np.prod(sizes))
    segments = jax.ops.segment_sum if kind == "sum" else jax.ops.segment_max
    found = segments(x.values, numbers, count)
    found = jnp.where(jnp.asarray(np.bincount(numbers, minlength=count) > 0), found, 0)
    return found.reshape(
        [1 if a in axes else n for a, n in enumerate(x.shape)] if keepdims else sizes
    )


def softmax(x: SparseArray) -> SparseArray:
    """Return values that add up to 1 along the last axis, in the places that are kept.

    Args:
        x: The array, of two axes or more.

    Example:
        >>> softmax(as_sparse([[1.0, 0.0], [2.0, 2.0]])).values.tolist()
        [1.0, 0.5, 0.5]
    """
    x = x.ordered()
    rows = np.unique(x.places[:, :-1], axis=0, return_inverse=True)[1].ravel()
    return x.with_values(softened(RaggedArray(x.values, boundaries(rows))).values)


def retain(x: SparseArray, to_retain: ArrayLike) -> SparseArray:
    """Return an array of the entries that a mask says.

    Args:
        x: The array.
        to_retain: A truth value for each entry.

    Example:
        >>> retain(as_sparse([1, 2]), [False, True]).values.tolist()
        [2]
    """
    return x.taken(np.flatnonzero(np.asarray(to_retain)))


def fill_empty_rows(x: SparseArray, default_value: Any) -> tuple[SparseArray, jax.Array]:
    """Put a value at the beginning of each row that holds nothing.

    Args:
        x: The array.
        default_value: The value.

    Returns:
        The array, and which rows were empty.

    Example:
        >>> fill_empty_rows(as_sparse([[0, 0], [0, 3]]), 9)[0].values.tolist()
        [9, 3]
    """
    empty = np.bincount(x.places[:, 0], minlength=x.shape[0]) == 0
    more = np.zeros((int(empty.sum()), x.ndim), int)
    more[:, 0] = np.flatnonzero(empty)
    fill: Any = [default_value] * len(more)
    if isinstance(x.values, jax.Array):
        fill = jnp.asarray(fill, x.dtype)
    filled = concat_values([x.values, fill]) if len(more) else x.values
    return SparseArray(np.concatenate([x.places, more]), filled, x.shape).ordered(), jnp.asarray(
        empty
    )


def reset_shape(x: SparseArray, new_shape: Shape | None = None) -> SparseArray:
    """Return the entries in an array of another size.

    Args:
        x: The array.
        new_shape: The sizes; `None` for the smallest that hold all entries.

    Raises:
        DataError: An entry would be outside.

    Example:
        >>> reset_shape(as_sparse([[0, 1, 0, 0]])).shape
        (1, 2)
    """
    sizes = x.places.max(axis=0, initial=-1) + 1 if new_shape is None else new_shape
    result = SparseArray(x.places, x.values, sizes)
    result.checked()
    return result


def eye(rows: int, columns: int | None = None, dtype: DType = "float32") -> SparseArray:
    """Return the unit matrix.

    Args:
        rows: How many rows.
        columns: How many columns; as many by default.
        dtype: The dtype.

    Example:
        >>> eye(2).places.tolist()
        [[0, 0], [1, 1]]
    """
    columns = rows if columns is None else columns
    diagonal = np.arange(min(rows, columns))
    return SparseArray(
        np.stack([diagonal] * 2, -1), as_values(np.ones(len(diagonal)), dtype), (rows, columns)
    )
