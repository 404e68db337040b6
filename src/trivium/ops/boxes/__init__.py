"""Bounding boxes: their formats, their overlap, and how they follow what is done to their image.

A format names a box's four numbers: `xyxy` (left, top, right, bottom), `xywh` (left, top, width, height),
`center_xywh` (the center, width, height), `yxyx` and `center_yxhw` with the vertical numbers first. With `rel_` before
it the numbers are shares of the image's width and height.
"""

from trivium.ops.boxes.deltas import decode_deltas_to_boxes, encode_box_to_deltas
from trivium.ops.boxes.formats import convert_format
from trivium.ops.boxes.overlap import compute_ciou, compute_iou
from trivium.ops.boxes.places import affine_transform, clip_to_image_size, crop, pad
from trivium.ops.boxes.suppression import non_max_suppression

__all__ = [
    "affine_transform", "clip_to_image_size", "compute_ciou", "compute_iou", "convert_format", "crop",
    "decode_deltas_to_boxes", "encode_box_to_deltas", "non_max_suppression", "pad",
]  # fmt: skip
