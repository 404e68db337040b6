"""From what users have (NumPy, JAX, pandas, lists, nested) to arrays that training takes.

Floats become the default float type and 64-bit whole numbers 32-bit ones, as JAX computes in;
everything else stays as it is, and an array that is right already is not copied.
"""

from __future__ import annotations

import functools
import numbers
import sys
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.data.casting import cast
from trivium.data.checks import DataError, nonfinite
from trivium.data.columns import columns_of, is_table, library_of
from trivium.data.files import FileRows, is_in_file
from trivium.data.kinds import AnyRows
from trivium.data.lazy import LazyRows
from trivium.data.sparse import SparseRows, is_sparse, rows_of
from trivium.data.texts import as_texts, holds_text, is_text
from trivium.state import floatx
from trivium.state.trees import is_nested, item_name, named_leaves, rebuild

__all__ = ["in_range", "is_array_like", "is_literal", "refuse_text", "to_arrays", "to_numpy"]

_NARROW = {"int64": "int32", "uint64": "uint32", "complex128": "complex64"}
# The kinds of NumPy's own dtypes of numbers.
_NUMBERS = frozenset("biufc")


def is_array_like(value: Any) -> bool:
    """Say whether a value is data as a whole (arrays, tables, lists), not a stream of batches.

    Example:
        >>> is_array_like({"a": [1, 2]}), is_array_like(iter([1, 2]))
        (True, False)
    """
    scalar = isinstance(value, numbers.Number | str | bytes)
    lazy = isinstance(value, LazyRows | AnyRows) or is_sparse(value)
    return scalar or lazy or is_nested(value) or hasattr(value, "__array__") or is_table(value)


def to_arrays(
    structure: Any, name: str, issues: list[str] | None = None, *, text: bool = False
) -> Any:
    """Turn every leaf of a nested structure into an array of a dtype that training takes.

    A list or tuple of numbers is one array; a list, tuple or dict of arrays is a structure.

    Args:
        structure: NumPy, JAX or pandas data, numbers in lists, anything with `__array__`, sparse
            matrices of SciPy, or dicts, lists and tuples of those. Each array has shape
            `(samples, ...)`; a pandas Series becomes `(samples, 1)`, a sparse matrix `SparseRows`.
        name: The name of the whole, e.g. `"x"`.
        issues: Takes a line for each array with values that are not finite; `None` leaves that
            check out.
        text: Whether text is taken, as arrays of `TEXT`.

    Returns:
        The structure with NumPy or JAX arrays; `None` stays `None`.

    Raises:
        DataError: A leaf is no array, or not of numbers, or has no samples.

    Example:
        >>> to_arrays({"a": [1.5, 2.5]}, "x")
        {'a': array([1.5, 2.5], dtype=float32)}
    """
    # By far the most of what comes, batch after batch, so it need not be asked whether it is any of the rest.
    if type(structure) is np.ndarray and structure.dtype.kind in _NUMBERS:
        return _numbers_leaf(structure, structure, name, issues)
    # SciPy's dictionary of keys is a dict, too.
    if isinstance(structure, Mapping) and not is_sparse(structure):
        return {
            k: to_arrays(v, item_name(name, k), issues, text=text) for k, v in structure.items()
        }
    if isinstance(structure, list | tuple) and not is_literal(structure):
        parts = [
            to_arrays(v, item_name(name, i), issues, text=text) for i, v in enumerate(structure)
        ]
        return rebuild(structure, parts)
    if structure is None:
        return None
    if text and holds_text(structure):
        return _text_leaf(structure, name)
    return _leaf(structure, name, issues)


def is_literal(value: Any) -> bool:
    """Say whether nested lists hold numbers (or text, which is refused later), not arrays."""
    while isinstance(value, list | tuple):
        if not value:
            return True
        value = next((v for v in value if v is not None), None)
    return isinstance(value, numbers.Number | np.generic | str | bytes)


def _text_leaf(value: Any, name: str) -> np.ndarray:
    """Return text as an array whose first axis counts the samples; a Series becomes a column, as one of numbers."""
    array = as_texts(value.to_frame() if hasattr(value, "to_frame") else value, name)
    if array.ndim == 0:
        raise DataError(
            f"`{name}` holds text ({str(array)!r:.80}), a single one; wanted an array whose first dimension counts the "
            "samples. One sample is a batch of one: [text]."
        )
    if array.shape[0] == 0:
        raise DataError(
            f"`{name}` has no samples: its shape is {array.shape}. Wanted at least one."
        )
    return array


def refuse_text(structure: Any, name: str = "x") -> None:
    """Raise an error where there is text in a structure of arrays that takes numbers alone.

    Args:
        structure: The arrays.
        name: The name of the whole, for the message.

    Raises:
        DataError: There is; the message has its place.

    Example:
        >>> refuse_text(np.zeros(3))
    """
    for place, array in named_leaves(structure, name):
        if is_text(array):
            raise DataError(_not_numbers(array, place))


def _leaf(value: Any, name: str, issues: list[str] | None) -> Any:
    """Turn one array-like into an array, checked and of the right dtype."""
    if is_in_file(value):
        value = FileRows(value, value.dtype)
    if isinstance(value, FileRows):
        return _file_leaf(value, name)
    if isinstance(value, LazyRows):
        return value
    if is_sparse(value):
        value = rows_of(value, name)
    if isinstance(value, SparseRows):
        return _sparse_leaf(value, name, issues)
    array = value if isinstance(value, jax.Array) else to_numpy(value, name)
    return _numbers_leaf(array, value, name, issues)


def _numbers_leaf(array: Any, value: Any, name: str, issues: list[str] | None) -> Any:
    """Return an array, which a value was made into, checked and of the right dtype."""
    target = _target_dtype(array.dtype)
    if target is None:
        raise DataError(_not_numbers(array, name))
    if array.ndim == 0:
        raise DataError(
            f"`{name}` is a single number ({array}); wanted an array whose first dimension counts "
            "the samples. One sample is a batch of one: np.array([value])."
        )
    if array.shape[0] == 0:
        raise DataError(
            f"`{name}` has no samples: its shape is {array.shape}. Wanted at least one."
        )
    result = cast(array, target, name)
    # A memory-mapped file is left unread: its owner has reasons not to have it in memory.
    if issues is not None and not isinstance(value, np.memmap):
        line = nonfinite(result, array, name)
        if line:
            issues.append(line)
    return result


def _file_leaf(rows: FileRows, name: str) -> FileRows:
    """Return an array in a file as rows of a dtype that training takes; they are looked at when they are read."""
    target = _target_dtype(rows.dtype)
    if target is None:
        raise DataError(_not_numbers(rows[:1], name))
    return rows.in_dtype(target)


def _sparse_leaf(rows: SparseRows, name: str, issues: list[str] | None) -> SparseRows:
    """Check what a sparse matrix stores, and say which dtype its rows come in."""
    stored = rows.matrix.data
    target = _target_dtype(stored.dtype)
    if target is None:
        raise DataError(_not_numbers(stored, name))
    if not len(rows):
        raise DataError(f"`{name}` has no samples: its shape is {rows.shape}. Wanted at least one.")
    values = cast(stored, target, name)
    if issues is not None and (line := nonfinite(values, stored, name, rows.row_of)):
        issues.append(line)
    return SparseRows(rows.matrix, target)


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
        raise DataError(_ragged(name, value)) from error
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


def _target_dtype(dtype: Any) -> np.dtype | None:
    """Return the dtype that training takes for `dtype`; `None` where it is not of numbers."""
    return _target_with(dtype, floatx())


@functools.lru_cache(maxsize=64)
def _target_with(dtype: Any, floats: str) -> np.dtype | None:
    if jnp.issubdtype(dtype, np.floating):
        return np.dtype(floats)
    kinds = (np.bool_, np.integer, np.complexfloating)
    if any(jnp.issubdtype(dtype, kind) for kind in kinds):
        return np.dtype(_NARROW.get(dtype.name, dtype.name))
    return None


def in_range(x: Any, name: str) -> Any:
    """Return `x`, whose whole numbers JAX can keep: of those beyond it would keep the last 32 bits, another number.

    Args:
        x: Anything; what is no array of NumPy is not looked at.
        name: What to call it in the message.

    Raises:
        DataError: It is an array of whole numbers that do not fit.

    Example:
        >>> in_range(np.array([3]), "labels").dtype
        dtype('int32')
    """
    if isinstance(x, np.ndarray) and x.dtype.kind in "iu" and x.dtype.name in _NARROW:
        return cast(x, np.dtype(jax.dtypes.canonicalize_dtype(x.dtype)), name)
    return x


def _not_numbers(array: Any, name: str) -> str:
    """Say what an array holds instead of numbers, and what to do about it."""
    kind = getattr(array.dtype, "kind", "V")  # JAX's keys have none
    if kind == "O":
        for position, value in np.ndenumerate(array):
            if value is None:
                return _none(name, position)
            if isinstance(value, list | tuple | np.ndarray):
                return _ragged(name, array)
            if isinstance(value, str | bytes):
                return _text(name, value, position)
            if not isinstance(value, numbers.Real | np.generic):
                kind = type(value).__name__
                return f"`{name}` holds a {kind} at {_place(position)}; wanted numbers."
        return f"`{name}` holds numbers as objects (dtype object); wanted .astype('float32')."
    if kind in "UST":
        first = (0,) * array.ndim
        return _text(name, array[first] if array.size else "", first)
    if kind in "mM":
        return (
            f"`{name}` holds dates or times ({array.dtype}); wanted numbers. Count from a date of "
            "yours, e.g. (x - x.min()) / np.timedelta64(1, 'D')."
        )
    return f"`{name}` has dtype {array.dtype}; wanted floats, whole numbers or booleans."


def _place(position: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, position))}]"


def _none(name: str, position: tuple[int, ...]) -> str:
    return (
        f"`{name}` holds None at {_place(position)}; wanted numbers. Drop that sample, or put a "
        "number in its place."
    )


def _text(name: str, value: str | bytes, position: tuple[int, ...]) -> str:
    shown = repr(bytes(value) if isinstance(value, bytes) else str(value))
    return (
        f"`{name}` holds text ({shown}{f' at {_place(position)}' if position else ''}); wanted "
        "numbers. Number the words or categories first, e.g. with "
        "np.unique(words, return_inverse=True), or by a StringLookup or TextVectorization in the model."
    )


def _ragged(name: str, rows: Any) -> str:
    """Say which of the rows, lists or arrays, does not have the first one's length."""
    none = next((i for i, row in enumerate(rows) if row is None), None)
    if none is not None:
        return _none(name, (none,))
    sizes = [np.shape(row)[:1] if isinstance(row, np.ndarray) else _length(row) for row in rows]
    odd = next((i for i, size in enumerate(sizes) if size != sizes[0]), None)
    if odd is None and isinstance(rows, np.ndarray):
        return (
            f"`{name}` holds {type(rows[0]).__name__}s as objects; wanted one array of numbers, "
            "which np.stack makes of arrays of one shape."
        )
    where = "its rows are of one length, but what they hold is not"
    if odd is not None:
        counts = [f"{s[0]} entries" if s else "a single value" for s in (sizes[0], sizes[odd])]
        where = f"row 0 has {counts[0]}, row {odd} has {counts[1]}"
    return (
        f"`{name}` is ragged: {where}. Wanted one shape for all samples; "
        "trivium.utils.pad_sequences fills short rows up."
    )


def _length(row: Any) -> tuple[int, ...]:
    return (len(row),) if isinstance(row, list | tuple) else ()
