"""Linear algebra, under the names that Keras has for it once more."""
# ruff: noqa: I001
# fmt: off

from trivium.ops.linear_algebra import (
    cholesky, cholesky_inverse, det, eig, eigh, inv, lstsq, lu_factor, matrix_rank, norm, pinv, qr,
    solve, solve_triangular, svd,
)
from trivium.ops.transformations import jvp

__all__ = [
    "cholesky", "cholesky_inverse", "det", "eig", "eigh", "inv", "jvp", "lstsq", "lu_factor",
    "matrix_rank", "norm", "pinv", "qr", "solve", "solve_triangular", "svd",
]
