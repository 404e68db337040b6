"""California housing: 20,640 districts of 1990 with 8 features and the median price of a house."""

from __future__ import annotations

from trivium.datasets._housing import load_split
from trivium.datasets._types import Dataset

__all__ = ["load_data"]

_ROWS = {"small": 600, "large": None}


def load_data(
    version: str = "large",
    path: str = "california_housing.npz",
    test_split: float = 0.2,
    seed: int = 113,
) -> Dataset:
    """Load the dataset, fetching it once.

    Args:
        version: `"large"`, or `"small"`: the first 600 districts.
        path: The file's name in the cache.
        test_split: The share of rows for testing, from 0 to less than 1.
        seed: The seed of the shuffling before the split.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: floats, of shapes `(n, 8)` and `(n,)`; prices in
        dollars. The features tell a district's place, and its houses' age, rooms and people.

    Raises:
        ValueError: `version` or `test_split` cannot be used, or the file holds something else.
        OSError: The file is not cached and cannot be fetched; the message says where to put it.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data(version="small")  # doctest: +SKIP
        >>> x_train.shape, x_test.shape  # doctest: +SKIP
        ((480, 8), (120, 8))

    Reference:
        Pace and Barry, "Sparse spatial autoregressions", 1997.
    """
    if version not in _ROWS:
        raise ValueError(f"`version` is 'small' or 'large'; got {version!r}.")
    return load_split("california_housing.npz", path, test_split, seed, _ROWS[version])
