"""Steps that are written for what they do to the model: `train_step(self, data)`."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium import GradientTape, ops

X = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
Y = X.sum(1, keepdims=True)


class Net(tv.Model):
    def __init__(self):
        super().__init__()
        self.hidden = tv.layers.Dense(4, "tanh", kernel_initializer=fixed)
        self.out = tv.layers.Dense(1, kernel_initializer=fixed, kernel_regularizer="l2")

    def call(self, x, training=False):
        if training:
            self.add_loss(0.01 * ops.mean(x**2))
        return self.out(self.hidden(x))


def fixed(shape, dtype=None):
    return jnp.sin(jnp.arange(np.prod(shape), dtype="float32")).reshape(shape)


class Own(Net):
    def train_step(self, data):
        x, y, weight = tv.utils.unpack_x_y_sample_weight(data)
        with GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x, y, y_pred, weight)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss, sample_weight=len(x))
            else:
                metric.update_state(y, y_pred, weight)
        return {m.name: m.result() for m in self.metrics}

    def test_step(self, data):
        x, y = data
        y_pred = self(x, training=False)
        loss = self.compute_loss(y=y, y_pred=y_pred, training=False)
        self.metrics[0].update_state(loss, sample_weight=len(x))
        return self.compute_metrics(x, y, y_pred)

    def predict_step(self, data):
        return 2 * self(data)


class Super(Net):
    def train_step(self, data):
        return super().train_step(data)

    def test_step(self, data):
        return super().test_step(data)

    def predict_step(self, data):
        return 2 * super().predict_step(data)


def trained(cls):
    model = cls()
    model.compile(tv.optimizers.Adam(0.05), "mse", metrics=["mae"])
    data = {"validation_data": (X[:10], Y[:10]), "epochs": 2, "batch_size": 8, "verbose": 0}
    history = model.fit(X, Y, **data).history
    return [*model.get_weights(), *map(np.asarray, history.values())], list(history), model


@pytest.fixture(scope="module")
def wanted():
    return trained(Net)


@pytest.mark.parametrize("cls", [Own, Super])
def test_it_trains_as_the_step_of_a_state_does(cls, wanted):
    values, names, model = trained(cls)
    assert names == wanted[1]
    for ours, theirs in zip(values, wanted[0], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        model.predict(X, verbose=0), 2 * wanted[2].predict(X, verbose=0), rtol=1e-5
    )
    ours, theirs = (
        m.evaluate(X, Y, verbose=0, return_dict=True, batch_size=8) for m in (model, wanted[2])
    )
    assert ours == pytest.approx(theirs, rel=1e-5)


class Two(tv.Model):
    """Two networks with an optimizer each, and numbers that the step draws."""

    def __init__(self):
        super().__init__()
        self.maker = tv.Sequential([tv.layers.Dense(3, kernel_initializer=fixed)])
        self.judge = tv.Sequential([tv.layers.Dropout(0.5, seed=1), tv.layers.Dense(1)])
        self.steps = tv.Variable(0, trainable=False)
        self.tracker = tv.metrics.Mean(name="noise")

    def compile(self, maker, judge):
        super().compile()
        self.maker_optimizer, self.judge_optimizer = maker, judge

    def train_step(self, real):
        noise = tv.random.normal((len(real), 2))
        with GradientTape() as tape:
            loss = ops.mean(self.judge(self.maker(noise), training=True) - self.judge(real)) ** 2
        gradients = tape.gradient(loss, self.judge.trainable_weights)
        self.judge_optimizer.apply(gradients, self.judge.trainable_weights)
        with GradientTape() as tape:
            other = ops.mean(self.judge(self.maker(noise)) ** 2)
        gradients = tape.gradient(other, self.maker.trainable_weights)
        self.maker_optimizer.apply(gradients, self.maker.trainable_weights)
        self.steps.assign_add(1)
        self.tracker.update_state(noise)
        logs = {"judge": loss, "maker": other, "last": noise[0, 0], "inner": self.noise()}
        return {**logs, "steps": self.steps}

    def noise(self):
        return {"noise": self.tracker.result()}


def test_two_optimizers_and_draws():
    tv.utils.set_random_seed(3)
    model = Two()
    model.compile(tv.optimizers.Adam(0.1), tv.optimizers.SGD(0.1, momentum=0.9))
    history = model.fit(X, epochs=3, batch_size=8, verbose=0).history
    assert sorted(history) == ["judge", "last", "maker", "noise", "steps"]
    assert history["steps"] == [3, 6, 9]
    assert len(set(history["last"])) == 3 and len(set(history["maker"])) == 3
    assert int(model.steps) == int(model.maker_optimizer.iterations) == 9
    assert np.abs(np.asarray(model.judge_optimizer.variables[2])).max() > 0
    # Any cut into chunks gives the same numbers.
    tv.utils.set_random_seed(3)
    other = Two()
    other.compile(tv.optimizers.Adam(0.1), tv.optimizers.SGD(0.1, momentum=0.9))
    watcher = tv.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    again = other.fit(X, epochs=3, batch_size=8, verbose=0, callbacks=[watcher]).history
    assert again == history


def test_two_optimizers_are_kept_by_steps_that_run_as_plain_python():
    model = Two()
    model.compile(tv.optimizers.Adam(0.1), tv.optimizers.SGD(0.1, momentum=0.9))
    model.run_eagerly = True
    model.fit(X, epochs=1, batch_size=8, verbose=0)
    assert int(model.maker_optimizer.iterations) == int(model.judge_optimizer.iterations) == 3
    assert np.abs(np.asarray(model.judge_optimizer.variables[2])).max() > 0


def branching(self, data):
    if self(data[0])[0, 0] > 0:
        return {"loss": 1.0}
    return {"loss": 0.0}


def foreign(self, data):
    OUTSIDE.assign_add(1.0)
    return {"loss": OUTSIDE.value}


def no_logs(self, data):
    return self(data[0])


OUTSIDE = tv.Variable(0.0)


def test_a_step_that_branches_says_what_to_do_and_leaves_no_trace():
    model = type("Branching", (Net,), {"train_step": branching})()
    model.compile("sgd", "mse")
    with pytest.raises(tv.CaptureError, match=r"test_in_place\.py:\d+: .*run_eagerly=True"):
        model.fit(X, Y, verbose=0)
    assert not model.built and not model.optimizer.built
    model.compile("sgd", "mse", run_eagerly=True)
    assert model.fit(X, Y, verbose=0).history["loss"][0] in (0.0, 1.0)


def test_what_it_touches_outside_of_the_model_is_kept():
    model = type("Counting", (Net,), {"train_step": foreign})()
    model.compile("sgd", "mse")
    before = float(OUTSIDE)
    assert model.fit(X, Y, batch_size=5, verbose=0).history["loss"] == [before + 4]
    assert float(OUTSIDE) == before + 4


def test_a_step_without_logs():
    model = type("Silent", (Net,), {"train_step": no_logs})()
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match=r"`train_step\(self, data\)` returns logs alone"):
        model.fit(X, Y, verbose=0)
