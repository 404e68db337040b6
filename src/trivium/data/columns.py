"""The columns of tables of other libraries, as NumPy arrays; none of these libraries is imported for it."""

from __future__ import annotations

from typing import Any

import numpy as np

from trivium.data.checks import DataError

__all__ = ["columns_of", "is_table", "library_of"]

# By the first part of the module of their classes.
_LIBRARIES = ("pandas", "polars", "pyarrow", "datasets")


def library_of(value: Any) -> str | None:
    """Return which library of tables a value comes from, if it comes from one.

    Example:
        >>> library_of([1, 2]) is None
        True
    """
    library = type(value).__module__.partition(".")[0]
    return library if library in _LIBRARIES else None


def is_table(value: Any) -> bool:
    """Say whether a value is a frame, table or record batch of polars or Arrow, or a column of one.

    Example:
        >>> import pyarrow as pa
        >>> is_table(pa.table({"a": [1]})), is_table({"a": [1]})
        (True, False)
    """
    # A lazy frame has no rows yet, and warns whoever asks it for columns.
    if library_of(value) not in ("polars", "pyarrow") or type(value).__name__ == "LazyFrame":
        return False
    return hasattr(value, "columns") or hasattr(value, "to_numpy")


def columns_of(table: Any, name: str) -> dict[str, np.ndarray]:
    """Return the columns of a table: numbers as they are, NaN where one is missing; texts and others as objects.

    Args:
        table: A frame of pandas or polars, a table or record batch of Arrow, or columns in a dict.
        name: Its name, for messages.

    Raises:
        DataError: It is no table.

    Example:
        >>> import pandas as pd
        >>> columns_of(pd.DataFrame({"a": [1, 2], "b": ["x", None]}), "x")
        {'a': array([1, 2]), 'b': array(['x', None], dtype=object)}
    """
    library = library_of(table)
    if isinstance(table, dict):
        return {str(key): _array(column) for key, column in table.items()}
    if library == "pandas" and hasattr(table, "columns"):
        return {str(key): _array(_pandas(column)) for key, column in table.items()}
    if library == "polars" and hasattr(table, "iter_columns"):
        return {column.name: _array(column.to_numpy()) for column in table.iter_columns()}
    if library == "pyarrow" and hasattr(table, "column_names"):
        return {key: _array(_arrow(table.column(key))) for key in table.column_names}
    if hasattr(table, "collect"):
        raise DataError(f"{name} is lazy: pass {name.removeprefix('the ')}.collect(), or the file.")
    raise DataError(
        f"{name} is of type {type(table).__name__}; wanted a data frame of pandas or polars, a table of Arrow, or a "
        "dataset of Hugging Face."
    )


def _pandas(column: Any) -> Any:
    if isinstance(column.dtype, np.dtype):
        return column.to_numpy()
    # Its own dtypes know what is missing: numbers get NaN for it, all else None.
    if column.dtype.kind in "iufb":
        gaps = bool(column.isna().any())
        return column.to_numpy(dtype=float, na_value=np.nan) if gaps else column.to_numpy()
    return column.astype(object).where(column.notna(), None).to_numpy()


def _arrow(column: Any) -> Any:
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    if pa.types.is_boolean(kind) and column.null_count:
        column = column.cast(pa.int8())
    # A record batch's columns want to be told that a copy is all right.
    whole = column.combine_chunks() if hasattr(column, "combine_chunks") else column
    return whole.to_numpy(zero_copy_only=False)


def _array(values: Any) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind in "UST":
        return array.astype(object)
    if array.dtype.kind == "O":
        # NaN among texts is pandas's word for a text that is missing.
        flat = [None if isinstance(v, float) and v != v else v for v in array.ravel().tolist()]
        made = np.empty(len(flat), object)
        made[:] = flat
        return made.reshape(array.shape)
    return array
