"""The stages of a pipeline whose elements are read one by one.

A stage is read from any element on: `read(key, skip)` gives what is left of `read(key)` without its first `skip`
elements, and no function is called for those where that can be had. So a run that goes on in another process finds its
place without making again what has been used.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any, Self

from trivium.data.orders import OrderKey, through_buffer
from trivium.data.pipeline.elements import as_tensors, call_on, count_rows, map_arrays, row
from trivium.data.pipeline.failures import ErrorLog, Failed, failed_in, place_of, raising
from trivium.data.pipeline.filecache import FileCache
from trivium.data.pipeline.functions import MapFunction, Spot, name_of, stacked
from trivium.data.workers import ahead_of

__all__ = ["INFINITE", "UNKNOWN", "Elements", "Reader", "count_batches", "repeated", "skipping"]

# What a length says where it is no count; TensorFlow's numbers.
UNKNOWN, INFINITE = -2, -1

Reader = Callable[[OrderKey, int], Iterator[Any]]


def skipping(read: Callable[[OrderKey], Iterator[Any]]) -> Reader:
    """Return a reader that reads the elements to be skipped, and drops them.

    Example:
        >>> list(skipping(lambda key: iter("abc"))(OrderKey(0, (0,)), 1))
        ['b', 'c']
    """
    return lambda key, skip: itertools.islice(read(key), skip, None) if skip else read(key)


class Elements:
    """Elements that are read one by one.

    Args:
        reader: Gives the elements of one pass, from the key that its orders follow from and how many to leave out.
        length: How many elements there are; `INFINITE` without end, `UNKNOWN` where it is not known.
        shuffles: How many shuffles come before. Each draws from numbers of its own.
        maps: How many functions come before, likewise.

    Attributes:
        alike: Whether the elements have few shapes, as batches of rows do: then functions of them are compiled.

    Example:
        >>> letters = Elements(skipping(lambda key: iter("abc")), 3)
        >>> list(letters.take(2).read(OrderKey(0, (0,))))
        ['a', 'b']
    """

    alike = False

    def __init__(self, reader: Reader, length: int, shuffles: int = 0, maps: int = 0) -> None:
        self._reader = reader
        self.length = length
        self.shuffles, self.maps = shuffles, maps

    def read(self, key: OrderKey, skip: int = 0) -> Iterator[Any]:
        """Return the elements of one pass.

        Args:
            key: What the pass's orders follow from.
            skip: How many of the first ones to leave out.
        """
        return self._reader(key, skip)

    def then(self, reader: Reader, length: int | None = None) -> Elements:
        """Return what is read through a further stage."""
        return Elements(reader, self.length if length is None else length, self.shuffles, self.maps)

    def of_these(self, elements: Elements) -> Elements:
        """Return elements made of these, or of some of them, as such: alike if these are."""
        elements.alike = self.alike
        return elements

    def map(self, function: MapFunction) -> Elements:
        """Apply a function to each element."""

        def read(key: OrderKey, skip: int) -> Iterator[Any]:
            spots = (Spot(i, i) for i in itertools.count(skip))
            numbered = zip(spots, self.read(key, skip), strict=False)
            return (e for _, e in function.results(numbered, key, self.maps, alike=self.alike))

        return self.of_these(Elements(read, self.length, self.shuffles, self.maps + 1))

    def filter(self, predicate: Callable[..., Any]) -> Elements:
        """Keep the elements for which a function says so."""

        def read(key: OrderKey) -> Iterator[Any]:
            for number, element in enumerate(self.read(key)):
                if isinstance(element, Failed):
                    yield element
                    continue
                try:
                    kept = call_on(predicate, as_tensors(element))
                    if kept is None:  # A `return` that was forgotten would leave out everything.
                        raise TypeError("The predicate of `filter` says True or False; got None.")
                    kept = bool(kept)
                except Exception as error:
                    yield Failed(error, place_of(number, element, f"filter({name_of(predicate)})"))
                    continue
                if kept:
                    yield element

        return self.then(skipping(read), UNKNOWN)

    def shuffle(self, size: int, seed: int | None, reshuffle: bool) -> Elements:
        """Draw the elements from a buffer by chance."""

        def read(key: OrderKey) -> Iterator[Any]:
            generator = key.for_shuffle(reshuffle).generator(seed, self.shuffles)
            return through_buffer(self.read(key), size, generator)

        return self.of_these(Elements(skipping(read), self.length, self.shuffles + 1, self.maps))

    def batch(self, size: int, drop: bool) -> Elements:
        """Put elements together on a new first axis; `drop` leaves a last partial batch out."""

        def read(key: OrderKey, skip: int) -> Iterator[Any]:
            elements = self.read(key, skip * size)
            first = skip * size
            while chunk := list(itertools.islice(elements, size)):
                if len(chunk) == size or not drop:
                    yield stacked(chunk, range(first, first + len(chunk)))
                first += size

        return self.then(read, count_batches(self.length, size, drop))

    def unbatch(self) -> Elements:
        """Take elements apart along their first axis."""

        def read(key: OrderKey) -> Iterator[Any]:
            for e in self.read(key):
                if isinstance(e, Failed):
                    yield e
                else:
                    yield from (row(e, i) for i in range(count_rows(e)))

        return self.then(skipping(read), UNKNOWN)

    def repeat(self, count: int | None) -> Elements:
        """Go through the elements several times; without end where `count` is `None` or -1."""

        def read(key: OrderKey, skip: int) -> Iterator[Any]:
            # Whole repetitions are skipped without being read, where it is known how long they are.
            whole, rest = divmod(skip, self.length) if self.length > 0 else (0, skip)
            keys = itertools.islice(key.repetitions(count), whole, None)
            if self.length > 0:
                first = next(keys, None)
                if first is None:
                    return iter(())
                others = itertools.chain.from_iterable(self.read(k) for k in keys)
                return itertools.chain(self.read(first, rest), others)
            return itertools.islice(
                itertools.chain.from_iterable(self.read(k) for k in keys), rest, None
            )

        return self.of_these(self.then(read, repeated(self.length, count)))

    def take(self, count: int) -> Elements:
        """Keep the first elements."""
        length = count if self.length == INFINITE else min(count, self.length)
        return self.of_these(
            self.then(
                lambda key, skip: itertools.islice(self.read(key, skip), max(count - skip, 0)),
                length,
            )
        )

    def skip(self, count: int) -> Elements:
        """Leave the first elements out."""
        length = self.length if self.length < 0 else max(self.length - count, 0)
        return self.of_these(self.then(lambda key, skip: self.read(key, skip + count), length))

    def shard(self, count: int, index: int) -> Elements:
        """Keep every `count`-th element, from the one numbered `index` on."""
        length = self.length if self.length < 0 else len(range(index, self.length, count))
        return self.then(
            lambda key, skip: itertools.islice(
                self.read(key, index + skip * count), 0, None, count
            ),
            length,
        )

    def concatenate(self, other: Elements) -> Elements:
        """Put other elements behind these."""

        def read(key: OrderKey, skip: int) -> Iterator[Any]:
            if 0 <= self.length <= skip:
                return other.read(key, skip - self.length)
            if self.length >= 0:
                return itertools.chain(self.read(key, skip), other.read(key))
            return itertools.islice(itertools.chain(self.read(key), other.read(key)), skip, None)

        lengths = (self.length, other.length)
        length = min(lengths) if min(lengths) < 0 else sum(lengths)
        return self.then(read, length)

    def enumerate(self, start: int) -> Elements:
        """Put a number before each element."""
        return self.then(
            lambda key, skip: (
                e if isinstance(e, Failed) else (number, e)
                for number, e in enumerate(self.read(key, skip), start + skip)
            )
        )

    def zip(self, *others: Elements) -> Elements:
        """Return tuples of one element out of each."""
        parts = (self, *others)
        lengths = [p.length for p in parts if p.length != INFINITE]
        length = UNKNOWN if UNKNOWN in lengths else min(lengths, default=INFINITE)
        return Elements(
            lambda key, skip: (
                failed_in(e) or e for e in zip(*(p.read(key, skip) for p in parts), strict=False)
            ),
            length,
            max(p.shuffles for p in parts),
            max(p.maps for p in parts),
        )

    def arranged(self, form: Any) -> Elements:
        """Arrange the entries of tuples as those of `form` are, which nests as deep as need be."""

        def read(key: OrderKey, skip: int) -> Iterator[Any]:
            for element in self.read(key, skip):
                entries = iter(element if not isinstance(element, Failed) else ())
                yield (
                    element
                    if isinstance(element, Failed)
                    else map_arrays(lambda _, left=entries: next(left), form)
                )

        return self.then(read)

    def cache(self) -> Elements:
        """Keep the elements of the first whole pass in memory; a pass in which one failed is not kept."""
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
            if failed_in(mine) is None:
                kept[:], whole = mine, True

        return self.of_these(self.then(skipping(read)))

    def cached_in(self, cache: FileCache) -> Elements:
        """Keep the elements of the first whole pass in a file."""

        def read(key: OrderKey, skip: int) -> Iterator[Any]:
            if cache.whole:
                return cache.read(skip)
            return itertools.islice(cache.write(raising(self.read(key))), skip, None)

        return self.then(read)

    def prefetch(self, size: int) -> Elements:
        """Have the elements made ahead, in a thread."""
        return self.of_these(Prefetched(self, size))

    def ignore_errors(self, log: ErrorLog, warn: bool) -> Elements:
        """Leave out the elements that failed, and note them."""

        def read(key: OrderKey) -> Iterator[Any]:
            for element in self.read(key):
                if isinstance(element, Failed):
                    log.note(element, warn)
                else:
                    yield element

        length = UNKNOWN if self.length >= 0 else self.length
        return self.of_these(self.then(skipping(read), length))

    def with_length(self, length: int) -> Self:
        """Return the same elements, of which it is known how many there are."""
        copied = object.__new__(type(self))
        vars(copied).update(vars(self), length=length)
        return copied


class Prefetched(Elements):
    """Elements that a thread makes ahead of who reads.

    Args:
        elements: The elements.
        size: How many may wait.
    """

    def __init__(self, elements: Elements, size: int) -> None:
        self.elements = elements
        super().__init__(
            lambda key, skip: ahead_of(lambda: elements.read(key, skip), size),
            elements.length,
            elements.shuffles,
            elements.maps,
        )


def count_batches(length: int, size: int, drop: bool) -> int:
    """Return how many batches of a size so many elements make."""
    return length if length < 0 else length // size if drop else math.ceil(length / size)


def repeated(length: int, count: int | None) -> int:
    """Return how many elements repetitions have."""
    if count in (None, -1):
        return INFINITE
    return 0 if count == 0 else length if length < 0 else length * int(count or 0)
