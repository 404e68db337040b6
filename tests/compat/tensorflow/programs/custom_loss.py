"""A loss and a metric of one's own, on a network whose weights are given."""

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(7)
x = rng.normal(size=(64, 3)).astype("float32")
y = (x @ np.array([[1.0], [-2.0], [0.5]], "float32") + 0.3).astype("float32")


def huber(y_true, y_pred):
    error = y_true - y_pred
    small = tf.abs(error) < 1.0
    return tf.where(small, tf.square(error) / 2, tf.abs(error) - 0.5)


def largest(y_true, y_pred):
    return tf.reduce_max(tf.abs(y_true - y_pred))


model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(1)])
model.set_weights([np.zeros((3, 1), "float32"), np.zeros(1, "float32")])
model.compile(optimizer=tf.keras.optimizers.SGD(0.1), loss=huber, metrics=[largest])
history = model.fit(x, y, epochs=5, batch_size=16, shuffle=False, verbose=0)
print("losses", [round(float(v), 6) for v in history.history["loss"]])
print("weights", model.get_weights()[0].ravel(), model.get_weights()[1])
