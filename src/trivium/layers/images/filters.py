"""Layers that make each pixel out of its neighbors: sharper or softer images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from trivium import ops
from trivium.layers.images.base import ImageShape
from trivium.layers.images.drawing import between, chosen
from trivium.layers.images.pixels import GradedLayer, PixelLayer, each
from trivium.layers.images.settings import Factor, ValueRange, factor_of
from trivium.layers.registry import LAYERS
from trivium.layers.spatial import sizes_of
from trivium.state.seeds import Seed
from trivium.state.types import Array

__all__ = ["RandomGaussianBlur", "RandomSharpness"]


@LAYERS.register()
class RandomSharpness(GradedLayer):
    """While training, makes each image sharper or softer, by its distance from a smoothed one.

    The smoothed image is the mean of 3 by 3 pixels in which the middle one counts 5 times; pixels at the edges stay.

    Args:
        factor: Two numbers from 0 to 1, between which it is drawn for each image: 0 gives the smoothed image, 0.5 the
            image itself, 1 one that is as far from the smoothed one again. One number `f` stands for `(0, f)`.
        value_range: The least and the greatest number that a pixel holds; results are clipped to it.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        seed: A whole number; by the global seed where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: `factor` or `value_range` is out of its range.

    Example:
        >>> import numpy as np
        >>> dot = np.zeros((3, 3, 1)); dot[1, 1] = 130
        >>> [RandomSharpness((f, f))(dot)[1, 1].item() for f in (0, 0.5, 1)]
        [50.0, 130.0, 210.0]

    Reference:
        Cubuk et al., "AutoAugment", 2018, https://arxiv.org/abs/1805.09501; Pillow's `ImageEnhance.Sharpness`.
    """

    def _draw(self, shape: ImageShape, seed: Seed) -> Any:
        return {"factor": between((shape.batch,), self.factor, seed)}

    def _changed(self, pixels: Array, transformation: Any) -> Any:
        around: Any = pixels
        inside = pixels
        for axis in self._spatial_axes:
            around = sum(_shifted(around, axis, k, 3) for k in range(3))
            inside = _shifted(inside, axis, 1, 3)
        smoothed = (around + 4 * inside) / 13
        margins = [(1, 1) if a - 4 in self._spatial_axes else (0, 0) for a in range(4)]
        # What the smoothed image lacks of the image; nothing at the edges, which stay.
        lacking = jnp.pad(inside - smoothed, margins)
        more = 2 * each(transformation["factor"], pixels) - 1
        return ops.clip(pixels + more * lacking, *self.value_range)


@LAYERS.register()
class RandomGaussianBlur(PixelLayer):
    """While training, blurs some images by a normal distribution; the pixels at the edges go on outside.

    Args:
        factor: The chance of an image: two numbers from 0 to 1, between which it is drawn for each image; one number
            `f` stands for `(0, f)`, which makes the chance `f / 2` on the whole.
        kernel_size: How many rows and columns count for a pixel: an odd number, or two.
        sigma: The standard deviation, in pixels: two numbers, between which it is drawn for each image along both
            axes; one number `s` stands for `(0, s)`.
        value_range: The least and the greatest number that a pixel holds; results are clipped to it.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        seed: A whole number; by the global seed where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: A setting is out of its range.

    Example:
        >>> import numpy as np
        >>> dot = np.zeros((3, 3, 1)); dot[1, 1] = 255
        >>> RandomGaussianBlur((1, 1), sigma=(1, 1))(dot)[1].ravel().astype(int).tolist()
        [31, 52, 31]
    """

    def __init__(
        self,
        factor: Factor = 1.0,
        kernel_size: int | Sequence[int] = 3,
        sigma: Factor = 1.0,
        value_range: ValueRange = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, data_format=data_format, **kwargs)
        sizes = sizes_of(self, 2, kernel_size=kernel_size)
        if not all(n % 2 for n in sizes):
            raise ValueError(
                f"{type(self).__name__}: `kernel_size` is odd, so that a pixel is in the middle of its neighbors; got "
                f"{kernel_size!r}."
            )
        self._set(
            factor=factor_of(self, (0, 1), factor=factor),
            kernel_size=sizes,
            sigma=factor_of(self, (0, float("inf")), sigma=sigma),
        )
        self._set_seed(seed)

    def _draw(self, shape: ImageShape, seed: Seed) -> Any:
        blurred = chosen(shape.batch, self.factor, seed)
        # A deviation of 0 leaves the image as it is; this little does, too, and can be divided by.
        sigma = between((shape.batch, 2), self.sigma, seed) + 1e-6
        return {"should_apply_blur": blurred, "blur_factor": sigma}

    def _changed(self, pixels: Array, transformation: Any) -> Any:
        blurred = pixels
        for i, (axis, size) in enumerate(zip(self._spatial_axes, self.kernel_size, strict=True)):
            away = (jnp.arange(size) - (size - 1) / 2)[:, None]
            sigma = jnp.reshape(transformation["blur_factor"][..., i], -1).astype(pixels.dtype)
            weights = jnp.exp(-0.5 * (away / sigma) ** 2)
            weights = weights / jnp.sum(weights, 0)
            margins = [(size // 2,) * 2 if a - 4 == axis else (0, 0) for a in range(4)]
            wide = jnp.pad(blurred, margins, "edge")
            parts = (_shifted(wide, axis, k, size) * each(weights[k], pixels) for k in range(size))
            blurred = sum(parts, start=jnp.zeros((), pixels.dtype))
        apply = each(transformation["should_apply_blur"], pixels)
        return ops.clip(ops.where(apply, blurred, pixels), *self.value_range)


def _shifted(x: Array, axis: int, by: int, size: int) -> Array:
    """Return what stands at place `by` of each window of `size` along an axis."""
    return jax.lax.slice_in_dim(x, by, x.shape[axis] - size + 1 + by, axis=axis)
