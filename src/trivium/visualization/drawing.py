"""Boxes and masks drawn into images."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from trivium.ops.arrays import channels_are_last
from trivium.utils.bounding_boxes import convert_format

__all__ = ["as_pixels", "draw_bounding_boxes", "draw_segmentation_masks"]

_Color = Sequence[int]
_TEXT = 12  # The height of a label's letters, in pixels.


def as_pixels(
    images: Any, value_range: Sequence[float] = (0, 255), data_format: str | None = None
) -> np.ndarray:
    """Return images as bytes, the channels last.

    Args:
        images: Images, shape `(batch, height, width, channels)`.
        value_range: What is black and what is white.
        data_format: Where the channels are; last where it is `None`.

    Raises:
        ValueError: There are not four axes, or not 1 or 3 channels.

    Example:
        >>> as_pixels(np.ones((1, 2, 2, 1)), (0, 1)).dtype
        dtype('uint8')
    """
    pixels = np.asarray(images)
    if pixels.ndim != 4:
        raise ValueError(
            f"images have the shape (batch, height, width, channels); got {pixels.shape}."
        )
    if not channels_are_last(data_format):
        pixels = np.moveaxis(pixels, 1, -1)
    if pixels.shape[-1] not in (1, 3):
        raise ValueError(f"images have 1 channel or 3; got shape {pixels.shape}.")
    low, high = value_range
    scaled = (pixels.astype("float32") - low) * (255 / (high - low))
    return np.clip(np.round(scaled), 0, 255).astype("uint8")


def _given_back(pixels: np.ndarray, images: Any, data_format: str | None) -> np.ndarray:
    """Return drawn images in the form of those that were given: one channel, or channels first, where it was so."""
    last = channels_are_last(data_format)
    if np.shape(images)[-1 if last else 1] == 1:
        pixels = np.round(pixels.mean(-1, keepdims=True)).astype("uint8")
    return pixels if last else np.moveaxis(pixels, -1, 1)


def draw_bounding_boxes(
    images: Any,
    bounding_boxes: Mapping[str, Any],
    bounding_box_format: str,
    class_mapping: Mapping[int, str] | None = None,
    color: _Color = (128, 128, 128),
    line_thickness: int = 2,
    text_thickness: int = 1,
    font_scale: float = 1.0,
    data_format: str | None = None,
) -> np.ndarray:
    """Draw boxes into images, with the names of what is in them.

    Args:
        images: Images with values from 0 to 255, shape `(batch, height, width, channels)`.
        bounding_boxes: A dict with `"boxes"`, shape `(batch, n, 4)`, and `"labels"`, shape `(batch, n)`; a box labeled
            -1 is none. It may have `"confidences"` like the labels, which are written behind the names.
        bounding_box_format: The boxes' format; see `utils.bounding_boxes`.
        class_mapping: The name of each label; what has none is not named.
        color: Red, green and blue, from 0 to 255.
        line_thickness: The width of a line, in pixels.
        text_thickness: How bold the names are.
        font_scale: How large they are; 1 is 12 pixels.
        data_format: Where the channels are; last where it is `None`.

    Returns:
        The images as bytes, a copy.

    Raises:
        TypeError: `bounding_boxes` is no dict.
        ValueError: It lacks boxes or labels, or a shape does not fit.

    Example:
        >>> boxes = {"boxes": [[[1, 1, 4, 4]]], "labels": [[0]]}
        >>> draw_bounding_boxes(np.zeros((1, 6, 6, 3)), boxes, "xyxy", line_thickness=1)[0, 1, :, 0].tolist()
        [0, 128, 128, 128, 128, 0]
    """
    if not isinstance(bounding_boxes, Mapping):
        raise TypeError(f"`bounding_boxes` is a dict; got {type(bounding_boxes).__name__}.")
    if missing := {"boxes", "labels"} - bounding_boxes.keys():
        raise ValueError(
            f"`bounding_boxes` lacks {sorted(missing)}; it has {list(bounding_boxes)}."
        )
    pixels = as_pixels(images, data_format=data_format)
    pixels = np.repeat(pixels, 3 // pixels.shape[-1], -1)
    height, width = pixels.shape[1:3]
    corners = convert_format(bounding_boxes["boxes"], bounding_box_format, "xyxy", height, width)
    labels = np.asarray(bounding_boxes["labels"])
    if corners.shape != (len(pixels), *labels.shape[1:], 4) or labels.ndim != 2:
        raise ValueError(
            f"for {len(pixels)} images `boxes` has the shape ({len(pixels)}, n, 4) and `labels` the shape "
            f"({len(pixels)}, n); got {corners.shape} and {labels.shape}."
        )
    sure = bounding_boxes.get("confidences")
    font = ImageFont.load_default(_TEXT * font_scale)
    drawn = []
    for i, image in enumerate(pixels):
        canvas = Image.fromarray(image)
        draw = ImageDraw.Draw(canvas)
        for j, (box, label) in enumerate(zip(np.asarray(corners[i]), labels[i], strict=True)):
            if label < 0:
                continue
            left, top, right, bottom = (round(float(n)) for n in box)
            edges = [min(left, right), min(top, bottom), max(left, right), max(top, bottom)]
            draw.rectangle(edges, outline=tuple(color), width=line_thickness)
            name = (class_mapping or {}).get(int(label))
            if name is not None:
                text = name if sure is None else f"{name}: {float(np.asarray(sure)[i, j]):.2f}"
                above = max(edges[1] - _TEXT * font_scale - line_thickness, 0)
                bold = max(text_thickness - 1, 0)
                place = (edges[0], above)
                draw.text(place, text, tuple(color), font, stroke_width=bold)
        drawn.append(np.asarray(canvas))
    return _given_back(np.stack(drawn), images, data_format)


def draw_segmentation_masks(
    images: Any,
    segmentation_masks: Any,
    num_classes: int | None = None,
    color_mapping: Mapping[int, _Color] | None = None,
    alpha: float = 0.8,
    blend: bool = True,
    ignore_index: int = -1,
    data_format: str | None = None,
) -> np.ndarray:
    """Paint the pixels of each class in its color.

    Args:
        images: Images with values from 0 to 255, shape `(batch, height, width, channels)`.
        segmentation_masks: The class of each pixel, whole numbers of shape `(batch, height, width)`, with or without a
            last axis of size 1. Class 0, the background, is not painted unless it has a color.
        num_classes: How many classes there are besides the background; the greatest class where it is `None`.
        color_mapping: The color of each class; evenly spread hues where it is `None`.
        alpha: How much of the color covers the image.
        blend: Whether the image shines through at all.
        ignore_index: A class that is not painted.
        data_format: Where the images' channels are; last where it is `None`.

    Returns:
        The images as bytes, a copy.

    Raises:
        TypeError: The masks are no whole numbers.
        ValueError: A shape or `alpha` does not fit, or a class has no color.

    Example:
        >>> masks = [[[0, 1]]]
        >>> draw_segmentation_masks(np.zeros((1, 1, 2, 3)), masks, color_mapping={1: (255, 0, 0)}).tolist()
        [[[[0, 0, 0], [204, 0, 0]]]]
    """
    pixels = as_pixels(images, data_format=data_format)
    pixels = np.repeat(pixels, 3 // pixels.shape[-1], -1)
    masks = np.asarray(segmentation_masks)
    if masks.dtype.kind not in "iu":
        raise TypeError(f"`segmentation_masks` holds whole numbers; got {masks.dtype}.")
    if masks.ndim == 4 and 1 in (masks.shape[-1], masks.shape[1]):
        masks = masks[..., 0] if masks.shape[-1] == 1 else masks[:, 0]
    if masks.shape != pixels.shape[:3]:
        raise ValueError(
            f"masks have the images' shape without channels, {pixels.shape[:3]}; got {np.shape(segmentation_masks)}."
        )
    if not 0 <= alpha <= 1:
        raise ValueError(f"`alpha` is a share from 0 to 1; got {alpha!r}.")
    count = num_classes or int(masks.max(initial=0))
    colors = _palette(count) if color_mapping is None else color_mapping
    painted = pixels.astype("float32")
    share = alpha if blend else 1.0
    for number in np.unique(masks):
        if number == ignore_index or (number == 0 and 0 not in colors):
            continue
        if number not in colors:
            raise ValueError(f"class {number} has no color; {sorted(colors)} have one.")
        where = masks == number
        color = np.asarray(colors[int(number)], "float32")
        painted[where] = (1 - share) * painted[where] + share * color
    return _given_back(np.round(painted).astype("uint8"), images, data_format)


def _palette(count: int) -> dict[int, tuple[int, ...]]:
    """Return a color for each class from 1 on."""
    return {
        i + 1: tuple(round(255 * part) for part in colorsys.hsv_to_rgb(i / count, 0.8, 0.95))
        for i in range(count)
    }
