"""A variational autoencoder: images through a few random numbers and back, trained by a step of its own.

python examples/variational.py
trivium source examples/variational.py:functional --style subclass

D. Kingma, M. Welling, "Auto-Encoding Variational Bayes", 2013.
"""

import jax
import jax.numpy as jnp
import numpy as np
from common import fashion_mnist, options, show

import trivium as tv
from trivium import layers, ops

CODE = 8


class Sampling(layers.Layer):
    """Draws from the normal distribution of a mean and a logarithm of the variance; the mean when it is not trained."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.seeds = tv.random.SeedGenerator()

    def call(self, inputs, training=False):
        """Draw a code for each example."""
        mean, log_variance = inputs
        if not training:
            return mean
        noise = tv.random.normal(ops.shape(mean), seed=self.seeds)
        return mean + ops.exp(log_variance / 2) * noise


class Variational:
    """A training step for a model that gives images, and the means and variances that they were drawn with."""

    def train_step(self, state, data):
        """Train on a batch: from `(weights, other variables, optimizer's, metrics')` to the logs and the next state."""
        weights, others, optimizer, metrics = state
        images, _, _ = tv.utils.unpack_x_y_sample_weight(data)

        def bound(weights):
            (drawn, mean, log_variance), after = self.stateless_call(
                weights, others, images, training=True
            )
            missed = tv.losses.binary_crossentropy(
                images.reshape(len(images), -1), drawn.reshape(len(images), -1)
            )
            missed = missed * drawn[0].size
            far = (jnp.exp(log_variance) + mean**2 - 1 - log_variance).sum(-1) / 2
            return jnp.mean(missed + far), (after, jnp.mean(missed), jnp.mean(far))

        (loss, (others, missed, far)), slopes = jax.value_and_grad(bound, has_aux=True)(weights)
        weights, optimizer = self.optimizer.stateless_apply(optimizer, slopes, weights)
        logs = {"loss": loss, "reconstruction": missed, "divergence": far}
        return logs, (weights, others, optimizer, metrics)


def decoder() -> tv.Model:
    """Make what turns a code into an image: a model of its own, so that it can be used alone."""
    return tv.Sequential(
        [
            tv.Input((CODE,)),
            layers.Dense(7 * 7 * 16, activation="relu"),
            layers.Reshape((7, 7, 16)),
            layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid"),
            layers.Reshape((28, 28)),
        ],
        name="decoder",
    )


class VariationalGraph(Variational, tv.Model):
    """A graph of calls with that step."""


class VariationalAutoencoder(Variational, tv.Model):
    """The network as a class, with that step."""

    def __init__(self):
        super().__init__(name="variational")
        self.flatten = layers.Flatten()
        self.dense = layers.Dense(128, activation="relu")
        self.mean = layers.Dense(CODE, name="mean")
        self.log_variance = layers.Dense(CODE, name="log_variance")
        self.sample = Sampling()
        self.decode = decoder()

    def call(self, images):
        """Turn images into images, and say what the codes were drawn with."""
        x = self.dense(self.flatten(images))
        mean, log_variance = self.mean(x), self.log_variance(x)
        return self.decode(self.sample([mean, log_variance])), mean, log_variance


def functional() -> tv.Model:
    """Write it as a graph of calls."""
    images = tv.Input((28, 28))
    x = layers.Dense(128, activation="relu")(layers.Flatten()(images))
    mean, log_variance = (
        layers.Dense(CODE, name="mean")(x),
        layers.Dense(CODE, name="log_variance")(x),
    )
    drawn = decoder()(Sampling()([mean, log_variance]))
    return VariationalGraph(images, (drawn, mean, log_variance), name="variational")


def subclass() -> tv.Model:
    """Write it as a class of its own, and build it."""
    model = VariationalAutoencoder()
    model.build((None, 28, 28))
    return model


def drawing() -> tv.viz.Diagram:
    """Draw the network, with the model inside it."""
    return tv.viz.diagram(subclass())


def main(words: list[str] | None = None) -> None:
    """Train the class, and draw images that nobody has made."""
    given = options(__doc__, words, epochs=10, limit=4000)
    (x, _), (x_test, _) = fashion_mnist(given.limit)

    tv.utils.set_random_seed(42)
    model = subclass()
    model.compile(optimizer=tv.optimizers.Adam(0.002))
    model.fit(x, epochs=given.epochs, batch_size=64, verbose=2)

    drawn, mean, log_variance = model.predict(x_test, verbose=0)
    show("On new images", f"the mean distance of a pixel is {np.abs(drawn - x_test).mean():.3f};")
    used = (np.exp(log_variance).mean(0) < 0.9).sum()
    print(f"{used} of {mean.shape[1]} numbers of a code say something.")
    noise = np.random.default_rng(0).normal(size=(16, CODE))
    made = model.get_layer("decoder").predict(noise, verbose=0)
    print(f"From 16 codes drawn by chance: {made.shape[0]} images of {made.shape[1:]} pixels.")

    graph = tv.convert(model, to="functional")
    trained = type(graph).train_step is type(model).train_step
    show("Converted", f"trained by the same step: {trained}")
    show("The class, written as a graph of calls", tv.source(model, style="functional"))

    if given.draw:
        drawing().save(given.draw)


if __name__ == "__main__":
    main()
