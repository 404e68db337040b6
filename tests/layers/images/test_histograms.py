"""`AutoContrast`, `Equalization` and CLAHE: Keras's pixels, Pillow's, and what their definitions say."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import both
from PIL import Image, ImageOps

import trivium as tv
from trivium import layers as L
from trivium.layers.images.histograms import histogram

RNG = np.random.default_rng(0)
# Few dark values and many in the middle, another range in each channel, one channel of one value.
BYTES = RNG.normal((60, 120, 180), (15, 30, 25), size=(2, 16, 12, 3)).clip(0, 255).astype("uint8")
BYTES[1, ..., 2] = 77
FLOATS = RNG.uniform(20, 200, size=(2, 16, 12, 3)).astype("float32")
STEADY = {
    "AutoContrast": {},
    "Equalization": {},
    "ContrastLimitedAdaptiveHistogramEqualization": {"tile_grid_size": (3, 2)},
}


@pytest.mark.parametrize(("images", "scale"), [(BYTES, 1), (FLOATS, 255)], ids=["unit", "floats"])
@pytest.mark.parametrize(
    ("name", "kwargs"),
    [
        *STEADY.items(),
        ("Equalization", {"bins": 50}),
        ("ContrastLimitedAdaptiveHistogramEqualization", {"clip_limit": 0}),
        ("ContrastLimitedAdaptiveHistogramEqualization", {"clip_limit": 1.5, "tile_grid_size": (5, 5)}),
    ],
)  # fmt: skip
def test_pixels_of_keras(name, kwargs, images, scale):
    def changed(library):
        layer = getattr(library.layers, name)(value_range=(0, scale), **kwargs)
        given = images.astype("float32") * np.float32(scale / 255)
        # One by one: Keras's Equalization takes all images of a batch for one.
        one_by_one = [library.ops.convert_to_tensor(x[None]) for x in given]
        change = functools.partial(layer.transform_images, transformation=None)
        # Ours as one program, which takes less time than its pieces.
        return list(map(jax.jit(change) if library is tv else change, one_by_one))

    ours, theirs = (np.concatenate(x) for x in both(changed))
    close = np.abs(ours - theirs) < 1e-5 * scale
    # A number that lies at the edge of two bins is rounded to either by Keras.
    assert close.mean() > (0.99 if scale == 255 else 0.93)
    assert np.abs(ours - theirs).max() < 0.1 * scale


@pytest.mark.parametrize("name", STEADY)
def test_each_image_by_itself_wherever_channels_stand_in_both_modes(name):
    kind, kwargs = getattr(L, name), STEADY[name]
    y = np.asarray(kind(**kwargs)(BYTES))
    assert y.dtype == "float32" and not np.allclose(y, BYTES)
    assert np.array_equal(kind(**kwargs)(BYTES, training=False), y)
    assert np.array_equal(kind(**kwargs)(BYTES[1]), y[1])
    first = kind(**kwargs, data_format="channels_first")(np.moveaxis(BYTES, -1, 1))
    assert np.array_equal(np.moveaxis(first, 1, -1), y)
    gray = kind(**kwargs)(BYTES[..., 1:2])
    assert np.array_equal(gray, y[..., 1:2])
    half = kind(**kwargs, dtype="mixed_bfloat16")(BYTES)
    np.testing.assert_allclose(half.astype("float32"), y, rtol=2**-7)
    unit = kind(**kwargs, value_range=(-1, 1))(BYTES / np.float32(127.5) - 1)
    np.testing.assert_allclose((unit + 1) * 127.5, y, atol=1e-3)


def test_contrast_is_that_of_pillow():
    for image, y in zip(BYTES, L.AutoContrast()(BYTES), strict=True):
        np.testing.assert_allclose(y, ImageOps.autocontrast(Image.fromarray(image)), atol=1)
    assert np.array_equal(L.AutoContrast()(BYTES)[1, ..., 2], BYTES[1, ..., 2])


def test_equalized_images_are_those_of_pillow():
    """Pillow counts what is below a value, not what is up to it; and divides whole numbers, so it needs many pixels."""
    large = BYTES.repeat(12, 1).repeat(12, 2)
    ours = np.asarray(L.Equalization()(large))
    for image, y in zip(large, ours, strict=True):
        pillow = np.asarray(ImageOps.equalize(Image.fromarray(image)), "float32")
        for c in range(3):
            counts = np.bincount(image[..., c].ravel())
            if counts.max() == counts.sum():
                assert np.array_equal(y[..., c], pillow[..., c])
                continue
            step = 255 * counts.max() / (counts.sum() - counts.max())
            assert np.abs(y[..., c] - pillow[..., c]).max() <= step + 2
            assert (y[..., c].min(), y[..., c].max()) == (0, 255)


def test_equalized_images_by_the_definition():
    for image, y in zip(BYTES, np.asarray(L.Equalization()(BYTES)), strict=True):
        for c in range(3):
            x = image[..., c].ravel()
            if np.ptp(x) == 0:
                continue
            above = np.array([(x <= v).sum() - (x == x.min()).sum() for v in x])
            wanted = np.round(above * 255 / (x.size - (x == x.min()).sum()))
            assert np.array_equal(y[..., c].ravel(), wanted)


def test_histograms():
    levels = RNG.integers(7, size=(3, 4, 50))
    wanted = [[np.bincount(row, minlength=9) for row in rows] for rows in levels]
    assert np.array_equal(histogram(jnp.asarray(levels), 9), wanted)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L.Equalization(bins=0), "`bins` is a whole number above zero"),
        (lambda: L.AutoContrast(value_range=5), "`value_range` is the least"),
        (lambda: L.ContrastLimitedAdaptiveHistogramEqualization(clip_limit=-1), "`clip_limit`"),
        (lambda: L.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=0), "tile_grid_size"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be(make, message):
    with pytest.raises(ValueError, match=message):
        make()
