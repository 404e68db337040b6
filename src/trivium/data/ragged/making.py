"""Ways to make rows of several lengths."""

from __future__ import annotations

from typing import Any

import numpy as np

from trivium.data.checks import DataError
from trivium.data.ragged.array import RaggedArray
from trivium.data.ragged.base import Rows, as_values

__all__ = ["as_ragged", "boundaries", "constant", "from_tensor", "ranges"]


def constant(
    rows: Any, dtype: Any = None, ragged_rank: int | None = None, inner_shape: Any = None
) -> Any:
    """Return nested lists, whose lengths may differ, as an array.

    Args:
        rows: The lists, of numbers or strings; arrays in them count as lists.
        dtype: The dtype of numbers.
        ragged_rank: How many axes are ragged; all but the first and those of `inner_shape` by default.
        inner_shape: The shape of the entries, which is the same everywhere.

    Returns:
        A `RaggedArray`; a plain array where no list lies in another.

    Raises:
        DataError: The lists are of different depths.

    Example:
        >>> constant([[1, 2], [], [3]]), constant([["a"], ["b", "c"]]).dtype
        (RaggedArray([[1, 2], [], [3]]), 'string')
    """
    rows = _listed(rows)
    if not isinstance(rows, list):
        raise DataError(f"Rows are in lists; got {rows!r}.")
    depth = _depth(rows)
    inner = () if inner_shape is None else tuple(np.atleast_1d(inner_shape).tolist())
    rank = depth - 1 - len(inner) if ragged_rank is None else int(ragged_rank)
    if not rows and depth - 1 < rank:  # No row says how deep it is.
        depth = rank + 1 + len(inner)
    if not 0 <= rank < max(depth, 1):
        raise DataError(f"Lists of depth {depth} have at most {depth - 1} ragged axes; got {rank}.")
    splits = []
    for level in range(rank):
        if any(not isinstance(row, list) for row in rows):
            odd = next(row for row in rows if not isinstance(row, list))
            raise DataError(
                f"Rows are in lists of one depth; {odd!r} stands beside lists at depth {level + 1}."
            )
        splits.append(np.cumsum([0, *map(len, rows)]))
        rows = [entry for row in rows for entry in row]
    if not inner and any(isinstance(entry, list) for entry in rows) and rank == depth - 1:
        odd = next(entry for entry in rows if isinstance(entry, list))
        raise DataError(f"Rows are in lists of one depth; {odd!r} stands beside single entries.")
    values = as_values(rows, dtype)
    for split in reversed(splits):
        values = RaggedArray(values, split)
    return values


def _listed(value: Any) -> Any:
    """Return nested lists, and arrays in them, as lists."""
    if isinstance(value, list | tuple):
        return [_listed(v) for v in value]
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        return value.tolist()
    return value


def _depth(value: Any) -> int:
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


def from_tensor(tensor: Any, lengths: Any = None, padding: Any = None, ragged_rank: int = 1) -> Any:
    """Return the rows of a dense array, as long as is said or without what they were filled up with.

    Args:
        tensor: The array, of two axes or more.
        lengths: How long each row is.
        padding: In place of it: the number or string that rows were filled up with, at their ends.
        ragged_rank: How many axes become ragged.

    Raises:
        DataError: Both `lengths` and `padding` are given, or the array has too few axes.

    Example:
        >>> from_tensor([[1, 2, 0], [3, 0, 0]], padding=0)
        RaggedArray([[1, 2], [3]])
    """
    values = as_values(tensor)
    if lengths is not None and padding is not None:
        raise DataError("from_tensor: give either `lengths` or `padding`.")
    if len(values.shape) <= ragged_rank:
        raise DataError(
            f"from_tensor: an array of shape {tuple(values.shape)} has no {ragged_rank + 1} axes, of which "
            f"{ragged_rank} become ragged."
        )
    sizes = values.shape[: ragged_rank + 1]
    count = int(np.prod(sizes))
    flat = (
        values.reshape(count, *values.shape[ragged_rank + 1 :])
        if hasattr(values, "reshape")
        else values.moved(lambda a: a.reshape(count, *a.shape[ragged_rank + 1 :]))
    )
    rows: Any = flat
    for size in sizes[:0:-1]:
        rows = (
            RaggedArray(rows, np.arange(len(rows) // size + 1) * size)
            if size
            else RaggedArray(rows, np.zeros(int(np.prod(sizes[:-1])) + 1, int))
        )
    if padding is not None:
        same: Any = np.asarray(
            values == (as_values(padding) if isinstance(padding, str | bytes) else padding)
        )
        same = same.reshape(-1, *same.shape[ragged_rank:]) if ragged_rank > 1 else same
        same = same.all(axis=tuple(range(2, same.ndim)))
        # Only what stands at the end is padding.
        lengths = same.shape[1] - np.cumprod(same[:, ::-1], axis=1).sum(axis=1)
    if lengths is not None:
        counts = np.minimum(np.asarray(lengths).ravel(), sizes[-1])
        kept = np.arange(sizes[-1]) < counts[:, None]
        inner = RaggedArray.from_row_lengths(flat[np.flatnonzero(kept)], counts)
        rows = inner
        for size in sizes[-2:0:-1]:
            rows = RaggedArray.from_uniform_row_length(rows, size)
    return rows


def as_ragged(value: Any, rank: int) -> RaggedArray:
    """Return an array with so many ragged axes; rows that have them come back as they are.

    Args:
        value: Rows, an array, or nested lists.
        rank: How many axes are ragged.

    Example:
        >>> as_ragged([[1, 2], [3, 4]], 1)
        RaggedArray([[1, 2], [3, 4]])
    """
    if isinstance(value, Rows):
        if value.ragged_rank >= rank:
            return value  # type: ignore[return-value]
        return value.with_values(as_ragged(value.values, rank - 1))  # type: ignore[return-value]
    return from_tensor(value, ragged_rank=rank)


def ranges(starts: Any, limits: Any = None, deltas: Any = 1, dtype: Any = None) -> RaggedArray:
    """Return a row of numbers for each start, limit and step.

    Args:
        starts: The first numbers; the limits, with 0 as the start, where no `limits` are given.
        limits: Before which numbers rows end.
        deltas: The steps.
        dtype: The dtype of the numbers.

    Example:
        >>> ranges([3, 0, 2]), ranges([0, 5], [3, 3], [1, -1])
        (RaggedArray([[0, 1, 2], [], [0, 1]]), RaggedArray([[0, 1, 2], [5, 4]]))
    """
    if limits is None:
        starts, limits = 0, starts
    bounds = np.broadcast_arrays(*map(np.asarray, (starts, limits, deltas)))
    rows = [np.arange(a, b, d) for a, b, d in zip(*map(np.ravel, bounds), strict=True)]
    values = as_values(np.concatenate([np.zeros(0, bounds[0].dtype), *rows]), dtype)
    return RaggedArray.from_row_lengths(values, [len(row) for row in rows])


def boundaries(row_numbers: Any, nrows: int | None = None) -> np.ndarray:
    """Return where rows begin and end, from the number of the row that each value is in.

    Args:
        row_numbers: The numbers, in ascending order.
        nrows: How many rows there are, empty ones at the end included.

    Raises:
        DataError: The numbers go down, or are beyond `nrows`.

    Example:
        >>> boundaries([0, 0, 2]).tolist()
        [0, 2, 2, 3]
    """
    numbers = np.asarray(row_numbers).astype(np.int64)
    last = int(numbers.max(initial=-1)) + 1
    count = last if nrows is None else int(nrows)
    if (np.diff(numbers) < 0).any() or numbers.min(initial=0) < 0 or last > count:
        raise DataError(
            f"The values' rows are numbered from 0 to {count - 1} in ascending order; got {numbers.tolist()}."
        )
    return np.cumsum([0, *np.bincount(numbers, minlength=count).tolist()])
