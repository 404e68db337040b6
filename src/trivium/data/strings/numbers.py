"""Numbers to strings and back, and whole arrays as people read them."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from trivium.data.checks import DataError
from trivium.data.kinds import StringLike
from trivium.data.ragged.array import RaggedArray
from trivium.data.ragged.mapping import on_flat_values
from trivium.data.strings.array import StringArray, as_strings, map_strings
from trivium.state.types import DType

__all__ = ["as_string", "format", "summary", "to_number"]


@on_flat_values
def to_number(input: StringLike, out_type: DType = "float32") -> Any:
    """Return the numbers that strings write.

    Args:
        input: Strings, also ragged ones.
        out_type: The dtype of the numbers.

    Raises:
        DataError: A string is no number, or one that the dtype cannot hold.

    Example:
        >>> to_number(["1.5", "2"]).tolist(), to_number("7", "int32").item()
        ([1.5, 2.0], 7)
    """
    dtype = np.dtype(str(out_type))
    whole = dtype.kind in "iu"

    def number(string: bytes) -> Any:
        try:
            if b"_" in string:  # Python's way of writing digits in groups, and nobody else's.
                raise ValueError
            value = int(string) if whole else float(string)
            return np.array(value, dtype)[()]
        except (ValueError, OverflowError):
            raise DataError(f"to_number: {string!r} is no number that is {dtype}.") from None

    return jnp.asarray(map_strings(number, as_strings(input), of=dtype))


@on_flat_values
def as_string(
    input: StringLike,
    precision: int = -1,
    scientific: bool = False,
    shortest: bool = False,
    width: int = -1,
    fill: str = "",
) -> Any:
    """Return numbers as strings.

    Args:
        input: Numbers or truth values, also ragged ones; strings stay as they are.
        precision: How many digits stand behind the point; -1 for 6.
        scientific: Whether numbers are written with an exponent, `1.5e+00`.
        shortest: Whether they are written as `scientific` or not, whichever is shorter, without trailing zeros.
        width: How long strings are at least.
        fill: What they are filled up with: `" "`, `"0"`, or `"-"` for spaces behind.

    Raises:
        DataError: Settings that do not go together.

    Example:
        >>> as_string([1.5, 2.0], precision=2), as_string(5, width=3, fill="0")
        (StringArray([b'1.50', b'2.00']), StringArray(b'005'))
    """
    if scientific and shortest:
        raise DataError("as_string: `scientific` and `shortest` exclude each other.")
    if len(fill) > 1:
        raise DataError(f"as_string: `fill` is one character at most; got {fill!r}.")
    if isinstance(input, StringArray):
        return input
    array = np.asarray(input)
    room = str(width) if width > -1 else ""
    digits = f".{precision}" if precision > -1 else ""
    if array.dtype.kind == "b":
        return map_strings(lambda x: b"true" if x else b"false", array)
    if array.dtype.kind in "iu":
        return map_strings(lambda x: f"%{fill}{room}d".__mod__(x).encode(), array)
    form = f"%{fill}{room}{digits}{'e' if scientific else 'g' if shortest else 'f'}"
    if array.dtype.kind == "c":
        return map_strings(lambda z: f"({form % z.real},{form % z.imag})".encode(), array)
    return map_strings(lambda x: (form % float(x)).encode(), array)


def format(
    template: str, inputs: StringLike = (), placeholder: str = "{}", summarize: int = 3
) -> Any:
    """Put arrays, as people read them, into a text.

    Args:
        template: The text.
        inputs: An array, or a list or tuple of them.
        placeholder: What in the text stands for one of them, in order.
        summarize: How many entries at either end of an axis are shown; -1 for all.

    Raises:
        DataError: There are not as many places as arrays.

    Example:
        >>> format("x = {}", np.arange(9))
        StringArray(b'x = [0 1 2 ... 6 7 8]')
    """
    arrays = inputs if isinstance(inputs, list | tuple) else [inputs]
    parts = template.split(placeholder)
    if len(parts) != len(arrays) + 1:
        raise DataError(
            f"format: {template!r} has {len(parts) - 1} places {placeholder!r} for {len(arrays)} arrays."
        )
    shown = [summary(a, summarize) for a in arrays]
    return StringArray("".join(a + b for a, b in zip(parts, [*shown, ""], strict=True)))


def summary(value: Any, edge: int = 3, *, quoted: bool = True) -> str:
    """Return an array as people read it: rows below each other, long axes cut in the middle, strings in quotes.

    Args:
        value: An array of numbers or strings, ragged or not.
        edge: How many entries at either end of an axis are shown; -1 for all.
        quoted: Whether one string without axes has quotes, too.

    Example:
        >>> print(summary(np.array([[1.0, 0.5], [2.0, 3.0]])))
        [[1 0.5]
         [2 3]]
    """
    if isinstance(value, RaggedArray):
        return repr(value.decoded())
    array = value._bytes if isinstance(value, StringArray) else np.asarray(value)
    if not array.ndim:
        return _entry(array[()], quoted)
    return _rows(array, edge, 1)


def _rows(array: np.ndarray, edge: int, depth: int) -> str:
    show = _entry if array.ndim == 1 else lambda row: _rows(row, edge, depth + 1)
    parts = list(array)
    if 0 <= 2 * edge < len(parts):
        shown = [*map(show, parts[:edge]), "...", *map(show, parts[len(parts) - edge :])]
    else:
        shown = list(map(show, parts))
    between = " " if array.ndim == 1 else "\n" * (array.ndim - 1) + " " * depth
    return "[" + between.join(shown) + "]"


def _entry(value: Any, quoted: bool = True) -> str:
    if isinstance(value, bytes | str):
        text = value if isinstance(value, str) else value.decode("utf-8", "backslashreplace")
        return f'"{text}"' if quoted else text
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    if isinstance(value, np.floating) or getattr(value, "dtype", np.dtype(int)).kind == "V":
        # The fewest digits that give the number back, and none behind the point that say nothing.
        text = (
            np.format_float_positional(value, trim="-")
            if 1e-5 <= abs(value) < 1e16
            else f"{value:g}"
        )
        return text
    return str(value)
