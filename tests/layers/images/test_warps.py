"""Turned, stretched, moved and sheared images: Keras's numbers for the same parameters, and what is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import both

import trivium as tv

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
