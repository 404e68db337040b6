"""Windows that slide over images: patches, blur, edges and structural similarity."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import as_common_floats, as_floats, per_axis
from trivium.ops.convolution import depthwise_conv
from trivium.ops.image.batches import in_dtype_of, on_batch
from trivium.ops.lowering.windows import pad_spatial, same_padding, windows
from trivium.state.types import Array, ArrayLike

__all__ = [
    "blur", "extract_patches", "extract_patches_3d", "gaussian_blur", "sobel_edges", "ssim",
]  # fmt: skip


@op
def extract_patches(
    images: ArrayLike,
    size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    dilation_rate: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Array:
    """Cut images, or volumes, into patches.

    Args:
        images: Images of shape `(..., height, width, channels)`; volumes, with a depth before the height, where `size`
            has three numbers.
        size: The patches' size: one number, or one for each spatial axis.
        strides: The distance between two patches; the patches' size where it is `None`, so that they lie side by side.
        dilation_rate: The distance between two cells of a patch.
        padding: `"valid"`, or `"same"`: with zeros at the edges.
        data_format: Where the channels are; last where it is `None`.

    Returns:
        An array of shape `(..., rows, columns, cells * channels)`: the cells of a patch row by row, the channels of
        each side by side.

    Raises:
        ValueError: The sizes do not fit the images, or the padding is another word.

    Example:
        >>> extract_patches(jnp.arange(16.0).reshape(4, 4, 1), 2)[0].tolist()
        [[0.0, 1.0, 4.0, 5.0], [2.0, 3.0, 6.0, 7.0]]
    """
    rank = 2 if isinstance(size, int) else len(size)
    if rank not in (2, 3):
        raise ValueError(
            f"`size` is one number, two for images or three for volumes; got {size!r}."
        )
    if padding not in ("valid", "same"):
        raise ValueError(f"`padding` is 'valid' or 'same'; got {padding!r}.")
    window = per_axis(size, rank, "size")
    steps = per_axis(size if strides is None else strides, rank, "strides")
    dilation = per_axis(dilation_rate, rank, "dilation_rate")

    def patches(x: Array) -> Array:
        if padding == "same":
            x = pad_spatial(x, same_padding(x.shape[1:-1], window, steps, dilation))
        return jnp.concatenate(windows(x, window, steps, dilation), axis=-1)

    return on_batch(patches, images, data_format, rank)


@op
def extract_patches_3d(
    volumes: ArrayLike,
    size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    dilation_rate: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Array:
    """Cut volumes into patches: `extract_patches` with a depth before the height, where one number means a cube.

    Args:
        volumes: Volumes of shape `(..., depth, height, width, channels)`.
        size: The patches' size: one number or three.
        strides: The distance between two patches; the patches' size where it is `None`.
        dilation_rate: The distance between two cells of a patch.
        padding: `"valid"`, or `"same"`: with zeros at the edges.
        data_format: Where the channels are; last where it is `None`.

    Example:
        >>> extract_patches_3d(jnp.ones((4, 4, 4, 1)), 2).shape
        (2, 2, 2, 8)
    """
    cube = per_axis(size, 3, "size")
    return extract_patches(volumes, cube, strides, dilation_rate, padding, data_format)


def blur(x: Array, size: Sequence[int], sigma: Sequence[float], padding: str = "same") -> Array:
    """Weight the neighbors of each pixel by a normal distribution, along one axis and then the other.

    Args:
        x: Floats of shape `(batch, height, width, channels)`.
        size: How many rows and columns count.
        sigma: The standard deviation along both.
        padding: As of a convolution.

    Example:
        >>> blur(jnp.ones((1, 3, 3, 1)), (3, 3), (1.0, 1.0))[0, 1].ravel().round(2).tolist()
        [0.7..., 1.0, 0.7...]
    """
    for axis, (count, deviation) in enumerate(zip(size, sigma, strict=True)):
        away = jnp.arange(count) - (count - 1) / 2
        weights = jnp.exp(-0.5 * (away / deviation) ** 2)
        kernel = (weights / weights.sum()).astype(x.dtype)
        kernel = kernel.reshape((-1, 1, 1, 1) if axis == 0 else (1, -1, 1, 1))
        x = depthwise_conv(x, jnp.tile(kernel, (1, 1, x.shape[-1], 1)), 1, padding, "channels_last")
    return x


@op
def gaussian_blur(
    images: ArrayLike,
    kernel_size: int | Sequence[int] = (3, 3),
    sigma: float | Sequence[float] = (1.0, 1.0),
    data_format: str | None = None,
) -> Array:
    """Blur images by a normal distribution; there are zeros around them.

    Args:
        images: Images of shape `(..., height, width, channels)`.
        kernel_size: How many rows and columns count for a pixel.
        sigma: The standard deviation along both axes.
        data_format: Where the channels are; last where it is `None`.

    Raises:
        ValueError: A standard deviation is not positive.

    Example:
        >>> gaussian_blur(jnp.ones((3, 3, 1)))[1, 1].round(3).tolist()
        [1.0]
    """
    size, deviations = per_axis(kernel_size, 2, "kernel_size"), _two(sigma)
    return on_batch(
        lambda x: in_dtype_of(x, blur(as_floats(x), size, deviations)), images, data_format
    )


def _two(sigma: float | Sequence[float]) -> tuple[float, ...]:
    pair = tuple(sigma) if isinstance(sigma, Sequence) else (sigma, sigma)
    if len(pair) != 2 or not all(s > 0 for s in pair):
        raise ValueError(f"`sigma` is one positive number, or two; got {sigma!r}.")
    return pair


@op
def sobel_edges(images: ArrayLike, data_format: str | None = None) -> Array:
    """Return how fast images get lighter, downward and to the right; there are zeros around them.

    Args:
        images: Images of shape `(..., height, width, channels)`.
        data_format: Where the channels are; last where it is `None`.

    Returns:
        An array with one more axis at the end, of size 2: along the height and along the width.

    Example:
        >>> sobel_edges([[[0.0], [1.0], [2.0]]] * 3)[1, 1].tolist()
        [[0.0, 8.0]]

    Reference:
        Sobel and Feldman, "A 3x3 isotropic gradient operator for image processing", 1968.
    """

    def slopes(x: Array) -> Array:
        if jnp.issubdtype(x.dtype, jnp.integer):
            x = x.astype(jnp.promote_types(x.dtype, "int32"))
        x = jnp.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
        down, right = x[:, 2:] - x[:, :-2], x[:, :, 2:] - x[:, :, :-2]
        by_height = down[:, :, :-2] + 2 * down[:, :, 1:-1] + down[:, :, 2:]
        by_width = right[:, :-2] + 2 * right[:, 1:-1] + right[:, 2:]
        return jnp.stack([by_height, by_width], -1)

    return on_batch(slopes, images, data_format, new_axis=True)


@op
def ssim(
    image1: ArrayLike,
    image2: ArrayLike,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: str | None = None,
) -> Array:
    """Return how similar images look: the structural similarity, 1 where they are the same.

    Args:
        image1: Images of shape `(..., height, width, channels)`.
        image2: Others of the same shape.
        max_val: The greatest value that a pixel can have.
        filter_size: How many rows and columns are compared at a time.
        filter_sigma: The standard deviation of their weights.
        k1: What keeps dark places from dividing by 0.
        k2: What keeps plain places from it.
        data_format: Where the channels are; last where it is `None`.

    Returns:
        A number for each image, at least -1; for one image without a batch a scalar.

    Raises:
        ValueError: The shapes differ, or the images are smaller than the filter.

    Example:
        >>> ssim(jnp.ones((11, 11, 1)), jnp.ones((11, 11, 1))).item()
        1.0

    Reference:
        Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE Transactions on
        Image Processing 13(4), 2004, https://doi.org/10.1109/TIP.2003.819861
    """
    a, b = as_common_floats(image1, image2)
    if a.shape != b.shape:
        raise ValueError(f"both images have one shape; got {a.shape} and {b.shape}.")

    def similarity(pair: Array) -> Array:
        light, structure = similarity_maps(pair, max_val, filter_size, filter_sigma, k1, k2)
        return jnp.mean(light * structure, (1, 2, 3), keepdims=True).astype(pair.dtype)

    channels = -3 if data_format == "channels_first" else -1
    results = on_batch(similarity, jnp.concatenate([a, b], channels), data_format)
    return results.reshape(results.shape[:-3])


def similarity_maps(
    pair: Array, max_val: float, filter_size: int, filter_sigma: float, k1: float, k2: float
) -> tuple[Array, Array]:
    """Return how alike two images are at each place: in their light, and in their structure.

    Args:
        pair: Images behind each other on the axis of channels, shape `(batch, height, width, 2 * channels)`.
        max_val: See `ssim`, as for the others.
        filter_size: How many rows and columns are compared at a time.
        filter_sigma: The standard deviation of their weights.
        k1: What keeps dark places from dividing by 0.
        k2: What keeps plain places from it.

    Returns:
        Two arrays of shape `(batch, height, width, channels)`, without the places at the edges.

    Raises:
        ValueError: The images are smaller than the filter.

    Example:
        >>> [part.shape for part in similarity_maps(jnp.ones((1, 5, 5, 2)), 1.0, 3, 1.5, 0.01, 0.03)]
        [(1, 3, 3, 1), (1, 3, 3, 1)]
    """
    height, width, _ = pair.shape[1:]
    if any(isinstance(n, int) and n < filter_size for n in (height, width)):
        raise ValueError(
            f"images are at least as large as `filter_size`, {filter_size}; these are {height} by {width}."
        )
    wide = pair.astype(jnp.promote_types(pair.dtype, "float32"))
    x, y = jnp.split(wide, 2, -1)
    means = jnp.concatenate([x, y, x * x, y * y, x * y], -1)
    smooth = blur(means, (filter_size,) * 2, (filter_sigma,) * 2, "valid")
    mean_x, mean_y, xx, yy, xy = jnp.split(smooth, 5, -1)
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    light = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    spreads = xx - mean_x**2 + yy - mean_y**2
    return light, (2 * (xy - mean_x * mean_y) + c2) / (spreads + c2)
