"""Boston housing: 506 districts of 1978 with 13 features and the median price of a house.

One feature, `B`, was built on the assumption that racial segregation raises prices: use the dataset
to speak of such assumptions, and `california_housing` to learn regression.
"""

from __future__ import annotations

from trivium.datasets._housing import load_split
from trivium.datasets._types import Dataset

__all__ = ["load_data"]


def load_data(
    path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113
) -> Dataset:
    """Load the dataset, fetching it once.

    Args:
        path: The file's name in the cache.
        test_split: The share of rows for testing, from 0 to less than 1.
        seed: The seed of the shuffling before the split.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: float64, of shapes `(n, 13)` and `(n,)`; prices in
        1000 dollars.

    Raises:
        ValueError: `test_split` is not such a share, or the file holds something else.
        OSError: The file is not cached and cannot be fetched; the message says where to put it.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> x_train.shape, x_test.shape  # doctest: +SKIP
        ((404, 13), (102, 13))

    Reference:
        Harrison and Rubinfeld, "Hedonic housing prices and the demand for clean air", 1978.
    """
    return load_split("boston_housing.npz", path, test_split, seed)
