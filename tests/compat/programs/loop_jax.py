"""A training loop of one's own on JAX: stateless calls of model, optimizer and metrics, under `jax.jit`."""

import jax
import keras
import numpy as np

rng = np.random.default_rng(8)
x_train = rng.normal(size=(64, 10)).astype("float32")
y_train = keras.utils.to_categorical(rng.integers(0, 4, 64))
x_val, y_val = x_train[48:], y_train[48:]
x_train, y_train = x_train[:48], y_train[:48]


def batches(x, y, size):
    for first in range(0, len(x), size):
        yield x[first : first + size], y[first : first + size]


def get_model():
    inputs = keras.Input(shape=(10,), name="digits")
    x = keras.layers.Dense(8, activation="relu")(inputs)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Dense(8, activation="relu")(x)
    outputs = keras.layers.Dense(4, name="predictions")(x)
    return keras.Model(inputs=inputs, outputs=outputs)


model = get_model()
numbers = np.random.default_rng(7)
for variable in model.trainable_variables:
    variable.assign(numbers.normal(0.0, 0.3, variable.shape))
print("variables", [v.shape for v in model.trainable_variables])
optimizer = keras.optimizers.Adam(learning_rate=1e-2)
loss_fn = keras.losses.CategoricalCrossentropy(from_logits=True)
train_acc = keras.metrics.CategoricalAccuracy()
val_acc = keras.metrics.CategoricalAccuracy()


def loss_and_updates(tv, ntv, metric_variables, x, y):
    y_pred, ntv = model.stateless_call(tv, ntv, x, training=True)
    loss = loss_fn(y, y_pred)
    metric_variables = train_acc.stateless_update_state(metric_variables, y, y_pred)
    return loss, (ntv, metric_variables)


grad_fn = jax.value_and_grad(loss_and_updates, has_aux=True)


@jax.jit
def train_step(state, data):
    tv, ntv, ov, metric_variables = state
    x, y = data
    (loss, (ntv, metric_variables)), grads = grad_fn(tv, ntv, metric_variables, x, y)
    tv, ov = optimizer.stateless_apply(ov, grads, tv)
    return loss, (tv, ntv, ov, metric_variables)


@jax.jit
def eval_step(state, data):
    tv, ntv, metric_variables = state
    x, y = data
    y_pred, ntv = model.stateless_call(tv, ntv, x, training=False)
    metric_variables = val_acc.stateless_update_state(metric_variables, y, y_pred)
    return loss_fn(y, y_pred), (tv, ntv, metric_variables)


optimizer.build(model.trainable_variables)
state = (
    [v.value for v in model.trainable_variables],
    [v.value for v in model.non_trainable_variables],
    [v.value for v in optimizer.variables],
    [v.value for v in train_acc.variables],
)
for epoch in range(2):
    for step, data in enumerate(batches(x_train, y_train, 16)):
        loss, state = train_step(state, data)
        print(f"epoch {epoch} step {step} loss {float(loss):.6f}")
    tv, ntv, ov, metric_variables = state
    for variable, value in zip(train_acc.variables, metric_variables, strict=True):
        variable.assign(value)
    print("accuracy", float(train_acc.result()))
    train_acc.reset_state()
    state = tv, ntv, ov, [v.value for v in train_acc.variables]

tv, ntv, ov, metric_variables = state
eval_state = tv, ntv, [v.value for v in val_acc.variables]
for data in batches(x_val, y_val, 8):
    loss, eval_state = eval_step(eval_state, data)
    print("validation", float(loss))
for variable, value in zip(val_acc.variables, eval_state[2], strict=True):
    variable.assign(value)
print("validation accuracy", float(val_acc.result()))

for variable, value in zip(model.trainable_variables, tv, strict=True):
    variable.assign(value)
for variable, value in zip(model.non_trainable_variables, ntv, strict=True):
    variable.assign(value)
print("outputs", np.asarray(model(x_val[:2])).tolist())
print("iterations", int(np.asarray(ov[0])))
