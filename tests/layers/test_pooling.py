"""Pooling: what must hold whatever the numbers are."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium import layers as L

RNG = np.random.default_rng(0)
SHAPES = {1: (2, 7, 4), 2: (2, 6, 5, 4), 3: (2, 4, 5, 3, 4)}


@pytest.mark.parametrize("rank", SHAPES)
@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_a_window_over_everything_is_global(rank, kind):
    x = RNG.normal(size=SHAPES[rank]).astype("float32")
    pool = getattr(L, f"{kind}Pooling{rank}D")(x.shape[1:-1])
    everywhere = getattr(L, f"Global{kind}Pooling{rank}D")(keepdims=True)
    np.testing.assert_allclose(pool(x), everywhere(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rank", SHAPES)
@pytest.mark.parametrize("kind", ["MaxPooling", "AveragePooling"])
def test_cells_beyond_the_edge_do_not_count(rank, kind):
    x = np.full(SHAPES[rank], -3.0, "float32")
    y = getattr(L, f"{kind}{rank}D")(3, strides=1, padding="same")(x)
    assert y.shape == x.shape and (np.asarray(y) == -3).all()


@pytest.mark.parametrize("kind", ["MaxPooling2D", "AveragePooling2D"])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_channels_first_is_channels_last_moved(kind, padding):
    x = RNG.normal(size=SHAPES[2]).astype("float32")
    last, first = (
        getattr(L, kind)((3, 2), (2, 1), padding, data_format=f)
        for f in ("channels_last", "channels_first")
    )
    moved = np.moveaxis(np.asarray(first(np.moveaxis(x, -1, 1))), 1, -1)
    np.testing.assert_allclose(moved, last(x), rtol=1e-6)


def test_the_mean_of_the_steps_that_count():
    x = RNG.normal(size=(2, 5, 3)).astype("float32")
    mask = np.arange(5) < np.array([[5], [2]])
    wanted = np.stack([x[0].mean(0), x[1, :2].mean(0)])
    last = L.GlobalAveragePooling1D()(x, mask=mask)
    first = L.GlobalAveragePooling1D("channels_first")(np.swapaxes(x, 1, 2), mask=mask)
    kept = L.GlobalAveragePooling1D(keepdims=True)(x, mask=mask)
    for y in (last, first, np.asarray(kept)[:, 0]):
        np.testing.assert_allclose(y, wanted, rtol=1e-5)


@pytest.mark.parametrize("masked", [0.0, 7.0, np.inf, np.nan])
@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
def test_the_mean_of_no_steps_is_zero(masked, dtype):
    """The row's slope is 0 too, and the others do not notice it, whatever stands in steps that do not count."""
    mask = np.array([[True, True, False], [False, False, False]])
    x = jnp.asarray(np.where(mask[..., None], 3.0, masked), "float32")
    layer = L.GlobalAveragePooling1D(dtype=dtype)
    slopes = jax.grad(lambda x: layer(x, mask=mask).astype("float32").sum())(x)
    assert layer(x, mask=mask).tolist() == [[3.0], [0.0]]
    assert slopes.tolist() == [[[0.5], [0.5], [0.0]], [[0.0]] * 3]
    whole = L.GlobalAveragePooling1D()(np.full((2, 3, 1), 3), mask=mask)
    assert whole.tolist() == [[3.0], [0.0]] and whole.dtype == "float32"


def test_the_mean_of_many_steps_in_half_precision():
    x, mask = np.full((1, 2000, 1), 60.0), np.ones((1, 2000), bool)
    assert L.GlobalAveragePooling1D(dtype="mixed_float16")(x, mask=mask).item() == 60


def test_sizes_may_stay_unknown():
    model = tv.Sequential([tv.Input((None, None, 3)), L.MaxPooling2D(), L.GlobalAveragePooling2D()])
    assert model.output_shape == (None, 3)
    for size in (4, 7):
        assert model(np.ones((2, size, size, 3))).tolist() == [[1.0] * 3] * 2


@pytest.mark.parametrize("shape", [(2, 4), (2,), (2, 5, 1), (3, 5)])
def test_a_mask_says_which_steps_count(shape):
    layer = L.GlobalAveragePooling1D(name="mean")
    with pytest.raises(ValueError, match=r"'mean' .*mask of shape \(batch, steps\), \(2, 5\) here"):
        layer(np.ones((2, 5, 3)), mask=np.ones(shape, bool))
