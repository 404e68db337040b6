"""Rows of files in the runs in which they lie there, beside the order in which a program takes them.

An order that goes through a file block by block (`trivium.data.orders.by_blocks`) can be cut where no block is needed
on both sides. What lies between two cuts is read as it lies in the file, straight into the memory that the device
takes, and the program finds its rows by their numbers, as it does in arrays that are on the device as a whole. So a
row is copied once; to gather the batches beforehand would copy it twice more, which costs as much as reading it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np

from trivium.data.lazy import LazyRows

__all__ = ["in_runs"]

Room = Callable[[tuple[int, ...], np.dtype], np.ndarray]


def in_runs(
    data: Any, order: np.ndarray, size: int, rows: int, block: int, rooms: Sequence[Room]
) -> Iterator[tuple[Any, np.ndarray]]:
    """Yield the rows of arrays, as many at a time as there is room for, and which of them the next batches are.

    Args:
        data: Nested structures of arrays of one length, some of them in files.
        order: The rows that are wanted, in their order.
        size: Samples a batch.
        rows: How many rows there is room for, `size` at least.
        block: How many rows a file is read by.
        rooms: For each array what makes those that are handed on, from a shape and a dtype.

    Yields:
        `(data, order)`: arrays of length `rows`, of which the last may hold anything, and the places of the samples of
        whole batches in them. Where the order ends in a partial batch, that comes last, in arrays of its own length.

    Example:
        >>> def room(shape, dtype):
        ...     return np.full(shape, -1, dtype)
        >>> order = np.array([1, 0, 3, 2, 4])
        >>> for data, places in in_runs(np.arange(5) * 10, order, 2, 3, 2, [room]):
        ...     print(data.tolist(), places.tolist())
        [0, 10, -1] [1, 0]
        [20, 30, -1] [1, 0]
        [40] [0]
    """
    leaves, tree = jax.tree.flatten(data)
    # The samples that do not fill a batch yet: few, so they are copied rather than read twice.
    kept = [np.empty((0, *leaf.shape[1:]), leaf.dtype) for leaf in leaves]
    for piece in _pieces(order, block, rows - size + 1):
        needed, places = np.unique(piece, return_inverse=True)
        waiting = len(kept[0])
        laid = []
        for leaf, some, room in zip(leaves, kept, rooms, strict=True):
            array = room((rows, *leaf.shape[1:]), leaf.dtype)
            array[:waiting] = some
            _read(leaf, needed, array[waiting : waiting + len(needed)])
            laid.append(array)
        places = np.concatenate([np.arange(waiting), places + waiting]).astype(np.int32)
        full = len(places) // size * size
        kept = [array[places[full:]] for array in laid]
        if full:
            yield jax.tree.unflatten(tree, laid), places[:full]
    if len(kept[0]):
        yield jax.tree.unflatten(tree, kept), np.arange(len(kept[0]), dtype=np.int32)


def _pieces(order: np.ndarray, block: int, most: int) -> Iterator[np.ndarray]:
    """Yield an order in pieces of at most `most` numbers, cut where no block is needed on both sides if that can be."""
    if not len(order):
        return
    numbers, places = order // block, np.arange(len(order))
    last = np.zeros(numbers.max() + 1, int)
    last[numbers] = places  # Of several places the last one stays.
    ends = np.flatnonzero(np.maximum.accumulate(last[numbers]) == places) + 1
    start = 0
    while start < len(order):
        found = np.searchsorted(ends, start + most, side="right") - 1
        stop = int(ends[found]) if found >= 0 else 0
        if stop <= start:  # More is mixed than there is room for.
            stop = min(start + most, len(order))
        yield order[start:stop]
        start = stop


def _read(array: Any, numbers: np.ndarray, out: np.ndarray) -> None:
    """Write rows, whose numbers ascend, into memory."""
    if isinstance(array, LazyRows):
        array.read(numbers, out)
    elif array.dtype == out.dtype:
        # "clip" writes where it is to, the other modes into an array of their own first; the numbers are ours.
        np.take(array, numbers, axis=0, out=out, mode="clip")
    else:
        out[...] = array[numbers]
