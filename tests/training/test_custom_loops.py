"""Steps and loops of one's own: the same source runs in Keras, on its JAX backend, and here."""

import inspect

import jax
import numpy as np
import pytest
from oracle import both

import trivium as tv


def network(lib, cls=None, penalty="l2"):
    layers = lib.layers
    x = lib.Input((4,))
    h = layers.Dense(3, activation="tanh", kernel_regularizer=penalty)(x)
    return (cls or lib.Model)(x, layers.Dense(1)(layers.BatchNormalization()(h)))


def built_in_metrics(lib):
    """A `train_step` and a `test_step` over whatever metrics `compile` was given."""

    class Model(lib.Model):
        def compute_loss_and_updates(
            self, trainable_variables, non_trainable_variables, x, y, training=False
        ):
            y_pred, non_trainable_variables = self.stateless_call(
                trainable_variables, non_trainable_variables, x, training=training
            )
            return self.compute_loss(x, y, y_pred), (y_pred, non_trainable_variables)

        def update_metrics(self, values, loss, y, y_pred):
            logs, new = {}, []
            for metric in self.metrics:
                mine = values[len(new) : len(new) + len(metric.variables)]
                batch = (loss,) if metric.name == "loss" else (y, y_pred)
                mine = metric.stateless_update_state(mine, *batch)
                logs[metric.name] = metric.stateless_result(mine)
                new += mine
            return logs, new

        def train_step(self, state, data):
            trainable, non_trainable, optimizer, metrics = state
            x, y = data
            gradient = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
            (loss, (y_pred, non_trainable)), grads = gradient(
                trainable, non_trainable, x, y, training=True
            )
            trainable, optimizer = self.optimizer.stateless_apply(optimizer, grads, trainable)
            logs, metrics = self.update_metrics(metrics, loss, y, y_pred)
            return logs, (trainable, non_trainable, optimizer, metrics)

        def test_step(self, state, data):
            trainable, non_trainable, metrics = state
            x, y = data
            loss, (y_pred, non_trainable) = self.compute_loss_and_updates(
                trainable, non_trainable, x, y
            )
            logs, metrics = self.update_metrics(metrics, loss, y, y_pred)
            return logs, (trainable, non_trainable, metrics)

    # Keras's variables have no values while `fit` runs, so `compute_loss` finds no penalty outside of a scope.
    return network(lib, Model, penalty=None)


def metrics_of_ones_own(lib):
    """A `train_step` with trackers among the attributes, and no loss from `compile`."""

    class Model(lib.Model):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.loss_tracker = lib.metrics.Mean(name="loss")
            self.mae = lib.metrics.MeanAbsoluteError(name="mae")
            self.loss_function = lib.losses.MeanSquaredError()

        def loss_and_updates(self, trainable, non_trainable, x, y, weight):
            y_pred, non_trainable, losses = self.stateless_call(
                trainable, non_trainable, x, training=True, return_losses=True
            )
            loss = self.loss_function(y, y_pred, sample_weight=weight) + sum(losses)
            return loss, (y_pred, non_trainable)

        def train_step(self, state, data):
            trainable, non_trainable, optimizer, metrics = state
            x, y, weight = data
            gradient = jax.value_and_grad(self.loss_and_updates, has_aux=True)
            (loss, (y_pred, non_trainable)), grads = gradient(
                trainable, non_trainable, x, y, weight
            )
            trainable, optimizer = self.optimizer.stateless_apply(optimizer, grads, trainable)
            count = len(self.loss_tracker.variables)
            first = self.loss_tracker.stateless_update_state(metrics[:count], loss)
            second = self.mae.stateless_update_state(metrics[count:], y, y_pred)
            logs = {
                "loss": self.loss_tracker.stateless_result(first),
                "mae": self.mae.stateless_result(second),
            }
            return logs, (trainable, non_trainable, optimizer, first + second)

        @property
        def metrics(self):
            return [self.loss_tracker, self.mae]

    return network(lib, Model)


def steps_around_the_own(lib):
    """Steps that call `super()` and add something."""

    class Model(lib.Model):
        def train_step(self, state, data):
            logs, state = super().train_step(state, data)
            return {"doubled": 2 * logs["loss"]}, state

        def test_step(self, state, data):
            logs, state = super().test_step(state, data)
            return logs | {"doubled": 2 * logs["loss"]}, state

        def predict_step(self, state, data):
            outputs, non_trainable = super().predict_step(state, data)
            return {"y": outputs, "z": 2 * outputs}, non_trainable

    return network(lib, Model)


def silent_steps(lib):
    class Model(lib.Model):
        def train_step(self, state, data):
            _, state = super().train_step(state, data)
            return {}, state

    return network(lib, Model)


def fit(x, y, **options):
    return lambda model, lib: [
        model.fit(x, y, batch_size=8, epochs=3, verbose=0, shuffle=False, **options).history,
        model.get_weights(),
    ]


def test_a_step_over_the_compiled_metrics(twins, data):
    pair = twins(built_in_metrics, {"optimizer": "adam", "loss": "mse", "metrics": ["mae"]})
    history, _ = pair.agree(fit(data.x, data.one, validation_split=0.2))
    assert list(history) == ["loss", "mae", "val_loss", "val_mae"]
    assert history["loss"][-1] < history["loss"][0]
    pair.agree(lambda model, lib: model.evaluate(data.x, data.one, verbose=0))


def test_a_step_with_trackers_of_its_own(twins, data):
    pair = twins(metrics_of_ones_own, {"optimizer": "adam"})
    history, _ = pair.agree(fit(data.x, data.one, sample_weight=data.weight))
    assert list(history) == ["loss", "mae"]


def test_steps_that_add_to_the_own(twins, data):
    pair = twins(steps_around_the_own, {"optimizer": "sgd", "loss": "mse"})
    history, _ = pair.agree(fit(data.x, data.one, validation_split=0.2))
    assert list(history) == ["doubled", "val_doubled", "val_loss"]
    predicted, _ = pair.agree(
        lambda model, lib: [
            model.predict(data.x, batch_size=8, verbose=0),
            model.evaluate(data.x, data.one, batch_size=8, verbose=0),
        ]
    )
    np.testing.assert_array_equal(predicted["z"], 2 * predicted["y"])


def test_a_step_that_logs_nothing_still_trains(twins, data):
    pair = twins(silent_steps, {"optimizer": "sgd", "loss": "mse"})
    before = pair.model.get_weights()
    history, after = pair.agree(fit(data.x, data.one))
    assert history == {} and not np.array_equal(before[0], after[0])


def by_hand(model, lib, x, y):
    """A training loop of pure functions, written for both libraries."""
    optimizer = lib.optimizers.Adam(0.05)
    optimizer.build(model.trainable_variables)
    loss_function, metric = lib.losses.MeanSquaredError(), lib.metrics.MeanSquaredError()

    def loss_and_updates(trainable, non_trainable, x, y):
        y_pred, non_trainable, losses = model.stateless_call(
            trainable, non_trainable, x, training=True, return_losses=True
        )
        return loss_function(y, y_pred) + sum(losses), (y_pred, non_trainable)

    @jax.jit
    def step(state, x, y):
        trainable, non_trainable, of_optimizer, of_metric = state
        gradient = jax.value_and_grad(loss_and_updates, has_aux=True)
        (loss, (y_pred, non_trainable)), grads = gradient(trainable, non_trainable, x, y)
        trainable, of_optimizer = optimizer.stateless_apply(of_optimizer, grads, trainable)
        of_metric = metric.stateless_update_state(of_metric, y, y_pred)
        return loss, (trainable, non_trainable, of_optimizer, of_metric)

    groups = (
        model.trainable_variables,
        model.non_trainable_variables,
        optimizer.variables,
        metric.variables,
    )
    state = tuple([v.value for v in group] for group in groups)
    losses = []
    for _ in range(3):
        for i in range(0, len(x), 10):
            loss, state = step(state, x[i : i + 10], y[i : i + 10])
            losses.append(float(loss))
    seen = metric.stateless_result(state[3])
    assert float(metric.result()) == 0  # Nothing has touched the shell.
    for group, values in zip(groups, state, strict=True):
        for variable, value in zip(group, values, strict=True):
            variable.assign(value)
    return losses, seen, metric.result(), int(optimizer.iterations), model.predict(x, verbose=0)


def test_a_loop_by_hand(twins, data):
    losses, seen, kept, steps, _ = twins(network).agree(
        lambda model, lib: by_hand(model, lib, data.x, data.one)
    )
    assert seen == kept and steps == len(losses) == 6 and losses[-1] < losses[0]


def test_the_loss_as_a_pure_function(twins, data):
    def use(model, lib):
        groups = (
            model.trainable_variables,
            model.non_trainable_variables,
            model.metrics_variables,
        )
        values = [[v.value for v in group] for group in groups]
        y_pred, _ = model.stateless_call(*values[:2], data.x, training=True)
        loss, after = model.stateless_compute_loss(*values, x=data.x, y=data.one, y_pred=y_pred)
        whole, (unscaled, outputs, moved, _) = model.compute_loss_and_updates(
            *values,
            data.x,
            data.one,
            data.weight,
            training=True,
            optimizer_variables=[v.value for v in model.optimizer.variables],
        )
        return loss, [len(group) for group in after], whole, unscaled, outputs, moved

    pair = twins(network, lambda lib: {"optimizer": lib.optimizers.SGD(0.1), "loss": "mse"})
    pair.agree(use)


def test_scaled_losses_are_logged_as_they_were(twins, data):
    def compiling(lib):
        return {"optimizer": lib.optimizers.SGD(0.1, loss_scale_factor=64.0), "loss": "mse"}

    def use(model, lib):
        model.train_on_batch(data.x, data.one)
        groups = (
            model.trainable_variables,
            model.non_trainable_variables,
            model.metrics_variables,
        )
        scaled, (unscaled, *_) = model.compute_loss_and_updates(
            *([v.value for v in group] for group in groups),
            data.x,
            data.one,
            None,
            training=True,
            optimizer_variables=[v.value for v in model.optimizer.variables],
        )
        return scaled, unscaled

    scaled, unscaled = twins(network, compiling).agree(use)
    np.testing.assert_allclose(scaled, 64 * unscaled, rtol=1e-6)


OVERRIDABLE = (
    "train_step",
    "test_step",
    "predict_step",
    "compute_loss",
    "compute_metrics",
    "compute_loss_and_updates",
    "stateless_compute_loss",
    "stateless_call",
    "get_metrics_result",
    "reset_metrics",
    "compile",
    "fit",
    "predict",
    "train_on_batch",
    "test_on_batch",
    "predict_on_batch",
)


@pytest.mark.parametrize("name", OVERRIDABLE)
def test_methods_have_the_signatures_of_keras(name):
    def parameters(library):
        said = inspect.signature(getattr(library.Model, name)).parameters.values()
        return [(p.name, p.default, str(p.kind)) for p in said]

    ours, theirs = both(parameters)
    if name == "fit":
        assert ours.pop()[0] == "resume"  # Ours alone, behind all of Keras's.
    assert ours == theirs


def test_a_step_that_changes_the_states_form_is_refused():
    class Widening(tv.Model):
        def train_step(self, state, data):
            trainable, *rest = state
            return {}, ([v.astype("float16") for v in trainable], *rest)

    model = network(tv, Widening)
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match=r"'widening/dense[_0-9]*/kernel'.*float16"):
        model.fit(np.ones((4, 4)), np.ones((4, 1)), verbose=0)


def branching(self, state, data):
    logs, state = tv.Model.train_step(self, state, data)
    if logs["loss"] > 1:
        logs["big"] = 1.0
    return logs, state


def through_numpy(self, state, data):
    logs, state = tv.Model.train_step(self, state, data)
    return {"loss": np.asarray(logs["loss"])}, state


def of_nothing(self):
    return {}


def only_logs(self, state, data):
    return tv.Model.train_step(self, state, data)[0]


def only_a_number(self, state, data):
    logs, state = tv.Model.train_step(self, state, data)
    return logs["loss"], state


def assigning(self, state, data):
    self.layers[-1].bias.assign(data[1][0])
    return tv.Model.train_step(self, state, data)


WRONG_STEPS = {
    branching: (tv.CaptureError, r"test_custom_loops\.py:\d+: .*`if`.*run_eagerly=True"),
    through_numpy: (tv.CaptureError, r"test_custom_loops\.py:\d+: .*NumPy"),
    of_nothing: (TypeError, r"train_step\(self, state, data\).*yours takes \(\)"),
    only_logs: (TypeError, r"returns `\(logs, state\)`.*yours returned a dict"),
    only_a_number: (TypeError, r"`logs` are numbers in a dict; yours are a"),
    assigning: (RuntimeError, r"/bias' would be left holding a traced value.*`stateless_call`"),
}


@pytest.mark.parametrize("step", WRONG_STEPS, ids=lambda step: step.__name__)
def test_a_step_that_cannot_be_one(step):
    error, words = WRONG_STEPS[step]
    model = network(tv, type("Own", (tv.Model,), {"train_step": step}))
    model.compile("sgd", "mse")
    before = model.weights_sha256()
    with pytest.raises(error, match=words):
        model.fit(np.ones((4, 4)), np.ones((4, 1)), verbose=0)
    assert model.weights_sha256() == before and not model.optimizer.built


def test_plain_python_may_look_at_values():
    model = network(tv, type("Own", (tv.Model,), {"train_step": branching}))
    model.compile("sgd", "mse", run_eagerly=True)
    history = model.fit(np.ones((4, 4)), 9 * np.ones((4, 1)), verbose=0).history
    assert history["big"] == [1.0]


def test_an_optimizer_that_was_built_for_other_variables_is_refused():
    model = network(tv)
    model.compile("sgd", "mse")
    x, y = np.ones((4, 4)), np.ones((4, 1))
    model.fit(x, y, verbose=0)
    model.layers[1].trainable = False
    before = model.weights_sha256()
    with pytest.raises(ValueError, match=r"added or frozen since.*new optimizer"):
        model.fit(x, y, verbose=0)
    assert model.weights_sha256() == before
    model.evaluate(x, y, verbose=0)
    model.compile("sgd", "mse")
    model.fit(x, y, verbose=0)
    assert model.weights_sha256() != before
