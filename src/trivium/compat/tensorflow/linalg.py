"""`tf.linalg`, where its functions are more than one op of ours."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from trivium import ops
from trivium.compat.errors import NotCovered
from trivium.compat.tensorflow.hosted import is_traced
from trivium.compat.written import WRITTEN, covers

__all__ = ["matmul"]


@covers("tensorflow.linalg.diag")
def _diag(diagonal: Any, name: str = "", k: int = 0) -> Any:
    if k:
        raise NotCovered(f"tf.linalg.diag: k={k} is not covered; k=0 is.")
    diagonal = ops.convert_to_tensor(diagonal)
    size = diagonal.shape[-1]
    return ops.expand_dims(diagonal, -1) * ops.eye(size, dtype=diagonal.dtype)


@covers("tensorflow.matmul")
def matmul(
    a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, name: str | None = None
) -> Any:
    """Multiply matrices, either of which may be transposed first; `tf.matmul`.

    Example:
        >>> matmul([[1.0], [2.0]], [[3.0], [4.0]], transpose_a=True).tolist()
        [[11.0]]
    """
    a = ops.swapaxes(a, -1, -2) if transpose_a else a
    b = ops.swapaxes(b, -1, -2) if transpose_b else b
    return ops.matmul(a, b)


@covers("tensorflow.linalg.matvec")
def _matvec(a: Any, b: Any, transpose_a: bool = False, name: str | None = None) -> Any:
    return ops.squeeze(matmul(a, ops.expand_dims(b, -1), transpose_a), -1)


@covers("tensorflow.einsum")
def _einsum(equation: str, *inputs: Any, **kwargs: Any) -> Any:
    return ops.einsum(equation, *inputs)


@covers("tensorflow.linalg.svd")
def _svd(
    tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None
) -> Any:
    if not compute_uv:
        return ops.svd(tensor, full_matrices=full_matrices, compute_uv=False)
    u, s, vh = ops.svd(tensor, full_matrices=full_matrices)
    return s, u, ops.conj(ops.swapaxes(vh, -1, -2))


@covers("tensorflow.linalg.band_part")
def _band_part(input: Any, num_lower: int, num_upper: int, name: str | None = None) -> Any:
    lower = input if num_lower < 0 else ops.triu(input, k=-num_lower)
    return lower if num_upper < 0 else ops.tril(lower, k=num_upper)


def _invertible(matrix: Any, made: Any) -> Any:
    """Return what was made of a matrix; where there are values, one that has no inverse is an error."""
    if not is_traced(matrix) and not np.all(np.isfinite(made)) and np.all(np.isfinite(matrix)):
        raise ValueError("The matrix is not invertible.")
    return made


@covers("tensorflow.linalg.inv")
def _inv(input: Any, adjoint: bool = False, name: str | None = None) -> Any:
    return _invertible(input, ops.inv(_adjoint(input) if adjoint else input))


@covers("tensorflow.linalg.solve")
def _solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Any:
    return _invertible(matrix, ops.solve(_adjoint(matrix) if adjoint else matrix, rhs))


@covers("tensorflow.linalg.adjoint")
def _adjoint(matrix: Any, name: str | None = None) -> Any:
    return ops.conj(ops.swapaxes(matrix, -1, -2))


@covers("tensorflow.linalg.cholesky_solve")
def _cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> Any:
    half = ops.solve_triangular(chol, rhs, lower=True)
    return ops.solve_triangular(ops.swapaxes(chol, -1, -2), half, lower=False)


@covers("tensorflow.linalg.sqrtm", "tensorflow.matrix_square_root")
def _sqrtm(input: Any, name: str | None = None) -> Any:
    return jnp.vectorize(_root, signature="(n,n)->(n,n)")(ops.convert_to_tensor(input))


@jax.custom_jvp
def _root(matrix: Any) -> Any:
    root = jax.scipy.linalg.sqrtm(matrix)
    if jnp.iscomplexobj(matrix):
        return root
    # TensorFlow's keeps the dtype; where the root of a real matrix is not real, it is none here.
    return jnp.where(jnp.abs(jnp.imag(root)) < 1e-3, jnp.real(root), jnp.nan)


@_root.defjvp
def _root_along(at: tuple[Any], direction: tuple[Any]) -> tuple[Any, Any]:
    # JAX has no rule for it. From X X = A: X dX + dX X = dA, Sylvester's equation, here as one linear system.
    root, size = _root(at[0]), at[0].shape[-1]
    unit = jnp.eye(size, dtype=root.dtype)
    system = jnp.kron(root, unit) + jnp.kron(unit, root.T)
    moved = jnp.linalg.solve(system, direction[0].reshape(-1))
    return root, moved.reshape(size, size)


@covers("tensorflow.linalg.lstsq")
def _lstsq(
    matrix: Any, rhs: Any, l2_regularizer: float = 0.0, fast: bool = True, name: str | None = None
) -> Any:
    # `fast` chooses how it is computed there; here it is as exact either way.
    matrix, rhs = ops.convert_to_tensor(matrix), ops.convert_to_tensor(rhs)
    if not l2_regularizer:
        return jnp.vectorize(ops.lstsq, signature="(m,n),(m,k)->(n,k)")(matrix, rhs)
    # Ridge regression (Hoerl and Kennard, 1970): the normal equations have a solution for either shape.
    turned = _adjoint(matrix)
    ridge = l2_regularizer * ops.eye(matrix.shape[-1], dtype=matrix.dtype)
    return ops.solve(turned @ matrix + ridge, turned @ rhs)


class _Lu(NamedTuple):
    lu: Any
    p: Any


@covers("tensorflow.linalg.lu")
def _lu(input: Any, output_idx_type: Any = "int32", name: str | None = None) -> Any:
    factors, _, order = jax.lax.linalg.lu(ops.convert_to_tensor(input))
    return _Lu(factors, order)


@covers("tensorflow.linalg.lu_solve")
def _lu_solve(
    lower_upper: Any, perm: Any, rhs: Any, validate_args: bool = False, name: str | None = None
) -> Any:
    places = ops.expand_dims(perm, -1)
    rhs = ops.take_along_axis(rhs, ops.broadcast_to(places, ops.shape(rhs)), axis=-2)
    lower = ops.tril(lower_upper, -1) + ops.eye(ops.shape(lower_upper)[-1])
    return ops.solve_triangular(
        lower_upper, ops.solve_triangular(lower, rhs, lower=True), lower=False
    )


@covers("tensorflow.linalg.lu_matrix_inverse")
def _lu_matrix_inverse(
    lower_upper: Any, perm: Any, validate_args: bool = False, name: str | None = None
) -> Any:
    size = ops.shape(lower_upper)[-1]
    return _lu_solve(lower_upper, perm, ops.broadcast_to(ops.eye(size), ops.shape(lower_upper)))


@covers("tensorflow.linalg.normalize")
def _normalize(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, name: str | None = None
) -> Any:
    length = WRITTEN["tensorflow.norm"](tensor, ord=ord, axis=axis, keepdims=True)
    if axis is None:
        length = ops.reshape(length, [1] * ops.ndim(tensor))
    return ops.divide(tensor, length), length


@covers("tensorflow.linalg.set_diag")
def _set_diag(
    input: Any, diagonal: Any, name: str = "", k: int = 0, align: str = "RIGHT_LEFT"
) -> Any:
    if k:
        raise NotCovered(f"tf.linalg.set_diag: k={k} is not covered; k=0 is.")
    input = ops.convert_to_tensor(input)
    rows, columns = ops.shape(input)[-2:]
    on = ops.eye(rows, columns, dtype="bool")
    wide = ops.expand_dims(diagonal, -1 if columns <= rows else -2)
    # The diagonal's numbers lie along the shorter side.
    if rows != columns:
        missing = abs(rows - columns)
        axis = -2 if rows > columns else -1
        widths = [[0, 0]] * (ops.ndim(wide) - 2) + [[0, 0], [0, 0]]
        widths[axis] = [0, missing]
        wide = ops.pad(wide, widths)
    return ops.where(on, ops.cast(wide, input.dtype), input)


@covers("tensorflow.linalg.tensor_diag")
def _tensor_diag(diagonal: Any, name: str | None = None) -> Any:
    shape = ops.shape(ops.convert_to_tensor(diagonal))
    return ops.reshape(ops.diagflat(diagonal), (*shape, *shape))


@covers("tensorflow.linalg.tensor_diag_part")
def _tensor_diag_part(input: Any, name: str | None = None) -> Any:
    shape = ops.shape(ops.convert_to_tensor(input))
    half = shape[: len(shape) // 2]
    size = int(np.prod(half))
    return ops.reshape(ops.diagonal(ops.reshape(input, (size, size))), half)


@covers("tensorflow.linalg.tridiagonal_solve")
def _tridiagonal_solve(
    diagonals: Any,
    rhs: Any,
    diagonals_format: str = "compact",
    transpose_rhs: bool = False,
    conjugate_rhs: bool = False,
    name: str | None = None,
    partial_pivoting: bool = True,
    perturb_singular: bool = False,
) -> Any:
    if diagonals_format == "compact":
        upper, main, lower = (jnp.asarray(diagonals)[..., i, :] for i in range(3))
    elif diagonals_format == "sequence":
        upper, main, lower = map(jnp.asarray, diagonals)
    else:
        raise NotCovered(
            f'tf.linalg.tridiagonal_solve: diagonals_format={diagonals_format!r} is not covered; "compact" is.'
        )
    flat = ops.ndim(rhs) < main.ndim + 1
    right = jnp.asarray(rhs)[..., None] if flat else jnp.asarray(rhs)
    # What lies outside of the matrix does not count, and JAX wants zeros there.
    upper, lower = upper.at[..., -1].set(0), lower.at[..., 0].set(0)
    solved = jax.lax.linalg.tridiagonal_solve(lower, main, upper, right)
    return solved[..., 0] if flat else solved
