"""Reductions: functions that take an array's elements together along one axis or more.

Means and quantiles stand in `statistics`, reductions that leave NaN out in `nan_reductions`, and those of rows with one
number in `segments`.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import (
    as_array,
    as_axes,
    as_floats,
    dtype_or_none,
    positive_axes,
    positive_axis,
)
from trivium.state.types import Array, ArrayLike, Axes, DType

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "count_nonzero", "cumprod", "cumsum",
    "logsumexp", "max", "min", "prod", "ptp", "sum",
]  # fmt: skip


@op
def sum(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Add up.

    Args:
        axis: The axis or axes to reduce; all where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.

    Example:
        >>> sum([[1.0, 2.0], [3.0, 4.0]], axis=0).tolist()
        [4.0, 6.0]
    """
    return jnp.sum(as_array(x), axis=as_axes(axis), keepdims=keepdims)


@op
def prod(
    x: ArrayLike,
    axis: Axes = None,
    keepdims: bool = False,
    dtype: DType | None = None,
) -> Array:
    """Multiply up.

    Args:
        axis: The axis or axes to reduce; all where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.
        dtype: The result's dtype.

    Example:
        >>> prod([[1.0, 2.0], [3.0, 4.0]], axis=0).tolist()
        [3.0, 8.0]
    """
    return jnp.prod(as_array(x), axis=as_axes(axis), keepdims=keepdims, dtype=dtype_or_none(dtype))


@op
def max(
    x: ArrayLike,
    axis: Axes = None,
    keepdims: bool = False,
    initial: float | None = None,
) -> Array:
    """Return the largest.

    Args:
        axis: The axis or axes to reduce; all where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.
        initial: A number to reduce besides; an empty array gives it.

    Example:
        >>> max([[1.0, 2.0], [3.0, 0.0]], axis=0).tolist()
        [3.0, 2.0]
    """
    return jnp.max(as_array(x), axis=as_axes(axis), keepdims=keepdims, initial=initial)


@op
def min(
    x: ArrayLike,
    axis: Axes = None,
    keepdims: bool = False,
    initial: float | None = None,
) -> Array:
    """Return the smallest.

    Args:
        axis: The axis or axes to reduce; all where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.
        initial: A number to reduce besides; an empty array gives it.

    Example:
        >>> min([[1.0, 2.0], [3.0, 0.0]], axis=0).tolist()
        [1.0, 0.0]
    """
    return jnp.min(as_array(x), axis=as_axes(axis), keepdims=keepdims, initial=initial)


@op
def amax(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return the largest.

    Args:
        axis: The axis or axes to reduce; all where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.

    Example:
        >>> amax([1.0, 2.0]).item()
        2.0
    """
    return jnp.max(as_array(x), axis=as_axes(axis), keepdims=keepdims)


@op
def amin(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return the smallest.

    Args:
        axis: The axis or axes to reduce; all where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.

    Example:
        >>> amin([1.0, 2.0]).item()
        1.0
    """
    return jnp.min(as_array(x), axis=as_axes(axis), keepdims=keepdims)


@op
def ptp(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return the largest less the smallest.

    Args:
        axis: The axis or axes to reduce; all where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.

    Example:
        >>> ptp([1.0, 4.0]).item()
        3.0
    """
    return jnp.ptp(as_array(x), axis=as_axes(axis), keepdims=keepdims)


@op
def all(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Say whether all are true.

    Args:
        axis: The axis or axes to reduce; all where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.

    Example:
        >>> all([True, False]).item()
        False
    """
    return jnp.all(as_array(x), axis=as_axes(axis), keepdims=keepdims)


@op
def any(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Say whether one is true.

    Args:
        axis: The axis or axes to reduce; all where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.

    Example:
        >>> any([True, False]).item()
        True
    """
    return jnp.any(as_array(x), axis=as_axes(axis), keepdims=keepdims)


@op
def count_nonzero(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Count what is not zero.

    Args:
        axis: The axis or axes to reduce; all where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.

    Example:
        >>> count_nonzero([0.0, 2.0, 3.0]).item()
        2
    """
    return jnp.count_nonzero(as_array(x), axis=as_axes(axis), keepdims=keepdims)


@op
def argmax(x: ArrayLike, axis: int | None = None, keepdims: bool = False) -> Array:
    """Return the index of the largest; of several, the first.

    Args:
        axis: The axis to reduce; the flattened array's where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.

    Example:
        >>> argmax([1.0, 3.0, 2.0]).item()
        1
    """
    return index_along(jnp.argmax, x, axis, keepdims)


@op
def argmin(x: ArrayLike, axis: int | None = None, keepdims: bool = False) -> Array:
    """Return the index of the smallest; of several, the first.

    Args:
        axis: The axis to reduce; the flattened array's where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.

    Example:
        >>> argmin([3.0, 1.0, 2.0]).item()
        1
    """
    return index_along(jnp.argmin, x, axis, keepdims)


@op
def logsumexp(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return `log(sum(exp(x)))`, without overflow.

    Args:
        axis: The axis or axes to reduce; all where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.

    Example:
        >>> logsumexp([1000.0, 0.0]).item()
        1000.0
    """
    x, axes = as_floats(x), as_axes(axis)
    if jnp.iscomplexobj(x):
        return jax.nn.logsumexp(x, axis=axes, keepdims=keepdims)
    largest = jnp.max(x, axis=axes, keepdims=True, initial=-jnp.inf)
    # An infinite one is the result itself; the shares of the others in it, the gradient, would be ∞ - ∞.
    infinite = jnp.isinf(largest)
    result = jax.nn.logsumexp(jnp.where(infinite, 0.0, x), axis=axes, keepdims=True)
    result = jnp.where(infinite, jax.lax.stop_gradient(largest), result)
    return result if keepdims else jnp.squeeze(result, positive_axes(axis, x.ndim))


@op
def cumsum(x: ArrayLike, axis: int | None = None, dtype: DType | None = None) -> Array:
    """Return the running sum.

    Args:
        axis: The axis; the flattened array's where it is `None`.
        dtype: The result's dtype.

    Example:
        >>> cumsum([1.0, 2.0, 3.0]).tolist()
        [1.0, 3.0, 6.0]
    """
    return jnp.cumsum(as_array(x), axis=axis, dtype=dtype_or_none(dtype))


@op
def cumprod(x: ArrayLike, axis: int | None = None, dtype: DType | None = None) -> Array:
    """Return the running product.

    Args:
        axis: The axis; the flattened array's where it is `None`.
        dtype: The result's dtype.

    Example:
        >>> cumprod([1.0, 2.0, 3.0]).tolist()
        [1.0, 2.0, 6.0]
    """
    return jnp.cumprod(as_array(x), axis=axis, dtype=dtype_or_none(dtype))


def index_along(
    function: Callable[..., Array], x: ArrayLike, axis: int | None, keepdims: bool
) -> Array:
    """Return the index that a function of JAX's finds along an axis, which is checked and counted from the front."""
    x = jnp.asarray(as_array(x))
    axis = None if axis is None else positive_axis(axis, x.ndim)
    return function(x, axis=axis, keepdims=keepdims)
