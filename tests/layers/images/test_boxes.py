"""A box stays around what it marks, whatever is done to its image; and so does a mask."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import both

from trivium import layers as L
from trivium.utils.bounding_boxes import convert_format

COUNT, HEIGHT, WIDTH = 12, 40, 32
RNG = np.random.default_rng(0)
TOPS, LEFTS = RNG.integers(0, 28, COUNT), RNG.integers(0, 22, COUNT)
BOXES = np.stack([LEFTS, TOPS, LEFTS + 6, TOPS + 10], -1)[:, None].astype("float32")
MASKS = np.zeros((COUNT, HEIGHT, WIDTH, 1), "int32")
for mask, (left, top, right, bottom) in zip(MASKS, BOXES[:, 0].astype(int), strict=True):
    mask[top:bottom, left:right] = 1

# Each layer, and by how many pixels a box may be off: what is sampled at the nearest pixel is, by one.
LAYERS = {
    "RandomFlip": (L.RandomFlip, {"seed": 1}, 0.0),
    "RandomFlip across": (L.RandomFlip, {"mode": "horizontal", "seed": 1}, 0.0),
    "RandomRotation": (L.RandomRotation, {"factor": 0.5, "fill_mode": "constant", "seed": 1}, 1.5),
    "RandomZoom": (L.RandomZoom, {"height_factor": 0.6, "width_factor": 0.6, "fill_mode": "constant", "seed": 1}, 2.0),
    "RandomTranslation": (
        L.RandomTranslation, {"height_factor": 0.4, "width_factor": 0.4, "fill_mode": "constant", "seed": 1}, 1.0,
    ),
    "RandomShear": (L.RandomShear, {"x_factor": 0.6, "y_factor": 0.2, "fill_mode": "constant", "seed": 1}, 1.0),
    "RandomPerspective": (L.RandomPerspective, {"scale": 0.7, "seed": 1}, 2.0),
    "RandomCrop": (L.RandomCrop, {"height": 25, "width": 20, "seed": 1}, 0.0),
    "RandomCrop of small ones": (L.RandomCrop, {"height": 20, "width": 40, "seed": 1}, 1.0),
    "CenterCrop": (L.CenterCrop, {"height": 31, "width": 20}, 0.0),
    "CenterCrop of small ones": (L.CenterCrop, {"height": 50, "width": 50}, 1.5),
    "Resizing": (L.Resizing, {"height": 20, "width": 48}, 1.0),
    "Resizing, cut": (L.Resizing, {"height": 20, "width": 48, "crop_to_aspect_ratio": True}, 1.5),
    "Resizing, filled up": (L.Resizing, {"height": 20, "width": 48, "pad_to_aspect_ratio": True}, 1.0),
}  # fmt: skip


def extent(mask):
    """Return the box around what is marked."""
    rows, columns = (np.flatnonzero(mask[..., 0].any(axis)) for axis in (1, 0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])


@pytest.mark.parametrize("name", LAYERS)
def test_a_box_stays_around_what_it_marks(name):
    kind, kwargs, off = LAYERS[name]
    layer = kind(**kwargs, bounding_box_format="xyxy")
    labels = np.arange(COUNT)[:, None]
    data = {
        "images": MASKS,
        "bounding_boxes": {"boxes": BOXES, "labels": labels},
        "segmentation_masks": MASKS,
    }
    y = layer(data)
    boxes, masks = (
        np.asarray(y["bounding_boxes"]["boxes"][:, 0]),
        np.asarray(y["segmentation_masks"]),
    )
    assert masks.dtype == "int32" and masks.shape == y["images"].shape
    seen = 0
    for box, label, mask, number in zip(
        boxes, y["bounding_boxes"]["labels"][:, 0], masks, labels[:, 0], strict=True
    ):
        assert label in (number, -1)
        if mask.any():
            around = extent(mask)
            beyond = (box - around) * [1, 1, -1, -1]
            # The tip of a turned box may be cut off at the image's edge.
            whole = (box > 0).all() and (box[2:] < mask.shape[1::-1]).all()
            assert (beyond <= off + 1e-3).all()
            assert (beyond >= -off - 1e-3).all() or not whole
            seen += 1
        else:
            assert label == -1 or (box[2:] - box[:2]).min() <= off
    assert seen >= COUNT // 2
    still = layer(data, training=False)["bounding_boxes"]["boxes"]
    if not layer._always:
        np.testing.assert_array_equal(still, BOXES)


@pytest.mark.parametrize(
    ("kind", "name"), [("RandomTranslation", "center_yxhw"), ("Resizing", "rel_xywh")]
)
def test_boxes_of_another_format_move_likewise(kind, name):
    kind, kwargs, _ = LAYERS[kind]
    of, size = kind(**kwargs, bounding_box_format="xyxy"), (HEIGHT, WIDTH)
    to = kind(**kwargs, bounding_box_format=name)
    written = convert_format(BOXES, "xyxy", name, *size)
    labels = np.zeros((COUNT, 1))
    a = of({"images": MASKS, "bounding_boxes": {"boxes": BOXES, "labels": labels}})
    b = to({"images": MASKS, "bounding_boxes": {"boxes": written, "labels": labels}})
    back = convert_format(b["bounding_boxes"]["boxes"], name, "xyxy", *b["images"].shape[1:3])
    np.testing.assert_allclose(back, a["bounding_boxes"]["boxes"], atol=1e-3)


def test_no_box_stays_none():
    for none in (0.0, -1.0):
        boxes = {"boxes": np.full((COUNT, 1, 4), none), "labels": np.full((COUNT, 1), -1)}
        layer = L.RandomTranslation((0.5, 0.5), (0.5, 0.5), bounding_box_format="xywh")
        y = layer({"images": MASKS, "bounding_boxes": boxes})["bounding_boxes"]
        assert not y["boxes"].any() and (y["labels"] == -1).all()


def test_labels_of_several_numbers_follow():
    boxes = {"boxes": [[[0, 0, 4, 4], [28, 0, 32, 4]]], "labels": [[[1, 0], [0, 1]]]}
    layer = L.RandomTranslation((0.0, 0.0), (0.5, 0.5), bounding_box_format="xyxy")
    y = layer({"images": MASKS[:1], "bounding_boxes": boxes})["bounding_boxes"]
    assert y["labels"].tolist() == [[[1, 0], [-1, -1]]]


@pytest.mark.parametrize("counts", [(2, 0, 5), (4, 4, 4)])
def test_as_many_boxes_for_each_image(counts):
    rng = np.random.default_rng(2)
    most = max(counts)
    boxes = rng.uniform(0, 30, size=(3, most, 4)).astype("float32")
    labels = rng.integers(9, size=(3, most)).astype("int32")

    def run(library):
        layer = library.layers.MaxNumBoundingBoxes(3, bounding_box_format="xyxy")
        given = {"boxes": boxes.copy(), "labels": labels.copy()}
        y = layer({"images": MASKS[:3], "bounding_boxes": given, "labels": np.arange(3)})
        return y["images"], y["bounding_boxes"]["boxes"], y["bounding_boxes"]["labels"], y["labels"]

    for ours, theirs in zip(*both(run), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
    ragged = {
        "boxes": [b[:n].tolist() for b, n in zip(boxes, counts, strict=True)],
        "labels": [x[:n].tolist() for x, n in zip(labels, counts, strict=True)],
    }
    y = L.MaxNumBoundingBoxes(3, fill_value=-7)({"images": MASKS[:3], "bounding_boxes": ragged})[
        "bounding_boxes"
    ]
    assert y["boxes"].shape == (3, 3, 4)
    assert (np.asarray(y["labels"]) >= 0).sum(1).tolist() == [min(n, 3) for n in counts]


def test_distorted_boxes_are_refused():
    boxes = {"boxes": BOXES, "labels": np.zeros((COUNT, 1))}
    with pytest.raises(
        NotImplementedError, match="RandomElasticTransform does not say what becomes of bounding"
    ):
        L.RandomElasticTransform(bounding_box_format="xyxy")(
            {"images": MASKS, "bounding_boxes": boxes}
        )
