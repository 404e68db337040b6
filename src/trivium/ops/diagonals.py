"""Diagonals of matrices, and what lies above and below them."""

from __future__ import annotations

import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import as_array
from trivium.state.types import Array, ArrayLike

__all__ = ["diag", "diagflat", "diagonal", "tril", "triu"]


@op
def diag(x: ArrayLike, k: int = 0) -> Array:
    """Take the diagonal of a matrix, or make a matrix with a diagonal.

    Args:
        k: The diagonal: 0 the main one, above it positive, below it negative.

    Example:
        >>> diag([1, 2]).tolist()
        [[1, 0], [0, 2]]
    """
    return jnp.diag(as_array(x), k)


@op
def diagflat(x: ArrayLike, k: int = 0) -> Array:
    """Make a matrix with the flattened array as its diagonal.

    Args:
        k: The diagonal: 0 the main one, above it positive, below it negative.

    Example:
        >>> diagflat([1, 2]).tolist()
        [[1, 0], [0, 2]]
    """
    return jnp.diagflat(as_array(x), k)


@op
def diagonal(x: ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """Take the diagonals of matrices.

    Args:
        offset: The diagonal: 0 the main one, above it positive, below it negative.
        axis1: The rows' axis.
        axis2: The columns' axis.

    Example:
        >>> diagonal([[1, 2], [3, 4]]).tolist()
        [1, 4]
    """
    result: Array = jnp.diagonal(as_array(x), offset, axis1, axis2)
    return result


@op
def tril(x: ArrayLike, k: int = 0) -> Array:
    """Put 0 above a diagonal.

    Args:
        k: The diagonal: 0 the main one, above it positive, below it negative.

    Example:
        >>> tril([[1, 2], [3, 4]]).tolist()
        [[1, 0], [3, 4]]
    """
    return jnp.tril(as_array(x), k)


@op
def triu(x: ArrayLike, k: int = 0) -> Array:
    """Put 0 below a diagonal.

    Args:
        k: The diagonal: 0 the main one, above it positive, below it negative.

    Example:
        >>> triu([[1, 2], [3, 4]]).tolist()
        [[1, 2], [0, 4]]
    """
    return jnp.triu(as_array(x), k)
