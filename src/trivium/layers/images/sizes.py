"""Images of another size: resampled, or cut in the middle or anywhere."""

from __future__ import annotations

from typing import Any, TypeAlias

import jax
import jax.numpy as jnp

from trivium import ops, random
from trivium.layers.checks import flag, number, positive_int
from trivium.layers.images.base import BaseImagePreprocessingLayer, ImageShape
from trivium.layers.images.boxes import moved_boxes
from trivium.layers.registry import LAYERS
from trivium.layers.spatial import one_of
from trivium.ops.image.sizes import window
from trivium.state.dtypes import is_float
from trivium.state.seeds import Seed
from trivium.state.types import Array

__all__ = ["CenterCrop", "RandomCrop", "Resizing", "Window"]

# A place or a length along an axis: a number, unless it is drawn, or an axis of unknown size.
_Length: TypeAlias = int | Array
# The top, the left, the height and the width of a part of an image.
_Part: TypeAlias = tuple[_Length, _Length, _Length, _Length]

_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


class Window(BaseImagePreprocessingLayer):
    """Makes a part of each image the whole image of a size, in training and inference.

    Subclasses say which part, in `_window`: its top, left, height and width. It may reach out of the image.
    """

    _always = True

    def _set_size(self, height: int, width: int) -> None:
        self._set(height=positive_int(self, height=height), width=positive_int(self, width=width))

    def _draw(self, shape: ImageShape, seed: Seed) -> Any:
        return {"size": (shape.height, shape.width)}

    def _window(self, transformation: Any) -> _Part:
        raise NotImplementedError

    def _size_of(self, images: Array) -> tuple[int, int]:
        height, width = self._spatial_axes
        return images.shape[height], images.shape[width]

    def _resized(self, images: Array, interpolation: str = "bilinear") -> Array:
        """Return the largest part in the middle that has the new proportions, resampled."""
        return ops.image.resize(
            images, (self.height, self.width), interpolation, crop_to_aspect_ratio=True, data_format=self.data_format
        )  # fmt: skip

    def _transform_boxes(self, bounding_boxes: dict[str, Any], transformation: Any) -> Any:
        top, left, height, width = self._window(transformation)
        across, down = self.width / width, self.height / height

        # In float32 whatever the images are in: half types cannot count the pixels of a large image.
        def move(corners: Array) -> Array:
            start = jnp.stack(jnp.broadcast_arrays(*map(jnp.float32, (left, top, left, top))))
            return (corners - start) * jnp.array([across, down, across, down], "float32")

        sizes = transformation["size"], (self.height, self.width)
        return moved_boxes(bounding_boxes, self.bounding_box_format, *sizes, move)


@LAYERS.register()
class Resizing(Window):
    """Resamples images to another size.

    Args:
        height: The new height.
        width: The new width.
        interpolation: `"bilinear"`, `"nearest"`, `"bicubic"`, `"lanczos3"` or `"lanczos5"`. Masks take the nearest
            pixel always.
        crop_to_aspect_ratio: Whether what does not fit the new proportions is cut, rather than squeezed.
        pad_to_aspect_ratio: Whether it is filled up instead.
        fill_mode: How it is filled up: `"constant"`.
        fill_value: With what.
        antialias: Whether an image that gets smaller is smoothed first, so that no pixel is left out.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: A size is not a whole number above zero, a word is none of these, or the image is to be both cut
            and filled up.

    Shapes:
        As for `BaseImagePreprocessingLayer`, with the height and the width of the layer. Whole numbers stay whole
        numbers of their dtype, rounded.

    Example:
        >>> import numpy as np
        >>> Resizing(1, 4)(np.array([[[0.0], [2.0]]])).ravel().tolist()
        [0.0, 0.5, 1.5, 2.0]
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self._set_size(height, width)
        self._set(
            interpolation=one_of(self, _INTERPOLATIONS, interpolation=interpolation),
            crop_to_aspect_ratio=flag(self, crop_to_aspect_ratio=crop_to_aspect_ratio),
            pad_to_aspect_ratio=flag(self, pad_to_aspect_ratio=pad_to_aspect_ratio),
            fill_mode=one_of(self, ("constant",), fill_mode=fill_mode),
            fill_value=number(self, fill_value=fill_value),
            antialias=flag(self, antialias=antialias),
        )
        if self.crop_to_aspect_ratio and self.pad_to_aspect_ratio:
            raise ValueError(
                "Resizing: an image is cut to its new proportions (`crop_to_aspect_ratio`) or filled up "
                "(`pad_to_aspect_ratio`), not both."
            )

    def transform_images(
        self, images: Array, transformation: Any = None, training: bool = True
    ) -> Array:
        """Return images resampled; nothing needs to be known of them.

        Args:
            images: The images.
            transformation: What `get_random_transformation` gave; not needed.
            training: Nothing depends on it.
        """
        # Whole numbers stay such: the layer often stands first, and bytes are a quarter of what floats take.
        images = ops.cast(images, self.compute_dtype) if is_float(images.dtype) else images
        return self._resampled(images, self.interpolation)

    def _transform_masks(self, masks: Array, transformation: Any) -> Array:
        return self._resampled(masks, "nearest")

    def _resampled(self, images: Array, interpolation: str) -> Array:
        return ops.image.resize(
            images, (self.height, self.width), interpolation, self.antialias and interpolation != "nearest",
            self.crop_to_aspect_ratio, self.pad_to_aspect_ratio, self.fill_mode, self.fill_value, self.data_format,
        )  # fmt: skip

    def _window(self, transformation: Any) -> _Part:
        target, ways = (
            (self.height, self.width),
            (self.crop_to_aspect_ratio, self.pad_to_aspect_ratio),
        )
        return window(transformation["size"], target, *ways)


@LAYERS.register()
class CenterCrop(Window):
    """Cuts the middle out of images.

    Of an image that is too small, the largest part in the middle with the new proportions is resampled to the size.

    Args:
        height: The height of the part.
        width: Its width.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: A size is not a whole number above zero.

    Shapes:
        As for `BaseImagePreprocessingLayer`, with the height and the width of the layer.

    Example:
        >>> import numpy as np
        >>> image = np.arange(16.0).reshape(4, 4, 1)
        >>> CenterCrop(2, 2)(image)[..., 0].tolist()
        [[5.0, 6.0], [9.0, 10.0]]
    """

    def __init__(
        self, height: int, width: int, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self._set_size(height, width)

    def _transform_images(self, images: Array, transformation: Any) -> Array:
        return self._cut(images, "bilinear")

    def _transform_masks(self, masks: Array, transformation: Any) -> Array:
        return self._cut(masks, "nearest")

    def _fits(self, size: tuple[int, int]) -> bool:
        return bool(size[0] >= self.height and size[1] >= self.width)

    def _cut(self, images: Array, interpolation: str) -> Array:
        size = self._size_of(images)
        if not self._fits(size):
            return self._resized(images, interpolation)
        top, left = self._corner(size)
        return ops.image.crop_images(
            images, top, left, target_height=self.height, target_width=self.width, data_format=self.data_format
        )  # fmt: skip

    def _corner(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return where the part in the middle begins."""
        return (size[0] - self.height) // 2, (size[1] - self.width) // 2

    def _window(self, transformation: Any) -> _Part:
        size = transformation["size"]
        if not self._fits(size):
            return window(size, (self.height, self.width), crop=True)
        return (*self._corner(size), self.height, self.width)


@LAYERS.register()
class RandomCrop(CenterCrop):
    """While training, cuts a part of a size out of images, at a place drawn for the whole batch.

    In inference, and of images that are too small, the largest part in the middle with the new proportions is
    resampled to the size.

    Args:
        height: The height of the part.
        width: Its width.
        seed: A whole number; by the global seed where it is `None`.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: A size is not a whole number above zero.

    Shapes:
        As for `BaseImagePreprocessingLayer`, with the height and the width of the layer.

    Example:
        >>> import numpy as np
        >>> image = np.arange(16.0).reshape(4, 4, 1)
        >>> part = RandomCrop(2, 2, seed=1)(image)[..., 0]
        >>> (part - part[0, 0]).tolist()
        [[0.0, 1.0], [4.0, 5.0]]
    """

    def __init__(
        self,
        height: int,
        width: int,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(height, width, data_format=data_format, **kwargs)
        self._set_seed(seed)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draw a place for all images.

        Args:
            data: What the layer is called on.
            training: Whether a place is drawn.
            seed: A whole number, a `SeedGenerator` or `None`; the layer's own generator where it is `None`.

        Returns:
            A dict with the images' `"size"`, and with the `"top"` and `"left"` of the part where they are drawn.
        """
        shape = self.shape_of(data)
        size = shape.height, shape.width
        if not training or not self._fits(size):
            return {"size": size}
        seed = self.generator if seed is None else seed
        top = random.randint((), 0, shape.height - self.height + 1, seed=seed)
        left = random.randint((), 0, shape.width - self.width + 1, seed=seed)
        return {"size": size, "top": top, "left": left}

    def _transform_images(self, images: Array, transformation: Any) -> Array:
        return self._part(images, transformation, "bilinear")

    def _transform_masks(self, masks: Array, transformation: Any) -> Array:
        return self._part(masks, transformation, "nearest")

    def _part(self, images: Array, transformation: Any, interpolation: str) -> Array:
        if "top" not in transformation:
            return self._resized(images, interpolation)
        # The size is known and the place is drawn, so one program serves all places.
        starts: list[_Length] = [0] * images.ndim
        sizes = list(images.shape)
        for axis, side, size in zip(
            self._spatial_axes, ("top", "left"), (self.height, self.width), strict=True
        ):
            starts[axis], sizes[axis] = transformation[side], size
        return jax.lax.dynamic_slice(images, starts, sizes)

    def _window(self, transformation: Any) -> _Part:
        if "top" not in transformation:
            return window(transformation["size"], (self.height, self.width), crop=True)
        return transformation["top"], transformation["left"], self.height, self.width
