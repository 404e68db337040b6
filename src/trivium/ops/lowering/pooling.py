"""Pooling: on the CPU as strided slices, one axis after the other; elsewhere as XLA's window reduction.

Inside a compiled loop on two CPU cores the slices train a 2x2 maximum 10 times faster than `lax.reduce_window`, whose
gradient XLA runs one element at a time. An axis at a time needs `k + k` slices where the window has `k * k` cells.
`benchmarks/lowering.py` measures every form.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from trivium.ops.lowering.windows import by_form, fixed, pad_spatial, same_padding, windows

__all__ = ["average_pool", "max_pool"]


@by_form("pooling", "window", "strides", "padding")
def max_pool(
    x: jax.Array,
    window: tuple[int, ...],
    strides: tuple[int, ...],
    padding: str,
    form: str = "auto",
) -> jax.Array:
    """Return the largest value in each window; its gradient goes to the first cell that has it.

    Args:
        x: An array of shape `(batch, *spatial, channels)`.
        window: The window's size along each spatial axis.
        strides: Its step along each.
        padding: `"valid"` or `"same"`.
        form: How: `"plain"`, or as slices.

    Example:
        >>> max_pool(jnp.arange(5.0).reshape(1, 5, 1), (2,), (2,), "same").ravel().tolist()
        [1.0, 3.0, 4.0]
    """
    if x.dtype == bool:
        wide: jax.Array = max_pool(x.astype("int8"), window, strides, padding, form=form)
        return wide.astype(bool)
    lowest = -jnp.inf if jnp.issubdtype(x.dtype, jnp.inexact) else jnp.iinfo(x.dtype).min
    if form == "plain" or not fixed(x.shape[1:-1]):
        return _reduce(x, np.asarray(lowest, x.dtype), lax.max, window, strides, padding)
    if padding == "same":
        pads = same_padding(x.shape[1:-1], window, strides, (1,) * len(window))
        x = pad_spatial(x, pads, lowest)
    for one_window, one_stride in _axis_by_axis(window, strides):
        x = reduce(_first_largest, windows(x, one_window, one_stride))
    return x


@by_form("pooling", "window", "strides", "padding")
def average_pool(
    x: jax.Array,
    window: tuple[int, ...],
    strides: tuple[int, ...],
    padding: str,
    form: str = "auto",
) -> jax.Array:
    """Return the mean of each window; cells that `"same"` padding adds are not counted.

    Args:
        x: An array of shape `(batch, *spatial, channels)`.
        window: The window's size along each spatial axis.
        strides: Its step along each.
        padding: `"valid"` or `"same"`.
        form: How: `"plain"`, or as slices.

    Example:
        >>> average_pool(jnp.arange(5.0).reshape(1, 5, 1), (2,), (2,), "same").ravel().tolist()
        [0.5, 2.5, 4.0]
    """
    # A sum overflows in half precision, where the mean does not.
    wide = x.astype(jnp.promote_types(x.dtype, "float32"))
    dtype = x.dtype if jnp.issubdtype(x.dtype, jnp.floating) else wide.dtype
    total = _window_sum(wide, window, strides, padding, form)
    if padding == "valid":
        return (total / math.prod(window)).astype(dtype)
    ones = jnp.ones((1, *x.shape[1:-1], 1), wide.dtype)
    return (total / _window_sum(ones, window, strides, padding, form)).astype(dtype)


def _window_sum(
    x: jax.Array, window: Sequence[int], strides: Sequence[int], padding: str, form: str
) -> jax.Array:
    if form == "plain" or not fixed(x.shape[1:-1]):
        return _reduce(x, np.zeros((), x.dtype), lax.add, window, strides, padding)
    if padding == "same":
        x = pad_spatial(x, same_padding(x.shape[1:-1], window, strides, (1,) * len(window)))
    for one_window, one_stride in _axis_by_axis(window, strides):
        x = reduce(jnp.add, windows(x, one_window, one_stride))
    return x


def _first_largest(best: jax.Array, other: jax.Array) -> jax.Array:
    # Not `maximum`, which would share the gradient at a tie; the second test lets NaN through.
    return jnp.where((other > best) | (other != other), other, best)


def _axis_by_axis(window: Sequence[int], strides: Sequence[int]) -> list[tuple[Any, Any]]:
    """Split a window into windows along one axis each, the last first: ties then fall in row-major order."""
    ones = (1,) * len(window)
    return [
        ((*ones[:i], window[i], *ones[i + 1 :]), (*ones[:i], strides[i], *ones[i + 1 :]))
        for i in reversed(range(len(window)))
        if (window[i], strides[i]) != (1, 1)
    ]


def _reduce(
    x: jax.Array,
    start: np.ndarray,
    function: Callable[..., jax.Array],
    window: Sequence[int],
    strides: Sequence[int],
    padding: str,
) -> jax.Array:
    sides = (1, *window, 1), (1, *strides, 1)
    result: jax.Array = lax.reduce_window(x, start, function, *sides, padding.upper())
    return result
