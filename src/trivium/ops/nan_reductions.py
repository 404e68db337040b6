"""Reductions that leave out what is NaN."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import (
    as_array,
    as_axes,
    as_floats,
    dtype_or_none,
)
from trivium.ops.edges import root
from trivium.ops.reductions import index_along
from trivium.ops.statistics import in_float32
from trivium.state.types import Array, ArrayLike, Axes, DType

__all__ = [
    "nanargmax", "nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmedian",
    "nanmin", "nanpercentile", "nanprod", "nanquantile", "nanstd", "nansum", "nanvar",
]  # fmt: skip


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
    return in_float32(jnp.nanmean, x, axis, keepdims)


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
    return in_float32(jnp.nanvar, x, axis, keepdims)


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
    return in_float32(_nan_deviation, x, axis, keepdims)


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
    return index_along(jnp.nanargmax, x, axis, keepdims)


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
    return index_along(jnp.nanargmin, x, axis, keepdims)


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


def _nan_deviation(x: Array, **options: Any) -> Array:
    return root(jnp.nanvar(x, **options))
