"""Segments: where the batches of a pass lie while the engine runs over them.

Arrays that are shuffled go to the device as a whole, once, where they fit. Everything else comes in blocks: as many
batches as there is room for, or as a stream gives in a moment, laid side by side. A program is compiled for a block, so
arrays that are shown in their order are evaluated by the same few programs whatever their length.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import time
from collections.abc import Iterable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.data import ArraySource
from trivium.data.sparse import on_host
from trivium.state import to_device

__all__ = ["CHUNK_SECONDS", "Feed", "Segment", "device_budget"]

# A chunk lasts about this long, so that the progress bar moves and Ctrl-C is heard.
CHUNK_SECONDS = 0.25
# A block has at most so many bytes; a stream's has at most so many batches, which it has to wait for.
_BLOCK_BYTES = 1 << 25
_BLOCK_STEPS = 64


@dataclasses.dataclass
class Segment:
    """A run of batches of one size.

    Args:
        data: Arrays on the device with the samples on the first axis.
        order: The order of samples on the device.
        size: Samples a batch.
        base: Where in the order the first batch begins.
        steps: The number of batches.
    """

    data: Any
    order: Any
    size: int
    base: int
    steps: int


def device_budget() -> int:
    """Return how many bytes of data may lie on the device at once.

    Example:
        >>> device_budget() > 0
        True
    """
    stats = jax.devices()[0].memory_stats()
    if stats and "bytes_limit" in stats:
        return int((stats["bytes_limit"] - stats.get("bytes_in_use", 0)) * 0.6)
    return int(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 0.6)


class Feed:
    """A source's batches as segments, pass after pass.

    Args:
        source: The source.
        chunk: How many steps the callbacks want between their hooks; `None` where none has any.
        eager: Whether each batch comes by itself.

    Example:
        >>> feed = Feed(ArraySource((np.zeros((5, 3), "float32"),), batch_size=2))
        >>> [(segment.steps, segment.size) for segment in feed.segments((0, 0))]
        [(2, 2), (1, 1)]
    """

    def __init__(self, source: Any, chunk: int | None = None, eager: bool = False) -> None:
        self.source = source
        self._arrays = source if isinstance(source, ArraySource) else None
        # The rows of sparse matrices are made dense batch by batch.
        whole = self._arrays is not None and not eager and not self._arrays.sparse
        self._resident = whole and source.nbytes <= device_budget()
        self._in_order = whole and source.in_order
        self._placed: Any = None
        # A block has room for one execution, or for what comes in a moment.
        self._steps = 1 if eager else min(chunk or _BLOCK_STEPS, source.num_batches or _BLOCK_STEPS)
        self._hurry = chunk is None

    def segments(self, moment: tuple[int, int]) -> Iterator[Segment]:
        """Yield the segments of one pass.

        Args:
            moment: The seed and the steps taken so far, which the order of the samples follows from.
        """
        source = self._arrays
        if source is None:
            yield from self._blocks(self.source.batches(*moment))
            return
        order = source.order(*moment)
        if self._in_order:
            yield from self._slices(len(order))
            return
        if not self._resident:
            yield from self._blocks(_batches(source, order))
            return
        if self._placed is None:
            self._placed = jax.tree_util.tree_map(to_device, source.data)
        # An epoch of fewer batches is laid in the room of a whole one: the same shape, the same executable.
        index = to_device(np.pad(order, (0, source.num_samples - len(order))))
        full, rest = divmod(len(order), source.batch_size)
        if full:
            yield Segment(self._placed, index, source.batch_size, 0, full)
        if rest:
            yield Segment(self._placed, index, rest, full * source.batch_size, 1)

    def forms(self) -> Iterator[tuple[Any, int, int]]:
        """Yield what the segments of the first pass will look like, as far as it is known before.

        Yields:
            Specs of the data, the samples a batch, and the length of the order.
        """
        source = self._arrays
        if source is None:
            batches = [self.source.example()]
        else:
            count, size = source.num_samples, min(source.batch_size, source.num_samples)
            rest = count % size if source.steps is None else 0
            if self._in_order:
                rows = min(count, source.num_batches * source.batch_size)
                for _, _, size, room in self._cuts(rows):
                    yield _specs(source.data, room * size), size, room * size
                return
            if self._resident:
                yield from ((source.data, s, count) for s in (size, rest) if s)
                return
            data = source.data
            batches = [
                jax.tree_util.tree_map(lambda d, s=s: d[:s], data) for s in (size, rest) if s
            ]
        for batch in batches:
            size, room = _size(batch), self._room(batch)
            yield _specs(batch, room * size), size, room * size

    def _cuts(self, rows: int) -> Iterator[tuple[int, int, int, int]]:
        """Yield where the first `rows` samples are cut into blocks: start, stop, samples a batch, room for batches."""
        size = self.source.batch_size
        full = rows // size * size
        if full:
            nbytes = max(1, self.source.nbytes * size // self.source.num_samples)
            # Powers of two, so that few programs serve all lengths.
            room = min(
                1 << (full // size - 1).bit_length(),
                1 << (max(1, _BLOCK_BYTES // nbytes).bit_length() - 1),
            )
            for start in range(0, full, room * size):
                yield start, min(start + room * size, full), size, room
        if rows > full:
            yield full, rows, rows - full, 1

    def _slices(self, rows: int) -> Iterator[Segment]:
        """Yield the blocks of arrays that are shown in their order; they stay on the device where they fit."""
        if self._placed is not None:
            yield from self._placed
            return
        kept = []
        for start, stop, size, room in self._cuts(rows):
            data = jax.tree_util.tree_map(
                lambda a, at=slice(start, stop), n=room * size: to_device(_padded(a[at], n)),
                self.source.data,
            )
            segment = Segment(data, _numbers(room * size), size, 0, (stop - start) // size)
            if self._resident:
                kept.append(segment)
            yield segment
        if self._resident:
            self._placed = kept

    def _room(self, batch: Any) -> int:
        nbytes = sum(a.nbytes for a in jax.tree_util.tree_leaves(batch))
        return max(1, min(self._steps, _BLOCK_BYTES // max(1, nbytes)))

    def _blocks(self, batches: Iterable[Any]) -> Iterator[Segment]:
        waiting: list[Any] = []
        began = 0.0
        for batch in batches:
            if waiting and _form(batch) != _form(waiting[0]):
                yield self._block(waiting)
                waiting = []
            if not waiting:
                began = time.perf_counter()
            waiting.append(batch)
            slow = self._hurry and time.perf_counter() - began > CHUNK_SECONDS
            if slow or len(waiting) >= self._room(batch):
                yield self._block(waiting)
                waiting = []
        if waiting:
            yield self._block(waiting)

    def _block(self, batches: list[Any]) -> Segment:
        """Lay batches of one shape side by side, in room that has one size for each shape."""
        size, room = _size(batches[0]), self._room(batches[0])

        def lay(*arrays: Any) -> Any:
            if room == 1:
                return to_device(arrays[0])
            laid = np.zeros((room * size, *arrays[0].shape[1:]), arrays[0].dtype)
            for i, array in enumerate(arrays):
                laid[i * size : (i + 1) * size] = array
            return to_device(laid)

        data = jax.tree_util.tree_map(lay, *batches)
        return Segment(data, _numbers(room * size), size, 0, len(batches))


def _batches(source: ArraySource, order: np.ndarray) -> Iterator[Any]:
    """Yield the batches of arrays that stay on the host."""
    data = jax.tree_util.tree_map(on_host, source.data)
    size = source.batch_size
    for first in range(0, len(order), size):
        index = order[first : first + size]
        yield jax.tree_util.tree_map(lambda d, index=index: d[index], data)


def _padded(array: Any, rows: int) -> Any:
    if len(array) == rows:
        return array
    xp = jnp if isinstance(array, jax.Array) else np
    return xp.pad(array, [(0, rows - len(array)), *[(0, 0)] * (array.ndim - 1)])


@functools.lru_cache(maxsize=8)
def _numbers(count: int) -> jax.Array:
    return to_device(np.arange(count, dtype="int32"))


def _specs(data: Any, rows: int) -> Any:
    return jax.tree_util.tree_map(
        lambda a: jax.ShapeDtypeStruct((rows, *a.shape[1:]), a.dtype), data
    )


def _size(batch: Any) -> int:
    return len(jax.tree_util.tree_leaves(batch)[0])


def _form(batch: Any) -> Any:
    leaves, tree = jax.tree_util.tree_flatten(batch)
    return tree, [(a.shape, a.dtype) for a in leaves]
