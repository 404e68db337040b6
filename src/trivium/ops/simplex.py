"""Functions to numbers that are not negative and add up to 1: the points of a simplex."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import as_axes, as_floats
from trivium.ops.at_once import exact
from trivium.state.logits import set_logits
from trivium.state.types import Array, ArrayLike

__all__ = ["log_softmax", "softmax", "sparsemax"]


@op
def softmax(x: ArrayLike, axis: int | Sequence[int] = -1) -> Array:
    """Return `exp(x)` divided by its sum: positive numbers that add up to 1.

    Args:
        axis: The axis, or axes, along which they add up to 1.

    Example:
        >>> softmax([[1.0, 1.0]]).tolist()
        [[0.5, 0.5]]

    Reference:
        Bridle, "Probabilistic Interpretation of Feedforward Classification Network Outputs", 1990.
    """
    x, along = as_floats(x), as_axes(axis)
    shares = _of_rows(lambda x: jax.nn.softmax(x, axis=along), x, along, 0.0)
    axes = range(x.ndim) if along is None else (along,) if isinstance(along, int) else along
    return set_logits(shares, x, tuple(a % x.ndim for a in axes))


@op
def log_softmax(x: ArrayLike, axis: int | Sequence[int] = -1) -> Array:
    """Return the logarithm of `softmax(x)`, exact also where that is tiny.

    Args:
        axis: The axis, or axes, along which the softmax adds up to 1.

    Example:
        >>> log_softmax([0.0, 1000.0]).tolist()
        [-1000.0, 0.0]
    """
    axes = as_axes(axis)
    return _of_rows(lambda x: jax.nn.log_softmax(x, axis=axes), as_floats(x), axes, -jnp.inf)


@op
def sparsemax(x: ArrayLike, axis: int = -1) -> Array:
    """Return the point closest to `x` whose coordinates are not negative and add up to 1: many are 0.

    Args:
        axis: The axis along which they add up to 1.

    Example:
        >>> sparsemax([1.0, 0.5, -1.0]).tolist()
        [0.75, 0.25, 0.0]

    Reference:
        Martins & Astudillo, "From Softmax to Sparsemax", 2016, https://arxiv.org/abs/1602.02068
    """
    x = jnp.moveaxis(as_floats(x), axis, -1)
    return jnp.moveaxis(_of_rows(_nearest_on_simplex, x, -1, 0.0), -1, axis)


def _nearest_on_simplex(x: Array) -> Array:
    """Lower all coordinates by one number, the cut, and leave out those below 0: the paper's algorithm 1."""
    falling = -jnp.sort(-x, axis=-1)
    sums = jnp.cumsum(falling, axis=-1)
    kept = 1 + falling * jnp.arange(1, x.shape[-1] + 1) > sums
    count = jnp.sum(kept, axis=-1, keepdims=True)
    cut = (jnp.sum(jnp.where(kept, falling, 0.0), axis=-1, keepdims=True) - 1) / count
    return jnp.maximum(x - cut, 0.0)


def _of_rows(
    function: Callable[..., Array], x: Array, axes: int | tuple[int, ...] | None, empty: float
) -> Array:
    """Share out among what is not masked by −∞; where all is, `empty`, with gradient 0."""
    nothing, shared = _shared(x, axes)
    return _filled(nothing, empty, function(shared))


def _masked_out(x: Array, axes: int | tuple[int, ...] | None) -> tuple[Array, Array]:
    nothing = jnp.max(x, axis=axes, keepdims=True, initial=-jnp.inf) == -jnp.inf
    return nothing, jnp.where(nothing, 0.0, x)


_shared = exact(_masked_out, static=("axes",))
_filled: Callable[..., Array] = exact(jnp.where)
