"""Elements that code of ours makes from numbers: their order is one of numbers, so what is left out is never made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from trivium.data.orders import OrderKey, in_blocks, part_of
from trivium.data.pipeline.failures import Failed
from trivium.data.pipeline.rows import Rows, rows_of
from trivium.data.pipeline.stages import Elements, count_batches
from trivium.data.workers import in_workers

__all__ = ["Columns", "Numbered", "numbers_of"]

# How many elements are made in one go where they are not put into batches.
_BLOCK = 32

# What is made of some numbers: for each part of an element an array, or a list of things of different sizes.
Columns = list[Any]


def numbers_of(count: int, shuffle: bool, seed: int | None) -> Rows:
    """Return the numbers from 0 to `count - 1`, in another order each pass if that is wanted.

    Args:
        count: How many.
        shuffle: Whether to mix them.
        seed: What the orders are drawn from; by default the global seed.

    Example:
        >>> [block.tolist() for block in numbers_of(3, False, None).blocks(OrderKey(0, (0,)))]
        [[0, 1, 2]]
    """
    rows = rows_of(np.arange(count))
    return rows.shuffle(count, seed, True) if shuffle else rows


class Numbered(Elements):
    """Elements, or batches of them, that a function makes from their numbers.

    Args:
        rows: The numbers.
        make: Takes some numbers and returns the elements' parts, side by side; `None` if there are none.
        join: Makes arrays of these, for a batch.
        size: Elements a batch; `None` for elements one by one.
        workers: How many threads make them, ahead of whoever reads; 0 makes them when they are asked for.
        name: What the elements are, for messages.

    Example:
        >>> squares = Numbered(numbers_of(5, False, None), lambda i: [i, i**2], list, 2)
        >>> [(i.tolist(), j.tolist()) for i, j in squares.skip(1).read(OrderKey(0, (0,)))]
        [([2, 3], [4, 9]), ([4], [16])]
    """

    def __init__(
        self,
        rows: Rows,
        make: Callable[[np.ndarray], Columns | None],
        join: Callable[[Columns], Columns],
        size: int | None,
        workers: int = 0,
        name: str = "the Dataset",
    ) -> None:
        self.rows, self.size, self._name = rows, size, name
        self._make, self._join, self._workers = make, join, workers
        count = rows.length if size is None else count_batches(rows.length, size, False)
        super().__init__(self._elements, count, rows.shuffles)
        self.alike = size is not None

    def _elements(self, key: OrderKey, skip: int) -> Iterator[Any]:
        numbers = part_of(self.rows.blocks(key), skip * (self.size or 1), None)
        blocks = in_blocks(numbers, self.size or _BLOCK)
        for place, (columns, error) in enumerate(self._parts(blocks), skip):
            if error is not None:
                where = self._name if self.size is None else f"batch {place} of {self._name}"
                yield Failed(error, where)
            elif columns is not None:
                for parts in [columns] if self.size is not None else zip(*columns, strict=True):
                    # One part stands alone, several are a tuple.
                    yield parts[0] if len(parts) == 1 else tuple(parts)

    def _parts(
        self, blocks: Iterator[np.ndarray]
    ) -> Iterator[tuple[Columns | None, Exception | None]]:
        """Yield what is made of the blocks, in order, or the error that it ended in."""
        # Who wants to see an example only shall not have a row of batches made for nothing.
        for block in blocks:
            made: Columns | None = None
            error: Exception | None = None
            try:
                made = self._part(block)
            except Exception as raised:
                error = raised
            yield made, error
            if self._workers:
                break
        if self._workers:
            work = in_workers(self._part, blocks, self._workers, name=self._name)
            yield from ((columns, error) for _, columns, error in work)

    def _part(self, block: np.ndarray) -> Columns | None:
        """Return what is made of some numbers, put together where they are a batch."""
        columns = self._make(block)
        return columns if columns is None or self.size is None else self._join(columns)

    def take(self, count: int) -> Elements:
        """Keep the first elements; the others are never made."""
        return self._of(self.rows.take(count * (self.size or 1)))

    def skip(self, count: int) -> Elements:
        """Leave the first elements out, unmade."""
        return self._of(self.rows.skip(count * (self.size or 1)))

    def _of(self, rows: Rows) -> Numbered:
        return Numbered(rows, self._make, self._join, self.size, self._workers, self._name)
