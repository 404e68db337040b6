"""How many rows a step of a prediction computes, where the model works on each row by itself.

`batch_size` says how many rows a user wants at once. XLA's products of few rows put the whole kernel in order for each
step, as dear as some thirty rows more; arrays of many rows fall out of the caches. So where no row follows from another
(`state/row_independence.py` proves it), the number of rows follows from the step's arrays alone, and the outputs do not
depend on `batch_size`, to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import jax

from trivium.state.jaxpr import calls_python, changed
from trivium.state.row_independence import Apart, largest_result, rows_apart
from trivium.training.traced import Traced

__all__ = ["FEWEST", "RowSteps", "Shown"]

# The rule, whose sweep is in docs/performance.md. To put a kernel in order costs as much as some thirty rows' products:
# a step has `_OF_KERNELS` rows where a row takes each number of the kernels once or twice, and `_OF_POSITIONS` where it
# does that anyhow, as in a convolution. While its largest array has no more than `_SMALL` bytes it has more rows, which
# spares turns of the loop; it has fewer where that array would have more than `_LARGE` bytes.
_OF_KERNELS, _OF_POSITIONS, _MOST, FEWEST = 128, 32, 512, 8
_SMALL, _LARGE = 1 << 18, 1 << 20
# So few rows that their largest array has at most so many bytes are one step.
_ALONE = 1 << 21
# A row with an array of more bytes stays in its batch: who asks for one at a time may have memory for no more.
_OWN = 1 << 23
# So few are so many in a step; others up to `_MOST` are rounded up, by an eighth at most.
_AS_GIVEN = 32


class Shown(NamedTuple):
    """What a prediction was asked for.

    Args:
        rows: How many rows there are.
        batch: How many of them the user wants at once.
    """

    rows: int
    batch: int

    @property
    def sizes(self) -> list[int]:
        """How many rows the model would be called with, batch by batch."""
        whole, rest = divmod(self.rows, self.batch)
        return [self.batch] * bool(whole) + [rest] * bool(rest)


class RowSteps:
    """What is known of one model's prediction of rows of one form.

    It holds a program to compare others with, since each number of rows that the model would be called with has to do
    the same to each row as those that it is called with: a model's Python may ask for the number.

    Example:
        >>> import jax.numpy as jnp
        >>> def trace(rows):
        ...     step = lambda state, data: (jnp.tanh(data[0] @ state[0]), state)
        ...     return Traced(step, [jnp.ones((3, 2))], (jnp.ones((1, 3)),), rows)
        >>> steps = RowSteps()
        >>> [steps.size(Shown(*asked), trace) for asked in ((1000, 32), (20, 8), (20, 32), (100, 128))]
        [512, 20, None, 104]
    """

    def __init__(self) -> None:
        self._answers: dict[Shown, int | None] = {}
        # A number of rows with its program, and which other numbers do the same.
        self._reference: tuple[int, Traced] | None = None
        self._alike: dict[int, bool] = {}
        self._limit, self._size = 0, 0

    def size(self, shown: Shown, trace: Callable[[int], Traced]) -> int | None:
        """Return how many rows a step has; `None` where it is the batches that the steps are to have.

        Args:
            shown: What is asked for.
            trace: Gives the step as it is traced for a number of rows.
        """
        if shown not in self._answers:
            if len(self._answers) >= 256:
                self._answers.clear()
            self._answers[shown] = self._found(shown, trace)
        return self._answers[shown]

    def _found(self, shown: Shown, trace: Callable[[int], Traced]) -> int | None:
        try:
            return self._asked(shown, trace)
        except (
            Exception
        ):  # The model's own, at a size that it may refuse. If it does not, the steps will say so.
            return None

    def _asked(self, shown: Shown, trace: Callable[[int], Traced]) -> int | None:
        first = shown.sizes[0]
        # Where the largest array of a single batch is small, there is no more to ask.
        alone = self._reference is None and first == shown.rows == _even(first) <= _MOST
        if alone and _largest(trace(first), first) <= _ALONE:
            return None
        if not self._know(first, shown.rows, trace):
            return None
        even = _even(shown.rows)
        size = even if even <= self._limit else self._size
        same = all(self._same(rows, trace) for rows in {*shown.sizes, size})
        return size if same and shown.sizes != [size] else None

    def _know(self, first: int, rows: int, trace: Callable[[int], Traced]) -> bool:
        """Find a program to compare with, and how many rows a step has."""
        if self._reference is None:
            one = trace(first)
            # What the answer may be, so that no more is traced.
            widest = max(1, _largest(one, first) // first)
            even = _even(rows)
            other = even if even <= min(_MOST, _ALONE // widest) else _rows_of(widest, 1.0)
            other = other if other != first else 2 * first
            found = _apart(first, one, other, trace(other))
            if found is not None and found.widest <= _OWN:
                self._reference, self._alike = (first, one), {first: True, other: True}
                self._limit = max(FEWEST, min(_MOST, _ALONE // found.widest))
                self._size = _rows_of(found.widest, found.uses)
        return self._reference is not None

    def _same(self, rows: int, trace: Callable[[int], Traced]) -> bool:
        if rows not in self._alike:
            assert self._reference is not None
            self._alike[rows] = _apart(*self._reference, rows, trace(rows)) is not None
        return self._alike[rows]


def _rows_of(widest: int, uses: float) -> int:
    """Return how many rows a step has: a power of two, for the sake of vectors."""
    wanted = _OF_KERNELS if uses < _OF_KERNELS / _OF_POSITIONS else _OF_POSITIONS
    wanted = min(max(wanted, _SMALL // widest), _LARGE // widest)
    return 1 << (max(FEWEST, min(_MOST, wanted)).bit_length() - 1)


def _even(rows: int) -> int:
    """Return how many rows a single step has for so many.

    Else each number of rows up to `_MOST` would be a program of its own.
    """
    multiple = 1 if rows <= _AS_GIVEN else (1 << (rows - 1).bit_length()) // 16
    return -(-rows // multiple) * multiple


def _largest(traced: Traced, rows: int) -> int:
    """Return the most bytes of an array in a step, of a batch's own arrays too."""
    data = [math.prod(d.shape[1:]) * d.dtype.itemsize * rows for d in traced.data]
    return max(largest_result(traced.program), *data)


def _apart(size: int, one: Traced, other: int, two: Traced) -> Apart | None:
    """Return what is known of a step's rows, `None` where not all results are proven to be row by row."""
    results, states = len(jax.tree_util.tree_leaves(one.result)), len(one.state)
    programs = one.program, two.program
    if any(calls_python(p) or changed(p, states, results) for p in programs):
        return None
    rows = [False] * states + [True] * len(one.data)
    found = rows_apart(programs, rows, (size, other))
    return found if found.widest and all(found.results[:results]) else None
