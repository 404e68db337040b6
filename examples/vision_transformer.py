"""A vision transformer: an image is a row of patches, and each patch looks at the others.

python examples/vision_transformer.py
trivium source examples/vision_transformer.py:subclass --style functional

A. Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale", 2020.
"""

import numpy as np
from common import fashion_mnist, options, show

import trivium as tv
from trivium import layers

PATCH, PATCHES = 7, 16
WIDTH, HEADS, BLOCKS = 32, 4, 2


class Positions(layers.Layer):
    """Adds to each step a vector of its own, which says where it is."""

    def build(self, input_shape):
        """Make a vector for each step."""
        self.table = self.add_weight(shape=input_shape[1:], initializer="uniform", name="table")

    def call(self, x):
        """Add them."""
        return x + self.table


def functional() -> tv.Model:
    """Write it as a graph of calls."""
    images = tv.Input((28, 28), name="images")
    x = layers.Reshape((28, 28, 1))(images)
    x = layers.Conv2D(WIDTH, PATCH, strides=PATCH, name="patches")(x)
    x = Positions()(layers.Reshape((PATCHES, WIDTH))(x))
    for _ in range(BLOCKS):
        y = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(HEADS, WIDTH // HEADS, dropout=0.1)(y, y)
        y = layers.LayerNormalization()(x)
        x = x + layers.Dense(WIDTH)(layers.Dense(2 * WIDTH, activation="gelu")(y))
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    return tv.Model(images, layers.Dense(10)(x), name="vision_transformer")


class Block(layers.Layer):
    """Every step looks at all, then goes through two layers by itself; both are added to what came in."""

    def __init__(self, width, heads, **kwargs):
        super().__init__(**kwargs)
        self.norms = [layers.LayerNormalization() for _ in range(2)]
        self.attend = layers.MultiHeadAttention(heads, width // heads, dropout=0.1)
        self.widen = layers.Dense(2 * width, activation="gelu")
        self.narrow = layers.Dense(width)

    def call(self, x):
        """Look, and think."""
        y = self.norms[0](x)
        x = x + self.attend(y, y)
        return x + self.narrow(self.widen(self.norms[1](x)))


class VisionTransformer(tv.Model):
    """The network as a class, of blocks that are layers."""

    def __init__(self):
        super().__init__(name="vision_transformer")
        self.reshape = layers.Reshape((28, 28, 1))
        self.patches = layers.Conv2D(WIDTH, PATCH, strides=PATCH, name="patches")
        self.row = layers.Reshape((PATCHES, WIDTH))
        self.positions = Positions()
        self.blocks = [Block(WIDTH, HEADS) for _ in range(BLOCKS)]
        self.norm = layers.LayerNormalization()
        self.pool = layers.GlobalAveragePooling1D()
        self.classify = layers.Dense(10)

    def call(self, images):
        """Turn images into logits of the classes."""
        x = self.positions(self.row(self.patches(self.reshape(images))))
        for block in self.blocks:
            x = block(x)
        return self.classify(self.pool(self.norm(x)))


def subclass() -> tv.Model:
    """Write it as a class of its own, and build it."""
    model = VisionTransformer()
    model.build((None, 28, 28))
    return model


def drawing() -> tv.viz.Diagram:
    """Draw the network, as it is written in calls."""
    return tv.viz.diagram(functional())


def looks(model: VisionTransformer, image: np.ndarray) -> np.ndarray:
    """Return how much each patch is looked at in the first block, over all heads and patches that look."""
    x = model.positions(model.row(model.patches(model.reshape(image[None]))))
    first = model.blocks[0]
    y = first.norms[0](x)
    _, scores = first.attend(y, y, return_attention_scores=True)
    return np.asarray(scores).mean(axis=(0, 1, 2)).reshape(28 // PATCH, 28 // PATCH)


def main(words: list[str] | None = None) -> None:
    """Train the class, show where it looks, and compare it with the graph of calls."""
    given = options(__doc__, words, epochs=5, limit=2000)
    (x, y), (x_test, y_test) = fashion_mnist(given.limit)

    tv.utils.set_random_seed(42)
    model = subclass()
    model.compile(
        optimizer=tv.optimizers.AdamW(0.003), metrics=["accuracy"],
        loss=tv.losses.SparseCategoricalCrossentropy(from_logits=True),
    )  # fmt: skip
    model.fit(x, y, epochs=given.epochs, validation_data=(x_test, y_test), verbose=2)

    rows = [" ".join(f"{share:.3f}" for share in row) for row in looks(model, x_test[0])]
    show(f"How much each of {PATCHES} patches is looked at", "\n".join(rows))
    same = model.fingerprint() == functional().fingerprint()
    print(f"\nthe same fingerprint as the one written in calls: {same}")

    if given.draw:
        drawing().save(given.draw)


if __name__ == "__main__":
    main()
