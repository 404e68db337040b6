"""A GAN: two networks, an optimizer each, and a `train_step` that trains one after the other."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

rng = np.random.default_rng(1)
real = rng.normal(loc=2.0, size=(48, 4)).astype("float32")
noise = rng.normal(size=(48, 3)).astype("float32")


def filled(network, seed):
    values = np.random.default_rng(seed)
    network.set_weights(
        [values.normal(scale=0.3, size=w.shape).astype("float32") for w in network.get_weights()]
    )
    return network


generator = filled(
    keras.Sequential([keras.Input((3,)), layers.Dense(8, activation="relu"), layers.Dense(4)]), 2
)
discriminator = filled(
    keras.Sequential([keras.Input((4,)), layers.Dense(8), layers.LeakyReLU(0.2), layers.Dense(1)]),
    3,
)


class GAN(keras.Model):
    def __init__(self, discriminator, generator):
        super().__init__()
        self.discriminator = discriminator
        self.generator = generator
        self.d_loss_tracker = keras.metrics.Mean(name="d_loss")
        self.g_loss_tracker = keras.metrics.Mean(name="g_loss")

    def compile(self, d_optimizer, g_optimizer, loss_fn):
        super().compile()
        self.d_optimizer = d_optimizer
        self.g_optimizer = g_optimizer
        self.loss_fn = loss_fn

    @property
    def metrics(self):
        return [self.d_loss_tracker, self.g_loss_tracker]

    def train_step(self, data):
        real_samples, latent = data
        batch_size = tf.shape(real_samples)[0]
        generated = self.generator(latent)
        combined = tf.concat([generated, real_samples], axis=0)
        labels = tf.concat([tf.ones((batch_size, 1)), tf.zeros((batch_size, 1))], axis=0)

        with tf.GradientTape() as tape:
            predictions = self.discriminator(combined)
            d_loss = self.loss_fn(labels, predictions)
        grads = tape.gradient(d_loss, self.discriminator.trainable_weights)
        self.d_optimizer.apply_gradients(zip(grads, self.discriminator.trainable_weights))

        misleading = tf.zeros((batch_size, 1))
        with tf.GradientTape() as tape:
            predictions = self.discriminator(self.generator(latent))
            g_loss = self.loss_fn(misleading, predictions)
        grads = tape.gradient(g_loss, self.generator.trainable_weights)
        self.g_optimizer.apply_gradients(zip(grads, self.generator.trainable_weights))

        self.d_loss_tracker.update_state(d_loss)
        self.g_loss_tracker.update_state(g_loss)
        return {"d_loss": self.d_loss_tracker.result(), "g_loss": self.g_loss_tracker.result()}


gan = GAN(discriminator=discriminator, generator=generator)
gan.compile(
    d_optimizer=keras.optimizers.Adam(learning_rate=0.01),
    g_optimizer=keras.optimizers.Adam(learning_rate=0.02, beta_1=0.5),
    loss_fn=keras.losses.BinaryCrossentropy(from_logits=True),
)
dataset = tf.data.Dataset.from_tensor_slices((real, noise)).batch(20)
history = gan.fit(dataset, epochs=4, verbose=0)
for name in sorted(history.history):
    print(name, [f"{value:.5f}" for value in history.history[name]])
print("generated", generator(noise[:2]).numpy().ravel())
print("steps", int(gan.d_optimizer.iterations), int(gan.g_optimizer.iterations))
