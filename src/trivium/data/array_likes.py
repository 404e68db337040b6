"""What is data as a whole (arrays, tables, nested lists), as NumPy arrays of the dtype that it has."""

from __future__ import annotations

import numbers
import sys
from typing import Any

import numpy as np

from trivium.data.checks import DataError
from trivium.data.columns import columns_of, is_table, library_of
from trivium.data.kinds import AnyRows
from trivium.data.lazy import LazyRows
from trivium.data.not_numbers import ragged
from trivium.data.sparse import is_sparse
from trivium.state import floatx
from trivium.state.trees import is_nested

__all__ = ["is_array_like", "to_numpy"]


def is_array_like(value: Any) -> bool:
    """Say whether a value is data as a whole (arrays, tables, lists), not a stream of batches.

    Example:
        >>> is_array_like({"a": [1, 2]}), is_array_like(iter([1, 2]))
        (True, False)
    """
    scalar = isinstance(value, numbers.Number | str | bytes)
    lazy = isinstance(value, LazyRows | AnyRows) or is_sparse(value)
    return scalar or lazy or is_nested(value) or hasattr(value, "__array__") or is_table(value)


def to_numpy(value: Any, name: str) -> np.ndarray:
    """Return anything that is an array, a table or nested lists as a NumPy array of the dtype that it has.

    Args:
        value: The array.
        name: Its name, for messages.

    Raises:
        DataError: It cannot be read as an array.

    Example:
        >>> to_numpy([1.5, 2.5], "x")
        array([1.5, 2.5])
    """
    if np.ma.is_masked(value):
        raise DataError(
            f"`{name}` has masked values, which training would take for numbers. Drop these rows, or "
            "put a number in their place: .filled(number)."
        )
    if isinstance(value, AnyRows):
        raise DataError(
            f"`{name}` holds rows of several lengths, and what models train on has one: `.to_tensor()` fills short "
            "rows up, which Embedding(mask_zero=True) or Masking leaves out again. A dataset does so batch by batch, "
            "in `map`."
        )
    if isinstance(value, np.ndarray):
        return value if isinstance(value, np.memmap) else np.asarray(value)
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(value, pandas.DataFrame):
        return _from_frame(value, name, pandas)
    if pandas is not None and isinstance(value, pandas.Series):
        return _from_frame(value.to_frame(), name, pandas)
    if is_table(value):
        return _from_table(value, name)
    if isinstance(value, list | tuple):
        return _from_list(value, name)
    if not is_array_like(value):
        remedy = "Pass a NumPy array."
        if hasattr(value, "todense"):
            remedy = "A sparse array of this library becomes a dense one by .todense()."
        raise DataError(f"`{name}` is of type {type(value).__name__}, which is no array. {remedy}")
    if hasattr(value, "detach") and hasattr(value, "cpu"):  # a PyTorch tensor
        value = value.detach().cpu()
    try:
        return np.asarray(value)
    except Exception as error:
        raise DataError(
            f"`{name}` ({type(value).__name__}) cannot be read as an array: {error}"
        ) from error


def _from_list(value: list | tuple, name: str) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError as error:  # NumPy's word for rows of different lengths
        raise DataError(ragged(name, value)) from error
    # Beside text, NumPy writes numbers as text too; as objects, the culprit stands out.
    return np.array(value, dtype=object) if array.dtype.kind in "US" else array


def _from_frame(frame: Any, name: str, pandas: Any) -> np.ndarray:
    """Return a table as an array of shape `(rows, columns)`."""
    for position, (label, dtype) in enumerate(frame.dtypes.items()):
        if not pandas.api.types.is_numeric_dtype(dtype):
            known = frame.iloc[:, position].dropna()
            example = f" (e.g. {known.iloc[0]!r})" if len(known) else ""
            raise DataError(
                f"`{name}`: the column {label!r} is of dtype {dtype}{example}; wanted numbers. "
                "Turn it into numbers (pandas.get_dummies, .cat.codes, .astype) or leave it out; a model with an input "
                "for each column takes `dict(frame)`."
            )
    dtypes = [
        np.dtype(getattr(d, "numpy_dtype", getattr(d, "subtype", d))) for d in set(frame.dtypes)
    ]
    common = np.result_type(*dtypes) if dtypes else np.dtype(floatx())
    missing: dict[str, Any] = {}
    if any(not isinstance(d, np.dtype) for d in frame.dtypes) and frame.isna().any(axis=None):
        common = np.result_type(common, np.float32)
        missing = {"na_value": np.nan}
    # Floats go to their last dtype in one pass; whole numbers are first looked at for their range.
    common = np.dtype(floatx()) if common.kind == "f" else common
    return np.asarray(frame.to_numpy(dtype=common, **missing))


def _from_table(table: Any, name: str) -> np.ndarray:
    """Return a table of polars or Arrow, or a column of one, as an array of shape `(rows, columns)`."""
    if not hasattr(table, "columns"):
        column = table.to_numpy() if library_of(table) == "polars" else np.asarray(table)
        return column[:, None] if column.ndim == 1 else column
    columns = columns_of(table, name)
    for label, column in columns.items():
        if column.dtype.kind not in "biuf":
            known = next((v for v in column.tolist() if v is not None), None)
            raise DataError(
                f"`{name}`: the column {label!r} holds {type(known).__name__} values (e.g. {known!r}); wanted numbers. "
                "Number the categories first (`StringLookup`, `CategoryEncoding`), pass the columns as a dict of "
                "inputs, or leave it out."
            )
    return np.stack(list(columns.values()), axis=1)
