"""Training hooks: what a model's class overrides goes with it into every style, with all that it needs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium import layers
from trivium.styles import convert, source

STYLES = ("sequential", "functional", "subclass")
DOUBLE = 2.0


class Dense(tv.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1, kernel_initializer="ones")

    def call(self, inputs):
        return self.dense(inputs)


class Constants(Dense):
    """Reads a constant of the module, one of the class and one of the object."""

    factor = 3.0

    def __init__(self):
        super().__init__()
        self._rest = 5.0

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return DOUBLE * self.factor * self._rest * jnp.mean(y_pred)


class Helpers(Dense):
    """Calls methods of its own, and overrides one under another signature, as Keras's guide does."""

    def compute_loss_and_updates(self, weights, others, x, y):
        y_pred, others = self.stateless_call(weights, others, x, training=True)
        return self.scale(jnp.mean(y_pred)), others

    def scale(self, loss):
        return loss * self.thirty

    @property
    def thirty(self):
        return 30.0

    def train_step(self, state, data):
        weights, others, optimizer, metrics = state
        gradient = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
        (loss, others), gradients = gradient(weights, others, *data)
        weights, optimizer = self.optimizer.stateless_apply(optimizer, gradients, weights)
        return {"loss": loss}, (weights, others, optimizer, metrics)


class Compile(Dense):
    """Takes more in `compile`, and keeps it on the object."""

    def compile(self, optimizer, loss, factor=30.0, **kwargs):
        super().compile(optimizer, loss, **kwargs)
        self.factor = factor

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return self.factor * jnp.mean(y_pred)


class Inherited(Compile):
    """Overrides nothing itself."""


def written(model, style):
    space = {}
    exec(source(model, style), space)
    return space["model"]


@pytest.mark.parametrize("cls", [Constants, Helpers, Compile, Inherited])
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("make", [convert, written])
def test_hooks_go_with_the_model(cls, style, make):
    model = cls()
    model.build((None, 2))
    x, y = np.ones((4, 2), "float32"), np.zeros((4, 1), "float32")
    results = []
    for each in (make(model, style), model):
        each.compile(tv.optimizers.SGD(0.0), "mse")
        results.append(float(each.fit(x, y, verbose=0).history["loss"][0]))
    assert results == [60.0, 60.0]


def test_what_compile_keeps_is_not_written_as_a_setting():
    model = Compile()
    model.build((None, 2))
    model.compile("sgd", "mse", factor=7.0)
    assert "7.0" not in source(model, "functional")
    assert "self.factor = factor" in source(model, "functional")
