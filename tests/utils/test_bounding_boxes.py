"""Bounding boxes against the real Keras, and against their definitions."""

import numpy as np
import pytest
from oracle import both

from trivium.utils import bounding_boxes as boxes

FORMATS = [
    "xyxy",
    "yxyx",
    "xywh",
    "center_xywh",
    "center_yxhw",
    "rel_xyxy",
    "rel_yxyx",
    "rel_xywh",
    "rel_center_xywh",
]
A = np.array([[10, 20, 50, 60], [5, 5, 30, 25], [-10, -5, 120, 150]], "float32")
B = np.array([[12, 22, 40, 70], [0, 0, 10, 10], [-1, -1, -1, -1]], "float32")
LABELS = np.array([[1, 2, 3], [4, 5, 6]])
BATCH = np.stack([A, A + 7])
VARIANCE = [0.1, 0.1, 0.2, 0.2]


def same(ours, theirs):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_formats():
    def call(lib):
        convert = lib.utils.bounding_boxes.convert_format
        there = [convert(BATCH, "xyxy", f, height=100, width=200) for f in FORMATS]
        back = [
            convert(x, f, "xyxy", height=100, width=200)
            for x, f in zip(there, FORMATS, strict=True)
        ]
        named = convert({"boxes": BATCH, "labels": LABELS}, "xyxy", "rel_xywh", 100, 200)
        return [*there, *back, named["boxes"], named["labels"]]

    same(*both(call))
    sizes = np.array([100.0, 50.0])
    each = boxes.convert_format(BATCH, "xyxy", "rel_xywh", sizes, 2 * sizes)
    for i, size in enumerate(sizes):
        one = boxes.convert_format(BATCH[i], "xyxy", "rel_xywh", size, 2 * size)
        np.testing.assert_allclose(each[i], one)


def test_overlaps():
    def call(lib):
        b = lib.utils.bounding_boxes
        return [
            b.compute_iou(A, B, "xyxy"),
            b.compute_iou(BATCH, A, "xywh"),
            b.compute_iou(A, BATCH, "yxyx"),
            b.compute_iou(A, B, "xyxy", use_masking=True, mask_val=-2),
            b.compute_iou(A / 100, B / 100, "rel_xyxy", image_shape=(100, 100, 3)),
            b.compute_ciou(A, B + 20, "xyxy"),
            b.compute_ciou(A, B[::-1] + 20, "center_xywh"),
        ]

    same(*both(call))


def test_what_is_done_to_images():
    def call(lib):
        b = lib.utils.bounding_boxes
        clipped = b.clip_to_image_size({"boxes": BATCH, "labels": LABELS}, height=20, width=100)
        return [
            clipped["boxes"],
            clipped["labels"],
            b.crop(A, 10, 20, 40, 30),
            b.pad(BATCH, 3, 4, 100, 100),
        ]

    same(*both(call))


def test_deltas():
    def call(lib):
        b = lib.utils.bounding_boxes
        anchors = A + np.array([0, 0, 5, 9], "float32")
        plain = b.encode_box_to_deltas(anchors, BATCH, "xyxy", "xyxy")
        scaled = b.encode_box_to_deltas(anchors, A, "xyxy", "xyxy", "center_xywh", VARIANCE)
        return [
            plain,
            scaled,
            b.decode_deltas_to_boxes(anchors, plain, "xyxy", "xywh"),
            b.decode_deltas_to_boxes(anchors, scaled, "xyxy", "xyxy", "center_xywh", VARIANCE),
        ]

    ours, theirs = both(call)
    same(ours, theirs)
    np.testing.assert_allclose(ours[3], A, atol=1e-3)
    levels = boxes.decode_deltas_to_boxes({"P3": A}, {"P3": np.zeros_like(A)}, "xyxy", "xyxy")
    np.testing.assert_allclose(levels["P3"], A, atol=1e-4)


# Keras turns and shears in one step, by a matrix that does not keep areas; it agrees where only one of them is done.
MOVES = [
    (30.0, 0.1, 0.2, 1.0, 0.0, 0.0),
    (0.0, 0.1, 0.2, 2.0, 0.0, 0.0),
    (0.0, 0.0, 0.0, 1.0, 10.0, 0.0),
    (0.0, 0.0, 0.0, 1.0, 0.0, 10.0),
]


def test_affine_transforms():
    def call(lib):
        transform = lib.utils.bounding_boxes.affine_transform
        each = [[np.array([n, n], "float32") for n in move] for move in MOVES]
        return [transform(BATCH, *numbers, 100, 200) for numbers in each]

    ours, theirs = both(call)
    same(ours, theirs)
    for move, wanted in zip(MOVES, ours, strict=True):
        np.testing.assert_allclose(
            boxes.affine_transform(A, *move, 100, 200), wanted[0], rtol=1e-4, atol=1e-4
        )


def test_an_affine_transform_is_one_of_the_plane():
    """A box without size is a point, and three points say what the matrix is."""
    points = np.array([[0, 0, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1]], "float32")
    moved = np.asarray(
        boxes.affine_transform(points, 30.0, 0.0, 0.0, 1.0, 10.0, 5.0, 2, 2, 0.0, 0.0)
    )[:, :2]
    matrix = np.stack([moved[1] - moved[0], moved[2] - moved[0]], 1)
    np.testing.assert_allclose(np.linalg.det(matrix), 1, rtol=1e-5)


def test_what_is_refused():
    for call, words in [
        (lambda: boxes.convert_format(A, "xyxy", "xyyx"), "Unknown format.*'xyyx'.*Did you mean"),
        (lambda: boxes.convert_format(A, "xyxy", "rel_xyxy"), "`height` and `width`"),
        (lambda: boxes.convert_format(A[:, :3], "xyxy", "xywh"), r"\(..., 4\); got \(3, 3\)"),
        (lambda: boxes.compute_iou(A[0], B, "xyxy"), r"\(n, 4\) or \(batch, n, 4\)"),
        (lambda: boxes.clip_to_image_size({"boxes": A, "labels": LABELS[0]}, 10), "one is missing"),
        (lambda: boxes.encode_box_to_deltas(A, B, "xyxy", "xyxy", "xyxy"), "'center_xywh' or"),
        (lambda: boxes.encode_box_to_deltas(A, B, "xyxy", "xyxy", variance=[1.0]), "four numbers"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()
