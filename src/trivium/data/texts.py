"""Text: what users have of it, as one kind of array.

Inside the library text is an array of NumPy's `StringDType`: UTF-8 of any length, side by side. An array of it can
hold nothing but text, so that its dtype alone says what it is, where an array of objects would have to be looked
through; its entries are as long as they are, where a `U` array makes all of them as long as the longest; and it is
cut, ordered and joined as any other array. JAX has no such dtype: text stays on the host.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from trivium.data.checks import DataError
from trivium.data.kinds import AnyStrings

__all__ = ["TEXT", "as_texts", "given_out", "holds_text", "is_text", "set_given_out"]

TEXT = np.dtypes.StringDType()

_Wrapper = Callable[[np.ndarray], Any]
_given_out: _Wrapper | None = None


def set_given_out(wrap: _Wrapper | None) -> None:
    """Set what text is given to users' code as.

    Args:
        wrap: Takes an array of text; `None` for NumPy's arrays, which is the default.

    Example:
        >>> set_given_out(np.ndarray.tolist)
        >>> given_out(np.array(["a"]))
        ['a']
        >>> set_given_out(None)
    """
    global _given_out
    _given_out = wrap


def given_out(texts: np.ndarray) -> Any:
    """Return text as users' code gets it, out of a pipeline or a layer of the host: NumPy's, unless that was set.

    Args:
        texts: An array of text.

    Example:
        >>> given_out(np.array(["a"]))
        array(['a'], dtype='<U1')
    """
    return texts if _given_out is None else _given_out(texts)


def is_text(x: object) -> bool:
    """Say whether something is an array of text as the library keeps it.

    Example:
        >>> is_text(as_texts(["a"], "x")), is_text(np.array(["a"]))
        (True, False)
    """
    return getattr(getattr(x, "dtype", None), "kind", None) == "T"


def holds_text(value: Any) -> bool:
    """Say whether a value is text: a string, an array or a column of strings, nested lists of strings.

    Lists of arrays are structures, and not text themselves. The first entry that is not missing speaks for all.

    Args:
        value: Anything.

    Example:
        >>> holds_text([["a"], ["b"]]), holds_text(np.array([b"a"])), holds_text([1, "a"])
        (True, True, False)
    """
    first = value
    while isinstance(first, list | tuple):
        first = next((v for v in first if v is not None), None)
    if isinstance(value, AnyStrings):
        return True
    if isinstance(first, str | bytes) or first is not value:
        return isinstance(first, str | bytes)
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(value, pandas.DataFrame):
        return bool(value.shape[1]) and all(holds_text(column) for _, column in value.items())
    if pandas is not None and isinstance(value, pandas.Series):
        if pandas.api.types.is_numeric_dtype(value.dtype):
            return False
        known = value.dropna()
        return len(known) > 0 and isinstance(known.iloc[0], str | bytes)
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    if kind == "O":
        return isinstance(next((v for v in value.flat if v is not None), None), str | bytes)
    return kind in ("U", "S", "T")


def as_texts(value: Any, name: str, encoding: str = "utf-8") -> np.ndarray:
    """Return text as an array of `TEXT`.

    Args:
        value: What `holds_text`: a string, nested lists of them, an array of strings, bytes or objects, a Series (which
            stays flat) or a table of pandas.
        name: Its name, for messages.
        encoding: What bytes are encoded in.

    Raises:
        DataError: An entry is no text, or bytes that are none in this encoding; the message has its place.

    Example:
        >>> as_texts([["né", b"n\\xc3\\xa9"]], "x")
        array([['né', 'né']], dtype=StringDType())
    """
    if is_text(value):
        return np.asarray(value)
    if hasattr(value, "iloc"):  # Of pandas, which has text dtypes of its own.
        value = value.to_numpy(dtype=object)
    if isinstance(value, list | tuple | str | bytes):
        value = _array_of(value, name)
    array = np.asarray(value)
    if array.dtype.kind == "U":
        return array.astype(TEXT)
    if array.dtype.kind not in "SO":
        raise DataError(f"`{name}` has dtype {array.dtype}; wanted text.")
    return np.array(list(_decoded(array, name, encoding)), dtype=TEXT).reshape(array.shape)


def _array_of(value: Any, name: str) -> np.ndarray:
    """Return nested lists as an array of objects, so that numbers beside text stay numbers."""
    try:
        return np.array(value, dtype=object)
    except ValueError as error:
        raise DataError(f"`{name}`: lists of text are of one length and depth; {error}.") from None


def _decoded(array: np.ndarray, name: str, encoding: str) -> Iterator[str]:
    for place, value in np.ndenumerate(array):
        if isinstance(value, str):
            yield value
            continue
        where = f"[{', '.join(map(str, place))}]" if place else "the only place"
        if isinstance(value, list | tuple | np.ndarray):
            raise DataError(
                f"`{name}` is ragged: it holds a {type(value).__name__} of {len(value)} at {where}. Wanted one shape "
                'for all samples; fill short rows up, with "" say.'
            )
        if not isinstance(value, bytes):
            missing = value is None or value != value
            remedy = (
                'A missing text is "" to a layer: .fillna("").'
                if missing
                else "Make it text by str()."
            )
            raise DataError(f"`{name}` holds {value!r} at {where}; wanted text. {remedy}")
        try:
            yield value.decode(encoding)
        except UnicodeDecodeError as error:
            raise DataError(
                f"`{name}` holds bytes at {where} that are no text in {encoding}: {value[:40]!r} ({error.reason} at "
                f"byte {error.start}). Decode them in their own encoding first, or leave them out."
            ) from None
