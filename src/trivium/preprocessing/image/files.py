"""Images between files, Pillow's objects and arrays.

Pillow comes with matplotlib, which the library needs anyway.
"""

from __future__ import annotations

import io
import os
import pathlib
import warnings
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from trivium.preprocessing.errors import unreadable
from trivium.state import floatx, suggest
from trivium.state.image_format import IMAGE_DATA_FORMATS, image_data_format

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "CHANNELS",
    "array_to_img",
    "check_data_format",
    "decode",
    "img_to_array",
    "load_img",
    "save_img",
]

# How many channels each mode of color has.
CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}
_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
# Gray of more than 8 bits, which stays as it is where gray is asked for.
_DEEP = ("I;16", "I;16B", "I;16L", "I;16N", "I")
_RESAMPLING = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
# What folders of images are made of. No other of Pillow's many readers gets to see a file.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF")

_Path = str | os.PathLike[str]


def check_color_mode(color_mode: Any) -> str:
    """Return a mode of color.

    Raises:
        ValueError: There is no such mode.

    Example:
        >>> check_color_mode("rgb")
        'rgb'
    """
    if color_mode not in CHANNELS:
        raise ValueError(
            f"`color_mode` is 'grayscale', 'rgb' or 'rgba'; got {color_mode!r}. "
            + suggest(str(color_mode), CHANNELS)
        )
    return str(color_mode)


def check_data_format(data_format: str | None) -> str:
    """Return where the channels are; where nothing is said, as it is set for all.

    Raises:
        ValueError: It is neither `"channels_last"` nor `"channels_first"`.

    Example:
        >>> check_data_format(None)
        'channels_last'
    """
    if data_format is None:
        return image_data_format()
    if data_format not in IMAGE_DATA_FORMATS:
        raise ValueError(
            f"`data_format` is 'channels_last' or 'channels_first'; got {data_format!r}. "
            + suggest(str(data_format), IMAGE_DATA_FORMATS)
        )
    return data_format


def decode(path: str, color_mode: str) -> np.ndarray:
    """Read an image file as bytes of color.

    Args:
        path: A file in PNG, JPEG, BMP or GIF, whatever its name; of an animation the first image counts.
        color_mode: `"grayscale"`, `"rgb"` or `"rgba"`.

    Returns:
        uint8 of shape `(height, width, channels)`. Of more than 8 bits a channel the upper ones are kept.

    Raises:
        DataError: The file cannot be read as an image; the message names it.
    """
    from PIL import Image

    try:
        # In one go: Pillow would seek and read in small steps, a tenth of the time that a small file takes.
        with open(path, "rb", buffering=0) as file:
            data = file.read()
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            mode = _MODES[color_mode]
            if (
                image.mode in _DEEP
            ):  # Pillow's own conversion would cut all that is brighter than 255.
                return _from_deep(np.asarray(image), color_mode)
            pixels = np.asarray(image if image.mode == mode else image.convert(mode))
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise unreadable(path, error, "an image in PNG, JPEG, BMP or GIF") from error
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _from_deep(gray: np.ndarray, color_mode: str) -> np.ndarray:
    """Return 16-bit gray as 8-bit color."""
    upper = (gray.astype(np.uint32) >> 8).astype(np.uint8)[..., None]
    if color_mode == "grayscale":
        return upper
    color = np.repeat(upper, 3, -1)
    return color if color_mode == "rgb" else np.concatenate([color, np.full_like(upper, 255)], -1)


def load_img(
    path: _Path | bytes | IO[bytes],
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Image:
    """Read an image file as an image of Pillow's.

    Args:
        path: The file: a path, or an open file of bytes.
        color_mode: `"rgb"`, `"rgba"` or `"grayscale"`. Gray of 16 or 32 bits stays as deep as it is.
        target_size: Height and width; by default those of the file.
        interpolation: How the image is brought to that size: `"nearest"`, `"bilinear"`, `"bicubic"`, `"lanczos"`,
            `"box"` or `"hamming"`, as Pillow does it.
        keep_aspect_ratio: Whether to cut off what does not fit the new proportions, rather than to squeeze it.

    Returns:
        The image.

    Raises:
        FileNotFoundError: There is no such file.
        DataError: The file is no image.
        ValueError: A word is none of these.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_img(f"{folder}/a.png", np.zeros((4, 6, 3)))
        ...     load_img(f"{folder}/a.png", target_size=(2, 3)).size
        (3, 2)
    """
    from PIL import Image

    check_color_mode(color_mode)
    if interpolation not in _RESAMPLING:
        raise ValueError(
            f"`interpolation` is one of {', '.join(map(repr, _RESAMPLING))}; got {interpolation!r}. "
            + suggest(str(interpolation), _RESAMPLING)
        )
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    if not isinstance(path, str | os.PathLike) and not hasattr(path, "read"):
        raise TypeError(f"`path` is a path or an open file of bytes; got {type(path).__name__}.")
    # Read at once: of an animation Pillow would keep the file open.
    data = path if hasattr(path, "read") else io.BytesIO(pathlib.Path(path).read_bytes())
    try:
        image: Image.Image = Image.open(data)
        image.load()
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise unreadable(path, error, "an image") from error
    if image.mode != _MODES[color_mode] and not (color_mode == "grayscale" and image.mode in _DEEP):
        image = image.convert(_MODES[color_mode])
    if target_size is None or image.size == (target_size[1], target_size[0]):
        return image
    height, width = target_size
    box = None
    if keep_aspect_ratio:
        w, h = image.size
        kept_w, kept_h = min(w, h * width // height), min(h, w * height // width)
        left, top = (w - kept_w) // 2, (h - kept_h) // 2
        box = (left, top, left + kept_w, top + kept_h)
    method = Image.Resampling[interpolation.upper()]
    return image.resize((width, height), method, box=box)


def img_to_array(
    img: Image | np.ndarray, data_format: str | None = None, dtype: str | None = None
) -> np.ndarray:
    """Return an image of Pillow's as an array.

    Args:
        img: The image.
        data_format: Where the channels shall be: `"channels_last"` or `"channels_first"`; by default as it is set by
            `config.set_image_data_format`.
        dtype: The array's dtype; by default `config.floatx()`.

    Returns:
        Shape `(height, width, channels)`, values as in the file, as a rule from 0 to 255.

    Raises:
        ValueError: It is no image: its array has neither two nor three axes.

    Example:
        >>> img_to_array(array_to_img(np.ones((2, 3, 1)))).shape
        (2, 3, 1)
    """
    data_format = check_data_format(data_format)
    x = np.asarray(img, dtype or floatx())
    if x.ndim == 2:
        x = x[..., None]
    if x.ndim != 3:
        raise ValueError(f"`img` is an image of Pillow's; got something of shape {x.shape}.")
    return x.transpose(2, 0, 1) if data_format == "channels_first" else x


def array_to_img(
    x: Any, data_format: str | None = None, scale: bool = True, dtype: str | None = None
) -> Image:
    """Return an array as an image of Pillow's.

    Args:
        x: Shape `(height, width, channels)`, with 1, 3 or 4 channels.
        data_format: Where the channels are: `"channels_last"` or `"channels_first"`; by default as it is set by
            `config.set_image_data_format`.
        scale: Whether to stretch the values, so that the least becomes 0 and the greatest 255.
        dtype: The dtype to compute in; by default `config.floatx()`.

    Returns:
        The image, in the mode `RGB`, `RGBA`, `L`, or `I` for gray values above 255.

    Raises:
        ValueError: `x` has another shape.

    Example:
        >>> array_to_img(np.eye(4)[..., None]).mode
        'L'
    """
    from PIL import Image

    data_format = check_data_format(data_format)
    pixels = np.asarray(x, dtype or floatx())
    if pixels.ndim != 3:
        raise ValueError(
            f"`x` is one image, of shape (height, width, channels); got shape {pixels.shape}."
        )
    if data_format == "channels_first":
        pixels = pixels.transpose(1, 2, 0)
    channels = pixels.shape[2]
    if channels not in (1, 3, 4):
        raise ValueError(
            f"An image has 1, 3 or 4 channels; got {channels} (shape {np.shape(x)}, {data_format})."
        )
    if scale:
        pixels = pixels - pixels.min()
        greatest = pixels.max()
        pixels = pixels / (greatest if greatest else 1) * 255
    if channels > 1:
        return Image.fromarray(pixels.astype(np.uint8))
    deep = pixels.max() > 255
    return Image.fromarray(pixels[..., 0].astype(np.int32 if deep else np.uint8))


def save_img(
    path: _Path | IO[bytes],
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Write an array into an image file.

    Args:
        path: The file: a path, or an open file of bytes.
        x: The image, as for `array_to_img`.
        data_format: Where its channels are.
        file_format: E.g. `"png"`; by default what the path ends with.
        scale: Whether to stretch the values, so that the least becomes 0 and the greatest 255.
        **kwargs: What Pillow's `Image.save` takes, e.g. `quality`.

    Raises:
        ValueError: `x` is no image, or there is no such format.

    Warns:
        UserWarning: The image has an alpha channel, which JPEG cannot hold; it is left out.

    Example:
        >>> with io.BytesIO() as file:
        ...     save_img(file, np.zeros((2, 2, 3)), file_format="png")
        ...     file.getvalue()[1:4]
        b'PNG'
    """
    if file_format is None and isinstance(path, str | os.PathLike):
        file_format = pathlib.Path(path).suffix[1:] or None
    if file_format and file_format.lower() == "jpg":
        file_format = "jpeg"
    img = array_to_img(x, data_format=data_format, scale=scale)
    if img.mode == "RGBA" and file_format and file_format.lower() == "jpeg":
        warnings.warn(
            "JPEG has no alpha channel: the image is written without its own. Write a PNG to keep it.",
            UserWarning,
            stacklevel=2,
        )
        img = img.convert("RGB")
    try:
        img.save(path, format=file_format, **kwargs)
    except KeyError as error:
        raise ValueError(f"There is no image format {error}; try 'png' or 'jpeg'.") from None
