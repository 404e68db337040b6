"""`Wrapper`: layers around another layer."""

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
