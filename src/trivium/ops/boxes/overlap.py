"""How much bounding boxes overlap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from trivium import ops
from trivium.ops.boxes.formats import convert_format, image_size
from trivium.state.types import Array, ArrayLike

__all__ = ["compute_ciou", "compute_iou"]


def compute_iou(
    boxes1: ArrayLike,
    boxes2: ArrayLike,
    bounding_box_format: str,
    use_masking: bool = False,
    mask_val: float = -1,
    image_shape: Sequence[int] | None = None,
) -> Any:
    """Return the intersection over union of each of some boxes with each of others.

    Args:
        boxes1: Boxes, shape `(m, 4)` or `(batch, m, 4)`.
        boxes2: Others, shape `(n, 4)` or `(batch, n, 4)`.
        bounding_box_format: The format of both; see `utils.bounding_boxes`.
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
        convert_format(b, bounding_box_format, to_corners, *image_size(image_shape))
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


def _overlap_and_union(a: Array, b: Array) -> tuple[Any, Any]:
    inside = ops.minimum(a[..., 2:], b[..., 2:]) - ops.maximum(a[..., :2], b[..., :2])
    overlap = ops.prod(ops.maximum(inside, 0), -1)
    areas = [ops.prod(box[..., 2:] - box[..., :2], -1) for box in (a, b)]
    return overlap, areas[0] + areas[1] - overlap


def compute_ciou(
    boxes1: ArrayLike,
    boxes2: ArrayLike,
    bounding_box_format: str,
    image_shape: Sequence[int] | None = None,
) -> Any:
    """Return the complete intersection over union of pairs of boxes: less for centers apart and other proportions.

    Args:
        boxes1: Boxes, shape `(..., 4)`.
        boxes2: Their partners, of the same shape.
        bounding_box_format: The format of both; see `utils.bounding_boxes`.
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
        convert_format(x, bounding_box_format, "xyxy", *image_size(image_shape))
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
