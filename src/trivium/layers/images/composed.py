"""Layers that are made of others: what they share, and those that run all of them in a row."""

from __future__ import annotations

from typing import Any

from trivium.layers.images.base import BaseImagePreprocessingLayer, ImageShape
from trivium.layers.images.colors import (
    RandomBrightness,
    RandomContrast,
    RandomHue,
    RandomSaturation,
)
from trivium.layers.images.pixels import SteadyLayer
from trivium.layers.images.settings import Factor, ValueRange, value_range_of
from trivium.layers.registry import LAYERS
from trivium.state.seeds import Seed
from trivium.state.types import Array

__all__ = ["Composed", "RandomColorJitter"]


class Composed(BaseImagePreprocessingLayer):
    """A layer made of others, which are attributes by the names in `_names`, and draw from its generator."""

    _names: tuple[str, ...]

    def _keep(self, name: str, layer: BaseImagePreprocessingLayer) -> None:
        layer.generator = self.generator
        setattr(self, name, layer)

    def _shared(self) -> dict[str, Any]:
        """Return the settings that the layers have from this one."""
        return {"data_format": self.data_format, "dtype": self.dtype_policy}

    def _parts(self) -> dict[str, BaseImagePreprocessingLayer]:
        return {name: getattr(self, name) for name in self._names}

    def _draws(self, shape: ImageShape, seed: Seed) -> dict[str, Any]:
        """Draw for each of the layers, one that draws nothing excepted."""
        return {
            name: None if isinstance(layer, SteadyLayer) else layer._draw(shape, seed)
            for name, layer in self._parts().items()
        }


@LAYERS.register()
class RandomColorJitter(Composed):
    """While training, changes the brightness, the contrast, the saturation and the hue of each image, in this order.

    Args:
        value_range: The least and the greatest number that a pixel holds.
        brightness_factor: As for `RandomBrightness`; that step is left out where it is `None`.
        contrast_factor: As for `RandomContrast`, likewise.
        saturation_factor: As for `RandomSaturation`, likewise.
        hue_factor: As for `RandomHue`, likewise.
        seed: A whole number; by the global seed where it is `None`.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: A setting is out of its range; or an image has not three channels, and saturation or hue change.

    Example:
        >>> import numpy as np
        >>> layer = RandomColorJitter(brightness_factor=(0.2, 0.2), saturation_factor=(0, 0))
        >>> layer(np.array([[[100.0, 50.0, 0.0]]]))[0, 0].tolist()
        [151.0, 151.0, 151.0]
    """

    def __init__(
        self,
        value_range: ValueRange = (0, 255),
        brightness_factor: Factor | None = None,
        contrast_factor: Factor | None = None,
        saturation_factor: Factor | None = None,
        hue_factor: Factor | None = None,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        value_range = value_range_of(self, value_range)
        self._set(
            value_range=value_range, brightness_factor=brightness_factor, contrast_factor=contrast_factor,
            saturation_factor=saturation_factor, hue_factor=hue_factor,
        )  # fmt: skip
        self._set_seed(seed)
        steps: dict[str, tuple[Any, Any]] = {
            "random_brightness": (RandomBrightness, brightness_factor),
            "random_contrast": (RandomContrast, contrast_factor),
            "random_saturation": (RandomSaturation, saturation_factor),
            "random_hue": (RandomHue, hue_factor),
        }
        self._names = tuple(name for name, (_, factor) in steps.items() if factor is not None)
        for name in self._names:
            kind, factor = steps[name]
            self._keep(name, kind(factor, value_range, **self._shared()))

    def _draw(self, shape: ImageShape, seed: Seed) -> Any:
        return self._draws(shape, seed)

    def _transform_images(self, images: Array, transformation: Any) -> Any:
        for name, layer in self._parts().items():
            images = layer.transform_images(images, transformation[name])
        return images

    def _transform_boxes(self, bounding_boxes: dict[str, Any], transformation: Any) -> Any:
        return bounding_boxes

    def _transform_masks(self, masks: Array, transformation: Any) -> Any:
        return masks
