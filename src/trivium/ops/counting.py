"""What elements there are, and how often."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import as_array, dense_only, need_values
from trivium.state.types import Array, ArrayLike

__all__ = ["bincount", "histogram", "isin", "unique"]


@op
def isin(x1: ArrayLike, x2: ArrayLike, assume_unique: bool = False, invert: bool = False) -> Array:
    """Say which elements are among others.

    Args:
        x2: The elements to look for.
        assume_unique: Whether neither array holds an element twice.
        invert: Whether to say the opposite.

    Example:
        >>> isin([1, 2, 3], [2, 4]).tolist()
        [False, True, False]
    """
    return jnp.isin(as_array(x1), as_array(x2), assume_unique=assume_unique, invert=invert)


@op
def unique(
    x: ArrayLike,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: float | None = None,
) -> Any:
    """Return each element once.

    Args:
        sorted: Whether the smallest must come first.
        return_index: Whether to return where each is first met.
        return_inverse: Whether to return which of them each element is.
        return_counts: Whether to return how often each is met.
        axis: The axis whose slices to compare; single elements where it is `None`.
        size: How many to return; needed in compiled code.
        fill_value: What to fill up to `size` with; the smallest element where it is `None`.

    Raises:
        ValueError: The array has no values yet, in a graph or a compiled program, and `size` is not given.

    Example:
        >>> unique([3, 1, 3]).tolist()
        [1, 3]
    """
    if size is None:
        need_values(x, "Give `size`.")
    return jnp.unique(
        as_array(x),
        return_index,
        return_inverse,
        return_counts,
        axis,
        equal_nan=False,
        size=size,
        fill_value=fill_value,
        sorted=sorted,
    )


@op
def bincount(
    x: ArrayLike, weights: ArrayLike | None = None, minlength: int = 0, sparse: bool = False
) -> Array:
    """Count how often each whole number is met, in each row where there are two axes.

    Args:
        weights: How much each element counts; 1 where it is `None`.
        minlength: How long the result is at least.
        sparse: Kept for Keras's signature; only `False` is supported.

    Raises:
        ValueError: `sparse` is asked for, or the array has no values yet, in a graph or a compiled program.

    Example:
        >>> bincount([0, 2, 2]).tolist()
        [1, 0, 2]
    """
    dense_only(sparse)
    need_values(x, "Sum a `one_hot` array over its first axis.")
    x = jnp.asarray(as_array(x))
    weights = None if weights is None else jnp.asarray(as_array(weights))
    if x.ndim < 2:
        return jnp.bincount(x, weights, minlength)
    longest = max(minlength, int(x.max()) + 1)
    rows = [None] * len(x) if weights is None else list(weights)
    return jnp.stack([jnp.bincount(r, w, longest) for r, w in zip(x, rows, strict=True)])


@op
def histogram(
    x: ArrayLike, bins: int = 10, range: tuple[float, float] | None = None
) -> tuple[Array, Array]:
    """Count elements in bins of equal width.

    Args:
        bins: How many bins.
        range: The outer borders; the smallest and the largest element where it is `None`.

    Returns:
        The counts, shape `(bins,)`, and the borders, shape `(bins + 1,)`.

    Example:
        >>> [part.tolist() for part in histogram([1.0, 2.0, 2.0], 2)]
        [[1.0, 2.0], [1.0, 1.5, 2.0]]
    """
    return jnp.histogram(as_array(x), bins, range)
