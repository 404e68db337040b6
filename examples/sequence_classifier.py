"""A classifier of sequences of different lengths: a bidirectional LSTM that sees no padding.

python examples/sequence_classifier.py
trivium source examples/sequence_classifier.py:subclass --style functional

M. Schuster, K. Paliwal, "Bidirectional Recurrent Neural Networks", 1997.
"""

import numpy as np
from common import options, show

import trivium as tv
from trivium import layers

STEPS, WORDS, MARK = 20, 12, 11


def sequential() -> tv.Model:
    """Write it as a stack: 0 stands for padding, and all layers that follow leave those steps out."""
    return tv.Sequential(
        [
            tv.Input((None,), dtype="int32"),
            layers.Embedding(WORDS, 16, mask_zero=True),
            layers.Bidirectional(layers.LSTM(24)),
            layers.Dense(1, activation="sigmoid"),
        ],
        name="sequence_classifier",
    )


def functional() -> tv.Model:
    """Write it as a graph of calls."""
    words = tv.Input((None,), dtype="int32")
    x = layers.Embedding(WORDS, 16, mask_zero=True)(words)
    x = layers.Bidirectional(layers.LSTM(24))(x)
    return tv.Model(words, layers.Dense(1, activation="sigmoid")(x), name="sequence_classifier")


class SequenceClassifier(tv.Model):
    """The network as a class."""

    def __init__(self):
        super().__init__(name="sequence_classifier")
        self.embed = layers.Embedding(WORDS, 16, mask_zero=True)
        self.read = layers.Bidirectional(layers.LSTM(24))
        self.answer = layers.Dense(1, activation="sigmoid")

    def call(self, words):
        """Turn sequences of words into probabilities."""
        return self.answer(self.read(self.embed(words)))


def subclass() -> tv.Model:
    """Write it as a class of its own; a call on a symbolic input builds it."""
    model = SequenceClassifier()
    model(tv.Input((None,), dtype="int32"))
    return model


def drawing() -> tv.viz.Diagram:
    """Draw the network."""
    return tv.viz.diagram(subclass())


def sequences(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Make sequences of words with a mark somewhere inside: is the word after it greater than the one before it?

    Args:
        count: How many.
        seed: For the draws.

    Returns:
        Whole numbers with 0 for padding, and the answers.
    """
    rng = np.random.default_rng(seed)
    words = rng.integers(1, MARK, size=(count, STEPS))
    lengths = rng.integers(3, STEPS + 1, size=count)
    marks, rows = rng.integers(1, lengths - 1), np.arange(count)
    words[rows, marks] = MARK
    answers = words[rows, marks + 1] > words[rows, marks - 1]
    words[np.arange(STEPS) >= lengths[:, None]] = 0
    return words.astype("int32"), answers.astype("float32")


def main(words: list[str] | None = None) -> None:
    """Train it; then ask about one sequence with more and less padding around it."""
    given = options(__doc__, words, epochs=15, limit=4000)
    x, y = sequences(given.limit, 0)
    x_test, y_test = sequences(given.limit // 2, 1)

    tv.utils.set_random_seed(42)
    model = subclass()
    model.compile(
        loss="binary_crossentropy", optimizer=tv.optimizers.Adam(0.01), metrics=["accuracy"]
    )
    model.fit(x, y, epochs=given.epochs, validation_data=(x_test, y_test), verbose=2)

    short = np.array([[3, 5, MARK, 9, 2]], "int32")
    padded = np.pad(short, [(0, 0), (0, STEPS - 5)])
    alone, among = (model.predict(s, verbose=0) for s in (short, padded))
    show("Padding counts for nothing", f"the same answer: {np.allclose(alone, among, atol=1e-6)}")

    show("Which style?", tv.advise(model))
    show("The class, written as a stack", tv.source(model, style="sequential"))
    show("As mathematics", tv.explain(model))

    if given.draw:
        drawing().save(given.draw)


if __name__ == "__main__":
    main()
