"""Which of overlapping boxes are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from trivium.state.types import ArrayLike

__all__ = ["non_max_suppression", "overlaps_of", "suppressed"]

Overlaps: TypeAlias = Callable[[int, np.ndarray], np.ndarray]


def non_max_suppression(
    boxes: ArrayLike,
    scores: ArrayLike,
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
    return suppressed(overlaps_of(boxes), scores, max_output_size, iou_threshold, score_threshold)[
        0
    ]


def overlaps_of(boxes: ArrayLike) -> Overlaps:
    """Return a function of a box's number and those of others: the intersections over the unions.

    Args:
        boxes: Boxes by two opposite corners, shape `(n, 4)`.

    Example:
        >>> overlaps_of([[0, 0, 2, 2], [0, 0, 2, 1]])(0, np.array([0, 1])).tolist()
        [1.0, 0.5]
    """
    corners = np.asarray(boxes, np.float32).reshape(-1, 2, 2)
    low, high = corners.min(1), corners.max(1)
    areas = (high - low).prod(1)

    def overlaps(best: int, others: np.ndarray) -> np.ndarray:
        inside = np.minimum(high[others], high[best]) - np.maximum(low[others], low[best])
        overlap = inside.clip(min=0).prod(1)
        union = areas[others] + areas[best] - overlap
        both = (areas[others] > 0) & (areas[best] > 0)
        return np.where(both, overlap / np.where(union, union, 1), 0)

    return overlaps


def suppressed(
    overlaps: Overlaps,
    scores: ArrayLike,
    max_output_size: int,
    threshold: float = 0.5,
    score_threshold: float = float("-inf"),
    sigma: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of what is kept, the best first, and their scores.

    Args:
        overlaps: Says how much one, by its number, overlaps with others, by theirs.
        scores: How good each is, shape `(n,)`.
        max_output_size: The most to keep.
        threshold: How much two that are kept may overlap.
        score_threshold: What has no score above it is left out.
        sigma: If above 0, what overlaps with a better one has its score lowered, by `exp(-overlap^2 / (2 sigma))`,
            so that it may stay (Bodla et al., "Soft-NMS", ICCV 2017, https://arxiv.org/abs/1704.04503).

    Example:
        >>> suppressed(overlaps_of([[0, 0, 2, 2], [0, 0, 2, 1]]), [0.5, 1.0], 2, 1.0, sigma=0.5)[1].round(2)
        array([1.  , 0.39], dtype=float32)
    """
    values = np.asarray(scores, np.float32).copy()
    left = np.flatnonzero(values > score_threshold)
    kept: list[int] = []
    while len(left) and len(kept) < max_output_size:
        best = int(left[np.argmax(values[left])])
        kept.append(best)
        left = left[left != best]
        shared = overlaps(best, left)
        if sigma > 0:
            values[left] *= np.exp(-np.square(shared) / (2 * sigma))
        left = left[(shared <= threshold) & (values[left] > score_threshold)]
    return np.array(kept, np.int32), values[kept]
