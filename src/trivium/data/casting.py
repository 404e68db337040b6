"""From the dtypes that users have to those that training computes in."""

from __future__ import annotations

from typing import Any

import numpy as np

from trivium.data.checks import DataError

__all__ = ["cast"]


def cast(array: Any, target: np.dtype, name: str) -> Any:
    """Return an array in another dtype, or itself if that is its own.

    Args:
        array: The array.
        target: The dtype.
        name: The array's name, for messages.

    Raises:
        DataError: It holds whole numbers that the dtype cannot keep.

    Example:
        >>> cast(np.array([3]), np.dtype("int32"), "x").dtype
        dtype('int32')
    """
    if array.dtype == target:
        return array
    if target.kind in "iu" and array.size:
        low, high, limits = int(array.min()), int(array.max()), np.iinfo(target)
        if low < limits.min or high > limits.max:
            raise DataError(
                f"`{name}` has values from {low} to {high}, but whole numbers are kept as "
                f"{target}, from {limits.min} to {limits.max}. Number the values anew, or hash "
                "them into that range."
            )
    with np.errstate(over="ignore"):  # what became infinite is reported by name
        return array.astype(target)
