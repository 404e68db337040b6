"""What layers do by chance: statistics, seeds, and silence outside of training."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import recorded

import trivium as tv
from trivium import layers as L

NOISY = [
    (L.Dropout, (0.5,)),
    (L.SpatialDropout1D, (0.5,)),
    (L.GaussianDropout, (0.5,)),
    (L.GaussianNoise, (0.5,)),
    (L.AlphaDropout, (0.5,)),
]
EACH = pytest.mark.parametrize(("kind", "args"), NOISY, ids=[k.__name__ for k, _ in NOISY])
X = np.random.default_rng(0).normal(size=(4, 5, 6)).astype("float32")


@EACH
def test_nothing_happens_outside_of_training(kind, args):
    layer = kind(*args)
    for said in ({}, {"training": False}):
        assert np.array_equal(layer(X, **said), X)
    model = tv.Sequential([tv.Input(X.shape[1:]), layer])
    assert np.array_equal(model.predict(X, verbose=0), X)


@EACH
def test_the_same_seed_gives_the_same_bits(kind, args):
    one, two, other = kind(*args, seed=7), kind(*args, seed=7), kind(*args, seed=8)
    first = one(X, training=True)
    assert np.array_equal(first, two(X, training=True))
    assert not np.array_equal(first, other(X, training=True))
    assert not np.array_equal(first, one(X, training=True))


@EACH
def test_without_a_seed_the_global_seed_decides(kind, args):
    draws = []
    for seed in (1, 1, 2):
        tv.utils.set_random_seed(seed)
        layers = kind(*args), kind(*args)
        draws.append([layer(X, training=True) for layer in layers])
    assert np.array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])
    assert not np.array_equal(*draws[0])


@EACH
def test_the_state_is_carried_by_pure_functions(kind, args):
    layer = kind(*args, seed=1)
    layer.build(X.shape)
    assert layer.weights == [] and layer.trainable_variables == []
    (state,) = before = [v.value for v in layer.variables]
    y, (after,) = layer.stateless_call([], before, X, training=True)
    again, _ = layer.stateless_call([], before, X, training=True)
    other, _ = layer.stateless_call([], [after], X, training=True)
    assert np.array_equal(y, again) and not np.array_equal(y, other)
    assert np.array_equal(layer.variables[0].value, state)  # Nothing happened to the layer itself.
    assert np.array_equal(layer.stateless_call([], before, X, training=False)[0], X)
    name = kind.__name__
    assert recorded(lambda keras: len(getattr(keras.layers, name)(*args).variables)) == 1


@EACH
def test_no_strength_no_generator(kind, args):
    layer = kind(0)
    assert np.array_equal(layer(X, training=True), X)
    assert layer.variables == []


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_dropout_drops_that_share_and_scales_the_rest(rate):
    count = 40_000
    y = np.asarray(L.Dropout(rate, seed=1)(np.ones(count), training=True))
    kept = y != 0
    assert abs(kept.mean() - (1 - rate)) < 5 * (rate * (1 - rate) / count) ** 0.5
    np.testing.assert_allclose(y[kept], 1 / (1 - rate), rtol=1e-6)


def test_dropout_of_everything():
    assert not L.Dropout(1)(X, training=True).any()


@pytest.mark.parametrize(
    ("layer", "shape", "axes"),
    [
        (L.Dropout(0.5, noise_shape=(None, 1, None), seed=1), (8, 5, 6), (1,)),
        (L.Dropout(0.5, noise_shape=(8, 1, 1), seed=1), (8, 5, 6), (1, 2)),
        (L.SpatialDropout1D(0.5, seed=1), (8, 5, 6), (1,)),
        (L.SpatialDropout2D(0.5, seed=1), (8, 3, 5, 6), (1, 2)),
        (L.SpatialDropout2D(0.5, "channels_first", seed=1), (8, 6, 3, 5), (2, 3)),
        (L.SpatialDropout3D(0.5, seed=1), (8, 2, 3, 2, 6), (1, 2, 3)),
        (L.SpatialDropout3D(0.5, "channels_first", seed=1), (8, 6, 2, 3, 2), (2, 3, 4)),
        (L.AlphaDropout(0.5, noise_shape=(8, 1, None), seed=1), (8, 5, 6), (1,)),
    ],
)
def test_chance_is_asked_once_along_these_axes(layer, shape, axes):
    y = np.asarray(layer(np.ones(shape), training=True))
    lowest, highest = y.min(axes), y.max(axes)
    assert np.array_equal(lowest, highest)
    assert len(np.unique(lowest)) == 2


def test_gaussian_noise_has_the_standard_deviation_said():
    y = np.asarray(L.GaussianNoise(0.3, seed=1)(np.full(40_000, 2.0), training=True))
    assert abs(y.mean() - 2) < 5 * 0.3 / 200
    assert abs(y.std() - 0.3) < 5 * 0.3 / 280


def test_gaussian_dropout_is_as_uncertain_as_dropout():
    x, rate = np.full(40_000, 2.0), 0.2
    y = np.asarray(L.GaussianDropout(rate, seed=1)(x, training=True))
    z = np.asarray(L.Dropout(rate, seed=1)(x, training=True))
    assert abs(y.mean() - z.mean()) < 0.03
    assert abs(y.std() - z.std()) < 0.03


def test_alpha_dropout_keeps_mean_and_variance():
    x = np.random.default_rng(1).normal(size=100_000).astype("float32")
    y = np.asarray(L.AlphaDropout(0.3, seed=1)(x, training=True))
    assert abs(y.mean()) < 0.03 and abs(y.std() - 1) < 0.03


def test_noise_comes_in_the_compute_dtype():
    for kind, args in NOISY:
        assert kind(*args, dtype="mixed_float16")(X, training=True).dtype == "float16"


def test_a_layer_within_a_layer_hears_of_training():
    class Block(tv.Layer):
        def __init__(self):
            super().__init__()
            self.dropout = L.Dropout(0.5, seed=1)

        def call(self, inputs):
            return self.dropout(inputs)

    block = Block()
    assert np.array_equal(block(X), X)
    assert not np.array_equal(block(X, training=True), X)


def test_activity_regularization_adds_the_penalty_of_one_example():
    layer = L.ActivityRegularization(l1=0.1, l2=0.01)
    layer(X)
    wanted = (0.1 * np.abs(X).sum() + 0.01 * np.square(X).sum()) / len(X)
    np.testing.assert_allclose(layer.losses, [wanted], rtol=1e-5)
