"""Bounding boxes: their formats, their overlap, and how they follow what is done to their image.

A format names a box's four numbers: `xyxy` (left, top, right, bottom), `xywh` (left, top, width, height),
`center_xywh` (the center, width, height), `yxyx` and `center_yxhw` with the vertical numbers first. With `rel_` before
it the numbers are shares of the image's width and height.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp

from trivium import ops
from trivium.state.registry import suggest

__all__ = [
    "affine_transform", "clip_to_image_size", "compute_ciou", "compute_iou", "convert_format", "crop",
    "decode_deltas_to_boxes", "encode_box_to_deltas", "pad",
]  # fmt: skip

_FORMATS = ("xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw")
_KNOWN = (*_FORMATS, *(f"rel_{name}" for name in _FORMATS))


def convert_format(
    boxes: Any,
    source: str,
    target: str,
    height: Any = None,
    width: Any = None,
    dtype: Any = "float32",
) -> Any:
    """Return boxes in another format.

    Args:
        boxes: An array of shape `(..., 4)`, or a dict with such an array under `"boxes"`.
        source: Their format; see this module.
        target: The other format.
        height: The image's height, or that of each image; needed where one of the formats is relative.
        width: Its width.
        dtype: The dtype of the result.

    Raises:
        ValueError: A format is unknown, a size is missing, or the boxes have not four numbers.

    Example:
        >>> convert_format([[10, 20, 30, 50]], "xyxy", "xywh").tolist()
        [[10.0, 20.0, 20.0, 30.0]]
    """
    if isinstance(boxes, dict):
        inner = convert_format(boxes["boxes"], source, target, height, width, dtype)
        return {**boxes, "boxes": inner}
    source, target = _format(source), _format(target)
    x = ops.cast(boxes, dtype)
    if x.shape[-1:] != (4,):
        raise ValueError(f"boxes have the shape (..., 4); got {tuple(x.shape)}.")
    if source == target:
        return x
    if source.startswith("rel_") != target.startswith("rel_") and _missing(height, width):
        raise ValueError(
            f"`height` and `width` of the image are needed between {source!r} and {target!r}."
        )
    left, top, right, bottom = _corners(x, source.removeprefix("rel_"))
    if source.startswith("rel_") != target.startswith("rel_"):
        across, down = _sizes(width, x), _sizes(height, x)
        if target.startswith("rel_"):
            across, down = 1 / across, 1 / down
        left, right, top, bottom = left * across, right * across, top * down, bottom * down
    return _from_corners(left, top, right, bottom, target.removeprefix("rel_"))


def _missing(*sizes: Any) -> bool:
    return any(size is None for size in sizes)


def _format(name: str) -> str:
    if name.lower() not in _KNOWN:
        raise ValueError(f"Unknown format of boxes {name!r}. {suggest(name, _KNOWN)}")
    return name.lower()


def _sizes(size: Any, boxes: Any) -> Any:
    """Return an image's size, or that of each image, as numbers that meet those of the boxes."""
    numbers = ops.cast(size, boxes.dtype)
    return ops.expand_dims(numbers, -1) if len(numbers.shape) else numbers


def _corners(x: Any, name: str) -> Any:
    a, b, c, d = (x[..., i] for i in range(4))
    if name.endswith(("yxyx", "yxhw")):
        a, b, c, d = b, a, d, c
    if name.startswith("center_"):
        return a - c / 2, b - d / 2, a + c / 2, b + d / 2
    return (a, b, a + c, b + d) if name == "xywh" else (a, b, c, d)


def _from_corners(left: Any, top: Any, right: Any, bottom: Any, name: str) -> Any:
    numbers = [left, top, right, bottom]
    if name != "xyxy" and name != "yxyx":
        numbers[2:] = [right - left, bottom - top]
        if name.startswith("center_"):
            numbers[:2] = [(left + right) / 2, (top + bottom) / 2]
    if name.endswith(("yxyx", "yxhw")):
        numbers = [numbers[i] for i in (1, 0, 3, 2)]
    return ops.stack(numbers, -1)


def _image_size(image_shape: Sequence[int] | None) -> tuple[Any, Any]:
    return (None, None) if image_shape is None else (image_shape[0], image_shape[1])


def compute_iou(
    boxes1: Any,
    boxes2: Any,
    bounding_box_format: str,
    use_masking: bool = False,
    mask_val: float = -1,
    image_shape: Sequence[int] | None = None,
) -> Any:
    """Return the intersection over union of each of some boxes with each of others.

    Args:
        boxes1: Boxes, shape `(m, 4)` or `(batch, m, 4)`.
        boxes2: Others, shape `(n, 4)` or `(batch, n, 4)`.
        bounding_box_format: The format of both; see this module.
        use_masking: Whether boxes that are negative throughout are none.
        mask_val: What pairs with such a box get.
        image_shape: `(height, width, ...)`, for relative formats.

    Returns:
        An array of shape `(m, n)` or `(batch, m, n)`.

    Raises:
        ValueError: Boxes have another number of axes, or the format is unknown.

    Example:
        >>> compute_iou([[0, 0, 2, 2]], [[1, 0, 3, 2], [4, 4, 5, 5]], "xyxy").round(2).tolist()
        [[0.3..., 0.0]]
    """
    to_corners = "rel_xyxy" if bounding_box_format.startswith("rel_") else "xyxy"
    first, second = (
        convert_format(b, bounding_box_format, to_corners, *_image_size(image_shape))
        for b in (boxes1, boxes2)
    )
    if any(len(b.shape) not in (2, 3) for b in (first, second)):
        raise ValueError(
            f"boxes have the shape (n, 4) or (batch, n, 4); got {first.shape} and {second.shape}."
        )
    a, b = first[..., :, None, :], second[..., None, :, :]
    overlap, union = _overlap_and_union(a, b)
    # Two boxes without an area have nothing in common.
    shares = ops.where(union > 0, overlap / ops.where(union > 0, union, 1), 0)
    if use_masking:
        none = ops.logical_or(ops.all(a < 0, -1), ops.all(b < 0, -1))
        shares = ops.where(none, ops.cast(mask_val, shares.dtype), shares)
    return shares


def _overlap_and_union(a: Any, b: Any) -> tuple[Any, Any]:
    inside = ops.minimum(a[..., 2:], b[..., 2:]) - ops.maximum(a[..., :2], b[..., :2])
    overlap = ops.prod(ops.maximum(inside, 0), -1)
    areas = [ops.prod(box[..., 2:] - box[..., :2], -1) for box in (a, b)]
    return overlap, areas[0] + areas[1] - overlap


def compute_ciou(
    boxes1: Any, boxes2: Any, bounding_box_format: str, image_shape: Sequence[int] | None = None
) -> Any:
    """Return the complete intersection over union of pairs of boxes: less for centers apart and other proportions.

    Args:
        boxes1: Boxes, shape `(..., 4)`.
        boxes2: Their partners, of the same shape.
        bounding_box_format: The format of both; see this module.
        image_shape: `(height, width, ...)`, for relative formats.

    Returns:
        An array of shape `(...)`: 1 where both are the same box, and at least -1.5.

    Example:
        >>> compute_ciou([[0, 0, 2, 2]], [[0, 0, 2, 2]], "xyxy").round(3).tolist()
        [1.0]

    Reference:
        Zheng et al., "Distance-IoU Loss: Faster and Better Learning for Bounding Box Regression", AAAI 2020,
        https://arxiv.org/abs/1911.08287
    """
    a, b = (
        convert_format(x, bounding_box_format, "xyxy", *_image_size(image_shape))
        for x in (boxes1, boxes2)
    )
    tiny = 1e-7
    overlap, union = _overlap_and_union(a, b)
    iou = overlap / (union + tiny)
    hull = ops.maximum(a[..., 2:], b[..., 2:]) - ops.minimum(a[..., :2], b[..., :2])
    apart = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2
    distance = ops.sum(apart**2, -1) / (ops.sum(hull**2, -1) + tiny)
    slopes = [ops.arctan((x[..., 2] - x[..., 0]) / (x[..., 3] - x[..., 1] + tiny)) for x in (a, b)]
    shape = (2 / jnp.pi * (slopes[0] - slopes[1])) ** 2
    # How much the proportions count is no function to be trained.
    weight = ops.stop_gradient(shape / (shape - iou + 1 + tiny))
    return iou - distance - weight * shape


def clip_to_image_size(
    bounding_boxes: dict[str, Any],
    height: Any = None,
    width: Any = None,
    bounding_box_format: str = "xyxy",
) -> dict[str, Any]:
    """Cut boxes at the edges of their image; the label of one of which nothing is left is -1.

    Args:
        bounding_boxes: A dict with `"boxes"`, shape `(..., n, 4)`, and `"labels"`, shape `(..., n)`.
        height: The image's height.
        width: Its width.
        bounding_box_format: The boxes' format; see this module.

    Raises:
        ValueError: The format is unknown, or a size is missing.

    Example:
        >>> boxes = {"boxes": [[-5, 0, 5, 5], [20, 20, 30, 30]], "labels": [1, 2]}
        >>> clip_to_image_size(boxes, 10, 10)["labels"].tolist()
        [1, -1]
    """
    relative = bounding_box_format.lower().startswith("rel_")
    if not relative and _missing(height, width):
        raise ValueError("`height` and `width` say where the image ends; one is missing.")
    name = "rel_xyxy" if relative else "xyxy"
    corners = convert_format(bounding_boxes["boxes"], bounding_box_format, name)
    ends = [1.0, 1.0] if relative else [_sizes(s, corners) for s in (width, height)]
    parts = [ops.clip(corners[..., i], 0.0, ends[i % 2]) for i in range(4)]
    empty = (parts[2] - parts[0]) * (parts[3] - parts[1]) <= 0
    labels = ops.where(empty, -1, ops.convert_to_tensor(bounding_boxes["labels"]))
    boxes = convert_format(ops.stack(parts, -1), name, bounding_box_format)
    return {**bounding_boxes, "boxes": boxes, "labels": labels}


def _in_pixels(boxes: Any, name: str, height: Any, width: Any, change: Callable[[Any], Any]) -> Any:
    """Return boxes of which the corners, in pixels, are changed."""
    corners = convert_format(boxes, name, "xyxy", height, width)
    return convert_format(change(corners), "xyxy", name, height, width)


def crop(
    boxes: Any, top: Any, left: Any, height: Any, width: Any, bounding_box_format: str = "xyxy"
) -> Any:
    """Return boxes as they lie in a part of their image, cut at its edges.

    Args:
        boxes: Boxes, shape `(..., 4)`.
        top: How many rows lie above the part.
        left: How many columns lie on its left.
        height: Its height.
        width: Its width.
        bounding_box_format: The format; see this module. Relative ones are of the part.

    Example:
        >>> crop([[10, 20, 50, 60]], top=10, left=20, height=40, width=20).tolist()
        [[0.0, 10.0, 20.0, 40.0]]
    """

    def change(corners: Any) -> Any:
        moved = corners - jnp.asarray([left, top, left, top], corners.dtype)
        return ops.clip(moved, 0.0, jnp.asarray([width, height, width, height], corners.dtype))

    return _in_pixels(boxes, bounding_box_format, height, width, change)


def pad(
    boxes: Any,
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
        bounding_box_format: The format; see this module.

    Example:
        >>> pad([[10, 20, 50, 60]], top=1, left=2).tolist()
        [[12.0, 21.0, 52.0, 61.0]]
    """

    def change(corners: Any) -> Any:
        return corners + jnp.asarray([left, top, left, top], corners.dtype)

    return _in_pixels(boxes, bounding_box_format, height, width, change)


def affine_transform(
    boxes: Any,
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
        bounding_box_format: The format; see this module.

    Example:
        >>> affine_transform([[10, 20, 30, 40]], 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 101, 101).tolist()
        [[-30.0, -10.0, 10.0, 30.0]]
    """

    def number(value: Any) -> Any:
        array = ops.cast(value, "float32")
        return array[:, None, None] if len(array.shape) else array

    def change(corners: Any) -> Any:
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


def encode_box_to_deltas(
    anchors: Any,
    boxes: Any,
    anchor_format: str,
    box_format: str,
    encoding_format: str = "center_yxhw",
    variance: Any = None,
    image_shape: Sequence[int] | None = None,
) -> Any:
    """Return how boxes differ from anchors: what a detector learns to say.

    Args:
        anchors: Boxes, shape `(n, 4)`.
        boxes: The boxes to write so, shape `(n, 4)` or `(batch, n, 4)`.
        anchor_format: The anchors' format; see this module.
        box_format: The boxes' format.
        encoding_format: `"center_xywh"` or `"center_yxhw"`: the order of the four numbers.
        variance: Four numbers to divide by.
        image_shape: `(height, width, ...)`, for relative formats.

    Returns:
        The distances of the centers as shares of the anchors' sizes, and the logarithms of the sizes' quotients.

    Raises:
        ValueError: A format is unknown or none of the two, or there are not four variances.

    Example:
        >>> encode_box_to_deltas([[0, 0, 2, 2]], [[1, 0, 3, 2]], "xyxy", "xyxy").tolist()
        [[0.0, 0.5, 0.0, 0.0]]

    Reference:
        Ren et al., "Faster R-CNN", NIPS 2015, https://arxiv.org/abs/1506.01497, section 3.1.2
    """
    variance = _checked(encoding_format, variance)
    size = _image_size(image_shape)
    around = convert_format(anchors, anchor_format, encoding_format, *size)
    inside = convert_format(boxes, box_format, encoding_format, *size)
    apart = (inside[..., :2] - around[..., :2]) / around[..., 2:]
    return ops.concatenate([apart, ops.log(inside[..., 2:] / around[..., 2:])], -1) / variance


def decode_deltas_to_boxes(
    anchors: Any,
    boxes_delta: Any,
    anchor_format: str,
    box_format: str,
    encoded_format: str = "center_yxhw",
    variance: Any = None,
    image_shape: Sequence[int] | None = None,
) -> Any:
    """Return the boxes that differ from anchors by what a detector says: the inverse of `encode_box_to_deltas`.

    Args:
        anchors: Boxes, shape `(n, 4)`; or a dict of such arrays, one for each level.
        boxes_delta: What `encode_box_to_deltas` gives, shape `(n, 4)` or `(batch, n, 4)`; a dict with the same keys.
        anchor_format: The anchors' format; see this module.
        box_format: The format of the result.
        encoded_format: `"center_xywh"` or `"center_yxhw"`: the order of the four numbers.
        variance: Four numbers to multiply by.
        image_shape: `(height, width, ...)`, for relative formats.

    Raises:
        ValueError: A format is unknown or none of the two, or there are not four variances.

    Example:
        >>> decode_deltas_to_boxes([[0, 0, 2, 2]], [[0.0, 0.5, 0.0, 0.0]], "xyxy", "xyxy").tolist()
        [[1.0, 0.0, 3.0, 2.0]]
    """
    if isinstance(anchors, dict):
        settings = (anchor_format, box_format, encoded_format, variance, image_shape)
        return {
            level: decode_deltas_to_boxes(anchors[level], deltas, *settings)
            for level, deltas in boxes_delta.items()
        }
    scale = _checked(encoded_format, variance)
    size = _image_size(image_shape)
    around = convert_format(anchors, anchor_format, encoded_format, *size)
    deltas = ops.cast(boxes_delta, around.dtype) * scale
    centers = deltas[..., :2] * around[..., 2:] + around[..., :2]
    decoded = ops.concatenate([centers, ops.exp(deltas[..., 2:]) * around[..., 2:]], -1)
    return convert_format(decoded, encoded_format, box_format, *size)


def _checked(name: str, variance: Any) -> Any:
    if name not in ("center_xywh", "center_yxhw"):
        raise ValueError(f"boxes are encoded as 'center_xywh' or 'center_yxhw'; got {name!r}.")
    if variance is None:
        return 1.0
    if len(variance) != 4:
        raise ValueError(f"`variance` is four numbers; got {variance!r}.")
    return jnp.asarray(variance, "float32")
