"""Images turned, stretched, moved and sheared: each pixel comes from another place, by a transform for each image."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from trivium import ops, random
from trivium.layers.images.base import BaseImagePreprocessingLayer, ImageShape
from trivium.layers.images.boxes import moved_boxes, projected
from trivium.layers.images.drawing import between
from trivium.layers.images.settings import FILL_MODES, INTERPOLATIONS, Factor, factor_of
from trivium.layers.registry import LAYERS
from trivium.layers.spatial import one_of
from trivium.state.seeds import Seed
from trivium.state.types import Array

__all__ = ["RandomRotation", "RandomShear", "RandomTranslation", "RandomZoom", "Warp"]


class Warp(BaseImagePreprocessingLayer):
    """While training, samples each image at other places than its pixels. Subclasses say which, in `_sources`.

    Masks are sampled at the same places, with the nearest pixel. Boxes go where their corners go, and are the boxes
    around them then.
    """

    def _set_warp(
        self, fill_mode: str, interpolation: str, seed: int | None, fill_value: float
    ) -> None:
        self._set(
            fill_mode=one_of(self, FILL_MODES, fill_mode=fill_mode),
            interpolation=one_of(self, INTERPOLATIONS, interpolation=interpolation),
            fill_value=fill_value,
        )
        self._set_seed(seed)

    def _sources(self, transformation: Any) -> Array:
        """Return where each pixel comes from, shape `(batch, 8)`; see `ops.image.affine_transform`."""
        raise NotImplementedError

    def _transform_images(self, images: Array, transformation: Any) -> Any:
        return self._sampled(images, transformation, self.interpolation)

    def _transform_masks(self, masks: Array, transformation: Any) -> Any:
        return self._sampled(masks, transformation, "nearest")

    def _sampled(self, images: Array, transformation: Any, interpolation: str) -> Any:
        return ops.image.affine_transform(
            images, self._sources(transformation), interpolation, self.fill_mode, self.fill_value, self.data_format
        )  # fmt: skip

    def _transform_boxes(self, bounding_boxes: dict[str, Any], transformation: Any) -> Any:
        size, sources = transformation["size"], self._sources(transformation)
        return moved_boxes(
            bounding_boxes, self.bounding_box_format, size, size, lambda corners: projected(corners, sources)
        )  # fmt: skip


def _rows(*numbers: Any) -> Any:
    """Return the eight numbers of a transform for each image; the last two, of a projection, are 0."""
    return jnp.stack([*jnp.broadcast_arrays(*numbers, 0.0, 0.0)], -1)


@LAYERS.register()
class RandomRotation(Warp):
    """While training, turns each image about its middle by an angle drawn for it.

    Args:
        factor: The range of the angle, in full turns against the clock: two numbers from -1 to 1, or one, `f`, for
            the range from `-f` to `f`.
        fill_mode: What lies outside of the image, with `abcd` inside: `"reflect"` (`ba|abcd|dc`), `"wrap"`
            (`cd|abcd|ab`), `"nearest"` (`aa|abcd|dd`) or `"constant"` (`fill_value`).
        interpolation: What is taken between pixels: `"bilinear"` mixes them, `"nearest"` takes the nearest.
        seed: A whole number; by the global seed where it is `None`.
        fill_value: What lies outside with `"constant"`.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: `factor` is out of its range, or a word is none of these.

    Example:
        >>> import numpy as np
        >>> image = np.array([[1.0, 2.0], [4.0, 3.0]])[..., None]
        >>> RandomRotation((0.25, 0.25))(image)[..., 0].round().tolist()
        [[2.0, 3.0], [1.0, 4.0]]
    """

    def __init__(
        self,
        factor: Factor,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self._set(factor=factor_of(self, (-1, 1), factor=factor))
        self._set_warp(fill_mode, interpolation, seed, fill_value)

    def _draw(self, shape: ImageShape, seed: Seed) -> Any:
        angle = between((shape.batch,), self.factor, seed, scale=360.0)
        return {"angle": angle, "size": (shape.height, shape.width)}

    def _sources(self, transformation: Any) -> Any:
        height, width = transformation["size"]
        angle = jnp.deg2rad(transformation["angle"])
        sine, cosine, x, y = jnp.sin(angle), jnp.cos(angle), (width - 1) / 2, (height - 1) / 2
        return _rows(
            cosine, -sine, x - x * cosine + y * sine, sine, cosine, y - x * sine - y * cosine
        )


@LAYERS.register()
class RandomZoom(Warp):
    """While training, stretches or shrinks each image about its middle by factors drawn for it.

    Args:
        height_factor: The range of how much more of the height is seen, as a share of it: two numbers above -1 and at
            most 1, or one, `f`, for the range from `-f` to `f`. Positive numbers show the image smaller, negative
            ones larger.
        width_factor: Likewise for the width. Where it is `None`, the width is stretched as the height is, and the
            proportions stay.
        fill_mode: What lies outside of the image; as for `RandomRotation`.
        interpolation: `"bilinear"` or `"nearest"`.
        seed: A whole number; by the global seed where it is `None`.
        fill_value: What lies outside with `fill_mode="constant"`.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: A factor is out of its range, or a word is none of these.

    Example:
        >>> import numpy as np
        >>> image = np.arange(4.0).reshape(1, 4, 1)
        >>> RandomZoom((-0.5, -0.5))(image).ravel().tolist()
        [0.75, 1.25, 1.75, 2.25]
    """

    def __init__(
        self,
        height_factor: Factor,
        width_factor: Factor | None = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self._set(height_factor=height_factor, width_factor=width_factor)
        for name in ("height_factor", "width_factor")[: 1 if width_factor is None else 2]:
            self._range(name)
        self._set_warp(fill_mode, interpolation, seed, fill_value)

    def _range(self, name: str) -> tuple[float, float]:
        given = getattr(self, name)
        lower, upper = factor_of(self, (-1, 1), **{name: given})
        if lower == -1 and given != 1:
            raise ValueError(
                f"RandomZoom: `{name}` is above -1, at which nothing is seen of the image; got {given!r}."
            )
        return lower, upper

    def _draw(self, shape: ImageShape, seed: Seed) -> Any:
        def zoom(name: str) -> Any:
            return between((shape.batch, 1), self._range(name), seed, offset=1.0)

        height = zoom("height_factor")
        width = height if self.width_factor is None else zoom("width_factor")
        return {"height_zoom": height, "width_zoom": width, "size": (shape.height, shape.width)}

    def _sources(self, transformation: Any) -> Any:
        height, width = transformation["size"]
        x, y = transformation["width_zoom"][:, 0], transformation["height_zoom"][:, 0]
        return _rows(x, 0.0, (width - 1) / 2 * (1 - x), 0.0, y, (height - 1) / 2 * (1 - y))


@LAYERS.register()
class RandomTranslation(Warp):
    """While training, moves each image by a distance drawn for it.

    Args:
        height_factor: The range of how far down, as a share of the height: two numbers from -1 to 1, or one, `f`, for
            the range from `-f` to `f`.
        width_factor: The range of how far to the right, as a share of the width, likewise.
        fill_mode: What lies outside of the image; as for `RandomRotation`.
        interpolation: `"bilinear"` or `"nearest"`.
        seed: A whole number; by the global seed where it is `None`.
        fill_value: What lies outside with `fill_mode="constant"`.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: A factor is out of its range, or a word is none of these.

    Example:
        >>> import numpy as np
        >>> image = np.arange(4.0).reshape(1, 4, 1)
        >>> RandomTranslation(0.0, (0.25, 0.25), fill_mode="constant")(image).ravel().tolist()
        [0.0, 0.0, 1.0, 2.0]
    """

    def __init__(
        self,
        height_factor: Factor,
        width_factor: Factor,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        factor_of(self, (-1, 1), height_factor=height_factor)
        factor_of(self, (-1, 1), width_factor=width_factor)
        self._set(height_factor=height_factor, width_factor=width_factor)
        self._set_warp(fill_mode, interpolation, seed, fill_value)

    def _draw(self, shape: ImageShape, seed: Seed) -> Any:
        def distance(size: Any, **factor: Any) -> Any:
            return between((shape.batch, 1), factor_of(self, (-1, 1), **factor), seed) * size

        down = distance(shape.height, height_factor=self.height_factor)
        right = distance(shape.width, width_factor=self.width_factor)
        moves = ops.concatenate([right, down], 1)
        return {"translations": moves, "size": (shape.height, shape.width)}

    def _sources(self, transformation: Any) -> Any:
        moves = transformation["translations"]
        return _rows(1.0, 0.0, -moves[:, 0], 0.0, 1.0, -moves[:, 1])


@LAYERS.register()
class RandomShear(Warp):
    """While training, shears each image by factors drawn for it: rows are shifted against each other, or columns.

    The corner at the top left stays. Both shears of an image go the same way, or both the other way, by chance.

    Args:
        x_factor: The range of how far a row is shifted against the one above it, in pixels: two numbers, or one, `f`,
            for the range from `-f` to `f`; at most 1.
        y_factor: Likewise for a column and the one on its left.
        interpolation: `"bilinear"` or `"nearest"`.
        fill_mode: What lies outside of the image; as for `RandomRotation`.
        fill_value: What lies outside with `fill_mode="constant"`.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        seed: A whole number; by the global seed where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: A factor is out of its range, or a word is none of these.

    Example:
        >>> import numpy as np
        >>> image = np.tile(np.arange(3.0), (2, 1))[..., None]
        >>> sheared = RandomShear((1.0, 1.0), fill_mode="nearest", seed=0)(image)
        >>> sheared[0, :, 0].tolist(), sheared[1, :, 0].tolist() in ([1.0, 2.0, 2.0], [0.0, 0.0, 1.0])
        ([0.0, 1.0, 2.0], True)
    """

    def __init__(
        self,
        x_factor: Factor = 0.0,
        y_factor: Factor = 0.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self._set(
            x_factor=factor_of(self, (-1, 1), x_factor=x_factor),
            y_factor=factor_of(self, (-1, 1), y_factor=y_factor),
        )
        self._set_warp(fill_mode, interpolation, seed, fill_value)

    def _draw(self, shape: ImageShape, seed: Seed) -> Any:
        sign = ops.where(random.uniform((shape.batch, 1), seed=seed) > 0.5, -1.0, 1.0)
        y = between((shape.batch, 1), self.y_factor, seed)
        x = between((shape.batch, 1), self.x_factor, seed)
        return {
            "shear_factor": ops.concatenate([x, y], 1) * sign,
            "size": (shape.height, shape.width),
        }

    def _sources(self, transformation: Any) -> Any:
        shear = transformation["shear_factor"]
        return _rows(1.0, shear[:, 0], 0.0, shear[:, 1], 1.0, 0.0)
