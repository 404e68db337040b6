"""A `train_step` of one's own on JAX: with the built-in loss, with a loss by hand, with weights of samples."""

import os

os.environ["KERAS_BACKEND"] = "jax"

import jax
import keras
import numpy as np

rng = np.random.default_rng(6)
x = rng.normal(size=(48, 7)).astype("float32")
y = rng.normal(size=(48, 1)).astype("float32")


def build(cls):
    inputs = keras.Input(shape=(7,))
    outputs = keras.layers.Dense(1)(keras.layers.Dense(5, activation="tanh")(inputs))
    model = cls(inputs, outputs)
    numbers = np.random.default_rng(7)
    model.set_weights([numbers.normal(0.0, 0.3, w.shape) for w in model.get_weights()])
    return model


class WithBuiltInLoss(keras.Model):
    def train_step(self, state, data):
        tv, ntv, ov, mv = state
        x, y = data
        grad_fn = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
        (_, (loss, y_pred, ntv, mv)), grads = grad_fn(
            tv, ntv, mv, x, y, None, training=True, optimizer_variables=ov
        )
        tv, ov = self.optimizer.stateless_apply(ov, grads, tv)
        logs, updated = {}, []
        for metric in self.metrics:
            mine = mv[len(updated) : len(updated) + len(metric.variables)]
            if metric.name == "loss":
                mine = metric.stateless_update_state(mine, loss)
            else:
                mine = metric.stateless_update_state(mine, y, y_pred)
            result = metric.stateless_result(mine)
            logs |= result if isinstance(result, dict) else {metric.name: result}
            updated += mine
        return logs, (tv, ntv, ov, updated)


model = build(WithBuiltInLoss)
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse", metrics=["mae"])
history = model.fit(x, y, epochs=3, batch_size=16, shuffle=False, verbose=0).history
print({name: history[name] for name in sorted(history)})


class ByHand(keras.Model):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.mae_metric = keras.metrics.MeanAbsoluteError(name="mae")
        self.loss_fn = keras.losses.MeanSquaredError()

    def loss_and_updates(self, tv, ntv, x, y, training=False):
        y_pred, ntv = self.stateless_call(tv, ntv, x, training=training)
        return self.loss_fn(y, y_pred), (y_pred, ntv)

    def train_step(self, state, data):
        tv, ntv, ov, mv = state
        x, y = data
        grad_fn = jax.value_and_grad(self.loss_and_updates, has_aux=True)
        (loss, (y_pred, ntv)), grads = grad_fn(tv, ntv, x, y, training=True)
        tv, ov = self.optimizer.stateless_apply(ov, grads, tv)
        edge = len(self.loss_tracker.variables)
        loss_vars = self.loss_tracker.stateless_update_state(mv[:edge], loss)
        mae_vars = self.mae_metric.stateless_update_state(mv[edge:], y, y_pred)
        logs = {
            self.loss_tracker.name: self.loss_tracker.stateless_result(loss_vars),
            self.mae_metric.name: self.mae_metric.stateless_result(mae_vars),
        }
        return logs, (tv, ntv, ov, loss_vars + mae_vars)

    @property
    def metrics(self):
        return [self.loss_tracker, self.mae_metric]


model = build(ByHand)
model.compile(optimizer=keras.optimizers.Adam(0.01))
history = model.fit(x, y, epochs=3, batch_size=16, shuffle=False, verbose=0).history
print("by hand", {name: history[name] for name in sorted(history)})


class Weighted(keras.Model):
    def train_step(self, state, data):
        tv, ntv, ov, mv = state
        x, y, sample_weight = data if len(data) == 3 else (*data, None)
        grad_fn = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
        (loss, (_, _, ntv, mv)), grads = grad_fn(
            tv, ntv, mv, x, y, sample_weight, training=True, optimizer_variables=ov
        )
        tv, ov = self.optimizer.stateless_apply(ov, grads, tv)
        return {"last_loss": loss}, (tv, ntv, ov, mv)

    def test_step(self, state, data):
        tv, ntv, mv = state
        x, y = data
        y_pred, ntv = self.stateless_call(tv, ntv, x, training=False)
        return {"test": self.compute_loss(x, y, y_pred)}, (tv, ntv, mv)


model = build(Weighted)
model.compile(optimizer=keras.optimizers.SGD(0.05), loss="mse")
weight = np.linspace(0.0, 1.0, 48)
history = model.fit(
    x, y, sample_weight=weight, epochs=2, batch_size=16, shuffle=False, verbose=0
).history
print("weighted", history["last_loss"])
print("evaluate", model.evaluate(x, y, batch_size=48, verbose=0, return_dict=True))
print("weights", [float(np.sum(w)) for w in model.get_weights()])
