"""A layer and a training step of one's own: prototypes, trained on images that an attacker has changed.

python examples/custom_step.py
trivium compare --module examples/custom_step.py --epochs 2 --limit 6000
trivium source examples/custom_step.py:functional --style subclass

I. Goodfellow, J. Shlens, C. Szegedy, "Explaining and Harnessing Adversarial Examples", 2014.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from common import fashion_mnist, options, show

import trivium as tv
from trivium import layers, ops

STRENGTH = 0.1


class Prototypes(layers.Layer):
    """Says how near its input is to each of some learned points: `-s |x - c_i|²`."""

    def __init__(self, units, **settings):
        super().__init__(**settings)
        self.units = units

    def build(self, input_shape):
        """Make the weights when the input's size is known."""
        self.centers = self.add_weight((self.units, input_shape[-1]), name="centers")
        self.sharpness = self.add_weight((), "ones", name="sharpness")

    def call(self, inputs):
        """Compute the scaled negative squared distances."""
        distances = ops.sum(ops.square(inputs[:, None] - self.centers), axis=-1)
        return -self.sharpness * distances

    def get_config(self):
        """Return what `__init__` takes: so the layer can be saved, copied and written as source."""
        return {**super().get_config(), "units": self.units}


def attack(loss: Callable[[jax.Array], jax.Array], images: jax.Array) -> jax.Array:
    """Change each pixel a little in the direction in which the loss grows.

    Args:
        loss: A function of the images.
        images: The images, with pixels from 0 to 1.

    Returns:
        The changed images.
    """
    return jnp.clip(images + STRENGTH * jnp.sign(jax.grad(loss)(images)), 0, 1)


class Hardened:
    """A training step that attacks the images first, for a model of any style."""

    def train_step(self, state, data):
        """Train on a batch: from `(weights, other variables, optimizer's, metrics')` to the logs and the next state."""
        weights, others, _, metrics = state
        x, y, sample_weight = tv.utils.unpack_x_y_sample_weight(data)

        def loss(images):
            step = (weights, others, metrics, images, y, sample_weight)
            return self.compute_loss_and_updates(*step, training=True)[0]

        return super().train_step(state, (attack(loss, x), y, sample_weight))


class HardenedStack(Hardened, tv.Sequential):
    """A stack of layers with that step."""


class HardenedGraph(Hardened, tv.Model):
    """A graph of calls with that step."""


class HardenedNetwork(Hardened, tv.Model):
    """The network as a class, with that step."""

    def __init__(self):
        super().__init__()
        self.flatten = layers.Flatten()
        self.dense = layers.Dense(128, activation="relu")
        self.prototypes = Prototypes(10)
        self.softmax = layers.Softmax()

    def call(self, images):
        """Turn images into a probability for each class."""
        x = self.dense(self.flatten(images))
        return self.softmax(self.prototypes(x))


def sequential(style: type[tv.Sequential] = HardenedStack) -> tv.Model:
    """Write it as a stack of layers."""
    return style(
        [
            tv.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            Prototypes(10),
            layers.Softmax(),
        ]
    )


def functional() -> tv.Model:
    """Write it as a graph of calls."""
    images = tv.Input((28, 28))
    x = layers.Flatten()(images)
    x = layers.Dense(128, activation="relu")(x)
    x = Prototypes(10)(x)
    return HardenedGraph(images, layers.Softmax()(x))


def subclass() -> tv.Model:
    """Write it as a class of its own, and build it."""
    model = HardenedNetwork()
    model.build((None, 28, 28))
    return model


def drawing() -> tv.viz.Diagram:
    """Draw the network: a layer of one's own is a box like any other."""
    return tv.viz.diagram(subclass())


def main(words: list[str] | None = None) -> None:
    """Train with and without the step, attack both, and convert what is trained by a step of its own."""
    given = options(__doc__, words, epochs=5, limit=6000)
    (x, y), (x_test, y_test) = fashion_mnist(given.limit)

    print("trained on        test accuracy   under attack")
    plain = functools.partial(sequential, tv.Sequential)
    for name, write in (("images", plain), ("attacked images", subclass)):
        tv.utils.set_random_seed(42)
        model = write()
        model.compile(
            loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"]
        )
        model.fit(x, y, epochs=given.epochs, verbose=0)

        def loss(images, model=model):
            return jnp.mean(tv.losses.sparse_categorical_crossentropy(y_test, model(images)))

        tested = (x_test, attack(loss, jnp.asarray(x_test, "float32")))
        usual, attacked = (model.evaluate(images, y_test, verbose=0)[1] for images in tested)
        print(f"{name:<17} {usual:<15.3f} {attacked:.3f}")

    show("Which style?", tv.advise(model))
    graph = tv.convert(model, to="functional")
    trained = type(graph).train_step is type(model).train_step
    show("Converted", f"{type(graph).__mro__[1].__name__}, trained by the same step: {trained}")
    show("The class, written as a graph of calls", tv.source(model, style="functional"))

    if given.draw:
        drawing().save(given.draw)


if __name__ == "__main__":
    main()
