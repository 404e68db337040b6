"""Bounding boxes as what they differ in from anchors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from trivium import ops
from trivium.ops.boxes.formats import convert_format, image_size
from trivium.state.types import ArrayLike

__all__ = ["decode_deltas_to_boxes", "encode_box_to_deltas"]


def encode_box_to_deltas(
    anchors: ArrayLike,
    boxes: ArrayLike,
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
        anchor_format: The anchors' format; see `utils.bounding_boxes`.
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
    size = image_size(image_shape)
    around = convert_format(anchors, anchor_format, encoding_format, *size)
    inside = convert_format(boxes, box_format, encoding_format, *size)
    apart = (inside[..., :2] - around[..., :2]) / around[..., 2:]
    return ops.concatenate([apart, ops.log(inside[..., 2:] / around[..., 2:])], -1) / variance


def decode_deltas_to_boxes(
    anchors: ArrayLike,
    boxes_delta: ArrayLike,
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
        anchor_format: The anchors' format; see `utils.bounding_boxes`.
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
    size = image_size(image_shape)
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
