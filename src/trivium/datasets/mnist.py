"""MNIST: 70,000 handwritten digits of 28 by 28 pixels."""

from __future__ import annotations

from trivium.datasets._npz import read_npz
from trivium.datasets._sources import fetch
from trivium.datasets._types import Dataset

__all__ = ["load_data"]


def load_data(path: str = "mnist.npz") -> Dataset:
    """Load the dataset, fetching it once.

    Args:
        path: The file's name in the cache.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8, of shapes `(60000, 28, 28)`, `(60000,)`,
        `(10000, 28, 28)` and `(10000,)`.

    Raises:
        ValueError: The file holds something else.
        OSError: The file is not cached and cannot be fetched; the message says where to put it.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> x_train.shape, y_test.shape  # doctest: +SKIP
        ((60000, 28, 28), (10000,))

    Reference:
        LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document
        recognition", 1998.
    """
    arrays = read_npz(fetch("mnist.npz", path), "x_train", "y_train", "x_test", "y_test")
    x_train, y_train, x_test, y_test = arrays
    return (x_train, y_train), (x_test, y_test)
