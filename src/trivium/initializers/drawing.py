"""First values drawn from a distribution that is given, and orthogonal ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from trivium.initializers.base import INITIALIZERS, Initializer, dtype_of, shape_of
from trivium.state.dtypes import is_float
from trivium.state.seeds import Seed, SeedGenerator, host_generator
from trivium.state.types import DType

__all__ = [
    "CUT_STDDEV",
    "STANDARD",
    "Orthogonal",
    "Random",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
]

# Where a normal distribution of standard deviation 1 is cut, and the deviation that is left.
_CUT = 2.0
CUT_STDDEV = math.sqrt(
    1 - _CUT * math.exp(-(_CUT**2) / 2) / (math.sqrt(math.pi / 2) * math.erf(_CUT / math.sqrt(2)))
)


class Random(Initializer):
    """Base of initializers that draw: it reads, keeps and writes the seed."""

    def __init__(self, seed: Seed = None) -> None:
        whole = isinstance(seed, int | np.integer) and seed >= 0
        if not (seed is None or whole or isinstance(seed, SeedGenerator)):
            raise ValueError(
                f"{type(self).__name__}: `seed` is a whole number of at least 0, a "
                f"`SeedGenerator` or None; got {seed!r}."
            )
        self.seed = int(seed) if isinstance(seed, int | np.integer) else seed

    def _draw(
        self, kind: str, shape: Sequence[int], dtype: DType | None, scale: float, shift: float = 0.0
    ) -> np.ndarray:
        """Return `shift + scale * draws` of the standard distribution `kind`."""
        wanted = self._float(dtype)
        wide = wanted if wanted == np.float64 else np.dtype(np.float32)
        values = STANDARD[kind](host_generator(self.seed), shape_of(shape), wide)
        values *= float(scale)
        values += float(shift)
        return values.astype(wanted, copy=False)

    def _float(self, dtype: DType | None) -> np.dtype[Any]:
        wanted = dtype_of(dtype)
        if not is_float(wanted):
            raise ValueError(f"{type(self).__name__} draws floats; got the dtype {wanted.name!r}.")
        return wanted


@INITIALIZERS.register("random_normal", "normal")
class RandomNormal(Random):
    """Draws from a normal distribution.

    Args:
        mean: Its mean.
        stddev: Its standard deviation.
        seed: A whole number gives the same values at each call; a `SeedGenerator` new ones each
            time, from its own seed; `None` new ones each time, from the global seed.

    Example:
        >>> round(float(RandomNormal(stddev=0.01, seed=1)((784, 300)).std()), 4)
        0.01
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> np.ndarray:
        """Return draws of this shape and float dtype."""
        return self._draw("untruncated_normal", shape, dtype, self.stddev, self.mean)


@INITIALIZERS.register("truncated_normal")
class TruncatedNormal(RandomNormal):
    """Draws from a normal distribution, anew where that is over two standard deviations off.

    Args:
        mean: The mean.
        stddev: The standard deviation before the cut; 0.88 of it is left.
        seed: As for `RandomNormal`.

    Example:
        >>> float(abs(TruncatedNormal(stddev=1.0)((100, 100))).max()) <= 2.0
        True
    """

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> np.ndarray:
        """Return draws of this shape and float dtype."""
        return self._draw("truncated_normal", shape, dtype, self.stddev, self.mean)


@INITIALIZERS.register("random_uniform", "uniform")
class RandomUniform(Random):
    """Draws evenly between two numbers.

    Args:
        minval: The lower end.
        maxval: The upper end.
        seed: As for `RandomNormal`.

    Example:
        >>> values = RandomUniform(0.0, 2.0)((3, 4))
        >>> bool((values >= 0).all() and (values <= 2).all())
        True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Seed = None) -> None:
        super().__init__(seed)
        self.minval = minval
        self.maxval = maxval

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> np.ndarray:
        """Return draws of this shape and float dtype."""
        return self._draw("uniform", shape, dtype, self.maxval - self.minval, self.minval)


@INITIALIZERS.register("orthogonal", "OrthogonalInitializer")
class Orthogonal(Random):
    """Draws a matrix with orthogonal rows or columns, whichever are fewer, evenly from all such.

    A shape of more than two sizes is a matrix too: all but the last size together are its rows.

    Args:
        gain: The length of its rows or columns.
        seed: As for `RandomNormal`.

    Example:
        >>> q = Orthogonal(seed=1)((4, 2))
        >>> np.abs(q.T @ q - np.eye(2)).max().item() < 1e-6
        True

    Reference:
        Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural
        networks", 2014,
        https://arxiv.org/abs/1312.6120
    """

    def __init__(self, gain: float = 1.0, seed: Seed = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> np.ndarray:
        """Return the matrix in this shape and float dtype.

        Raises:
            ValueError: The shape has fewer than two sizes.
        """
        sizes = shape_of(shape)
        if len(sizes) < 2:
            raise ValueError(f"Orthogonal needs a shape of at least two sizes; got {sizes}.")
        rows, columns = math.prod(sizes[:-1]), sizes[-1]
        tall = (max(rows, columns), min(rows, columns))
        wanted = self._float(dtype)
        wide = "float64" if wanted == np.float64 else "float32"
        q, r = np.linalg.qr(self._draw("untruncated_normal", tall, wide, 1.0))
        # QR leaves the signs open; those of R's diagonal make the draw an even one.
        q *= self.gain * np.copysign(1, np.diagonal(r))
        matrix = q if rows >= columns else q.T
        return matrix.reshape(sizes).astype(wanted, copy=False)


def _truncated(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> np.ndarray:
    values = rng.standard_normal(shape, dtype)
    flat = values.reshape(-1)
    outside = np.flatnonzero(np.abs(flat) > _CUT)
    while outside.size:
        again = rng.standard_normal(outside.size, dtype)
        flat[outside] = again
        outside = outside[np.abs(again) > _CUT]
    return values


STANDARD: dict[str, Callable[..., np.ndarray]] = {
    "uniform": lambda rng, shape, dtype: rng.random(shape, dtype),
    "untruncated_normal": lambda rng, shape, dtype: rng.standard_normal(shape, dtype),
    "truncated_normal": _truncated,
}
