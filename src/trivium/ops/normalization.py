"""Normalization: means and variances, and what brings them to 0 and 1."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import (
    as_array,
    as_axes,
    as_floats,
    as_wide_floats,
    positive_axes,
    positive_axis,
)
from trivium.ops.edges import power_norm, root
from trivium.state.dtypes import epsilon as default_epsilon
from trivium.state.types import Array, ArrayLike, Axes

__all__ = [
    "batch_normalization", "layer_normalization", "moments", "normalize", "rms_normalization",
]  # fmt: skip


@op
def moments(
    x: ArrayLike, axes: int | Sequence[int], keepdims: bool = False, synchronized: bool = False
) -> tuple[Array, Array]:
    """Return the mean and the variance, computed in float32 at least.

    Args:
        axes: The axes to reduce.
        keepdims: Whether reduced axes stay, with size 1.
        synchronized: Kept for Keras's signature: in a program over several devices arrays are whole already.

    Returns:
        A pair of arrays.

    Example:
        >>> [part.item() for part in moments([1.0, 3.0], 0)]
        [2.0, 1.0]
    """
    x = as_floats(x)
    wide = x.astype(jnp.promote_types(x.dtype, "float32"))
    axes = positive_axes(axes, x.ndim)
    mean = jnp.mean(wide, axis=axes, keepdims=keepdims)
    variance = _variance(wide, axes, keepdims)
    if wide.dtype != x.dtype:
        largest = float(jnp.finfo("float16").max)
        mean, variance = (jnp.clip(m, -largest, largest).astype(x.dtype) for m in (mean, variance))
    return mean, variance


@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _variance(x: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
    """Return the variance.

    Its derivative by the mean is zero, since differences from the mean add up to nothing. JAX's own rule computes that
    zero in two more passes over the array.
    """
    return jnp.var(x, axis=axes, keepdims=keepdims)


@_variance.defjvp
def _variance_jvp(axes: Any, keepdims: bool, primals: Any, tangents: Any) -> tuple[Array, Array]:
    (x,), (change,) = primals, tangents
    apart = 2 * (x - jnp.mean(x, axis=axes, keepdims=True))
    return _variance(x, axes, keepdims), jnp.mean(apart * change, axis=axes, keepdims=keepdims)


@op
def batch_normalization(
    x: ArrayLike,
    mean: ArrayLike,
    variance: ArrayLike,
    axis: int,
    offset: ArrayLike | None = None,
    scale: ArrayLike | None = None,
    epsilon: float = 1e-3,
) -> Array:
    """Subtract a mean, divide by a standard deviation, then scale and shift, for each channel.

    Args:
        mean: The means, shape `(channels,)`.
        variance: The variances, shape `(channels,)`.
        axis: The channels' axis.
        offset: What to add at the end, shape `(channels,)`.
        scale: What to multiply by before that, shape `(channels,)`.
        epsilon: What is added to the variance.

    Example:
        >>> batch_normalization([[3.0]], [1.0], [4.0], -1, epsilon=0.0).tolist()
        [[1.0]]

    Reference:
        Ioffe & Szegedy, "Batch Normalization", 2015, https://arxiv.org/abs/1502.03167
    """
    x = jnp.asarray(as_array(x))
    shape = [1] * x.ndim
    shape[positive_axis(axis, x.ndim)] = -1

    def spread(of_channels: ArrayLike) -> Array:
        return jnp.reshape(jnp.asarray(as_array(of_channels)), shape)

    factor = jax.lax.rsqrt(spread(variance) + epsilon)
    if scale is not None:
        factor = factor * spread(scale)
    shift = -spread(mean) * factor
    return x * factor + (shift if offset is None else shift + spread(offset))


@op
def layer_normalization(
    x: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    axis: int | Sequence[int] = -1,
    epsilon: float | None = None,
) -> Array:
    """Bring the mean to 0 and the variance to 1 in each example, then scale and shift; in float32 at least.

    Args:
        gamma: What to multiply by, in the shape of the normalized axes.
        beta: What to add, in the shape of the normalized axes.
        axis: The axes to normalize over.
        epsilon: What keeps the division finite; `config.epsilon()` where it is `None`.

    Example:
        >>> layer_normalization([1.0, 3.0]).round(4).tolist()
        [-1.0, 1.0]

    Reference:
        Ba et al., "Layer Normalization", 2016, https://arxiv.org/abs/1607.06450
    """
    original = as_floats(x)
    x = original.astype(jnp.promote_types(original.dtype, "float32"))
    axes = positive_axes(axis, x.ndim)
    shape = [n if i in axes else 1 for i, n in enumerate(x.shape)]
    mean, variance = moments(x, axes, keepdims=True)
    factor = jax.lax.rsqrt(variance + (default_epsilon() if epsilon is None else epsilon))
    if gamma is not None:
        factor = factor * jnp.reshape(jnp.asarray(as_array(gamma), x.dtype), shape)
    shift = -mean * factor
    if beta is not None:
        shift = shift + jnp.reshape(jnp.asarray(as_array(beta), x.dtype), shape)
    return (x * factor + shift).astype(original.dtype)


@op
def rms_normalization(
    x: ArrayLike,
    scale: ArrayLike | None = None,
    axis: int | Sequence[int] = -1,
    epsilon: float | None = None,
) -> Array:
    """Divide by the root of the mean square; in float32 at least.

    Args:
        scale: What to multiply by.
        axis: The axes to normalize over.
        epsilon: What keeps the division finite; `config.epsilon()` where it is `None`.

    Example:
        >>> rms_normalization([3.0, 3.0]).round(4).tolist()
        [1.0, 1.0]

    Reference:
        Zhang & Sennrich, "Root Mean Square Layer Normalization", 2019, https://arxiv.org/abs/1910.07467
    """
    original = as_floats(x)
    x = original.astype(jnp.promote_types(original.dtype, "float32"))
    square = jnp.mean(x * x, axis=positive_axes(axis, x.ndim), keepdims=True)
    result = x * jax.lax.rsqrt(square + (default_epsilon() if epsilon is None else epsilon))
    if scale is not None:
        result = result * jnp.asarray(as_array(scale), x.dtype)
    return result.astype(original.dtype)


@op
def normalize(
    x: ArrayLike,
    axis: Axes = -1,
    order: int = 2,
    epsilon: float | None = None,
) -> Array:
    """Divide by the norm, computed in float32 at least.

    A vector whose norm is 0 stays 0, with gradient 0.

    Args:
        axis: The axes to take the norm over.
        order: Which norm.
        epsilon: The smallest norm to divide by; `config.epsilon()` where it is `None`.

    Raises:
        ValueError: `order` is no whole number of at least 1.

    Example:
        >>> normalize([3.0, 4.0]).round(4).tolist()
        [0.5999999642372131, 0.7999999523162842]
    """
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"`order` is a whole number of at least 1; got {order!r}.")
    dtype, x, axes = as_floats(x).dtype, jnp.atleast_1d(as_wide_floats(x)), as_axes(axis)
    squares = jnp.sum(x * x, axis=axes, keepdims=True)
    size = root(squares) if order == 2 else power_norm(x, order, axes, keepdims=True)
    least = default_epsilon() if epsilon is None else epsilon
    # By the formula the slope at 0 is 1 / least: ten million, from a vector that has no direction at all.
    zero = size == 0
    return jnp.where(zero, 0.0, x / jnp.maximum(jnp.where(zero, 1.0, size), least)).astype(dtype)
