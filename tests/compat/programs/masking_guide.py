"""Masking and padding: where masks come from, how they travel, what layers make of them."""

import keras
import numpy as np
from keras import layers, ops

raw = [[711, 632, 71], [73, 8, 3215, 55, 927], [83, 91, 1, 645, 1253, 927]]
padded = np.zeros((3, 6), "int32")
for row, numbers in zip(padded, raw, strict=True):
    row[: len(numbers)] = numbers
print(padded.tolist())

# Masks made by Embedding and Masking.
embedding = layers.Embedding(input_dim=5000, output_dim=4, mask_zero=True)
print("embedded", embedding(padded).shape)
print(np.asarray(embedding.compute_mask(padded)).astype(int).tolist())
masking = layers.Masking()
unmasked = np.tile(padded[:, :, None], (1, 1, 2)).astype("float32")
print(np.asarray(masking.compute_mask(unmasked)).astype(int).tolist())


# Layers that make, use and change masks.
class Split(layers.Layer):
    """Parts a sequence in two along time."""

    def call(self, inputs):
        return ops.split(inputs, 2, axis=1)

    def compute_mask(self, inputs, mask=None):
        return None if mask is None else ops.split(mask, 2, axis=1)


first, second = Split()(embedding(padded))
print("halves", first.shape, second.shape)


class Softmax(layers.Layer):
    """A softmax over time that leaves the padding out."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        if mask is None:
            return ops.softmax(inputs, axis=1)
        allowed = ops.expand_dims(ops.cast(mask, "float32"), -1)
        exponents = ops.exp(inputs) * allowed
        return exponents / ops.sum(exponents, axis=1, keepdims=True)


class Mean(layers.Layer):
    """The mean over the steps that count."""

    def call(self, inputs, mask=None):
        kept = ops.expand_dims(ops.cast(mask, "float32"), -1)
        return ops.sum(inputs * kept, axis=1) / ops.sum(kept, axis=1)

    def compute_mask(self, inputs, mask=None):
        return None  # there is no time any more


inputs = keras.Input(shape=(None,), dtype="int32")
x = layers.Embedding(5000, 4, mask_zero=True)(inputs)
x = layers.Dense(3, activation="relu")(x)  # hands the mask on
outputs = Mean()(Softmax()(x))
model = keras.Model(inputs, outputs)
numbers = np.random.default_rng(7)
model.set_weights([numbers.normal(0.0, 0.5, w.shape) for w in model.get_weights()])
print("model", model.output_shape, np.asarray(model(padded)).tolist())
longer = np.pad(padded, ((0, 0), (0, 3)))
print("padding changes nothing:", bool(np.allclose(model(padded), model(longer), atol=1e-6)))

# Pooling and losses leave the padding out.
inputs = keras.Input(shape=(6,), dtype="int32")
x = layers.Embedding(5000, 4, mask_zero=True)(inputs)
model = keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling1D()(x)))
numbers = np.random.default_rng(8)
model.set_weights([numbers.normal(0.0, 0.5, w.shape) for w in model.get_weights()])
print("pooled", np.asarray(model(padded)).tolist())
inputs = keras.Input(shape=(6, 2))
model = keras.Model(inputs, layers.Dense(1)(layers.Masking()(inputs)))
model.set_weights([np.full((2, 1), 0.001), np.zeros(1)])
model.compile(optimizer="sgd", loss="mse", metrics=["mae"])
print("masked loss", model.evaluate(unmasked, np.ones((3, 6, 1)), verbose=0))


# A layer of one's own between a masking one and its user.
class Doubled(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs):
        return inputs * 2.0


model = keras.Sequential(
    [layers.Embedding(5000, 4, mask_zero=True), Doubled(), layers.GlobalAveragePooling1D()]
)
model(padded)
model.set_weights([np.random.default_rng(9).normal(size=(5000, 4))])
print("sequential", np.asarray(model(padded)).tolist())
