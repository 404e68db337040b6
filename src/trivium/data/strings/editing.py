"""Strings changed one by one: case, ends, parts, patterns; and joined."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from trivium.data.checks import DataError
from trivium.data.kinds import StringLike
from trivium.data.ragged.array import RaggedArray
from trivium.data.ragged.mapping import on_flat_values
from trivium.data.strings.array import StringArray, as_strings, map_strings
from trivium.data.strings.patterns import compiled, replacement
from trivium.state.types import Axes

__all__ = [
    "join", "length", "lower", "reduce_join", "regex_full_match", "regex_replace", "strip", "substr", "upper",
]  # fmt: skip


@on_flat_values
def lower(input: StringLike, encoding: str = "") -> Any:
    """Return strings in lower case.

    Args:
        input: Strings, also ragged ones.
        encoding: `""` changes ASCII's letters alone; `"utf-8"` those of all alphabets.

    Example:
        >>> lower(["ÀB"], "utf-8")[0].numpy().decode()
        'àb'
    """
    return _cased(input, encoding, bytes.lower, str.lower)


@on_flat_values
def upper(input: StringLike, encoding: str = "") -> Any:
    """Return strings in upper case.

    Args:
        input: Strings, also ragged ones.
        encoding: `""` changes ASCII's letters alone; `"utf-8"` those of all alphabets.

    Example:
        >>> upper("ab")
        StringArray(b'AB')
    """
    return _cased(input, encoding, bytes.upper, str.upper)


def _cased(input: StringLike, encoding: str, of_bytes: Any, of_text: Any) -> StringArray:
    if not encoding:
        return map_strings(of_bytes, as_strings(input))
    if encoding.lower() != "utf-8":
        raise DataError(f'`encoding` is "" or "utf-8"; got {encoding!r}.')
    return map_strings(lambda s: _encoded(of_text(_decoded(s))), as_strings(input))


def _decoded(string: bytes) -> str:
    # Bytes that are no text pass through, and come out as they were.
    return string.decode("utf-8", "surrogateescape")


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@on_flat_values
def strip(input: StringLike) -> Any:
    """Return strings without the white space at their ends.

    Args:
        input: Strings, also ragged ones.

    Example:
        >>> strip(" a b ")
        StringArray(b'a b')
    """
    return map_strings(bytes.strip, as_strings(input))


@on_flat_values
def length(input: StringLike, unit: str = "BYTE") -> Any:
    """Return how long strings are, as int32.

    Args:
        input: Strings, also ragged ones.
        unit: What is counted: `"BYTE"` or `"UTF8_CHAR"`.

    Example:
        >>> length(["né"]).tolist(), length(["né"], unit="UTF8_CHAR").tolist()
        ([3], [2])
    """
    counted = _by_unit(unit, len, _characters)
    return jnp.asarray(map_strings(counted, as_strings(input), of=np.int32))


def _characters(string: bytes) -> int:
    # All but the bytes that go on with a character.
    return sum(byte & 0xC0 != 0x80 for byte in string)


def _by_unit(unit: str, of_bytes: Any, of_characters: Any) -> Any:
    if unit not in ("BYTE", "UTF8_CHAR"):
        raise DataError(f"`unit` is 'BYTE' or 'UTF8_CHAR'; got {unit!r}.")
    return of_bytes if unit == "BYTE" else of_characters


@on_flat_values
def substr(input: StringLike, pos: Any, len: Any, unit: str = "BYTE") -> Any:
    """Return parts of strings.

    Args:
        input: Strings, also ragged ones.
        pos: Where each part begins, a whole number or an array of them; negative ones count from the end.
        len: How long each part is at most.
        unit: What is counted: `"BYTE"` or `"UTF8_CHAR"`.

    Raises:
        DataError: A part begins outside its string.

    Example:
        >>> substr(["hello", "world"], 1, 3), substr("hello", -3, 2)
        (StringArray([b'ell', b'orl']), StringArray(b'll'))
    """

    def of_bytes(string: Any, start: int, count: int) -> Any:
        size = string.__len__()
        if not -size <= start <= size:
            raise DataError(f"substr: pos {start} is out of range for the string {string!r}.")
        first = start + size if start < 0 else start
        return string[first : first + max(count, 0)]

    def of_characters(string: bytes, start: int, count: int) -> bytes:
        return _encoded(of_bytes(_decoded(string), start, count))

    part = _by_unit(unit, of_bytes, of_characters)
    return map_strings(part, as_strings(input), np.asarray(pos), np.asarray(len))


@on_flat_values
def regex_replace(
    input: StringLike, pattern: Any, rewrite: Any, replace_global: bool = True
) -> Any:
    r"""Replace what matches a regular expression, written as for RE2.

    Args:
        input: Strings, also ragged ones.
        pattern: The regular expression.
        rewrite: What matches become; `\1` to `\9` stand for the groups, `\0` for the match.
        replace_global: Whether all matches are replaced, or the first alone.

    Raises:
        DataError: The expression is none.

    References:
        https://github.com/google/re2/wiki/Syntax

    Example:
        >>> regex_replace("a1b22", "[0-9]+", "#")
        StringArray(b'a#b#')
    """
    expression, put = compiled(_one(pattern)), replacement(_one(rewrite))
    count = 0 if replace_global else 1
    return map_strings(
        lambda s: _encoded(expression.sub(put(), _decoded(s), count=count)), as_strings(input)
    )


@on_flat_values
def regex_full_match(input: StringLike, pattern: Any) -> Any:
    """Say which strings match a regular expression as a whole; it is written as for RE2.

    Args:
        input: Strings, also ragged ones.
        pattern: The regular expression.

    Raises:
        DataError: The expression is none.

    Example:
        >>> regex_full_match(["ab", "abc"], "a.*b").tolist()
        [True, False]
    """
    expression = compiled(_one(pattern))
    matches = map_strings(
        lambda s: expression.fullmatch(_decoded(s)) is not None, as_strings(input), of=bool
    )
    return jnp.asarray(matches)


def _one(text: Any) -> str:
    return _decoded(as_strings(text).numpy())


@on_flat_values
def join(inputs: Sequence[Any], separator: str = "") -> Any:
    """Join strings entry by entry; their shapes broadcast.

    Args:
        inputs: Several arrays of strings, also ragged ones.
        separator: What stands between them.

    Example:
        >>> join([["a", "b"], "x"], separator="-")
        StringArray([b'a-x', b'b-x'])
    """
    between = as_strings(separator).numpy()
    return map_strings(lambda *parts: between.join(parts), *map(as_strings, inputs))


def reduce_join(
    inputs: StringLike, axis: Axes = None, keepdims: bool = False, separator: str = ""
) -> Any:
    """Join the strings along axes.

    Args:
        inputs: Strings, also ragged ones.
        axis: One axis or several, which are joined in this order; `None` for all, row by row.
        keepdims: Whether the axes stay, with the size 1.
        separator: What stands between them.

    Example:
        >>> reduce_join([["a", "b"], ["c", "d"]], axis=1, separator=" ")
        StringArray([b'a b', b'c d'])
    """
    if isinstance(inputs, RaggedArray):
        return _ragged_reduce_join(inputs, axis, keepdims, separator)
    strings = as_strings(inputs)
    array, between = strings._bytes, as_strings(separator).numpy()
    named = range(array.ndim)[::-1] if axis is None else np.ravel(axis).tolist()
    axes = [int(a) % max(array.ndim, 1) for a in named]
    kept = [a for a in range(array.ndim) if a not in axes]
    rows = array.transpose([*kept, *axes[::-1]]).reshape([*(array.shape[a] for a in kept), -1])
    result = np.empty(rows.shape[:-1], object)
    for place in np.ndindex(result.shape):
        result[place] = between.join(rows[place])
    if keepdims:
        result = result.reshape([1 if a in axes else n for a, n in enumerate(array.shape)])
    return StringArray(result)


def _ragged_reduce_join(rows: RaggedArray, axis: Any, keepdims: bool, separator: str) -> Any:
    if axis is None:
        return reduce_join(rows.flat_values, None, keepdims, separator)
    axis = int(axis) + (rows.ndim if int(axis) < 0 else 0)
    if axis == rows.ragged_rank and rows.flat_values.ndim == 1:
        below = functools.partial(_joined_rows, separator=as_strings(separator).numpy())
        joined = rows.map_innermost(below)
        return joined.expand_dims(axis) if keepdims else joined
    raise DataError(
        f"reduce_join of a ragged array joins along its innermost axis, {rows.ragged_rank}, or all; got axis={axis}."
    )


def _joined_rows(rows: RaggedArray, separator: bytes) -> StringArray:
    strings, splits = rows.values.numpy(), rows.splits
    bounds = itertools.pairwise(splits)
    result = np.empty(len(splits) - 1, object)
    result[:] = [separator.join(strings[a:b]) for a, b in bounds]
    return StringArray(result)
