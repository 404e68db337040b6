"""Helpers for NumPy arrays of labels, features and sequences."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["normalize", "pad_sequences", "to_categorical"]


def to_categorical(x: ArrayLike, num_classes: int | None = None) -> np.ndarray:
    """Write class numbers as one-hot rows.

    Args:
        x: Class numbers from 0, of any shape `(...)` or `(..., 1)`.
        num_classes: The number of classes; `None` means the greatest label plus 1.

    Returns:
        A float64 array of shape `(..., num_classes)`: 1 at the class, 0 elsewhere.

    Raises:
        ValueError: A label is negative, not whole, or not less than `num_classes`; or there is
            no label to count the classes from.

    Example:
        >>> to_categorical([0, 2], num_classes=3)
        array([[1., 0., 0.],
               [0., 0., 1.]])
    """
    given = np.asarray(x)
    shape = given.shape[:-1] if given.ndim > 1 and given.shape[-1] == 1 else given.shape
    labels = _whole_numbers(given.reshape(-1))
    if num_classes is None:
        if not labels.size:
            raise ValueError("`x` holds no label to count the classes from: give `num_classes`.")
        num_classes = int(labels.max()) + 1
    num_classes = operator.index(num_classes)
    _refuse(labels, (labels < 0) | (labels >= num_classes), f"a class from 0 to {num_classes - 1}")
    rows = np.zeros((labels.size, num_classes))
    rows[np.arange(labels.size), labels] = 1
    return rows.reshape(*shape, num_classes)


def _whole_numbers(labels: np.ndarray) -> np.ndarray:
    if labels.dtype.kind not in "biuf":
        raise ValueError(f"`x` holds class numbers; got an array of dtype {labels.dtype}.")
    if labels.dtype.kind == "f":
        _refuse(labels, ~np.isfinite(labels) | (labels != np.trunc(labels)), "a whole number")
    return labels.astype(np.int64)


def _refuse(labels: np.ndarray, bad: np.ndarray, wanted: str) -> None:
    if bad.any():
        first = int(bad.argmax())
        raise ValueError(
            f"{int(bad.sum())} of the {labels.size} labels in `x` cannot be read as {wanted}; "
            f"the first is {labels[first]}, at position {first}."
        )


def normalize(x: ArrayLike, axis: int = -1, order: float = 2) -> np.ndarray:
    """Divide vectors by their length.

    Args:
        x: An array of any shape.
        axis: The axis along which the vectors lie.
        order: Which norm measures the length, e.g. 1, 2 or `np.inf`.

    Returns:
        An array of the shape of `x` whose vectors have length 1; vectors of length 0 stay as they
        are.

    Example:
        >>> normalize(np.array([[3.0, 4.0], [0.0, 0.0]]))
        array([[0.6, 0.8],
               [0. , 0. ]])
    """
    array = np.asarray(x)
    norm = np.linalg.norm(array, order, axis, keepdims=True)
    return np.asarray(array / np.where(norm == 0, norm.dtype.type(1), norm))


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
