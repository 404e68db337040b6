"""Single images moved, turned and recolored, in NumPy and SciPy: what `ImageDataGenerator` is made of.

For new programs: the layers `RandomRotation`, `RandomTranslation` and their like, which run inside the model.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trivium.preprocessing.image.files import array_to_img, img_to_array

__all__ = [
    "apply_affine_transform",
    "apply_brightness_shift",
    "apply_channel_shift",
    "random_brightness",
    "random_channel_shift",
    "random_rotation",
    "random_shear",
    "random_shift",
    "random_zoom",
]


def apply_affine_transform(
    x: np.ndarray,
    theta: float = 0,
    tx: float = 0,
    ty: float = 0,
    shear: float = 0,
    zx: float = 1,
    zy: float = 1,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    order: int = 1,
) -> np.ndarray:
    """Turn, shift, shear and zoom an image about its middle.

    Args:
        x: An image, with three axes.
        theta: The angle to turn it by, in degrees.
        tx: How far it is shifted to the left, in pixels.
        ty: How far it is shifted up, in pixels.
        shear: The angle to shear it by, in degrees.
        zx: Its width divided by that of what is seen of it: below 1, it grows.
        zy: Likewise its height.
        row_axis: Which axis the rows are on.
        col_axis: Which axis the columns are on.
        channel_axis: Which axis the channels are on.
        fill_mode: What lies outside of the image, as `scipy.ndimage` calls it: `"nearest"`, `"constant"`,
            `"reflect"` or `"wrap"`.
        cval: The value outside, for `"constant"`.
        order: The order of the splines between pixels, from 0 to 5.

    Returns:
        An image of the same shape.

    Raises:
        ValueError: `x` has not three axes, or they are not named each once.

    Example:
        >>> apply_affine_transform(np.arange(3.0).reshape(1, 1, 3), tx=1).ravel().tolist()
        [1.0, 2.0, 2.0]
    """
    if x.ndim != 3 or {row_axis, col_axis, channel_axis} != {0, 1, 2}:
        raise ValueError(
            "`x` is an image with three axes, and `row_axis`, `col_axis` and `channel_axis` are 0, 1 and 2 in some "
            f"order; got shape {x.shape} and {row_axis}, {col_axis}, {channel_axis}."
        )
    turn, lean = np.deg2rad(theta), np.deg2rad(shear)
    # Where a pixel of the result, as (x, y), comes from, both counted from the middle.
    matrix = (
        _matrix([np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)])
        @ _matrix([1, 0, tx], [0, 1, ty])
        @ _matrix([1, -np.sin(lean)], [0, np.cos(lean)])
        @ _matrix([zx, 0], [0, zy])
    )
    if np.array_equal(matrix, np.eye(3)):
        return x
    from scipy import ndimage

    channels = np.transpose(x, (channel_axis, row_axis, col_axis))
    middle = (np.array(channels.shape[1:]) - 1) / 2
    linear = matrix[1::-1, 1::-1]  # As (row, column), which is how arrays count.
    offset = middle + matrix[1::-1, 2] - linear @ middle
    moved = np.stack(
        [
            ndimage.affine_transform(c, linear, offset, order=order, mode=fill_mode, cval=cval)
            for c in channels
        ]
    )
    return np.transpose(moved, np.argsort((channel_axis, row_axis, col_axis)))


def _matrix(*rows: list[Any]) -> np.ndarray:
    """Return two rows of two or three numbers as a matrix on `(x, y, 1)`."""
    matrix = np.eye(3)
    for i, row in enumerate(rows):
        matrix[i, : len(row)] = row
    return matrix


def apply_channel_shift(x: np.ndarray, intensity: float, channel_axis: int = 0) -> np.ndarray:
    """Add a number to all channels, within the least and greatest value of the image.

    Args:
        x: An image.
        intensity: The number.
        channel_axis: Not looked at: all channels get the same.

    Example:
        >>> apply_channel_shift(np.array([[[0.0, 5.0, 9.0]]]), 2).tolist()
        [[[2.0, 7.0, 9.0]]]
    """
    return np.clip(x + intensity, x.min(), x.max())


def apply_brightness_shift(x: np.ndarray, brightness: float, scale: bool = True) -> np.ndarray:
    """Make an image darker or brighter, in bytes of color.

    Args:
        x: An image, channels where `config.image_data_format` says.
        brightness: 0 is black, 1 leaves it as it is.
        scale: Whether the values are stretched from 0 to 255 before. What is below 0 or above 255 always is, and
            comes back to its own range where this is `False`.

    Example:
        >>> apply_brightness_shift(np.full((1, 1, 3), 100.0), 0.5, scale=False).tolist()
        [[[50.0, 50.0, 50.0]]]
    """
    from PIL import ImageEnhance

    low, high = x.min(), x.max()
    beyond = low < 0 or high > 255
    image = ImageEnhance.Brightness(array_to_img(x, scale=beyond or scale)).enhance(brightness)
    shifted = img_to_array(image)
    return shifted / 255 * (high - low) + low if beyond and not scale else shifted


def random_rotation(
    x: np.ndarray,
    rg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """Turn an image by an angle that NumPy's global generator draws.

    Args:
        x: An image.
        rg: The greatest angle, in degrees.
        row_axis: See `apply_affine_transform`, as for all that follows.
        col_axis: The axis of the columns.
        channel_axis: The axis of the channels.
        fill_mode: What lies outside.
        cval: The value outside.
        interpolation_order: The order of the splines.

    Example:
        >>> random_rotation(np.ones((1, 3, 3)), 20).shape
        (1, 3, 3)
    """
    angle = np.random.uniform(-rg, rg)
    return apply_affine_transform(
        x, angle, 0, 0, 0, 1, 1, row_axis, col_axis, channel_axis, fill_mode, cval,
        interpolation_order,
    )  # fmt: skip


def random_shift(
    x: np.ndarray,
    wrg: float,
    hrg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """Shift an image by distances that NumPy's global generator draws.

    Args:
        x: An image.
        wrg: The greatest distance to the side, as a part of the width.
        hrg: The greatest distance up or down, as a part of the height.
        row_axis: See `apply_affine_transform`, as for all that follows.
        col_axis: The axis of the columns.
        channel_axis: The axis of the channels.
        fill_mode: What lies outside.
        cval: The value outside.
        interpolation_order: The order of the splines.

    Example:
        >>> random_shift(np.ones((1, 3, 3)), 0.1, 0.1).shape
        (1, 3, 3)
    """
    ty = np.random.uniform(-hrg, hrg) * x.shape[row_axis]
    tx = np.random.uniform(-wrg, wrg) * x.shape[col_axis]
    return apply_affine_transform(
        x, 0, tx, ty, 0, 1, 1, row_axis, col_axis, channel_axis, fill_mode, cval,
        interpolation_order,
    )  # fmt: skip


def random_shear(
    x: np.ndarray,
    intensity: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """Shear an image by an angle that NumPy's global generator draws.

    Args:
        x: An image.
        intensity: The greatest angle, in degrees.
        row_axis: See `apply_affine_transform`, as for all that follows.
        col_axis: The axis of the columns.
        channel_axis: The axis of the channels.
        fill_mode: What lies outside.
        cval: The value outside.
        interpolation_order: The order of the splines.

    Example:
        >>> random_shear(np.ones((1, 3, 3)), 10).shape
        (1, 3, 3)
    """
    angle = np.random.uniform(-intensity, intensity)
    return apply_affine_transform(
        x, 0, 0, 0, angle, 1, 1, row_axis, col_axis, channel_axis, fill_mode, cval,
        interpolation_order,
    )  # fmt: skip


def random_zoom(
    x: np.ndarray,
    zoom_range: tuple[float, float],
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """Zoom an image by factors that NumPy's global generator draws, one for each direction.

    Args:
        x: An image.
        zoom_range: The least and the greatest factor.
        row_axis: See `apply_affine_transform`, as for all that follows.
        col_axis: The axis of the columns.
        channel_axis: The axis of the channels.
        fill_mode: What lies outside.
        cval: The value outside.
        interpolation_order: The order of the splines.

    Example:
        >>> random_zoom(np.ones((1, 3, 3)), (0.9, 1.1)).shape
        (1, 3, 3)
    """
    low, high = pair_of("zoom_range", zoom_range)
    zx, zy = (1, 1) if low == high == 1 else np.random.uniform(low, high, 2)
    return apply_affine_transform(
        x, 0, 0, 0, 0, zx, zy, row_axis, col_axis, channel_axis, fill_mode, cval,
        interpolation_order,
    )  # fmt: skip


def random_channel_shift(
    x: np.ndarray, intensity_range: float, channel_axis: int = 0
) -> np.ndarray:
    """Add a number that NumPy's global generator draws to all channels.

    Args:
        x: An image.
        intensity_range: The greatest number.
        channel_axis: Not looked at.

    Example:
        >>> random_channel_shift(np.ones((1, 3, 3)), 5.0).shape
        (1, 3, 3)
    """
    return apply_channel_shift(
        x, np.random.uniform(-intensity_range, intensity_range), channel_axis
    )


def random_brightness(
    x: np.ndarray, brightness_range: tuple[float, float], scale: bool = True
) -> np.ndarray:
    """Make an image darker or brighter by a factor that NumPy's global generator draws.

    Args:
        x: An image.
        brightness_range: The least and the greatest factor.
        scale: See `apply_brightness_shift`.

    Example:
        >>> random_brightness(np.ones((3, 3, 1)), (0.5, 1.5)).shape
        (3, 3, 1)
    """
    return apply_brightness_shift(
        x, np.random.uniform(*pair_of("brightness_range", brightness_range)), scale
    )


def pair_of(name: str, value: Any) -> tuple[float, float]:
    """Return an argument that is the least and the greatest of something.

    Raises:
        ValueError: It is no pair of numbers.
    """
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise ValueError(
            f"`{name}` is a pair of numbers, the least and the greatest; got {value!r}."
        )
    return float(value[0]), float(value[1])
