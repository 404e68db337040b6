"""One array of sequences of different lengths."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

__all__ = ["pad_sequences"]


def pad_sequences(
    sequences: Iterable[Sequence[Any]],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """Make one array of sequences of different lengths: short ones are filled up, long ones are cut.

    Args:
        sequences: The sequences; each is a list of numbers or of vectors of one shape.
        maxlen: The length of all rows; by default the longest sequence's.
        dtype: The array's dtype.
        padding: Where a short sequence is filled up: `"pre"`, before it, or `"post"`, after it.
        truncating: Where a long sequence is cut: `"pre"` loses its beginning, `"post"` its end.
        value: What fills the gaps.

    Returns:
        An array of shape `(sequences, maxlen, ...)`.

    Raises:
        ValueError: `padding` or `truncating` is another word; an element is no sequence; or its
            steps have another shape than those of the sequences before it.

    Example:
        >>> pad_sequences([[1], [2, 3, 4]], maxlen=2)
        array([[0, 1],
               [3, 4]], dtype=int32)
    """
    for name, word in (("padding", padding), ("truncating", truncating)):
        if word not in ("pre", "post"):
            raise ValueError(f"pad_sequences: `{name}` is 'pre' or 'post'; got {word!r}.")
    if isinstance(value, str) and np.dtype(dtype).kind not in "OSU":
        raise ValueError(
            f"pad_sequences: `value` is text ({value!r}), and `dtype` is {dtype}; sequences of text take dtype=object."
        )
    rows = [_sequence(i, row) for i, row in enumerate(sequences)]
    length = max(map(len, rows), default=0) if maxlen is None else operator.index(maxlen)
    step = next((row.shape[1:] for row in rows if len(row)), ())
    padded = np.full((len(rows), length, *step), value, dtype)
    for i, row in enumerate(rows):
        if not len(row) or not length:
            continue
        if row.shape[1:] != step:
            raise ValueError(
                f"pad_sequences: the steps of sequence {i} have the shape {row.shape[1:]}, those of "
                f"the sequences before it {step}. All steps have one shape."
            )
        kept = row[-length:] if truncating == "pre" else row[:length]
        start = length - len(kept) if padding == "pre" else 0
        padded[i, start : start + len(kept)] = kept
    return padded


def _sequence(i: int, row: Any) -> np.ndarray:
    if not hasattr(row, "__len__"):
        raise ValueError(
            f"pad_sequences: element {i} is no sequence but {row!r}. `sequences` is a list of lists."
        )
    return np.asarray(row)
