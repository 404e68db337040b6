"""What ops over spatial axes share: where the channels stand, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import jax.numpy as jnp

from trivium.ops.arrays import as_array, channels_are_last
from trivium.state.types import Array, ArrayLike, Shape

__all__ = ["Sizes", "channels_back", "channels_last", "check_fits", "check_padding", "check_rank"]

Sizes: TypeAlias = int | Sequence[int]
"""A number for all spatial axes, or one for each."""


def channels_last(inputs: ArrayLike, data_format: str | None) -> Array:
    """Return inputs with the channels behind the spatial axes.

    Example:
        >>> channels_last(jnp.ones((2, 3, 8, 8)), "channels_first").shape
        (2, 8, 8, 3)
    """
    x = jnp.asarray(as_array(inputs))
    return x if channels_are_last(data_format) else jnp.moveaxis(x, 1, -1)


def channels_back(x: Array, data_format: str | None) -> Array:
    """Return outputs with the channels where `data_format` has them.

    Example:
        >>> channels_back(jnp.ones((2, 8, 8, 3)), "channels_first").shape
        (2, 3, 8, 8)
    """
    return x if channels_are_last(data_format) else jnp.moveaxis(x, -1, 1)


def check_rank(x: Array) -> None:
    """Refuse inputs without spatial axes, or with more than three.

    Example:
        >>> check_rank(jnp.ones((2, 8, 8, 3)))
    """
    if not 3 <= x.ndim <= 5:
        raise ValueError(
            f"inputs have a batch axis, 1 to 3 spatial axes and a channels axis; got shape {x.shape}."
        )


def check_padding(padding: str) -> None:
    """Refuse what is no padding.

    Example:
        >>> check_padding("same")
    """
    if padding not in ("valid", "same"):
        raise ValueError(f"`padding` is 'valid' or 'same'; got {padding!r}.")


def check_fits(shape: Shape, window: Sequence[int], padding: str, dilation: Sequence[int]) -> None:
    """Refuse a window that does not fit into the spatial axes once.

    Args:
        shape: The inputs' shape, channels last; sizes that are not known fit.
        window: The window's size along each axis.
        padding: `"valid"` or `"same"`, with which every window fits.
        dilation: The distance between the window's cells along each axis.

    Example:
        >>> check_fits((2, 8, 3), (8,), "valid", (1,))
    """
    if padding == "same":
        return
    for n, k, d in zip(shape[1:-1], window, dilation, strict=True):
        if isinstance(n, int) and n < (k - 1) * d + 1:
            raise ValueError(
                f"a window of {tuple(window)} cells at distances {tuple(dilation)} does not fit into the "
                f"spatial shape {tuple(shape[1:-1])}, so nothing would come out. "
                "Use a smaller window or padding='same'."
            )
