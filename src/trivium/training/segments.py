"""Segments: where the batches of a pass lie while the engine runs over them.

Arrays that fit go to the device as a whole, once. Everything else (streams, arrays too large, eager runs) comes in
blocks: as many batches as there is room for, or as come in a moment, laid side by side.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Iterable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.training.data import ArraySource

__all__ = ["CHUNK_SECONDS", "Segment", "device_budget", "segments"]

# A chunk lasts about this long, so that the progress bar moves and Ctrl-C is heard.
CHUNK_SECONDS = 0.25
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
    """Return how many bytes of data may lie on the device at once."""
    stats = jax.devices()[0].memory_stats()
    if stats and "bytes_limit" in stats:
        return int((stats["bytes_limit"] - stats.get("bytes_in_use", 0)) * 0.6)
    return int(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 0.6)


def segments(
    source: Any, moment: tuple[int, int], chunk: int | None, eager: bool, placed: list[Any]
) -> Iterator[Segment]:
    """Yield the segments of one pass.

    Args:
        source: The source.
        moment: The seed and the steps taken so far, which the order of the samples follows from.
        chunk: A fixed number of steps a block; as many as there is room for where it is `None`.
        eager: Whether each batch comes by itself.
        placed: Where the source's data on the device is kept from pass to pass; empty at first.
    """
    if not isinstance(source, ArraySource):
        yield from _blocks(source.batches(*moment), 1 if eager else chunk)
        return
    order = source.order(*moment)
    if eager or (not placed and source.nbytes > device_budget()):
        yield from _blocks(_batches(source, order), 1 if eager else chunk)
        return
    if not placed:
        placed.append(jax.tree_util.tree_map(jnp.asarray, source.data))
    # An epoch of fewer batches is laid in the room of a whole one: the same shape, the same executable.
    index = jnp.asarray(np.pad(order, (0, source.num_samples - len(order))))
    full, rest = divmod(len(order), source.batch_size)
    if full:
        yield Segment(placed[0], index, source.batch_size, 0, full)
    if rest:
        yield Segment(placed[0], index, rest, full * source.batch_size, 1)


def _batches(source: ArraySource, order: np.ndarray) -> Iterator[Any]:
    """Yield the batches of arrays that stay on the host."""
    data = jax.tree_util.tree_map(np.asarray, source.data)
    size = source.batch_size
    for first in range(0, len(order), size):
        index = order[first : first + size]
        yield jax.tree_util.tree_map(lambda d, index=index: d[index], data)


def _blocks(batches: Iterable[Any], chunk: int | None) -> Iterator[Segment]:
    waiting: list[Any] = []
    began = 0.0
    for batch in batches:
        if waiting and _form(batch) != _form(waiting[0]):
            yield _block(waiting, chunk)
            waiting = []
        if not waiting:
            began = time.perf_counter()
        waiting.append(batch)
        slow = time.perf_counter() - began > CHUNK_SECONDS
        if slow or len(waiting) >= (chunk or _room(batch)):
            yield _block(waiting, chunk)
            waiting = []
    if waiting:
        yield _block(waiting, chunk)


def _block(batches: list[Any], chunk: int | None) -> Segment:
    """Lay batches of one shape side by side, in room that has one size for each shape."""
    size = len(jax.tree_util.tree_leaves(batches[0])[0])
    room = chunk or _room(batches[0])

    def lay(*arrays: Any) -> Any:
        if room == 1:
            return jnp.asarray(arrays[0])
        laid = np.zeros((room * size, *arrays[0].shape[1:]), arrays[0].dtype)
        for i, array in enumerate(arrays):
            laid[i * size : (i + 1) * size] = array
        return jnp.asarray(laid)

    data = jax.tree_util.tree_map(lay, *batches)
    return Segment(data, jnp.arange(room * size, dtype="int32"), size, 0, len(batches))


def _form(batch: Any) -> Any:
    return [(a.shape, a.dtype) for a in jax.tree_util.tree_leaves(batch)]


def _room(batch: Any) -> int:
    nbytes = sum(a.nbytes for a in jax.tree_util.tree_leaves(batch))
    return max(1, min(_BLOCK_STEPS, _BLOCK_BYTES // max(1, nbytes)))
