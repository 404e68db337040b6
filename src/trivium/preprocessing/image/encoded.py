"""Images between the bytes of files and arrays."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from trivium.data.checks import DataError

__all__ = ["KINDS", "decode_bytes", "encode_jpeg", "encode_png"]

# The kinds of file that are read. No other of Pillow's many readers gets to see bytes.
KINDS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_DEEP = ("I;16", "I;16B", "I;16L", "I;16N", "I")


def decode_bytes(
    data: bytes,
    channels: int = 0,
    *,
    kinds: Sequence[str] = KINDS,
    frames: bool = False,
    deep: bool = False,
    place: str = "decode_bytes",
) -> np.ndarray:
    """Return the image that the bytes of a file hold.

    Args:
        data: The bytes.
        channels: 1 for gray, 3 for color, 2 and 4 for these with opacity; 0 for what the file has.
        kinds: What kinds of file are taken, of `KINDS`.
        frames: Whether all images of an animation are wanted, on a first axis; else the first.
        deep: Whether gray of 16 bits stays so deep; else its upper 8 bits are kept.
        place: Where the bytes were given, for messages.

    Returns:
        uint8 (uint16 of deep gray) of shape `(height, width, channels)`, or `(frames, height, width, channels)`.

    Raises:
        DataError: The bytes are no such image.

    Example:
        >>> decode_bytes(encode_png(np.eye(2, dtype="uint8")[..., None])).shape
        (2, 2, 1)
    """
    from PIL import Image

    if channels not in (0, *_MODES):
        raise ValueError(f"{place}: `channels` is 0, 1, 2, 3 or 4; got {channels!r}.")
    try:
        with Image.open(io.BytesIO(data), formats=kinds) as image:
            if not frames:
                return _pixels(image, channels, deep, place)
            found = []
            for number in range(getattr(image, "n_frames", 1)):
                image.seek(number)
                found.append(_pixels(image, channels, deep, place))
            return np.stack(found)
    except DataError:
        raise
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        wanted = " or ".join([", ".join(kinds[:-1]), kinds[-1]] if len(kinds) > 1 else kinds)
        begin = f"they begin with {data[:8]!r}" if data else "there are none"
        raise DataError(
            f"{place}: these {len(data)} bytes cannot be read as {wanted} ({begin}): "
            + str(error).partition(" <_io")[0].rstrip(".")
            + "."
        ) from None


def _pixels(image: Any, channels: int, deep: bool, place: str) -> np.ndarray:
    if channels == 1 and image.format == "JPEG":
        image.draft("L", image.size)  # The file's own brightness, before there are colors.
    if image.mode in _DEEP:
        gray = np.asarray(image).astype(np.uint16)[..., None]
        gray = gray if deep else (gray >> 8).astype(np.uint8)
        if channels in (0, 1):
            return gray
        full = np.iinfo(gray.dtype).max
        opaque = [np.full_like(gray, full)] * (channels in (2, 4))
        return np.concatenate([gray] * (1 if channels == 2 else 3) + opaque, -1)
    if deep:
        raise DataError(
            f"{place}: images of 16 bits a channel are read where they are gray; this one has the mode {image.mode}."
        )
    clear = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    own = {"1": "L", "L": "L", "LA": "LA"}.get(image.mode, "RGBA" if clear else "RGB")
    mode = _MODES.get(channels, own)
    pixels = np.asarray(image if image.mode == mode else image.convert(mode))
    return pixels[..., None] if pixels.ndim == 2 else pixels


def encode_png(image: Any, level: int = -1) -> bytes:
    """Return an image as the bytes of a PNG file.

    Args:
        image: uint8, or uint16 of gray; shape `(height, width, channels)` with 1 to 4 channels.
        level: How much to compress, from 0 to 9; -1 for zlib's own choice.

    Raises:
        ValueError: It is no such image.

    Example:
        >>> encode_png(np.zeros((2, 2, 3), "uint8"))[1:4]
        b'PNG'
    """
    return _encoded(image, _MODES, "PNG", **({} if level < 0 else {"compress_level": level}))


def encode_jpeg(image: Any, quality: int = 95, **options: Any) -> bytes:
    """Return an image as the bytes of a JPEG file.

    Args:
        image: uint8 of shape `(height, width, channels)` with 1 or 3 channels.
        quality: How much of it stays, from 0 to 100.
        options: Further ones of Pillow's: `progressive`, `optimize`, `subsampling`, `dpi`.

    Raises:
        ValueError: It is no such image.

    Example:
        >>> encode_jpeg(np.zeros((2, 2, 3), "uint8"))[:2]
        b'\\xff\\xd8'
    """
    return _encoded(image, {1: "L", 3: "RGB"}, "JPEG", quality=quality, **options)


def _encoded(image: Any, modes: dict[int, str], kind: str, **options: Any) -> bytes:
    from PIL import Image

    pixels = np.asarray(image)
    deep = pixels.dtype == np.uint16 and kind == "PNG" and pixels.ndim == 3 and pixels.shape[2] == 1
    if pixels.ndim != 3 or pixels.shape[2] not in modes or not (pixels.dtype == np.uint8 or deep):
        raise ValueError(
            f"{kind} is made of uint8 of the shape (height, width, channels) with {sorted(modes)} channels; got "
            f"{pixels.dtype} of the shape {pixels.shape}."
        )
    made = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    file = io.BytesIO()
    made.save(file, kind, **options)
    return file.getvalue()
