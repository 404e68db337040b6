"""Bounding boxes of a batch of images: as arrays, from lists of any lengths, and moved along with their images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from trivium import ops
from trivium.layers.checks import known
from trivium.ops.boxes import clip_to_image_size, convert_format
from trivium.state.types import Array

__all__ = ["dense_boxes", "moved_boxes", "projected"]


def dense_boxes(bounding_boxes: Any, batched: bool) -> dict[str, Any]:
    """Return boxes and their labels as arrays.

    Args:
        bounding_boxes: A dict with `"boxes"`, shape `(boxes, 4)`, and `"labels"`, shape `(boxes, ...)`; or with a
            batch's axis before these. Lists may have another number of boxes for each image: they are filled up with
            boxes of zeros, and labels of -1.
        batched: Whether there is a batch's axis.

    Returns:
        A dict with the boxes in float32, and the labels. Other keys stay.

    Raises:
        ValueError: It is no such dict, or there is not a label for each box.

    Example:
        >>> boxes = {"boxes": [[[0, 0, 1, 2]], []], "labels": [[7], []]}
        >>> dense_boxes(boxes, batched=True)["labels"].tolist()
        [[7], [-1]]
    """
    if not isinstance(bounding_boxes, dict) or not {"boxes", "labels"} <= bounding_boxes.keys():
        kind = ", ".join(bounding_boxes) if isinstance(bounding_boxes, dict) else bounding_boxes
        raise ValueError(f"bounding boxes are a dict with 'boxes' and 'labels'; got {kind!r}.")
    boxes, labels = bounding_boxes["boxes"], bounding_boxes["labels"]
    if batched and isinstance(boxes, list | tuple) and isinstance(labels, list | tuple):
        counts = [len(b) for b in boxes]
        if counts != [len(x) for x in labels]:
            raise ValueError(
                f"there is a label for each box; got {counts} boxes of the images, and {[len(x) for x in labels]} "
                "labels."
            )
        most = max(counts, default=0)
        boxes = [[*b, *[[0.0] * 4] * (most - len(b))] for b in boxes]
        labels = [[*x, *[-1] * (most - len(x))] for x in labels]
        boxes = ops.reshape(ops.cast(boxes, "float32"), (len(boxes), most, 4))
    boxes, labels = ops.cast(boxes, "float32"), ops.convert_to_tensor(labels)
    rank = 3 if batched else 2
    if (
        len(boxes.shape) != rank
        or boxes.shape[-1] != 4
        or boxes.shape[:-1] != labels.shape[: rank - 1]
    ):
        wanted = "(batch, boxes, 4)" if batched else "(boxes, 4)"
        raise ValueError(
            f"boxes have the shape {wanted}, and there is a label for each; got boxes of shape {known(boxes.shape)}, "
            f"labels of shape {known(labels.shape)}."
        )
    return {**bounding_boxes, "boxes": boxes, "labels": labels}


def moved_boxes(
    bounding_boxes: dict[str, Any],
    name: str,
    before: tuple[Any, Any],
    after: tuple[Any, Any],
    move: Callable[[Any], Any],
) -> dict[str, Any]:
    """Return boxes whose corners are moved, cut at the edges of their image.

    Args:
        bounding_boxes: A dict with `"boxes"`, shape `(batch, boxes, 4)`, and `"labels"`. The label of a box of which
            nothing is left becomes -1. A box of zeros, or of -1 throughout, is none: it comes out as zeros.
        name: The boxes' format.
        before: The image's height and width.
        after: Those that it has then.
        move: A function of corners: left, top, right and bottom, in pixels, on the last axis. A pixel is one wide, so
            that the first one lies between 0 and 1.

    Example:
        >>> boxes = {"boxes": [[1.0, 2.0, 3.0, 4.0]], "labels": [5]}
        >>> moved_boxes(boxes, "xywh", (9, 9), (5, 5), lambda corners: corners + 1)["boxes"].tolist()
        [[2.0, 3.0, 3.0, 2.0]]
    """
    given = ops.convert_to_tensor(bounding_boxes["boxes"])
    none = ops.logical_or(ops.all(given == 0, -1), ops.all(given == -1, -1))[..., None]
    corners = move(convert_format(given, name, "xyxy", *before))
    corners = ops.where(none, 0.0, corners)
    clipped = clip_to_image_size({**bounding_boxes, "boxes": corners}, *after, "xyxy")
    moved: dict[str, Any] = convert_format(clipped, "xyxy", name, *after)
    return moved


def projected(corners: Array, transform: Array) -> Any:
    """Return the boxes around boxes whose image is sampled by a transform.

    Args:
        corners: Left, top, right and bottom, in pixels, shape `(batch, boxes, 4)`.
        transform: Where each pixel comes from, shape `(batch, 8)`, as `ops.image.affine_transform` takes it. So the
            boxes go the other way.

    Example:
        >>> shift = jnp.array([[1.0, 0.0, 2.0, 0.0, 1.0, 0.0, 0.0, 0.0]])
        >>> projected(jnp.array([[[5.0, 5.0, 7.0, 6.0]]]), shift).ravel().tolist()
        [3.0, 5.0, 5.0, 6.0]
    """
    one = jnp.ones_like(transform[:, :1])
    rows = jnp.concatenate([transform, one], -1).reshape(-1, 3, 3)
    # The inverse but for a factor, which a projection does not see: its columns are the products of pairs of rows.
    columns = [jnp.cross(rows[:, (i + 1) % 3], rows[:, (i + 2) % 3]) for i in range(3)]
    left, top, right, bottom = (corners[..., i] for i in range(4))
    # Transforms number the middles of pixels, boxes their edges.
    x = jnp.stack([left, right, left, right], -1) - 0.5
    y = jnp.stack([top, top, bottom, bottom], -1) - 0.5
    across, down, scale = (
        columns[0][:, i, None, None] * x
        + columns[1][:, i, None, None] * y
        + columns[2][:, i, None, None]
        for i in range(3)
    )
    x, y = across / scale + 0.5, down / scale + 0.5
    return jnp.stack([x.min(-1), y.min(-1), x.max(-1), y.max(-1)], -1)
