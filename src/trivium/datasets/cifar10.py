"""CIFAR-10: 60,000 color photographs of 32 by 32 pixels, in 10 classes."""

from __future__ import annotations

import numpy as np

from trivium.datasets._cifar import read_batches
from trivium.datasets._sources import fetch
from trivium.datasets._types import Dataset

__all__ = ["load_data"]

_FOLDER = "cifar-10-batches-py"
_BATCHES = [f"{_FOLDER}/data_batch_{i}" for i in range(1, 6)] + [f"{_FOLDER}/test_batch"]


def load_data() -> Dataset:
    """Load the dataset, fetching it once.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8, of shapes `(50000, 32, 32, 3)`, `(50000, 1)`,
        `(10000, 32, 32, 3)` and `(10000, 1)`. The classes: airplane, automobile, bird, cat, deer,
        dog, frog, horse, ship, truck.

    Raises:
        ValueError: The file holds something else.
        OSError: The file is not cached and cannot be fetched; the message says where to put it.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> x_train.shape, y_test.shape  # doctest: +SKIP
        ((50000, 32, 32, 3), (10000, 1))

    Reference:
        Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
    """
    path = fetch("cifar-10-python.tar.gz", f"{_FOLDER}-target_archive")
    *train, (x_test, y_test) = read_batches(path, _BATCHES, "labels")
    x_train, y_train = (np.concatenate(arrays) for arrays in zip(*train, strict=True))
    return (x_train, y_train.astype("uint8")), (x_test, y_test.astype("uint8"))
