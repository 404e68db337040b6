"""Rows that are made when they are asked for: what a source holds where an array would not fit into memory."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["LazyRows", "dense", "on_host", "some_rows"]


class LazyRows:
    """An array whose rows are made a batch at a time, and never all of them.

    Attributes:
        shape: Its shape, the rows on the first axis.
        dtype: The dtype that rows come in.
        ndim: How many axes it has.

    Example:
        >>> from trivium.data.files import FileRows
        >>> isinstance(FileRows(np.zeros((2, 3)), np.dtype("float32")), LazyRows)
        True
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    ndim: int

    @property
    def nbytes(self) -> int:
        """How many bytes it would take as an array in memory."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> np.ndarray:
        raise NotImplementedError

    def read(self, numbers: np.ndarray, out: np.ndarray) -> None:
        """Write rows into memory that is given.

        Args:
            numbers: Their numbers, which ascend.
            out: Where to, of their shape.
        """
        out[...] = self[numbers]

    def part(self, rows: slice) -> LazyRows:
        """Return some of the rows, still to be made."""
        raise NotImplementedError


def dense(array: Any) -> np.ndarray:
    """Return all of an array as NumPy's: for a batch, or for what is small.

    Example:
        >>> dense([1, 2])
        array([1, 2])
    """
    return array[:] if isinstance(array, LazyRows) else np.asarray(array)


def on_host(array: Any) -> Any:
    """Return an array from which batches are read on the host: NumPy's, or lazy rows as they are.

    Example:
        >>> on_host([1, 2])
        array([1, 2])
    """
    return array if isinstance(array, LazyRows) else np.asarray(array)


def some_rows(array: Any, rows: slice) -> Any:
    """Return some rows of an array; those of a lazy one stay lazy.

    Example:
        >>> some_rows(np.arange(5), slice(3, None))
        array([3, 4])
    """
    return array.part(rows) if isinstance(array, LazyRows) else array[rows]
