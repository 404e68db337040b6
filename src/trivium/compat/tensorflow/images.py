"""`tf.image`: sizes, parts and turns of images, what they are compared by."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium import ops
from trivium.compat.tensorflow.hosted import as_kind, hosted
from trivium.compat.tensorflow.image_colors import convert
from trivium.compat.written import covers
from trivium.graph import SymbolicTensor
from trivium.graph.op import op
from trivium.ops.image.filters import similarity_maps
from trivium.preprocessing.image.resampling import METHODS, resample
from trivium.state.types import Array, ArrayLike

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


# -- what images are compared by ---------------------------------------------------------------------------------


@covers("tensorflow.image.total_variation")
@hosted
def _total_variation(xp: Any, images: Any, name: str | None = None) -> Any:
    x = images
    down = xp.abs(x[..., 1:, :, :] - x[..., :-1, :, :])
    right = xp.abs(x[..., :, 1:, :] - x[..., :, :-1, :])
    return xp.sum(down, axis=(-3, -2, -1)) + xp.sum(right, axis=(-3, -2, -1))


@covers("tensorflow.image.image_gradients")
@hosted
def _image_gradients(xp: Any, image: Any) -> tuple[Any, Any]:
    down, right = image[:, 1:] - image[:, :-1], image[:, :, 1:] - image[:, :, :-1]
    return (
        xp.pad(down, [[0, 0], [0, 1], [0, 0], [0, 0]]),
        xp.pad(right, [[0, 0], [0, 0], [0, 1], [0, 0]]),
    )


@covers("tensorflow.image.sobel_edges")
def _sobel_edges(image: Any) -> Any:
    # The edges are reflected here, where the op of ours has zeros around.
    padded = ops.pad(_tensor(image), [[0, 0], [1, 1], [1, 1], [0, 0]], "reflect")
    return ops.image.sobel_edges(padded, "channels_last")[:, 1:-1, 1:-1]


def _comparable(first: Any, second: Any, max_val: Any) -> tuple[Any, Any, Any]:
    if not isinstance(first, np.ndarray):
        first = _tensor(first)
        second = _tensor(second)
    else:
        second = np.asarray(second)
    most = convert(np.asarray(max_val, jnp.dtype(str(ops.dtype(first)))), "float32")
    return convert(first, "float32"), convert(second, "float32"), most


@covers("tensorflow.image.psnr")
@hosted
def _psnr(xp: Any, a: Any, b: Any, max_val: Any, name: str | None = None) -> Any:
    a, b, most = _comparable(a, b, max_val)
    error = xp.mean(xp.square(a - b), axis=(-3, -2, -1))
    return 20 * np.log10(most) - 10 * xp.log10(error)


@covers("tensorflow.image.ssim")
def _ssim(
    img1: Any,
    img2: Any,
    max_val: Any,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    return_index_map: bool = False,
) -> Any:
    a, b, most = _comparable(img1, img2, max_val)
    if return_index_map:
        return _similarity_map(a, b, float(most), filter_size, filter_sigma, k1, k2)
    return ops.image.ssim(a, b, float(most), filter_size, filter_sigma, k1, k2, "channels_last")


@op
@functools.partial(jax.jit, static_argnums=range(2, 7))
def _similarity_map(a: ArrayLike, b: ArrayLike, *settings: Any) -> Array:
    pair = jnp.concatenate([jnp.asarray(a), jnp.asarray(b)], -1)
    light, structure = similarity_maps(pair.reshape(-1, *pair.shape[-3:]), *settings)
    found = jnp.mean(light * structure, -1)
    return found.reshape(*pair.shape[:-3], *found.shape[1:])


@covers("tensorflow.image.ssim_multiscale")
def _ssim_multiscale(
    img1: Any,
    img2: Any,
    max_val: Any,
    power_factors: Sequence[float] = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333),
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> Any:
    a, b, most = _comparable(img1, img2, max_val)
    powers = tuple(float(p) for p in np.ravel(power_factors))
    return _at_several_scales(a, b, powers, float(most), filter_size, filter_sigma, k1, k2)


@op
@functools.partial(jax.jit, static_argnums=range(2, 8))
def _at_several_scales(
    a: ArrayLike, b: ArrayLike, powers: tuple[float, ...], *settings: Any
) -> Array:
    """Return the structural similarity of images, halved again and again.

    Wang et al., "Multi-scale Structural Similarity for Image Quality Assessment", 2003,
    https://doi.org/10.1109/ACSSC.2003.1292216
    """
    pair = jnp.stack([jnp.asarray(a), jnp.asarray(b)])
    parts: list[Array] = []
    for last in (*[False] * (len(powers) - 1), True):
        flat = pair.reshape(2, -1, *pair.shape[-3:])
        light, structure = similarity_maps(jnp.concatenate([flat[0], flat[1]], -1), *settings)
        found = jnp.mean(light * structure if last else structure, (1, 2))
        parts.append(jax.nn.relu(found).reshape(*pair.shape[1:-3], -1))
        odd = [n % 2 for n in pair.shape[-3:-1]]
        edges = [(0, 0)] * (pair.ndim - 3) + [(0, n) for n in odd] + [(0, 0)]
        pair = jnp.pad(pair, edges, "symmetric")
        rows, columns, channels = pair.shape[-3:]
        pair = pair.reshape(*pair.shape[:-3], rows // 2, 2, columns // 2, 2, channels).mean(
            (-4, -2)
        )
    each = [part**power for part, power in zip(parts, powers, strict=True)]
    return jnp.mean(functools.reduce(jnp.multiply, each), -1)


def _tensor(images: Any) -> Any:
    if isinstance(images, SymbolicTensor | jax.Array):
        return images
    return ops.convert_to_tensor(images)
