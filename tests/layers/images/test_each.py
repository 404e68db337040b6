"""What holds for every layer of images: one table of cases. A new layer gets a row, and tests of its own numbers."""

from __future__ import annotations

import dataclasses
import inspect
import json
from typing import Any

import jax
import numpy as np
import pytest
from configs import check_config
from oracle import both, recorded

import trivium as tv
from trivium import layers
from trivium.layers.images import BaseImagePreprocessingLayer

IMAGES = np.random.default_rng(0).uniform(0, 255, size=(2, 6, 5, 3)).astype("float32")


@dataclasses.dataclass(eq=False)
class Case:
    """A class and its arguments."""

    layer: str
    kwargs: dict[str, Any]

    def __str__(self):
        return f"{self.layer}({','.join(f'{k}={v}' for k, v in self.kwargs.items())})".replace(
            " ", ""
        )

    def made(self, library, **more):
        return getattr(library.layers, self.layer)(**{"name": "layer", **self.kwargs, **more})

    @property
    def images(self):
        first = self.kwargs.get("data_format") == "channels_first"
        return np.moveaxis(IMAGES, -1, 1) if first else IMAGES


def row(layer, **kwargs):
    return Case(layer, kwargs)


FIRST = {"data_format": "channels_first"}
CASES = [
    row("RandomFlip", seed=1),
    row("RandomFlip", mode="horizontal", seed=2, bounding_box_format="rel_xyxy", **FIRST),
    row("RandomRotation", factor=0.2, seed=1),
    row("RandomRotation", factor=(-0.1, 0.3), fill_mode="constant", interpolation="nearest", fill_value=7.0, seed=1),
    row("RandomZoom", height_factor=0.3, seed=1),
    row("RandomZoom", height_factor=(-0.5, 0.1), width_factor=0.2, fill_mode="wrap", seed=1, **FIRST),
    row("RandomTranslation", height_factor=0.3, width_factor=(0.1, 0.5), fill_mode="nearest", seed=1),
    row("RandomShear", x_factor=0.3, seed=1),
    row("RandomShear", x_factor=(0.1, 0.3), y_factor=(0.0, 0.5), fill_mode="constant", fill_value=3.0, seed=1),
    row("RandomPerspective", seed=1),
    row("RandomPerspective", factor=(0.5, 0.7), scale=0.3, interpolation="nearest", fill_value=2.0, seed=1, **FIRST),
    row("RandomElasticTransform", factor=(1.0, 1.0), seed=1),
    row("RandomElasticTransform", factor=1.0, scale=(0.2, 0.6), fill_mode="nearest", value_range=(0, 1), seed=1),
    row("RandomErasing", seed=1),
    row("RandomErasing", factor=(0.9, 1.0), scale=0.5, fill_value=[1.0, 2.0, 3.0], seed=1),
    row("Resizing", height=4, width=7),
    row("Resizing", height=4, width=3, interpolation="bicubic", antialias=True, crop_to_aspect_ratio=True),
    row("Resizing", height=9, width=9, interpolation="nearest", pad_to_aspect_ratio=True, fill_value=3.0, **FIRST),
    row("CenterCrop", height=3, width=2),
    row("CenterCrop", height=8, width=4, **FIRST),
    row("RandomCrop", height=3, width=4, seed=1),
    row("MaxNumBoundingBoxes", max_number=3),
    row("AugMix", seed=1, num_chains=2, all_ops=False),
    row("AutoContrast"),
    row("ContrastLimitedAdaptiveHistogramEqualization", tile_grid_size=(2, 3)),
    row("CutMix", factor=(0.2, 0.5), seed=2, **FIRST),
    row("Equalization"),
    row("MixUp", alpha=0.5, seed=2, **FIRST),
    row("RandAugment", seed=1),
    row("RandomBrightness", factor=(-0.5, 0.1), value_range=(300, 0), seed=2, **FIRST),
    row("RandomColorDegeneration", factor=(0.1, 0.9), seed=1, **FIRST),
    row("RandomColorJitter", brightness_factor=0.2, hue_factor=(0.1, 0.2), value_range=[0, 300], seed=1),
    row("RandomContrast", factor=(0.1, 0.9), seed=1, **FIRST),
    row("RandomGaussianBlur", factor=(0.5, 0.9), kernel_size=(3, 5), sigma=(0.1, 1), seed=2, **FIRST),
    row("RandomGrayscale", factor=0.3, **FIRST),
    row("RandomHue", factor=(0.5, 1), seed=2, **FIRST),
    row("RandomInvert", factor=(0.2, 0.8), value_range=[0, 256], seed=2, **FIRST),
    row("RandomPosterization", factor=(2, 5), seed=1, **FIRST),
    row("RandomSaturation", factor=(0.1, 0.9), seed=1, **FIRST),
    row("RandomSharpness", factor=(0.8, 1), seed=2, **FIRST),
    row("Solarization", addition_factor=0.2, threshold_factor=(0.3, 0.6), seed=2, **FIRST),
]  # fmt: skip
EACH = pytest.mark.parametrize("case", CASES, ids=str)


def plain(config):
    """Return a config as a file holds it."""
    return json.loads(json.dumps(config))


def test_every_layer_has_a_case():
    kinds = [k for k in map(layers.__dict__.get, layers.__all__) if inspect.isclass(k)]
    wanted = {k.__name__ for k in kinds if issubclass(k, BaseImagePreprocessingLayer)}
    assert {case.layer for case in CASES} == wanted


@EACH
def test_config(case):
    theirs = recorded(lambda keras: plain(case.made(keras).get_config()), f"{case} config")
    ours = case.made(tv)
    assert plain(ours.get_config()) == theirs
    assert plain(type(ours).from_config(theirs).get_config()) == theirs
    check_config(ours)


@EACH
def test_shapes(case):
    shape = case.images.shape
    sizes = (None, *shape[1:]), shape, shape[1:]
    ours, theirs = both(
        lambda lib: [tuple(case.made(lib).compute_output_shape(s)) for s in sizes], f"{case} shapes"
    )
    assert ours == theirs
    symbol = case.made(tv)(tv.Input(shape[1:], dtype="uint8"))

    def traced(x):
        with tv.StatelessScope():
            return case.made(tv)(x)

    real = jax.eval_shape(traced, jax.ShapeDtypeStruct(shape, "uint8"))
    assert (symbol.shape[1:], symbol.dtype) == (real.shape[1:], real.dtype)


@EACH
@pytest.mark.filterwarnings("ignore:Explicitly requested dtype")  # By Keras's MixUp.
def test_inference(case):
    if case.layer == "RandomCrop":
        pytest.skip("Keras's leaves images as they are, against what it says: test_sizes.py")
    if case.layer == "Equalization":
        pytest.skip("It acts in inference, too, as it is documented to: test_histograms.py")

    def run(library):
        return case.made(library)(case.images, training=False)

    ours, theirs = both(run, f"{case} inference")
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-4)


@EACH
def test_draws(case):
    """The same seed gives the same bits, each call others, and a layer called alone acts."""
    if "seed" not in case.kwargs:
        pytest.skip("Nothing is drawn")
    one, two = case.made(tv), case.made(tv)
    start = two.generator.state.value
    assert np.array_equal(one.generator.state.value, start)
    images = np.tile(case.images, (8, 1, 1, 1))
    first, *others = (one(images) for _ in range(5))
    assert not all(np.array_equal(first, other) for other in others)
    one.generator.state.assign(start)
    assert np.array_equal(first, one(images, training=True))
    assert one.variables == [one.generator.state] and one.weights == []
