"""Layers of colors, tones and filters: given the same parameters, Keras's pixels; and the draws of these."""

from __future__ import annotations

import colorsys
import zlib

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
from oracle import both, recorded
from PIL import Image, ImageEnhance, ImageOps

from trivium import layers as L

BYTES = np.random.default_rng(0).integers(0, 256, size=(2, 7, 6, 3)).astype("uint8")


def each(*numbers):
    return np.array(numbers, "float32")[:, None, None, None]


def two(*numbers):
    return np.array(numbers, "float32")


# The layer with its arguments, and parameters for two images.
GIVEN = [
    ("RandomBrightness", {"factor": 0.5}, {"rgb_delta": each(-70, 30)}),
    ("RandomContrast", {"factor": 0.5}, {"contrast_factor": each(0.3, 1.8)}),
    ("RandomHue", {"factor": 0.5}, {"factor": two(-0.3, 0.45)}),
    ("RandomSaturation", {"factor": 0.5}, {"factor": two(0.0, 0.9)}),
    ("RandomColorDegeneration", {"factor": 0.5}, {"factor": each(0.7, -0.4)}),
    ("RandomGrayscale", {"factor": 0.5}, each(0, 1) == 1),
    ("RandomInvert", {"factor": 0.5}, {"apply_inversion": two(1, 0) == 1}),
    ("RandomPosterization", {"factor": 5}, {"shift_factor": np.array([6, 2], "uint8")}),
    ("Solarization", {}, {"additions": each(40, 0), "thresholds": each(100, 7.5)}),
]
# Where pixels lie: a layer with a `value_range`, and its parameters if they are in pixels.
RANGES = {"bytes": (0, 255), "unit": (0, 1)}


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("kind", RANGES)
@pytest.mark.parametrize(("name", "kwargs", "parameters"), GIVEN, ids=[row[0] for row in GIVEN])
def test_given_the_same_parameters(name, kwargs, parameters, kind, data_format):
    scale = RANGES[kind][1] / 255
    images = BYTES.astype("float32") * np.float32(scale)
    images = np.moveaxis(images, -1, 1) if data_format == "channels_first" else images
    more = {} if name == "RandomGrayscale" else {"value_range": RANGES[kind]}
    if name == "RandomBrightness":
        parameters = {k: v * np.float32(scale) for k, v in parameters.items()}

    def changed(library):
        layer = getattr(library.layers, name)(**kwargs, **more, data_format=data_format)
        given = library.tree.map_structure(library.ops.convert_to_tensor, parameters)
        return layer.transform_images(library.ops.convert_to_tensor(images), given)

    ours, theirs = both(changed)
    assert not np.allclose(theirs, images)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=2e-3 * scale)


SEEN = np.tile(BYTES[:1].astype("float32"), (400, 1, 1, 1))
# A layer, and what Keras draws it for many images from: `key` of the transformation, or all of it.
DRAWN = [
    ("RandomBrightness", {"factor": (-0.2, 0.6)}, "rgb_delta"),
    ("RandomContrast", {"factor": (0.2, 0.6)}, "contrast_factor"),
    ("RandomHue", {"factor": (0.2, 0.6)}, "factor"),
    ("RandomHue", {"factor": 0.6}, "factor"),
    ("RandomSaturation", {"factor": (0.2, 0.6)}, "factor"),
    ("RandomColorDegeneration", {"factor": (0.2, 0.6)}, "factor"),
    ("RandomSharpness", {"factor": 0.6}, "factor"),
    ("RandomGrayscale", {"factor": 0.3}, None),
    ("RandomInvert", {"factor": (0.5, 0.9)}, "apply_inversion"),
    ("Solarization", {"addition_factor": 0.3, "threshold_factor": 0.6}, "additions"),
    ("Solarization", {"addition_factor": 0.3, "threshold_factor": 0.6}, "thresholds"),
    ("RandomGaussianBlur", {"factor": (0.2, 0.9)}, "should_apply_blur"),
]


@pytest.mark.parametrize(("name", "kwargs", "key"), DRAWN)
def test_draws_are_distributed_as_those_of_keras(name, kwargs, key):
    def drawn(library):
        layer = getattr(library.layers, name)(**kwargs, seed=1)
        found = layer.get_random_transformation(library.ops.convert_to_tensor(SEEN))
        values = np.ravel(found if key is None else found[key]).astype("float64")
        return np.quantile(values, [0, 0.25, 0.75, 1]), values.mean(), len(values)

    (ours, mean, count), (theirs, their_mean, their_count) = both(drawn)
    # 400 draws: a mean strays by a twentieth of the deviation, a quartile by a tenth, seldom by thrice that.
    spread = np.ptp(theirs)
    assert count == their_count == 400
    assert abs(mean - their_mean) < 0.1 * spread
    if not set(theirs) <= {0, 1}:
        np.testing.assert_allclose(ours, theirs, atol=0.12 * spread)


def test_draws_where_keras_departs_from_what_it_documents():
    def bounds(layer, key):
        values = np.asarray(layer.get_random_transformation(SEEN)[key])
        return [values.min(), values.max()]

    near = {"atol": 0.02, "rtol": 0.02}
    contrast = bounds(L.RandomContrast(0.4, seed=1), "contrast_factor")
    np.testing.assert_allclose(contrast, [0.6, 1.4], **near)
    np.testing.assert_allclose(bounds(L.RandomSaturation(0.5, seed=1), "factor"), [0, 1], **near)
    np.testing.assert_allclose(
        bounds(L.RandomColorDegeneration(0.5, seed=1), "factor"), [0, 0.5], **near
    )
    solar = L.Solarization((0.2, 0.4), (0.5, 0.5), seed=1)
    np.testing.assert_allclose(bounds(solar, "additions"), [51, 102], rtol=0.02)
    np.testing.assert_allclose(bounds(solar, "thresholds"), 127.5)
    assert bounds(L.RandomPosterization(4, seed=1), "shift_factor") == [4, 4]
    assert bounds(L.RandomPosterization((2, 5), seed=1), "shift_factor") == [3, 6]
    sigma = L.RandomGaussianBlur(sigma=(0.5, 3), seed=1).get_random_transformation(SEEN)
    assert len(np.unique(sigma["blur_factor"])) > 700  # Each image and axis has its own.


def test_saturation_ends_at_pure_colors():
    images = BYTES / np.float32(255)
    layer = L.RandomSaturation(0.5, value_range=(0, 1))
    y = layer.transform_images(jnp.asarray(images), {"factor": two(3.0, 0.5)})
    for image, times, result in zip(images, (3.0, 0.5), np.asarray(y), strict=True):
        for pixel, ours in zip(image.reshape(-1, 3), result.reshape(-1, 3), strict=True):
            h, s, v = colorsys.rgb_to_hsv(*map(float, pixel))
            np.testing.assert_allclose(
                ours, colorsys.hsv_to_rgb(h, min(1, s * times), v), atol=1e-5
            )


def test_ranges_that_do_not_begin_at_0():
    """The same picture in another range of values becomes the same picture."""
    for name, kwargs, parameters in GIVEN:
        if name == "RandomGrayscale":
            continue
        if name == "RandomBrightness":
            parameters = {"rgb_delta": parameters["rgb_delta"] / 127.5}
        by_bytes = parameters if name != "RandomBrightness" else GIVEN[0][2]
        kind = getattr(L, name)
        a = kind(**kwargs).transform_images(jnp.asarray(BYTES), by_bytes)
        b = kind(**kwargs, value_range=(-1, 1)).transform_images(
            jnp.asarray(BYTES / np.float32(127.5) - 1), parameters
        )
        np.testing.assert_allclose((b + 1) * 127.5, a, atol=1e-2, err_msg=name)


@pytest.mark.parametrize("factor", [0.0, 0.3, 0.5, 1.0])
def test_sharpness_is_that_of_pillow_and_inside_that_of_keras(factor):
    parameters = {"factor": two(factor, factor)}

    def sharpened(library):
        layer = library.layers.RandomSharpness(0.5)
        images = library.ops.convert_to_tensor(BYTES.astype("float32"))
        return layer.transform_images(images, parameters)

    ours, theirs = both(sharpened)
    np.testing.assert_allclose(ours[:, 1:-1, 1:-1], theirs[:, 1:-1, 1:-1], atol=1e-3)
    for image, result in zip(BYTES, ours, strict=True):
        pillow = ImageEnhance.Sharpness(Image.fromarray(image)).enhance(2 * factor)
        np.testing.assert_allclose(result, pillow, atol=1.51)  # It rounds twice.


def test_posterized_and_solarized_images_are_those_of_pillow():
    images = [Image.fromarray(x) for x in BYTES]
    for bits in (1, 3, 8):
        for scale, bounds in ((1, (0, 255)), (255, (0, 1))):
            y = L.RandomPosterization(bits, bounds)(BYTES / np.float32(scale)) * scale
            assert np.array_equal(np.round(y), [ImageOps.posterize(x, bits) for x in images])
    y = L.Solarization(0, (0.5, 0.5))(BYTES)
    assert np.array_equal(y, [ImageOps.solarize(x, 128) for x in images])
    y = L.RandomInvert((1, 1))(BYTES)
    assert np.array_equal(y, [ImageOps.invert(x) for x in images])


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_blur(data_format):
    images = np.moveaxis(BYTES, -1, 1) if data_format == "channels_first" else BYTES
    layer = L.RandomGaussianBlur(kernel_size=(3, 5), sigma=3, data_format=data_format)
    sigma = np.array([[0.7, 2.0], [1.5, 0.4]], "float32")
    y = layer.transform_images(
        jnp.asarray(images), {"should_apply_blur": np.array([True, False]), "blur_factor": sigma}
    )
    wanted = images[0].astype("float32")
    for axis, size, s in zip(layer._spatial_axes, (3, 5), sigma[0], strict=True):
        weights = np.exp(-0.5 * ((np.arange(size) - size // 2) / s) ** 2)
        wanted = scipy.ndimage.correlate1d(wanted, weights / weights.sum(), axis, mode="nearest")
    np.testing.assert_allclose(y[0], wanted, atol=1e-3)
    assert np.array_equal(y[1], images[1])
    # One pair for all images, as Keras draws it.
    chosen = np.array([True, True])
    y = layer.transform_images(images, {"should_apply_blur": chosen, "blur_factor": sigma[0]})
    np.testing.assert_allclose(y[0], wanted, atol=1e-3)


def test_images_without_colors():
    gray = BYTES[..., :1]
    for layer in (L.RandomColorDegeneration(0.5), L.RandomGrayscale(1.0)):
        assert np.array_equal(layer(gray), gray)
    for layer in (L.RandomHue(0.5), L.RandomSaturation(0.5)):
        with pytest.raises(ValueError, match=r"3 channels \(red, green, blue\)") as caught:
            layer(gray)
        assert repr(layer.name) in f"{caught.value} {caught.value.__notes__}"


def test_halves_are_as_precise_as_they_can_be():
    """In half precision the results are those of float32, rounded once."""
    for name, kwargs, parameters in GIVEN:
        kind = getattr(L, name)
        exact = kind(**kwargs).transform_images(jnp.asarray(BYTES), parameters)
        half = kind(**kwargs, dtype="mixed_bfloat16").transform_images(BYTES, parameters)
        assert half.dtype == "bfloat16"
        np.testing.assert_allclose(half.astype("float32"), exact, rtol=2**-7, err_msg=name)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L.RandomBrightness(1.5), "`factor` is a number from -1 to 1"),
        (lambda: L.RandomContrast(-0.1), "`factor` is a number from 0 to 1"),
        (lambda: L.RandomContrast((0.1, 0.2, 0.3)), "or two of them"),
        (lambda: L.RandomHue("much"), "RandomHue: `factor` is a number"),
        (lambda: L.RandomInvert(0.5, value_range=(1, 1)), "`value_range` is the least and the"),
        (lambda: L.RandomPosterization(9), "`factor` is a number from 1 to 8"),
        (lambda: L.RandomPosterization(2.5), "a whole number of bits"),
        (lambda: L.RandomGrayscale(2), "`factor` is a number from 0 to 1"),
        (lambda: L.Solarization(threshold_factor=2), "`threshold_factor` is a number from 0 to 1"),
        (lambda: L.RandomGaussianBlur(kernel_size=4), "`kernel_size` is odd"),
        (lambda: L.RandomGaussianBlur(sigma=-1), "`sigma` is a number from 0"),
    ],
)
def test_settings_that_cannot_be(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_what_keras_saved_means_what_it_meant():
    """Keras writes what one number stands for into its configs; they are read as they are."""
    for name in ("RandomContrast", "RandomSaturation", "RandomColorDegeneration"):
        theirs = recorded(
            lambda keras, name=name: getattr(keras.layers, name)(0.5, name="x").get_config(), name
        )
        layer = getattr(L, name).from_config(theirs)
        assert layer.factor == tuple(theirs["factor"])
    seeded = L.RandomGrayscale(0.5, seed=zlib.crc32(b"x"))
    assert L.RandomGrayscale.from_config(seeded.get_config()).seed == seeded.seed
