"""Sparse matrices of SciPy: their rows are made dense a batch at a time, and never all of them."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from trivium.data.checks import DataError
from trivium.data.kinds import AnySparse
from trivium.data.lazy import LazyRows

__all__ = ["SparseRows", "is_sparse", "rows_of"]


def is_sparse(value: Any) -> bool:
    """Say whether a value is a sparse matrix or array: SciPy's, in any of its formats, or a `SparseArray`.

    Example:
        >>> import scipy.sparse
        >>> is_sparse(scipy.sparse.eye(2)), is_sparse(np.eye(2))
        (True, False)
    """
    if isinstance(value, AnySparse):
        return True
    # Who has such a matrix has imported the module; nobody else pays for it.
    module = sys.modules.get("scipy.sparse")
    return module is not None and bool(module.issparse(value))


class SparseRows(LazyRows):
    """A sparse matrix as an array of rows, which are dense NumPy arrays once they are asked for.

    Args:
        matrix: The matrix in SciPy's format CSR, from which rows are read fastest.
        dtype: The dtype that the rows come in.

    Example:
        >>> import scipy.sparse
        >>> rows = SparseRows(scipy.sparse.csr_array(np.eye(3)), np.dtype("float32"))
        >>> rows.shape, rows.nbytes, rows[1:].tolist()
        ((3, 3), 36, [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    """

    ndim = 2

    def __init__(self, matrix: Any, dtype: np.dtype) -> None:
        self.matrix = matrix
        self.dtype = dtype
        self.shape = (int(matrix.shape[0]), int(matrix.shape[1]))

    def __getitem__(self, index: Any) -> np.ndarray:
        if isinstance(index, int | np.integer):
            return self[np.array([index])][0]
        # Numbers that are stored twice in one place add up in their own precision, as in `toarray` of the whole.
        return np.asarray(self.matrix[index].toarray().astype(self.dtype, copy=False))

    def part(self, rows: slice) -> SparseRows:
        """Return some of the rows, still sparse."""
        return SparseRows(self.matrix[rows], self.dtype)

    def row_of(self, stored: int) -> int:
        """Return the row of the stored value with a number."""
        return int(np.searchsorted(self.matrix.indptr, stored, side="right")) - 1


def rows_of(matrix: Any, name: str) -> Any:
    """Return a sparse matrix as its rows, or as a NumPy array where it has one number a row.

    Args:
        matrix: A sparse matrix or array of SciPy.
        name: Its name, for messages.

    Raises:
        DataError: It has more than two dimensions.

    Example:
        >>> import scipy.sparse
        >>> rows_of(scipy.sparse.coo_array(np.array([0.0, 2.0])), "x")
        array([0., 2.])
    """
    if matrix.ndim > 2:
        raise DataError(
            f"`{name}` is a sparse array of shape {matrix.shape}; wanted one with rows and columns. Reshape it to "
            f"({matrix.shape[0]}, ...), and back in the model's first layer."
        )
    if matrix.ndim < 2 or matrix.shape[1] < 2:
        return matrix.toarray()
    csr = matrix.tocsr()
    return SparseRows(csr, csr.dtype)
