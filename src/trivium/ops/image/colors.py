"""Colors: shades of gray, and hue, saturation and value."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import as_wide_floats
from trivium.ops.image.batches import on_batch
from trivium.state.types import Array, ArrayLike

__all__ = ["hsv_to_rgb", "rgb_to_grayscale", "rgb_to_hsv"]


@op
def rgb_to_grayscale(images: ArrayLike, data_format: str | None = None) -> Array:
    """Return how light each pixel is to the eye.

    Args:
        images: Images of shape `(..., height, width, 3)`; with one channel they stay as they are.
        data_format: Where the channels are; last where it is `None`.

    Raises:
        ValueError: There are neither three channels nor one.

    Example:
        >>> round(rgb_to_grayscale([[[1.0, 1.0, 0.0]]]).item(), 3)
        0.886

    Reference:
        Recommendation ITU-R BT.601-7, section 2.5.1.
    """

    def gray(x: Array) -> Array:
        if x.shape[-1] == 1:
            return x
        _check_colors(x, " or 1 (shades of gray)")
        # Channel by channel: a sum along so short an axis takes ten times as long in a compiled loop on CPU.
        r, g, b = jnp.split(as_wide_floats(x), 3, -1)
        return (0.2989 * r + 0.5870 * g + 0.1140 * b).astype(x.dtype)

    return on_batch(gray, images, data_format)


@op
def rgb_to_hsv(images: ArrayLike, data_format: str | None = None) -> Array:
    """Return the hue, the saturation and the value of colors.

    Args:
        images: Floats from 0 to 1, shape `(..., height, width, 3)`.
        data_format: Where the channels are; last where it is `None`.

    Returns:
        An array of the same shape, from 0 to 1; the hue of a gray is 0.

    Raises:
        ValueError: There are not three channels, or the numbers are whole.

    Example:
        >>> rgb_to_hsv([[[0.5, 0.25, 0.0]]]).round(3).tolist()
        [[[0.083..., 1.0, 0.5]]]

    Reference:
        Smith, "Color Gamut Transform Pairs", SIGGRAPH 1978, https://doi.org/10.1145/800248.807361
    """

    def convert(x: Array) -> Array:
        r, g, b = (x[..., i] for i in range(3))
        value = jnp.maximum(jnp.maximum(r, g), b)
        spread = value - jnp.minimum(jnp.minimum(r, g), b)
        gray, black = spread == 0, value == 0
        # The inner `where`s keep the gradient of what is not chosen from being 0 / 0.
        step = 1 / (6 * jnp.where(gray, 1, spread))
        of_green = jnp.where(g == value, (b - r) * step + 1 / 3, (r - g) * step + 2 / 3)
        hue = jnp.where(r == value, (g - b) * step % 1, of_green)
        saturation = jnp.where(black, 0, spread / jnp.where(black, 1, value))
        return jnp.stack([jnp.where(gray, 0, hue), saturation, value], -1)

    return on_batch(_of_floats(convert), images, data_format)


@op
def hsv_to_rgb(images: ArrayLike, data_format: str | None = None) -> Array:
    """Return the colors that have a hue, a saturation and a value: the inverse of `rgb_to_hsv`.

    Args:
        images: Floats from 0 to 1, shape `(..., height, width, 3)`.
        data_format: Where the channels are; last where it is `None`.

    Raises:
        ValueError: There are not three channels, or the numbers are whole.

    Example:
        >>> hsv_to_rgb([[[0.0, 1.0, 0.5]]]).tolist()
        [[[0.5, 0.0, 0.0]]]

    Reference:
        Smith, "Color Gamut Transform Pairs", SIGGRAPH 1978, https://doi.org/10.1145/800248.807361
    """

    def convert(x: Array) -> Array:
        hue, saturation, value = (x[..., i : i + 1] for i in range(3))
        # How much of each color a full saturation has: red around 0, green around 1/3, blue around 2/3 of the circle.
        away = jnp.abs(6 * hue - jnp.array([3, 2, 4], x.dtype))
        pure = jnp.clip(jnp.array([1, -1, -1], x.dtype) * (away - jnp.array([1, 2, 2])), 0, 1)
        return value * (1 - saturation * (1 - pure))

    return on_batch(_of_floats(convert), images, data_format)


def _of_floats(convert: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Return a function of colors that refuses whole numbers, and reckons in float32 at least."""

    def checked(x: Array) -> Array:
        _check_colors(x)
        if not jnp.issubdtype(x.dtype, jnp.floating):
            raise ValueError(
                f"these colors are floats from 0 to 1; got {x.dtype}. Divide by 255 first."
            )
        return convert(as_wide_floats(x)).astype(x.dtype)

    return checked


def _check_colors(x: Array, also: str = "") -> None:
    if x.shape[-1] != 3:
        raise ValueError(f"images have 3 channels (red, green, blue){also}; got {x.shape[-1]}.")
