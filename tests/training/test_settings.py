"""A setting of a layer or a model that is changed between two passes, or by a callback, is the one that counts."""

from __future__ import annotations

import numpy as np
import pytest

import trivium as tv
from trivium import layers, ops

pytestmark = pytest.mark.filterwarnings("ignore:.*has no trainable weights")

ONE = np.ones((1, 1), "float32")


class Times(layers.Layer):
    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor
        self.runs = 0

    def call(self, x):
        self.runs += 1
        return x * ops.convert_to_tensor(self.factor, x.dtype)


def sequential(layer):
    return tv.Sequential([tv.Input((1,)), layer])


def functional(layer):
    inputs = tv.Input((1,))
    return tv.Model(inputs, layer(inputs))


def nested(layer):
    inputs = tv.Input((1,))
    return tv.Model(inputs, functional(layer)(inputs))


class Holder(tv.Model):
    def __init__(me, layer):
        super().__init__()
        me.layer, me.scale = layer, 1.0

    def call(self, x):
        return self.layer(x) * self.scale


@pytest.mark.parametrize("make", [sequential, functional, nested, Holder])
def test_layers(make):
    changes = [
        (layers.LeakyReLU(0.1), "negative_slope", 0.5, [-0.1, -0.5]),
        (layers.Dense(1, kernel_initializer="ones"), "activation", tv.activations.relu, [-1, 0]),
        (layers.Activation("linear"), "activation", lambda x: 3 * x, [-1, -3]),
        (Times(2.0), "factor", 5.0, [-2, -5]),
        (Times(np.array([2.0])), "factor", np.array([5.0]), [-2, -5]),
        (Times((2.0,)), "factor", (5.0,), [-2, -5]),
    ]
    for layer, name, value, wanted in changes:
        model = make(layer)
        model.compile(tv.optimizers.SGD(0.0), "mae")
        for expected in wanted:
            assert model.predict(-ONE, verbose=0) == model(-ONE) == pytest.approx(expected)
            assert model.evaluate(-ONE, 0 * ONE, verbose=0) == pytest.approx(-expected)
            [loss] = model.fit(-ONE, 0 * ONE, verbose=0).history["loss"]
            assert loss == pytest.approx(-expected)
            setattr(layer, name, value)


def test_the_models_own():
    """Its recorded graph holds the number as it was; a model inside has a graph of its own."""
    inner = Holder(layers.Activation("linear"))
    inner.scale = 2.0
    model = Holder(inner)
    model.compile(tv.optimizers.SGD(0.0), "mae")
    for holder, scale, wanted in [(model, 3.0, 6), (model, 5.0, 10), (inner, 4.0, 20)]:
        holder.scale = scale
        assert model.predict(ONE, verbose=0) == model(ONE) == wanted
        assert model.fit(ONE, 0 * ONE, verbose=0).history["loss"] == [wanted]
        assert model.evaluate(ONE, 0 * ONE, verbose=0) == wanted


def test_a_callback_anneals():
    layer = Times(1.0)
    model = sequential(layer)
    model.compile(tv.optimizers.SGD(0.0), "mae")

    class Anneal(tv.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            layer.factor = 10.0**epoch

    history = model.fit(ONE, 0 * ONE, epochs=3, callbacks=[Anneal()], verbose=0).history
    assert history["loss"] == [1, 10, 100]


def test_what_the_code_counts_compiles_nothing_anew():
    layer = Times(1.0)
    model = sequential(layer)
    model.compile(tv.optimizers.SGD(0.0), "mae")
    for _ in range(2):
        model.fit(ONE, ONE, epochs=2, verbose=0)
    runs = layer.runs
    model.current_epoch = 3  # Nobody's setting.
    model.stop_training = True
    model.fit(ONE, ONE, epochs=2, verbose=0)
    assert layer.runs == runs


@pytest.mark.parametrize(
    "name", ["Dropout", "GaussianDropout", "GaussianNoise", "AlphaDropout", "SpatialDropout1D"]
)
def test_noise_that_was_made_to_do_nothing(name):
    layer = getattr(layers, name)(0.0)
    x = np.ones((2, 3, 4), "float32")
    assert np.array_equal(layer(x, training=True), x)
    setattr(layer, "stddev" if name == "GaussianNoise" else "rate", 0.5)
    assert np.array_equal(layer(x), x)
    with pytest.raises(ValueError, match=r"no generator .* 0\.5 now"):
        layer(x, training=True)
