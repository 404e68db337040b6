"""How often a user's code runs: as few times as can be, and its own errors come through at the first."""

import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium import ops

X, Y = np.ones((8, 4), "float32"), np.ones((8, 1), "float32")
runs: list[str] = []


def model_of(body, takes_training=False):
    class Plain(tv.Model):
        def __init__(self):
            super().__init__()
            self.hidden, self.out = tv.layers.Dense(3), tv.layers.Dense(1)

        def call(self, x):
            runs.append("run")
            return self.out(body(self.hidden(x)))

    class Asking(Plain):
        def call(self, x, training=False):
            return Plain.call(self, x)

    return Asking() if takes_training else Plain()


@pytest.mark.parametrize("takes_training", [False, True])
@pytest.mark.parametrize(
    ("body", "most"), [(ops.tanh, 2), (jnp.tanh, 3)], ids=["recorded", "traced by JAX"]
)
def test_a_healthy_model_runs_three_times_at_most_in_its_first_fit(body, most, takes_training):
    model = model_of(body, takes_training)
    model.compile("sgd", "mse")
    runs.clear()
    model.fit(X, Y, batch_size=4, verbose=0)
    assert len(runs) <= most


def raises(x):
    raise KeyError("the user's own")


@pytest.mark.parametrize(
    ("body", "error", "most"),
    [
        (raises, KeyError, 1),
        (lambda x: ops.matmul(x, ops.ones((7, 2))), TypeError, 1),
        (lambda x: x.no_such_thing.either(), AttributeError, 2),
        (lambda x: jnp.matmul(x, jnp.ones((7, 2))), TypeError, 2),
    ],
)
def test_a_failing_model_says_so_at_once(body, error, most):
    model = model_of(body)
    model.compile("sgd", "mse")
    runs.clear()
    with pytest.raises(error):
        model.fit(X, Y, verbose=0)
    assert len(runs) <= most and not model.built


def test_a_failing_layer_in_a_stack_runs_once():
    class Fails(tv.Layer):
        def call(self, inputs):
            runs.append("run")
            raise ZeroDivisionError("the user's own")

    model = tv.Sequential([tv.layers.Dense(2), Fails()])
    model.compile("sgd", "mse")
    runs.clear()
    with pytest.raises(ZeroDivisionError):
        model.fit(X, Y, verbose=0)
    assert len(runs) == 1
