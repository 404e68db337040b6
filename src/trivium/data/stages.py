"""The stages of a pipeline: elements one by one, rows of arrays, and batches of rows.

A pipeline over arrays is carried as numbers of rows until its rows are read. So `from_tensor_slices`, `shuffle` and
`batch` cost nothing but an order. What rows and batches do by numbers, `Elements` does one by one: the result is the
same.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from trivium.data.elements import Vectorized, as_arrays, as_tensors, call_on, count_rows, row, stack
from trivium.data.orders import OrderKey, gathered, in_blocks, part_of, through_buffer

__all__ = ["INFINITE", "UNKNOWN", "Batches", "Elements", "Rows", "rows_of"]

# What a length says where it is no count; TensorFlow's numbers.
UNKNOWN, INFINITE = -2, -1
# How many rows a shuffle through a buffer hands on at once.
_BLOCK = 1024


class Elements:
    """Elements that are read one by one.

    Args:
        read: Gives the elements of one pass, from the key that its orders follow from.
        length: How many elements there are; `INFINITE` without end, `UNKNOWN` where it is not known.
        shuffles: How many shuffles come before. Each draws from numbers of its own.

    Example:
        >>> letters = Elements(lambda key: iter("abc"), 3)
        >>> list(letters.take(2).read(OrderKey(0, (0,))))
        ['a', 'b']
    """

    def __init__(
        self, read: Callable[[OrderKey], Iterator[Any]], length: int, shuffles: int = 0
    ) -> None:
        self.read = read
        self.length = length
        self.shuffles = shuffles

    def then(
        self, read: Callable[[OrderKey], Iterator[Any]], length: int | None = None
    ) -> Elements:
        """Return what is read through a further stage."""
        return Elements(read, self.length if length is None else length, self.shuffles)

    def map(self, function: Callable[..., Any]) -> Elements:
        """Apply a function to each element."""
        return self.then(
            lambda key: (as_arrays(call_on(function, as_tensors(e))) for e in self.read(key))
        )

    def filter(self, predicate: Callable[..., Any]) -> Elements:
        """Keep the elements for which a function says so."""
        return self.then(
            lambda key: (e for e in self.read(key) if call_on(predicate, as_tensors(e))), UNKNOWN
        )

    def flat_map(self, function: Callable[..., Elements]) -> Elements:
        """Put what a function makes of the elements one behind the other."""
        return self.then(
            lambda key: (
                inner
                for e in self.read(key)
                for inner in call_on(function, as_tensors(e)).read(key)
            ),
            UNKNOWN,
        )

    def shuffle(self, size: int, seed: int | None, reshuffle: bool) -> Elements:
        """Draw the elements from a buffer by chance."""

        def read(key: OrderKey) -> Iterator[Any]:
            generator = key.for_shuffle(reshuffle).generator(seed, self.shuffles)
            return through_buffer(self.read(key), size, generator)

        return Elements(read, self.length, self.shuffles + 1)

    def batch(self, size: int, drop: bool) -> Elements:
        """Put elements together on a new first axis; `drop` leaves a last partial batch out."""

        def read(key: OrderKey) -> Iterator[Any]:
            elements = self.read(key)
            while chunk := list(itertools.islice(elements, size)):
                if len(chunk) == size or not drop:
                    yield stack(chunk)

        return self.then(read, _count_batches(self.length, size, drop))

    def unbatch(self) -> Elements:
        """Take elements apart along their first axis."""
        return self.then(
            lambda key: (row(e, i) for e in self.read(key) for i in range(count_rows(e))), UNKNOWN
        )

    def repeat(self, count: int | None) -> Elements:
        """Go through the elements several times; without end where `count` is `None` or -1."""
        return self.then(
            lambda key: itertools.chain.from_iterable(self.read(k) for k in key.repetitions(count)),
            _repeated(self.length, count),
        )

    def take(self, count: int) -> Elements:
        """Keep the first elements."""
        length = count if self.length == INFINITE else min(count, self.length)
        return self.then(lambda key: itertools.islice(self.read(key), count), length)

    def skip(self, count: int) -> Elements:
        """Leave the first elements out."""
        length = self.length if self.length < 0 else max(self.length - count, 0)
        return self.then(lambda key: itertools.islice(self.read(key), count, None), length)

    def shard(self, count: int, index: int) -> Elements:
        """Keep every `count`-th element, from the one numbered `index` on."""
        length = self.length if self.length < 0 else len(range(index, self.length, count))
        return self.then(lambda key: itertools.islice(self.read(key), index, None, count), length)

    def concatenate(self, other: Elements) -> Elements:
        """Put other elements behind these."""
        lengths = (self.length, other.length)
        length = min(lengths) if min(lengths) < 0 else sum(lengths)
        return self.then(lambda key: itertools.chain(self.read(key), other.read(key)), length)

    def enumerate(self, start: int) -> Elements:
        """Put a number before each element."""
        return self.then(lambda key: enumerate(self.read(key), start))

    def zip(self, *others: Elements) -> Elements:
        """Return tuples of one element out of each."""
        parts = (self, *others)
        lengths = [p.length for p in parts if p.length != INFINITE]
        length = UNKNOWN if UNKNOWN in lengths else min(lengths, default=INFINITE)
        return Elements(
            lambda key: zip(*(p.read(key) for p in parts), strict=False),
            length,
            max(p.shuffles for p in parts),
        )

    def cache(self) -> Elements:
        """Keep the elements of the first whole pass in memory."""
        kept: list[Any] = []
        whole = False

        def read(key: OrderKey) -> Iterator[Any]:
            nonlocal whole
            if whole:
                yield from kept
                return
            # Of this pass alone: two that run side by side would put their elements into one list.
            mine = []
            for element in self.read(key):
                mine.append(element)
                yield element
            kept[:], whole = mine, True

        return self.then(read)


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
        arrays: Any,
        blocks: Callable[[OrderKey], Iterator[np.ndarray]],
        length: int,
        functions: tuple[Vectorized, ...] = (),
        shuffles: int = 0,
        plain: bool = True,
    ) -> None:
        self.arrays = arrays
        self.blocks = blocks
        self.functions = functions
        self.plain = plain and not functions
        super().__init__(self._rows, length, shuffles)

    def _rows(self, key: OrderKey) -> Iterator[Any]:
        for block in self.blocks(key):
            for i in block:
                element = row(self.arrays, i)
                for function in self.functions:
                    element = as_arrays(call_on(function.function, as_tensors(element)))
                yield element

    def _ordered(
        self, blocks: Callable[[OrderKey], Iterator[np.ndarray]], length: int, shuffles: int = 0
    ) -> Rows:
        return Rows(
            self.arrays, blocks, length, self.functions, self.shuffles + shuffles, plain=False
        )

    def map(self, function: Callable[..., Any]) -> Rows:
        """Apply a function to each row, when it is read."""
        functions = (*self.functions, Vectorized(function))
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

    def repeat(self, count: int | None) -> Rows:
        """Go through the rows several times."""
        return self._ordered(
            lambda key: itertools.chain.from_iterable(
                self.blocks(k) for k in key.repetitions(count)
            ),
            _repeated(self.length, count),
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

    def __init__(self, rows: Rows, size: int, drop: bool) -> None:
        self.rows, self.size, self.drop = rows, size, drop
        super().__init__(self._batches, _count_batches(rows.length, size, drop), rows.shuffles)

    def _batches(self, key: OrderKey) -> Iterator[Any]:
        for index in in_blocks(self.rows.blocks(key), self.size):
            if len(index) < self.size and self.drop:
                return
            batch = row(self.rows.arrays, index)
            for function in self.rows.functions:
                batch = function(batch)
            yield batch

    def take(self, count: int) -> Batches:
        """Keep the first batches."""
        return Batches(self.rows.take(count * self.size), self.size, self.drop)

    def skip(self, count: int) -> Batches:
        """Leave the first batches out."""
        return Batches(self.rows.skip(count * self.size), self.size, self.drop)

    def cache(self) -> Elements:
        """Keep the batches in memory, as functions and chance made them; arrays are there already."""
        return super().cache() if self.rows.functions or self.shuffles else self


def rows_of(arrays: Any) -> Rows:
    """Return all rows of arrays in their order.

    Example:
        >>> list(rows_of(np.arange(3)).batch(2, True).read(OrderKey(0, (0,))))
        [array([0, 1])]
    """
    count = count_rows(arrays)
    return Rows(arrays, lambda key: iter([np.arange(count)]), count)


def _count_batches(length: int, size: int, drop: bool) -> int:
    return length if length < 0 else length // size if drop else math.ceil(length / size)


def _repeated(length: int, count: int | None) -> int:
    if count in (None, -1):
        return INFINITE
    return 0 if count == 0 else length if length < 0 else length * int(count or 0)
