"""`RandomColorJitter`, `RandAugment`, `AugMix`: what they make of their layers; and layers of images in a model."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import both

import trivium as tv
from trivium import layers as L

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(20, 200, size=(2, 6, 5, 3)).astype("float32")
MASKS = RNG.integers(5, size=(2, 6, 5, 1)).astype("uint8")
NAMES = L.RandAugment._names


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_jitter_is_its_layers_in_a_row(data_format):
    images = jnp.asarray(np.moveaxis(IMAGES, -1, 1) if data_format == "channels_first" else IMAGES)
    layer = L.RandomColorJitter(
        brightness_factor=0.2, contrast_factor=0.3, saturation_factor=(0.4, 0.9), hue_factor=0.1,
        data_format=data_format, seed=1,
    )  # fmt: skip
    drawn = layer.get_random_transformation(images)
    y = images
    for name in ("brightness", "contrast", "saturation", "hue"):
        kind = getattr(L, f"Random{name.capitalize()}")
        step = kind(getattr(layer, f"{name}_factor"), data_format=data_format)
        y = step.transform_images(y, drawn[f"random_{name}"])
    assert np.array_equal(layer.transform_images(images, drawn), y)
    assert np.array_equal(L.RandomColorJitter()(images), images)
    assert layer.variables == [layer.generator.state]
    with pytest.raises(ValueError, match="RandomHue: `factor`"):
        L.RandomColorJitter(hue_factor=2)


def given(places, own=0.0, weights=(1.0,)):
    """Return parameters for `places`, names of layers or None."""
    numbers = [NAMES.index(p) if p in NAMES else len(NAMES) for p in places]
    return {
        "layer_idxes": jnp.array(numbers),
        "chain_mixing_weights": weights,
        "weight_sample": own,
    }


@pytest.mark.parametrize(
    "places",
    [("random_brightness", "auto_contrast"), ("solarization", "random_contrast")],
    ids="-".join,
)
@pytest.mark.filterwarnings("ignore:Explicitly requested dtype")
def test_what_is_chosen_is_applied_as_by_keras(places):
    numbers = np.array([NAMES.index(p) for p in places])
    drawn = {
        "random_brightness": {"rgb_delta": np.array([-30.0, 40.0]).reshape(2, 1, 1, 1)},
        "random_contrast": {"contrast_factor": np.array([0.6, 1.4]).reshape(2, 1, 1, 1)},
        "solarization": {
            "additions": np.array([0.0, 30.0]).reshape(2, 1, 1, 1),
            "thresholds": np.array([90.0, 120.0]).reshape(2, 1, 1, 1),
        },
    }

    def chosen(library):
        layer = library.layers.RandAugment(seed=1)
        images = library.ops.convert_to_tensor(IMAGES)
        found = layer.get_random_transformation(images)
        for name, parameters in drawn.items():
            found["transforms"][name] = {
                k: library.ops.convert_to_tensor(v.astype("float32")) for k, v in parameters.items()
            }
        found["layer_idxes"] = library.ops.convert_to_tensor(numbers)
        return layer.transform_images(images, found)

    ours, theirs = both(chosen)
    assert not np.allclose(theirs, IMAGES)
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_each_layer_is_as_likely():
    layer = L.RandAugment(num_ops=1100, seed=1)
    chosen = layer.get_random_transformation(IMAGES)["layer_idxes"]
    assert np.bincount(chosen, minlength=11).min() > 60 and len(np.bincount(chosen)) == 11
    layer = L.AugMix(num_chains=40, chain_depth=30, all_ops=False, seed=1)
    found = layer.get_random_transformation(IMAGES)
    chosen = found["layer_idxes"]
    assert np.bincount(chosen, minlength=8).min() > 90 and len(np.bincount(chosen)) == 8
    np.testing.assert_allclose(np.sum(found["chain_mixing_weights"]), 1, rtol=1e-5)
    # Each place of a chain has numbers of its own, for each image.
    assert len(np.unique(found["transforms"]["random_rotation"]["angle"])) > 2300


def test_masks_and_boxes_move_with_their_images():
    boxes = {"boxes": np.array([[[1.0, 1, 3, 2]], [[0, 0, 2, 2]]]), "labels": np.array([[1], [2]])}
    layer = L.RandAugment(interpolation="nearest", bounding_box_format="xyxy", seed=3)
    drawn = layer.get_random_transformation(IMAGES)
    drawn["layer_idxes"] = given(["random_translation", "random_brightness"])["layer_idxes"]
    alone = L.RandomTranslation(0.5, 0.5, interpolation="nearest", bounding_box_format="xyxy")
    moved = drawn["transforms"]["random_translation"]
    masks = layer.transform_segmentation_masks(MASKS, drawn)
    assert masks.dtype == "uint8" and not np.array_equal(masks, MASKS)
    assert np.array_equal(masks, alone.transform_segmentation_masks(MASKS, moved))
    ours, theirs = (
        x.transform_bounding_boxes(boxes, d) for x, d in ((layer, drawn), (alone, moved))
    )
    assert all(np.array_equal(ours[k], theirs[k]) for k in boxes)


def test_chains_are_blended():
    layer = L.AugMix(num_chains=2, chain_depth=2, seed=1)
    drawn = layer.get_random_transformation(IMAGES)
    places = ["auto_contrast", None, "equalization", "auto_contrast"]
    drawn = {**drawn, **given(places, 0.25, jnp.array([0.4, 0.6]))}
    y = jax.jit(layer.transform_images)(IMAGES, drawn)
    auto, equal = L.AutoContrast(), L.Equalization()
    wanted = 0.25 * IMAGES + 0.75 * (0.4 * auto(IMAGES) + 0.6 * auto(equal(IMAGES)))
    np.testing.assert_allclose(y, wanted, rtol=1e-5)
    masks = layer.transform_segmentation_masks(MASKS, drawn)  # Colors leave them.
    np.testing.assert_allclose(masks, MASKS, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L.RandAugment(num_ops=-1), "`num_ops` is a number of layers"),
        (lambda: L.RandAugment(factor=2), "RandAugment: `factor` is a number from 0 to 1"),
        (lambda: L.RandAugment(value_range=3), "RandAugment: `value_range`"),
        (lambda: L.RandAugment(interpolation="cubic"), "interpolation"),
        (lambda: L.AugMix(alpha=0), "`alpha` is above 0"),
        (lambda: L.AugMix(num_chains=0), "`num_chains` is a whole number above zero"),
    ],
)
def test_settings_that_cannot_be(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def everything():
    """Return the layers of colors and of mixtures, and one policy, which compiles as long as all the others."""
    unit = {"value_range": (0, 1)}
    return [
        L.Rescaling(1 / 255), L.RandomBrightness(0.2, **unit), L.RandomContrast(0.3, **unit),
        L.RandomHue(0.2, **unit), L.RandomSaturation((0.4, 0.6), **unit), L.RandomSharpness(0.7, **unit),
        L.RandomColorDegeneration(0.4, **unit), L.RandomGrayscale(0.1), L.RandomInvert(0.1, **unit),
        L.RandomPosterization((6, 8), **unit), L.Solarization(0.1, (0.9, 1), **unit),
        L.RandomGaussianBlur(**unit), L.RandomColorJitter(brightness_factor=0.1, hue_factor=0.1, **unit),
        L.AutoContrast(**unit), L.Equalization(**unit),
        L.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(2, 2), **unit),
        L.CutMix(), L.MixUp(), L.AugMix(**unit, num_chains=2, all_ops=False),
    ]  # fmt: skip


class Stack(tv.Model):
    def __init__(self, layers):
        super().__init__()
        self.stack = layers

    def call(self, x):
        for layer in self.stack:
            x = layer(x)
        return x


def built(style, layers):
    if style == "subclass":
        return Stack(layers)
    inputs = outputs = tv.Input((8, 6, 3), dtype="uint8")
    if style == "sequential":
        return tv.Sequential([inputs, *layers])
    for layer in layers:
        outputs = layer(outputs)
    return tv.Model(inputs, outputs)


def test_one_model_in_three_styles(tmp_path):
    x, y = RNG.integers(0, 256, size=(8, 8, 6, 3)).astype("uint8"), np.arange(8) % 2
    results = []
    for style in ("sequential", "functional", "subclass"):
        tv.utils.set_random_seed(5)
        layers = [*everything(), L.GlobalAveragePooling2D(), L.Dense(2, activation="softmax")]
        model = built(style, layers)
        model.compile("sgd", "sparse_categorical_crossentropy")
        # Steps one by one or together: the same bits.
        model.steps_per_execution = 1 if style == "functional" else 4
        model.fit(x, y, batch_size=4, epochs=2, verbose=0)
        results.append([*model.get_weights(), model.predict(x, batch_size=4, verbose=0)])
    for others in results[1:]:
        assert all(map(np.array_equal, results[0], others))
    model = built("sequential", layers)
    model.save(tmp_path / "model.keras")
    loaded = tv.saving.load_model(tmp_path / "model.keras")
    assert np.array_equal(loaded.predict(x, batch_size=4, verbose=0), results[0][-1])
    assert [layer.get_config() for layer in loaded.layers] == [x.get_config() for x in model.layers]
