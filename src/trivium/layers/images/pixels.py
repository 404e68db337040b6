"""What layers share that reckon with the numbers of pixels: their range, and the precision they need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from trivium import ops
from trivium.layers.images.base import ColorLayer
from trivium.layers.images.settings import Factor, ValueRange, factor_of, value_range_of
from trivium.ops.arrays import as_wide_floats
from trivium.state.seeds import Seed
from trivium.state.types import Array

__all__ = [
    "GradedLayer",
    "PixelLayer",
    "SteadyLayer",
    "by_rows",
    "each",
    "rescaled",
    "whole_levels",
]


class PixelLayer(ColorLayer):
    """A layer that makes new pixels of those at the same place, in float32 at least: 8 bits are too few in between.

    A subclass says in `_changed` what becomes of a batch of images.

    Args:
        value_range: The least and the greatest number that a pixel holds.
        kwargs: As for `BaseImagePreprocessingLayer`.

    Raises:
        ValueError: `value_range` is not two numbers, one above the other.
    """

    def __init__(self, value_range: ValueRange, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set(value_range=value_range_of(self, value_range))

    def _transform_images(self, images: Array, transformation: Any) -> Any:
        return ops.cast(self._changed(as_wide_floats(images), transformation), images.dtype)

    def _changed(self, pixels: Array, transformation: Any) -> Any:
        raise NotImplementedError

    def _check_colors(self, images: Array) -> None:
        """Refuse images that have not three channels."""
        channels = images.shape[self._channel_axis]
        if channels != 3:
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}): images have 3 channels (red, green, blue); got "
                f"{channels}, in images of shape {images.shape} with data_format={self.data_format!r}."
            )


class GradedLayer(PixelLayer):
    """A layer of pixels that changes each image by a number drawn for it. Subclasses say what the number does.

    Args:
        factor: Between which numbers it is drawn: two from 0 to 1, or one, `f`, for `(0, f)`.
        value_range: The least and the greatest number that a pixel holds.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        seed: A whole number; by the global seed where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`.

    Raises:
        ValueError: `factor` or `value_range` is out of its range.
    """

    def __init__(
        self,
        factor: Factor,
        value_range: ValueRange = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, data_format=data_format, **kwargs)
        self._set(factor=self._ends_of(factor))
        self._set_seed(seed)

    def _ends_of(self, factor: Factor) -> tuple[float, float]:
        """Return the numbers between which the factor is drawn."""
        return factor_of(self, (0, 1), factor=factor)


class SteadyLayer(PixelLayer):
    """A layer of pixels that draws nothing, and does the same in inference.

    Args:
        value_range: The least and the greatest number that a pixel holds.
        kwargs: As for `BaseImagePreprocessingLayer`.
    """

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Seed = None
    ) -> None:
        """Draw nothing."""

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """Return a batch of images changed, in both modes.

        Args:
            images: The images.
            transformation: Not used.
            training: Not used.
        """
        return self._transform_images(ops.cast(images, self.compute_dtype), None)


def by_rows(reduce: Callable[..., Any], images: Array, axes: tuple[int, int]) -> Array:
    """Return what a reduction gives for each channel, one axis after the other: on CPU thrice as fast as both at once.

    Args:
        reduce: A reduction that takes an axis and `keepdims`.
        images: Images.
        axes: The axes of the height and the width.

    Example:
        >>> by_rows(jnp.max, jnp.arange(6.0).reshape(1, 3, 2, 1), (-3, -2)).tolist()
        [[[[5.0]]]]
    """
    for axis in axes:
        images = reduce(images, axis, keepdims=True)
    return images


def each(parameter: Any, images: Array) -> Any:
    """Return a number for each image so that it broadcasts to the images, in their dtype if it is a float.

    Example:
        >>> each(jnp.ones(5), jnp.ones((5, 4, 4, 3), "float16")).shape
        (5, 1, 1, 1)
    """
    column = ops.reshape(parameter, (-1, 1, 1, 1))
    return column if column.dtype == bool else ops.cast(column, images.dtype)


def rescaled(pixels: Array, now: tuple[float, float], then: tuple[float, float]) -> Array:
    """Return pixels of one range in another one.

    Args:
        pixels: Floats.
        now: The least and the greatest number that a pixel holds.
        then: What they become.

    Example:
        >>> rescaled(jnp.array([0.0, 255.0]), (0, 255), (-2, 3)).tolist()
        [-2.0, 3.0]
    """
    if now == then:
        return pixels
    (a, b), (c, d) = now, then
    return (pixels - a) / (b - a) * (d - c) + c


def whole_levels(pixels: Array, dtype: Any, count: int = 256) -> Array:
    """Return which of the levels from 0 to `count - 1` pixels have reached.

    A number that misses a level by no more than its dtype rounds is at the level: so an image of bytes divided by 255
    has the levels that it had before.

    Args:
        pixels: Floats from 0 to `count - 1`.
        dtype: The dtype in which they came.
        count: How many levels there are.

    Example:
        >>> whole_levels(jnp.array([0.0, 2.99999, 3.5, 300.0]), "float32").tolist()
        [0, 3, 3, 255]
    """
    rounding = min(0.5, count * float(jnp.finfo(dtype).eps))
    return jnp.clip(jnp.floor(pixels + rounding), 0, count - 1).astype("int32")
