"""A generative adversarial network: two networks, two losses and two optimizers, inside one `fit`.

python examples/adversarial.py
trivium source examples/adversarial.py:functional --style subclass

I. Goodfellow et al., "Generative Adversarial Nets", 2014; T. Miyato et al., "Spectral Normalization for Generative
Adversarial Networks", 2018.
"""

import jax
import jax.numpy as jnp
import numpy as np
from common import fashion_mnist, options, show

import trivium as tv
from trivium import layers, ops

CODE = 16


class Codes(layers.Layer):
    """Draws a code for each example by chance; in inference it gives zeros, the middle of all codes."""

    def __init__(self, size, **settings):
        super().__init__(**settings)
        self.size = size
        self.seeds = tv.random.SeedGenerator()

    def call(self, inputs, training=False):
        """Draw as many codes as there are examples."""
        shape = (ops.shape(inputs)[0], self.size)
        return tv.random.normal(shape, seed=self.seeds) if training else ops.zeros(shape)


def generator() -> tv.Model:
    """Make what turns a code into an image."""
    return tv.Sequential(
        [
            tv.Input((CODE,)),
            layers.Dense(7 * 7 * 16, activation="relu"),
            layers.Reshape((7, 7, 16)),
            layers.Conv2DTranspose(8, 4, strides=2, padding="same", activation="relu"),
            layers.Conv2DTranspose(1, 4, strides=2, padding="same", activation="sigmoid"),
            layers.Reshape((28, 28)),
        ],
        name="generator",
    )


def critic() -> tv.Model:
    """Make what says how real an image looks; its layers are normalized, so that none of them grows without end."""
    return tv.Sequential(
        [
            tv.Input((28, 28)),
            layers.Reshape((28, 28, 1)),
            layers.SpectralNormalization(layers.Conv2D(8, 4, strides=2, activation="leaky_relu")),
            layers.SpectralNormalization(layers.Conv2D(16, 4, strides=2, activation="leaky_relu")),
            layers.Flatten(),
            layers.Dense(1),
        ],
        name="critic",
    )


def two_optimizers() -> tv.optimizers.Optimizer:
    """Make one optimizer for the weights of the generator, and another one for those of the critic."""
    slow, fast = (tv.optimizers.Adam(rate, beta_1=0.5) for rate in (0.001, 0.002))
    return tv.optimizers.MultiOptimizer(tv.optimizers.OptimizerMap(fast, {".*generator/.*": slow}))


class Adversarial:
    """A training step for a model that gives the scores of real images, and of images that it made."""

    def train_step(self, state, data):
        """Train on a batch: from `(weights, other variables, optimizer's, metrics')` to the logs and the next state."""
        weights, others, optimizer, metrics = state
        images, _, _ = tv.utils.unpack_x_y_sample_weight(data)

        def losses(weights):
            (real, made), after = self.stateless_call(weights, others, images, training=True)
            return (
                jnp.mean(jax.nn.softplus(-real)) + jnp.mean(jax.nn.softplus(made)),
                jnp.mean(jax.nn.softplus(-made)),
            ), after

        # Forward once and back twice: each network goes by the slopes of its own loss.
        (of_critic, of_generator), back, others = jax.vjp(losses, weights, has_aux=True)
        (down_critic,), (down_generator,) = back((1.0, 0.0)), back((0.0, 1.0))
        mine = [id(v) for v in self.get_layer("generator").trainable_variables]
        slopes = [
            g if id(v) in mine else c
            for v, g, c in zip(self.trainable_variables, down_generator, down_critic, strict=True)
        ]
        weights, optimizer = self.optimizer.stateless_apply(optimizer, slopes, weights)
        logs = {"critic": of_critic, "generator": of_generator}
        return logs, (weights, others, optimizer, metrics)


class AdversarialGraph(Adversarial, tv.Model):
    """A graph of calls with that step."""


class AdversarialNetwork(Adversarial, tv.Model):
    """The network as a class, with that step."""

    def __init__(self):
        super().__init__(name="adversarial")
        self.codes = Codes(CODE)
        self.generate = generator()
        self.judge = critic()

    def call(self, images):
        """Score real images, and as many that are made from codes."""
        return self.judge(images), self.judge(self.generate(self.codes(images)))


def functional() -> tv.Model:
    """Write it as a graph of calls: the critic is called twice."""
    images = tv.Input((28, 28))
    judge = critic()
    real = judge(images)
    made = judge(generator()(Codes(CODE)(images)))
    return AdversarialGraph(images, (real, made), name="adversarial")


def subclass() -> tv.Model:
    """Write it as a class of its own, and build it."""
    model = AdversarialNetwork()
    model.build((None, 28, 28))
    return model


def drawing() -> tv.viz.Diagram:
    """Draw the network; the critic, which is called twice, has a double border."""
    return tv.viz.diagram(subclass())


def main(words: list[str] | None = None) -> None:
    """Train the class on images of one kind, and make new ones."""
    given = options(__doc__, words, epochs=10, limit=6000)
    (x, y), _ = fashion_mnist(given.limit)
    boots = x[y == 9] if given.limit > 100 else x

    tv.utils.set_random_seed(42)
    model = subclass()
    model.compile(optimizer=two_optimizers())
    model.fit(boots, batch_size=40, epochs=given.epochs, verbose=2)

    codes = np.random.default_rng(0).normal(size=(64, CODE))
    made = model.get_layer("generator").predict(codes, verbose=0)
    apart = np.abs(made.mean(0) - boots.mean(0)).mean()
    show(
        "Made", f"{len(made)} images: their mean is {apart:.3f} a pixel from that of the real ones;"
    )
    print(
        f"they vary by {made.std(0).mean():.3f} around it, the real ones by {boots.std(0).mean():.3f}."
    )

    steps = [int(o.iterations) for o in model.optimizer.optimizers]
    show("Two optimizers", f"have taken {' and '.join(map(str, steps))} steps.")
    show("The class, written as a graph of calls", tv.source(model, style="functional"))

    if given.draw:
        drawing().save(given.draw)


if __name__ == "__main__":
    main()
