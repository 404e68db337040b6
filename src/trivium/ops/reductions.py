"""Reductions: functions that take an array's elements together along one axis or more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
from trivium.ops.edges import root
from trivium.state.types import Array, ArrayLike, Axes, DType

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "average", "count_nonzero", "cumprod",
    "cumsum", "logsumexp", "max", "mean", "median", "min", "nanargmax", "nanargmin", "nancumprod",
    "nancumsum", "nanmax", "nanmean", "nanmedian", "nanmin", "nanpercentile", "nanprod",
    "nanquantile", "nanstd", "nansum", "nanvar", "percentile", "prod", "ptp", "quantile",
    "segment_max", "segment_min", "segment_prod", "segment_sum", "std", "sum", "trapezoid", "var",
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
def mean(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return the mean, computed in float32 at least.

    Args:
        axis: The axis or axes to reduce; all where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.

    Example:
        >>> mean([[1.0, 2.0], [3.0, 4.0]], axis=0).tolist()
        [2.0, 3.0]
    """
    return _in_float32(jnp.mean, x, axis, keepdims)


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
    return _in_float32(jnp.var, x, axis, keepdims)


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
    return _in_float32(_deviation, x, axis, keepdims)


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
    return _index(jnp.argmax, x, axis, keepdims)


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
    return _index(jnp.argmin, x, axis, keepdims)


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


@op
def nansum(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Add up what is not NaN.

    Args:
        axis: The axis or axes to reduce; all where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.

    Example:
        >>> nansum([2.0, float('nan'), 4.0]).item()
        6.0
    """
    return jnp.nansum(as_array(x), axis=as_axes(axis), keepdims=keepdims)


@op
def nanprod(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Multiply up what is not NaN.

    Args:
        axis: The axis or axes to reduce; all where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.

    Example:
        >>> nanprod([2.0, float('nan'), 4.0]).item()
        8.0
    """
    return jnp.nanprod(as_array(x), axis=as_axes(axis), keepdims=keepdims)


@op
def nanmax(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return the largest that is not NaN.

    Args:
        axis: The axis or axes to reduce; all where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.

    Example:
        >>> nanmax([2.0, float('nan'), 4.0]).item()
        4.0
    """
    return jnp.nanmax(as_array(x), axis=as_axes(axis), keepdims=keepdims)


@op
def nanmin(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return the smallest that is not NaN.

    Args:
        axis: The axis or axes to reduce; all where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.

    Example:
        >>> nanmin([2.0, float('nan'), 4.0]).item()
        2.0
    """
    return jnp.nanmin(as_array(x), axis=as_axes(axis), keepdims=keepdims)


@op
def nanmean(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return the mean of what is not NaN.

    Args:
        axis: The axis or axes to reduce; all where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.

    Example:
        >>> nanmean([2.0, float('nan'), 4.0]).item()
        3.0
    """
    return _in_float32(jnp.nanmean, x, axis, keepdims)


@op
def nanvar(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return the variance of what is not NaN.

    Args:
        axis: The axis or axes to reduce; all where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.

    Example:
        >>> nanvar([2.0, float('nan'), 4.0]).item()
        1.0
    """
    return _in_float32(jnp.nanvar, x, axis, keepdims)


@op
def nanstd(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return the standard deviation of what is not NaN.

    Args:
        axis: The axis or axes to reduce; all where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.

    Example:
        >>> nanstd([2.0, float('nan'), 4.0]).item()
        1.0
    """
    return _in_float32(_nan_deviation, x, axis, keepdims)


@op
def nanmedian(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return the middle value of what is not NaN.

    Args:
        axis: The axis or axes to reduce; all where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.

    Example:
        >>> nanmedian([2.0, float('nan'), 4.0]).item()
        3.0
    """
    return jnp.nanmedian(as_floats(x), axis=as_axes(axis), keepdims=keepdims)


@op
def nanquantile(
    x: ArrayLike,
    q: ArrayLike,
    axis: Axes = None,
    method: str = "linear",
    keepdims: bool = False,
) -> Array:
    """Do as `quantile` does, without what is NaN.

    Args:
        q: Which share of the elements lies below: a number from 0 to 1, or an array of them.
        axis: The axis or axes to reduce; all where it is `None`.
        method: What to do between two elements: `"linear"`, `"lower"`, `"higher"`, `"midpoint"` or `"nearest"`.
        keepdims: Whether reduced axes stay, with size 1.

    Returns:
        An array; for an array `q` its axes come first.

    Example:
        >>> nanquantile([1.0, float('nan'), 3.0], 0.5).item()
        2.0
    """
    return jnp.nanquantile(
        as_floats(x), as_array(q), axis=as_axes(axis), method=method, keepdims=keepdims
    )


@op
def nanpercentile(
    x: ArrayLike,
    q: ArrayLike,
    axis: Axes = None,
    method: str = "linear",
    keepdims: bool = False,
) -> Array:
    """Do as `percentile` does, without what is NaN.

    Args:
        q: Which share of the elements lies below: a number from 0 to 100, or an array of them.
        axis: The axis or axes to reduce; all where it is `None`.
        method: What to do between two elements: `"linear"`, `"lower"`, `"higher"`, `"midpoint"` or `"nearest"`.
        keepdims: Whether reduced axes stay, with size 1.

    Returns:
        An array; for an array `q` its axes come first.

    Example:
        >>> nanpercentile([1.0, float('nan'), 3.0], 50).item()
        2.0
    """
    return jnp.nanpercentile(
        as_floats(x), as_array(q), axis=as_axes(axis), method=method, keepdims=keepdims
    )


@op
def nanargmax(x: ArrayLike, axis: int | None = None, keepdims: bool = False) -> Array:
    """Return the index of the largest that is not NaN; -1 where all are.

    Args:
        axis: The axis to reduce; the flattened array's where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.

    Example:
        >>> nanargmax([1.0, float('nan'), 2.0]).item()
        2
    """
    return _index(jnp.nanargmax, x, axis, keepdims)


@op
def nanargmin(x: ArrayLike, axis: int | None = None, keepdims: bool = False) -> Array:
    """Return the index of the smallest that is not NaN; -1 where all are.

    Args:
        axis: The axis to reduce; the flattened array's where it is `None`.
        keepdims: Whether reduced axes stay, with size 1.

    Example:
        >>> nanargmin([1.0, float('nan'), 2.0]).item()
        0
    """
    return _index(jnp.nanargmin, x, axis, keepdims)


@op
def nancumsum(x: ArrayLike, axis: int | None = None, dtype: DType | None = None) -> Array:
    """Return the running sum, NaN taken as 0.

    Args:
        axis: The axis; the flattened array's where it is `None`.
        dtype: The result's dtype.

    Example:
        >>> nancumsum([1.0, float('nan'), 3.0]).tolist()
        [1.0, 1.0, 4.0]
    """
    return jnp.nancumsum(as_array(x), axis=axis, dtype=dtype_or_none(dtype))


@op
def nancumprod(x: ArrayLike, axis: int | None = None, dtype: DType | None = None) -> Array:
    """Return the running product, NaN taken as 1.

    Args:
        axis: The axis; the flattened array's where it is `None`.
        dtype: The result's dtype.

    Example:
        >>> nancumprod([2.0, float('nan'), 3.0]).tolist()
        [2.0, 2.0, 6.0]
    """
    return jnp.nancumprod(as_array(x), axis=axis, dtype=dtype_or_none(dtype))


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


@op
def segment_sum(
    data: ArrayLike, segment_ids: ArrayLike, num_segments: int | None = None, sorted: bool = False
) -> Array:
    """Add up the items of each segment.

    Args:
        data: An array of shape `(items, ...)`.
        segment_ids: The segment that each item belongs to, shape `(items,)`.
        num_segments: How many segments there are; needed.
        sorted: Whether `segment_ids` never falls, which makes it faster.

    Returns:
        An array of shape `(num_segments, ...)`.

    Raises:
        ValueError: `num_segments` is missing; the result's shape would depend on values.

    Example:
        >>> segment_sum([1.0, 2.0, 3.0], [0, 0, 1], 2).tolist()
        [3.0, 3.0]
    """
    return _segment(jax.ops.segment_sum, data, segment_ids, num_segments, sorted)


@op
def segment_prod(
    data: ArrayLike, segment_ids: ArrayLike, num_segments: int | None = None, sorted: bool = False
) -> Array:
    """Multiply up the items of each segment.

    Args:
        data: An array of shape `(items, ...)`.
        segment_ids: The segment that each item belongs to, shape `(items,)`.
        num_segments: How many segments there are; needed.
        sorted: Whether `segment_ids` never falls, which makes it faster.

    Returns:
        An array of shape `(num_segments, ...)`.

    Raises:
        ValueError: `num_segments` is missing; the result's shape would depend on values.

    Example:
        >>> segment_prod([1.0, 2.0, 3.0], [0, 0, 1], 2).tolist()
        [2.0, 3.0]
    """
    return _segment(jax.ops.segment_prod, data, segment_ids, num_segments, sorted)


@op
def segment_max(
    data: ArrayLike, segment_ids: ArrayLike, num_segments: int | None = None, sorted: bool = False
) -> Array:
    """Return the largest of the items of each segment.

    Args:
        data: An array of shape `(items, ...)`.
        segment_ids: The segment that each item belongs to, shape `(items,)`.
        num_segments: How many segments there are; needed.
        sorted: Whether `segment_ids` never falls, which makes it faster.

    Returns:
        An array of shape `(num_segments, ...)`.

    Raises:
        ValueError: `num_segments` is missing; the result's shape would depend on values.

    Example:
        >>> segment_max([1.0, 2.0, 3.0], [0, 0, 1], 2).tolist()
        [2.0, 3.0]
    """
    return _segment(jax.ops.segment_max, data, segment_ids, num_segments, sorted)


@op
def segment_min(
    data: ArrayLike, segment_ids: ArrayLike, num_segments: int | None = None, sorted: bool = False
) -> Array:
    """Return the smallest of the items of each segment.

    Args:
        data: An array of shape `(items, ...)`.
        segment_ids: The segment that each item belongs to, shape `(items,)`.
        num_segments: How many segments there are; needed.
        sorted: Whether `segment_ids` never falls, which makes it faster.

    Returns:
        An array of shape `(num_segments, ...)`.

    Raises:
        ValueError: `num_segments` is missing; the result's shape would depend on values.

    Example:
        >>> segment_min([1.0, 2.0, 3.0], [0, 0, 1], 2).tolist()
        [1.0, 3.0]
    """
    return _segment(jax.ops.segment_min, data, segment_ids, num_segments, sorted)


def _in_float32(function: Callable[..., Array], x: ArrayLike, axis: Axes, keepdims: bool) -> Array:
    """Reduce half types in float32, where neither sums overflow nor small terms get lost."""
    x = as_floats(x)
    wide = jnp.promote_types(x.dtype, "float32")
    axes = positive_axes(axis, x.ndim)
    return function(x, axis=axes, keepdims=keepdims, dtype=wide).astype(x.dtype)


def _deviation(x: Array, **options: Any) -> Array:
    return root(jnp.var(x, **options))


def _nan_deviation(x: Array, **options: Any) -> Array:
    return root(jnp.nanvar(x, **options))


def _index(function: Callable[..., Array], x: ArrayLike, axis: int | None, keepdims: bool) -> Array:
    x = jnp.asarray(as_array(x))
    axis = None if axis is None else positive_axis(axis, x.ndim)
    return function(x, axis=axis, keepdims=keepdims)


def _segment(
    function: Callable[..., Array],
    data: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int | None,
    ordered: bool,
) -> Array:
    if num_segments is None:
        raise ValueError(
            "`num_segments` must be given: the result has that many rows, whatever the ids are."
        )
    return function(
        jnp.asarray(as_array(data)),
        jnp.asarray(segment_ids),
        num_segments,
        indices_are_sorted=ordered,
    )
