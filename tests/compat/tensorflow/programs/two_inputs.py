"""Two inputs, two outputs, losses by name with weights: wide and deep, in the functional way."""

import numpy as np
import tensorflow as tf
from tensorflow.keras.layers import Concatenate, Dense, Input, concatenate
from tensorflow.keras.models import Model

rng = np.random.default_rng(6)
wide, deep = rng.normal(size=(40, 5)).astype("float32"), rng.normal(size=(40, 6)).astype("float32")
target = (wide.sum(axis=1) - deep.prod(axis=1)).astype("float32")

input_a = Input(shape=[5], name="wide_input")
input_b = Input(shape=[6], name="deep_input")
hidden = Dense(10, activation="relu", name="hidden1")(input_b)
hidden = Dense(10, activation="elu", name="hidden2")(hidden)
merged = concatenate([input_a, hidden])
output = Dense(1, name="main")(merged)
aux = Dense(1, name="aux")(hidden)
model = Model(inputs=[input_a, input_b], outputs=[output, aux])
model.set_weights([(0.3 * rng.normal(size=w.shape)).astype("float32") for w in model.get_weights()])
model.compile(
    loss=["mse", "mae"], loss_weights=[0.9, 0.1], optimizer=tf.keras.optimizers.Nadam(1e-2)
)
history = model.fit(
    [wide, deep], [target, target], epochs=3, batch_size=10, shuffle=False, verbose=0
)
print("losses", np.round(history.history["loss"], 4).tolist())
by_name = {"wide_input": wide[:8], "deep_input": deep[:8]}
main, side = model.predict(by_name, verbose=0)
print("predicted", main.shape, main.ravel()[:4], side.ravel()[:4])
print("total", np.round(model.evaluate([wide, deep], [target, target], verbose=0)[0], 4))
print([layer.name for layer in model.layers], len(model.inputs), model.output_names)

inner = Model(input_b, hidden, name="inner")
twice = Concatenate()([inner(input_b), inner(input_b * 2.0)])
siamese = Model(input_b, Dense(2, activation="softmax", kernel_initializer="ones")(twice))
print(
    "shared",
    siamese.predict(deep[:3], verbose=0).shape,
    siamese.count_params(),
    len(siamese.trainable_weights),
)
model.get_layer("hidden1").trainable = False
print("frozen", len(model.trainable_weights), "of", len(model.weights))
