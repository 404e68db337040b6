"""Monte-Carlo dropout: a network whose dropout stays on when it predicts, and what a hundred answers say together.

python examples/monte_carlo_dropout.py

Y. Gal, Z. Ghahramani, "Dropout as a Bayesian Approximation", 2016.
"""

import numpy as np
from common import fashion_mnist, options, show

import trivium as tv
from trivium import layers

ANSWERS = 100


def sequential() -> tv.Model:
    """Write it as a stack of layers."""
    return tv.Sequential(
        [
            tv.Input((28, 28)),
            layers.Flatten(),
            layers.Dropout(0.2),
            layers.Dense(100, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ]
    )


def functional() -> tv.Model:
    """Write it as a graph of calls."""
    images = tv.Input((28, 28))
    x = layers.Dropout(0.2)(layers.Flatten()(images))
    x = layers.Dense(100, activation="relu")(x)
    return tv.Model(images, layers.Dense(10, activation="softmax")(layers.Dropout(0.2)(x)))


class Classifier(tv.Model):
    """The network as a class."""

    def __init__(self):
        super().__init__()
        self.flatten = layers.Flatten()
        self.drop_pixels = layers.Dropout(0.2)
        self.hidden = layers.Dense(100, activation="relu")
        self.drop_units = layers.Dropout(0.2)
        self.out = layers.Dense(10, activation="softmax")

    def call(self, images):
        """Turn images into a probability for each class."""
        x = self.hidden(self.drop_pixels(self.flatten(images)))
        return self.out(self.drop_units(x))


def subclass() -> tv.Model:
    """Write it as a class of its own, and build it."""
    model = Classifier()
    model.build((None, 28, 28))
    return model


def drawing() -> tv.viz.Diagram:
    """Draw the network."""
    return tv.viz.diagram(subclass())


class MCDropout(layers.Dropout):
    """Dropout that is always on."""

    def call(self, inputs, training=None):
        """Drop, whether or not this is training."""
        return super().call(inputs, training=True)


def always_on(layer: layers.Layer) -> layers.Layer:
    """Return a new layer like this one, whose dropout is always on."""
    kind = MCDropout if isinstance(layer, layers.Dropout) else type(layer)
    return kind.from_config(layer.get_config())


def main(words: list[str] | None = None) -> None:
    """Train with dropout, then ask many times: by calls in training mode, and by layers that are always on."""
    given = options(__doc__, words, epochs=10, limit=4000)
    (x, y), (x_test, y_test) = fashion_mnist(given.limit)

    tv.utils.set_random_seed(42)
    model = subclass()
    model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    model.fit(x, y, epochs=given.epochs, verbose=0)
    once = model.predict(x_test, verbose=0)

    asked = x_test.astype("float32")
    answers = np.stack([model(asked, training=True) for _ in range(ANSWERS)])
    mean, spread = answers.mean(axis=0), answers.std(axis=0)
    for name, said in (("once, without dropout", once), (f"the mean of {ANSWERS}", mean)):
        right = said.argmax(axis=1) == y_test
        print(
            f"{name:<23} accuracy {right.mean():.3f}, surest on average {said.max(axis=1).mean():.3f}"
        )
    doubt = spread[np.arange(len(mean)), mean.argmax(axis=1)]
    right = mean.argmax(axis=1) == y_test
    show("How far the answers differ", f"where right {doubt[right].mean():.3f}")
    print(f"where wrong {doubt[~right].mean():.3f}")

    graph = tv.convert(model, to="functional")
    noisy = tv.models.clone_model(graph, clone_function=always_on)
    noisy.set_weights(model.get_weights())
    two = [noisy.predict(x_test[:8], verbose=0) for _ in range(2)]
    show("Dropout that is always on", f"two predictions differ: {not np.array_equal(*two)}")

    if given.draw:
        drawing().save(given.draw)


if __name__ == "__main__":
    main()
