"""Datasets to learn on, as NumPy arrays.

Fashion-MNIST comes with the library; the others are fetched once and kept in Keras's cache folder.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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


def __getattr__(name: str) -> Any:
    # They read archives and speak HTTP, which a program with data of its own has no use for.
    if name not in __all__:
        from trivium.state.registry import suggest  # JAX comes with it, which data does without.

        raise AttributeError(
            f"module 'trivium.datasets' has no attribute {name!r}. {suggest(name, __all__)}"
        )
    return importlib.import_module(f"trivium.datasets.{name}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


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
