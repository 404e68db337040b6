"""Images distorted: seen from another point of view, or drawn on rubber."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from trivium import ops, random
from trivium.layers.checks import number, unit_fraction
from trivium.layers.images.base import BaseImagePreprocessingLayer, ImageShape
from trivium.layers.images.boxes import moved_boxes, projected
from trivium.layers.images.drawing import between, chosen
from trivium.layers.images.settings import FILL_MODES, INTERPOLATIONS, factor_of, value_range_of
from trivium.layers.registry import LAYERS
from trivium.layers.spatial import one_of
from trivium.ops.image.batches import on_batch
from trivium.ops.image.warps import homography, stretched
from trivium.state.seeds import Seed
from trivium.state.types import Array

__all__ = ["RandomElasticTransform", "RandomPerspective"]


@LAYERS.register()
class RandomPerspective(BaseImagePreprocessingLayer):
    """While training, shows images by chance from another point of view: their corners move, straight lines stay so.

    Args:
        factor: The range of the chance that an image is changed: two numbers from 0 to 1, or one, `f`, for the range
            from 0 to `f`.
        scale: How far corners move, as a share of the image's size, from 0 to 1: each by half of it at most, in
            either direction. The corner at the top left stays.
        interpolation: `"bilinear"` or `"nearest"`.
        fill_value: What lies outside of the image.
        seed: A whole number; by the global seed where it is `None`.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: A number is out of its range, or a word is none of these.

    Example:
        >>> import numpy as np
        >>> image = np.ones((4, 4, 1))
        >>> RandomPerspective(scale=0.0)(image).round(3).tolist() == image.tolist()
        True
    """

    def __init__(
        self,
        factor: float | Sequence[float] = 1.0,
        scale: float = 1.0,
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self._set(
            factor=factor_of(self, (0, 1), factor=factor),
            scale=unit_fraction(self, scale=scale),
            interpolation=one_of(self, INTERPOLATIONS, interpolation=interpolation),
            fill_value=number(self, fill_value=fill_value),
        )
        self._set_seed(seed)

    def _draw(self, shape: ImageShape, seed: Seed) -> Any:
        batch, height, width, _ = shape
        apply = chosen(batch, self.factor, seed)
        shares = between((batch, 4, 2), (-0.5, 0.5), seed, scale=self.scale)
        x, y = jnp.float32(width - 1), jnp.float32(height - 1)
        none = jnp.zeros_like(x)
        corners = jnp.stack([none, none, x, none, none, y, x, y]).reshape(1, 4, 2)
        starts = jnp.broadcast_to(corners, (batch, 4, 2))
        return {
            "apply_perspective": apply, "start_points": starts, "end_points": starts + starts * shares,
            "size": (height, width),
        }  # fmt: skip

    def _transform_images(self, images: Array, transformation: Any) -> Any:
        return self._seen(images, transformation, self.interpolation)

    def _transform_masks(self, masks: Array, transformation: Any) -> Any:
        return self._seen(masks, transformation, "nearest")

    def _seen(self, images: Array, transformation: Any, interpolation: str) -> Any:
        points = transformation["start_points"], transformation["end_points"]
        changed = ops.image.perspective_transform(
            images, *points, interpolation, self.fill_value, self.data_format
        )
        return ops.where(transformation["apply_perspective"][:, None, None, None], changed, images)

    def _transform_boxes(self, bounding_boxes: dict[str, Any], transformation: Any) -> Any:
        apply = transformation["apply_perspective"][:, None, None]
        sources = homography(transformation["start_points"], transformation["end_points"])

        def move(corners: Array) -> Any:
            return jnp.where(apply, projected(corners, sources), corners)

        sizes = (transformation["size"],) * 2
        return moved_boxes(bounding_boxes, self.bounding_box_format, *sizes, move)


@LAYERS.register()
class RandomElasticTransform(BaseImagePreprocessingLayer):
    """While training, distorts images by chance as if they were drawn on rubber: neighbors move alike.

    Masks are distorted as their images are. What becomes of bounding boxes is not known.

    Args:
        factor: The range of the chance that an image is changed: two numbers from 0 to 1, or one, `f`, for the range
            from 0 to `f`.
        scale: The range of the strength, which is drawn for the whole batch, likewise. With a strength of 1, noise is
            blurred by a normal distribution with a twentieth of the smaller side as its standard deviation, and
            multiplied by a tenth of the larger side.
        interpolation: `"bilinear"` or `"nearest"`.
        fill_mode: What lies outside of the image; as for `RandomRotation`.
        fill_value: What lies outside with `fill_mode="constant"`.
        value_range: The least and the greatest number that a pixel holds, to which images are cut.
        seed: A whole number; by the global seed where it is `None`.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: A number is out of its range, or a word is none of these.

    Example:
        >>> import numpy as np
        >>> image = np.tile(np.arange(8.0), (8, 1))[..., None]
        >>> distorted = RandomElasticTransform((1.0, 1.0), (1.0, 1.0), seed=1)(image)
        >>> bool(0 < abs(distorted - image).max() < 2)
        True

    Reference:
        Simard, Steinkraus and Platt, "Best Practices for Convolutional Neural Networks Applied to Visual Document
        Analysis", ICDAR 2003, https://doi.org/10.1109/ICDAR.2003.1227801
    """

    def __init__(
        self,
        factor: float | Sequence[float] = 1.0,
        scale: float | Sequence[float] = 1.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self._set(
            factor=factor_of(self, (0, 1), factor=factor),
            scale=factor_of(self, (0, 1), scale=scale),
            interpolation=one_of(self, INTERPOLATIONS, interpolation=interpolation),
            fill_mode=one_of(self, FILL_MODES, fill_mode=fill_mode),
            fill_value=number(self, fill_value=fill_value),
            value_range=value_range_of(self, value_range),
        )
        self._set_seed(seed)

    def _draw(self, shape: ImageShape, seed: Seed) -> Any:
        apply = chosen(shape.batch, self.factor, seed)
        strength = between((), self.scale, seed)
        noise = random.normal((*shape[:3], 2), seed=seed)
        return {"apply_transform": apply, "distortion_factor": strength, "noise": noise}

    def _transform_images(self, images: Array, transformation: Any) -> Any:
        return ops.clip(
            self._distorted(images, transformation, self.interpolation), *self.value_range
        )

    def _transform_masks(self, masks: Array, transformation: Any) -> Any:
        return self._distorted(masks, transformation, "nearest")

    def _distorted(self, images: Array, transformation: Any, interpolation: str) -> Any:
        strength, noise = transformation["distortion_factor"], transformation["noise"]
        height, width = noise.shape[1:3]
        # How far the blur reaches has to be known beforehand; its standard deviation is drawn.
        reach = 2 * int(3 * 0.05 * self.scale[1] * min(height, width)) + 1
        sigma = jnp.maximum(0.05 * strength * min(height, width), 1e-3)
        alpha = 0.1 * strength * max(height, width)
        way = interpolation, self.fill_mode, self.fill_value
        changed = on_batch(
            lambda x: stretched(x, noise, alpha, sigma, reach, *way), images, self.data_format
        )
        return jnp.where(transformation["apply_transform"][:, None, None, None], changed, images)
