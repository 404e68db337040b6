"""Statistics: means, spreads and quantiles along one axis or more, and the area under points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import (
    as_array,
    as_axes,
    as_floats,
    positive_axes,
)
from trivium.ops.edges import root
from trivium.state.types import Array, ArrayLike, Axes

__all__ = ["average", "mean", "median", "percentile", "quantile", "std", "trapezoid", "var"]


@op
def mean(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return the mean, computed in float32 at least.

    Args:
        axis: The axis or axes to reduce; all where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.

    Example:
        >>> mean([[1.0, 2.0], [3.0, 4.0]], axis=0).tolist()
        [2.0, 3.0]
    """
    return in_float32(jnp.mean, x, axis, keepdims)


@op
def var(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return the variance, computed in float32 at least: the mean squared distance from the mean.

    Args:
        axis: The axis or axes to reduce; all where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.

    Example:
        >>> var([1.0, 3.0]).item()
        1.0
    """
    return in_float32(jnp.var, x, axis, keepdims)


@op
def std(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return the standard deviation, the square root of the variance, computed in float32 at least.

    Where all are equal it is 0, and so is its gradient.

    Args:
        axis: The axis or axes to reduce; all where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.

    Example:
        >>> std([1.0, 3.0]).item()
        1.0
    """
    return in_float32(_deviation, x, axis, keepdims)


@op
def average(x: ArrayLike, axis: Axes = None, weights: ArrayLike | None = None) -> Array:
    """Return the weighted mean.

    Args:
        axis: The axis or axes to reduce; all where it is `None`.
        weights: How much each element counts; all the same where it is `None`.

    Example:
        >>> average([1.0, 4.0], weights=[2.0, 1.0]).item()
        2.0
    """
    weights = None if weights is None else as_array(weights)
    return jnp.average(as_floats(x), axis=as_axes(axis), weights=weights)


@op
def median(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return the middle value, or the mean of the two in the middle.

    Args:
        axis: The axis or axes to reduce; all where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.

    Example:
        >>> median([3.0, 1.0, 2.0]).item()
        2.0
    """
    return jnp.median(as_floats(x), axis=as_axes(axis), keepdims=keepdims)


@op
def quantile(
    x: ArrayLike,
    q: ArrayLike,
    axis: Axes = None,
    method: str = "linear",
    keepdims: bool = False,
) -> Array:
    """Return the value below which a given share of the elements lies.

    Args:
        q: Which share of the elements lies below: a number from 0 to 1, or an array of them.
        axis: The axis or axes to reduce; all where it is `None`.
        method: What to do between two elements: `"linear"`, `"lower"`, `"higher"`, `"midpoint"` or `"nearest"`.
        keepdims: Whether reduced axes stay, with size 1.

    Returns:
        An array; for an array `q` its axes come first.

    Example:
        >>> quantile([1.0, 2.0, 3.0], 0.5).item()
        2.0
    """
    return jnp.quantile(
        as_floats(x), as_array(q), axis=as_axes(axis), method=method, keepdims=keepdims
    )


@op
def percentile(
    x: ArrayLike,
    q: ArrayLike,
    axis: Axes = None,
    method: str = "linear",
    keepdims: bool = False,
) -> Array:
    """Return the value below which a given share of the elements lies, in percent.

    Args:
        q: Which share of the elements lies below: a number from 0 to 100, or an array of them.
        axis: The axis or axes to reduce; all where it is `None`.
        method: What to do between two elements: `"linear"`, `"lower"`, `"higher"`, `"midpoint"` or `"nearest"`.
        keepdims: Whether reduced axes stay, with size 1.

    Returns:
        An array; for an array `q` its axes come first.

    Example:
        >>> percentile([1.0, 2.0, 3.0], 50).item()
        2.0
    """
    return jnp.percentile(
        as_floats(x), as_array(q), axis=as_axes(axis), method=method, keepdims=keepdims
    )


@op
def trapezoid(y: ArrayLike, x: ArrayLike | None = None, dx: float = 1.0, axis: int = -1) -> Array:
    """Return the area under straight lines between points.

    Args:
        y: An array of heights.
        x: Where they stand; `dx` apart where it is `None`.
        dx: The distance between two heights.
        axis: The axis.

    Example:
        >>> trapezoid([1.0, 3.0]).item()
        2.0
    """
    return jnp.trapezoid(as_array(y), None if x is None else as_array(x), dx=dx, axis=axis)


def in_float32(function: Callable[..., Array], x: ArrayLike, axis: Axes, keepdims: bool) -> Array:
    """Reduce half types in float32, where neither sums overflow nor small terms get lost."""
    x = as_floats(x)
    wide = jnp.promote_types(x.dtype, "float32")
    axes = positive_axes(axis, x.ndim)
    return function(x, axis=axes, keepdims=keepdims, dtype=wide).astype(x.dtype)


def _deviation(x: Array, **options: Any) -> Array:
    return root(jnp.var(x, **options))
