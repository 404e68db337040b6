"""Order: sorting, the largest elements, places in what is sorted."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import as_array
from trivium.state.types import Array, ArrayLike

__all__ = [
    "argpartition", "argsort", "digitize", "in_top_k", "searchsorted", "sort", "top_k",
]  # fmt: skip


@op
def sort(x: ArrayLike, axis: int = -1) -> Array:
    """Sort, the smallest first.

    Args:
        axis: The axis.

    Example:
        >>> sort([3, 1, 2]).tolist()
        [1, 2, 3]
    """
    return jnp.sort(as_array(x), axis)


@op
def argsort(x: ArrayLike, axis: int = -1) -> Array:
    """Return the indices that sort; equal elements keep their order.

    Args:
        axis: The axis.

    Example:
        >>> argsort([3, 1, 2]).tolist()
        [1, 2, 0]
    """
    x = jnp.asarray(as_array(x))
    return jnp.argsort(x, axis if x.ndim else None)


@op
def argpartition(x: ArrayLike, kth: int, axis: int | None = -1) -> Array:
    """Return indices that put one element to its place, the smaller before it and the larger behind.

    Args:
        kth: The element that comes to its place.
        axis: The axis; the flattened array's where it is `None`.

    Example:
        >>> argpartition([3, 1, 2], 0).tolist()
        [1, 0, 2]
    """
    x = jnp.asarray(as_array(x))
    return jnp.argpartition(x.ravel(), kth) if axis is None else jnp.argpartition(x, kth, axis)


@op
def top_k(x: ArrayLike, k: int, sorted: bool = True) -> tuple[Array, ...]:
    """Return the largest elements along the last axis and their indices.

    Args:
        k: How many.
        sorted: Whether the largest must come first; it does in any case.

    Returns:
        A pair of arrays of shape `(..., k)`.

    Example:
        >>> [part.tolist() for part in top_k([1, 3, 2], 2)]
        [[3, 2], [1, 2]]
    """
    return tuple(jax.lax.top_k(jnp.asarray(as_array(x)), k))


@op
def in_top_k(targets: ArrayLike, predictions: ArrayLike, k: int) -> Array:
    """Say whether each target is among the `k` best predictions.

    Args:
        targets: Class indices, shape `(batch,)`.
        predictions: Scores, shape `(batch, classes)`.
        k: How many.

    Raises:
        ValueError: The shapes do not fit.

    Example:
        >>> in_top_k([1, 0], [[0.1, 0.9], [0.2, 0.8]], 1).tolist()
        [True, False]
    """
    targets, predictions = jnp.asarray(targets), jnp.asarray(as_array(predictions))
    if targets.shape != predictions.shape[:-1]:
        raise ValueError(
            f"each target needs a row of predictions; got shapes {targets.shape} and {predictions.shape}."
        )
    score = jnp.take_along_axis(predictions, targets[..., None], axis=-1)
    score = jnp.where(jnp.isnan(score), -jnp.inf, score)
    return jnp.sum(predictions > score, axis=-1) < k


@op
def searchsorted(sorted_sequence: ArrayLike, values: ArrayLike, side: str = "left") -> Array:
    """Return where values would have to be put in to keep a sequence sorted.

    Args:
        sorted_sequence: A sorted array with one axis.
        side: Before (`"left"`) or behind (`"right"`) equal elements.

    Raises:
        ValueError: The sequence has another number of axes.

    Example:
        >>> searchsorted([1, 3, 5], [3, 4]).tolist()
        [1, 2]
    """
    sequence = jnp.asarray(as_array(sorted_sequence))
    if sequence.ndim != 1:
        raise ValueError(
            f"the sequence has one axis; got shape {sequence.shape}. Use `vectorized_map` over the others."
        )
    return jnp.searchsorted(sequence, as_array(values), side=side)


@op
def digitize(x: ArrayLike, bins: ArrayLike) -> Array:
    """Return how many borders each element has reached.

    Args:
        bins: Sorted borders, shape `(borders,)`.

    Example:
        >>> digitize([0.5, 1.5], [1.0, 2.0]).tolist()
        [0, 1]
    """
    return jnp.digitize(as_array(x), jnp.asarray(as_array(bins)))
