"""Arrays from what people pass: lists, numbers, NumPy arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from trivium.state.dtypes import is_float, standardize_dtype

__all__ = ["as_array", "as_axes", "as_floats", "channels_are_last", "per_axis"]

_READY = (bool, int, float, complex)


def as_array(x: Any) -> Any:
    """Return `x` if it is an array or a number, else an array of it.

    A number stays one, so that it takes the dtype of what it meets.

    Example:
        >>> as_array([1.0, 2.0]).dtype, as_array(1.0)
        (dtype('float32'), 1.0)
    """
    if hasattr(x, "dtype") or isinstance(x, _READY):
        return x
    array = jnp.asarray(x)
    return array.astype(standardize_dtype(None)) if is_float(array.dtype) else array


def as_floats(x: Any) -> Any:
    """Return `as_array(x)` in a float type: the default one where `x` holds whole numbers.

    Example:
        >>> as_floats([1, 2]).dtype
        dtype('float32')
    """
    x = jnp.asarray(as_array(x))
    return x if jnp.issubdtype(x.dtype, jnp.inexact) else x.astype(standardize_dtype(None))


def per_axis(value: int | Sequence[int], axes: int, name: str) -> tuple[int, ...]:
    """Return one number for each spatial axis.

    Args:
        value: A number for all axes or a sequence with one for each.
        axes: How many axes there are.
        name: The argument's name, for the message.

    Raises:
        ValueError: The sequence has another length.

    Example:
        >>> per_axis(2, 2, "strides"), per_axis([1, 2], 2, "strides")
        ((2, 2), (1, 2))
    """
    if isinstance(value, int):
        return (value,) * axes
    values = tuple(int(v) for v in value)
    if len(values) == 1:
        return values * axes
    if len(values) != axes:
        raise ValueError(
            f"`{name}` is one whole number or {axes}, one for each spatial axis; got {value!r}."
        )
    return values


def channels_are_last(data_format: str | None) -> bool:
    """Say whether the channels come last; `None` means that they do.

    Raises:
        ValueError: It is neither `"channels_last"` nor `"channels_first"`.

    Example:
        >>> channels_are_last("channels_first")
        False
    """
    if data_format not in (None, "channels_last", "channels_first"):
        raise ValueError(
            f"`data_format` is 'channels_last' or 'channels_first'; got {data_format!r}."
        )
    return data_format != "channels_first"


def as_axes(axis: int | Sequence[int] | None) -> int | tuple[int, ...] | None:
    """Return the axes as JAX takes them, a tuple in place of a list.

    Example:
        >>> as_axes([0, 1]), as_axes(None)
        ((0, 1), None)
    """
    return tuple(axis) if isinstance(axis, Sequence) else axis
