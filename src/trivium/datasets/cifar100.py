"""CIFAR-100: 60,000 color photographs of 32 by 32 pixels, in 100 classes or 20 groups of them."""

from __future__ import annotations

from trivium.datasets._cifar import read_batches
from trivium.datasets._sources import fetch
from trivium.datasets._types import Dataset

__all__ = ["load_data"]

_FOLDER = "cifar-100-python"


def load_data(label_mode: str = "fine") -> Dataset:
    """Load the dataset, fetching it once.

    Args:
        label_mode: `"fine"` for the 100 classes, `"coarse"` for their 20 groups.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images, uint8 of shapes `(50000, 32, 32, 3)` and
        `(10000, 32, 32, 3)`; labels, int64 of shapes `(50000, 1)` and `(10000, 1)`.

    Raises:
        ValueError: `label_mode` is neither, or the file holds something else.
        OSError: The file is not cached and cannot be fetched; the message says where to put it.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data("coarse")  # doctest: +SKIP
        >>> x_train.shape, y_test.shape  # doctest: +SKIP
        ((50000, 32, 32, 3), (10000, 1))

    Reference:
        Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError(f"`label_mode` is 'fine' or 'coarse'; got {label_mode!r}.")
    path = fetch("cifar-100-python.tar.gz", f"{_FOLDER}-target_archive")
    members = [f"{_FOLDER}/train", f"{_FOLDER}/test"]
    train, test = read_batches(path, members, f"{label_mode}_labels")
    return train, test
