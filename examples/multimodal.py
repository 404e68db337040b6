"""Two kinds of input, two tasks: from a picture and the words of an offer, what is it, and what does it cost?

python examples/multimodal.py
trivium source examples/multimodal.py:subclass --style functional
"""

import numpy as np
from common import fashion_mnist, options, show

import trivium as tv
from trivium import layers

# The words of an offer and what each makes of the price; number 0 stands for no word.
WORDS = {"": 1, "cotton": 1, "wool": 1.5, "silk": 2.5, "designer": 4, "used": 0.5, "torn": 0.3}
PRICES = np.array([10, 30, 40, 60, 90, 35, 20, 50, 70, 80])  # of the ten classes
LENGTH = 4


def functional() -> tv.Model:
    """Write it as a graph of calls, with names for what comes in and what goes out."""
    image = tv.Input((28, 28), name="image")
    words = tv.Input((LENGTH,), dtype="int32", name="words")
    seen = layers.Dense(64, activation="relu")(layers.Flatten()(image))
    read = layers.Embedding(len(WORDS), 8, mask_zero=True)(words)
    read = layers.GlobalAveragePooling1D()(read)
    both = layers.Dense(64, activation="relu")(layers.concatenate([seen, read]))
    kind = layers.Dense(10, activation="softmax", name="kind")(seen)
    price = layers.Dense(1, name="price")(both)
    return tv.Model({"image": image, "words": words}, {"kind": kind, "price": price})


class Offers(tv.Model):
    """The network as a class: dictionaries come in and go out."""

    def __init__(self):
        super().__init__()
        self.flatten = layers.Flatten()
        self.see = layers.Dense(64, activation="relu")
        self.read = layers.Embedding(len(WORDS), 8, mask_zero=True)
        self.pool = layers.GlobalAveragePooling1D()
        self.join = layers.Concatenate()
        self.think = layers.Dense(64, activation="relu")
        self.kind = layers.Dense(10, activation="softmax", name="kind")
        self.price = layers.Dense(1, name="price")

    def call(self, offer):
        """Turn pictures and words into a probability for each class, and a price."""
        seen = self.see(self.flatten(offer["image"]))
        read = self.pool(self.read(offer["words"]))
        both = self.think(self.join([seen, read]))
        return {"kind": self.kind(seen), "price": self.price(both)}


def subclass() -> tv.Model:
    """Write it as a class of its own; a call on symbolic inputs builds it, and says that words are numbers."""
    model = Offers()
    image = tv.Input((28, 28), name="image")
    words = tv.Input((LENGTH,), dtype="int32", name="words")
    model({"image": image, "words": words})
    return model


def drawing() -> tv.viz.Diagram:
    """Draw the network; the dashed edge is the mask that keeps the pooling off the missing words."""
    return tv.viz.diagram(subclass())


def offers(images: np.ndarray, kinds: np.ndarray) -> tuple[dict, dict]:
    """Make offers: each picture gets up to four words, and a price by its class and words.

    Args:
        images: The pictures.
        kinds: Their classes.

    Returns:
        What comes in, and what should go out; prices as powers of ten.
    """
    rng = np.random.default_rng(42)
    words = rng.integers(1, len(WORDS), (len(images), LENGTH))
    words[np.arange(LENGTH) >= rng.integers(1, LENGTH + 1, (len(images), 1))] = 0
    price = PRICES[kinds] * np.array(list(WORDS.values()))[words].prod(1)
    targets = {"kind": kinds, "price": np.log10(price)[:, None]}
    return {"image": images, "words": words.astype("int32")}, targets


def main(words: list[str] | None = None) -> None:
    """Train both tasks at once, look into the model, and write it in the other style."""
    given = options(__doc__, words, epochs=10, limit=4000)
    (x, y), (x_test, y_test) = (offers(*images) for images in fashion_mnist(given.limit))

    tv.utils.set_random_seed(42)
    model = subclass()
    model.compile(
        optimizer="adam",
        loss={"kind": "sparse_categorical_crossentropy", "price": "mse"},
        metrics={"kind": "accuracy", "price": "mae"},
    )
    model.fit(x, y, epochs=given.epochs, verbose=0)
    results = model.evaluate(x_test, y_test, verbose=0, return_dict=True)
    show("Tested", "\n".join(f"{name:<15} {value:.3f}" for name, value in results.items()))

    show("Which style?", tv.advise(model))
    show("The class, written as a graph of calls", tv.source(model, style="functional"))
    show("What flows through it, and what flows back", tv.inspect(model, x_test, y_test))

    if given.draw:
        drawing().save(given.draw)


if __name__ == "__main__":
    main()
