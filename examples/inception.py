"""Inception blocks: four ways through the same data side by side, joined at the end.

python examples/inception.py
trivium source examples/inception.py:subclass --style sequential

C. Szegedy et al., "Going Deeper with Convolutions", 2014.
"""

from common import fashion_mnist, options, show

import trivium as tv
from trivium import layers


def convolution(filters: int, size: int = 1, **settings) -> layers.Layer:
    """Make a convolution that keeps height and width, but for its strides."""
    return layers.Conv2D(filters, size, padding="same", activation="relu", **settings)


def block() -> tv.Model:
    """Write a block as a graph of calls: convolutions of three sizes, and a pooling."""
    x = tv.Input((14, 14, 40))
    point = convolution(8)(x)
    near = convolution(16, 3)(convolution(8)(x))
    far = convolution(8, 5)(convolution(4)(x))
    pooled = convolution(8)(layers.MaxPooling2D(3, strides=1, padding="same")(x))
    return tv.Model(x, layers.concatenate([point, near, far, pooled]))


def sequential() -> tv.Model:
    """Write the network as a stack: its branches are inside the blocks."""
    return tv.Sequential(
        [
            tv.Input((28, 28)),
            layers.Reshape((28, 28, 1)),
            convolution(40, 3, strides=2, name="stem"),
            block(),
            block(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def functional() -> tv.Model:
    """Write the network as a graph of calls, in which a block is called like a layer."""
    images = tv.Input((28, 28))
    x = layers.Reshape((28, 28, 1))(images)
    x = convolution(40, 3, strides=2, name="stem")(x)
    x = block()(x)
    x = block()(x)
    x = layers.GlobalAveragePooling2D()(x)
    return tv.Model(images, layers.Dense(10, activation="softmax")(x))


class Block(tv.Model):
    """A block as a class."""

    def __init__(self):
        super().__init__()
        self.point = convolution(8)
        self.near_in, self.near = convolution(8), convolution(16, 3)
        self.far_in, self.far = convolution(4), convolution(8, 5)
        self.pool, self.pooled = layers.MaxPooling2D(3, strides=1, padding="same"), convolution(8)
        self.join = layers.Concatenate()

    def call(self, x):
        """Go four ways, and join them."""
        near = self.near(self.near_in(x))
        far = self.far(self.far_in(x))
        pooled = self.pooled(self.pool(x))
        return self.join([self.point(x), near, far, pooled])


class Inception(tv.Model):
    """The network as a class."""

    def __init__(self):
        super().__init__()
        self.reshape = layers.Reshape((28, 28, 1))
        self.stem = convolution(40, 3, strides=2, name="stem")
        self.blocks = [Block(), Block()]
        self.pool = layers.GlobalAveragePooling2D()
        self.classify = layers.Dense(10, activation="softmax")

    def call(self, images):
        """Turn images into a probability for each class."""
        x = self.stem(self.reshape(images))
        for block in self.blocks:
            x = block(x)
        return self.classify(self.pool(x))


def subclass() -> tv.Model:
    """Write the network as a class of its own, and build it."""
    model = Inception()
    model.build((None, 28, 28))
    return model


def drawing() -> tv.viz.Diagram:
    """Draw the network with what is inside its blocks."""
    return tv.viz.diagram(subclass(), expand_nested=True)


def main(words: list[str] | None = None) -> None:
    """Train the class, write it as a stack, and follow a gradient on its paths."""
    given = options(__doc__, words, epochs=3, limit=2000)
    (x, y), _ = fashion_mnist(given.limit)

    tv.utils.set_random_seed(42)
    model = subclass()
    model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    model.fit(x, y, epochs=given.epochs, verbose=2)

    show("Which style for the network?", tv.advise(model))
    show("And for a block?", tv.advise(model.blocks[0]))
    show("The network, written as a stack of graphs", tv.source(model, style="sequential"))

    rule = tv.explain(model, expand_nested=True, max_paths=4).gradient("stem/kernel")
    show(f"A gradient is a sum over all {rule.paths} paths to the loss", rule)

    if given.draw:
        drawing().save(given.draw)


if __name__ == "__main__":
    main()
