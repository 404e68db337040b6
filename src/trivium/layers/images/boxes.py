"""Bounding boxes of a batch of images: as arrays, from lists of any lengths, and moved along with their images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trivium import ops
from trivium.layers.checks import known
from trivium.ops.boxes import clip_to_image_size, convert_format

__all__ = ["dense_boxes", "moved_boxes"]


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
        bounding_boxes: A dict with `"boxes"` and `"labels"`. The label of a box of which nothing is left is -1.
        name: The boxes' format.
        before: The image's height and width.
        after: Those that it has then.
        move: A function of corners: left, top, right and bottom, in pixels, on the last axis.

    Example:
        >>> boxes = {"boxes": [[1.0, 2.0, 3.0, 4.0]], "labels": [5]}
        >>> moved_boxes(boxes, "xywh", (9, 9), (5, 5), lambda corners: corners + 1)["boxes"].tolist()
        [[2.0, 3.0, 3.0, 2.0]]
    """
    corners = move(convert_format(bounding_boxes["boxes"], name, "xyxy", *before))
    clipped = clip_to_image_size({**bounding_boxes, "boxes": corners}, *after, "xyxy")
    moved: dict[str, Any] = convert_format(clipped, "xyxy", name, *after)
    return moved
