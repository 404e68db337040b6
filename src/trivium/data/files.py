"""Arrays in files that are larger than memory: rows of memory-mapped `.npy` files and of HDF5 datasets.

They are read in runs of blocks (`trivium.data.runs`), and what is asked for from everywhere block by block into one
buffer, from which it is gathered. So memory stays flat, whatever the size of the file, and a disk is read in long runs.
`fit` shuffles them block-wise (`trivium.data.orders.by_blocks`), so that what an epoch asks for next lies together.
"""

from __future__ import annotations

import itertools
import mmap
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from trivium.data.casting import cast
from trivium.data.lazy import LazyRows

__all__ = ["FileRows", "is_in_file"]

# A block is what a disk reads in one run at nearly full speed; the buffer has room for 64 of them.
_BLOCK_BYTES = 1 << 20
_BLOCKS = 64
# What an array has to hold beyond its buffer to be read by blocks; a smaller one is read as a whole.
_SMALL = _BLOCK_BYTES * _BLOCKS
# Rows in runs shorter than this are gathered out of the buffer: a read costs more than some rows.
_RUN = 8
# Arrays of these libraries are files that are read where they are indexed.
_LIBRARIES = ("h5py", "zarr")


def is_in_file(value: Any) -> bool:
    """Say whether an array lies in a file, and is too large to be read as a whole without being asked.

    Example:
        >>> is_in_file(np.zeros(3))
        False
    """
    library = type(value).__module__.partition(".")[0] in _LIBRARIES
    if not isinstance(value, np.memmap) and not (library and hasattr(value, "shape")):
        return False
    dtype = np.dtype(value.dtype)
    size = int(np.prod(value.shape, dtype=np.int64)) * dtype.itemsize
    return bool(value.ndim) and not dtype.hasobject and size > _SMALL


class FileRows(LazyRows):
    """An array in a file as rows, which are read by blocks.

    Args:
        array: The array: a `numpy.memmap`, an HDF5 dataset, or whatever gives rows for slices.
        dtype: The dtype that the rows come in.
        rows: Which rows it has, counted in the file; all by default.

    Example:
        >>> rows = FileRows(np.arange(12).reshape(6, 2), np.dtype("float32"))
        >>> rows.shape, rows[np.array([4, 1])].tolist(), rows.part(slice(2, None))[0].tolist()
        ((6, 2), [[8.0, 9.0], [2.0, 3.0]], [4.0, 5.0])
    """

    def __init__(self, array: Any, dtype: np.dtype, rows: range | None = None) -> None:
        self.array = array
        self.dtype = np.dtype(dtype)
        self._rows = range(array.shape[0]) if rows is None else rows
        self.shape = (len(self._rows), *map(int, array.shape[1:]))
        self.ndim = len(self.shape)
        row = max(1, self.nbytes // max(1, len(self)))
        # Whole chunks of HDF5, which are unpacked as wholes.
        chunk = (getattr(array, "chunks", None) or (1,))[0]
        self.block = max(1, _BLOCK_BYTES // row // chunk) * chunk
        self.blocks = max(2, _SMALL // (self.block * row))
        # Threads that make batches ahead share the buffer; without it one would load a block over another's rows.
        self._lock = threading.Lock()
        self._buffer: np.ndarray | None = None

    def __getitem__(self, index: Any) -> np.ndarray:
        if isinstance(index, int | np.integer):
            return self[np.array([index])][0]
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step == 1:
                return self._read(start, max(start, stop))
            index = np.arange(start, stop, step)
        index = np.asarray(index)
        if index.dtype == bool:
            index = np.flatnonzero(index)
        return self._gathered(np.where(index < 0, index + len(self), index))

    def in_dtype(self, dtype: np.dtype) -> FileRows:
        """Return the same rows in another dtype."""
        return self if self.dtype == dtype else FileRows(self.array, dtype, self._rows)

    def part(self, rows: slice) -> FileRows:
        """Return some of the rows, still in the file."""
        return FileRows(self.array, self.dtype, self._rows[rows])

    def read(self, numbers: np.ndarray, out: np.ndarray) -> None:
        """Write rows into memory that is given: whole runs of them straight from the file."""
        starts = np.flatnonzero(np.diff(numbers, prepend=-2) != 1)
        if len(starts) * _RUN > len(numbers):
            out[...] = self._gathered(numbers)
            return
        for start, stop in itertools.pairwise((*starts.tolist(), len(numbers))):
            # Block by block, so that no more of a mapped file is in memory.
            for begin in range(start, stop, self.block):
                first, end = int(numbers[begin]), min(begin + self.block, stop)
                self._read(first, first + end - begin, out[begin:end])

    def pieces(self) -> Iterator[np.ndarray]:
        """Yield all rows, some at a time."""
        for start in range(0, len(self), self.block):
            yield self._read(start, min(start + self.block, len(self)))

    def _gathered(self, index: np.ndarray) -> np.ndarray:
        numbers = index // self.block
        needed = np.unique(numbers)
        if len(needed) > self.blocks:
            # Rows from everywhere: as many blocks at a time as there is room for.
            made = np.empty((len(index), *self.shape[1:]), self.dtype)
            for first in range(0, len(needed), self.blocks):
                mine = np.isin(numbers, needed[first : first + self.blocks])
                made[mine] = self._gathered(index[mine])
            return made
        with self._lock:
            if self._buffer is None:
                self._buffer = np.empty((self.blocks * self.block, *self.shape[1:]), self.dtype)
                self._slots = np.full(-(-len(self) // self.block), -1)  # Where each block is.
                self._held = np.full(self.blocks, -1)  # Which block each slot holds.
                self._next = 0
            for number in needed[self._slots[needed] < 0]:
                self._load(int(number), needed)
            found = self._slots[numbers] * self.block + index % self.block
            rows: np.ndarray = self._buffer[found]
            return rows

    def _load(self, number: int, needed: np.ndarray) -> None:
        """Read a block into the slot that was filled longest ago and is not needed now."""
        assert self._buffer is not None
        while (held := int(self._held[self._next])) >= 0 and held in needed:
            self._next = (self._next + 1) % self.blocks
        slot = self._next
        self._next = (slot + 1) % self.blocks
        if held >= 0:
            self._slots[held] = -1
        start = number * self.block
        stop = min(start + self.block, len(self))
        self._read(start, stop, self._buffer[slot * self.block :][: stop - start])
        self._slots[number], self._held[slot] = slot, number

    def _read(self, start: int, stop: int, out: np.ndarray | None = None) -> np.ndarray:
        """Return rows in a run, in memory that is theirs or that is given."""
        rows = self._rows[start:stop]
        if out is None:
            out = np.empty((len(rows), *self.shape[1:]), self.dtype)
        read = self.array[rows.start : rows.stop]
        with np.errstate(over="ignore"):
            out[...] = (
                cast(read, self.dtype, "the array in the file")
                if _narrows(self.array.dtype, self.dtype)
                else read
            )
        if isinstance(self.array, np.memmap):
            _forget(self.array)
        return out


def _narrows(given: np.dtype, wanted: np.dtype) -> bool:
    """Say whether there are whole numbers that one dtype has and the other one has not."""
    return given.kind in "iu" and not np.can_cast(given, wanted)


def _forget(array: np.memmap) -> None:
    """Tell the system that what has been read of a mapped file need not stay in this process's memory."""
    mapped = getattr(array, "_mmap", None)
    if isinstance(mapped, mmap.mmap) and hasattr(mapped, "madvise"):
        mapped.madvise(mmap.MADV_DONTNEED)
