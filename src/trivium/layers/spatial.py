"""Checks of the settings that layers over spatial axes share: sizes, padding, where the channels are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from trivium.ops.arrays import channels_are_last
from trivium.state import suggest

__all__ = ["data_format_of", "one_of", "sizes_of", "spatial_axes"]


def sizes_of(layer: Any, rank: int, least: int = 1, **setting: Any) -> tuple[int, ...]:
    """Return a setting that has one whole number for each spatial axis, or one for all.

    Args:
        layer: The layer, for the message.
        rank: How many spatial axes there are.
        least: The least number allowed.
        setting: The setting's name and value.

    Raises:
        ValueError: It is no such number or sequence.

    Example:
        >>> sizes_of("a layer", 2, strides=3)
        (3, 3)
    """
    ((name, value),) = setting.items()
    sizes = tuple(value) if isinstance(value, Sequence | np.ndarray) else (value,) * rank
    whole = all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in sizes)
    if len(sizes) != rank or not whole or any(n < least for n in sizes):
        raise ValueError(
            f"{type(layer).__name__}: `{name}` is a whole number of at least {least}, or {rank} of them, one for "
            f"each spatial axis; got {value!r}."
        )
    return tuple(int(n) for n in sizes)


def one_of(layer: Any, known: Sequence[str], **setting: Any) -> str:
    """Return a setting that is one of a few words, in lower case.

    Args:
        layer: The layer, for the message.
        known: The words.
        setting: The setting's name and value.

    Raises:
        ValueError: It is none of them.

    Example:
        >>> one_of("a layer", ("valid", "same"), padding="SAME")
        'same'
    """
    ((name, value),) = setting.items()
    word = value.lower() if isinstance(value, str) else value
    if word not in known:
        raise ValueError(
            f"{type(layer).__name__}: `{name}` is one of {', '.join(map(repr, known))}; got {value!r}. "
            + suggest(str(value), known)
        )
    return str(word)


def data_format_of(layer: Any, data_format: str | None) -> str:
    """Return where the channels are: `"channels_last"` where nobody says.

    Args:
        layer: The layer, for the message.
        data_format: `"channels_last"`, `"channels_first"` or `None`.

    Raises:
        ValueError: It is none of these.
    """
    known = ("channels_last", "channels_first")
    return "channels_last" if data_format is None else one_of(layer, known, data_format=data_format)


def spatial_axes(rank: int, data_format: str) -> tuple[int, ...]:
    """Return the spatial axes of an array of shape `(batch, *spatial, channels)`, or with the channels first.

    Example:
        >>> spatial_axes(2, "channels_last"), spatial_axes(2, "channels_first")
        ((1, 2), (2, 3))
    """
    first = 1 if channels_are_last(data_format) else 2
    return tuple(range(first, first + rank))
