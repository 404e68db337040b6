"""Features crossed: for each row all combinations of one entry of each column, as one string or one number."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from trivium.data.checks import DataError
from trivium.data.fingerprints import combined, farmhash64
from trivium.data.ragged import RaggedArray, as_ragged
from trivium.data.strings.array import as_strings
from trivium.data.strings.hashing import HASH_KEY, as_buckets
from trivium.state.types import ArrayLike

__all__ = ["cross", "cross_hashed"]

Column: TypeAlias = RaggedArray | ArrayLike
"""The entries of one feature: rows of several lengths, or an array `(rows, entries)`; strings or whole numbers."""


def cross(inputs: Sequence[Column], separator: str | bytes = "_X_") -> RaggedArray:
    """Return each row's combinations as strings, numbers written out.

    Args:
        inputs: The columns, of as many rows.
        separator: What stands between the entries of a combination.

    Raises:
        DataError: They have different numbers of rows.

    Example:
        >>> cross([[["a", "b"]], [[1, 2]]])
        RaggedArray([[b'a_X_1', b'a_X_2', b'b_X_1', b'b_X_2']])
    """
    between = separator.encode() if isinstance(separator, str) else bytes(separator)

    def text(entry: Any) -> bytes:
        return entry if isinstance(entry, bytes) else str(entry).encode()

    lengths, made = _combinations(inputs, lambda *entries: between.join(map(text, entries)))
    return RaggedArray.from_row_lengths(as_strings(np.array(made, object)), lengths)


def cross_hashed(
    inputs: Sequence[Column], num_buckets: int, hash_key: int | None = None
) -> RaggedArray:
    """Return each row's combinations as numbers from 0 to `num_buckets` - 1: TensorFlow's hashes of them.

    Args:
        inputs: The columns, of as many rows.
        num_buckets: How many numbers there are.
        hash_key: What the hashes begin with.

    Raises:
        DataError: They have different numbers of rows; there are no buckets.

    Example:
        >>> cross_hashed([[["a"]], [["d"]]], 100)
        RaggedArray([[82]])
    """
    start = np.array([HASH_KEY if hash_key is None else hash_key], np.uint64)

    def hashed(*entries: Any) -> int:
        found = start
        for entry in entries:
            found = combined(found, _fingerprint(entry))
        return int(found.item())

    lengths, made = _combinations(inputs, hashed)
    return RaggedArray.from_row_lengths(as_buckets(np.array(made, np.uint64), num_buckets), lengths)


def _fingerprint(entry: Any) -> np.ndarray:
    """Return the hash of a string; a number stands for itself."""
    if isinstance(entry, bytes):
        return farmhash64(np.array([entry], object))
    return np.array([entry], np.int64).astype(np.uint64)


def _combinations(inputs: Sequence[Column], of: Callable[..., Any]) -> tuple[list[int], list[Any]]:
    """Return how many combinations each row has, and what a function makes of them, one behind the other."""
    columns = [as_ragged(column, 1).to_list() for column in inputs]
    counts = [len(column) for column in columns]
    if len(set(counts)) > 1:
        raise DataError(f"cross: the columns have {counts} rows; wanted as many in each.")
    rows = [list(itertools.product(*row)) for row in zip(*columns, strict=True)]
    return [len(row) for row in rows], [of(*entries) for row in rows for entries in row]
