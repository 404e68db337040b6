"""A classifier of raw text: reviews of restaurants, put together at random from phrases that say what they think.

The model takes the text itself. What makes numbers of its words runs on the host, ahead of the device, and learns its
vocabulary from the reviews; all else is compiled. A review may turn around at a "but", so that counting words is not
enough: what comes last counts.

python examples/text_classifier.py
trivium source examples/text_classifier.py:subclass --style functional
"""

import numpy as np
from common import options, show

import trivium as tv
from trivium import layers

WORDS, LENGTH = 60, 14
GOOD = [
    "the soup was wonderful",
    "we loved the fish",
    "what a friendly waiter",
    "great bread!",
    "I would go again",
]
BAD = [
    "the soup was cold",
    "we sent the fish back",
    "what a rude waiter",
    "stale bread!",
    "I would not go again",
]


def reviews(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Put reviews together, and say of each whether it is a good one in the end.

    Args:
        count: How many.
        seed: What they follow from.

    Returns:
        The texts, one in each row, and 1 for good ones, 0 for others.
    """
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(count):
        first, last = rng.integers(2, size=2)
        parts = [rng.choice((BAD, GOOD)[side]) for side in (first, last)]
        texts.append(f"{parts[0]}{', but ' if first != last else '. And '}{parts[1]}")
        labels.append(last)
    return np.array(texts)[:, None], np.array(labels, "float32")[:, None]


def vectorization() -> layers.TextVectorization:
    """Return the layer that makes numbers of words, which has read a few reviews."""
    layer = layers.TextVectorization(WORDS, output_sequence_length=LENGTH, name="words")
    layer.adapt(reviews(200, seed=0)[0])
    return layer


def sequential() -> tv.Model:
    """Write it as a stack on an input of text."""
    return tv.Sequential(
        [
            tv.Input((1,), dtype="string"),
            vectorization(),
            layers.Embedding(WORDS, 16, mask_zero=True),
            layers.GRU(24),
            layers.Dense(1, activation="sigmoid"),
        ],
        name="text_classifier",
    )


def functional() -> tv.Model:
    """Write it as a graph of calls."""
    text = tv.Input((1,), dtype="string")
    x = layers.Embedding(WORDS, 16, mask_zero=True)(vectorization()(text))
    return tv.Model(
        text, layers.Dense(1, activation="sigmoid")(layers.GRU(24)(x)), name="text_classifier"
    )


class TextClassifier(tv.Model):
    """The network as a class."""

    def __init__(self):
        super().__init__(name="text_classifier")
        self.words = vectorization()
        self.embed = layers.Embedding(WORDS, 16, mask_zero=True)
        self.read = layers.GRU(24)
        self.answer = layers.Dense(1, activation="sigmoid")

    def call(self, text):
        """Turn reviews into probabilities that they are good ones."""
        return self.answer(self.read(self.embed(self.words(text))))


def subclass() -> tv.Model:
    """Write it as a class of its own; a call on a symbolic input builds it."""
    model = TextClassifier()
    model(tv.Input((1,), dtype="string"))
    return model


def drawing() -> tv.viz.Diagram:
    """Draw the network."""
    return tv.viz.diagram(subclass())


def main(words: list[str] | None = None) -> None:
    """Train it on reviews as they are; then ask about two that differ in the order of their halves.

    Args:
        words: The words of the command line.
    """
    given = options(__doc__, words, epochs=4, limit=2000)
    (x, y), (x_test, y_test) = reviews(given.limit, 1), reviews(given.limit // 2, 2)

    tv.utils.set_random_seed(42)
    model = subclass()
    show("The words that occur most", model.words.get_vocabulary()[2:8])
    model.compile(tv.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=given.epochs, validation_data=(x_test, y_test), verbose=2)

    for text in ("Great bread! But the soup was cold.", "The soup was cold, but great bread!"):
        show(text, f"a good one: {model.predict([text], verbose=0)[0, 0]:.0%}")

    show("The class, written as a stack", tv.source(model, style="sequential"))
    show("Behind the words, as mathematics", tv.explain(model))

    if given.draw:
        drawing().save(given.draw)


if __name__ == "__main__":
    main()
