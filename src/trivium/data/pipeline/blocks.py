"""The stages of a pipeline whose rows come in blocks: of tables in files, read from the front to the end."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from trivium.data.orders import OrderKey
from trivium.data.pipeline.elements import count_rows, map_arrays, row
from trivium.data.pipeline.functions import MapFunction, Spot, Spots
from trivium.data.pipeline.stages import Elements, count_batches, repeated

__all__ = ["Blocks"]

ReadBlocks = Callable[[OrderKey], Iterator[Any]]


class Blocks(Elements):
    """Rows that come in blocks: arrays of some rows each, and functions to be applied to a row.

    What is batched is cut out of the blocks, without a look at single rows.

    Args:
        blocks: Gives the blocks of one pass.
        length: How many rows there are.
        functions: What is applied to a row, in order.
        shuffles: How many shuffles come before.

    Example:
        >>> rows = Blocks(lambda key: iter([np.arange(3), np.arange(3, 5)]), 5)
        >>> [b.tolist() for b in rows.batch(2, False).read(OrderKey(0, (0,)))]
        [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self,
        blocks: ReadBlocks,
        length: int,
        functions: tuple[MapFunction, ...] = (),
        shuffles: int = 0,
    ) -> None:
        self.blocks, self.functions = blocks, functions
        super().__init__(self._rows, length, shuffles, len(functions))

    def _rows(self, key: OrderKey, skip: int) -> Iterator[Any]:
        singles = (row(block, i) for block in self.blocks(key) for i in range(count_rows(block)))
        rows: Iterator[Any] = (
            (Spot(n, n), element)
            for n, element in enumerate(itertools.islice(singles, skip, None), skip)
        )
        for stage, function in enumerate(self.functions):
            rows = function.results(rows, key, stage)
        return (element for _, element in rows)

    def map(self, function: MapFunction) -> Blocks:
        """Apply a function to each row, when it is read."""
        return Blocks(self.blocks, self.length, (*self.functions, function), self.shuffles)

    def shuffle(self, size: int, seed: int | None, reshuffle: bool) -> Blocks:
        """Mix the rows in a buffer, of which one half goes on whenever it is full."""

        def blocks(key: OrderKey) -> Iterator[Any]:
            generator = key.for_shuffle(reshuffle).generator(seed, self.shuffles)
            waiting = None
            for block in self.blocks(key):
                waiting = block if waiting is None else _joined(waiting, block)
                if (count := count_rows(waiting)) >= size:
                    order = generator.permutation(count)
                    yield row(waiting, order[: count - size // 2])
                    waiting = row(waiting, order[count - size // 2 :])
            if waiting is not None and (count := count_rows(waiting)):
                yield row(waiting, generator.permutation(count))

        return Blocks(blocks, self.length, self.functions, self.shuffles + 1)

    def repeat(self, count: int | None) -> Blocks:
        """Go through the rows several times."""
        return Blocks(
            lambda key: itertools.chain.from_iterable(
                self.blocks(k) for k in key.repetitions(count)
            ),
            repeated(self.length, count),
            self.functions,
            self.shuffles,
        )

    def batch(self, size: int, drop: bool) -> Elements:
        """Put rows together."""

        def read(key: OrderKey, skip: int) -> Iterator[Any]:
            batches: Iterator[Any] = _numbered(self.blocks(key), size, drop, skip * size)
            for stage, function in enumerate(self.functions):
                batches = function.over(batches, key, stage)
            return (batch for _, batch in batches)

        length = count_batches(self.length, size, drop)
        return Elements(read, length, self.shuffles, self.maps)


def _joined(*blocks: Any) -> Any:
    return map_arrays(lambda *arrays: np.concatenate(arrays), *blocks)


def _numbered(
    blocks: Iterator[Any], size: int, drop: bool, skip: int
) -> Iterator[tuple[Spots, Any]]:
    """Yield the rows of blocks in batches of one size, with their numbers, but for the first `skip` rows."""
    waiting, first = None, skip
    for block in blocks:
        count = count_rows(block)
        if skip >= count:
            skip -= count
            continue
        block = row(block, slice(skip, None))
        skip = 0
        waiting = block if waiting is None else _joined(waiting, block)
        count = count_rows(waiting)
        for start in range(0, count - size + 1, size):
            yield (
                Spots(first, np.arange(first, first + size)),
                row(waiting, slice(start, start + size)),
            )
            first += size
        waiting = row(waiting, slice(count - count % size, None))
    if waiting is not None and (count := count_rows(waiting)) and not drop:
        yield Spots(first, np.arange(first, first + count)), waiting
