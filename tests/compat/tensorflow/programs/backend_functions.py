"""A loss, a metric, an activation and a layer of one's own, written with `keras.backend`."""

import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"
import numpy as np
import tensorflow as tf
from tensorflow.keras import backend as K
from tensorflow.keras import layers, models, optimizers

rng = np.random.default_rng(11)
x = rng.normal(size=(48, 6)).astype("float32")
y = (tf.sigmoid(x @ rng.normal(size=(6, 1)).astype("float32")).numpy() > 0.5).astype("float32")


def dice_loss(y_true, y_pred, smooth=1.0):
    y_true, y_pred = K.flatten(y_true), K.flatten(y_pred)
    shared = K.sum(y_true * y_pred)
    return 1.0 - (2.0 * shared + smooth) / (K.sum(y_true) + K.sum(y_pred) + smooth)


def f1(y_true, y_pred):
    hits = K.sum(K.round(K.clip(y_true * y_pred, 0, 1)))
    found = K.sum(K.round(K.clip(y_pred, 0, 1)))
    wanted = K.sum(K.round(K.clip(y_true, 0, 1)))
    precision, recall = hits / (found + K.epsilon()), hits / (wanted + K.epsilon())
    return 2 * precision * recall / (precision + recall + K.epsilon())


def swish(x, beta=1.5):
    return x * K.sigmoid(beta * x)


class Antirectifier(layers.Layer):
    def build(self, input_shape):
        self.scale = self.add_weight(name="scale", shape=(2 * input_shape[-1],), initializer="ones")
        super().build(input_shape)

    def call(self, inputs):
        inputs = inputs - K.mean(inputs, axis=1, keepdims=True)
        inputs = K.l2_normalize(inputs, axis=1)
        return K.concatenate([K.relu(inputs), K.relu(-inputs)], axis=1) * self.scale

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 2 * input_shape[-1])


model = models.Sequential(
    [
        layers.Dense(5, activation=swish, input_shape=(6,)),
        Antirectifier(),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.set_weights([(0.5 * rng.normal(size=w.shape)).astype("float32") for w in model.get_weights()])
model.compile(optimizers.RMSprop(0.01), loss=dice_loss, metrics=[f1, "accuracy"])
log = model.fit(x, y, epochs=3, batch_size=16, shuffle=False, verbose=0)
for name in ("loss", "f1", "accuracy"):
    print(name, np.round(log.history[name], 4).tolist())
K.set_value(model.optimizer.learning_rate, 0.002)
print(
    "rate",
    round(float(K.get_value(model.optimizer.learning_rate)), 6),
    "floats",
    K.floatx(),
    K.image_data_format(),
)

a = K.constant(np.arange(24.0).reshape(2, 3, 4))
b = K.constant(np.ones((2, 4, 5)))
print(
    "shapes",
    K.int_shape(K.batch_dot(a, b)),
    K.int_shape(K.batch_dot(a, a, axes=[2, 2])),
    K.int_shape(K.dot(a, K.ones((4, 2)))),
)
print(
    "batch_dot",
    np.asarray(K.batch_dot(a, b))[1, 2].tolist(),
    np.asarray(K.batch_dot(a, a, axes=(1, 1)))[0].tolist(),
)
print(
    "vectors",
    np.asarray(
        K.batch_dot(K.ones((2, 3)), K.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), axes=1)
    ).tolist(),
)
print(
    "switch",
    np.asarray(K.switch(K.greater(a, 10.0), a, -a))[0, 0].tolist(),
    K.ndim(a),
    K.eval(K.square(K.sum(a))),
)
print(
    "padded",
    K.int_shape(K.spatial_2d_padding(K.expand_dims(a), ((0, 1), (2, 0)))),
    K.int_shape(K.temporal_padding(a, (1, 2))),
)
print(
    "repeated",
    K.int_shape(K.repeat(K.ones((2, 4)), 3)),
    np.asarray(K.repeat_elements(K.constant([[1.0, 2.0]]), 2, 1)).tolist(),
)
print("resized", K.int_shape(K.resize_images(K.ones((1, 2, 3, 1)), 2, 3, "channels_last")))
print(
    "pooled",
    np.asarray(K.pool2d(K.reshape(a, (2, 3, 4, 1)), (2, 2), strides=(1, 1), pool_mode="avg"))[
        0, :, :, 0
    ].tolist(),
)
kernel = K.ones((2, 2, 1, 3))
print("convolved", np.asarray(K.conv2d(K.reshape(a, (2, 3, 4, 1)), kernel))[0, 0, :, 0].tolist())
last, outputs, states = K.rnn(
    lambda x, s: (s[0] + K.sum(x, axis=-1, keepdims=True), [s[0] + 1.0]), a, [K.zeros((2, 1))]
)
print(
    "rnn",
    np.asarray(last).ravel().tolist(),
    np.asarray(outputs)[..., 0].tolist(),
    np.asarray(states[0]).ravel().tolist(),
)
total = K.variable(1.0)
K.update_add(total, 2.0)
K.moving_average_update(total, 7.0, 0.5)
print(
    "moved",
    float(K.get_value(total)),
    np.asarray(K.one_hot(K.constant([0, 2], dtype="int32"), 3)).tolist(),
)
