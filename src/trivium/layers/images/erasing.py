"""Images with a part of them erased."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from trivium import ops, random
from trivium.layers.checks import number
from trivium.layers.images.base import ColorLayer, ImageShape
from trivium.layers.images.drawing import between, chosen
from trivium.layers.images.settings import factor_of, value_range_of
from trivium.layers.registry import LAYERS
from trivium.state.seeds import Seed
from trivium.state.types import Array

__all__ = ["RandomErasing"]


@LAYERS.register()
class RandomErasing(ColorLayer):
    """While training, erases by chance a rectangle of each image. Labels, boxes and masks stay as they are.

    Args:
        factor: The range of the chance that an image is changed: two numbers from 0 to 1, or one, `f`, for the range
            from 0 to `f`.
        scale: The range of the rectangle's size, likewise. Both sides are drawn apart, each as a square of a share of
            the image's.
        fill_value: What is put there: a number, or one for each channel; noise where it is `None`.
        value_range: The least and the greatest number that a pixel holds. The noise is normal, times the greatest,
            and cut to the range.
        seed: A whole number; by the global seed where it is `None`.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: A number is out of its range, or there is not one fill value for each channel.

    Example:
        >>> import numpy as np
        >>> image = np.ones((8, 8, 3))
        >>> erased = RandomErasing((1.0, 1.0), (0.25, 0.25), fill_value=0.0, seed=1)(image)
        >>> int((erased[..., 0] == 0).sum())
        16

    Reference:
        Zhong et al., "Random Erasing Data Augmentation", AAAI 2020, https://arxiv.org/abs/1708.04896
    """

    def __init__(
        self,
        factor: float | Sequence[float] = 1.0,
        scale: float | Sequence[float] = (0.02, 0.33),
        fill_value: float | Sequence[float] | None = None,
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        each = fill_value if isinstance(fill_value, Sequence) else [fill_value]
        for value in each if fill_value is not None else ():
            number(self, fill_value=value)
        self._set(
            factor=factor_of(self, (0, 1), factor=factor),
            scale=factor_of(self, (0, 1), scale=scale),
            fill_value=fill_value,
            value_range=value_range_of(self, value_range),
        )
        self._set_seed(seed)

    def _draw(self, shape: ImageShape, seed: Seed) -> Any:
        shares = ops.sqrt(between((shape.batch, 2), self.scale, seed))
        sides = []
        for i, size in enumerate((shape.width, shape.height)):
            length = shares[:, i] * size
            start = random.uniform((shape.batch,), seed=seed) * (size - length)
            cells = jnp.arange(size)
            sides.append((cells >= start[:, None]) & (cells < (start + length)[:, None]))
        masks = sides[1][:, :, None] & sides[0][:, None, :]
        return {
            "batch_masks": ops.expand_dims(masks, self._channel_axis),
            "apply_erasing": chosen(shape.batch, self.factor, seed),
            "fill_value": self._fill(shape, seed),
        }

    def _fill(self, shape: ImageShape, seed: Seed) -> Any:
        """Return what is put in the rectangles, in a shape that broadcasts to the images."""
        batch, height, width, channels = shape
        first = self.data_format == "channels_first"
        if self.fill_value is None:
            sizes = (batch, channels, height, width) if first else shape
            fill = random.normal(tuple(sizes), seed=seed) * self.value_range[1]
        else:
            fill = jnp.asarray(self.fill_value, "float32")
            if fill.ndim and fill.shape != (channels,):
                raise ValueError(
                    f"Layer {self.path!r} (RandomErasing): `fill_value` is a number, or one for each of the "
                    f"{channels} channels; got {self.fill_value!r}."
                )
            fill = fill.reshape(-1, 1, 1) if fill.ndim and first else fill
        return ops.clip(fill, *self.value_range)

    def _transform_images(self, images: Array, transformation: Any) -> Any:
        apply = transformation["apply_erasing"][:, None, None, None]
        erased = ops.logical_and(transformation["batch_masks"], apply)
        return ops.where(erased, ops.cast(transformation["fill_value"], images.dtype), images)
