"""Layers and models by subclassing: weights, losses, configs, `training`, and a variational autoencoder."""

import keras
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(3)


def give_weights(model):
    numbers = np.random.default_rng(7)
    model.set_weights([numbers.normal(0.0, 0.2, w.shape) for w in model.get_weights()])


class Linear(layers.Layer):
    def __init__(self, units=4, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(
            shape=(input_shape[-1], self.units), initializer="random_normal", trainable=True
        )
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", trainable=True)

    def call(self, inputs):
        return ops.matmul(inputs, self.w) + self.b

    def get_config(self):
        return {**super().get_config(), "units": self.units}


layer = Linear(3, name="line")
y = layer(np.ones((2, 5), "float32"))
print(y.shape, [w.shape for w in layer.weights], layer.built)
config = layer.get_config()
print({k: config[k] for k in ("name", "units", "trainable")}, Linear.from_config(config).units)


class Sum(layers.Layer):
    def __init__(self, size):
        super().__init__()
        self.total = self.add_weight(shape=(size,), initializer="zeros", trainable=False)

    def call(self, inputs):
        self.total.assign_add(ops.sum(inputs, axis=0))
        return self.total


running = Sum(2)
print(np.asarray(running(np.ones((2, 2)))).tolist(), np.asarray(running(np.ones((2, 2)))).tolist())
print(len(running.weights), len(running.non_trainable_weights), len(running.trainable_weights))


class Block(layers.Layer):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = Linear(6), Linear(6), Linear(1)

    def call(self, inputs):
        x = ops.relu(self.first(inputs))
        return self.last(ops.relu(self.second(x)))


block = Block()
print(block(np.ones((3, 8), "float32")).shape, len(block.weights), len(block.trainable_weights))


class Noted(layers.Layer):
    def __init__(self, rate=0.01):
        super().__init__()
        self.rate = rate

    def call(self, inputs, training=None):
        self.add_loss(self.rate * ops.mean(ops.abs(inputs)))
        return inputs * 0.5 if training else inputs


noted = Noted()
print(np.asarray(noted(np.ones((1, 2)))).tolist(), [float(v) for v in noted.losses])
print(np.asarray(noted(np.ones((1, 2)), training=True)).tolist(), len(noted.losses))


class Classifier(keras.Model):
    def __init__(self, classes=3):
        super().__init__()
        self.block = Linear(8)
        self.noted = Noted()
        self.drop = layers.Dropout(0.0)
        self.head = layers.Dense(classes)

    def call(self, inputs, training=False):
        x = self.noted(ops.relu(self.block(inputs)), training=training)
        if training:
            x = self.drop(x, training=training)
        return self.head(x)


x, labels = rng.normal(size=(40, 6)).astype("float32"), rng.integers(0, 3, 40)
model = Classifier()
model(x[:1])
give_weights(model)
print(len(model.layers), model.count_params())
model.compile(
    optimizer=keras.optimizers.Adam(0.01),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
history = model.fit(x, labels, batch_size=8, epochs=2, shuffle=False, verbose=0)
print("classifier", history.history["loss"], model.evaluate(x, labels, verbose=0))


class Sampling(layers.Layer):
    def call(self, inputs):
        mean, log_var = inputs
        noise = keras.random.normal(ops.shape(mean), seed=11)
        return mean + ops.exp(0.5 * log_var) * noise


class Encoder(layers.Layer):
    def __init__(self, latent, hidden, **kwargs):
        super().__init__(**kwargs)
        self.project = layers.Dense(hidden, activation="relu")
        self.mean, self.log_var = layers.Dense(latent), layers.Dense(latent)
        self.sampling = Sampling()

    def call(self, inputs):
        x = self.project(inputs)
        mean, log_var = self.mean(x), self.log_var(x)
        return mean, log_var, self.sampling((mean, log_var))


class VariationalAutoEncoder(keras.Model):
    def __init__(self, size, hidden=8, latent=2, **kwargs):
        super().__init__(**kwargs)
        self.encoder = Encoder(latent, hidden)
        self.hidden = layers.Dense(hidden, activation="relu")
        self.output_layer = layers.Dense(size, activation="sigmoid")

    def call(self, inputs):
        mean, log_var, z = self.encoder(inputs)
        kl = -0.5 * ops.mean(log_var - ops.square(mean) - ops.exp(log_var) + 1)
        self.add_loss(kl)
        return self.output_layer(self.hidden(z))


vae = VariationalAutoEncoder(10)
pictures = rng.random((32, 10)).astype("float32")
print("vae", vae(pictures).shape, len(vae.weights))
give_weights(vae)
vae.compile(optimizer=keras.optimizers.Adam(0.01), loss=keras.losses.MeanSquaredError())
history = vae.fit(pictures, pictures, epochs=2, batch_size=16, shuffle=False, verbose=0)
print("vae", history.history["loss"])
