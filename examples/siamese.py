"""A Siamese network: one encoder, called on two images, to say whether they are of one kind.

python examples/siamese.py
trivium source examples/siamese.py:subclass --style functional

J. Bromley et al., "Signature Verification using a Siamese Time Delay Neural Network", 1993.
"""

import numpy as np
from common import fashion_mnist, options, show

import trivium as tv
from trivium import layers, ops


def encoder() -> tv.Model:
    """Make what both images go through: there is one, so its weights are shared."""
    return tv.Sequential(
        [
            tv.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(32),
        ],
        name="encoder",
    )


def functional() -> tv.Model:
    """Write it as a graph of calls: `encode` is called twice."""
    left, right = tv.Input((28, 28), name="left"), tv.Input((28, 28), name="right")
    encode = encoder()
    distance = ops.abs(encode(left) - encode(right))
    same = layers.Dense(1, activation="sigmoid", name="same")(distance)
    return tv.Model([left, right], same, name="siamese")


class Siamese(tv.Model):
    """The network as a class."""

    def __init__(self):
        super().__init__(name="siamese")
        self.encode = encoder()
        self.same = layers.Dense(1, activation="sigmoid", name="same")

    def call(self, pair):
        """Turn two lists of images into probabilities that they show the same."""
        left, right = pair
        return self.same(ops.abs(self.encode(left) - self.encode(right)))


def subclass() -> tv.Model:
    """Write it as a class of its own; a call on symbolic inputs builds it."""
    model = Siamese()
    model([tv.Input((28, 28), name="left"), tv.Input((28, 28), name="right")])
    return model


def drawing() -> tv.viz.Diagram:
    """Draw the network; a layer that is called again has a double border."""
    return tv.viz.diagram(subclass())


def pairs(images: np.ndarray, labels: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Give each image another one: half of them of its own class, the others of any.

    Args:
        images: The images.
        labels: Their classes.

    Returns:
        Two lists of images, and whether they are of one class.
    """
    rng = np.random.default_rng(42)
    others = rng.integers(len(labels), size=len(labels))
    for i in range(0, len(labels), 2):
        others[i] = rng.choice(np.flatnonzero(labels == labels[i]))
    return [images, images[others]], (labels == labels[others]).astype("float32")


def main(words: list[str] | None = None) -> None:
    """Train on pairs; then use the encoder alone: what lies near is of the same kind."""
    given = options(__doc__, words, epochs=5, limit=4000)
    (x, y), (x_test, y_test) = fashion_mnist(given.limit)

    tv.utils.set_random_seed(42)
    model = subclass()
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    model.fit(*pairs(x, y), epochs=given.epochs, validation_data=pairs(x_test, y_test), verbose=2)

    known, asked = (model.encode.predict(images, verbose=0) for images in (x, x_test))
    # The nearest makes |known - asked|² smallest, in which |asked|² is the same for all.
    nearest = ((known**2).sum(1, keepdims=True) - 2 * known @ asked.T).argmin(0)
    show(
        "The encoder alone",
        f"{(y[nearest] == y_test).mean():.1%} of the images lie nearest to one of their class",
    )

    show("Which style?", tv.advise(model))
    show("The class, written as a graph of calls", tv.source(model, style="functional"))

    mathematics = tv.explain(model, expand_nested=True)
    show("A shared weight's gradient is a sum over both calls", mathematics.gradient("W₂"))
    check = mathematics.check(*pairs(x[:32], y[:32]))
    show("By automatic differentiation", f"{len(check.rows)} gradients agree: {check.ok}")

    if given.draw:
        drawing().save(given.draw)


if __name__ == "__main__":
    main()
