"""The columns of a table, as arrays: whatever holds them, and with words for what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jax
import numpy as np

from trivium import ops
from trivium.data.checks import DataError
from trivium.data.texts import TEXT, as_texts, holds_text, is_text
from trivium.state.registry import suggest

__all__ = [
    "as_column",
    "as_columns",
    "as_rows",
    "batches_of",
    "check_names",
    "columns_of",
    "in_rows",
]

# Rows that come one by one are read so many at a time.
_ROWS = 1024


def columns_of(data: Any) -> dict[str, Any] | None:
    """Return the columns of a table by name; `None` where something is no table.

    Args:
        data: A dict of columns, a table of pandas, polars or Arrow, or an array of records.

    Example:
        >>> columns_of(np.array([(1, 2.5)], [("a", "int32"), ("b", "float32")]))["b"].tolist()
        [2.5]
    """
    if isinstance(data, Mapping):
        return dict(data)
    names = getattr(getattr(data, "dtype", None), "names", None)  # Records.
    if names is None:
        names = getattr(data, "column_names", None)  # Arrow.
    if names is None and hasattr(data, "columns") and hasattr(data, "__getitem__"):
        names = data.columns
    return None if names is None or callable(names) else {str(name): data[name] for name in names}


def batches_of(data: Any, names: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield the columns of data, batch by batch.

    Args:
        data: A table; or tables one after another, such as a `Dataset`, a list or a generator, whose elements may be
            rows as well. Of an element that is a pair, `(table, labels)`, the first counts.
        names: The columns that are wanted.

    Raises:
        DataError: The data is neither a table nor tables.
        ValueError: A column is missing.
    """
    whole = columns_of(data)
    if whole is None and (isinstance(data, str | bytes) or not isinstance(data, Iterable)):
        raise DataError(
            "`adapt` takes a table (a dict of columns, a DataFrame), or tables one after another; got "
            f"{type(data).__name__}."
        )
    for number, element in enumerate([data] if whole is not None else _batched(data)):
        found = columns_of(_inputs(element))
        if found is None:
            raise DataError(
                f"`adapt` takes tables, dicts of columns say; element {number} of the data is a "
                f"{type(element).__name__}: {element!r:.80}."
            )
        check_names(found, names, "adapt", more=True)
        yield {name: found[name] for name in names}


def _inputs(element: Any) -> Any:
    pair = isinstance(element, tuple | list) and len(element) > 0 and columns_of(element) is None
    return element[0] if pair else element


def _batched(data: Any) -> Iterable[Any]:
    """Return a pipeline's elements; where they are rows, so many at a time."""
    from trivium.data import Dataset  # Loaded when one is made, and not with the library.

    if not isinstance(data, Dataset):
        return iter(data)
    first = columns_of(_inputs(next(iter(data.take(1)), None)))
    rows = first is not None and any(not np.ndim(value) for value in first.values())
    return iter(data.batch(_ROWS) if rows else data)


def check_names(found: Mapping[str, Any], names: Iterable[str], what: str, more: bool) -> None:
    """Raise where a table lacks columns, or has others.

    Args:
        found: The columns.
        names: The names that are wanted.
        what: Where the table was given, for messages.
        more: Whether there may be other columns.

    Raises:
        ValueError: A column is missing, or one too many; the message names it, and the nearest one.
    """
    wanted = list(names)
    missing = [n for n in wanted if n not in found]
    others = [n for n in found if n not in wanted]
    if missing:
        hint = suggest(missing[0], others) if others else "The table has no other."
        raise ValueError(
            f"FeatureSpace: `{what}` was given a table without the column{'s' * (len(missing) > 1)} "
            f"{', '.join(map(repr, missing))}. {hint}"
        )
    if others and not more:
        raise ValueError(
            f"FeatureSpace: there is no feature for the column{'s' * (len(others) > 1)} "
            f"{', '.join(map(repr, others))}. Leave out what is none; the features are "
            f"{', '.join(map(repr, wanted))}."
        )


def as_columns(table: Mapping[str, Any], dtypes: Mapping[str, str]) -> dict[str, Any]:
    """Return the columns of a table as arrays, each as `as_column` gives it.

    Args:
        table: The columns by name.
        dtypes: What each is to hold, by name: those that are wanted.

    Raises:
        DataError: A value is missing or of another kind, or the columns are not of one length.
    """
    found = {name: as_column(table[name], name, dtype) for name, dtype in dtypes.items()}
    first, *others = found
    for name in others:
        if len(found[name]) != len(found[first]):
            raise DataError(
                f"The column {name!r} has {len(found[name])} rows, and {first!r} has {len(found[first])}."
            )
    return found


def as_column(value: Any, name: str, dtype: str) -> Any:
    """Return a column as an array of at least two dimensions: one row for each sample; a value alone is a row.

    Args:
        value: An array, a Series, a list, or a value.
        name: The column's name, for messages.
        dtype: What it is to hold: a dtype of numbers, or `"string"`.

    Raises:
        DataError: A value is missing or of another kind; the message names the column and the row.

    Shapes:
        `()` to `(1, 1)`, `(rows,)` to `(rows, 1)`; others as they are.

    Example:
        >>> as_column([1, 2], "age", "float32").tolist()
        [[1.0], [2.0]]
    """
    column = _texts(value, name) if dtype == "string" else _numbers(value, name, dtype)
    return column.reshape(in_rows(column.shape))


def as_rows(value: Any) -> Any:
    """Return an array of a graph, or of a function that is traced, with an axis of what each row has.

    Args:
        value: A symbolic tensor of numbers, or an array.
    """
    added = range(len(value.shape), len(in_rows(value.shape)))
    return ops.expand_dims(value, tuple(added)) if added else value


def in_rows(shape: Any) -> tuple[Any, ...]:
    """Return the shape of a column, with an axis of rows and one of what each row has.

    Example:
        >>> in_rows(()), in_rows((5,)), in_rows((5, 3))
        ((1, 1), (5, 1), (5, 3))
    """
    return (1, 1) if not shape else (*shape, 1) if len(shape) == 1 else tuple(shape)


def _texts(value: Any, name: str) -> np.ndarray:
    if not np.size(value):
        return np.empty(np.shape(value), TEXT)
    if not is_text(value) and not holds_text(value):
        raise DataError(
            f"The column {name!r} is to hold text; got {_said(value)}. Make it text by str(), or take a feature of "
            "numbers."
        )
    return as_texts(value, name)


def _numbers(value: Any, name: str, dtype: str) -> Any:
    if holds_text(value) or is_text(value):
        raise DataError(
            f"The column {name!r} is to hold numbers ({dtype}); got {_said(value)}. Take a feature of text, such as "
            "'string_categorical', or convert the column."
        )
    array = value if isinstance(value, jax.Array) else np.asarray(value)
    if array.dtype.kind == "O":
        missing = [_is_missing(x) for x in np.ravel(array)]
        _refuse_missing(np.array(missing, np.bool_).reshape(array.shape), name)
        try:
            array = array.astype("float64")
        except (TypeError, ValueError):
            raise DataError(
                f"The column {name!r} is to hold numbers ({dtype}); got {_said(value)}."
            ) from None
    if array.dtype.kind not in "biufV":
        raise DataError(f"The column {name!r} is to hold numbers ({dtype}); got {_said(value)}.")
    if array.dtype.kind == "f":
        _refuse_missing(np.isnan(np.asarray(array)), name)
        if dtype.startswith(("int", "uint")):
            _refuse_fractions(np.asarray(array), name)
    if isinstance(array, jax.Array):
        return array.astype(dtype)
    if dtype.startswith(("int", "uint")) and array.size:
        limits = np.iinfo(dtype)
        if array.min() < limits.min or array.max() > limits.max:
            raise DataError(
                f"The column {name!r} has numbers from {array.min()} to {array.max()}, beyond what {dtype} holds. Take "
                "them for text: a feature of the kind 'string_categorical' or 'string_hashed', of str(number)."
            )
    return array.astype(dtype)


def _is_missing(x: Any) -> bool:
    """Say whether an object stands for no value: `None`, NaN, or pandas' own mark, which answers no question."""
    return x is None or type(x).__name__ in ("NAType", "NaTType") or x != x


def _refuse_missing(missing: np.ndarray, name: str) -> None:
    if missing.any():
        row = int(np.argwhere(missing)[0][0]) if missing.ndim else 0
        raise DataError(
            f"The column {name!r} has {int(missing.sum())} missing values (NaN) of {missing.size}, the first in row "
            f"{row}. Put a value in their place first: `frame[{name!r}].fillna(...)`; or leave these rows out."
        )


def _refuse_fractions(array: np.ndarray, name: str) -> None:
    fractions = array % 1 != 0
    if fractions.any():
        raise DataError(
            f"The column {name!r} is to hold whole numbers; got {array[fractions].flat[0].item()!r}. Take a feature of "
            "floats."
        )


def _said(value: Any) -> str:
    first = next(iter(np.asarray(value, object).flat), None)
    return f"{first!r:.40}"
