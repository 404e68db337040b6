"""`Wrapper` and `TimeDistributed`: layers around another layer."""

import numpy as np
import pytest

import trivium as tv
from trivium import layers

X = np.random.default_rng(0).normal(size=(2, 3)).astype("float32")


class Twice(layers.Wrapper):
    def call(self, inputs):
        return self.layer(self.layer(inputs))


def test_the_layer_inside_is_built_with_it_and_is_part_of_its_config():
    twice = Twice(layers.Dense(3, name="inner"), name="outer")
    twice.build((None, 3))
    assert twice.layer.built and [w.path for w in twice.weights] == [
        "outer/inner/kernel",
        "outer/inner/bias",
    ]
    other = Twice.from_config(twice.get_config())
    other.build((None, 3))
    other.set_weights(twice.get_weights())
    assert np.array_equal(other(X), twice.layer(twice.layer(X)))
    assert other.layer is not twice.layer and other.get_config() == twice.get_config()


def test_it_is_a_layer_in_all_styles():
    model = tv.Sequential([tv.Input((3,)), Twice(layers.Dense(3))])
    x = tv.Input((3,))
    assert tv.Model(x, Twice(layers.Dense(3))(x)).fingerprint() == model.fingerprint()


@pytest.mark.parametrize("wrong", [3, layers.Dense, None])
def test_what_is_no_layer_is_refused(wrong):
    with pytest.raises(TypeError, match="Twice: `layer` is a layer to put inside; got"):
        Twice(wrong)


def test_a_stack_on_each_step_in_all_styles(tmp_path):
    """A model inside a wrapper has a mask for each step, draws for each, and is written as its argument."""
    inner = tv.Sequential([tv.Input((4,)), layers.Dense(3), layers.Dropout(0.5)])
    x = tv.Input((None, 4))
    model = tv.Model(x, layers.TimeDistributed(inner)(x))
    other = tv.convert(tv.convert(model, "subclass"), "functional")
    space = {}
    exec(tv.source(model, style="functional"), space)
    written = space["model"]
    assert other.fingerprint() == model.fingerprint() == written.fingerprint()
    sequences = np.ones((2, 5, 4), "float32")
    assert written.layers[-1].layer.layers[-1].rate == 0.5
    y = np.asarray(model(sequences, training=True))
    assert (y[:, 0] != y[:, 1]).any()
    np.testing.assert_allclose(model(sequences)[:, 2], inner(sequences[:, 2]), rtol=1e-6)


def test_what_a_layer_keeps_moves_step_by_step():
    layer = layers.TimeDistributed(layers.BatchNormalization(momentum=0.5))
    sequences = np.random.default_rng(0).normal(size=(4, 3, 2)).astype("float32")
    layer(sequences, training=True)
    mean = np.zeros(2)
    for t in range(3):
        mean = 0.5 * mean + 0.5 * sequences[:, t].mean(0)
    np.testing.assert_allclose(layer.layer.moving_mean, mean, rtol=1e-5)


def test_a_mask_goes_to_each_step():
    layer = layers.TimeDistributed(layers.SimpleRNN(3))
    sequences = np.random.default_rng(0).normal(size=(2, 3, 5, 4)).astype("float32")
    mask = np.random.default_rng(1).random((2, 3, 5)) > 0.4
    got = layer(sequences, mask=mask)
    np.testing.assert_allclose(got[:, 1], layer.layer(sequences[:, 1], mask=mask[:, 1]), rtol=1e-5)
