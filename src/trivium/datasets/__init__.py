"""Datasets to learn on, as NumPy arrays.

Fashion-MNIST comes with the library; the others are fetched once and kept in Keras's cache folder.
"""

from __future__ import annotations

from trivium.datasets import (
    boston_housing,
    california_housing,
    cifar10,
    cifar100,
    fashion_mnist,
    imdb,
    mnist,
    reuters,
)

__all__ = [
    "boston_housing",
    "california_housing",
    "cifar10",
    "cifar100",
    "fashion_mnist",
    "imdb",
    "mnist",
    "reuters",
]
