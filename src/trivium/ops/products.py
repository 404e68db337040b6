"""Products of arrays: sums over products of their elements; `matmul` is in `arithmetic`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import (
    as_array,
    as_common_floats,
    as_floats,
    as_wide_floats,
    wide_integer,
)
from trivium.ops.edges import root
from trivium.ops.lowering.products import einsum_of_sequences
from trivium.state.types import Array, ArrayLike

__all__ = [
    "cdist", "corrcoef", "correlate", "cross", "diff", "dot", "einsum", "inner", "kron", "outer",
    "tensordot", "trace", "vander", "vdot",
]  # fmt: skip


@op
def dot(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Multiply and add up: over the last axis of `x1` and the last but one of `x2` (or its only one).

    Args:
        x2: Another array.

    Example:
        >>> dot([1.0, 2.0], [3.0, 4.0]).item()
        11.0
    """
    return jnp.dot(as_array(x1), as_array(x2))


@op
def vdot(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Flatten both, multiply (the first conjugated) and add up.

    Args:
        x2: Another array.

    Example:
        >>> vdot([1.0, 2.0], [3.0, 4.0]).item()
        11.0
    """
    return jnp.vdot(as_array(x1), as_array(x2))


@op
def inner(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Multiply and add up over the last axes of both.

    Args:
        x2: Another array.

    Example:
        >>> inner([1.0, 2.0], [3.0, 4.0]).item()
        11.0
    """
    return jnp.inner(as_array(x1), as_array(x2))


@op
def outer(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Flatten both and multiply each element of the one with each of the other.

    Args:
        x2: Another array.

    Example:
        >>> outer([1.0, 2.0], [3.0, 4.0]).tolist()
        [[3.0, 4.0], [6.0, 8.0]]
    """
    return jnp.outer(as_array(x1), as_array(x2))


@op
def tensordot(
    x1: ArrayLike, x2: ArrayLike, axes: int | Sequence[int] | Sequence[Sequence[int]] = 2
) -> Array:
    """Multiply and add up over several axes.

    Args:
        x2: Another array.
        axes: How many of the last axes of `x1` and first axes of `x2` to add up over; or a pair of lists of axes.

    Example:
        >>> tensordot([[1.0, 2.0]], [[3.0, 4.0]], [[1], [1]]).tolist()
        [[11.0]]
    """
    return jnp.tensordot(as_array(x1), as_array(x2), axes)


@op
def einsum(subscripts: str, *operands: ArrayLike, **kwargs: Any) -> Array:
    """Multiply and add up over named axes; products of int8 add up in int32.

    Args:
        subscripts: The axes of each operand and of the result, by letters: `"ij,jk->ik"`.
        operands: Arrays.
        kwargs: Passed on to `jax.numpy.einsum`.

    Example:
        >>> einsum('i,i->', [1.0, 2.0], [3.0, 4.0]).item()
        11.0
    """
    arrays = [as_array(x) for x in operands]
    if len(arrays) == 2 and not kwargs:
        found = einsum_of_sequences(subscripts, arrays[0], arrays[1])
        if found is not None:
            return found
    if "preferred_element_type" not in kwargs:
        kwargs["preferred_element_type"] = wide_integer(*arrays)
    return jnp.einsum(subscripts, *arrays, **kwargs)


@op
def kron(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Replace each element of the one by its multiple of the other.

    Args:
        x2: Another array.

    Example:
        >>> kron([1.0, 2.0], [1.0, 1.0]).tolist()
        [1.0, 1.0, 2.0, 2.0]
    """
    return jnp.kron(as_array(x1), as_array(x2))


@op
def cross(
    x1: ArrayLike,
    x2: ArrayLike,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
) -> Array:
    """Return the cross product of vectors in space.

    Args:
        x2: Another array.
        axisa: The vectors' axis in `x1`.
        axisb: The vectors' axis in `x2`.
        axisc: The vectors' axis in the result.
        axis: The vectors' axis in all three.

    Example:
        >>> cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]).tolist()
        [0.0, 0.0, 1.0]
    """
    return jnp.cross(as_array(x1), as_array(x2), axisa, axisb, axisc, axis)


@op
def trace(x: ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """Add up a diagonal.

    Args:
        offset: The diagonal: 0 the main one, above it positive, below it negative.
        axis1: The rows' axis.
        axis2: The columns' axis.

    Example:
        >>> trace([[1.0, 2.0], [3.0, 4.0]]).item()
        5.0
    """
    return jnp.trace(as_array(x), offset, axis1, axis2)


@op
def diff(a: ArrayLike, n: int = 1, axis: int = -1) -> Array:
    """Return the differences between neighbors.

    Args:
        n: How often.
        axis: The axis.

    Example:
        >>> diff([1.0, 4.0, 9.0]).tolist()
        [3.0, 5.0]
    """
    return jnp.diff(as_array(a), n, axis)


@op
def vander(x: ArrayLike, N: int | None = None, increasing: bool = False) -> Array:
    """Return each element's powers, one row for each.

    Args:
        N: How many powers; as many as elements where it is `None`.
        increasing: Whether the lowest power comes first.

    Example:
        >>> vander([2.0, 3.0]).tolist()
        [[2.0, 1.0], [3.0, 1.0]]
    """
    return jnp.vander(as_array(x), N, increasing)


@op
def corrcoef(x: ArrayLike) -> Array:
    """Return the correlations between the rows.

    Args:
        x: An array of shape `(variables, observations)`.

    Example:
        >>> corrcoef([[1.0, 2.0], [2.0, 4.0]]).round(3).tolist()
        [[1.0, 1.0], [1.0, 1.0]]
    """
    return jnp.corrcoef(as_wide_floats(x)).astype(as_floats(x).dtype)


@op
def correlate(x1: ArrayLike, x2: ArrayLike, mode: str = "valid") -> Array:
    """Slide one sequence along another and add up the products.

    Args:
        x2: Another array.
        mode: `"valid"`, `"same"` or `"full"`: how far the two overlap.

    Example:
        >>> correlate([1.0, 2.0, 3.0], [1.0, 1.0]).tolist()
        [3.0, 5.0]
    """
    return jnp.correlate(as_array(x1), as_array(x2), mode)


@op
def cdist(x: ArrayLike, y: ArrayLike) -> Array:
    """Return the distances between points.

    Args:
        x: Points, shape `(..., n, dimensions)`.
        y: Points, shape `(..., m, dimensions)`.

    Returns:
        An array of shape `(..., n, m)`.

    Example:
        >>> cdist([[0.0, 0.0]], [[3.0, 4.0]]).tolist()
        [[5.0]]
    """
    x, y = as_common_floats(x, y)
    differences = as_wide_floats(x[..., :, None, :] - y[..., None, :, :])
    return root(jnp.sum(differences**2, axis=-1)).astype(x.dtype)
