"""Several streams of elements as one: inner pipelines, read in turn or by choice."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from trivium.data.orders import OrderKey
from trivium.data.pipeline.failures import Failed, place_of
from trivium.data.pipeline.stages import INFINITE, UNKNOWN, Elements, skipping
from trivium.data.workers import ahead_of, close

__all__ = ["chosen", "flattened", "interleaved", "summed"]

Inner = Callable[[Any], Elements]


def _opened(elements: Elements, function: Inner, key: OrderKey, name: str) -> Iterator[Any]:
    """Yield readers of the pipelines that a function makes of elements; those that failed as they are."""
    for number, element in enumerate(elements.read(key)):
        if isinstance(element, Failed):
            yield element
            continue
        try:
            inner = function(element)
        except Exception as error:
            yield Failed(error, place_of(number, element, name))
            continue
        # Each has orders of its own.
        yield partial(inner.read, key.inner(number))


def flattened(elements: Elements, function: Inner) -> Elements:
    """Return what a function makes of elements, one behind the other.

    Args:
        elements: The elements.
        function: Makes a pipeline of an element.
    """

    def read(key: OrderKey) -> Iterator[Any]:
        for opened in _opened(elements, function, key, "flat_map"):
            if isinstance(opened, Failed):
                yield opened
            else:
                yield from opened()

    return elements.then(skipping(read), UNKNOWN)


def interleaved(
    elements: Elements, function: Inner, cycle: int, block: int, ahead: bool
) -> Elements:
    """Return what a function makes of elements, some of it open at a time, and read in turn.

    Args:
        elements: The elements.
        function: Makes a pipeline of an element.
        cycle: How many are open.
        block: How many elements are read of one before it is the next one's turn.
        ahead: Whether each is read by a thread of its own.
    """

    def read(key: OrderKey) -> Iterator[Any]:
        left = _opened(elements, function, key, "interleave")
        slots: list[Iterator[Any] | None] = [None] * cycle
        waiting, ended = cycle, False
        turn = 0
        try:
            while not ended or waiting < cycle:
                slot = turn % cycle
                turn += 1
                reader = slots[slot]
                if reader is None:
                    opened = next(left, None)
                    if opened is None:
                        ended = True
                        continue
                    if isinstance(opened, Failed):
                        yield opened
                        continue
                    slots[slot] = reader = ahead_of(opened, 2 * block) if ahead else opened()
                    waiting -= 1
                # One that ends within its block gives up its turn.
                count = 0
                for element in itertools.islice(reader, block):
                    count += 1
                    yield element
                if count < block:
                    slots[slot], waiting = None, waiting + 1
        finally:
            for reader in slots:
                if reader is not None:
                    close(reader)

    return elements.then(skipping(read), UNKNOWN)


def chosen(
    parts: Sequence[Elements], choices: Callable[[OrderKey], Iterator[int]], stop: bool, length: int
) -> Elements:
    """Return elements out of several pipelines, by choice.

    Args:
        parts: The pipelines.
        choices: Gives the number of the pipeline that the next element comes from.
        stop: Whether the end of one is the end of all; else a choice of one that has ended is passed over.
        length: How many elements there are.
    """

    def read(key: OrderKey) -> Iterator[Any]:
        readers: dict[int, Iterator[Any]] = {n: p.read(key.inner(n)) for n, p in enumerate(parts)}
        nothing = object()
        for number in choices(key):
            if not 0 <= number < len(parts):
                raise ValueError(
                    f"A choice of dataset {number} came, but there are {len(parts)}: wanted 0 to {len(parts) - 1}."
                )
            if number not in readers:
                continue
            element = next(readers[number], nothing)
            if element is not nothing:
                yield element
                continue
            del readers[number]
            if stop or not readers:
                return

    return Elements(
        skipping(read), length, max(p.shuffles for p in parts), max(p.maps for p in parts)
    )


def summed(lengths: Sequence[int]) -> int:
    """Return how many elements several pipelines have together.

    Example:
        >>> summed([2, 3]), summed([2, INFINITE])
        (5, -1)
    """
    if INFINITE in lengths:
        return INFINITE
    return UNKNOWN if UNKNOWN in lengths else sum(lengths)
