"""From what users have (NumPy, JAX, pandas, lists, nested) to arrays that training takes.

Floats become the default float type and 64-bit whole numbers 32-bit ones, as JAX computes in;
everything else stays as it is, and an array that is right already is not copied.
"""

from __future__ import annotations

import functools
import numbers
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.data.array_likes import to_numpy
from trivium.data.casting import cast
from trivium.data.checks import DataError, nonfinite
from trivium.data.files import FileRows, is_in_file
from trivium.data.lazy import LazyRows
from trivium.data.not_numbers import not_numbers
from trivium.data.sparse import SparseRows, is_sparse, rows_of
from trivium.data.texts import as_texts, holds_text, is_text
from trivium.state import floatx
from trivium.state.trees import item_name, named_leaves, rebuild

__all__ = ["in_range", "is_literal", "refuse_text", "to_arrays"]

_NARROW = {"int64": "int32", "uint64": "uint32", "complex128": "complex64"}
# The kinds of NumPy's own dtypes of numbers.
_NUMBERS = frozenset("biufc")


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
    _check_samples(array, name)
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
            raise DataError(not_numbers(array, place))


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
        raise DataError(not_numbers(array, name))
    if array.ndim == 0:
        raise DataError(
            f"`{name}` is a single number ({array}); wanted an array whose first dimension counts "
            "the samples. One sample is a batch of one: np.array([value])."
        )
    _check_samples(array, name)
    result = cast(array, target, name)
    # A memory-mapped file is left unread: its owner has reasons not to have it in memory.
    if issues is not None and not isinstance(value, np.memmap):
        line = nonfinite(result, array, name)
        if line:
            issues.append(line)
    return result


def _check_samples(array: Any, name: str) -> None:
    if array.shape[0] == 0:
        raise DataError(
            f"`{name}` has no samples: its shape is {array.shape}. Wanted at least one."
        )


def _file_leaf(rows: FileRows, name: str) -> FileRows:
    """Return an array in a file as rows of a dtype that training takes; they are looked at when they are read."""
    target = _target_dtype(rows.dtype)
    if target is None:
        raise DataError(not_numbers(rows[:1], name))
    return rows.in_dtype(target)


def _sparse_leaf(rows: SparseRows, name: str, issues: list[str] | None) -> SparseRows:
    """Check what a sparse matrix stores, and say which dtype its rows come in."""
    stored = rows.matrix.data
    target = _target_dtype(stored.dtype)
    if target is None:
        raise DataError(not_numbers(stored, name))
    _check_samples(rows, name)
    values = cast(stored, target, name)
    if issues is not None and (line := nonfinite(values, stored, name, rows.row_of)):
        issues.append(line)
    return SparseRows(rows.matrix, target)


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
