"""Sparse data: SciPy's matrices, whose rows are made dense a batch at a time, and sparse arrays of any shape."""

import importlib
from typing import TYPE_CHECKING, Any

from trivium.data.sparse.matrices import SparseRows, is_sparse, rows_of

if TYPE_CHECKING:
    from trivium.data.sparse.array import SparseArray

__all__ = ["SparseArray", "SparseRows", "is_sparse", "rows_of"]


def __getattr__(name: str) -> Any:
    # `fit` asks for matrices; the arrays are imported by those that make some.
    if name != "SparseArray":
        raise AttributeError(f"module 'trivium.data.sparse' has no attribute {name!r}")
    return importlib.import_module("trivium.data.sparse.array").SparseArray
