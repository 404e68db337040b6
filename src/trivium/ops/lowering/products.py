"""Products of sequences with a matrix, of which XLA computes the matrix's gradient as fast as the product itself.

The gradient is a sum over samples and steps. As JAX derives it, it is a product of the result's gradient, turned
around, and the inputs; on the CPU XLA copies one of them into another order, or has the sum run over the rows of both,
and takes two to five times as long as for the product. Here it is a product of the form that XLA knows best, of the
inputs turned around and the result's gradient, both as matrices.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from trivium.ops.lowering.windows import on_cpu
from trivium.state.bilinear import bilinear
from trivium.state.types import Array

__all__ = ["NAME", "add_to_rows", "einsum_of_sequences", "product_of_sequences"]

# What the operation is called in programs.
NAME = "trivium_sequence_product"


def product_of_sequences(x: Array, matrix: Array) -> Array | None:
    """Return the product of rows with a matrix; `None` where it is none, or JAX's own form is the better one.

    Args:
        x: Floats of shape `(..., steps, n)`, with three axes at least.
        matrix: Floats of shape `(n, m)`.

    Example:
        >>> product_of_sequences(jnp.ones((2, 3, 4)), jnp.ones((4, 5))).shape
        (2, 3, 5)
        >>> product_of_sequences(jnp.ones((2, 3)), jnp.ones((3, 5))) is None
        True
    """
    if x.ndim < 3 or matrix.ndim != 2 or x.shape[-1] != matrix.shape[0] or not on_cpu():
        return None
    dtype = jnp.result_type(x, matrix)
    if not all(jnp.issubdtype(kind, jnp.floating) for kind in (x.dtype, matrix.dtype, dtype)):
        return None
    return _product(x.astype(dtype), matrix.astype(dtype), how=())


def einsum_of_sequences(subscripts: str, x: Array, kernel: Array) -> Array | None:
    """Return what an equation says if it is such a product but for how axes are grouped; `None` if it is not.

    Args:
        subscripts: As for `einsum`: the last axes of `x` are the first of the kernel, in one order, and are summed
            over; the result has the others, in theirs.
        x: The first array.
        kernel: The second.

    Example:
        >>> einsum_of_sequences("abc,cde->abde", jnp.ones((2, 3, 4)), jnp.ones((4, 5, 6))).shape
        (2, 3, 5, 6)
        >>> einsum_of_sequences("ab,cb->ac", jnp.ones((2, 3)), jnp.ones((4, 3))) is None
        True
    """
    inputs, _, result = subscripts.replace(" ", "").replace("...", "0").partition("->")
    rows, _, matrix = inputs.partition(",")
    summed = next((n for n in range(len(matrix), 0, -1) if rows.endswith(matrix[:n])), 0)
    kept, made = rows[: len(rows) - summed], matrix[summed:]
    letters = kept + matrix
    if not (
        summed and made and kept and result == kept + made and len(set(letters)) == len(letters)
    ):
        return None
    fits = x.ndim == len(rows) or ("..." in subscripts and x.ndim >= len(rows) - 1)
    if not fits or kernel.ndim != len(matrix) or x.shape[-summed:] != kernel.shape[:summed]:
        return None
    ahead, behind = x.shape[: x.ndim - summed], kernel.shape[summed:]
    size = math.prod(kernel.shape[:summed])
    found = product_of_sequences(x.reshape(*ahead, size), kernel.reshape(size, math.prod(behind)))
    return None if found is None else found.reshape(*ahead, *behind)


def add_to_rows(x: Array, bias: Array) -> Array:
    """Return `x + bias`.

    A bias of several last axes of `x` is added to `x` as a matrix, so that its gradient is a sum over the very array
    that the kernel's gradient is a product with: otherwise XLA writes that in two orders.

    Args:
        x: An array.
        bias: What to add; broadcasts to the shape of `x`.

    Example:
        >>> add_to_rows(jnp.zeros((2, 3, 2, 2)), jnp.ones((2, 2))).shape
        (2, 3, 2, 2)
    """
    axes = bias.ndim
    if axes < 2 or x.ndim <= axes or x.shape[-axes:] != bias.shape or not on_cpu():
        return x + bias
    flat = x.reshape(math.prod(x.shape[:-axes]), bias.size) + bias.ravel()
    return flat.reshape(x.shape)


def _forward(x: Array, y: Array, *, how: Any) -> Array:
    return lax.dot_general(x, y, (((x.ndim - 1,), (0,)), ((), ())))


def _for_rows(g: Array, x: Any, y: Array, how: Any) -> Array:
    """The gradient of the rows: a product of the same kind."""
    return _product(g, y.T, how=how)


def _for_matrix(g: Array, x: Array, y: Any, how: Any) -> Array:
    """The gradient of the matrix, whose barrier keeps XLA from running the sum over the rows of both after all."""
    count = math.prod(x.shape[:-1])
    turned = lax.optimization_barrier(x.reshape(count, x.shape[-1]).T)
    return _product(turned, g.reshape(count, g.shape[-1]), how=how)


def _batched(x: Any, y: Any, axes: Any, how: Any) -> Array:
    """Multiply under `jax.vmap`: rows of many arrays are rows; several matrices need a batched product."""
    if axes[1] is None:
        return _product(jnp.moveaxis(x, axes[0], 0), y, how=how)
    return jax.vmap(lambda x, y: _forward(x, y, how=how), axes)(x, y)


_product = bilinear(NAME, _forward, _for_rows, _for_matrix, _batched)
