"""Numbers of categories as vectors: what layers with an `output_mode` share."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from trivium import ops
from trivium.state.types import Array, DType, Shape

__all__ = ["encode", "encoded_shape"]


def encode(
    indices: Array, output_mode: str, depth: int, dtype: DType, count_weights: Array | None = None
) -> Array:
    """Return numbers of categories as an `output_mode` says.

    Args:
        indices: Whole numbers from 0 to `depth - 1`; another one counts for no category.
        output_mode: `"int"`: the numbers themselves. `"one_hot"`: a vector for each number, in place of a last axis of
            size 1. `"multi_hot"`, `"count"`: one vector for all numbers on the last axis, which says for each category
            whether it is among them, or how often.
        depth: How many categories there are.
        dtype: The vectors' dtype.
        count_weights: For `"count"`, how much each number counts; of the same shape as the numbers.

    Shapes:
        `(..., n)` to `(..., depth)`; `"one_hot"`: `(..., 1)` to `(..., depth)`, and `(...)` to `(..., depth)` else.

    Example:
        >>> import numpy as np
        >>> encode(np.array([[0, 2, 2]]), "count", 3, "float32").tolist()
        [[1.0, 0.0, 2.0]]
    """
    if output_mode == "int":
        return indices
    if output_mode == "one_hot":
        alone = indices.ndim > 1 and indices.shape[-1] == 1
        return ops.one_hot(ops.squeeze(indices, -1) if alone else indices, depth, dtype=dtype)
    # A number by itself is a sample of one.
    numbers = indices if indices.ndim else indices[None]
    ones = jnp.ones((), dtype) if count_weights is None else jnp.asarray(count_weights, dtype)
    return _tallied(
        numbers, jnp.broadcast_to(ones, numbers.shape), output_mode == "multi_hot", depth
    )


def encoded_shape(shape: Shape, output_mode: str, depth: int | None) -> Shape:
    """Return the shape of what `encode` makes of numbers.

    Args:
        shape: The numbers' shape.
        output_mode: As for `encode`.
        depth: How many categories there are.

    Example:
        >>> encoded_shape((None, 1), "one_hot", 5), encoded_shape((None, 3), "one_hot", 5)
        ((None, 5), (None, 3, 5))
    """
    shape = tuple(shape)
    if output_mode == "int":
        return shape
    alone = output_mode == "one_hot" and not (len(shape) > 1 and shape[-1] == 1)
    return (*(shape if alone else shape[:-1]), depth)


def _tallied(numbers: Array, weights: Array, once: bool, depth: int) -> Array:
    """Write each number's weight into its place in one vector for each sample.

    The sum of the numbers' own vectors is the same, and takes as many times longer as there are categories: for a text
    of 64 words and 20,000 categories, 38 times.
    """

    def of_sample(row: Array, weight: Array) -> Array:
        room = jnp.zeros(depth, weight.dtype).at[jnp.where(row < 0, depth, row)]
        return room.max(weight, mode="drop") if once else room.add(weight, mode="drop")

    for _ in range(numbers.ndim - 1):
        of_sample = jax.vmap(of_sample)
    return of_sample(numbers, weights)
