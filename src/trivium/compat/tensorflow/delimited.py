"""CSV under TensorFlow's names: `tf.io.decode_csv`, `CsvDataset` and `make_csv_dataset`.

`trivium.data.from_csv` reads columns of large files faster; here a row is what TensorFlow says it is.
"""

from __future__ import annotations

import csv
import io
import itertools
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from trivium.compat.tensorflow.contents import bytes_in, tensor
from trivium.compat.tensorflow.dataset import TFDataset
from trivium.compat.tensorflow.records import file_paths
from trivium.compat.written import WRITTEN, covers
from trivium.data.checks import DataError
from trivium.data.orders import OrderKey
from trivium.data.paths import found_files
from trivium.data.pipeline.failures import ErrorLog, Failed
from trivium.data.pipeline.stages import UNKNOWN, Elements, count_batches
from trivium.data.records.compressed import check_compression, opened
from trivium.state import suggest

__all__: list[str] = []

# So many rows are made at once.
_BLOCK = 1024
_LIMITS = {"int32": 2**31, "int64": 2**63}


class _Column(NamedTuple):
    """What the values of a column are, and what stands for one that is not there: `None` for an error."""

    dtype: str
    default: Any

    def value(self, text: str, number: int, na: str, place: str) -> Any:
        """Return one field as a value."""
        if text in ("", na) and self.default is None:
            raise DataError(f"{place}: field {number} is required, and empty.")
        found = self.values([text], na)
        if found is None:
            raise DataError(f"{place}: field {number} is no {self.dtype}: {text!r}.")
        return found[0]

    def values(self, texts: Sequence[str], na: str) -> list[Any] | None:
        """Return what `value` makes of fields, all at once; `None` where it refuses one of them."""
        missing = {i for i, text in enumerate(texts) if text in ("", na)}
        if missing and self.default is None:
            return None
        given = [t for t in texts if t not in ("", na)] if missing else texts
        try:
            found: list[Any] = list(map(self._converter(), given))
        except ValueError:
            return None
        limit = _LIMITS.get(self.dtype)
        if limit is not None and found and not (-limit <= min(found) and max(found) < limit):
            return None
        if not missing:
            return found
        left = iter(found)
        return [self.default if i in missing else next(left) for i in range(len(texts))]

    def _converter(self) -> Callable[[str], Any]:
        if self.dtype == "string":
            return operator.methodcaller("encode", "utf-8", "surrogateescape")
        return int if self.dtype in _LIMITS else float

    def array(self, values: Any) -> np.ndarray:
        """Return values as an array; texts are bytes."""
        if self.dtype == "string":
            made = np.empty(len(values), object)
            made[:] = values
            return made
        return np.asarray(values, self.dtype)


def _column(default: Any) -> _Column:
    """Return the column that a program describes: by a dtype, a value, or a list or tensor of one value or none."""
    if isinstance(default, WRITTEN["tensorflow.DType"] | type | np.dtype):
        name = str(default) if isinstance(default, str) else np.dtype(default).name
        return _column_of(name, None)
    if isinstance(default, list | tuple):
        (default,) = default or (np.zeros(0, np.float32),)
    array = np.asarray(default)
    if array.dtype.kind in "OSTU":
        return _Column("string", bytes_in(array).ravel()[0] if array.size else None)
    name = array.dtype.name
    if not hasattr(default, "dtype"):  # Python's numbers are TensorFlow's int32 and float32.
        name = {"int64": "int32", "float64": "float32"}.get(name, name)
    return _column_of(name, array.ravel()[0].item() if array.size else None)


def _column_of(name: str, default: Any) -> _Column:
    if name.startswith(("str", "bytes", "object")):
        name = "string"
    if name not in ("float32", "float64", "string", *_LIMITS):
        raise TypeError(f"A column of CSV is float32, float64, int32, int64 or string; got {name}.")
    return _Column(name, default)


def _values(
    row: Sequence[str],
    columns: Sequence[_Column],
    chosen: Sequence[int] | None,
    na: str,
    place: str,
) -> tuple[Any, ...]:
    """Return the values of a row's columns, or of those that are chosen."""
    if chosen is None and len(row) != len(columns):
        raise DataError(f"{place}: wanted {len(columns)} fields, got {len(row)}.")
    if chosen is not None:
        if row and max(chosen, default=0) >= len(row):
            raise DataError(f"{place}: wanted field {max(chosen)}; there are {len(row)} fields.")
        row = [row[i] for i in chosen]
    numbers = range(len(row)) if chosen is None else chosen
    return tuple(
        column.value(text, number, na, place)
        for column, text, number in zip(columns, row, numbers, strict=True)
    )


def _all_values(
    rows: Sequence[Sequence[str]],
    columns: Sequence[_Column],
    chosen: Sequence[int] | None,
    na: str,
) -> Iterator[tuple[Any, ...]] | None:
    """Return what `_values` makes of each of several rows, column by column; `None` where it refuses one of them."""
    lengths = set(map(len, rows))
    short = lengths != {len(columns)} if chosen is None else min(lengths) <= max(chosen, default=0)
    if short or not columns:
        return None
    texts = list(zip(*rows, strict=False))  # Rows may go on behind the columns that are chosen.
    numbers = range(len(columns)) if chosen is None else chosen
    parts = [c.values(texts[i], na) for c, i in zip(columns, numbers, strict=True)]
    return None if None in parts else zip(*parts, strict=True)


def _quoting(use_quote_delim: bool) -> Any:
    return csv.QUOTE_MINIMAL if use_quote_delim else csv.QUOTE_NONE


@covers("tensorflow.io.decode_csv")
def _decode_csv(
    records: Any,
    record_defaults: Sequence[Any],
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    select_cols: Sequence[int] | None = None,
    name: str | None = None,
) -> list[Any]:
    columns = [_column(default) for default in record_defaults]
    lines = bytes_in(records)
    rows = []
    for number, line in enumerate(lines.ravel()):
        text = line.decode("utf-8", "surrogateescape")
        (row,) = csv.reader([text], delimiter=field_delim, quoting=_quoting(use_quote_delim)) or (
            [""],
        )
        rows.append(
            _values(row, columns, select_cols, na_value, f"tf.io.decode_csv: record {number}")
        )
    parts = [
        column.array([row[i] for row in rows]).reshape(lines.shape)
        for i, column in enumerate(columns)
    ]
    return [tensor(part) for part in parts]


class _Reading(NamedTuple):
    """How rows of files are read."""

    compression: str
    header: bool
    delimiter: str
    quoted: bool

    def rows(self, path: str, headless: bool = True) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows of a file with the numbers of their lines; that of names is none, if `headless`."""
        with opened(path, "rb", self.compression) as file:
            text = io.TextIOWrapper(file, "utf-8-sig", "surrogateescape", newline="")
            reader = csv.reader(text, delimiter=self.delimiter, quoting=_quoting(self.quoted))
            for number, row in enumerate(reader):
                if row and not (number == 0 and self.header and headless):
                    yield reader.line_num, row

    def elements(
        self,
        paths: Sequence[str],
        columns: Sequence[_Column],
        chosen: Sequence[int] | None,
        na: str,
        make: Callable[[tuple[Any, ...]], Any],
    ) -> Elements:
        """Return the rows of files as elements: what a function makes of the values of each."""

        def read(key: OrderKey, skip: int) -> Iterator[Any]:
            every = ((path, *row) for path in paths for row in self.rows(path))
            rows = itertools.islice(every, skip, None)
            while block := list(itertools.islice(rows, _BLOCK)):
                values = _all_values([row for _, _, row in block], columns, chosen, na)
                if values is not None:
                    yield from map(make, values)
                    continue
                for path, line, row in block:  # One of them is wrong: each says so itself.
                    place = f"The file {path!r}, line {line}"
                    try:
                        yield make(_values(row, columns, chosen, na, place))
                    except DataError as error:
                        yield Failed(error, "a dataset of CSV files")

        return Elements(read, UNKNOWN)


@covers("tensorflow.data.experimental.CsvDataset")
def _csv_dataset(
    filenames: Any,
    record_defaults: Sequence[Any],
    compression_type: str | None = None,
    buffer_size: int | None = None,
    header: bool = False,
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    select_cols: Sequence[int] | None = None,
    exclude_cols: Sequence[int] | None = None,
) -> TFDataset:
    columns = [_column(default) for default in record_defaults]
    reading = _Reading(check_compression(compression_type), header, field_delim, use_quote_delim)
    paths = found_files(file_paths(filenames), "CsvDataset")
    if exclude_cols is not None:
        if select_cols is not None:
            raise DataError("CsvDataset: give `select_cols` or `exclude_cols`, not both.")
        _, first = next(reading.rows(paths[0], headless=False), (0, []))
        select_cols = [i for i in range(len(first)) if i not in exclude_cols]

    def element(values: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(
            column.array([v])[0:1].reshape(()) for column, v in zip(columns, values, strict=True)
        )

    return TFDataset(reading.elements(paths, columns, select_cols, na_value, element))


@covers("tensorflow.data.experimental.make_csv_dataset")
def _make_csv_dataset(
    file_pattern: Any,
    batch_size: int,
    column_names: Sequence[str] | None = None,
    column_defaults: Sequence[Any] | None = None,
    label_name: str | None = None,
    select_columns: Sequence[Any] | None = None,
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    header: bool = True,
    num_epochs: int | None = None,
    shuffle: bool = True,
    shuffle_buffer_size: int = 10000,
    shuffle_seed: int | None = None,
    prefetch_buffer_size: int | None = None,
    num_parallel_reads: int | None = None,
    sloppy: bool = False,
    num_rows_for_inference: int | None = 100,
    compression_type: str | None = None,
    ignore_errors: bool = False,
    encoding: str = "utf-8",
) -> TFDataset:
    paths = sorted(found_files(file_paths(file_pattern), "make_csv_dataset"))
    reading = _Reading(check_compression(compression_type), header, field_delim, use_quote_delim)
    if column_names is None:
        if not header:
            raise DataError("make_csv_dataset: files without a header need `column_names`.")
        column_names = next(reading.rows(paths[0], headless=False), (0, []))[1]
    chosen = _positions(select_columns, list(column_names))
    names = [column_names[i] for i in chosen]
    if label_name is not None and label_name not in names:
        raise DataError(
            f"make_csv_dataset: `label_name` is one of the columns; got {label_name!r}. {suggest(label_name, names)}"
        )
    if column_defaults is not None:
        columns = [_column(default) for default in column_defaults]
    else:
        rows = (row for path in paths for _, row in reading.rows(path))
        sample = list(itertools.islice(rows, num_rows_for_inference))
        columns = [_inferred([r[i] for r in sample if i < len(r)], na_value) for i in chosen]
    elements = reading.elements(paths, columns, chosen, na_value, lambda values: values)
    log = ErrorLog()
    if ignore_errors:
        elements = elements.ignore_errors(log, warn=False)
    if shuffle:
        elements = elements.shuffle(int(shuffle_buffer_size), shuffle_seed, True)
    elements = elements.repeat(num_epochs)
    size, drop = int(batch_size), num_epochs is None

    def batches(key: OrderKey, skip: int) -> Iterator[Any]:
        rows = elements.read(key, skip * size)
        while chunk := list(itertools.islice(rows, size)):
            failed = next((row for row in chunk if isinstance(row, Failed)), None)
            if failed is not None:
                yield failed
            elif len(chunk) == size or not drop:
                parts = zip(names, columns, zip(*chunk, strict=True), strict=True)
                features = {name: column.array(part) for name, column, part in parts}
                yield features if label_name is None else (features, features.pop(label_name))

    length = count_batches(elements.length, size, drop)
    return TFDataset(elements.then(batches, length), (log,) if ignore_errors else ())


def _positions(chosen: Sequence[Any] | None, names: list[str]) -> list[int]:
    """Return the numbers of columns that are chosen by number or name, in ascending order."""
    if chosen is None:
        return list(range(len(names)))
    for name in chosen:
        if isinstance(name, str) and name not in names:
            raise DataError(
                f"make_csv_dataset: there is no column {name!r}. {suggest(name, names)}"
            )
    return sorted(names.index(c) if isinstance(c, str) else int(c) for c in chosen)


def _inferred(texts: list[str], na: str) -> _Column:
    """Return the narrowest kind of column that texts fit into."""
    for column in (
        _Column("int32", 0), _Column("int64", 0), _Column("float32", 0.0), _Column("float64", 0.0)
    ):  # fmt: skip
        try:
            values = [column.value(text, 0, na, "") for text in texts]
        except DataError:
            continue
        if column.dtype != "float32" or np.isfinite(np.float32(max(map(abs, values), default=0))):
            return column
    return _Column("string", b"")
