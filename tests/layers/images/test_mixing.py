"""`CutMix` and `MixUp`: Keras's results for the same parameters, the draws, and labels that fit the pixels."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import both

import trivium as tv
from trivium import layers as L

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(size=(4, 6, 5, 3)).astype("float32")
LABELS = np.eye(4, dtype="float32")
ORDER = np.array([2, 0, 1, 3], "int32")
WEIGHT = np.array([0.9, 0.2, 0.5, 0.0], "float32")


def test_mixed_up_as_by_keras():
    def mixed(library):
        layer = library.layers.MixUp()
        images, labels = map(library.ops.convert_to_tensor, (IMAGES, LABELS))
        given = {"mix_weight": WEIGHT, "permutation_order": ORDER}
        return [layer.transform_images(images, given), layer.transform_labels(labels, given)]

    for ours, theirs in zip(*both(mixed), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_cut_and_mixed_as_by_keras(data_format):
    masks = np.random.default_rng(4).uniform(size=(4, 6, 5, 1)) < 0.4
    images = IMAGES
    if data_format == "channels_first":
        masks, images = (np.moveaxis(x, -1, 1) for x in (masks, images))

    def mixed(library):
        layer = library.layers.CutMix(data_format=data_format)
        x, labels = map(library.ops.convert_to_tensor, (images, LABELS))
        given = {"mix_weight": WEIGHT, "permutation_order": ORDER, "batch_masks": masks}
        return [
            layer.transform_images(x, given),
            layer.transform_labels(labels, given),
            layer.transform_segmentation_masks(x, given),
        ]

    for ours, theirs in zip(*both(mixed), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "kwargs"),
    [("MixUp", {"alpha": 0.4}), ("CutMix", {"factor": (0.7, 0.7)})],
)
@pytest.mark.filterwarnings("ignore:Explicitly requested dtype")  # By Keras's MixUp.
def test_draws_are_distributed_as_those_of_keras(name, kwargs):
    def drawn(library):
        layer = getattr(library.layers, name)(**kwargs, seed=1)
        images = library.ops.zeros((1000, 32, 24, 1))
        found = layer.get_random_transformation(images)
        weight = np.asarray(found["mix_weight"])
        order = np.asarray(found["permutation_order"])
        return np.quantile(weight, [0.1, 0.3, 0.5, 0.7, 0.9]), np.sort(order), np.mean(order[:500])

    (ours, order, mean), (theirs, their_order, their_mean) = both(drawn)
    np.testing.assert_allclose(ours, theirs, atol=0.08)
    assert np.array_equal(order, their_order) and abs(mean - their_mean) < 50


def test_labels_are_the_shares_of_the_pixels():
    pictures = np.broadcast_to(np.arange(4.0)[:, None, None, None], (4, 7, 9, 2))
    masks = (pictures[..., 0] * 10).astype("uint8")
    data = {
        "images": np.moveaxis(pictures, -1, 1), "labels": np.eye(4), "segmentation_masks": masks
    }  # fmt: skip
    first = {"data_format": "channels_first"}
    cut, up = L.CutMix(**first), L.MixUp(1.0, **first)
    for _ in range(5):
        y = cut(data)
        shares = [[(np.asarray(x) == n).mean() for n in range(4)] for x in y["images"]]
        np.testing.assert_allclose(y["labels"], shares, atol=1e-6)
        assert y["segmentation_masks"].dtype == "uint8"
        plane = np.moveaxis(y["images"], 1, -1)[..., 0]
        assert np.array_equal(y["segmentation_masks"], 10 * plane)
        y = up(data)
        value = np.asarray(y["labels"]) @ np.arange(4)
        np.testing.assert_allclose(
            y["images"], np.broadcast_to(value[:, None, None, None], y["images"].shape), rtol=1e-5
        )
        np.testing.assert_allclose(y["segmentation_masks"][:, 0, 0], 10 * value, rtol=1e-5)


def test_boxes_of_both_images():
    boxes = {"boxes": np.arange(16.0).reshape(4, 1, 4), "labels": np.arange(4)[:, None]}
    data = {"images": IMAGES, "bounding_boxes": boxes}
    layer = L.MixUp(seed=1, bounding_box_format="xyxy")
    order = np.asarray(L.MixUp(seed=1).get_random_transformation(IMAGES)["permutation_order"])
    y = layer(data)["bounding_boxes"]
    assert np.array_equal(y["labels"], np.stack([np.arange(4), order], 1))
    assert np.array_equal(y["boxes"][:, 1], boxes["boxes"][order, 0])
    assert layer(data, training=False)["bounding_boxes"]["labels"].shape == (4, 1)
    with pytest.raises(NotImplementedError, match="CutMix"):
        L.CutMix(bounding_box_format="xyxy")(data)


def test_one_image_has_nothing_to_mix_with():
    for layer in (L.CutMix(), L.MixUp()):
        one = {"images": IMAGES[0], "labels": LABELS[0]}
        y = layer(one)
        np.testing.assert_allclose(y["images"], one["images"], rtol=1e-6)
        np.testing.assert_allclose(y["labels"], one["labels"], rtol=1e-6)


def test_what_cannot_be_mixed():
    for layer in (L.CutMix(), L.MixUp()):
        with pytest.raises(
            ValueError, match=r"a number for each class.*got labels of shape \(4,\)"
        ):
            layer({"images": IMAGES, "labels": np.arange(4)})
    with pytest.raises(ValueError, match="`alpha` is above 0"):
        L.MixUp(0)
    with pytest.raises(ValueError, match="`factor` is a number from 0 to 1"):
        L.CutMix(2)


def test_labels_have_one_dtype_in_both_modes():
    for layer in (L.CutMix(), L.MixUp()):
        data = {"images": tv.Input((6, 5, 3)), "labels": tv.Input((4,), dtype="int32")}
        assert layer(data)["labels"].dtype == "float32"
        real = {"images": IMAGES, "labels": LABELS.astype("int32")}
        for training in (True, False):
            assert layer(real, training=training)["labels"].dtype == "float32"
