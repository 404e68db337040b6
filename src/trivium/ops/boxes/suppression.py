"""Which of overlapping boxes are kept."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["non_max_suppression"]


def non_max_suppression(
    boxes: Any,
    scores: Any,
    max_output_size: int,
    iou_threshold: float = 0.5,
    score_threshold: float = float("-inf"),
) -> np.ndarray:
    """Return the numbers of the boxes that are kept: the best ones that do not overlap a better one much.

    How many that are follows from their values, so it runs on the host.

    Args:
        boxes: Boxes by two opposite corners, `yxyx` or `xyxy`, shape `(n, 4)`.
        scores: How good each is, shape `(n,)`.
        max_output_size: The most boxes to keep.
        iou_threshold: How much two that are kept may overlap: their intersection over their union.
        score_threshold: Boxes whose score is not above it are left out.

    Returns:
        Shape `(kept,)`, dtype int32, the best first.

    Example:
        >>> boxes = [[0, 0, 2, 2], [0, 0, 2, 1.9], [5, 5, 6, 6]]
        >>> non_max_suppression(boxes, [0.5, 0.9, 0.7], 3).tolist()
        [1, 2]

    Reference:
        Neubeck and Van Gool, "Efficient Non-Maximum Suppression", ICPR 2006,
        https://doi.org/10.1109/ICPR.2006.479
    """
    corners = np.asarray(boxes, np.float32).reshape(-1, 2, 2)
    low, high = corners.min(1), corners.max(1)
    areas = (high - low).prod(1)
    values = np.asarray(scores, np.float32)
    order = np.argsort(-values, kind="stable")
    order = order[values[order] > score_threshold]
    kept: list[int] = []
    while len(order) and len(kept) < max_output_size:
        best, order = order[0], order[1:]
        kept.append(best)
        inside = np.minimum(high[order], high[best]) - np.maximum(low[order], low[best])
        overlap = inside.clip(min=0).prod(1)
        union = areas[order] + areas[best] - overlap
        ious = np.where(
            (areas[order] > 0) & (areas[best] > 0), overlap / np.where(union, union, 1), 0
        )
        order = order[ious <= iou_threshold]
    return np.array(kept, np.int32)
