"""Padding, cropping, upsampling."""

from __future__ import annotations

import numpy as np
import pytest

import trivium as tv
from trivium import layers as L

RNG = np.random.default_rng(0)
SHAPES = {1: (2, 7, 4), 2: (2, 6, 5, 4), 3: (2, 4, 5, 3, 4)}


@pytest.mark.parametrize("rank", SHAPES)
def test_cropping_undoes_padding(rank):
    x = RNG.normal(size=SHAPES[rank]).astype("float32")
    margins = ((1, 2), (0, 3), (2, 0))[:rank]
    margins = margins[0] if rank == 1 else margins
    pad, crop = getattr(L, f"ZeroPadding{rank}D")(margins), getattr(L, f"Cropping{rank}D")(margins)
    y = pad(x)
    assert np.array_equal(crop(y), x)
    assert np.asarray(y).sum() == pytest.approx(x.sum(), rel=1e-4)


@pytest.mark.parametrize("rank", SHAPES)
def test_upsampling_repeats_each_cell(rank):
    x = RNG.normal(size=SHAPES[rank]).astype("float32")
    y = getattr(L, f"UpSampling{rank}D")(3)(x)
    assert np.array_equal(y[(slice(None), *[slice(None, None, 3)] * rank)], x)
    np.testing.assert_allclose(getattr(L, f"AveragePooling{rank}D")(3)(y), x, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "lanczos3", "lanczos5"])
def test_interpolation_of_a_constant_is_the_constant(interpolation):
    for data_format in ("channels_last", "channels_first"):
        layer = L.UpSampling2D((2, 3), data_format, interpolation)
        np.testing.assert_allclose(layer(np.full((1, 4, 4, 4), 2.5)), 2.5, rtol=1e-5)


@pytest.mark.parametrize("said", [2, (2, 2), ((2, 2), (2, 2)), [2, 2], [[2, 2], [2, 2]]])
def test_ways_to_say_margins(said):
    assert L.ZeroPadding2D(said).padding == ((2, 2), (2, 2))
    assert L.Cropping2D(said).cropping == ((2, 2), (2, 2))


def test_sizes_may_stay_unknown():
    layers = [L.ZeroPadding2D(), L.Cropping2D(((0, 1), (2, 0))), L.UpSampling2D(2)]
    model = tv.Sequential([tv.Input((None, None, 3)), *layers])
    assert model.output_shape == (None, None, None, 3)
    assert model(np.ones((1, 4, 5, 3))).shape == (1, 10, 10, 3)
