"""`tf.image`: boxes in images, which are drawn, kept or left out, and drawn at random."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from trivium import random
from trivium.compat.written import covers
from trivium.ops.boxes.suppression import overlaps_of, suppressed
from trivium.state.types import Array, ArrayLike, Shape

__all__: list[str] = []

# TensorFlow's own order of colors.
_COLORS = (
    (1, 1, 0), (0, 0, 1), (1, 0, 0), (0, 1, 0), (0.5, 0, 0.5), (0.5, 0.5, 0), (0.5, 0, 0),
    (0, 0, 0.5), (0, 1, 1), (1, 0, 1),
)  # fmt: skip


@covers("tensorflow.image.draw_bounding_boxes")
def _draw_bounding_boxes(images: Any, boxes: Any, colors: Any, name: str | None = None) -> Any:
    pixels = np.array(images)
    rows, columns, channels = pixels.shape[1:]
    colors = _COLORS if colors is None or not len(colors) else np.asarray(colors)
    for image, found in zip(pixels, np.asarray(boxes, np.float32), strict=True):
        for number, (y1, x1, y2, x2) in enumerate(found):
            color = np.ones(channels, np.float32)
            chosen = np.asarray(colors[number % len(colors)], np.float32)[:channels]
            color[: len(chosen)] = chosen
            top, bottom = int(y1 * (rows - 1)), int(y2 * (rows - 1))
            left, right = int(x1 * (columns - 1)), int(x2 * (columns - 1))
            if (
                top >= rows
                or bottom < 0
                or left >= columns
                or right < 0
                or bottom < top
                or right < left
            ):
                continue
            across = slice(max(left, 0), min(right, columns - 1) + 1)
            along = slice(max(top, 0), min(bottom, rows - 1) + 1)
            for row in (top, bottom):
                if 0 <= row < rows:
                    image[row, across] = color
            for column in (left, right):
                if 0 <= column < columns:
                    image[along, column] = color
    return jnp.asarray(pixels)


_NO_SCORE = float("-inf")


@covers("tensorflow.image.non_max_suppression")
def _non_max_suppression(
    boxes: ArrayLike,
    scores: ArrayLike,
    max_output_size: int,
    iou_threshold: float = 0.5,
    score_threshold: float = _NO_SCORE,
    name: str | None = None,
) -> Array:
    return _with_scores(boxes, scores, max_output_size, iou_threshold, score_threshold)[0]


@covers("tensorflow.image.non_max_suppression_with_scores")
def _with_scores(
    boxes: ArrayLike,
    scores: ArrayLike,
    max_output_size: int,
    iou_threshold: float = 0.5,
    score_threshold: float = _NO_SCORE,
    soft_nms_sigma: float = 0.0,
    name: str | None = None,
) -> tuple[Array, Array]:
    kept, found = suppressed(
        overlaps_of(boxes),
        scores,
        int(max_output_size),
        # What lowers scores by how much boxes overlap keeps all of them, as TensorFlow has it.
        1.0 if soft_nms_sigma else float(iou_threshold),
        float(score_threshold),
        float(soft_nms_sigma),
    )
    return jnp.asarray(kept), jnp.asarray(found)


@covers("tensorflow.image.non_max_suppression_overlaps")
def _by_overlaps(
    overlaps: ArrayLike,
    scores: ArrayLike,
    max_output_size: int,
    overlap_threshold: float = 0.5,
    score_threshold: float = _NO_SCORE,
    name: str | None = None,
) -> Array:
    table = np.asarray(overlaps)
    kept, _ = suppressed(
        lambda best, others: table[best, others],
        scores,
        int(max_output_size),
        float(overlap_threshold),
        float(score_threshold),
    )
    return jnp.asarray(kept)


@covers("tensorflow.image.non_max_suppression_padded")
def _padded(
    boxes: ArrayLike,
    scores: ArrayLike,
    max_output_size: int,
    iou_threshold: float = 0.5,
    score_threshold: float = _NO_SCORE,
    pad_to_max_output_size: bool = False,
    name: str | None = None,
    sorted_input: bool = False,
    canonicalized_coordinates: bool = False,
    tile_size: int = 512,
) -> tuple[Array, Array]:
    corners, values = np.asarray(boxes), np.asarray(scores)
    if corners.ndim > 2 and not pad_to_max_output_size:
        raise ValueError(
            "tf.image.non_max_suppression_padded: of several images different numbers of boxes are kept; give "
            "`pad_to_max_output_size=True`."
        )
    most = int(max_output_size)
    kept = [
        _non_max_suppression(*one, most, iou_threshold, score_threshold)
        for one in zip(
            corners.reshape(-1, *corners.shape[-2:]),
            values.reshape(-1, values.shape[-1]),
            strict=True,
        )
    ]
    counts = np.array([len(k) for k in kept], np.int32)
    size = most if pad_to_max_output_size else int(counts.max(initial=0))
    numbers = np.array([np.pad(k, (0, size - len(k))) for k in kept], np.int32)
    batch = corners.shape[:-2]
    return jnp.asarray(numbers.reshape(*batch, size)), jnp.asarray(counts.reshape(batch))


class _Kept(NamedTuple):
    nmsed_boxes: Array
    nmsed_scores: Array
    nmsed_classes: Array
    valid_detections: Array


@covers("tensorflow.image.combined_non_max_suppression")
def _combined(
    boxes: ArrayLike,
    scores: ArrayLike,
    max_output_size_per_class: int,
    max_total_size: int,
    iou_threshold: float = 0.5,
    score_threshold: float = _NO_SCORE,
    pad_per_class: bool = False,
    clip_boxes: bool = True,
    name: str | None = None,
) -> _Kept:
    corners, values = np.asarray(boxes, np.float32), np.asarray(scores, np.float32)
    if corners.ndim != 4 or values.ndim != 3 or corners.shape[2] not in (1, values.shape[2]):
        raise ValueError(
            "tf.image.combined_non_max_suppression: `boxes` have the shape (images, boxes, 1 or classes, 4), `scores` "
            f"(images, boxes, classes); got {corners.shape} and {values.shape}."
        )
    classes = values.shape[2]
    size = int(max_total_size)
    if pad_per_class:
        size = min(size, int(max_output_size_per_class) * classes)
    images = [
        _best_of_classes(
            *one, int(max_output_size_per_class), size, float(iou_threshold), float(score_threshold)
        )
        for one in zip(corners, values, strict=True)
    ]
    made, found, of_class, counts = (np.stack(part) for part in zip(*images, strict=True))
    made = made.clip(0, 1) if clip_boxes else made
    return _Kept(*map(jnp.asarray, (made, found, of_class, counts)))


def _best_of_classes(
    boxes: np.ndarray, scores: np.ndarray, per_class: int, size: int, iou: float, least: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the boxes that are kept of one image, their scores and classes, filled up with zeros, and how many."""
    parts = []
    for number in range(scores.shape[1]):
        own = boxes[:, min(number, boxes.shape[1] - 1)]
        kept, found = suppressed(overlaps_of(own), scores[:, number], per_class, iou, least)
        parts.append((own[kept], found, np.full(len(kept), number, np.float32)))
    joined = [np.concatenate(part) for part in zip(*parts, strict=True)]
    order = np.argsort(-joined[1], kind="stable")[:size]
    missing = size - len(order)
    filled = [np.pad(x[order], [(0, missing)] + [(0, 0)] * (x.ndim - 1)) for x in joined]
    return filled[0], filled[1], filled[2], np.int32(len(order))  # type: ignore[return-value]


# -- a part of an image, drawn at random --------------------------------------------------------------------------


@covers("tensorflow.image.stateless_sample_distorted_bounding_box")
def _stateless_distorted(
    image_size: Shape,
    bounding_boxes: ArrayLike,
    seed: ArrayLike,
    min_object_covered: float = 0.1,
    aspect_ratio_range: tuple[float, float] | None = None,
    area_range: tuple[float, float] | None = None,
    max_attempts: int | None = None,
    use_image_if_no_bounding_boxes: bool | None = None,
    name: str | None = None,
) -> tuple[Array, Array, Array]:
    numbers = np.random.default_rng(np.asarray(seed).astype(np.uint32).tolist())
    height, width = (int(n) for n in np.asarray(image_size).tolist()[:2])
    objects = np.asarray(bounding_boxes, np.float32).reshape(-1, 4)
    if not len(objects):
        if not use_image_if_no_bounding_boxes:
            raise ValueError(
                "tf.image.sample_distorted_bounding_box: there are no bounding boxes; give "
                "`use_image_if_no_bounding_boxes=True` to take the whole image for one."
            )
        objects = np.array([[0, 0, 1, 1]], np.float32)
    ratios, areas = aspect_ratio_range or (0.75, 1.33), area_range or (0.05, 1.0)
    pixels = objects * np.array([height, width] * 2, np.float32)
    top, left, rows, columns = 0, 0, height, width  # the whole image, where no part is found
    for _ in range(100 if max_attempts is None else int(max_attempts)):
        ratio = numbers.uniform(*ratios)
        # How high a part of this ratio is whose area is in its range, and which fits into the image.
        low, high = (np.sqrt(area * height * width / ratio) for area in areas)
        high = min(high, height, width / ratio)
        if low > high:
            continue
        part = round(float(numbers.uniform(low, high)))
        across = round(part * ratio)
        if not (0 < part <= height and 0 < across <= width):
            continue
        y, x = numbers.integers(0, height - part + 1), numbers.integers(0, width - across + 1)
        if _covers_enough((y, x, y + part, x + across), pixels, float(min_object_covered)):
            top, left, rows, columns = int(y), int(x), part, across
            break
    box = [top / height, left / width, (top + rows) / height, (left + columns) / width]
    return (
        jnp.asarray([top, left, 0]),
        jnp.asarray([rows, columns, -1]),
        jnp.asarray([[box]], "float32"),
    )


def _covers_enough(part: tuple[Any, ...], objects: np.ndarray, share: float) -> bool:
    """Say whether a part of an image holds at least a share of one of the objects."""
    corners = np.array(part, np.float32)
    low, high = np.maximum(objects[:, :2], corners[:2]), np.minimum(objects[:, 2:], corners[2:])
    inside = (high - low).clip(min=0).prod(1)
    whole = (objects[:, 2:] - objects[:, :2]).prod(1)
    return bool(((whole > 0) & (inside >= share * whole)).any())


@covers("tensorflow.image.sample_distorted_bounding_box")
def _distorted(
    image_size: Shape,
    bounding_boxes: ArrayLike,
    seed: int = 0,
    *args: Any,
    **kwargs: Any,
) -> tuple[Array, Array, Array]:
    drawn = random.randint((2,), 0, 2**31 - 1, seed=seed or None)
    return _stateless_distorted(image_size, bounding_boxes, drawn, *args, **kwargs)
