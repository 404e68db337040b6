"""How bounding boxes follow what is done to their image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from trivium import ops
from trivium.ops.boxes.formats import convert_format, missing, sizes_of_boxes
from trivium.state.types import Array, ArrayLike

__all__ = ["affine_transform", "clip_to_image_size", "crop", "pad"]


def clip_to_image_size(
    bounding_boxes: dict[str, Any],
    height: Any = None,
    width: Any = None,
    bounding_box_format: str = "xyxy",
) -> dict[str, Any]:
    """Cut boxes at the edges of their image; the label of one of which nothing is left is -1.

    Args:
        bounding_boxes: A dict with `"boxes"`, shape `(..., n, 4)`, and `"labels"`, shape `(..., n)`, or
            `(..., n, classes)`.
        height: The image's height.
        width: Its width.
        bounding_box_format: The boxes' format; see `utils.bounding_boxes`.

    Raises:
        ValueError: The format is unknown, or a size is missing.

    Example:
        >>> boxes = {"boxes": [[-5, 0, 5, 5], [20, 20, 30, 30]], "labels": [1, 2]}
        >>> clip_to_image_size(boxes, 10, 10)["labels"].tolist()
        [1, -1]
    """
    relative = bounding_box_format.lower().startswith("rel_")
    if not relative and missing(height, width):
        raise ValueError("`height` and `width` say where the image ends; one is missing.")
    name = "rel_xyxy" if relative else "xyxy"
    corners = convert_format(bounding_boxes["boxes"], bounding_box_format, name)
    ends = [1.0, 1.0] if relative else [sizes_of_boxes(s, corners) for s in (width, height)]
    parts = [ops.clip(corners[..., i], 0.0, ends[i % 2]) for i in range(4)]
    empty = (parts[2] - parts[0]) * (parts[3] - parts[1]) <= 0
    labels = ops.convert_to_tensor(bounding_boxes["labels"])
    if len(labels.shape) > len(empty.shape):
        empty = ops.expand_dims(empty, -1)
    labels = ops.where(empty, -1, labels)
    boxes = convert_format(ops.stack(parts, -1), name, bounding_box_format)
    return {**bounding_boxes, "boxes": boxes, "labels": labels}


def _in_pixels(
    boxes: ArrayLike, name: str, height: Any, width: Any, change: Callable[[Any], Any]
) -> Any:
    """Return boxes of which the corners, in pixels, are changed."""
    corners = convert_format(boxes, name, "xyxy", height, width)
    return convert_format(change(corners), "xyxy", name, height, width)


def crop(
    boxes: ArrayLike,
    top: Any,
    left: Any,
    height: Any,
    width: Any,
    bounding_box_format: str = "xyxy",
) -> Any:
    """Return boxes as they lie in a part of their image, cut at its edges.

    Args:
        boxes: Boxes, shape `(..., 4)`.
        top: How many rows lie above the part.
        left: How many columns lie on its left.
        height: Its height.
        width: Its width.
        bounding_box_format: The format; see `utils.bounding_boxes`. Relative ones are of the part.

    Example:
        >>> crop([[10, 20, 50, 60]], top=10, left=20, height=40, width=20).tolist()
        [[0.0, 10.0, 20.0, 40.0]]
    """

    def change(corners: Array) -> Any:
        moved = corners - jnp.asarray([left, top, left, top], corners.dtype)
        return ops.clip(moved, 0.0, jnp.asarray([width, height, width, height], corners.dtype))

    return _in_pixels(boxes, bounding_box_format, height, width, change)


def pad(
    boxes: ArrayLike,
    top: Any,
    left: Any,
    height: Any = None,
    width: Any = None,
    bounding_box_format: str = "xyxy",
) -> Any:
    """Return boxes as they lie in their image after rows and columns were added before it.

    Args:
        boxes: Boxes, shape `(..., 4)`.
        top: How many rows were added above.
        left: How many columns were added on the left.
        height: The height, for relative formats.
        width: The width.
        bounding_box_format: The format; see `utils.bounding_boxes`.

    Example:
        >>> pad([[10, 20, 50, 60]], top=1, left=2).tolist()
        [[12.0, 21.0, 52.0, 61.0]]
    """

    def change(corners: Array) -> Any:
        return corners + jnp.asarray([left, top, left, top], corners.dtype)

    return _in_pixels(boxes, bounding_box_format, height, width, change)


def affine_transform(
    boxes: ArrayLike,
    angle: Any,
    translate_x: Any,
    translate_y: Any,
    scale: Any,
    shear_x: Any,
    shear_y: Any,
    height: int,
    width: int,
    center_x: Any = None,
    center_y: Any = None,
    bounding_box_format: str = "xyxy",
) -> Any:
    """Return the boxes around boxes whose image is moved, sheared, turned and stretched about a point, in this order.

    Args:
        boxes: Boxes, shape `(n, 4)`, or `(batch, n, 4)`; then the other arguments may be numbers or one for each image.
        angle: The angle to turn by, against the clock, in degrees.
        translate_x: How far to the right, as a share of the width less a pixel.
        translate_y: How far down, as a share of the height less a pixel.
        scale: The factor to stretch by.
        shear_x: The angle of the shear along the rows, in degrees.
        shear_y: That along the columns, which comes after it.
        height: The image's height.
        width: Its width.
        center_x: The point's column, as a share of the width less a pixel; the middle where it is `None`.
        center_y: Its row, likewise.
        bounding_box_format: The format; see `utils.bounding_boxes`.

    Example:
        >>> affine_transform([[10, 20, 30, 40]], 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 101, 101).tolist()
        [[-30.0, -10.0, 10.0, 30.0]]
    """

    def number(value: Any) -> Any:
        array = ops.cast(value, "float32")
        return array[:, None, None] if len(array.shape) else array

    def change(corners: Array) -> Any:
        right, down = width - 1, height - 1
        middle_x = number(0.5 if center_x is None else center_x) * right
        middle_y = number(0.5 if center_y is None else center_y) * down
        left, top, end, bottom = (corners[..., i, None] for i in range(4))
        x = ops.concatenate([left, end, left, end], -1) - middle_x + number(translate_x) * right
        y = ops.concatenate([top, top, bottom, bottom], -1) - middle_y + number(translate_y) * down
        x = x + ops.tan(ops.deg2rad(number(shear_x))) * y
        y = y + ops.tan(ops.deg2rad(number(shear_y))) * x
        turn, factor = ops.deg2rad(number(angle)), number(scale)
        sine, cosine = ops.sin(turn), ops.cos(turn)
        x, y = factor * (cosine * x + sine * y), factor * (cosine * y - sine * x)
        x, y = x + middle_x, y + middle_y
        return ops.stack([ops.min(x, -1), ops.min(y, -1), ops.max(x, -1), ops.max(y, -1)], -1)

    return _in_pixels(boxes, bounding_box_format, height, width, change)
