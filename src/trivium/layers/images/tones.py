"""Layers that invert pixels or coarsen them, each pixel by itself."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from trivium import ops, random
from trivium.layers.checks import is_whole
from trivium.layers.images.base import ImageShape
from trivium.layers.images.drawing import between, chosen
from trivium.layers.images.pixels import GradedLayer, PixelLayer, each, rescaled, whole_levels
from trivium.layers.images.settings import Factor, ValueRange, factor_of
from trivium.layers.registry import LAYERS
from trivium.state.seeds import Seed
from trivium.state.types import Array

__all__ = ["RandomInvert", "RandomPosterization", "Solarization"]

_BYTES = (0, 255)


@LAYERS.register()
class RandomInvert(PixelLayer):
    """While training, turns some images into their negatives.

    Args:
        factor: The chance of an image: two numbers from 0 to 1, between which it is drawn for each image; one number
            `f` stands for `(0, f)`, which makes the chance `f / 2` on the whole.
        value_range: The least and the greatest number that a pixel holds, which change places.
        seed: A whole number; by the global seed where it is `None`.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: `factor` or `value_range` is out of its range.

    Example:
        >>> import numpy as np
        >>> RandomInvert((1, 1))(np.array([[[0.0, 100.0, 255.0]]]))[0, 0].tolist()
        [255.0, 155.0, 0.0]
    """

    def __init__(
        self,
        factor: Factor = 1.0,
        value_range: ValueRange = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, data_format=data_format, **kwargs)
        self._set(factor=factor_of(self, (0, 1), factor=factor))
        self._set_seed(seed)

    def _draw(self, shape: ImageShape, seed: Seed) -> Any:
        return {"apply_inversion": chosen(shape.batch, self.factor, seed)}

    def _changed(self, pixels: Array, transformation: Any) -> Any:
        inverted = sum(self.value_range) - pixels
        return ops.where(each(transformation["apply_inversion"], pixels), inverted, pixels)


@LAYERS.register()
class RandomPosterization(GradedLayer):
    """While training, keeps the highest of the 8 bits of each pixel, so that there are few levels of each color.

    Args:
        factor: How many bits are kept, from 1 to 8; or two such numbers, between which, both included, it is drawn for
            each image.
        value_range: The least and the greatest number that a pixel holds.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        seed: A whole number; by the global seed where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: `factor` is no number of bits and no two, or `value_range` is out of its range.

    Example:
        >>> import numpy as np
        >>> RandomPosterization(2)(np.array([[[63.0, 64.0, 255.0]]]))[0, 0].tolist()
        [0.0, 64.0, 192.0]

    Reference:
        Cubuk et al., "AutoAugment", 2018, https://arxiv.org/abs/1805.09501
    """

    def _ends_of(self, factor: Factor) -> tuple[float, float]:
        pair = factor_of(self, (1, 8), factor=factor)
        if not all(map(is_whole, pair)):
            raise ValueError(
                f"{type(self).__name__}: `factor` is a whole number of bits, from 1 to 8, or two; got {factor!r}."
            )
        return pair if isinstance(factor, list | tuple) else (pair[1], pair[1])

    def _draw(self, shape: ImageShape, seed: Seed) -> Any:
        least, most = self.factor
        if least == most:
            return {"shift_factor": ops.full((shape.batch,), 8 - least, "int32")}
        return {"shift_factor": 8 - random.randint((shape.batch,), least, most + 1, seed=seed)}

    def _changed(self, pixels: Array, transformation: Any) -> Any:
        levels = whole_levels(rescaled(pixels, self.value_range, _BYTES), self.compute_dtype)
        shift = ops.reshape(ops.cast(transformation["shift_factor"], "int32"), (-1, 1, 1, 1))
        kept = ops.cast((levels >> shift) << shift, pixels.dtype)
        return rescaled(kept, _BYTES, self.value_range)


@LAYERS.register()
class Solarization(PixelLayer):
    """While training, inverts the pixels of an image that are not below a threshold, as overexposed film does.

    Args:
        addition_factor: What is added to the pixels before: two numbers from 0 to 1, shares of the range of values,
            between which it is drawn for each image; one number `f` stands for `(0, f)`.
        threshold_factor: The threshold, likewise; 0 inverts all pixels.
        value_range: The least and the greatest number that a pixel holds.
        seed: A whole number; by the global seed where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: A setting is out of its range.

    Example:
        >>> import numpy as np
        >>> Solarization(0, (0.5, 0.5))(np.array([[[0.0, 100.0, 200.0]]]))[0, 0].tolist()
        [0.0, 100.0, 55.0]

    Reference:
        Cubuk et al., "AutoAugment", 2018, https://arxiv.org/abs/1805.09501
    """

    def __init__(
        self,
        addition_factor: Factor = 0.0,
        threshold_factor: Factor = 0.0,
        value_range: ValueRange = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, **kwargs)
        self._set(
            addition_factor=factor_of(self, (0, 1), addition_factor=addition_factor),
            threshold_factor=factor_of(self, (0, 1), threshold_factor=threshold_factor),
        )
        self._set_seed(seed)

    def _draw(self, shape: ImageShape, seed: Seed) -> Any:
        drawn = {"additions": self.addition_factor, "thresholds": self.threshold_factor}
        sizes = (shape.batch, 1, 1, 1)
        return {
            name: between(sizes, (255 * low, 255 * high), seed)
            for name, (low, high) in drawn.items()
        }

    def _changed(self, pixels: Array, transformation: Any) -> Any:
        pixels = rescaled(pixels, self.value_range, _BYTES)
        lighter = jnp.clip(pixels + each(transformation["additions"], pixels), *_BYTES)
        below = lighter < each(transformation["thresholds"], pixels)
        return rescaled(ops.where(below, lighter, 255 - lighter), _BYTES, self.value_range)
