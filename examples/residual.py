"""A residual network: each block adds to what comes in, so the data has two ways around it.

python examples/residual.py
trivium compare --module examples/residual.py --epochs 1 --limit 2000
trivium source examples/residual.py:subclass --style functional

K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", 2015.
"""

from common import fashion_mnist, options, show

import trivium as tv
from trivium import layers, ops

BLOCKS = 3


def convolution() -> layers.Layer:
    """Make the convolution that a block has twice; normalization follows, so it needs no bias."""
    return layers.Conv2D(16, 3, padding="same", use_bias=False)


def functional() -> tv.Model:
    """Write it as a graph of calls."""
    images = tv.Input((28, 28), name="images")
    x = layers.Reshape((28, 28, 1))(images)
    x = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(x)
    for _ in range(BLOCKS):
        y = ops.relu(layers.BatchNormalization()(convolution()(x)))
        y = layers.BatchNormalization()(convolution()(y))
        x = ops.relu(x + y)
    x = layers.GlobalAveragePooling2D(name="features")(x)
    outputs = layers.Dense(10, activation="softmax")(x)
    return tv.Model(images, outputs, name="residual")


class Residual(tv.Model):
    """The network as a class: its blocks are a list, and `call` loops over it."""

    def __init__(self):
        super().__init__(name="residual")
        self.reshape = layers.Reshape((28, 28, 1))
        self.stem = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")
        self.blocks = [
            (convolution(), layers.BatchNormalization(), convolution(), layers.BatchNormalization())
            for _ in range(BLOCKS)
        ]
        self.pool = layers.GlobalAveragePooling2D(name="features")
        self.classify = layers.Dense(10, activation="softmax")

    def call(self, images):
        """Turn images into a probability for each class."""
        x = self.stem(self.reshape(images))
        for conv_1, norm_1, conv_2, norm_2 in self.blocks:
            y = ops.relu(norm_1(conv_1(x)))
            y = norm_2(conv_2(y))
            x = ops.relu(x + y)
        return self.classify(self.pool(x))


def subclass() -> tv.Model:
    """Write it as a class of its own, and build it."""
    model = Residual()
    model.build((None, 28, 28))
    return model


def drawing() -> tv.viz.Diagram:
    """Draw the network; each block is a way around and a way through."""
    return tv.viz.diagram(subclass())


def main(words: list[str] | None = None) -> None:
    """Train the class; then cut it, convert it, and write it as a graph of calls."""
    given = options(__doc__, words, epochs=3, limit=2000)
    (x, y), (x_test, _) = fashion_mnist(given.limit)

    tv.utils.set_random_seed(42)
    model = subclass()
    model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    model.fit(x, y, epochs=given.epochs, verbose=2)

    show("Which style?", tv.advise(model))
    show("The class, written as a graph of calls", tv.source(model, style="functional"))

    graph = tv.convert(model, to="functional")
    same = (model.predict(x_test, verbose=0) == graph.predict(x_test, verbose=0)).all()
    show("Converted", f"the same fingerprint: {graph.fingerprint() == model.fingerprint()}")
    print(f"the same predictions, to the bit: {same}")

    features = tv.Model(model.input, model.get_layer("features").output)
    show(
        "Cut out of the class",
        f"the first image's 16 features:\n{features.predict(x[:1], verbose=0)}",
    )

    try:
        tv.convert(model, to="sequential")
    except tv.StyleError as error:
        show("No stack", error)

    if given.draw:
        drawing().save(given.draw)


if __name__ == "__main__":
    main()
