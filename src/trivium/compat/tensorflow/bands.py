"""`tf.linalg`: matrices of a few diagonals, and a matrix from its LU decomposition."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.compat.errors import NotCovered
from trivium.compat.tensorflow.hosted import is_traced
from trivium.compat.written import covers
from trivium.graph.op import op
from trivium.state.types import Array, ArrayLike

__all__: list[str] = []


@covers("tensorflow.linalg.banded_triangular_solve")
@op
def _banded_triangular_solve(
    bands: ArrayLike,
    rhs: ArrayLike,
    lower: bool = True,
    adjoint: bool = False,
    name: str | None = None,
) -> Array:
    rows = jnp.asarray(bands)
    count, size = rows.shape[-2:]
    matrix = jnp.zeros((*rows.shape[:-2], size, size), rows.dtype)
    for number in range(count):
        # Each column is below the column of the matrix that it is from: diagonals below the first have their padding
        # in front of them, those above behind them.
        offset = number if lower else count - 1 - number
        along = np.arange(size - offset)
        if lower:
            matrix = matrix.at[..., along + offset, along].set(rows[..., number, offset:])
        else:
            matrix = matrix.at[..., along, along + offset].set(rows[..., number, : size - offset])
    return jax.scipy.linalg.solve_triangular(
        matrix, jnp.asarray(rhs), "C" if adjoint else "N", lower=lower
    )


@covers("tensorflow.linalg.tridiagonal_matmul")
@op
def _tridiagonal_matmul(
    diagonals: Any, rhs: ArrayLike, diagonals_format: str = "compact", name: str | None = None
) -> Array:
    x = jnp.asarray(rhs)
    if diagonals_format == "matrix":
        return jnp.asarray(diagonals) @ x
    if diagonals_format not in ("compact", "sequence"):
        raise ValueError(
            "tf.linalg.tridiagonal_matmul: `diagonals_format` is 'compact', 'sequence' or 'matrix'; got "
            f"{diagonals_format!r}."
        )
    if diagonals_format == "compact":
        diagonals = jnp.moveaxis(jnp.asarray(diagonals), -2, 0)
    above, middle, below = (jnp.asarray(d)[..., None] for d in diagonals)
    # The last entry above and the first below lie outside of the matrix.
    from_next = (above * jnp.roll(x, -1, -2)).at[..., -1, :].set(0)
    from_last = (below * jnp.roll(x, 1, -2)).at[..., 0, :].set(0)
    return middle * x + from_next + from_last


@covers("tensorflow.linalg.eigh_tridiagonal")
def _eigh_tridiagonal(
    alpha: ArrayLike,
    beta: ArrayLike,
    eigvals_only: bool = True,
    select: str = "a",
    select_range: Any = None,
    tol: float | None = None,
    name: str | None = None,
) -> Any:
    values, vectors = _eigh(alpha, beta)
    if select == "i":
        first, last = (int(n) for n in select_range)
        values, vectors = values[..., first : last + 1], vectors[..., first : last + 1]
    elif select == "v":
        if is_traced(values):
            raise NotCovered(
                "tf.linalg.eigh_tridiagonal: select='v' is not covered in compiled code, where nobody knows how many "
                "there are; 'a' and 'i' are."
            )
        low, high = (float(n) for n in select_range)
        kept = np.flatnonzero((np.asarray(values) > low) & (np.asarray(values) <= high))
        values, vectors = values[..., kept], vectors[..., kept]
    elif select != "a":
        raise ValueError(
            f"tf.linalg.eigh_tridiagonal: `select` is 'a', 'i' or 'v'; got {select!r}."
        )
    return values if eigvals_only else (values, vectors)


@op
def _eigh(alpha: ArrayLike, beta: ArrayLike) -> tuple[Array, Array]:
    diagonal, beside = jnp.asarray(alpha), jnp.asarray(beta)
    size = diagonal.shape[-1]
    along, next_to = np.arange(size), np.arange(size - 1)
    matrix = jnp.zeros((*diagonal.shape, size), jnp.result_type(diagonal, beside))
    matrix = matrix.at[..., along, along].set(diagonal)
    matrix = matrix.at[..., next_to, next_to + 1].set(jnp.conj(beside))
    matrix = matrix.at[..., next_to + 1, next_to].set(beside)
    found = jnp.linalg.eigh(matrix)
    return found.eigenvalues, found.eigenvectors


@covers("tensorflow.linalg.lu_reconstruct")
@op
def _lu_reconstruct(
    lower_upper: ArrayLike, perm: ArrayLike, validate_args: bool = False, name: str | None = None
) -> Array:
    both = jnp.asarray(lower_upper)
    lower = jnp.tril(both, -1) + jnp.eye(both.shape[-2], both.shape[-1], dtype=both.dtype)
    # The rows go back to where they were before they were exchanged.
    back = jnp.argsort(jnp.asarray(perm), -1)
    return jnp.take_along_axis(lower @ jnp.triu(both), back[..., None], -2)
