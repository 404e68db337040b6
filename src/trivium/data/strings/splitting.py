"""Strings taken apart: into words, bytes and n-grams, in rows of their own lengths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from trivium.data.checks import DataError
from trivium.data.kinds import StringLike
from trivium.data.ragged.array import RaggedArray
from trivium.data.strings.array import StringArray, as_strings

__all__ = ["bytes_split", "in_rows", "ngrams", "split"]


def in_rows(
    input: StringLike, part: Callable[[bytes], Sequence[Any]], pack: Callable[[Any], Any]
) -> Any:
    """Return what strings are taken apart into: one array for one string, rows of their own lengths for several.

    Args:
        input: Strings, also ragged ones.
        part: Takes a string and returns a list.
        pack: Makes an array of all parts in one list.

    Example:
        >>> in_rows(["ab", "c"], list, np.array)
        RaggedArray([[97, 98], [99]])
    """
    if isinstance(input, RaggedArray):
        return input.with_flat_values(in_rows(input.flat_values, part, pack))
    strings = as_strings(input)
    if strings.ndim == 0:
        return pack(list(part(strings.numpy())))
    rows = [part(s) for s in strings._bytes.ravel().tolist()]
    values = pack([p for row in rows for p in row])
    result = RaggedArray.from_row_lengths(values, [len(row) for row in rows])
    for size in strings.shape[:0:-1]:
        result = RaggedArray.from_uniform_row_length(result, size)
    return result


def _packed(parts: list[bytes]) -> StringArray:
    return StringArray(np.array(parts, object) if parts else np.zeros(0, object))


def split(input: StringLike, sep: Any = None, maxsplit: int = -1) -> Any:
    """Split strings at a separator.

    Args:
        input: Strings, also ragged ones.
        sep: The separator; `None` and `""` for white space, any amount of it.
        maxsplit: How often each is split at most; -1 for no bound.

    Returns:
        For one string its parts; for several a ragged array with a further axis.

    Example:
        >>> split(["a b", " c "]), split("a,b", sep=",")
        (RaggedArray([[b'a', b'b'], [b'c']]), StringArray([b'a', b'b']))
    """
    by = as_strings(sep).numpy() or None if sep is not None else None
    return in_rows(input, lambda s: s.split(by, maxsplit), _packed)


def bytes_split(input: StringLike) -> Any:
    """Split strings into their bytes.

    Args:
        input: Strings, also ragged ones.

    Example:
        >>> bytes_split("ab")
        StringArray([b'a', b'b'])
    """
    return in_rows(input, lambda s: [s[i : i + 1] for i in range(len(s))], _packed)


def ngrams(
    data: Any,
    ngram_width: int | Sequence[int],
    separator: str = " ",
    pad_values: Any = None,
    padding_width: int | None = None,
    preserve_short_sequences: bool = False,
) -> Any:
    """Join neighbors along the last axis to n-grams.

    Args:
        data: Strings, with an axis of words, ragged or not.
        ngram_width: How many words are joined; several numbers give first all n-grams of the first, then of the next.
        separator: What stands between the words.
        pad_values: What is put before and behind each row: one string, or one for each side; `None` for nothing.
        padding_width: How much of it: `ngram_width` - 1 by default.
        preserve_short_sequences: Whether a row that is too short for any n-gram is one itself.

    Example:
        >>> ngrams(["a", "b", "c"], 2)
        StringArray([b'a b', b'b c'])
    """
    widths = [int(n) for n in np.ravel(ngram_width)]
    if not widths or min(widths) < 1:
        raise DataError(
            f"`ngram_width` is one number of words or several, from 1 on; got {ngram_width!r}."
        )
    sides = (pad_values, pad_values) if isinstance(pad_values, str | bytes) else pad_values
    before, behind = (as_strings(s).numpy() for s in sides) if sides is not None else (b"", b"")
    between = as_strings(separator).numpy()

    def row_of(words: list[bytes]) -> list[bytes]:
        made: list[bytes] = []
        for n in widths:
            more = (
                0
                if sides is None
                else n - 1
                if padding_width is None
                else min(padding_width, n - 1)
            )
            padded = [before] * more + words + [behind] * more
            made += [between.join(padded[i : i + n]) for i in range(len(padded) - n + 1)]
        if not made and words and preserve_short_sequences:
            return [
                between.join([before] * (padding_width or 0) + words)
                if sides
                else between.join(words)
            ]
        return made

    if isinstance(data, RaggedArray):
        return data.map_innermost(lambda rows: _rows_of(map(row_of, rows.tolist())))
    strings = as_strings(data)
    if strings.ndim == 1:
        return _packed(row_of(strings.tolist()))
    rows = strings._bytes.reshape(-1, strings.shape[-1]).tolist()
    made = _rows_of(map(row_of, rows))
    return made.to_tensor().moved(lambda a: a.reshape(*strings.shape[:-1], -1))


def _rows_of(rows: Any) -> RaggedArray:
    listed = list(rows)
    return RaggedArray.from_row_lengths(
        _packed([word for row in listed for word in row]), [len(row) for row in listed]
    )
