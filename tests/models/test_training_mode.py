"""What a call says for `training` holds for everything inside, whether its `call` takes the argument or not."""

from typing import Any

import numpy as np
import pytest

import trivium as tv

X = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")


class Custom(tv.Layer):
    """A layer whose `call` has no `training`."""

    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, inputs):
        return self.inner(inputs)


class Subclass(tv.Model):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def call(self, inputs):
        return self.inner(inputs)


def functional(inner):
    x = tv.Input((4,))
    return tv.Model(x, inner(x))


BASES: dict[str, Any] = {
    "sequential": lambda inner: tv.Sequential([tv.Input((4,)), inner]),
    "functional": functional,
    "subclass": Subclass,
    "layer": Custom,
    "a layer in a model": lambda inner: functional(Custom(inner)),
    "a model in a model": lambda inner: functional(tv.Sequential([tv.Input((4,)), inner])),
}


class OuterSubclass(tv.Model):
    def __init__(self, base, training):
        super().__init__()
        self.base, self.head, self.says = base, tv.layers.Dense(4), training

    def call(self, inputs):
        return self.head(self.base(inputs, training=self.says))


def outer_functional(base, training):
    x = tv.Input((4,))
    return tv.Model(x, tv.layers.Dense(4)(base(x, training=training)))


OUTERS = {"functional": outer_functional, "subclass": OuterSubclass}


@pytest.mark.parametrize("outer", OUTERS)
@pytest.mark.parametrize("base", BASES)
def test_a_frozen_base_keeps_its_statistics(base, outer):
    norm = tv.layers.BatchNormalization()
    model = OUTERS[outer](BASES[base](norm), False)
    model.build((None, 4))
    made = [model, tv.convert(model, to="subclass"), tv.convert(model, to="functional")]
    for one in made:
        one.compile("sgd", "mse")
        one.fit(X + 5, X, epochs=1, verbose=0)
        np.testing.assert_array_equal(norm.moving_mean.numpy(), np.zeros(4))
    assert len({one.fingerprint() for one in made}) == 1
    scope: dict[str, Any] = {"Custom": Custom}
    if "layer" not in base:  # A layer of one's own is not in the library.
        exec(tv.source(model, style="functional"), scope)
        assert scope["model"].fingerprint() == model.fingerprint()


@pytest.mark.parametrize("outer", OUTERS)
@pytest.mark.parametrize("base", BASES)
def test_monte_carlo_dropout_draws_in_predict(base, outer):
    model = OUTERS[outer](BASES[base](tv.layers.Dropout(0.5)), True)
    model.build((None, 4))
    for one in (model, tv.convert(model, to="subclass"), tv.convert(model, to="functional")):
        first, second = one.predict(X, verbose=0), one.predict(X, verbose=0)
        assert not np.array_equal(first, second)


@pytest.mark.parametrize("base", BASES)
def test_nothing_said_follows_the_mode(base):
    norm = tv.layers.BatchNormalization()
    x = tv.Input((4,))
    model = tv.Model(x, BASES[base](norm)(x))
    model.compile("sgd", "mse")
    model.predict(X + 5, verbose=0)
    np.testing.assert_array_equal(norm.moving_mean.numpy(), np.zeros(4))
    model.fit(X + 5, X, verbose=0)
    assert (norm.moving_mean.numpy() > 0.01).all()
