"""Convolutions: what must hold whatever the numbers are."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium import layers as L

RNG = np.random.default_rng(0)
KINDS = {1: L.Conv1D, 2: L.Conv2D, 3: L.Conv3D}
SHAPES = {1: (2, 7, 4), 2: (2, 6, 5, 4), 3: (2, 4, 5, 3, 4)}


def data(rank):
    return RNG.normal(size=SHAPES[rank]).astype("float32")


def twin(layer, like, x):
    """Build a layer and give it another's weights."""
    layer.build(x.shape)
    layer.set_weights(like.get_weights())
    return layer(x)


@pytest.mark.parametrize("rank", KINDS)
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_channels_first_is_channels_last_moved(rank, padding):
    x, layer = data(rank), KINDS[rank](3, 2, padding=padding)
    y = layer(x)
    first = KINDS[rank](3, 2, padding=padding, data_format="channels_first")
    moved = twin(first, layer, np.moveaxis(x, -1, 1))
    np.testing.assert_allclose(np.moveaxis(moved, 1, -1), y, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rank", KINDS)
def test_groups_are_convolutions_side_by_side(rank):
    x, layer = data(rank), KINDS[rank](6, 2, groups=2)
    y = layer(x)
    kernel, bias = layer.get_weights()
    for half in (0, 1):
        one, part = KINDS[rank](3, 2), x[..., 2 * half : 2 * half + 2]
        one.build(part.shape)
        one.set_weights([kernel[..., 3 * half : 3 * half + 3], bias[3 * half : 3 * half + 3]])
        np.testing.assert_allclose(one(part), y[..., 3 * half : 3 * half + 3], rtol=1e-4, atol=1e-5)


def test_dilation_is_a_kernel_with_holes():
    x, layer = data(2), L.Conv2D(3, 2, dilation_rate=(2, 3))
    y = layer(x)
    kernel, bias = layer.get_weights()
    holes = np.zeros((3, 4, *kernel.shape[2:]), "float32")
    holes[::2, ::3] = kernel
    wide = L.Conv2D(3, (3, 4))
    wide.build(x.shape)
    wide.set_weights([holes, bias])
    np.testing.assert_allclose(wide(x), y, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_causal_steps_see_no_later_ones(data_format):
    layer = L.Conv1D(3, 3, padding="causal", dilation_rate=2, data_format=data_format)
    x = jnp.asarray(np.moveaxis(data(1), 1, -1) if data_format == "channels_first" else data(1))
    time = 2 if data_format == "channels_first" else 1
    assert layer(x).shape[time] == x.shape[time]

    def summed(x, step):
        return jnp.take(layer(x), step, axis=time).sum()

    for step in (0, 3, 6):
        seen = np.abs(np.moveaxis(jax.grad(summed)(x, step), time, 0)).sum((1, 2)) > 0
        assert seen.tolist() == [
            s <= step and (step - s) % 2 == 0 and step - s <= 4 for s in range(7)
        ]


def test_sizes_may_stay_unknown():
    layer = L.Conv2D(3, 3, strides=2, padding="same")
    model = tv.Sequential([tv.Input((None, None, 4)), layer])
    assert model.output_shape == (None, None, None, 3)
    for size in (4, 7):
        assert model(np.ones((1, size, size + 1, 4))).shape == (
            1,
            -(-size // 2),
            -(-(size + 1) // 2),
            3,
        )


def test_an_empty_batch():
    assert L.Conv2D(3, 3)(np.ones((0, 6, 5, 4))).shape == (0, 4, 3, 3)
