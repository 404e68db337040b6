"""Quantiles of more numbers than one wants to keep."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["Quantiles"]

# So many numbers are kept as they are, whatever the error allowed: a quarter of a megabyte.
_LEAST = 1 << 16


class Quantiles:
    """The quantiles of numbers that come one after another, in memory that grows with the logarithm of their count.

    Numbers are taken in blocks of one size, each kept in order. Two blocks whose numbers stand for equally many become
    one: they are merged, and every other number is kept, which then stands for twice as many. The result depends on the
    numbers and their order alone, not on the pieces that they came in.

    As long as the numbers fit into one block, a quantile is exact: the inverse of their distribution, interpolated.
    Beyond, the rank of a quantile of `n` numbers is off by less than `(log2(n / size) / 2 + 1) / size` of them. A
    merging moves a rank by at most what one number of it stands for; all mergings of a generation, of which there are
    `log2(n / size)`, by half a block together; and two neighbors that are interpolated lie at most a block apart.
    `size` is such that this stays below `epsilon` for every `n` below 2^64.

    Args:
        epsilon: The largest error of a rank, as a part of all numbers.

    Example:
        >>> seen = Quantiles(0.01)
        >>> seen.add(np.array([4.0, 1.0, 3.0, 2.0]))
        >>> seen.boundaries(4).tolist()
        [1.0, 2.0, 3.0]

    Reference:
        Munro and Paterson, "Selection and sorting with limited storage", 1980,
        https://doi.org/10.1016/0304-3975(80)90061-4
    """

    def __init__(self, epsilon: float) -> None:
        self.size = max(_LEAST, math.ceil(33 / epsilon))  # 33 = 64 / 2 + 1, as above.
        self.count = 0
        self._waiting = np.empty(0, "float32")
        # One block, or none, of each generation: its numbers stand for 2^generation each.
        self._blocks: list[np.ndarray | None] = []
        # Which of each two numbers the next merging of a generation keeps: in turn, so that errors do not add up.
        self._offsets: list[int] = []

    def add(self, values: np.ndarray) -> None:
        """Take numbers, in their order.

        Args:
            values: An array of any shape, without NaN.
        """
        flat = np.concatenate([self._waiting, np.ravel(values).astype("float32")])
        self.count += flat.size - self._waiting.size
        whole = flat.size // self.size * self.size
        for block in np.split(flat[:whole], whole // self.size) if whole else ():
            self._carry(np.sort(block))
        self._waiting = flat[whole:].copy()

    def _carry(self, block: np.ndarray) -> None:
        """Put a block into the first generation; two of one make one of the next, as digits do in a sum."""
        for generation, other in enumerate(self._blocks):
            if other is None:
                self._blocks[generation] = block
                return
            self._blocks[generation] = None
            merged = np.sort(np.concatenate([other, block]), kind="stable")
            block = merged[self._offsets[generation] :: 2]
            self._offsets[generation] ^= 1
        self._blocks.append(block)
        self._offsets.append(0)

    def boundaries(self, num_bins: int) -> np.ndarray:
        """Return the numbers between `num_bins` bins that hold equally many.

        Args:
            num_bins: How many bins.

        Returns:
            `num_bins - 1` numbers in order, in float32. Of fewer numbers than bins each but the largest is one.
        """
        parts = [(self._waiting, 1.0)]
        parts += [(b, 2.0**i) for i, b in enumerate(self._blocks) if b is not None]
        values = np.concatenate([values for values, _ in parts])
        order = np.argsort(values, kind="stable")
        values = values[order]
        if self.count < num_bins:
            return values[:-1]
        weights = np.concatenate([np.full(v.size, weight) for v, weight in parts])[order]
        reached = np.cumsum(weights) / self.count
        return np.interp(np.arange(1, num_bins) / num_bins, reached, values).astype("float32")
