"""Perspective, rubber and erasing: Keras's numbers for the same parameters, the definitions, and what is drawn."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from oracle import both

import trivium as tv
from trivium import layers as L

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(0, 255, size=(3, 6, 5, 3)).astype("float32")
MASKS = RNG.integers(4, size=(3, 6, 5, 1)).astype("int32")
CORNERS = np.tile(np.array([[0, 0], [4, 0], [0, 5], [4, 5]], "float32"), (3, 1, 1))
MOVED = CORNERS + RNG.uniform(-1, 1, CORNERS.shape).astype("float32")


@pytest.mark.parametrize(
    "way", [{}, {"interpolation": "nearest", "fill_value": 8.0, "data_format": "channels_first"}]
)
def test_perspective_has_the_numbers_of_keras(way):
    images = np.moveaxis(IMAGES, -1, 1) if way else IMAGES
    said = {
        "apply_perspective": np.array([True, False, True]),
        "start_points": CORNERS,
        "end_points": MOVED,
    }
    more = {"size": (6, 5), "input_shape": images.shape}
    ours, theirs = both(
        lambda lib: lib.layers.RandomPerspective(**way).transform_images(images, {**said, **more})
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-1)
    assert np.array_equal(ours[1], images[1])


def test_erasing_has_the_numbers_of_keras():
    rng = np.random.default_rng(5)
    said = {
        "apply_erasing": np.array([True, False, True]),
        "batch_masks": rng.uniform(size=(3, 6, 5, 1)) > 0.5,
        "fill_value": rng.uniform(size=(3, 6, 5, 3)).astype("float32"),
    }
    ours, theirs = both(lambda lib: lib.layers.RandomErasing().transform_images(IMAGES, said))
    np.testing.assert_array_equal(ours, theirs)


def test_pixels_on_rubber_go_where_blurred_noise_says():
    layer = L.RandomElasticTransform((1.0, 1.0), (0.8, 0.8), fill_mode="nearest", seed=1)
    images = RNG.uniform(0, 255, size=(2, 20, 30, 1)).astype("float32")
    said = layer.get_random_transformation(images)
    changed = layer.transform_images(images, said)
    assert np.asarray(said["apply_transform"]).all() and abs(said["distortion_factor"] - 0.8) < 1e-6
    sigma, alpha, reach = 0.05 * 0.8 * 20, 0.1 * 0.8 * 30, int(3 * 0.05 * 0.8 * 20)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    for image, noise, result in zip(images, np.asarray(said["noise"]), changed, strict=True):
        for axis in (0, 1):
            blurred = [
                np.convolve(line, weights, "same")
                for line in np.moveaxis(noise, axis, -1).reshape(-1, noise.shape[axis])
            ]
            rest = np.moveaxis(noise, axis, -1).shape
            noise = np.moveaxis(np.reshape(blurred, rest), -1, axis)
        places = np.indices((20, 30)) + alpha * np.moveaxis(noise, -1, 0)
        wanted = jax.scipy.ndimage.map_coordinates(image[..., 0], list(places), 1, "nearest")
        np.testing.assert_allclose(result[..., 0], wanted, rtol=1e-3, atol=1e-1)


def test_a_mask_is_distorted_as_its_image():
    """In Keras both are distorted apart."""
    masks = np.repeat(np.repeat(RNG.integers(4, size=(2, 5, 5, 1)), 8, 1), 8, 2).astype("float32")
    layer = L.RandomElasticTransform((1.0, 1.0), (1.0, 1.0), interpolation="nearest", seed=1)
    y = layer({"images": masks, "segmentation_masks": masks.astype("int32")})
    assert (
        np.array_equal(y["images"], y["segmentation_masks"])
        and y["segmentation_masks"].dtype == "int32"
    )
    assert not np.array_equal(y["images"], masks)


def test_what_is_erased():
    count = 400
    images = np.full((count, 20, 10, 3), 9.0)
    layer = L.RandomErasing((0.5, 0.5), (0.1, 0.4), fill_value=[1.0, 2.0, 3.0], seed=1)
    y = np.asarray(layer(images))
    erased = (y != 9).any(-1)
    assert (y[erased] == [1, 2, 3]).all()
    some = erased.any((1, 2))
    assert 0.4 < some.mean() < 0.6
    heights, widths = erased.any(2).sum(1)[some], erased.any(1).sum(1)[some]
    assert (erased.sum((1, 2))[some] == heights * widths).all()  # Rectangles.
    for sizes, side in ((heights, 20), (widths, 10)):
        assert sizes.min() >= 0.1**0.5 * side - 1 and sizes.max() <= 0.4**0.5 * side + 1
        assert len(set(sizes.tolist())) > 3
    assert abs(np.corrcoef(heights, widths)[0, 1]) < 0.2
    noise = np.asarray(L.RandomErasing((1.0, 1.0), (1.0, 1.0), value_range=(0, 2), seed=1)(images))
    assert noise.min() == 0 and noise.max() == 2 and len(np.unique(noise)) > 1000
    first = L.RandomErasing((1.0, 1.0), (1.0, 1.0), [1, 2, 3], seed=1, data_format="channels_first")
    assert (np.asarray(first(np.moveaxis(images, -1, 1))) == np.reshape([1, 2, 3], (3, 1, 1))).all()


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        (L.RandomPerspective, "apply_perspective"),
        (L.RandomElasticTransform, "apply_transform"),
        (L.RandomErasing, "apply_erasing"),
    ],
)
def test_the_chance(kind, key):
    images = np.zeros((500, 2, 2, 1))
    for factor, least, most in ((0.0, 0, 0), ((1.0, 1.0), 1, 1), ((0.2, 0.4), 0.25, 0.35)):
        chosen = kind(factor, seed=1).get_random_transformation(images)[key]
        assert least <= np.mean(chosen) <= most


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L.RandomPerspective(1.2), "`factor` is a number from 0 to 1"),
        (lambda: L.RandomPerspective(scale=-0.1), "`scale` is a number from 0 to 1"),
        (lambda: L.RandomElasticTransform(scale=(0.1, 3)), "`scale`"),
        (lambda: L.RandomElasticTransform(value_range=(0, 1, 2)), "`value_range` is the least and the greatest"),
        (lambda: L.RandomErasing(value_range=5), "`value_range`"),
        (lambda: L.RandomErasing(fill_value=[1.0, 2.0])(IMAGES), "one for each of the 3 channels"),
    ],
)  # fmt: skip
def test_settings_that_are_none(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_fill_values_are_numbers():
    with pytest.raises(TypeError, match="`fill_value` is a number"):
        tv.layers.RandomErasing(fill_value="black")
