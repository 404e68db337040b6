"""The formats of bounding boxes, and boxes of one in another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trivium import ops
from trivium.state.registry import suggest
from trivium.state.types import Array, ArrayLike, DType

__all__ = ["convert_format", "image_size", "missing", "sizes_of_boxes"]

_FORMATS = ("xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw")
_KNOWN = (*_FORMATS, *(f"rel_{name}" for name in _FORMATS))


def convert_format(
    boxes: ArrayLike | dict[str, Any],
    source: str,
    target: str,
    height: Any = None,
    width: Any = None,
    dtype: DType = "float32",
) -> Any:
    """Return boxes in another format.

    Args:
        boxes: An array of shape `(..., 4)`, or a dict with such an array under `"boxes"`.
        source: Their format; see `utils.bounding_boxes`.
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
    if source.startswith("rel_") != target.startswith("rel_") and missing(height, width):
        raise ValueError(
            f"`height` and `width` of the image are needed between {source!r} and {target!r}."
        )
    left, top, right, bottom = _corners(x, source.removeprefix("rel_"))
    if source.startswith("rel_") != target.startswith("rel_"):
        across, down = sizes_of_boxes(width, x), sizes_of_boxes(height, x)
        if target.startswith("rel_"):
            across, down = 1 / across, 1 / down
        left, right, top, bottom = left * across, right * across, top * down, bottom * down
    return _from_corners(left, top, right, bottom, target.removeprefix("rel_"))


def missing(*sizes: Any) -> bool:
    """Say whether a size of the image is missing.

    Example:
        >>> missing(3, None)
        True
    """
    return any(size is None for size in sizes)


def _format(name: str) -> str:
    if name.lower() not in _KNOWN:
        raise ValueError(f"Unknown format of boxes {name!r}. {suggest(name, _KNOWN)}")
    return name.lower()


def sizes_of_boxes(size: ArrayLike, boxes: Array) -> Any:
    """Return an image's size, or that of each image, as numbers that meet those of the boxes."""
    numbers = ops.cast(size, boxes.dtype)
    return ops.expand_dims(numbers, -1) if len(numbers.shape) else numbers


def _corners(x: Array, name: str) -> Any:
    a, b, c, d = (x[..., i] for i in range(4))
    if name.endswith(("yxyx", "yxhw")):
        a, b, c, d = b, a, d, c
    if name.startswith("center_"):
        return a - c / 2, b - d / 2, a + c / 2, b + d / 2
    return (a, b, a + c, b + d) if name == "xywh" else (a, b, c, d)


def _from_corners(left: Array, top: Array, right: Array, bottom: Array, name: str) -> Any:
    numbers = [left, top, right, bottom]
    if name != "xyxy" and name != "yxyx":
        numbers[2:] = [right - left, bottom - top]
        if name.startswith("center_"):
            numbers[:2] = [(left + right) / 2, (top + bottom) / 2]
    if name.endswith(("yxyx", "yxhw")):
        numbers = [numbers[i] for i in (1, 0, 3, 2)]
    return ops.stack(numbers, -1)


def image_size(image_shape: Sequence[int] | None) -> tuple[Any, Any]:
    """Return an image's height and width.

    Example:
        >>> image_size((10, 20, 3)), image_size(None)
        ((10, 20), (None, None))
    """
    return (None, None) if image_shape is None else (image_shape[0], image_shape[1])
