"""`tf.image`: sizes, parts and turns of images."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium import ops
from trivium.compat.tensorflow.checks import check_indices
from trivium.compat.tensorflow.hosted import as_kind, hosted
from trivium.compat.written import covers
from trivium.graph import SymbolicTensor
from trivium.preprocessing.image.resampling import METHODS, resample

__all__: list[str] = []


@covers("tensorflow.image.ResizeMethod")
class _ResizeMethod:
    AREA, BICUBIC, BILINEAR, GAUSSIAN = "area", "bicubic", "bilinear", "gaussian"
    LANCZOS3, LANCZOS5, MITCHELLCUBIC = "lanczos3", "lanczos5", "mitchellcubic"
    NEAREST_NEIGHBOR = "nearest"


# -- sizes ------------------------------------------------------------------------------------------------------


@covers("tensorflow.image.resize")
@hosted
def _resize(
    xp: Any,
    images: Any,
    size: Any,
    method: str = "bilinear",
    preserve_aspect_ratio: bool = False,
    antialias: bool = False,
    name: str | None = None,
) -> Any:
    old = images.shape[-3:-1]
    height, width = (int(n) for n in np.asarray(size).tolist())
    if preserve_aspect_ratio:
        scale = min(height / old[0], width / old[1])
        height, width = (round(n * scale) for n in old)
    method = str(method).lower()
    if method not in METHODS:
        raise ValueError(
            f"tf.image.resize: `method` is one of {', '.join(METHODS)}; got {method!r}."
        )
    if method != "nearest":
        images = as_kind(images, "float32")
    if tuple(old) == (height, width) and method not in ("gaussian", "mitchellcubic"):
        return images
    if isinstance(images, SymbolicTensor) or (antialias and method not in ("nearest", "area")):
        return ops.image.resize(
            images, (height, width), method, antialias=antialias, data_format="channels_last"
        )
    return resample(images, (height, width), method)


@covers("tensorflow.image.resize_with_pad")
@hosted
def _resize_with_pad(
    xp: Any,
    image: Any,
    target_height: int,
    target_width: int,
    method: str = "bilinear",
    antialias: bool = False,
) -> Any:
    height, width = image.shape[-3:-1]
    ratio = max(width / target_width, height / target_height)
    new = int(height / ratio), int(width / ratio)
    made = _resize(image, new, method, antialias=antialias)
    top, left = int((target_height - height / ratio) / 2), int((target_width - width / ratio) / 2)
    return _pad_to_bounding_box(made, max(top, 0), max(left, 0), target_height, target_width)


@covers("tensorflow.image.resize_with_crop_or_pad")
@hosted
def _resize_with_crop_or_pad(xp: Any, image: Any, target_height: int, target_width: int) -> Any:
    height, width = image.shape[-3:-1]
    rows, columns = target_height - height, target_width - width
    image = _crop_to_bounding_box(
        image,
        max(-rows // 2, 0),
        max(-columns // 2, 0),
        min(target_height, height),
        min(target_width, width),
    )
    return _pad_to_bounding_box(
        image, max(rows // 2, 0), max(columns // 2, 0), target_height, target_width
    )


@covers("tensorflow.image.crop_to_bounding_box")
@hosted
def _crop_to_bounding_box(
    xp: Any,
    image: Any,
    offset_height: int,
    offset_width: int,
    target_height: int,
    target_width: int,
) -> Any:
    top, left, height, width = map(int, (offset_height, offset_width, target_height, target_width))
    rows, columns = image.shape[-3:-1]
    if (
        min(top, left) < 0
        or min(height, width) < 1
        or top + height > rows
        or left + width > columns
    ):
        raise ValueError(
            f"tf.image.crop_to_bounding_box: a part of {height} by {width} at ({top}, {left}) is not within an image "
            f"of {rows} by {columns}."
        )
    return image[..., top : top + height, left : left + width, :]


@covers("tensorflow.image.pad_to_bounding_box")
@hosted
def _pad_to_bounding_box(
    xp: Any,
    image: Any,
    offset_height: int,
    offset_width: int,
    target_height: int,
    target_width: int,
) -> Any:
    rows, columns = image.shape[-3:-1]
    top, left = int(offset_height), int(offset_width)
    bottom, right = int(target_height) - top - rows, int(target_width) - left - columns
    if min(top, left, bottom, right) < 0:
        raise ValueError(
            f"tf.image.pad_to_bounding_box: an image of {rows} by {columns} at ({top}, {left}) does not fit into "
            f"{target_height} by {target_width}."
        )
    widths = [[0, 0]] * (len(image.shape) - 3) + [[top, bottom], [left, right], [0, 0]]
    return xp.pad(image, widths)


@covers("tensorflow.image.central_crop")
@hosted
def _central_crop(xp: Any, image: Any, central_fraction: float) -> Any:
    if not 0 < central_fraction <= 1:
        raise ValueError(
            f"tf.image.central_crop: `central_fraction` lies in (0, 1]; got {central_fraction}."
        )
    rows, columns = image.shape[-3:-1]
    top, left = (int((n - n * central_fraction) / 2) for n in (rows, columns))
    return image[..., top : rows - top, left : columns - left, :]


@covers("tensorflow.image.crop_and_resize")
def _crop_and_resize(
    image: Any,
    boxes: Any,
    box_indices: Any,
    crop_size: Any,
    method: str = "bilinear",
    extrapolation_value: float = 0.0,
    name: str | None = None,
) -> Any:
    size = tuple(int(n) for n in np.asarray(crop_size).tolist())
    if method not in ("bilinear", "nearest"):
        raise ValueError(
            f"tf.image.crop_and_resize: `method` is 'bilinear' or 'nearest'; got {method!r}."
        )
    count = ops.shape(image)[0]
    check_indices("tf.image.crop_and_resize, box_indices", box_indices, count, "OUT_OF_RANGE")
    return _cropped(
        ops.cast(image, "float32"),
        ops.cast(boxes, "float32"),
        ops.cast(box_indices, "int32"),
        size,
        method == "nearest",
        extrapolation_value,
    )


@functools.partial(jax.jit, static_argnums=(3, 4))
def _cropped(
    image: Any, boxes: Any, which: Any, size: tuple[int, int], nearest: bool, outside: Any
) -> Any:
    """Return parts of images in one size: `boxes` as shares of the images' height and width."""
    rows, columns = image.shape[1:3]

    def places(low: Any, high: Any, old: int, new: int) -> Any:
        if new == 1:
            return (0.5 * (low + high) * (old - 1))[:, None]
        step = (high - low) * (old - 1) / (new - 1)
        return low[:, None] * (old - 1) + jnp.arange(new) * step[:, None]

    ys = places(boxes[:, 0], boxes[:, 2], rows, size[0])[:, :, None]
    xs = places(boxes[:, 1], boxes[:, 3], columns, size[1])[:, None, :]

    def pixels(y: Any, x: Any) -> Any:
        y, x = jnp.clip(y, 0, rows - 1), jnp.clip(x, 0, columns - 1)
        return image[which[:, None, None], y.astype("int32"), x.astype("int32")]

    if nearest:
        made = pixels(jnp.floor(ys + 0.5), jnp.floor(xs + 0.5))
    else:
        top, left = jnp.floor(ys), jnp.floor(xs)
        down, right = (ys - top)[..., None], (xs - left)[..., None]
        upper = pixels(top, left) * (1 - right) + pixels(top, left + 1) * right
        lower = pixels(top + 1, left) * (1 - right) + pixels(top + 1, left + 1) * right
        made = upper * (1 - down) + lower * down
    inside = (ys >= 0) & (ys <= rows - 1) & (xs >= 0) & (xs <= columns - 1)
    return jnp.where(inside[..., None], made, outside)


@covers("tensorflow.image.extract_patches")
def _extract_patches(
    images: Any, sizes: Any, strides: Any, rates: Any, padding: str, name: str | None = None
) -> Any:
    return ops.image.extract_patches(
        images,
        list(sizes[1:3]),
        list(strides[1:3]),
        list(rates[1:3]),
        padding.lower(),
        "channels_last",
    )


# -- turns ------------------------------------------------------------------------------------------------------


@covers("tensorflow.image.flip_left_right")
@hosted
def _flip_left_right(xp: Any, image: Any) -> Any:
    return xp.flip(image, -2)


@covers("tensorflow.image.flip_up_down")
@hosted
def _flip_up_down(xp: Any, image: Any) -> Any:
    return xp.flip(image, -3)


@covers("tensorflow.image.rot90")
@hosted
def _rot90(xp: Any, image: Any, k: int = 1, name: str | None = None) -> Any:
    last = len(image.shape)
    return xp.rot90(image, int(k) % 4, axes=(last - 3, last - 2))


@covers("tensorflow.image.transpose")
@hosted
def _transpose(xp: Any, image: Any, name: str | None = None) -> Any:
    return xp.swapaxes(image, -3, -2)
