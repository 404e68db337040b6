"""Losses that layers add, in a loop of one's own and in a `train_step` with the compiled loss and metrics."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

rng = np.random.default_rng(8)
x = rng.normal(size=(40, 4)).astype("float32")
y = x.sum(axis=1, keepdims=True)


class ActivityRegularized(keras.layers.Layer):
    def __init__(self, rate=1e-2):
        super().__init__()
        self.rate = rate

    def call(self, inputs):
        self.add_loss(self.rate * tf.reduce_mean(tf.square(inputs)))
        return inputs


class Network(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = keras.layers.Dense(
            5, activation="tanh", kernel_initializer="ones", kernel_regularizer="l2"
        )
        self.regularized = ActivityRegularized(0.1)
        self.out = keras.layers.Dense(1, kernel_initializer="ones")

    def call(self, inputs, training=False):
        return self.out(self.regularized(self.hidden(inputs)))


class Stepping(Network):
    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred)
        trainable_vars = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, trainable_vars), trainable_vars)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


model = Network()
optimizer = keras.optimizers.SGD(0.05, momentum=0.9)
for step in range(6):
    with tf.GradientTape() as tape:
        predictions = model(x)
        main = tf.reduce_mean((predictions - y) ** 2)
        loss = main + sum(model.losses)
    grads = tape.gradient(loss, model.trainable_weights)
    optimizer.apply_gradients(zip(grads, model.trainable_weights))
    if step % 2 == 0:
        print(f"{step}: {float(main):.5f} {float(loss):.5f} {len(model.losses)}")

stepping = Stepping()
stepping.compile(optimizer=keras.optimizers.Adam(0.02), loss="mse", metrics=["mae"])
history = stepping.fit(x, y, epochs=3, batch_size=10, shuffle=False, verbose=0)
for name in sorted(history.history):
    print(name, [f"{value:.5f}" for value in history.history[name]])
print([f"{v:.5f}" for v in stepping.evaluate(x, y, verbose=0)])
