"""Built-in training: losses, metrics, weights of samples and classes, several outputs, generators, schedules."""

import keras
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(4)
x = rng.normal(size=(60, 6)).astype("float32")
y = rng.integers(0, 3, 60)
held_out = (x[48:], y[48:])
x, y = x[:48], y[:48]


def new_model():
    inputs = keras.Input(shape=(6,), name="digits")
    h = layers.Dense(8, activation="relu", name="dense_a")(inputs)
    outputs = layers.Dense(3, activation="softmax", name="predictions")(h)
    model = keras.Model(inputs=inputs, outputs=outputs)
    numbers = np.random.default_rng(7)
    model.set_weights([numbers.normal(0.0, 0.3, w.shape) for w in model.get_weights()])
    return model


def compiled(**kwargs):
    model = new_model()
    settings = {
        "optimizer": keras.optimizers.RMSprop(learning_rate=1e-2),
        "loss": "sparse_categorical_crossentropy",
        "metrics": ["sparse_categorical_accuracy"],
    }
    model.compile(**(settings | kwargs))
    return model


def train(model, *data, **kwargs):
    history = model.fit(*data, epochs=2, verbose=0, **kwargs).history
    return {name: history[name] for name in sorted(history)}


def plain(**kwargs):
    return train(compiled(**kwargs), x, y, batch_size=16, shuffle=False)


# The whole of it.
model = compiled()
print(train(model, x, y, batch_size=16, shuffle=False, validation_data=held_out))
print("test", model.evaluate(*held_out, batch_size=8, verbose=0))
print("test", sorted(model.evaluate(*held_out, verbose=0, return_dict=True)))
print("predictions", model.predict(held_out[0][:3], verbose=0).shape)


# Losses and metrics of one's own.
def custom_mse(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


one_hot = keras.utils.to_categorical(y, 3)
model = compiled(loss=custom_mse, metrics=[])
print("own loss", train(model, x, one_hot, batch_size=16, shuffle=False))


class PenalizedMSE(keras.losses.Loss):
    def __init__(self, factor=0.1, name="penalized_mse"):
        super().__init__(name=name)
        self.factor = factor

    def call(self, y_true, y_pred):
        mse = ops.mean(ops.square(y_true - y_pred), axis=-1)
        return mse + self.factor * ops.mean(ops.square(0.5 - y_pred), axis=-1)


print(train(compiled(loss=PenalizedMSE(), metrics=[]), x, one_hot, batch_size=16, shuffle=False))


class TruePositives(keras.metrics.Metric):
    def __init__(self, name="hits", **kwargs):
        super().__init__(name=name, **kwargs)
        self.hits = self.add_variable(shape=(), initializer="zeros", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        guess = ops.reshape(ops.argmax(y_pred, axis=1), (-1, 1))
        values = ops.cast(ops.equal(ops.cast(y_true, "int32"), ops.cast(guess, "int32")), "float32")
        if sample_weight is not None:
            values = ops.multiply(values, ops.cast(sample_weight, "float32"))
        self.hits.assign_add(ops.sum(values))

    def result(self):
        return self.hits.value

    def reset_state(self):
        self.hits.assign(0)


print(train(compiled(metrics=[TruePositives()]), x, y[:, None], batch_size=16, shuffle=False))

# Parts for validation, weights of classes and samples.
print(train(compiled(), x, y, batch_size=12, validation_split=0.25, shuffle=False))
print(train(compiled(), x, y, batch_size=16, class_weight={0: 1.0, 1: 2.0, 2: 0.5}, shuffle=False))
weight = np.where(y == 2, 2.0, 1.0)
model = compiled(weighted_metrics=["accuracy"], metrics=[])
print(train(model, x, y, sample_weight=weight, batch_size=16, shuffle=False))


# Batches out of a class.
class Batches(keras.utils.PyDataset):
    def __init__(self, x, y, batch_size, **kwargs):
        super().__init__(**kwargs)
        self.x, self.y, self.batch_size = x, y, batch_size

    def __len__(self):
        return -(-len(self.x) // self.batch_size)

    def __getitem__(self, index):
        part = slice(index * self.batch_size, (index + 1) * self.batch_size)
        return self.x[part], self.y[part]


print("batches", train(compiled(), Batches(x, y, 10), shuffle=False))

# A schedule of learning rates.
decay = keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.9, staircase=True)
print("schedule", plain(optimizer=keras.optimizers.SGD(decay)))
print("momentum", plain(optimizer=keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True)))

# Several inputs and outputs.
image, series = keras.Input((6, 6, 2), name="img_input"), keras.Input((7, 3), name="ts_input")
a = layers.GlobalMaxPooling2D()(layers.Conv2D(3, 3)(image))
b = layers.GlobalMaxPooling1D()(layers.Conv1D(3, 3)(series))
h = layers.concatenate([a, b])
score, classes = layers.Dense(1, name="score")(h), layers.Dense(5, name="classes")(h)
model = keras.Model([image, series], [score, classes])
numbers = np.random.default_rng(7)
model.set_weights([numbers.normal(0.0, 0.2, w.shape) for w in model.get_weights()])
model.compile(
    optimizer=keras.optimizers.SGD(1e-2),
    loss=[keras.losses.MeanSquaredError(), keras.losses.CategoricalCrossentropy(from_logits=True)],
    metrics=[["mean_absolute_error"], [keras.metrics.CategoricalAccuracy(name="acc")]],
    loss_weights=[2.0, 1.0],
)
given = [rng.random((20, 6, 6, 2)).astype("float32"), rng.random((20, 7, 3)).astype("float32")]
wanted = [rng.random((20, 1)).astype("float32"), np.eye(5)[rng.integers(0, 5, 20)]]
print("two outputs", train(model, given, wanted, batch_size=10, shuffle=False))
