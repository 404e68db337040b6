"""What layers of images are called on, and what they give for each part of it."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium import layers as L
from trivium.layers.images import BaseImagePreprocessingLayer

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(size=(3, 4, 6, 3)).astype("float32")
DATA = {
    "images": IMAGES,
    "labels": np.array([5, 6, 7]),
    "bounding_boxes": {
        "boxes": [[[0, 1, 2, 4]], [], [[1, 1, 3, 2], [0, 0, 6, 4]]],
        "labels": [[7], [], [8, 9]],
    },
    "segmentation_masks": RNG.integers(4, size=(3, 4, 6, 1)).astype("uint8"),
    "weights": np.ones(3),
}


class Shift(BaseImagePreprocessingLayer):
    """A user's layer, in the way that Keras's are written: each image one pixel to the right or not."""

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.generator = tv.random.SeedGenerator(seed)

    def get_random_transformation(self, data, training=True, seed=None):
        if not training:
            return None
        images = data["images"] if isinstance(data, dict) else data
        return {"moved": tv.random.randint((images.shape[0],), 0, 2, seed=seed or self.generator)}

    def transform_images(self, images, transformation, training=True):
        if not training:
            return images
        moved = transformation["moved"][:, None, None, None]
        return tv.ops.where(moved == 1, tv.ops.roll(images, 1, axis=2), images)

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        return self.transform_images(segmentation_masks, transformation, training)


def tell(tree):
    return [(x.shape, str(x.dtype)) for x in tree]


def test_the_parts_of_a_batch():
    y = L.RandomFlip(bounding_box_format="xyxy")(DATA)
    assert set(y) == set(DATA)
    parts = y["images"], y["labels"], y["segmentation_masks"], *y["bounding_boxes"].values()
    assert tell(parts) == [
        ((3, 4, 6, 3), "float32"),
        ((3,), "int32"),
        ((3, 4, 6, 1), "uint8"),
        ((3, 2, 4), "float32"),
        ((3, 2), "int32"),
    ]
    assert y["bounding_boxes"]["labels"].tolist() == [[7, -1], [-1, -1], [8, 9]]
    assert isinstance(DATA["bounding_boxes"]["boxes"], list)  # What was given is as it was.


def test_one_image_is_a_batch_of_one():
    one = {
        "images": IMAGES[2],
        "labels": 7,
        "bounding_boxes": {"boxes": [[1, 1, 3, 2], [0, 0, 6, 4]], "labels": [8, 9]},
        "segmentation_masks": DATA["segmentation_masks"][2],
    }
    batch = {
        k: {n: np.asarray(v)[None] for n, v in x.items()}
        if isinstance(x, dict)
        else np.asarray(x)[None]
        for k, x in one.items()
    }
    layers = [L.RandomFlip("vertical", seed=1, bounding_box_format="xyxy") for _ in range(2)]
    for _ in range(4):
        a, b = layers[0](one), layers[1](batch)
        for key in ("images", "labels", "segmentation_masks"):
            assert np.array_equal(a[key], b[key][0])
        for key in ("boxes", "labels"):
            assert np.array_equal(a["bounding_boxes"][key], b["bounding_boxes"][key][0])


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_masks_may_have_no_channels(data_format):
    axis = -1 if data_format == "channels_last" else 1
    images = np.moveaxis(IMAGES, -1, axis)
    with_axis = {
        "images": images,
        "segmentation_masks": np.moveaxis(DATA["segmentation_masks"], -1, axis),
    }
    without = {**with_axis, "segmentation_masks": DATA["segmentation_masks"][..., 0]}
    a, b = (L.RandomFlip(seed=3, data_format=data_format)(x) for x in (with_axis, without))
    assert np.array_equal(np.squeeze(a["segmentation_masks"], axis), b["segmentation_masks"])
    alone = L.RandomFlip(seed=3, data_format=data_format)({k: v[0] for k, v in without.items()})
    assert np.array_equal(alone["segmentation_masks"], b["segmentation_masks"][0])


def test_whole_numbers_and_halves_come_out_in_the_compute_dtype():
    for dtype, policy in (("uint8", None), ("float64", None), ("float32", "mixed_bfloat16")):
        layer = L.RandomFlip(dtype=policy, bounding_box_format="xyxy")
        assert layer(IMAGES.astype(dtype)).dtype == layer.compute_dtype
        assert layer(IMAGES.astype(dtype), training=False).dtype == layer.compute_dtype
        boxes = {"boxes": jnp.full((3, 1, 4), 1333.0), "labels": jnp.ones((3, 1))}
        y = layer({"images": IMAGES, "bounding_boxes": boxes}, training=False)
        assert y["bounding_boxes"]["boxes"].dtype == "float32"
        assert y["bounding_boxes"]["boxes"][0, 0, 0] == 1333


def test_a_layer_of_ones_own():
    layer = Shift(seed=1)
    assert np.array_equal(layer(IMAGES, training=False), IMAGES)
    y = layer({"images": IMAGES, "segmentation_masks": IMAGES})
    assert np.array_equal(y["images"], y["segmentation_masks"])
    moved = [not np.array_equal(a, b) for a, b in zip(y["images"], IMAGES, strict=True)]
    assert all(
        np.array_equal(a, np.roll(b, m, 1))
        for a, b, m in zip(y["images"], IMAGES, moved, strict=True)
    )
    assert layer.get_config()["seed"] == 1
    with pytest.raises(NotImplementedError, match="`transform_bounding_boxes`"):
        Shift(bounding_box_format="xyxy")(DATA)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": IMAGES[0, 0]}, r"'flip'.*an image has 3 axes.*\(6, 3\)"),
        ({"images": IMAGES[None]}, "an image has 3 axes, and a batch of them 4"),
        ({"bounding_boxes": [[0, 0, 1, 1]]}, "a dict with 'boxes' and 'labels'"),
        ({"bounding_boxes": {"boxes": np.zeros((3, 2, 4))}}, "a dict with 'boxes' and 'labels'; got 'boxes'"),
        ({"bounding_boxes": {"boxes": [[], [], []], "labels": [[], [1], []]}}, "a label for each box"),
        ({"bounding_boxes": {"boxes": np.zeros((3, 4)), "labels": np.zeros(3)}}, r"\(batch, boxes, 4\)"),
        ({"bounding_boxes": {"boxes": np.zeros((3, 1, 5)), "labels": np.zeros((3, 1))}}, r"\(3, 1, 5\)"),
        ({"bounding_boxes": {"boxes": np.zeros((3, 2, 4)), "labels": np.zeros((3, 1))}}, r"labels of shape \(3, 1\)"),
    ],
)  # fmt: skip
def test_what_it_cannot_take(change, message):
    layer = L.RandomFlip(bounding_box_format="xyxy", name="flip")
    with pytest.raises(ValueError, match=message):
        layer({**DATA, **change})


def test_missing_images_and_formats():
    with pytest.raises(ValueError, match=r"'flip'.*without 'images'; it has 'image'"):
        L.RandomFlip(name="flip")({"image": IMAGES})
    with pytest.raises(ValueError, match=r'RandomFlip\(..., bounding_box_format="xyxy"\)'):
        L.RandomFlip()(DATA)
