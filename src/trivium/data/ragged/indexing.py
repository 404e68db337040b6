"""Indices and slices of rows of several lengths."""

from __future__ import annotations

from typing import Any

import numpy as np

from trivium.data.ragged.base import Rows

__all__ = ["indexed"]


def indexed(rows: Rows, key: Any) -> Any:
    """Return what an index of rows means: rows by numbers and slices, parts of each row by slices.

    Args:
        rows: The rows.
        key: What stands between the brackets.

    Raises:
        IndexError: There is no such row; or one number for each row, which some rows may not have, is asked for.

    Example:
        >>> from trivium.data.ragged import RaggedArray
        >>> rows = RaggedArray([3, 1, 4, 1, 5], [0, 2, 2, 5])
        >>> indexed(rows, (slice(None), slice(1, None))), indexed(rows, (2, -1)).item()
        (RaggedArray([[1], [], [1, 5]]), 5)
    """
    keys = list(key) if isinstance(key, tuple) else [key]
    if Ellipsis in [k for k in keys if k is Ellipsis]:
        at = next(i for i, k in enumerate(keys) if k is Ellipsis)
        named = sum(k is not None for k in keys) - 1
        keys[at : at + 1] = [slice(None)] * (rows.ndim - named)
    return _indexed(rows, keys)


def _indexed(rows: Any, keys: list[Any]) -> Any:
    if not keys:
        return rows
    if not isinstance(rows, Rows):
        return rows[tuple(keys)]
    first, rest = keys[0], keys[1:]
    if first is None:
        return _indexed(rows, rest).expand_dims(0)
    if isinstance(first, slice):
        numbers = np.arange(len(rows))[_plain(first)]
        whole = len(numbers) == len(rows) and (first.step is None or first.step == 1)
        return _within(rows if whole else rows.take(numbers), rest)
    if np.ndim(first):
        picked = np.asarray(first)
        return rows.take(np.flatnonzero(picked) if picked.dtype == bool else picked)
    number = int(first)
    if not -len(rows) <= number < len(rows):
        raise IndexError(f"There is no row {number}; there are {len(rows)}.")
    number %= len(rows)
    row = rows.values[int(rows.splits[number]) : int(rows.splits[number + 1])]
    return _indexed(row, rest)


def _within(rows: Rows, keys: list[Any]) -> Any:
    """Apply indices to each row."""
    if not keys:
        return rows
    first, rest = keys[0], keys[1:]
    if first is None:
        return type(rows).from_uniform_row_length(_within(rows, rest), 1)
    if not isinstance(first, slice):
        raise IndexError(
            f"rows[:, {first}] asks for one entry of each row, which some rows may not have: they are "
            f"{np.diff(rows.splits).tolist()} long. Take a slice, "
            f"rows[:, {first}:{first + 1 or None}], or make them dense by to_tensor()."
        )
    if first != slice(None):
        part = _plain(first)
        numbers = [
            np.arange(a, b)[part] for a, b in zip(rows.splits[:-1], rows.splits[1:], strict=True)
        ]
        places = np.concatenate([np.zeros(0, np.int64), *numbers])
        values = rows.values.take(places) if isinstance(rows.values, Rows) else rows.values[places]
        rows = type(rows).from_row_lengths(values, [len(n) for n in numbers])
    if not rest:
        return rows
    if isinstance(rows.values, Rows):
        return rows.with_values(_within(rows.values, rest))
    return rows.with_values(rows.values[(slice(None), *rest)])


def _plain(part: slice) -> slice:
    return slice(*(None if v is None else int(v) for v in (part.start, part.stop, part.step)))
