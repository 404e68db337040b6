"""Tables: of pandas, polars, Arrow and Hugging Face in memory, and CSV and Parquet files of any size, as datasets."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from trivium.data.checks import DataError
from trivium.data.columns import columns_of, library_of
from trivium.data.orders import OrderKey
from trivium.data.paths import found_files
from trivium.data.pipeline.blocks import Blocks
from trivium.data.pipeline.dataset import Dataset
from trivium.data.pipeline.failures import ErrorLog, Failed
from trivium.data.pipeline.rows import rows_of
from trivium.data.pipeline.stages import UNKNOWN
from trivium.data.rows_of_tables import Label, chosen, cleaned, labels_of

__all__ = ["from_csv", "from_parquet", "from_table"]

# How many bytes of a CSV file, and how many rows of another table, are read at a time.
_CSV_BYTES, _ROWS = 1 << 20, 8192


def from_table(
    table: Any, label: Label = None, *, columns: Sequence[str] | None = None, missing: str = "error"
) -> Dataset:
    """Make a dataset of the rows of a table.

    Args:
        table: A data frame of pandas or polars, a table, record batch or dataset of Arrow, or a dataset
            of Hugging Face; rows of datasets are read some at a time.
        label: The column that is to be learned, or several, as a dict.
        columns: The columns that an element has; by default all others.
        missing: What becomes of rows in which a value is missing: `"error"`, `"drop"` leaves them out and counts them
            in the dataset's `errors`, `"keep"` makes NaN of numbers and None of texts.

    Returns:
        A dataset of dicts from column to value, or of pairs of such a dict and the label.

    Raises:
        DataError: It is no such table, a column is not there, or, when it is read, a value is missing.

    Example:
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"size": [1.5, 2.5], "kind": ["a", "b"], "price": [3, 4]})
        >>> (x, y), = from_table(frame, label="price").batch(2)
        >>> x["size"].tolist(), x["kind"].tolist(), y.tolist()
        ([1.5, 2.5], ['a', 'b'], [3, 4])
    """
    log, name = ErrorLog(), f"the {type(table).__name__}"
    streamed = _batches_of(table)
    if streamed is not None:
        names, count, batches = streamed
        kept = chosen(names, label, columns, name)

        def parts() -> Iterator[tuple[str, Iterator[Any]]]:
            yield name, (columns_of(batch, name) for batch in batches())

        length = UNKNOWN if missing == "drop" else count
        return Dataset(Blocks(cleaned(parts, kept, label, missing, log), length), (log,))
    found = columns_of(table, name)
    kept = chosen(list(found), label, columns, name)
    blocks = cleaned(lambda: [(name, iter([found]))], kept, label, missing, log)
    (whole,) = blocks(OrderKey(0, (0,)))
    return Dataset(rows_of(whole), (log,))


def _batches_of(table: Any) -> tuple[list[str], int, Callable[[], Any]] | None:
    """Return the columns of a table that is read some rows at a time, how many rows it has, and what reads them."""
    if library_of(table) == "datasets":
        names = list(table.column_names or next(iter(table)))
        count = len(table) if hasattr(table, "__len__") else UNKNOWN
        return names, count, lambda: table.with_format("numpy").iter(_ROWS)
    if library_of(table) == "pyarrow" and hasattr(table, "scanner"):
        return (
            list(table.schema.names),
            table.count_rows(),
            lambda: table.to_batches(batch_size=_ROWS),
        )
    return None


def from_csv(
    files: Any,
    label: Label = None,
    *,
    columns: Sequence[str] | None = None,
    column_types: dict[str, Any] | None = None,
    delimiter: str = ",",
    missing: str = "error",
    bad_rows: str = "error",
) -> Dataset:
    """Make a dataset of the rows of CSV files, which are read some at a time, so that they may have any size.

    Each file begins with the names of its columns. What type a column has its first million bytes tell: whole
    numbers, floats, truth values, else text.

    Args:
        files: A path, a pattern such as `"data/*.csv"`, or several.
        label: As for `from_table`.
        columns: As for `from_table`.
        column_types: The type of a column, where what it begins with does not tell: Arrow's names, such as
            `"float64"` or `"string"`.
        delimiter: What stands between two values.
        missing: As for `from_table`.
        bad_rows: What becomes of rows that have too many or too few values: `"error"` or `"skip"`, which counts them
            in the dataset's `errors`.

    Returns:
        As `from_table`.

    Raises:
        DataError: There is no such file or column; when it is read: a value is missing, or cannot be understood.
        ImportError: `pyarrow` is not installed.

    Example:
        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        ...     _ = file.write("size,price\\n1.5,3\\n2.5,4\\n"); file.flush()
        ...     [(x["size"].tolist(), y.tolist()) for x, y in from_csv(file.name, "price").batch(2)]
        [([1.5, 2.5], [3, 4])]
    """
    csv = _arrow("csv")
    if bad_rows not in ("error", "skip"):
        raise DataError(f'`bad_rows` is "error" or "skip"; got {bad_rows!r}.')
    log, paths = ErrorLog(), found_files(files, "from_csv")

    def opened(path: str, include: list[str] | None = None) -> Any:
        def refused(bad: Any) -> str:
            if include is None:
                return "skip"  # The names of the columns are all that is read.
            if bad_rows == "skip":
                error = DataError(f"it has {bad.actual_columns} values, not {bad.expected_columns}")
                log.note(Failed(error, f"row {(bad.number or 0) - 2} of {path}"), warn=False)
            return bad_rows

        return csv.open_csv(
            path,
            # Without threads Arrow knows the numbers of bad rows.
            csv.ReadOptions(block_size=_CSV_BYTES, use_threads=False),
            csv.ParseOptions(delimiter=delimiter, invalid_row_handler=refused),
            csv.ConvertOptions(
                column_types=column_types, include_columns=include, strings_can_be_null=True
            ),
        )

    kept: list[str] | None = None
    for path in paths:
        with _reading(path):
            kept = chosen(opened(path).schema.names, label, columns if kept is None else kept, path)
    names = kept or []
    wanted = [*names, *labels_of(label)]

    def parts() -> Iterator[tuple[str, Iterator[Any]]]:
        for path in paths:
            yield path, _columns(path, partial(opened, path, wanted))

    return Dataset(Blocks(cleaned(parts, names, label, missing, log), UNKNOWN), (log,))


def from_parquet(
    files: Any, label: Label = None, *, columns: Sequence[str] | None = None, missing: str = "error"
) -> Dataset:
    """Make a dataset of the rows of Parquet files, which are read some at a time, so that they may have any size.

    Args:
        files: A path, a pattern such as `"data/*.parquet"`, or several.
        label: As for `from_table`.
        columns: As for `from_table`.
        missing: As for `from_table`.

    Returns:
        As `from_table`.

    Raises:
        DataError: There is no such file or column; when it is read: a value is missing.
        ImportError: `pyarrow` is not installed.

    Example:
        >>> import os, tempfile
        >>> import pyarrow as pa, pyarrow.parquet
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "table.parquet")
        ...     pa.parquet.write_table(pa.table({"size": [1.5, 2.5], "price": [3, 4]}), path)
        ...     [(x["size"].tolist(), y.tolist()) for x, y in from_parquet(path, "price").batch(2)]
        [([1.5, 2.5], [3, 4])]
    """
    parquet = _arrow("parquet")
    log, paths, count = ErrorLog(), found_files(files, "from_parquet"), 0
    kept: list[str] | None = None
    for path in paths:
        with _reading(path):
            file = parquet.ParquetFile(path)
            kept = chosen(file.schema_arrow.names, label, columns if kept is None else kept, path)
            count += file.metadata.num_rows
    names = kept or []
    wanted = [*names, *labels_of(label)]

    def opened(path: str) -> Any:
        return parquet.ParquetFile(path).iter_batches(_ROWS, columns=wanted)

    def parts() -> Iterator[tuple[str, Iterator[Any]]]:
        for path in paths:
            yield path, _columns(path, partial(opened, path))

    length = count if missing != "drop" else UNKNOWN
    return Dataset(Blocks(cleaned(parts, names, label, missing, log), length), (log,))


def _columns(path: str, opened: Callable[[], Any]) -> Iterator[dict[str, np.ndarray]]:
    with _reading(path):
        for batch in opened():
            yield columns_of(batch, path)


class _reading:
    """Say which file an error of Arrow's came up in."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, ValueError | OSError) and not isinstance(error, DataError):
            remedy = (
                ' If a column changes its type on the way, say which one it has: column_types={name: "string"}.'
                if "conversion error" in str(error)
                else ' bad_rows="skip" leaves such rows out.'
                if "Expected" in str(error)
                else ""
            )
            raise DataError(f"The file {self.path!r} cannot be read: {error}.{remedy}") from None


def _arrow(module: str) -> Any:
    try:
        return importlib.import_module(f"pyarrow.{module}")
    except ImportError:
        raise ImportError(
            "CSV and Parquet files are read by pyarrow, which is not installed: pip install trivium[arrow]."
        ) from None
