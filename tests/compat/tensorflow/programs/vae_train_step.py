"""A variational autoencoder: a layer that samples, trackers, and the loss in `train_step`."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

rng = np.random.default_rng(5)
x = (rng.normal(size=(60, 6)) @ rng.normal(size=(6, 6))).astype("float32")
x = 1 / (1 + np.exp(-x))


class Sampling(layers.Layer):
    """Draws a latent vector; the noise is no random one here, so that numbers can be compared."""

    def call(self, inputs):
        z_mean, z_log_var = inputs
        epsilon = tf.stop_gradient(tf.sin(50.0 * z_mean))
        return z_mean + tf.exp(0.5 * z_log_var) * epsilon


def filled(network, seed):
    values = np.random.default_rng(seed)
    network.set_weights(
        [values.normal(scale=0.4, size=w.shape).astype("float32") for w in network.get_weights()]
    )
    return network


encoder_inputs = keras.Input(shape=(6,))
h = layers.Dense(5, activation="relu")(encoder_inputs)
z_mean = layers.Dense(2, name="z_mean")(h)
z_log_var = layers.Dense(2, name="z_log_var")(h)
z = Sampling()([z_mean, z_log_var])
encoder = filled(keras.Model(encoder_inputs, [z_mean, z_log_var, z], name="encoder"), 6)
latent_inputs = keras.Input(shape=(2,))
outputs = layers.Dense(6, activation="sigmoid")(layers.Dense(5, activation="relu")(latent_inputs))
decoder = filled(keras.Model(latent_inputs, outputs, name="decoder"), 7)


class VAE(keras.Model):
    def __init__(self, encoder, decoder, **kwargs):
        super().__init__(**kwargs)
        self.encoder = encoder
        self.decoder = decoder
        self.total_loss_tracker = keras.metrics.Mean(name="total_loss")
        self.reconstruction_loss_tracker = keras.metrics.Mean(name="reconstruction_loss")
        self.kl_loss_tracker = keras.metrics.Mean(name="kl_loss")

    @property
    def metrics(self):
        return [
            self.total_loss_tracker,
            self.reconstruction_loss_tracker,
            self.kl_loss_tracker,
        ]

    def losses_of(self, data):
        z_mean, z_log_var, z = self.encoder(data)
        reconstruction = self.decoder(z)
        reconstruction_loss = tf.reduce_mean(
            tf.reduce_sum(tf.square(data - reconstruction), axis=1)
        )
        kl_loss = -0.5 * (1 + z_log_var - tf.square(z_mean) - tf.exp(z_log_var))
        kl_loss = tf.reduce_mean(tf.reduce_sum(kl_loss, axis=1))
        return reconstruction_loss + kl_loss, reconstruction_loss, kl_loss

    def train_step(self, data):
        with tf.GradientTape() as tape:
            total_loss, reconstruction_loss, kl_loss = self.losses_of(data)
        grads = tape.gradient(total_loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(grads, self.trainable_weights))
        self.total_loss_tracker.update_state(total_loss)
        self.reconstruction_loss_tracker.update_state(reconstruction_loss)
        self.kl_loss_tracker.update_state(kl_loss)
        return {
            "loss": self.total_loss_tracker.result(),
            "reconstruction_loss": self.reconstruction_loss_tracker.result(),
            "kl_loss": self.kl_loss_tracker.result(),
        }

    def test_step(self, data):
        if isinstance(data, tuple):
            data = data[0]
        for tracker, value in zip(self.metrics, self.losses_of(data)):
            tracker.update_state(value)
        return {m.name: m.result() for m in self.metrics}


vae = VAE(encoder, decoder)
vae.compile(optimizer=keras.optimizers.Adam(0.02))
history = vae.fit(
    x.astype("float32"),
    epochs=4,
    batch_size=25,
    shuffle=False,
    verbose=0,
    validation_data=(x[:20].astype("float32"),),
)
for name in sorted(history.history):
    print(name, [f"{value:.5f}" for value in history.history[name]])
print(vae.evaluate(x[:30].astype("float32"), batch_size=30, verbose=0, return_dict=True))
