"""Rows put together, picked and turned around."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.data.checks import DataError
from trivium.data.ragged.array import RaggedArray
from trivium.data.ragged.base import Rows, as_values
from trivium.data.ragged.making import as_ragged, from_tensor

__all__ = ["boolean_mask", "concat", "gather", "gather_within", "reverse", "stack", "tile", "where"]


def concat(values: Sequence[Any], axis: int = 0) -> Any:
    """Put rows together along an axis.

    Args:
        values: Rows, or dense arrays, with as many axes.
        axis: Which axis: 0 puts rows below each other, 1 makes the rows longer.

    Raises:
        DataError: They do not have the same number of rows, for `axis=1`.

    Example:
        >>> rows = RaggedArray([1, 2, 3], [0, 2, 3])
        >>> concat([rows, rows], 0), concat([rows, [[9], [8]]], 1)
        (RaggedArray([[1, 2], [3], [1, 2], [3]]), RaggedArray([[1, 2, 9], [3, 8]]))
    """
    values = [v if isinstance(v, Rows) else as_values(v) for v in values]
    rank = max((v.ragged_rank for v in values if isinstance(v, Rows)), default=0)
    if not rank:
        return _dense_concat(values, axis)
    rows = [as_ragged(v, rank) for v in values]
    axis = axis + rows[0].ndim if axis < 0 else axis
    if axis == 0:
        starts = np.cumsum([0, *(r.splits[-1] for r in rows)])
        splits = [r.splits[1:] + start for r, start in zip(rows, starts, strict=False)]
        return RaggedArray(concat([r.values for r in rows]), np.concatenate([[0], *splits]))
    counts = {len(r) for r in rows}
    if len(counts) > 1:
        raise DataError(
            f"concat along axis {axis}: there are {[len(r) for r in rows]} rows; wanted as many in each."
        )
    if axis > 1:
        return rows[0].with_values(concat([r.values for r in rows], axis - 1))
    count = counts.pop()
    order = np.arange(len(rows) * count).reshape(len(rows), count).T.ravel()
    below = concat(rows).take(order)
    return RaggedArray(below.values, below.splits[:: len(rows)])


def _dense_concat(values: list[Any], axis: int) -> Any:
    if all(isinstance(v, jax.Array) for v in values):
        return jnp.concatenate(values, axis)
    strings = type(next(v for v in values if not isinstance(v, jax.Array)))
    return strings(np.concatenate([np.asarray(v, object) for v in values], axis))


def stack(values: Sequence[Any], axis: int = 0) -> Any:
    """Put rows, or arrays of several lengths, together along a new axis.

    Args:
        values: Rows or arrays, with as many axes.
        axis: Where the new axis stands.

    Example:
        >>> stack([[1, 2], [3]])
        RaggedArray([[1, 2], [3]])
    """
    values = [v if isinstance(v, Rows) else as_values(v) for v in values]
    axis = axis + 1 + len(values[0].shape) if axis < 0 else axis
    if axis == 0 and not any(isinstance(v, Rows) for v in values):
        if not values[0].ndim:
            return (
                jnp.stack(values) if isinstance(values[0], jax.Array) else type(values[0])(values)
            )
        if values[0].ndim == 1:
            return RaggedArray.from_row_lengths(concat(values), [len(v) for v in values])
        values = [from_tensor(v, ragged_rank=v.ndim - 1) for v in values]
    rank = max((v.ragged_rank for v in values if isinstance(v, Rows)), default=1)
    return concat([as_ragged(v, rank).expand_dims(axis) for v in values], axis)


def gather(params: Any, indices: Any, axis: int = 0) -> Any:
    """Pick rows, or entries by ragged numbers.

    Args:
        params: Rows, or a dense array.
        indices: Their numbers: in an array of any shape, or ragged.
        axis: The axis that is picked from, of dense numbers.

    Raises:
        DataError: A number lies outside.

    Example:
        >>> gather(jnp.array([10, 20, 30]), RaggedArray([0, 1, 2], [0, 2, 3]))
        RaggedArray([[10, 20], [30]])
    """
    if isinstance(indices, Rows):
        return indices.with_flat_values(gather(params, indices.flat_values, axis))
    if isinstance(indices, jax.core.Tracer):  # of which nothing is known but the shape
        return jnp.take(as_values(params), indices, axis=axis)
    numbers = np.asarray(indices)
    if axis and isinstance(params, Rows):
        return params.with_values(gather(params.values, numbers, axis - 1))
    rows: Any = params if isinstance(params, Rows) else as_values(params)
    size = rows.shape[axis]
    wrong = numbers[(numbers < 0) | (numbers >= size)]
    if wrong.size:
        raise DataError(f"gather: index {wrong.ravel()[0]} is not in [0, {size}).")
    if not isinstance(params, Rows):
        return rows[(slice(None),) * axis + (numbers,)]
    if not numbers.ndim:
        return rows[int(numbers)]
    picked: Any = rows.take(numbers.ravel())
    for size in numbers.shape[:0:-1]:
        picked = RaggedArray.from_uniform_row_length(picked, size)
    return picked


def gather_within(params: Any, indices: Any) -> Any:
    """Pick entries of each row by numbers of its own.

    Args:
        params: Rows, or a dense array of two axes or more.
        indices: For each row the numbers of the entries in it: an array `(rows, n)`, or ragged.

    Raises:
        DataError: There are more or fewer rows of numbers; a number lies outside of its row.

    Example:
        >>> gather_within(RaggedArray([10, 20, 30], [0, 2, 3]), RaggedArray([1, 0, 0], [0, 2, 3]))
        RaggedArray([[20, 10], [30]])
    """
    rows = as_ragged(params, 1)
    picked = indices if isinstance(indices, Rows) else from_tensor(indices)
    if len(rows) != len(picked):
        raise DataError(
            f"gather within rows: there are {len(rows)} of them, and numbers for {len(picked)}."
        )
    numbers, of = np.asarray(picked.flat_values), picked._places()[0]
    lengths = np.diff(rows.splits)[of]
    outside = np.flatnonzero((numbers < 0) | (numbers >= lengths))
    if outside.size:
        first = outside[0]
        raise DataError(
            f"gather within rows: row {of[first]} has {lengths[first]} entries, and no number {numbers[first]}."
        )
    made = gather(rows.values, rows.splits[:-1][of] + numbers)
    if isinstance(indices, Rows):
        return indices.with_flat_values(made)
    return made.reshape(*np.shape(indices), *made.shape[1:])


def tile(rows: RaggedArray, multiples: Sequence[int]) -> Any:
    """Repeat rows as a whole.

    Args:
        rows: The rows.
        multiples: How often, for each axis.

    Example:
        >>> tile(RaggedArray([1, 2, 3], [0, 2, 3]), [1, 2])
        RaggedArray([[1, 2, 1, 2], [3, 3]])
    """
    for axis, times in reversed(list(enumerate(np.asarray(multiples).tolist()))):
        rows = concat([rows] * times, axis) if times else rows[(slice(None),) * axis + (slice(0),)]
    return rows


def reverse(rows: RaggedArray, axis: Any) -> Any:
    """Turn rows around.

    Args:
        rows: The rows.
        axis: The axis, or several.

    Example:
        >>> reverse(RaggedArray([1, 2, 3], [0, 2, 3]), [1])
        RaggedArray([[2, 1], [3]])
    """
    for one in np.ravel(axis).tolist():
        at = one + rows.ndim if one < 0 else one
        rows = rows[(slice(None),) * at + (slice(None, None, -1),)]
    return rows


def boolean_mask(data: Any, mask: Any) -> Any:
    """Keep the entries that a mask says, in rows that become as long as what is kept.

    Args:
        data: Rows, or a dense array.
        mask: Truth values, in as many rows of the same lengths; or one for each row.

    Raises:
        DataError: The lengths differ.

    Example:
        >>> boolean_mask([[1, 2, 3], [4, 5, 6]], [[True, False, True], [False, False, True]])
        RaggedArray([[1, 3], [6]])
    """
    mask = mask if isinstance(mask, Rows) else as_values(mask)
    if not isinstance(mask, Rows) and mask.ndim > 1:
        mask = from_tensor(mask, ragged_rank=mask.ndim - 1)
    if not isinstance(mask, Rows):
        kept = np.flatnonzero(np.asarray(mask))
        return data.take(kept) if isinstance(data, Rows) else as_values(data)[kept]
    rows = as_ragged(data, mask.ragged_rank)
    if not np.array_equal(rows.splits, mask.splits):
        raise DataError(
            f"boolean_mask: rows of the lengths {np.diff(rows.splits).tolist()} have a mask of "
            f"{np.diff(mask.splits).tolist()}."
        )
    if isinstance(mask.values, Rows):
        return rows.with_values(boolean_mask(rows.values, mask.values))
    keep = np.asarray(mask.values)
    before = np.cumsum([0, *keep.tolist()])
    return RaggedArray(boolean_mask(rows.values, keep), before[rows.splits])


def where(condition: RaggedArray) -> Any:
    """Return the places of the entries that are true.

    Args:
        condition: Truth values.

    Example:
        >>> where(RaggedArray(jnp.array([True, False, True]), [0, 2, 3])).tolist()
        [[0, 0], [1, 0]]
    """
    places = np.stack(condition._places(), axis=-1)
    return jnp.asarray(places[np.asarray(condition.flat_values)])
