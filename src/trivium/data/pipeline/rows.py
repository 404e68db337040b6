"""The stages of a pipeline over arrays: numbers of rows, until the rows are read.

So `from_tensor_slices`, `shuffle` and `batch` cost nothing but an order. What rows and batches do by numbers,
`Elements` does one by one: the result is the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from trivium.data.orders import OrderKey, gathered, in_blocks, part_of, through_buffer
from trivium.data.pipeline.elements import count_rows, row
from trivium.data.pipeline.functions import MapFunction, Spot, Spots
from trivium.data.pipeline.stages import Elements, count_batches, repeated
from trivium.state.types import Tree

__all__ = ["Batches", "Rows", "rows_of"]

# How many rows a shuffle through a buffer hands on at once.
_BLOCK = 1024

Blocks = Callable[[OrderKey], Iterator[np.ndarray]]


class Rows(Elements):
    """Rows of arrays, as their numbers, and functions to be applied to them.

    Args:
        arrays: The arrays.
        blocks: Gives the numbers of the rows in order, some at a time.
        length: How many there are.
        functions: What is applied to a row, in order.
        shuffles: How many shuffles come before.
        plain: Whether all rows come in their order.
    """

    def __init__(
        self,
        arrays: Tree,
        blocks: Blocks,
        length: int,
        functions: tuple[MapFunction, ...] = (),
        shuffles: int = 0,
        plain: bool = True,
    ) -> None:
        self.arrays = arrays
        self.blocks = blocks
        self.functions = functions
        self.plain = plain and not functions
        super().__init__(self._rows, length, shuffles, len(functions))

    def row(self, number: Any) -> Any:
        """Return a row as the arrays have it, or several by an array of numbers."""
        return row(self.arrays, number)

    def _rows(self, key: OrderKey, skip: int) -> Iterator[Any]:
        numbers = (n for block in part_of(self.blocks(key), skip, None) for n in block)
        rows: Iterator[Any] = (
            (Spot(place, n), self.row(n)) for place, n in enumerate(numbers, skip)
        )
        for stage, function in enumerate(self.functions):
            rows = function.results(rows, key, stage, self.row)
        return (element for _, element in rows)

    def _ordered(self, blocks: Blocks, length: int, shuffles: int = 0) -> Rows:
        return Rows(
            self.arrays, blocks, length, self.functions, self.shuffles + shuffles, plain=False
        )

    def map(self, function: MapFunction) -> Rows:
        """Apply a function to each row, when it is read."""
        functions = (*self.functions, function)
        return Rows(self.arrays, self.blocks, self.length, functions, self.shuffles, self.plain)

    def shuffle(self, size: int, seed: int | None, reshuffle: bool) -> Rows:
        """Draw the rows from a buffer by chance."""

        def blocks(key: OrderKey) -> Iterator[np.ndarray]:
            generator = key.for_shuffle(reshuffle).generator(seed, self.shuffles)
            if 0 <= self.length <= size:
                # A buffer with room for all is one permutation, which is the order of `fit` on arrays.
                yield gathered(self.blocks(key))[generator.permutation(self.length)]
                return
            singles = (i for block in self.blocks(key) for i in block)
            yield from in_blocks(through_buffer(singles, size, generator), _BLOCK)

        return self._ordered(blocks, self.length, shuffles=1)

    def take(self, count: int) -> Rows:
        """Keep the first rows."""
        length = count if self.length < 0 else min(count, self.length)
        return self._ordered(lambda key: part_of(self.blocks(key), 0, count), length)

    def skip(self, count: int) -> Rows:
        """Leave the first rows out."""
        length = self.length if self.length < 0 else max(self.length - count, 0)
        return self._ordered(lambda key: part_of(self.blocks(key), count, None), length)

    def shard(self, count: int, index: int) -> Rows:
        """Keep every `count`-th row, from the one numbered `index` on."""
        length = self.length if self.length < 0 else len(range(index, self.length, count))

        def blocks(key: OrderKey) -> Iterator[np.ndarray]:
            first = index  # Where in the block to come the next one is that stays.
            for block in self.blocks(key):
                yield block[first::count]
                first += -(-max(len(block) - first, 0) // count) * count - len(block)

        return self._ordered(blocks, length)

    def repeat(self, count: int | None) -> Rows:
        """Go through the rows several times."""
        return self._ordered(
            lambda key: itertools.chain.from_iterable(
                self.blocks(k) for k in key.repetitions(count)
            ),
            repeated(self.length, count),
        )

    def zip(self, *others: Elements) -> Elements:
        """Return tuples of one element out of each; of arrays in their own order, rows again."""
        rows = [p for p in (self, *others) if isinstance(p, Rows) and p.plain]
        if len(rows) == 1 + len(others) and len({p.length for p in rows}) == 1:
            return rows_of(tuple(p.arrays for p in rows))
        return super().zip(*others)

    def cache(self) -> Elements:
        """Keep the rows in memory, as functions and chance made them; arrays are there already."""
        return super().cache() if self.functions or self.shuffles else self

    def prefetch(self, size: int) -> Elements:
        """Have the rows made ahead, where there is anything to make."""
        return super().prefetch(size) if self.functions else self

    def batch(self, size: int, drop: bool) -> Batches:
        """Put rows together on a new first axis."""
        return Batches(self, size, drop)


class Batches(Elements):
    """Batches of rows: read with one indexing each, and without any where they go to `fit`.

    Args:
        rows: The rows.
        size: Rows a batch.
        drop: Whether to leave a last partial batch out.
    """

    alike = True

    def __init__(self, rows: Rows, size: int, drop: bool) -> None:
        self.rows, self.size, self.drop = rows, size, drop
        length = count_batches(rows.length, size, drop)
        super().__init__(self._batches, length, rows.shuffles, rows.maps)

    def _batches(self, key: OrderKey, skip: int) -> Iterator[Any]:
        rows = self.rows

        def numbered() -> Iterator[Any]:
            first = skip * self.size
            for index in in_blocks(part_of(rows.blocks(key), first, None), self.size):
                if len(index) == self.size or not self.drop:
                    yield Spots(first, index), rows.row(index)
                first += self.size

        batches = numbered()
        for stage, function in enumerate(rows.functions):
            batches = function.over(batches, key, stage, rows.row)
        return (batch for _, batch in batches)

    def take(self, count: int) -> Batches:
        """Keep the first batches."""
        return Batches(self.rows.take(count * self.size), self.size, self.drop)

    def skip(self, count: int) -> Batches:
        """Leave the first batches out."""
        return Batches(self.rows.skip(count * self.size), self.size, self.drop)

    def cache(self) -> Elements:
        """Keep the batches in memory, as functions and chance made them; arrays are there already."""
        return super().cache() if self.rows.functions or self.shuffles else self

    def prefetch(self, size: int) -> Elements:
        """Have the batches made ahead, where there is anything to make."""
        return super().prefetch(size) if self.rows.functions else self


def rows_of(arrays: Tree) -> Rows:
    """Return all rows of arrays in their order.

    Example:
        >>> list(rows_of(np.arange(3)).batch(2, True).read(OrderKey(0, (0,))))
        [array([0, 1])]
    """
    count = count_rows(arrays)
    return Rows(arrays, lambda key: iter([np.arange(count)]), count)
