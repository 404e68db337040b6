"""What a user's loss, metric or model may return, and what an error says where it returns something else."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium import losses, metrics

X = np.ones((4, 2), "float32")
Y = np.full((4, 1), 3.0, "float32")


def error(y_true, y_pred):
    return jnp.abs(y_true - y_pred)


def returning(value):
    def crooked(y_true, y_pred):
        return value(error(y_true, y_pred))

    return crooked


def as_call(value):
    class Crooked(losses.Loss):
        def call(self, y_true, y_pred):
            return value(error(y_true, y_pred))

    return Crooked()


def as_own_call(value):
    class Crooked(losses.Loss):
        def __call__(self, y_true, y_pred, sample_weight=None):
            return value(error(y_true, y_pred))

    return Crooked()


def model(loss=None, **compiling):
    made = tv.Sequential([tv.Input((2,)), tv.layers.Dense(1, kernel_initializer="ones")])
    made.compile("sgd", loss, **compiling)
    return made


WRONG = {
    "nothing": (lambda e: None, "returned None: does it end in `return ...`"),
    "a dict": (lambda e: {"loss": e}, "returned a dict; wanted: one array"),
    "arrays": (lambda e: [e, 2 * e], r"returned a list of 2: \[\(4, 1\), \(4, 1\)\]"),
    "text": (lambda e: "mse", "returned a str; wanted: one array"),
}


@pytest.mark.parametrize("eagerly", [False, True])
@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize(
    ("make", "name"),
    [(returning, "crooked"), (as_call, "Crooked.call"), (as_own_call, r"Crooked.__call__")],
)
def test_losses_that_return_no_array(make, name, what, eagerly):
    value, words = WRONG[what]
    with pytest.raises(ValueError, match=f"`{name}` {words}"):
        model(make(value), run_eagerly=eagerly).fit(X, Y, verbose=0)


@pytest.mark.parametrize("what", WRONG)
def test_metric_functions_that_return_no_array(what):
    value, words = WRONG[what]
    with pytest.raises(ValueError, match=f"`crooked` {words}"):
        model("mse", metrics=[returning(value)]).fit(X, Y, verbose=0)


@pytest.mark.parametrize("make", [returning, as_call, as_own_call])
@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (jnp.mean, 1.0),  # One for the whole batch,
        (lambda e: e[0, 0], 1.0),
        (lambda e: 0.5, 0.5),  # a number of Python's,
        (lambda e: [0.25, 0.75], 0.5),  # and numbers in a list.
        (lambda e: [jnp.mean(e), 3.0], 2.0),
    ],
)
def test_numbers_are_losses(make, value, wanted):
    if make is as_own_call:
        value = (lambda given: lambda e: jnp.mean(jnp.asarray(given(e))))(value)
    logs = model(make(value)).test_on_batch(X, Y)
    assert float(logs) == wanted


def test_a_metric_whose_result_lacks_a_return():
    class Counting(metrics.Metric):
        def __init__(self):
            super().__init__(name="counting")
            self.count = self.add_weight(name="count")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.count.assign_add(1.0)

        def result(self):
            self.count.value  # noqa: B018

    with pytest.raises(
        ValueError, match=r"Counting\.result` of the metric 'counting' returned None"
    ):
        model("mse", metrics=[Counting()]).fit(X, Y, verbose=0)


def test_a_model_or_layer_whose_call_lacks_a_return():
    class Silent(tv.Model):
        def __init__(self):
            super().__init__()
            self.dense = tv.layers.Dense(1)

        def call(self, x):
            self.dense(x)

    class Mute(tv.layers.Layer):
        def call(self, x):
            x * 2

    for eagerly in (False, True):
        silent = Silent()
        silent.compile("sgd", "mse", run_eagerly=eagerly)
        for run in (
            lambda m=silent: m.fit(X, Y, verbose=0),
            lambda m=silent: m.predict(X, verbose=0),
        ):
            with pytest.raises(
                ValueError, match=r"its `call` returned None\. Does it end in `return"
            ):
                run()
    with pytest.raises(ValueError, match=r"`call` of the layer 'mute\w*' \(Mute\) returned None"):
        tv.Sequential([tv.Input((2,)), Mute(), tv.layers.Dense(1)])


def test_a_loss_with_a_call_of_its_own_is_asked_for_no_mask():
    """It takes what it takes: weights only if there are any, and the mask by itself."""

    class Own(losses.Loss):
        def __call__(self, y_true, y_pred, sample_weight=None):
            value = super().__call__(y_true, y_pred, sample_weight)
            return 2 * value

        def call(self, y_true, y_pred):
            return jnp.mean(jnp.square(y_true - y_pred), -1)

    class Bare(losses.Loss):
        def __call__(self, y_true, y_pred):
            return jnp.mean(jnp.square(y_true - y_pred))

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 4, 3, 2)).astype("float32")
    x[:, 2] = 0.0
    dense = tv.layers.Dense(2, use_bias=False, kernel_initializer="identity")
    masked = tv.Sequential([tv.Input((3, 2)), tv.layers.Masking(), dense])
    weight = np.array([1.0, 2.0, 0.0, 0.5], "float32")
    values = np.mean((x - y) ** 2, -1)
    masked.compile("sgd", Own())
    got = masked.evaluate(x, y, sample_weight=weight, verbose=0)
    np.testing.assert_allclose(got, 2 * (values[:, :2] * weight[:, None]).mean(), rtol=1e-5)
    masked.compile("sgd", Bare())
    np.testing.assert_allclose(masked.evaluate(x, y, verbose=0), values.mean(), rtol=1e-5)


def test_losses_of_a_shape_that_weights_do_not_fit():
    """A loss of the wrong shape is found by what it has to go with, and both are named."""
    with pytest.raises(
        ValueError, match=r"crooked: sample_weight .* shape \(4,\) does not fit values of"
    ):
        model(returning(lambda e: e[:3])).train_on_batch(X, Y, sample_weight=np.ones(4))
    with pytest.raises(ValueError, match="needs one number"):
        model(losses.LossFunctionWrapper(error, reduction="none")).fit(X, Y, verbose=0)
