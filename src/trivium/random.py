"""Random numbers on the device, for use inside models and compiled functions.

What the argument `seed` means, everywhere here: a whole number gives the same numbers at each call,
those that Keras on JAX gives for it; a `SeedGenerator` gives new ones at each call, and a compiled
model carries it along as state; `None` gives new ones at each call, from the global seed, and is
for use outside of compiled functions only.

Reference:
    Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011 (Threefry).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.graph.op import op
from trivium.ops.keys import key_of
from trivium.ops.lowering.drawing import in_one_loop, kept_by_chance
from trivium.state.dtypes import is_float, standardize_dtype
from trivium.state.seeds import Seed, SeedGenerator
from trivium.state.seeds import set_random_seed as set_seed
from trivium.state.types import DType

__all__ = [
    "SeedGenerator", "beta", "binomial", "categorical", "dropout", "gamma", "normal", "randint",
    "set_seed", "shuffle", "truncated_normal", "uniform",
]  # fmt: skip


@op
def normal(
    shape: Sequence[int],
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: DType | None = None,
    seed: Seed = None,
) -> jax.Array:
    """Draw from a normal distribution.

    Args:
        shape: The shape of the result.
        mean: The mean: a number, or an array that broadcasts to `shape`.
        stddev: The standard deviation, likewise.
        dtype: A float dtype; the default float type where it is `None`.
        seed: A whole number, a `SeedGenerator` or `None`; see this module.

    Example:
        >>> draws = normal((1000,), mean=3.0, seed=1)
        >>> bool(2.9 < draws.mean() < 3.1), draws.shape
        (True, (1000,))
    """
    wanted, sizes = _float("normal", dtype), _shape("normal", shape)
    return jax.random.normal(_key(seed), sizes, wanted) * stddev + mean


@op
def truncated_normal(
    shape: Sequence[int],
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: DType | None = None,
    seed: Seed = None,
) -> jax.Array:
    """Draw from a normal distribution cut at two standard deviations from its mean.

    Args:
        shape: The shape of the result.
        mean: The mean: a number, or an array that broadcasts to `shape`.
        stddev: The standard deviation before the cut, likewise.
        dtype: A float dtype; the default float type where it is `None`.
        seed: A whole number, a `SeedGenerator` or `None`; see this module.

    Example:
        >>> float(abs(truncated_normal((1000,), seed=1)).max()) <= 2.0
        True
    """
    wanted, sizes = _float("truncated_normal", dtype), _shape("truncated_normal", shape)
    return jax.random.truncated_normal(_key(seed), -2.0, 2.0, sizes, wanted) * stddev + mean


@op
def uniform(
    shape: Sequence[int],
    minval: Any = 0.0,
    maxval: Any = 1.0,
    dtype: DType | None = None,
    seed: Seed = None,
) -> jax.Array:
    """Draw evenly from `[minval, maxval)`.

    Args:
        shape: The shape of the result.
        minval: The lower end.
        maxval: The upper end.
        dtype: A float dtype; the default float type where it is `None`.
        seed: A whole number, a `SeedGenerator` or `None`; see this module.

    Example:
        >>> draws = uniform((1000,), 2.0, 4.0, seed=1)
        >>> bool(((draws >= 2) & (draws < 4)).all())
        True
    """
    wanted, sizes = _float("uniform", dtype), _shape("uniform", shape)
    return jax.random.uniform(_key(seed), sizes, wanted, minval, maxval)


@op
def randint(
    shape: Sequence[int], minval: Any, maxval: Any, dtype: DType = "int32", seed: Seed = None
) -> jax.Array:
    """Draw whole numbers evenly from `minval` to `maxval - 1`.

    Args:
        shape: The shape of the result.
        minval: The least number.
        maxval: One more than the greatest number.
        dtype: An integer dtype.
        seed: A whole number, a `SeedGenerator` or `None`; see this module.

    Raises:
        ValueError: The dtype is not an integer one.

    Example:
        >>> sorted(set(randint((1000,), 1, 4, seed=1).tolist()))
        [1, 2, 3]
    """
    wanted = standardize_dtype(dtype or "int32")
    if not jnp.issubdtype(jnp.dtype(wanted), np.integer):
        raise ValueError(f"random.randint draws integers; got dtype={wanted!r}.")
    return jax.random.randint(_key(seed), _shape("randint", shape), minval, maxval, wanted)


@op
def categorical(
    logits: Any, num_samples: int, dtype: DType = "int32", seed: Seed = None
) -> jax.Array:
    """Draw classes with the probabilities `softmax(logits)`.

    Args:
        logits: Shape `(batch, classes)`.
        num_samples: How many to draw for each row, independently.
        dtype: The dtype of the result.
        seed: A whole number, a `SeedGenerator` or `None`; see this module.

    Returns:
        Numbers of classes, shape `(batch, num_samples)`.

    Raises:
        ValueError: `logits` is no matrix.

    Example:
        >>> categorical([[0.0, -1e9], [-1e9, 0.0]], 3, seed=1).tolist()
        [[0, 0, 0], [1, 1, 1]]
    """
    logits = jnp.asarray(logits)
    if logits.ndim != 2:
        raise ValueError(
            f"random.categorical takes logits of shape (batch, classes); got {logits.shape}."
        )
    shape = (logits.shape[0], num_samples)
    drawn = jax.random.categorical(_key(seed), logits[..., None], axis=1, shape=shape)
    return drawn.astype(standardize_dtype(dtype or "int32"))


@op
def dropout(
    inputs: Any, rate: float, noise_shape: Sequence[int | None] | None = None, seed: Seed = None
) -> jax.Array:
    """Set elements to 0 by chance and scale the others up, so that the expected sum stays the same.

    Args:
        inputs: An array.
        rate: The chance of becoming 0, from 0 to 1; what stays is divided by `1 - rate`.
        noise_shape: The shape in which chance is asked, which broadcasts to that of `inputs`;
            `None` in it means the size of `inputs`. `(None, 1, None)` keeps or drops each feature
            in all steps of a sequence alike.
        seed: A whole number, a `SeedGenerator` or `None`; see this module.

    Raises:
        ValueError: The rate is outside of 0 to 1, or `noise_shape` does not fit the inputs.

    Example:
        >>> sorted(set(dropout(jnp.ones(100), 0.5, seed=1).tolist()))
        [0.0, 2.0]

    Reference:
        Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting",
        2014.
    """
    x = jnp.asarray(inputs)
    if not 0 <= rate <= 1:
        raise ValueError(f"random.dropout: `rate` is a number from 0 to 1; got {rate}.")
    if noise_shape is not None and len(noise_shape) != x.ndim:
        raise ValueError(
            f"random.dropout: `noise_shape` has a size (or None) for each of the inputs' {x.ndim} "
            f"axes, shape {x.shape}; got {tuple(noise_shape)}."
        )
    if rate == 0:
        return x
    if rate == 1:
        return jnp.zeros_like(x)
    shape = [
        n if n is not None else d for n, d in zip(noise_shape or x.shape, x.shape, strict=True)
    ]
    kept = kept_by_chance(key_of(seed), 1 - rate, tuple(shape))
    return jnp.where(jnp.broadcast_to(kept, x.shape), x / (1 - rate), 0)


@op
def shuffle(x: Any, axis: int = 0, seed: Seed = None) -> jax.Array:
    """Shuffle along an axis, each line along it in an order of its own.

    Args:
        x: An array.
        axis: The axis. A matrix shuffled along axis 0 has each of its columns shuffled by itself.
        seed: A whole number, a `SeedGenerator` or `None`; see this module.

    Example:
        >>> sorted(shuffle(jnp.arange(5), seed=1).tolist())
        [0, 1, 2, 3, 4]
    """
    return jax.random.permutation(_key(seed), jnp.asarray(x), axis, independent=True)


@op
def gamma(
    shape: Sequence[int], alpha: Any, dtype: DType | None = None, seed: Seed = None
) -> jax.Array:
    """Draw from a gamma distribution of scale 1.

    Args:
        shape: The shape of the result.
        alpha: The distribution's shape parameter, above 0, which is its mean too.
        dtype: A float dtype; the default float type where it is `None`.
        seed: A whole number, a `SeedGenerator` or `None`; see this module.

    Example:
        >>> bool(1.8 < gamma((1000,), 2.0, seed=1).mean() < 2.2)
        True
    """
    wanted, sizes = _float("gamma", dtype), _shape("gamma", shape)
    return jax.random.gamma(_key(seed), jnp.asarray(alpha), sizes, wanted)


@op
def beta(
    shape: Sequence[int], alpha: Any, beta: Any, dtype: DType | None = None, seed: Seed = None
) -> jax.Array:
    """Draw from a beta distribution, whose mean is `alpha / (alpha + beta)`.

    Args:
        shape: The shape of the result.
        alpha: The first parameter, above 0: a number, or an array that broadcasts to `shape`.
        beta: The second parameter, likewise.
        dtype: A float dtype; the default float type where it is `None`.
        seed: A whole number, a `SeedGenerator` or `None`; see this module.

    Example:
        >>> bool(0.2 < beta((1000,), 1.0, 3.0, seed=1).mean() < 0.3)
        True
    """
    wanted, sizes = _float("beta", dtype), _shape("beta", shape)
    return jax.random.beta(_key(seed), jnp.asarray(alpha), jnp.asarray(beta), sizes, wanted)


@op
def binomial(
    shape: Sequence[int],
    counts: Any,
    probabilities: Any,
    dtype: DType | None = None,
    seed: Seed = None,
) -> jax.Array:
    """Draw how many of `counts` trials succeed.

    Args:
        shape: The shape of the result.
        counts: The numbers of trials: a number, or an array that broadcasts to `shape`.
        probabilities: The chance of one trial, likewise.
        dtype: A float dtype; the default float type where it is `None`.
        seed: A whole number, a `SeedGenerator` or `None`; see this module.

    Example:
        >>> bool(4.5 < binomial((1000,), 10, 0.5, seed=1).mean() < 5.5)
        True
    """
    wanted, sizes = _float("binomial", dtype), _shape("binomial", shape)
    return jax.random.binomial(
        _key(seed), jnp.asarray(counts), jnp.asarray(probabilities), sizes, wanted
    )


def _key(seed: Seed) -> jax.Array:
    return in_one_loop(key_of(seed))


def _shape(name: str, shape: Any) -> tuple[Any, ...]:
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if any(size is None for size in sizes):
        raise ValueError(
            f"random.{name}: the shape {sizes} has a size that is not known. Take it from the "
            "input with `ops.shape(x)`, inside a layer's `call`."
        )
    return sizes


def _float(name: str, dtype: DType | None) -> str:
    wanted = standardize_dtype(dtype)
    if not is_float(wanted):
        raise ValueError(f"random.{name} draws floats; got dtype={wanted!r}.")
    return wanted
