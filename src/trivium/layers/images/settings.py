"""Settings that layers of images have in common, checked: how strongly they act, and which numbers pixels hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["FILL_MODES", "INTERPOLATIONS", "Factor", "ValueRange", "factor_of", "value_range_of"]

# What lies outside of an image, and what is taken between its pixels.
FILL_MODES = ("reflect", "wrap", "constant", "nearest")
INTERPOLATIONS = ("nearest", "bilinear")

# Between which numbers a layer draws: two of them, or one that stands for both.
Factor = float | Sequence[float]
# The least and the greatest number that a pixel holds.
ValueRange = Sequence[float]


def factor_of(
    layer: object, bounds: tuple[float, float], least: float | None = None, **setting: Any
) -> tuple[float, float]:
    """Return a setting that says between which numbers a layer draws: two of them, or one that stands for both.

    Args:
        layer: The layer, for the message.
        bounds: The least and the greatest number allowed.
        least: Where what one number `f` stands for, `(-f, f)`, is cut off below; at the bounds where it is `None`.
        setting: The setting's name and value.

    Raises:
        ValueError: It is no number and no two numbers within the bounds.

    Example:
        >>> factor_of("a layer", (-1, 1), factor=0.2), factor_of("a layer", (0, 1), factor=0.2)
        ((-0.2, 0.2), (0, 0.2))
        >>> factor_of("a layer", (-1, 1), factor=[0.5, 0.1])
        (0.1, 0.5)
    """
    ((name, value),) = setting.items()
    pair = list(value) if isinstance(value, Sequence | np.ndarray) else [value]
    if not 1 <= len(pair) <= 2 or not all(
        _is_number(f) and bounds[0] <= f <= bounds[1] for f in pair
    ):
        raise ValueError(
            f"{type(layer).__name__}: `{name}` is a number from {bounds[0]} to {bounds[1]}, or two of them, between "
            f"which the layer draws; got {value!r}."
        )
    if len(pair) == 2:
        return min(pair), max(pair)
    furthest = abs(pair[0])
    return max(-furthest, bounds[0] if least is None else least), furthest


def value_range_of(layer: object, value_range: ValueRange) -> tuple[float, float]:
    """Return the setting `value_range`: the least and the greatest number that a pixel holds.

    Args:
        layer: The layer, for the message.
        value_range: The setting.

    Raises:
        ValueError: It is not two numbers, one above the other.

    Example:
        >>> value_range_of("a layer", [0, 255])
        (0, 255)
    """
    pair = list(value_range) if isinstance(value_range, Sequence | np.ndarray) else []
    if len(pair) != 2 or not all(map(_is_number, pair)) or pair[0] == pair[1]:
        raise ValueError(
            f"{type(layer).__name__}: `value_range` is the least and the greatest number that a pixel holds, (0, 255) "
            f"or (0, 1) say; got {value_range!r}."
        )
    return min(pair), max(pair)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)
