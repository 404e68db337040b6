"""An array of byte strings that knows its operations."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np

from trivium.data.checks import DataError
from trivium.data.kinds import AnyStrings
from trivium.data.texts import as_texts
from trivium.state.types import DType

__all__ = ["StringArray", "as_strings", "map_strings"]


class _Name(str):
    """A dtype's name, which can be asked for as other dtypes' can."""

    @property
    def name(self) -> str:
        return str(self)


class StringArray(AnyStrings):
    """Byte strings of any length, in an array of any shape, on the host.

    Text is kept as its bytes in UTF-8, so that what is no text (an image file, another encoding) has a place, too. It
    is cut, indexed and compared as arrays are; `+` joins. What moves entries about are NumPy's functions (see `moved`),
    what changes strings or takes them apart those of `trivium.data.strings`.

    Args:
        values: Strings or bytes, nested lists or an array of them, of one length on each axis.

    Raises:
        DataError: An entry is neither text nor bytes, or the lists are of several lengths.

    Example:
        >>> names = StringArray(["Ada", "Zoë"])
        >>> names, names[1], names + "!"
        (StringArray([b'Ada', b'Zo\\xc3\\xab']), StringArray(b'Zo\\xc3\\xab'), StringArray([b'Ada!', b'Zo\\xc3\\xab!']))
        >>> (names == "Ada").tolist(), names.numpy()[1].decode()
        ([True, False], 'Zoë')
    """

    dtype = _Name("string")
    # NumPy's operators give way to ours: `array + strings` joins, too.
    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]  # Comparing gives an array, as for all arrays.

    def __init__(self, values: Any) -> None:
        self._bytes = _as_bytes(values)

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes."""
        return self._bytes.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._bytes.ndim

    @property
    def size(self) -> int:
        """The number of strings."""
        return self._bytes.size

    def numpy(self) -> Any:
        """Return the strings as `bytes`, in a NumPy array of objects; without axes, the one string."""
        return self._bytes.copy() if self.ndim else self._bytes[()]

    def tolist(self) -> Any:
        """Return the strings as `bytes`, in nested lists; without axes, the one string."""
        return self._bytes.tolist()

    def text(self, encoding: str = "utf-8") -> np.ndarray:
        """Return the strings as the library's text, an array of NumPy's `StringDType`.

        Args:
            encoding: What they are encoded in.

        Raises:
            DataError: Bytes are no text in this encoding; the message has their place.

        Example:
            >>> StringArray(["a"]).text()
            array(['a'], dtype=StringDType())
        """
        return as_texts(self._bytes, "strings", encoding)

    def moved(self, function: Callable[[np.ndarray], np.ndarray]) -> StringArray:
        """Return what a function of arrays gives that moves entries about.

        Args:
            function: Such as `np.transpose`.

        Example:
            >>> StringArray([["a", "b"]]).moved(np.transpose).shape
            (2, 1)
        """
        return StringArray(np.asarray(function(self._bytes), object))

    def __array__(self, dtype: DType | None = None, copy: bool | None = None) -> np.ndarray:
        return self._bytes.astype(dtype) if dtype is not None else self._bytes

    def __len__(self) -> int:
        return len(self._bytes)

    def __bool__(self) -> bool:
        return bool(self._bytes[()])

    def __iter__(self) -> Iterator[StringArray]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> StringArray:
        part = self._bytes[_as_index(key)]
        return StringArray(part)

    def __eq__(self, other: object) -> Any:
        return self._compared(other, operator.eq)

    def __ne__(self, other: object) -> Any:
        return self._compared(other, operator.ne)

    def _compared(self, other: Any, compare: Callable[[Any, Any], Any]) -> Any:
        if other is None or not _may_be_strings(other):
            return NotImplemented
        return jnp.asarray(np.asarray(compare(self._bytes, _as_bytes(other)), bool))

    def __add__(self, other: Any) -> StringArray:
        return self._joined(other, operator.add)

    def __radd__(self, other: Any) -> StringArray:
        return self._joined(other, lambda mine, theirs: theirs + mine)

    def _joined(self, other: Any, join: Callable[[Any, Any], Any]) -> StringArray:
        if not _may_be_strings(other):
            return NotImplemented
        return StringArray(np.asarray(join(self._bytes, _as_bytes(other)), object))

    def __reduce__(self) -> Any:
        return StringArray, (self._bytes,)

    def __repr__(self) -> str:
        return f"StringArray({self._bytes.tolist()!r})"

    def __format__(self, spec: str) -> str:
        # One string without axes is shown as what it holds, in an f-string, as a number is.
        return format(repr(self._bytes[()]) if not self.ndim else str(self), spec)


def as_strings(value: Any) -> StringArray:
    """Return text or bytes of any kind as strings; what is that already comes back as it is.

    Args:
        value: A string, nested lists of them, an array of text, bytes or objects, or strings.

    Raises:
        DataError: It is none of these.

    Example:
        >>> as_strings(np.array(["a"]))
        StringArray([b'a'])
    """
    return value if isinstance(value, StringArray) else StringArray(value)


def map_strings(function: Callable[..., Any], *arrays: Any, of: Any = object) -> Any:
    """Apply a function to each string; several arrays broadcast.

    Args:
        function: Takes bytes, and numbers where the further arrays hold such.
        arrays: Strings first.
        of: The dtype of what comes back; `object` for strings.

    Returns:
        Strings, or a NumPy array of the dtype.

    Example:
        >>> map_strings(len, as_strings(["a", "bcd"]), of=np.int32).tolist()
        [1, 3]
    """
    given = [a._bytes if isinstance(a, StringArray) else np.asarray(a) for a in arrays]
    made = np.asarray(np.frompyfunc(function, len(given), 1)(*given), object)
    return StringArray(made) if of is object else made.astype(of)


def _may_be_strings(value: Any) -> bool:
    kind = getattr(getattr(value, "dtype", None), "kind", "O")
    return kind in "OSUT" and not isinstance(value, int | float | complex)


def _as_index(key: Any) -> Any:
    """Return an index that NumPy takes, where JAX's arrays and `None` stand for what they do elsewhere."""
    if isinstance(key, tuple):
        return tuple(map(_as_index, key))
    return np.asarray(key) if hasattr(key, "dtype") or isinstance(key, list) else key


def _as_bytes(values: Any) -> np.ndarray:
    if isinstance(values, StringArray):
        return values._bytes
    if isinstance(values, str):
        values = values.encode()
    if isinstance(values, bytes):
        alone = np.empty((), object)
        alone[()] = values
        return alone
    array = values if isinstance(values, np.ndarray) else _of_lists(values)
    if array.dtype.kind in "UST":
        # NumPy's fixed-width types count trailing zeros for padding; that is all they can say.
        flat = array.ravel().tolist()
        texts = [v if isinstance(v, bytes) else v.encode() for v in flat]
    elif array.dtype == object:
        texts = [_one(v) for v in array.ravel().tolist()]
    elif not array.size:
        texts = []
    else:
        raise DataError(f"Strings are made of text or bytes; got an array of {array.dtype}.")
    result = np.empty(len(texts), object)
    result[:] = texts
    return result.reshape(array.shape)


def _of_lists(values: Any) -> np.ndarray:
    try:
        return np.array(_plain(values), dtype=object)
    except ValueError as error:
        raise DataError(
            f"Strings are in lists of one length and depth; {error}. For rows of several lengths there is "
            "`trivium.data.ragged.constant`."
        ) from None


def _plain(values: Any) -> Any:
    """Return nested lists with strings in them that have no axes as nested lists of bytes."""
    if isinstance(values, list | tuple):
        return [_plain(v) for v in values]
    return values.tolist() if isinstance(values, StringArray | np.ndarray) else values


def _one(value: Any) -> bytes:
    if isinstance(value, bytes):
        return bytes(value)
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, list | tuple):
        raise DataError(
            "Strings are in lists of one length and depth; these are of several. For rows of several lengths there is "
            "`trivium.data.ragged.constant`."
        )
    raise DataError(f"Strings are made of text or bytes; got {value!r}, a {type(value).__name__}.")
