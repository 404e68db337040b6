"""A network that writes one sequence for another: an encoder, a decoder that begins in its states, and attention.

It turns words around. While training, the decoder is given the right letter before each one (teacher forcing); then
it writes by itself, the likeliest letter or one drawn by chance.

python examples/translator.py
trivium source examples/translator.py:subclass --style functional

D. Bahdanau, K. Cho, Y. Bengio, "Neural Machine Translation by Jointly Learning to Align and Translate", 2015.
M.-T. Luong, H. Pham, C. Manning, "Effective Approaches to Attention-based Neural Machine Translation", 2015.
"""

import numpy as np
from common import options, show

import trivium as tv
from trivium import layers

# What the numbers stand for: padding, the beginning, the end, and letters.
LETTERS = "abcdefgh"
PADDING, BEGIN, END, FIRST = range(4)
SYMBOLS, LONGEST, UNITS = FIRST + len(LETTERS), 6, 48


def functional() -> tv.Model:
    """Write it as a graph of calls: the encoder's states go to the decoder, its outputs to the attention."""
    source = tv.Input((None,), dtype="int32", name="source")
    written = tv.Input((None,), dtype="int32", name="written")
    x = layers.Embedding(SYMBOLS, UNITS, mask_zero=True)(source)
    memory, state = layers.GRU(UNITS, return_sequences=True, return_state=True)(x)
    y = layers.Embedding(SYMBOLS, UNITS, mask_zero=True)(written)
    y = layers.GRU(UNITS, return_sequences=True)(y, initial_state=state)
    read = layers.Attention()([y, memory])
    y = layers.concatenate([y, read])
    return tv.Model(
        [source, written], layers.Dense(SYMBOLS, activation="softmax")(y), name="translator"
    )


class Translator(tv.Model):
    """The network as a class."""

    def __init__(self):
        super().__init__(name="translator")
        self.embed_source = layers.Embedding(SYMBOLS, UNITS, mask_zero=True)
        self.encode = layers.GRU(UNITS, return_sequences=True, return_state=True)
        self.embed_written = layers.Embedding(SYMBOLS, UNITS, mask_zero=True)
        self.decode = layers.GRU(UNITS, return_sequences=True)
        self.attend = layers.Attention()
        self.answer = layers.Dense(SYMBOLS, activation="softmax")

    def call(self, pair):
        """Give the probabilities of the letter after each that is written."""
        source, written = pair
        memory, state = self.encode(self.embed_source(source))
        y = self.decode(self.embed_written(written), initial_state=state)
        read = self.attend([y, memory])
        return self.answer(layers.concatenate([y, read]))

    def write(self, source: np.ndarray, temperature: float = 0.0, seed: int = 0) -> np.ndarray:
        """Write letter by letter.

        Args:
            source: Sequences.
            temperature: 0 takes the likeliest letter; 1 draws by the probabilities, more evenly above that.
            seed: For the draws.

        Returns:
            What is written, with what stands after the end left as it came.
        """
        rng = np.random.default_rng(seed)
        written = np.full((len(source), LONGEST + 2), PADDING, "int32")
        written[:, 0] = BEGIN
        for step in range(LONGEST + 1):
            chances = self.predict([source, written], verbose=0)[:, step]
            scores = np.log(chances + 1e-9)
            if temperature:
                scores = scores / temperature + rng.gumbel(size=scores.shape)
            written[:, step + 1] = scores.argmax(-1)
        return written[:, 1:]


def subclass() -> tv.Model:
    """Write it as a class of its own; a call on symbolic inputs builds it."""
    model = Translator()
    inputs = (tv.Input((None,), dtype="int32", name=name) for name in ("source", "written"))
    model(list(inputs))
    return model


def drawing() -> tv.viz.Diagram:
    """Draw the network: the encoder's states and outputs go two ways."""
    return tv.viz.diagram(subclass())


def pairs(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Make words of different lengths, and the same words backward, with their end.

    Args:
        count: How many.
        seed: For the draws.
    """
    rng = np.random.default_rng(seed)
    source = np.full((count, LONGEST), PADDING, "int32")
    target = np.full((count, LONGEST + 1), PADDING, "int32")
    for row, length in enumerate(rng.integers(1, LONGEST + 1, size=count)):
        source[row, :length] = rng.integers(FIRST, SYMBOLS, size=length)
        target[row, :length] = source[row, :length][::-1]
        target[row, length] = END
    return source, target


def text(numbers: np.ndarray) -> str:
    """Spell one sequence, up to its end."""
    stops = np.flatnonzero((numbers == END) | (numbers == PADDING))
    return "".join(
        LETTERS[n - FIRST] for n in numbers[: stops[0] if len(stops) else None] if n >= FIRST
    )


def right(written: np.ndarray, target: np.ndarray) -> float:
    """Say which part of the words is spelled right."""
    return float(np.mean([text(w) == text(t) for w, t in zip(written, target, strict=True)]))


def main(words: list[str] | None = None) -> None:
    """Train with the right letters given; then let it write."""
    given = options(__doc__, words, epochs=12, limit=6000)
    source, target = pairs(given.limit, 0)
    # The decoder is given the right letter before each; padding has no weight in the loss.
    before = np.concatenate([np.full_like(target[:, :1], BEGIN), target[:, :-1]], axis=1)
    counts = (target != PADDING).astype("float32")

    tv.utils.set_random_seed(42)
    model = subclass()
    model.compile(loss="sparse_categorical_crossentropy", optimizer=tv.optimizers.Adam(0.005))
    model.fit(
        [source, before],
        target,
        sample_weight=counts,
        epochs=given.epochs,
        batch_size=64,
        verbose=2,
    )

    source, target = pairs(100, 1)
    greedy, drawn = model.write(source), model.write(source, temperature=1.0)
    show(
        "Words that it has not seen",
        f"{right(greedy, target):.0%} turned around, {right(drawn, target):.0%} with letters drawn by chance\n"
        + "\n".join(f"{text(s)} -> {text(w)}" for s, w in zip(source[:5], greedy, strict=False)),
    )
    show("Which style?", tv.advise(model))
    show("The class, written as a graph of calls", tv.source(model, style="functional"))

    if given.draw:
        drawing().save(given.draw)


if __name__ == "__main__":
    main()
