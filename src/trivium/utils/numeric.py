"""Helpers for NumPy arrays of labels and features."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["normalize", "to_categorical"]


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
