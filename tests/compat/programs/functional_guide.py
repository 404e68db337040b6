"""The Functional API: shared layers, several inputs and outputs, residual connections, models within models."""

import keras
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(2)


def give_weights(model, seed=7):
    numbers = np.random.default_rng(seed)
    model.set_weights([numbers.normal(0.0, 0.2, w.shape) for w in model.get_weights()])


# A first network.
inputs = keras.Input(shape=(12,), name="picture")
x = layers.Dense(8, activation="relu")(inputs)
x = layers.Dense(8, activation="relu")(x)
outputs = layers.Dense(4)(x)
model = keras.Model(inputs=inputs, outputs=outputs, name="small")
print(model.name, inputs.shape, inputs.dtype, model.output_shape, model.count_params())
give_weights(model)
model.compile(
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    optimizer=keras.optimizers.RMSprop(),
    metrics=[keras.metrics.SparseCategoricalAccuracy(name="acc")],
)
data, labels = rng.normal(size=(48, 12)).astype("float32"), rng.integers(0, 4, 48)
history = model.fit(
    data, labels, batch_size=16, epochs=2, validation_split=0.25, shuffle=False, verbose=0
)
print(sorted(history.history), [history.history[k] for k in sorted(history.history)])
print("evaluate", model.evaluate(data, labels, verbose=0))

# One graph of layers, two models: an encoder, and the autoencoder around it.
picture = keras.Input(shape=(12, 12, 1), name="img")
x = layers.Conv2D(4, 3, activation="relu")(picture)
x = layers.Conv2D(6, 3, activation="relu")(x)
x = layers.MaxPooling2D(2)(x)
code = layers.GlobalMaxPooling2D()(x)
encoder = keras.Model(picture, code, name="encoder")
code_input = keras.Input(shape=(6,), name="code")
x = layers.Reshape((1, 1, 6))(code_input)
x = layers.UpSampling2D(6)(x)
decoded = layers.Conv2D(1, 3, padding="same", activation="tanh")(x)
decoder = keras.Model(code_input, decoded, name="decoder")
whole_input = keras.Input(shape=(12, 12, 1))
autoencoder = keras.Model(whole_input, decoder(encoder(whole_input)), name="autoencoder")
give_weights(autoencoder)
pictures = rng.random((3, 12, 12, 1)).astype("float32")
print("autoencoder", autoencoder.output_shape, float(np.sum(autoencoder(pictures))))


# An ensemble: the mean of three models.
def member():
    a = keras.Input(shape=(5,))
    return keras.Model(a, layers.Dense(1)(a))


members = [member() for _ in range(3)]
for i, m in enumerate(members):
    give_weights(m, i)
a = keras.Input(shape=(5,))
ensemble = keras.Model(a, layers.average([m(a) for m in members]))
print("ensemble", ensemble.output_shape, np.asarray(ensemble(np.ones((2, 5)))).ravel().tolist())

# Several inputs and outputs: tickets with a title, a text and tags.
title = keras.Input(shape=(6,), dtype="int32", name="title")
body = keras.Input(shape=(9,), dtype="int32", name="body")
tags = keras.Input(shape=(3,), name="tags")
title_features = layers.GlobalAveragePooling1D()(layers.Embedding(20, 4)(title))
body_features = layers.GlobalAveragePooling1D()(layers.Embedding(20, 4)(body))
x = layers.concatenate([title_features, body_features, tags])
priority = layers.Dense(1, name="priority")(x)
department = layers.Dense(4, name="department")(x)
model = keras.Model([title, body, tags], {"priority": priority, "department": department})
give_weights(model)
model.compile(
    optimizer=keras.optimizers.SGD(0.1),
    loss={
        "priority": keras.losses.BinaryCrossentropy(from_logits=True),
        "department": keras.losses.CategoricalCrossentropy(from_logits=True),
    },
    loss_weights={"priority": 1.0, "department": 0.2},
)
given = {
    "title": rng.integers(0, 20, (24, 6)),
    "body": rng.integers(0, 20, (24, 9)),
    "tags": rng.integers(0, 2, (24, 3)).astype("float32"),
}
wanted = {
    "priority": rng.random((24, 1)).astype("float32"),
    "department": np.eye(4, dtype="float32")[rng.integers(0, 4, 24)],
}
history = model.fit(given, wanted, epochs=2, batch_size=8, shuffle=False, verbose=0)
print("tickets", history.history["loss"])
print({name: value.shape for name, value in sorted(model.predict(given, verbose=0).items())})

# A residual network.
inputs = keras.Input(shape=(10, 10, 3))
x = layers.Conv2D(4, 3, activation="relu")(inputs)
first = layers.MaxPooling2D(2)(x)
x = layers.Conv2D(4, 3, activation="relu", padding="same")(first)
x = layers.Conv2D(4, 3, activation="relu", padding="same")(x)
second = layers.add([x, first])
x = layers.GlobalAveragePooling2D()(second)
x = layers.Dropout(0.5)(layers.Dense(6, activation="relu")(x))
model = keras.Model(inputs, layers.Dense(2)(x), name="residual")
give_weights(model)
images = rng.random((4, 10, 10, 3)).astype("float32")
print("residual", model.output_shape, np.asarray(model(images)).tolist())

# Shared layers, features of layers, ops between layers, and a cloned model.
shared = layers.Embedding(30, 5)
one, two = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")
pair = keras.Model([one, two], [shared(one), shared(two)])
print("shared", len(pair.weights), [t.shape for t in pair([np.ones((2, 3)), np.ones((2, 4))])])
features = keras.Model(model.inputs, [layer.output for layer in model.layers])
print("features", [f.shape for f in features([images])])
a = keras.Input((4,))
scaled = keras.Model(a, ops.tanh(a * 2.0 + 1.0) / ops.sqrt(ops.sum(a, axis=1, keepdims=True)))
print("ops", np.asarray(scaled(np.full((1, 4), 0.25))).tolist())


class Affine(layers.Layer):
    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="ones")
        self.b = self.add_weight(shape=(self.units,), initializer="zeros")

    def call(self, inputs):
        return ops.matmul(inputs, self.w) + self.b

    def get_config(self):
        return {**super().get_config(), "units": self.units}


a = keras.Input((4,))
model = keras.Model(a, Affine(2)(a))
again = keras.models.clone_model(model)
print("cloned", again.output_shape, np.asarray(again(np.ones((1, 4)))).tolist())
