"""Mirrored images."""

from __future__ import annotations

from typing import Any

from trivium import ops, random
from trivium.layers.images.base import BaseImagePreprocessingLayer, ImageShape
from trivium.layers.images.boxes import moved_boxes
from trivium.layers.registry import LAYERS
from trivium.layers.spatial import one_of
from trivium.state.seeds import Seed
from trivium.state.types import Array

__all__ = ["RandomFlip"]

_MODES = ("horizontal", "vertical", "horizontal_and_vertical")


@LAYERS.register()
class RandomFlip(BaseImagePreprocessingLayer):
    """While training, mirrors each image, or leaves it, with equal chances.

    Args:
        mode: `"horizontal"` (left becomes right), `"vertical"` (top becomes bottom) or `"horizontal_and_vertical"`:
            both at once, which turns the image upside down.
        seed: A whole number; by the global seed where it is `None`.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: `mode` is another word.

    Example:
        >>> import numpy as np
        >>> images = np.array([[[[1.0], [2.0]]]] * 100)
        >>> flipped = RandomFlip("horizontal", seed=1)(images)
        >>> sorted(set(map(tuple, flipped.reshape(100, 2).tolist())))
        [(1.0, 2.0), (2.0, 1.0)]
    """

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self._set(mode=one_of(self, _MODES, mode=mode))
        self._set_seed(seed)

    def _draw(self, shape: ImageShape, seed: Seed) -> Any:
        flips = random.uniform((shape.batch, 1, 1, 1), seed=seed) <= 0.5
        return {"flips": flips, "size": (shape.height, shape.width)}

    def _transform_images(self, images: Array, transformation: Any) -> Any:
        height, width = self._spatial_axes
        axes = [a for a, word in ((width, "horizontal"), (height, "vertical")) if word in self.mode]
        return ops.where(transformation["flips"], ops.flip(images, axes), images)

    def _transform_masks(self, masks: Array, transformation: Any) -> Any:
        return self._transform_images(masks, transformation)

    def _transform_boxes(self, bounding_boxes: dict[str, Any], transformation: Any) -> Any:
        flips, (height, width) = transformation["flips"], transformation["size"]

        def mirrored(corners: Array) -> Any:
            left, top, right, bottom = (corners[..., i] for i in range(4))
            if "horizontal" in self.mode:
                left, right = width - right, width - left
            if "vertical" in self.mode:
                top, bottom = height - bottom, height - top
            return ops.where(flips[:, 0], ops.stack([left, top, right, bottom], -1), corners)

        size = height, width
        return moved_boxes(bounding_boxes, self.bounding_box_format, size, size, mirrored)
