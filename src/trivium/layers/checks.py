"""Checks of layers' settings that give one clear error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeGuard, cast

import numpy as np

from trivium.state.registry import get_registered_name, known_function
from trivium.state.types import Shape

__all__ = [
    "axes_of", "axis_of", "broadcasts", "flag", "is_whole", "known", "not_negative", "number", "positive_axes",
    "positive_int", "refuse_unregistered", "unit_fraction",
]  # fmt: skip


def known(shape: Sequence[Any]) -> tuple[int | None, ...]:
    """Return a shape with `None` for sizes that are symbols.

    Example:
        >>> from trivium.graph import SymbolicTensor
        >>> known(SymbolicTensor((None, 3)).dims)
        (None, 3)
    """
    return tuple(d if isinstance(d, int) else None for d in shape)


def broadcasts(shape: Shape, target: Shape) -> bool:
    """Say whether a shape broadcasts to another, as far as the sizes are known.

    Example:
        >>> broadcasts((1, 3), (2, 3)), broadcasts((None,), (2, 3)), broadcasts((2, 3), (3,))
        (True, True, False)
    """
    pairs = zip(reversed(known(shape)), reversed(known(target)), strict=False)
    return len(shape) <= len(target) and all(m in (1, n, None) or n is None for m, n in pairs)


def positive_int(layer: object, **setting: Any) -> int:
    """Return a setting that must be a whole number above zero.

    Args:
        layer: The layer, for the message.
        setting: The setting's name and value.

    Raises:
        ValueError: It is none.
    """
    ((name, value),) = setting.items()
    if not is_whole(value, least=1):
        raise ValueError(
            f"{type(layer).__name__}: `{name}` is a whole number above zero; got {value!r}."
        )
    return int(value)


def flag(layer: object, **setting: Any) -> bool:
    """Return a setting that must be true or false; 0 and 1 will do.

    Args:
        layer: The layer, for the message.
        setting: The setting's name and value.

    Raises:
        TypeError: It is neither.
    """
    ((name, value),) = setting.items()
    whole = isinstance(value, bool | np.bool_ | int | np.integer)
    if not whole or value not in (0, 1):
        raise TypeError(f"{type(layer).__name__}: `{name}` is True or False; got {value!r}.")
    return bool(value)


def number(layer: object, **setting: Any) -> Any:
    """Return a setting that must be a number, as it is.

    Args:
        layer: The layer, for the message.
        setting: The setting's name and value.

    Raises:
        TypeError: It is none.
    """
    ((name, value),) = setting.items()
    if not _is_number(value):
        raise TypeError(f"{type(layer).__name__}: `{name}` is a number; got {value!r}.")
    return value


def unit_fraction(layer: object, **setting: Any) -> float:
    """Return a setting that must be a number from 0 to 1.

    Args:
        layer: The layer, for the message.
        setting: The setting's name and value.

    Raises:
        ValueError: It is none.
    """
    ((name, value),) = setting.items()
    if not _is_number(value) or not 0 <= value <= 1:
        raise ValueError(
            f"{type(layer).__name__}: `{name}` is a number from 0 to 1; got {value!r}."
        )
    return float(value)


def not_negative(layer: object, **setting: Any) -> Any:
    """Return a setting that must be a number of at least zero, as it is.

    Args:
        layer: The layer, for the message.
        setting: The setting's name and value.

    Raises:
        ValueError: It is none.
    """
    ((name, value),) = setting.items()
    if not _is_number(value) or not value >= 0:
        raise ValueError(
            f"{type(layer).__name__}: `{name}` is a number of at least zero; got {value!r}."
        )
    return value


def axis_of(layer: object, axis: object) -> int:
    """Return the setting `axis` that must be one axis.

    Args:
        layer: The layer, for the message.
        axis: The setting.

    Raises:
        TypeError: It is no whole number.
    """
    if not is_whole(axis):
        raise TypeError(f"{type(layer).__name__}: `axis` is the number of an axis; got {axis!r}.")
    return int(axis)


def axes_of(layer: object, axis: object) -> int | list[int]:
    """Return the setting `axis` that must be one axis or several, each once.

    Args:
        layer: The layer, for the message.
        axis: The setting.

    Raises:
        TypeError: It is neither.
        ValueError: An axis is named twice.
    """
    if is_whole(axis):
        return int(axis)
    if not isinstance(axis, Sequence) or not axis or not all(map(is_whole, axis)):
        raise TypeError(
            f"{type(layer).__name__}: `axis` is an axis or a list of axes; got {axis!r}."
        )
    axes = [int(a) for a in axis]
    if len(set(axes)) < len(axes):
        raise ValueError(f"{type(layer).__name__}: `axis` names each axis once; got {axis!r}.")
    return axes


def positive_axes(layer: Any, axis: int | list[int], rank: int) -> list[int]:
    """Return the axes of an input of `rank` dimensions, counted from the front, in order.

    Args:
        layer: The layer, for the message.
        axis: What `axes_of` gave.
        rank: The input's number of dimensions.

    Raises:
        ValueError: The input does not have one of them, or one is named twice, from the front and from the end.
    """
    axes = [axis] if isinstance(axis, int) else axis
    where = f"Layer {layer.path!r} ({type(layer).__name__}) normalizes over axis {axis}, which"
    if any(not -rank <= a < rank for a in axes):
        raise ValueError(f"{where} an input with {rank} dimensions does not have.")
    found = sorted({a % rank for a in axes})
    if len(found) < len(axes):
        raise ValueError(f"{where} names an axis of an input with {rank} dimensions twice.")
    return found


def refuse_unregistered(layer: Any, function: object) -> None:
    """Raise where a config cannot hold a layer's function: it holds the name alone, which must be a registered one.

    Args:
        layer: The layer.
        function: The function; what cannot be called is let through.

    Raises:
        ValueError: The function is not known by a name.
    """
    named = get_registered_name(function) if hasattr(function, "__name__") else ""
    if callable(function) and known_function(named) is not function:
        raise ValueError(
            f"{type(layer).__name__} layer {layer.path!r}: a config cannot hold the function {function!r}, only its "
            "name. Put `@trivium.saving.register_keras_serializable()` before a function with a name, or write a layer "
            "whose `call` does the work."
        )


def is_whole(value: object, least: float = -math.inf) -> TypeGuard[int]:
    """Say whether a value is a whole number, and no truth value, of at least `least`.

    Example:
        >>> is_whole(np.int64(3)), is_whole(0, least=1), is_whole(True), is_whole(2.0)
        (True, False, False, False)
    """
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and bool(cast(int, value) >= least)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)
