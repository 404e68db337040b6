"""Linear algebra: norms, decompositions and equations.

Products stand in `products`, and `matmul` in `arithmetic`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import (
    as_axes,
    as_common_floats,
    as_floats,
    as_wide_floats,
)
from trivium.ops.edges import power_norm, root
from trivium.state.types import Array, ArrayLike, Axes

__all__ = [
    "cholesky", "cholesky_inverse", "det", "eig", "eigh", "inv", "logdet", "lstsq", "lu_factor",
    "matrix_rank", "norm", "pinv", "qr", "slogdet", "solve", "solve_triangular", "svd",
]  # fmt: skip


@op
def norm(
    x: ArrayLike,
    ord: int | float | str | None = None,
    axis: Axes = None,
    keepdims: bool = False,
) -> Array:
    """Return the norm of vectors or matrices, computed in float32 at least.

    The gradient of a zero vector's norm is 0, one of its subgradients.

    Args:
        ord: Which norm: a number, `"fro"` or `"nuc"`; the Euclidean one where it is `None`.
        axis: One axis for norms of vectors, two for norms of matrices.
        keepdims: Whether reduced axes stay, with size 1.

    Example:
        >>> norm([3.0, 4.0]).item()
        5.0
    """
    dtype, x, axes = as_floats(x).dtype, as_wide_floats(x), as_axes(axis)
    count = axes if axes is None or isinstance(axes, int) else len(axes)
    of_vectors = isinstance(axes, int) or count == 1 or (axes is None and x.ndim == 1)
    euclidean = ord is None and (axes is None or of_vectors or count == 2)
    if euclidean or (of_vectors and ord == 2) or (not of_vectors and ord == "fro"):
        squares = jnp.real(x * jnp.conj(x))
        result = root(jnp.sum(squares, axis=axes, keepdims=keepdims))
    elif of_vectors and isinstance(ord, int | float) and ord not in (0, 1, math.inf, -math.inf):
        result = power_norm(x, ord, axes, keepdims)
    else:
        # The slope of |x| at 0 may be anything from -1 to 1: of a constant it is 0.
        result = jnp.linalg.norm(jnp.where(x == 0, 0, x), ord, axes, keepdims)
    return result.astype(jnp.finfo(dtype).dtype)


@op
def det(x: ArrayLike) -> Array:
    """Return the determinants of matrices.

    Args:
        x: An array of shape `(..., n, n)`.

    Example:
        >>> det([[2.0, 0.0], [0.0, 3.0]]).item()
        6.0
    """
    result: Array = _in_float32(jnp.linalg.det, as_floats(x))
    return result


@op
def slogdet(x: ArrayLike) -> tuple[Array, ...]:
    """Return the sign of the determinant and the logarithm of its absolute value.

    Args:
        x: An array of shape `(..., n, n)`.

    Returns:
        A pair of arrays of shape `(...)`.

    Example:
        >>> [part.item() for part in slogdet([[1.0, 0.0], [0.0, 1.0]])]
        [1.0, 0.0]
    """
    return tuple(_in_float32(jnp.linalg.slogdet, as_floats(x)))


@op
def logdet(x: ArrayLike) -> Array:
    """Return the logarithm of the absolute value of the determinant.

    Args:
        x: An array of shape `(..., n, n)`.

    Example:
        >>> logdet([[1.0, 0.0], [0.0, 1.0]]).item()
        0.0
    """
    result: Array = _in_float32(jnp.linalg.slogdet, as_floats(x))[1]
    return result


@op
def inv(x: ArrayLike) -> Array:
    """Return the inverse of matrices.

    Args:
        x: An array of shape `(..., n, n)`.

    Example:
        >>> inv([[2.0, 0.0], [0.0, 4.0]]).tolist()
        [[0.5, 0.0], [0.0, 0.25]]
    """
    result: Array = _in_float32(jnp.linalg.inv, as_floats(x))
    return result


@op
def pinv(x: ArrayLike, rcond: float | None = None) -> Array:
    """Return the pseudo-inverse of matrices.

    Args:
        x: An array of shape `(..., n, m)`.
        rcond: Singular values below this share of the largest count as 0.

    Returns:
        An array of shape `(..., m, n)`.

    Example:
        >>> pinv([[2.0], [0.0]]).round(4).tolist()
        [[0.5, 0.0]]
    """
    result: Array = _in_float32(lambda x: jnp.linalg.pinv(x, rcond), as_floats(x))
    return result


@op
def matrix_rank(x: ArrayLike, tol: float | None = None) -> Array:
    """Return the rank of matrices.

    Args:
        x: An array of shape `(..., n, m)`.
        tol: Singular values below this count as 0.

    Example:
        >>> matrix_rank([[1.0, 2.0], [2.0, 4.0]]).item()
        1
    """
    result: Array = jnp.linalg.matrix_rank(as_wide_floats(x), tol)
    return result


@op
def cholesky(x: ArrayLike, upper: bool = False) -> Array:
    """Return the lower triangle whose product with its transpose is `x`.

    Args:
        x: Symmetric positive definite matrices, shape `(..., n, n)`.
        upper: Whether to return the upper triangle, its transpose.

    Raises:
        ValueError: The matrices are not square.

    Example:
        >>> cholesky([[4.0]]).tolist()
        [[2.0]]
    """
    x = as_floats(x)
    _check_square(x)
    result: Array = _in_float32(lambda x: jnp.linalg.cholesky(x, upper=upper), x)
    return result


@op
def cholesky_inverse(x: ArrayLike, upper: bool = False) -> Array:
    """Return the inverse of the matrix whose Cholesky factor is `x`.

    Args:
        x: Triangles that `cholesky` gave, shape `(..., n, n)`.
        upper: Whether they are upper ones.

    Raises:
        ValueError: The matrices are not square.

    Example:
        >>> cholesky_inverse([[2.0]]).tolist()
        [[0.25]]
    """
    x = as_floats(x)
    _check_square(x)
    inverse = jax.scipy.linalg.solve_triangular(
        x, jnp.broadcast_to(jnp.eye(x.shape[-1], dtype=x.dtype), x.shape), lower=not upper
    )
    transposed = jnp.swapaxes(inverse, -1, -2)
    return inverse @ transposed if upper else transposed @ inverse


@op
def qr(x: ArrayLike, mode: str = "reduced") -> tuple[Array, ...]:
    """Return an orthogonal and an upper triangular factor.

    Args:
        x: An array of shape `(..., n, m)`.
        mode: `"reduced"` or `"complete"`: whether the first factor is made square.

    Example:
        >>> [part.shape for part in qr(jnp.ones((3, 2)))]
        [(3, 2), (2, 2)]
    """
    return tuple(_in_float32(lambda x: jnp.linalg.qr(x, mode), as_floats(x)))


@op
def svd(x: ArrayLike, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Return the singular value decomposition.

    Args:
        x: An array of shape `(..., n, m)`.
        full_matrices: Whether the orthogonal factors are made square.
        compute_uv: Whether to return them.

    Returns:
        The factors `u`, `s`, `v`, or the singular values alone.

    Example:
        >>> svd([[3.0, 0.0], [0.0, 2.0]], compute_uv=False).round(4).tolist()
        [3.0, 2.0]
    """
    result = _in_float32(lambda x: jnp.linalg.svd(x, full_matrices, compute_uv), as_floats(x))
    return tuple(result) if compute_uv else result


@op
def eig(x: ArrayLike) -> tuple[Array, ...]:
    """Return the eigenvalues and eigenvectors of matrices; on the CPU only.

    Args:
        x: An array of shape `(..., n, n)`.

    Example:
        >>> eig([[2.0]])[0].real.tolist()
        [2.0]
    """
    return tuple(_in_float32(jnp.linalg.eig, as_floats(x)))


@op
def eigh(x: ArrayLike) -> tuple[Array, ...]:
    """Return the eigenvalues, the smallest first, and the eigenvectors of symmetric matrices.

    Args:
        x: Symmetric matrices, shape `(..., n, n)`.

    Example:
        >>> eigh([[2.0, 0.0], [0.0, 1.0]])[0].round(4).tolist()
        [1.0, 2.0]
    """
    return tuple(_in_float32(jnp.linalg.eigh, as_floats(x)))


@op
def lu_factor(x: ArrayLike) -> tuple[Array, ...]:
    """Return both triangles of the LU decomposition in one matrix, and the exchanged rows.

    Args:
        x: An array of shape `(..., n, n)`.

    Example:
        >>> lu_factor([[2.0]])[0].tolist()
        [[2.0]]
    """
    return tuple(_in_float32(jax.scipy.linalg.lu_factor, as_floats(x)))


@op
def solve(a: ArrayLike, b: ArrayLike) -> Array:
    """Solve linear equations: return `x` with `a @ x == b`.

    Args:
        a: Matrices, shape `(..., n, n)`.
        b: Right sides, shape `(..., n, k)` or `(..., n)`.

    Raises:
        ValueError: The matrices are not square, or the right sides of another size.

    Example:
        >>> solve([[2.0]], [[4.0]]).tolist()
        [[2.0]]
    """
    return _solve(jnp.linalg.solve, *as_common_floats(a, b))


@op
def solve_triangular(a: ArrayLike, b: ArrayLike, lower: bool = False) -> Array:
    """Solve linear equations with a triangular matrix.

    Args:
        a: Triangles, shape `(..., n, n)`.
        b: Right sides, shape `(..., n, k)` or `(..., n)`.
        lower: Whether they are lower ones.

    Raises:
        ValueError: The matrices are not square, or the right sides of another size.

    Example:
        >>> solve_triangular([[2.0]], [[4.0]]).tolist()
        [[2.0]]
    """
    solver = functools.partial(jax.scipy.linalg.solve_triangular, lower=lower)
    return _solve(solver, *as_common_floats(a, b))


@op
def lstsq(a: ArrayLike, b: ArrayLike, rcond: float | None = None) -> Array:
    """Return the `x` that makes `a @ x - b` smallest.

    Args:
        a: A matrix, shape `(n, m)`.
        b: The right side, shape `(n,)` or `(n, k)`.
        rcond: Singular values below this share of the largest count as 0.

    Example:
        >>> lstsq([[1.0], [1.0]], [1.0, 3.0]).round(4).tolist()
        [2.0]
    """
    a, b = as_common_floats(a, b)
    result: Array = _in_float32(lambda a, b: jnp.linalg.lstsq(a, b, rcond)[0], a, b)
    return result


def _in_float32(function: Callable[..., Any], *arrays: Array) -> Any:
    """Call a function of LAPACK's, which knows no half types, in float32 at least; round what comes out of that."""
    dtype = arrays[0].dtype
    wide = [as_wide_floats(x) for x in arrays]
    results = function(*wide)
    if wide[0].dtype == dtype:
        return results
    # Complex eigenvalues, pivots and ranks are no half types' business.
    return jax.tree_util.tree_map(
        lambda r: r.astype(dtype) if r.dtype == wide[0].dtype else r, results
    )


def _check_square(x: Array) -> None:
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError(f"matrices are square, of shape (..., n, n); got {x.shape}.")


def _solve(solver: Callable[..., Array], a: Array, b: Array) -> Array:
    """Solve for matrices or, where `b` has an axis less than `a`, for vectors."""
    _check_square(a)
    vectors = b.ndim == a.ndim - 1
    rows = b.shape[-1:] if vectors else b.shape[-2:-1]
    if rows != a.shape[-1:]:
        raise ValueError(
            f"right sides have as many rows as the matrices; got shapes {a.shape} and {b.shape}."
        )
    columns = b[..., None] if vectors else b
    result: Array = _in_float32(solver, a, columns)
    return result[..., 0] if vectors else result
