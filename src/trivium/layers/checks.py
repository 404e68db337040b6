"""Checks of layers' settings that give one clear error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["known", "not_negative", "number", "positive_int", "unit_fraction"]


def known(shape: Sequence[Any]) -> tuple[int | None, ...]:
    """Return a shape with `None` for sizes that are symbols.

    Example:
        >>> from trivium.graph import SymbolicTensor
        >>> known(SymbolicTensor((None, 3)).dims)
        (None, 3)
    """
    return tuple(d if isinstance(d, int) else None for d in shape)


def positive_int(layer: Any, **setting: Any) -> int:
    """Return a setting that must be a whole number above zero.

    Args:
        layer: The layer, for the message.
        setting: The setting's name and value.

    Raises:
        ValueError: It is none.
    """
    ((name, value),) = setting.items()
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value <= 0:
        raise ValueError(
            f"{type(layer).__name__}: `{name}` is a whole number above zero; got {value!r}."
        )
    return int(value)


def number(layer: Any, **setting: Any) -> Any:
    """Return a setting that must be a number, as it is.

    Args:
        layer: The layer, for the message.
        setting: The setting's name and value.

    Raises:
        TypeError: It is none.
    """
    ((name, value),) = setting.items()
    if not isinstance(value, int | float | np.number):
        raise TypeError(f"{type(layer).__name__}: `{name}` is a number; got {value!r}.")
    return value


def unit_fraction(layer: Any, **setting: Any) -> float:
    """Return a setting that must be a number from 0 to 1.

    Args:
        layer: The layer, for the message.
        setting: The setting's name and value.

    Raises:
        ValueError: It is none.
    """
    ((name, value),) = setting.items()
    if not isinstance(value, int | float | np.number) or not 0 <= value <= 1:
        raise ValueError(
            f"{type(layer).__name__}: `{name}` is a number from 0 to 1; got {value!r}."
        )
    return float(value)


def not_negative(layer: Any, **setting: Any) -> Any:
    """Return a setting that must be a number of at least zero, as it is.

    Args:
        layer: The layer, for the message.
        setting: The setting's name and value.

    Raises:
        ValueError: It is none.
    """
    ((name, value),) = setting.items()
    if not isinstance(value, int | float | np.number) or value < 0:
        raise ValueError(
            f"{type(layer).__name__}: `{name}` is a number of at least zero; got {value!r}."
        )
    return value
