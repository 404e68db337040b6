"""Turned, stretched, moved and sheared images: Keras's numbers for the same parameters, and what is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import both

import trivium as tv
from trivium import layers as L

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(0, 255, size=(2, 6, 5, 3)).astype("float32")
MASKS = RNG.integers(4, size=(2, 6, 5, 1)).astype("int32")
SIZE = (6, 5)
FIRST = {"data_format": "channels_first"}
# Each layer's arguments and parameters for two images.
GIVEN = {
    "RandomRotation": ({"factor": 1.0}, {"angle": np.array([30.0, -100.0], "float32")}),
    "RandomZoom": (
        {"height_factor": 0.9},
        {"height_zoom": np.array([[0.6], [1.5]], "float32"), "width_zoom": np.array([[1.2], [0.3]], "float32")},
    ),
    "RandomTranslation": (
        {"height_factor": 1.0, "width_factor": 1.0},
        {"translations": np.array([[1.5, -2.0], [-3.0, 0.25]], "float32")},
    ),
    "RandomShear": (
        {"x_factor": 1.0, "y_factor": 1.0},
        {"shear_factor": np.array([[0.5, -0.25], [-0.3, 0.1]], "float32")},
    ),
}  # fmt: skip
WAYS = [
    {},
    {"fill_mode": "constant", "fill_value": 9.0},
    {"fill_mode": "wrap", "interpolation": "nearest"},
    {"fill_mode": "nearest", **FIRST},
]


def told(library, layer, given, shape):
    """Return the parameters as a library's layer wants them: what both have, and the sizes."""
    if library is tv:
        return {**given, "size": SIZE}
    if "angle" not in given:
        return {**given, "input_shape": shape}
    angle, none = given["angle"], np.zeros(2, "float32")
    matrix = layer._compute_affine_matrix(0.5, 0.5, angle, none, none, none + 1, none, none, *SIZE)
    sizes = {"image_height": SIZE[0], "image_width": SIZE[1], "batch_size": 2}
    return {**given, "rotation_matrix": matrix, **sizes}


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("name", GIVEN)
def test_the_same_parameters_give_the_numbers_of_keras(name, way):
    kwargs, given = GIVEN[name]

    def run(library):
        layer = getattr(library.layers, name)(**kwargs, **way)
        images, masks = (
            np.moveaxis(x, -1, 1) if "data_format" in way else x for x in (IMAGES, MASKS)
        )
        said = told(library, layer, given, images.shape)
        return layer.transform_images(images, said), layer.transform_segmentation_masks(masks, said)

    (images, masks), (theirs, their_masks) = both(run)
    np.testing.assert_allclose(images, theirs, rtol=1e-4, atol=1e-3)
    assert masks.dtype == "int32"
    np.testing.assert_array_equal(masks, their_masks)


COUNT = 2000
DRAWS = [
    (L.RandomRotation((-0.1, 0.3), seed=1), "angle", (-36, 108)),
    (L.RandomZoom((-0.5, 0.2), 0.3, seed=1), "height_zoom", (0.5, 1.2)),
    (L.RandomZoom((-0.5, 0.2), 0.3, seed=1), "width_zoom", (0.7, 1.3)),
    (L.RandomShear(0.4, (0.1, 0.3), seed=1), "shear_factor", (-0.4, 0.4)),
    (L.RandomTranslation(0.5, (0.1, 0.4), seed=1), "translations", (1.0, 4.0)),
]


@pytest.mark.parametrize(("layer", "key", "bounds"), DRAWS)
def test_draws_are_even(layer, key, bounds):
    """By Kolmogorov and Smirnov: such a distance has a chance of one in a thousand."""
    drawn = layer.get_random_transformation(np.zeros((COUNT, 6, 10, 1)))[key]
    sorted_ = np.sort(np.asarray(drawn).reshape(COUNT, -1)[:, 0])
    shares = (sorted_ - bounds[0]) / (bounds[1] - bounds[0])
    assert shares[0] >= 0 and shares[-1] <= 1
    assert abs(shares - np.linspace(0, 1, COUNT)).max() < 1.95 / COUNT**0.5


def test_draws_belong_together():
    images = np.zeros((COUNT, 2, 2, 1))
    zoom = L.RandomZoom(0.3, seed=1).get_random_transformation(images)
    assert np.array_equal(zoom["height_zoom"], zoom["width_zoom"])  # So that proportions stay.
    shear = np.asarray(
        L.RandomShear((0.1, 0.4), (0.1, 0.3)).get_random_transformation(images)["shear_factor"]
    )
    assert (shear[:, 0] * shear[:, 1] > 0).all() and 0.4 < (shear[:, 0] > 0).mean() < 0.6
    flips = L.RandomFlip(seed=1).get_random_transformation(images)["flips"]
    assert 0.45 < np.mean(flips) < 0.55
    seeded = [
        L.RandomRotation(0.5).get_random_transformation(images, seed=3)["angle"] for _ in range(2)
    ]
    assert np.array_equal(*seeded)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L.RandomRotation(1.5), "RandomRotation: `factor` is a number from -1 to 1, or two of them.*1.5"),
        (lambda: L.RandomRotation((0.1, 0.2, 0.3)), "two of them"),
        (lambda: L.RandomRotation("0.1"), "`factor` is a number"),
        (lambda: L.RandomRotation(True), "`factor` is a number"),
        (lambda: L.RandomZoom((-1.0, 0.5)), "`height_factor` is above -1"),
        (lambda: L.RandomZoom(0.1, 2.0), "`width_factor` is a number from -1 to 1"),
        (lambda: L.RandomTranslation(0.1, (0.0, 1.1)), "`width_factor`"),
        (lambda: L.RandomShear(y_factor=-2), "`y_factor`"),
        (lambda: L.RandomRotation(0.1, "reflct"), "`fill_mode` is one of.*Did you mean 'reflect'"),
        (lambda: L.RandomRotation(0.1, interpolation="bicubic"), "`interpolation` is one of 'nearest', 'bilinear'"),
        (lambda: L.RandomFlip("horizontl"), "`mode` is one of.*Did you mean 'horizontal'"),
        (lambda: L.RandomFlip(data_format="first"), "`data_format`"),
    ],
)  # fmt: skip
def test_settings_that_are_none(make, message):
    with pytest.raises(ValueError, match=message):
        make()
