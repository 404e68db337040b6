"""What the two housing datasets share: a table of features and prices, shuffled and split."""

from __future__ import annotations

import numpy as np

from trivium.datasets._npz import read_npz
from trivium.datasets._sources import fetch
from trivium.datasets._types import Dataset

__all__ = ["load_split"]


def load_split(
    name: str, path: str, test_split: float, seed: int, rows: int | None = None
) -> Dataset:
    """Load `x` and `y`, shuffle their rows alike, and set the last ones aside for testing.

    Args:
        name: The file's name where it comes from.
        path: Its name in the cache.
        test_split: The share of rows for testing, from 0 to less than 1.
        seed: The seed of the shuffling.
        rows: How many rows to take from the front; `None` takes all.

    Raises:
        ValueError: `test_split` is not such a share.
    """
    if not 0 <= test_split < 1:
        raise ValueError(f"`test_split` is a share from 0 to less than 1; got {test_split}.")
    x, y = (array[:rows] for array in read_npz(fetch(name, path), "x", "y"))
    order = np.arange(len(x))
    np.random.RandomState(seed).shuffle(order)
    train, test = np.split(order, [int(len(x) * (1 - test_split))])
    return (x[train], y[train]), (x[test], y[test])
