"""Images of other sizes, on the host: what `ops.image.resize` computes, without a program for each size of file.

Each axis is resampled on its own. A row of the result is a weighted sum of a few rows of the image, its *taps*; which
ones, and by what weights, follows from the two sizes alone: a sparse matrix for each pair of sizes, made once.

Reference:
    Turkowski, "Filters for Common Resampling Tasks", Graphics Gems, 1990. Keys, "Cubic Convolution Interpolation for
    Digital Image Processing", 1981. Mitchell and Netravali, "Reconstruction Filters in Computer Graphics", 1988.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.state import suggest
from trivium.state.types import Array

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["METHODS", "check_method", "crop_to_ratio", "pad_to_ratio", "resample", "smart_resize"]


def _cubic(x: np.ndarray, b: float, c: float) -> np.ndarray:
    """Return the cubic of Mitchell and Netravali, which is that of Keys for `b = 0`."""
    near = ((12 - 9 * b - 6 * c) * x + (-18 + 12 * b + 6 * c)) * x**2 + (6 - 2 * b)
    far = (((-b - 6 * c) * x + (6 * b + 30 * c)) * x + (-12 * b - 48 * c)) * x + (8 * b + 24 * c)
    return np.where(x < 1, near, np.where(x < 2, far, 0)) / 6


def _lanczos(x: np.ndarray, lobes: int) -> np.ndarray:
    return np.where(x < lobes, np.sinc(x) * np.sinc(x / lobes), 0)


# By name: the kernel as a function of the distance in pixels of the image, and how far it reaches.
_KERNELS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], float]] = {
    "bilinear": (lambda x: np.maximum(1 - x, 0), 1),
    "bicubic": (lambda x: _cubic(x, 0, 0.5), 2),
    "mitchellcubic": (lambda x: _cubic(x, 1 / 3, 1 / 3), 2),
    "lanczos3": (lambda x: _lanczos(x, 3), 3),
    "lanczos5": (lambda x: _lanczos(x, 5), 5),
    "gaussian": (lambda x: np.where(x < 1.5, np.exp(-2 * x**2), 0), 1.5),
}
# Kernels that spread a pixel over its neighbors, in an image of the same size too.
_SMOOTHING = ("gaussian", "mitchellcubic")
METHODS = ("bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian",
           "mitchellcubic")  # fmt: skip


def check_method(interpolation: Any) -> str:
    """Return the name of a way to resample, in lower case.

    Raises:
        ValueError: There is no such way.

    Example:
        >>> check_method("Bilinear")
        'bilinear'
    """
    name = interpolation.lower() if isinstance(interpolation, str) else interpolation
    if name not in METHODS:
        raise ValueError(
            f"`interpolation` is one of {', '.join(map(repr, METHODS))}; got {interpolation!r}. "
            + suggest(str(interpolation), METHODS)
        )
    return str(name)


# Photographs come in a few sizes, one for each way that they were held or cropped: their matrices are made once.
# A matrix is sparse, some tens of kilobytes.
@functools.lru_cache(maxsize=1024)
def _choice(old: int, new: int) -> np.ndarray:
    """Return the nearest place of an image for each place of the result."""
    return np.floor((np.arange(new, dtype=np.float32) + np.float32(0.5)) * old / new).astype(
        np.intp
    )


@functools.lru_cache(maxsize=1024)
def _matrix(old: int, new: int, method: str, channels: int = 1) -> csr_array:
    """Return what makes `new` pixels of `old` ones: a sparse matrix, with the weights of its few taps in each row.

    With several channels a pixel is as many numbers, each made of the same channel's.
    """
    from scipy import sparse

    if method == "area":
        # Each row of the result covers a span of rows of the image, the first and the last of them in part.
        first = np.arange(new) * (old / new)
        taps = np.floor(first).astype(np.intp) + np.arange(math.ceil(old / new) + 1)[:, None]
        ends = np.minimum(taps + 1, first + old / new)
        weights = np.maximum(ends - np.maximum(taps, first), 0)
    else:
        kernel, radius = _KERNELS[method]
        # Pixels have their centers at halves.
        places = (np.arange(new) + 0.5) * (old / new) - 0.5
        reach = math.ceil(radius)
        taps = np.floor(places).astype(np.intp) + np.arange(1 - reach, reach + 1)[:, None]
        weights = kernel(np.abs(places - taps))
    # What lies outside of the image counts for nothing, and the rest for all of it.
    weights = np.where((taps >= 0) & (taps < old), weights, 0)
    weights = weights / weights.sum(0)
    rows = np.broadcast_to(np.arange(new), taps.shape)
    kept = weights != 0
    matrix = sparse.csr_array(
        (weights[kept].astype(np.float32), (rows[kept], taps[kept])), shape=(new, old)
    )
    same_channel = sparse.eye_array(channels, dtype=np.float32)
    return matrix if channels == 1 else sparse.csr_array(sparse.kron(matrix, same_channel))


def _along(x: Any, axis: int, new: int, method: str) -> Any:
    """Return images resampled along their rows' axis, -3, or their columns', -2."""
    old, channels = x.shape[axis], x.shape[-1]
    if old == new and method not in _SMOOTHING:
        return x  # These kernels are 0 at the other pixels: each pixel stays what it is.
    if method == "nearest":
        return (jnp if isinstance(x, jax.Array) else np).take(x, _choice(old, new), axis)
    if isinstance(x, jax.Array):
        names = "nh,...hwc->...nwc" if axis == -3 else "nw,...hwc->...hnc"
        weights = _matrix(old, new, method).toarray()
        return jnp.einsum(names, weights, x, precision=jax.lax.Precision.HIGHEST)
    # SciPy would compute with whole numbers in float64.
    x = x if x.dtype == np.float64 else x.astype(np.float32, copy=False)
    if axis == -3:
        first = np.moveaxis(x, axis, 0)
        made = _matrix(old, new, method) @ first.reshape(old, -1)
        return np.moveaxis(made.reshape(new, *first.shape[1:]), 0, axis)
    # Whole columns are moved, with their channels: pixel by pixel that takes five times as long.
    rows = x.reshape(-1, old * channels)
    made = _matrix(old, new, method, channels) @ np.ascontiguousarray(rows.T)
    return made.T.reshape(*x.shape[:-2], new, channels)


def resample(images: Any, size: tuple[int, int], method: str = "bilinear") -> Any:
    """Return images of another size, as `ops.image.resize` does.

    Args:
        images: One image or several, shape `(..., height, width, channels)`, as a NumPy or a JAX array.
        size: The new height and width.
        method: How pixels between pixels are told: one of `METHODS`.

    Returns:
        Shape `(..., *size, channels)`, of the kind that came. Floats where pixels are mixed; where each is one that was
        there, of the dtype that came.

    Example:
        >>> resample(np.array([[[0], [2]]], "uint8"), (1, 4)).ravel().tolist()
        [0.0, 0.5, 1.5, 2.0]
    """
    return _along(_along(images, -3, size[0], method), -2, size[1], method)


def crop_to_ratio(images: Any, size: tuple[int, int]) -> Any:
    """Return the largest part from the middle of images that has the proportions of a size.

    Args:
        images: Shape `(..., height, width, channels)`.
        size: Height and width.

    Example:
        >>> crop_to_ratio(np.zeros((4, 6, 1)), (2, 2)).shape
        (4, 4, 1)
    """
    height, width = images.shape[-3:-1]
    kept = (
        max(min(height, width * size[0] // size[1]), 1),
        max(min(width, height * size[1] // size[0]), 1),
    )
    top, left = (height - kept[0]) // 2, (width - kept[1]) // 2
    return images[..., top : top + kept[0], left : left + kept[1], :]


def pad_to_ratio(images: Any, size: tuple[int, int]) -> Any:
    """Return images with black on both sides, so that they have the proportions of a size.

    Args:
        images: Shape `(..., height, width, channels)`.
        size: Height and width.

    Example:
        >>> pad_to_ratio(np.zeros((4, 6, 1)), (2, 2)).shape
        (6, 6, 1)
    """
    height, width = images.shape[-3:-1]
    more = (
        max(height, width * size[0] // size[1]) - height,
        max(width, height * size[1] // size[0]) - width,
    )
    sides = [(0, 0)] * (images.ndim - 3) + [(m // 2, m // 2) for m in more] + [(0, 0)]
    return np.pad(images, sides)


def smart_resize(
    x: np.ndarray | Array,
    size: tuple[int, int],
    interpolation: str = "bilinear",
    data_format: str = "channels_last",
) -> np.ndarray | Array:
    """Return images of another size without distortion: what does not fit the new proportions is cut off.

    Args:
        x: One image or a batch of them, shape `(height, width, channels)` or `(batch, height, width, channels)`.
        size: The new height and width.
        interpolation: `"bilinear"`, `"nearest"`, `"bicubic"`, `"area"`, `"lanczos3"`, `"lanczos5"`, `"gaussian"` or
            `"mitchellcubic"`.
        data_format: Where the channels are: `"channels_last"` or `"channels_first"`.

    Returns:
        An array of the dtype of `x`; whole numbers are rounded. NumPy's where `x` is, else JAX's.

    Raises:
        ValueError: `x` has another rank, `size` is no pair, or a word is none of these.

    Example:
        >>> smart_resize(np.ones((8, 12, 3)), (4, 4)).shape
        (4, 4, 3)
    """
    method = check_method(interpolation)
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(
            f"`data_format` is 'channels_last' or 'channels_first'; got {data_format!r}."
        )
    if not isinstance(size, tuple | list) or len(size) != 2 or min(size) < 1:
        raise ValueError(f"`size` is a height and a width, e.g. (180, 180); got {size!r}.")
    images = x if isinstance(x, np.ndarray | jax.Array) else jnp.asarray(x)
    if images.ndim not in (3, 4):
        raise ValueError(
            "`x` is an image, (height, width, channels), or a batch of them; got an array of shape "
            f"{images.shape}."
        )
    xp = jnp if isinstance(images, jax.Array) else np
    if data_format == "channels_first":
        images = xp.moveaxis(images, -3, -1)
    pair = (int(size[0]), int(size[1]))
    resized = resample(crop_to_ratio(images, pair), pair, method)
    if images.dtype.kind in "iu":
        limits = np.iinfo(images.dtype)
        resized = xp.clip(xp.round(resized), limits.min, limits.max)
    if data_format == "channels_first":
        resized = xp.moveaxis(resized, -1, -3)
    return resized.astype(images.dtype)
