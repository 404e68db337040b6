"""Pooling over one, two or three spatial axes."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops import lowering
from trivium.ops.arrays import per_axis
from trivium.ops.spatial import (
    Sizes,
    channels_back,
    channels_last,
    check_fits,
    check_padding,
    check_rank,
)
from trivium.state.types import Array, ArrayLike

__all__ = ["adaptive_average_pool", "adaptive_max_pool", "average_pool", "max_pool"]


@op
def max_pool(
    inputs: ArrayLike,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Array:
    """Return the largest value in each window.

    Args:
        inputs: An array of shape `(batch, *spatial, channels)`, or as `data_format` says.
        pool_size: The window's size, one number or one for each spatial axis.
        strides: Its step; `pool_size` where it is `None`.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"` (also `None`) or `"channels_first"`.

    Returns:
        An array of shape `(batch, *positions, channels)`.

    Example:
        >>> max_pool(jnp.array([1.0, 3.0, 2.0, 0.0]).reshape(1, 4, 1), 2).ravel().tolist()
        [3.0, 2.0]
    """
    return _pool(lowering.max_pool, inputs, pool_size, strides, padding, data_format)


@op
def average_pool(
    inputs: ArrayLike,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Array:
    """Return the mean of each window; cells that `"same"` padding adds are not counted.

    Args:
        inputs: An array of shape `(batch, *spatial, channels)`, or as `data_format` says.
        pool_size: The window's size, one number or one for each spatial axis.
        strides: Its step; `pool_size` where it is `None`.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"` (also `None`) or `"channels_first"`.

    Returns:
        An array of shape `(batch, *positions, channels)`.

    Example:
        >>> average_pool(jnp.arange(3.0).reshape(1, 3, 1), 2, padding="same").ravel().tolist()
        [0.5, 2.0]
    """
    return _pool(lowering.average_pool, inputs, pool_size, strides, padding, data_format)


@op
def adaptive_max_pool(
    inputs: ArrayLike, output_size: Sizes, data_format: str | None = None
) -> Array:
    """Return the largest value in each of `output_size` windows that cover the spatial axes evenly.

    Args:
        inputs: An array of shape `(batch, *spatial, channels)`, or as `data_format` says.
        output_size: How many windows, one number or one for each spatial axis.
        data_format: `"channels_last"` (also `None`) or `"channels_first"`.

    Example:
        >>> adaptive_max_pool(jnp.arange(5.0).reshape(1, 5, 1), 2).ravel().tolist()
        [2.0, 4.0]
    """
    return _adaptive(jnp.max, inputs, output_size, data_format)


@op
def adaptive_average_pool(
    inputs: ArrayLike, output_size: Sizes, data_format: str | None = None
) -> Array:
    """Return the mean of each of `output_size` windows that cover the spatial axes evenly.

    Args:
        inputs: An array of shape `(batch, *spatial, channels)`, or as `data_format` says.
        output_size: How many windows, one number or one for each spatial axis.
        data_format: `"channels_last"` (also `None`) or `"channels_first"`.

    Example:
        >>> adaptive_average_pool(jnp.arange(5.0).reshape(1, 5, 1), 2).ravel().tolist()
        [1.0, 3.0]
    """
    return _adaptive(jnp.mean, inputs, output_size, data_format)


def _pool(
    pool: Callable[..., Array],
    inputs: ArrayLike,
    pool_size: Sizes,
    strides: Sizes | None,
    padding: str,
    data_format: str | None,
) -> Array:
    x = channels_last(inputs, data_format)
    check_rank(x)
    window = per_axis(pool_size, x.ndim - 2, "pool_size")
    steps = window if strides is None else per_axis(strides, x.ndim - 2, "strides")
    check_padding(padding)
    check_fits(x.shape, window, padding, (1,) * len(window))
    return channels_back(pool(x, window, steps, padding), data_format)


def _adaptive(
    reduce: Callable[..., Array], inputs: ArrayLike, output_size: Sizes, data_format: str | None
) -> Array:
    """Reduce each axis in windows from `floor(i n / m)` to `ceil((i + 1) n / m)`, one axis after the other."""
    x = channels_last(inputs, data_format)
    check_rank(x)
    for axis, m in enumerate(per_axis(output_size, x.ndim - 2, "output_size"), start=1):
        n = x.shape[axis]
        parts = [
            reduce(x[(slice(None),) * axis + (slice(i * n // m, -(-(i + 1) * n // m)),)], axis=axis)
            for i in range(m)
        ]
        x = jnp.stack(parts, axis=axis)
    return channels_back(x, data_format)
