"""Reductions of segments: of the rows that have one number."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import as_array
from trivium.state.types import Array, ArrayLike

__all__ = ["segment_max", "segment_min", "segment_prod", "segment_sum"]


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
