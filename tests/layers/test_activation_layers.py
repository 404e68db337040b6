"""Activations as layers."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import both

import trivium as tv
from trivium import layers as L

X = np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32")


@pytest.mark.parametrize("axis", [-1, 1, [1, 2]])
@pytest.mark.parametrize("shape", [(2, 5, 4), (5, 4), (2, 5, 1), (4,)])
def test_softmax_leaves_out_what_is_masked(axis, shape):
    mask = np.arange(np.prod(shape)).reshape(shape) % 3 > 0
    ours, theirs = both(lambda lib: lib.layers.Softmax(axis)(X, mask=mask))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert not np.asarray(ours)[~np.broadcast_to(mask, X.shape)].any()


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_softmax_with_nothing_left_is_zero(dtype):
    y = np.asarray(L.Softmax(dtype=dtype)(X, mask=np.zeros(X.shape, bool)), "float32")
    assert not y.any()


@pytest.mark.parametrize("axis", [-1, [1, 2]])
def test_softmax_has_slopes_whatever_is_masked(axis):
    """Infinite numbers that are masked, and rows in which all is: the others' shares and slopes do not notice."""
    mask = np.arange(20).reshape(5, 4) % 3 > 0
    mask = np.stack([mask, np.zeros_like(mask)])
    layer = L.Softmax(axis)

    def total(x):
        return (layer(x, mask=mask) * np.arange(4.0)).sum()

    values = []
    for masked in (0.0, np.inf, -np.inf, np.nan):
        x = jnp.asarray(np.where(mask, X, masked))
        values.append((layer(x, mask=mask), jax.grad(total)(x)))
    for shares, slopes in values:
        assert np.array_equal(shares, values[0][0]) and np.array_equal(slopes, values[0][1])
        assert not np.asarray(slopes)[~mask].any()
    assert np.asarray(values[0][1])[mask].any()


def test_softmax_says_which_masks_fit():
    with pytest.raises(ValueError, match=r"mask of shape \(2, 5\), input of shape \(2, 5, 4\)"):
        L.Softmax()(X, mask=np.ones((2, 5), bool))


def test_the_old_argument_of_leaky_relu():
    with pytest.warns(UserWarning, match="`alpha` is now called `negative_slope`"):
        layer = L.LeakyReLU(alpha=0.1)
    assert layer.negative_slope == 0.1


def test_prelu_learns_its_slope():
    layer = L.PReLU()
    model = tv.Sequential([tv.Input((1,)), layer])
    model.compile(optimizer=tv.optimizers.SGD(0.1), loss="mse")
    x = np.linspace(-2, 2, 64)[:, None]
    model.fit(x, np.where(x > 0, x, 0.3 * x), epochs=20, verbose=0)
    np.testing.assert_allclose(layer.alpha, [0.3], atol=1e-3)


def test_an_activation_of_ones_own():
    def halved(x):
        return x / 2

    layer = L.Activation(halved)
    assert np.array_equal(layer(X), X / 2)
    with tv.utils.custom_object_scope({"halved": halved}):
        assert L.Activation.from_config(layer.get_config()).activation is halved
