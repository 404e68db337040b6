"""The feed: a source's batches on their way to the engine, in segments.

Arrays that are shuffled go to the device as a whole, once, where they fit. Everything else comes in blocks: as many
batches as there is room for, or as a stream gives in a moment, laid side by side. A program is compiled for a block, so
arrays that are shown in their order are evaluated by the same few programs whatever their length.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax
import numpy as np

from trivium.data import ArraySource
from trivium.data.checks import placed
from trivium.data.convert import refuse_text
from trivium.data.lazy import on_host
from trivium.data.runs import in_runs
from trivium.data.texts import is_text
from trivium.state import to_device
from trivium.state.placing import Rooms, handed_over, room_for
from trivium.training.lanes import current_lane
from trivium.training.pace import CHUNK_SECONDS
from trivium.training.segments import (
    Block,
    Laid,
    Segment,
    along,
    form_of,
    is_small,
    laid,
    order_of,
    padded,
    row_numbers,
    size_of,
    specs_of,
)  # fmt: skip

__all__ = ["Feed", "device_budget"]

# A block has at most so many bytes, of which copying in one go gains nothing more; a stream's has at most so many
# batches, since it has to wait for each.
_BLOCK_BYTES = 1 << 25
_BLOCK_STEPS = 64


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
        size: Samples a step, where that is not the source's batch. The last of them are filled up with copies of the
            last sample. For arrays that are shown in their order.

    Example:
        >>> feed = Feed(ArraySource((np.zeros((5, 3), "float32"),), batch_size=2))
        >>> [(segment.steps, segment.size) for segment in feed.segments((0, 0))]
        [(2, 2), (1, 1)]
    """

    def __init__(
        self,
        source: Any,
        chunk: int | None = None,
        eager: bool = False,
        size: int | None = None,
    ) -> None:
        self.source, self.eager, self.size = source, eager, size
        self._arrays = source if isinstance(source, ArraySource) else None
        # Lazy rows are made batch by batch.
        whole = self._arrays is not None and not eager and not self._arrays.lazy
        self._resident = whole and source.nbytes <= device_budget()
        self._in_order = whole and source.in_order
        self._kept: dict[int, list[Segment]] = {}
        self._shown: set[int] = set()
        # A block has room for one execution, or for what comes in a moment.
        self._steps = 1 if eager else min(chunk or _BLOCK_STEPS, source.num_batches or _BLOCK_STEPS)
        self._hurry = chunk is None
        self._runs: tuple[int, int] | None = None
        if self._arrays is not None and not eager:
            # Text has no place in the memory of the device.
            text = any(map(is_text, jax.tree_util.tree_leaves(source.data)))
            self._runs = None if text else self._arrays.runs
        self._rooms = (
            [Rooms() for _ in jax.tree_util.tree_leaves(source.data)] if self._runs else []
        )

    def segments(self, moment: tuple[int, int], skip: int = 0) -> Iterator[Segment]:
        """Yield the segments of one pass.

        Args:
            moment: The seed and the steps taken so far, which the order of the samples follows from.
            skip: How many of the first batches of an epoch of training to leave out.
        """
        source = self._arrays
        if source is None:
            yield from self._blocks(self.source.batches(*moment, skip))
            return
        order = source.order(*moment)
        if self._in_order:
            yield from self._slices(len(order))
        elif self._resident:
            yield from self._whole(len(order), order, skip)
        else:
            rest = order[skip * source.batch_size :]
            if self._runs is None:
                yield from source.read_ahead(lambda: self._gathered(rest))
            else:
                # One waits while one is used: they are large.
                yield from source.read_ahead(lambda: self._in_runs(rest), 1)

    def first(self) -> Iterator[Segment]:
        """Yield the segments of the first pass, or one of each form that is known before; nothing is laid for them."""
        source = self._arrays
        if source is None:
            yield self._block(self.source.example()).segment()
            return
        rows = min(source.num_samples, source.num_batches * source.batch_size)
        if self._in_order:
            yield from (self._slice(*cut) for cut in self._cuts(rows))
        elif self._resident:
            yield from self._whole(rows)
        else:
            for size in dict.fromkeys((min(rows, source.batch_size), rows % source.batch_size)):
                if size == source.batch_size and self._runs is not None:
                    yield self._run(1, lambda: (None, row_numbers(0)))
                elif size:
                    yield self._block(_rows(source.data, slice(0, size))).segment()

    def _whole(
        self, rows: int, order: np.ndarray | None = None, skip: int = 0
    ) -> Iterator[Segment]:
        """Yield the segments of arrays that lie on the device as a whole, shown in an order of so many rows."""
        source = self._arrays
        assert source is not None
        size = source.batch_size
        full, rest = divmod(rows, size)
        count = order_of(source.num_samples, size if full else rest)

        @functools.cache
        def lay() -> Laid:
            assert order is not None
            # An epoch of fewer batches is laid in the room of a whole one: the same shape, the same executable.
            own = room_for((count,), "int32")
            own[: len(order)], own[len(order) :] = order, 0
            # To bring it costs as much as a dozen calls of a program that takes it along.
            few = self._hurry and is_small(own)
            return self._placed, own if few else handed_over(own)

        # A pipeline's arrays may have more rows than it shows.
        specs = specs_of(source.data, size_of(source.data))
        if full > skip:
            yield Segment(specs, size, count, full - skip, skip * size, lay)
        if rest and skip <= full:
            yield Segment(specs, rest, count, 1, full * size, lay)

    @functools.cached_property
    def _placed(self) -> Any:
        placed = jax.tree_util.tree_map(to_device, self.source.data)
        lane = current_lane()
        return placed if lane is None else lane.shared(placed)

    def _slices(self, rows: int) -> Iterator[Segment]:
        """Yield the blocks of arrays that are shown in their order.

        What is shown a second time stays on the device where it fits, since it will be shown again: the arrays of a
        validation. Those of an evaluation or a prediction go block by block, and there is memory for one of them.
        """
        if rows in self._kept:
            yield from self._kept[rows]
            return
        segments: Iterable[Segment] = (self._slice(*cut) for cut in self._cuts(rows))
        if self._resident and rows in self._shown:
            self._kept[rows] = segments = list(segments)
        self._shown.add(rows)
        yield from segments

    def _slice(self, start: int, stop: int, size: int, room: int) -> Segment:
        # What is kept here must not hold the feed, or nobody lets go of the data before garbage is looked for.
        data, rows, hurry = self.source.data, room * size, self._hurry
        steps = -(-(stop - start) // size)

        def place(array: Any) -> Any:
            if not is_small(array, rows):
                return laid(array[start:stop], rows, steps * size)
            array = padded(array[start:stop], rows, steps * size)
            # Between two hooks a program may still run when the user writes to the array.
            return array if hurry else along(array)

        def lay() -> Laid:
            return jax.tree_util.tree_map(place, data), row_numbers(rows)

        return Segment(specs_of(data, rows), size, rows, steps, 0, lay, True, alone=room == 1)

    def _cuts(self, rows: int) -> Iterator[tuple[int, int, int, int]]:
        """Yield where the first `rows` samples are cut into blocks: start, stop, samples a batch, room for batches."""
        size = self.size or self.source.batch_size
        full = rows // size * size if self.size is None else rows
        if full:
            nbytes = max(1, self.source.nbytes * size // self.source.num_samples)
            # Powers of two, so that few programs serve all lengths.
            room = min(
                1 << (-(-full // size) - 1).bit_length(),
                1 << (max(1, _BLOCK_BYTES // nbytes).bit_length() - 1),
            )
            for start in range(0, full, room * size):
                yield start, min(start + room * size, full), size, room
        if rows > full:
            yield full, rows, rows - full, 1

    def _room_for(self, nbytes: int) -> int:
        """Return how many batches of so many bytes are laid side by side."""
        return max(1, min(self._steps, _BLOCK_BYTES // max(1, nbytes)))

    def _gathered(self, order: np.ndarray) -> Iterator[Segment]:
        """Yield the batches of arrays that stay on the host, those of a segment gathered at once."""
        source = self._arrays
        assert source is not None
        data, size = jax.tree_util.tree_map(on_host, source.data), source.batch_size
        leaves = jax.tree_util.tree_leaves(data)
        room = self._room_for(size * sum(a.nbytes // len(a) for a in leaves))
        full = len(order) // size
        for first in range(0, full, room):
            steps = min(room, full - first)
            rows = _rows(data, order[first * size : (first + steps) * size])
            laid = jax.tree_util.tree_map(
                lambda a: a if is_text(a) else to_device(padded(a, room * size)), rows
            )
            length = order_of(room * size, size)
            lay = functools.partial(tuple, (laid, row_numbers(length)))
            specs = specs_of(data, room * size)
            yield Segment(specs, size, length, steps, 0, lay, in_order=True)
        if len(order) > full * size:
            yield self._alone(_rows(data, order[full * size :]))

    def _in_runs(self, order: np.ndarray) -> Iterator[Segment]:
        """Yield the segments of arrays in files: their rows as they lie there, and their order beside them."""
        source, size = self.source, self.source.batch_size
        assert self._runs is not None
        data = jax.tree_util.tree_map(on_host, source.data)
        room = self._room_of_run()
        rooms = [r.room for r in self._rooms]
        for rows, places in in_runs(data, order, size, room, self._runs[0], rooms):
            if len(places) < size:
                yield self._alone(rows)
                continue
            filled = np.pad(places, (0, room // size * size - len(places)))
            laid = jax.tree_util.tree_map(handed_over, rows), to_device(filled)
            yield self._run(len(places) // size, functools.partial(tuple, laid))

    def _run(self, steps: int, lay: Callable[[], Laid]) -> Segment:
        room, size = self._room_of_run(), self.source.batch_size
        return Segment(specs_of(self.source.data, room), size, room // size * size, steps, 0, lay)

    def _room_of_run(self) -> int:
        """Return how many rows of files are read at once: those that are mixed, and a batch that is not full yet."""
        source = self.source
        assert self._runs is not None
        block, group = self._runs
        rows = min(source.num_samples, source.num_batches * source.batch_size, block * group)
        return rows + source.batch_size - 1

    def _blocks(self, batches: Iterable[Any]) -> Iterator[Segment]:
        block: Block | None = None
        began, read = 0.0, iter(batches)
        while True:
            try:
                batch = next(read)
            except StopIteration:
                break
            except Exception:
                # What came before is seen to first, as where each batch has its hooks.
                if block is not None:
                    yield block.segment()
                raise
            if block is not None and form_of(batch) != block.form:
                yield block.segment()
                block = None
            if block is None:
                block, began = self._block(batch), time.perf_counter()
            block.add(batch)
            slow = self._hurry and time.perf_counter() - began > CHUNK_SECONDS
            if slow or block.count == block.room:
                yield block.segment()
                block = None
        if block is not None:
            yield block.segment()

    def _alone(self, batch: Any) -> Segment:
        block = self._block(batch)
        block.add(batch)
        return block.segment()

    def _block(self, batch: Any) -> Block:
        """Return a block for batches like one, of another form than those before."""
        leaves = jax.tree_util.tree_leaves(batch)
        if not self.eager and any(map(is_text, leaves)):
            # The first was looked at before anything was compiled; text may still come later.
            with placed(self.source.what):
                for name, part in zip(("x", "y", "sample_weight"), batch, strict=False):
                    refuse_text(part, name)
        return Block(batch, self._room_for(sum([a.nbytes for a in leaves])), self.eager)


def _rows(data: Any, index: Any) -> Any:
    return jax.tree_util.tree_map(lambda d: d[index], data)
