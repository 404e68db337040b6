"""Orders: which sample comes when, as a function of a seed and of what came before.

Nothing here keeps a position. An order follows from its key alone, so an interrupted training goes on as if it had not
stopped, and a pipeline that is read again gives what it gave.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "OrderKey",
    "by_blocks",
    "gathered",
    "in_blocks",
    "part_of",
    "permutation",
    "through_buffer",
]


# "in" in ASCII: the key of an inner pipeline is never that of a repetition.
_INNER = 0x696E


class OrderKey(NamedTuple):
    """What the order of one pass follows from.

    Args:
        seed: The seed.
        steps: The steps taken before the pass, and behind it the number of the repetition, where there are any.

    Example:
        >>> OrderKey(1, (0,)).generator().permutation(3).tolist() == permutation(3, 1, 0).tolist()
        True

    Reference:
        Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011 (Philox).
    """

    seed: int
    steps: tuple[int, ...]

    def generator(self, seed: int | None = None, stage: int = 0) -> np.random.Generator:
        """Return the numbers of one shuffle.

        Args:
            seed: The shuffle's own seed, in place of the key's.
            stage: How many shuffles come before it. The first one's numbers are those of `fit` on arrays.
        """
        # A spawn key keeps these streams apart from those that draw weights from the same seed.
        sequence = np.random.SeedSequence(
            self.seed if seed is None else seed, spawn_key=self.steps + ((stage,) if stage else ())
        )
        return np.random.Generator(np.random.Philox(sequence))

    def for_shuffle(self, reshuffle: bool) -> OrderKey:
        """Return the key of a shuffle: of the first pass, where all passes have one order."""
        return self if reshuffle else OrderKey(self.seed, (0,))

    def inner(self, number: int) -> OrderKey:
        """Return the key of a pipeline inside of this one, such as one that `flat_map` reads.

        Args:
            number: Which one.
        """
        return OrderKey(self.seed, (*self.steps, _INNER, number))

    def repetitions(self, count: int | None) -> Iterator[OrderKey]:
        """Yield the keys of a pass's repetitions; without end where `count` is `None` or -1."""
        times = itertools.count() if count in (None, -1) else range(int(count or 0))
        # The first repetition's orders are those of a pass without any.
        return (self if i == 0 else OrderKey(self.seed, (*self.steps, i)) for i in times)


def permutation(count: int, seed: int, step: int) -> np.ndarray:
    """Return the numbers from 0 to `count - 1` in an order that follows from the seed and the step.

    Args:
        count: How many.
        seed: The seed.
        step: The number of steps taken before this order is used.

    Returns:
        Shape `(count,)`, dtype int32.

    Example:
        >>> (permutation(5, 1, 0) == permutation(5, 1, 0)).all()
        np.True_
    """
    return OrderKey(seed, (step,)).generator().permutation(count).astype(np.int32)


def by_blocks(count: int, block: int, group: int, seed: int, step: int) -> np.ndarray:
    """Return the numbers from 0 to `count - 1` in an order that reads a file in long runs.

    The blocks come in an order drawn by chance, and the rows of so many blocks as a buffer holds are mixed with each
    other. So rows of one block come near each other, and two rows of different blocks anyhow.

    Args:
        count: How many.
        block: How many rows stand in a block.
        group: How many blocks are mixed with each other.
        seed: The seed.
        step: The number of steps taken before this order is used.

    Returns:
        Shape `(count,)`, dtype int32.

    Example:
        >>> sorted(by_blocks(7, 2, 2, seed=1, step=0).tolist()) == list(range(7))
        True
    """
    generator = OrderKey(seed, (step,)).generator()
    starts = generator.permutation(-(-count // block)) * block
    order = np.empty(count, np.int32)
    done = 0
    for first in range(0, len(starts), group):
        rows = (starts[first : first + group, None] + np.arange(block)).ravel()
        rows = generator.permutation(rows[rows < count])
        order[done : done + len(rows)] = rows
        done += len(rows)
    return order


def through_buffer(
    elements: Iterator[Any], size: int, generator: np.random.Generator
) -> Iterator[Any]:
    """Yield elements drawn out of a buffer that the following ones fill up.

    Args:
        elements: The elements.
        size: How many the buffer holds.
        generator: Draws.

    Example:
        >>> sorted(through_buffer(iter("abc"), 2, OrderKey(0, (0,)).generator()))
        ['a', 'b', 'c']
    """
    buffer = list(itertools.islice(elements, size))
    for element in elements:
        i = int(generator.integers(len(buffer)))
        yield buffer[i]
        buffer[i] = element
    yield from (buffer[i] for i in generator.permutation(len(buffer)))


def gathered(blocks: Iterator[np.ndarray]) -> np.ndarray:
    """Return blocks of numbers as one array.

    Example:
        >>> gathered(iter([np.arange(2), np.arange(1)])).tolist()
        [0, 1, 0]
    """
    return np.concatenate([np.empty(0, int), *blocks])


def in_blocks(numbers: Iterator[Any], size: int) -> Iterator[np.ndarray]:
    """Yield numbers, which come one by one or in blocks, in blocks of one size; the last may be shorter.

    Args:
        numbers: Numbers, or arrays of numbers.
        size: How many a block holds.

    Example:
        >>> [b.tolist() for b in in_blocks(iter([np.arange(3), 7]), 2)]
        [[0, 1], [2, 7]]
    """
    waiting = np.empty(0, int)
    for block in numbers:
        waiting = np.concatenate([waiting, np.atleast_1d(block)])
        while len(waiting) >= size:
            yield waiting[:size]
            waiting = waiting[size:]
    if len(waiting):
        yield waiting


def part_of(blocks: Iterator[np.ndarray], start: int, count: int | None) -> Iterator[np.ndarray]:
    """Yield blocks without the first `start` numbers, and at most `count` numbers.

    Args:
        blocks: Arrays of numbers.
        start: How many are left out.
        count: How many are kept; `None` keeps all.

    Example:
        >>> [b.tolist() for b in part_of(iter([np.arange(3), np.arange(3)]), 2, 2)]
        [[2], [0]]
    """
    for block in blocks:
        if count == 0:
            return
        kept = block[start:][:count]
        start = max(start - len(block), 0)
        count = None if count is None else count - len(kept)
        if len(kept):
            yield kept
