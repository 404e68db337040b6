"""A small GPT: each letter looks at those before it, and says which one comes next.

python examples/gpt.py
trivium source examples/gpt.py:subclass --style functional

A. Radford et al., "Language Models are Unsupervised Multitask Learners", 2019.
"""

import time

import numpy as np
from common import options, show

import trivium as tv
from trivium import layers, ops

LENGTH = 64  # How many letters it sees at once.
WIDTH, HEADS, BLOCKS = 32, 2, 2

# A nursery rhyme that grows by a line with each verse.
LINES = [
    "the house that Jack built.", "the malt\nthat lay in ", "the rat\nthat ate ", "the cat\nthat killed ",
    "the dog\nthat worried ", "the cow with the crumpled horn\nthat tossed ", "the maiden all forlorn\nthat milked ",
]  # fmt: skip
RHYME = "\n\n".join(
    "This is " + "".join(reversed(LINES[:verses])) for verses in range(1, len(LINES) + 1)
)
LETTERS = sorted(set(RHYME))


def encode(text: str) -> np.ndarray:
    """Return a text as numbers of letters."""
    return np.array([LETTERS.index(letter) for letter in text], "int32")


def decode(ids: np.ndarray) -> str:
    """Return numbers of letters as a text."""
    return "".join(LETTERS[i] for i in np.asarray(ids))


class Positions(layers.Layer):
    """Adds to each letter a vector of its place."""

    def build(self, input_shape):
        """Make a vector for each place."""
        self.table = self.add_weight(shape=input_shape[1:], initializer="uniform", name="table")

    def call(self, x):
        """Add them."""
        return x + self.table


def functional() -> tv.Model:
    """Write it as a graph of calls; the first layer is the last one, too."""
    ids = tv.Input((LENGTH,), dtype="int32", name="ids")
    embed = layers.ReversibleEmbedding(len(LETTERS), WIDTH)
    x = Positions()(embed(ids))
    for _ in range(BLOCKS):
        y = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(HEADS, WIDTH // HEADS)(y, y, use_causal_mask=True)
        y = layers.LayerNormalization()(x)
        x = x + layers.Dense(WIDTH)(layers.Dense(4 * WIDTH, activation="gelu")(y))
    x = layers.LayerNormalization()(x)
    return tv.Model(ids, embed(x, reverse=True), name="gpt")


class Block(layers.Layer):
    """Every letter looks at those before it, then goes through two layers; both are added to what came in."""

    def __init__(self, width, heads, **kwargs):
        super().__init__(**kwargs)
        self.norms = [layers.LayerNormalization() for _ in range(2)]
        self.attend = layers.MultiHeadAttention(heads, width // heads)
        self.widen = layers.Dense(4 * width, activation="gelu")
        self.narrow = layers.Dense(width)

    def think(self, x):
        """Go through the two layers."""
        return x + self.narrow(self.widen(self.norms[1](x)))

    def call(self, x):
        """Do it for all letters at once."""
        y = self.norms[0](x)
        return self.think(x + self.attend(y, y, use_causal_mask=True))

    def step(self, x, place, keys, values):
        """Do it for the letter at one place, given what those before it left: their keys and values."""
        y = self.norms[0](x)
        keys = ops.slice_update(keys, (0, place, 0, 0), self.attend.key_dense(y))
        values = ops.slice_update(values, (0, place, 0, 0), self.attend.value_dense(y))
        before = ops.arange(LENGTH) <= place
        means = ops.dot_product_attention(self.attend.query_dense(y), keys, values, mask=before)
        return self.think(x + self.attend.output_dense(means)), (keys, values)


class GPT(tv.Model):
    """The network as a class, of blocks that are layers and can go letter by letter."""

    def __init__(self):
        super().__init__(name="gpt")
        self.embed = layers.ReversibleEmbedding(len(LETTERS), WIDTH)
        self.positions = Positions()
        self.blocks = [Block(WIDTH, HEADS) for _ in range(BLOCKS)]
        self.norm = layers.LayerNormalization()

    def call(self, ids):
        """Turn letters into logits of those that follow each."""
        x = self.positions(self.embed(ids))
        for block in self.blocks:
            x = block(x)
        return self.embed(self.norm(x), reverse=True)

    def empty(self, batch):
        """Return the keys and values of no letter yet, for each block."""
        nothing = ops.zeros((batch, LENGTH, HEADS, WIDTH // HEADS))
        return [(nothing, nothing) for _ in self.blocks]

    def step(self, ids, place, cache):
        """Turn the letters at one place into logits of the next, by what those before left in the cache."""
        x = self.embed(ids[:, None]) + self.positions.table[place]
        left = []
        for block, (keys, values) in zip(self.blocks, cache, strict=True):
            x, kept = block.step(x, place, keys, values)
            left.append(kept)
        return self.embed(self.norm(x), reverse=True)[:, 0], left


def subclass() -> tv.Model:
    """Write it as a class of its own; a call on symbolic letters builds it."""
    model = GPT()
    model(tv.Input((LENGTH,), dtype="int32", name="ids"))
    return model


def drawing() -> tv.viz.Diagram:
    """Draw the network, as it is written in calls."""
    return tv.viz.diagram(functional())


def generate(model: GPT, prompt: str, temperature: float = 0.5, seed: int = 0, cached: bool = True):
    """Write on, letter by letter, in one compiled loop.

    Args:
        model: The model.
        prompt: How the text begins.
        temperature: How bold the choice of letters is.
        seed: What it draws from.
        cached: Whether keys and values are kept; else the whole text is read again for each letter.

    Returns:
        The text, and the logits at each place.
    """
    given = encode(prompt)
    text = ops.convert_to_tensor(np.pad(given, (0, LENGTH - len(given)))[None])
    generator = tv.random.SeedGenerator(seed)

    def write(carry, place):
        text, cache = carry
        if cached:
            logits, cache = model.step(text[:, place], place, cache)
        else:
            logits = model(text)[:, place]
        chosen = tv.random.categorical(logits / temperature, 1, seed=generator)[:, 0]
        chosen = ops.where(place + 1 < len(given), text[:, place + 1], ops.cast(chosen, "int32"))
        return (ops.slice_update(text, (0, place + 1), chosen[:, None]), cache), logits[0]

    start = text, model.empty(1) if cached else []
    (text, _), logits = ops.scan(write, start, ops.arange(LENGTH - 1))
    return decode(text[0]), np.asarray(logits)


def main(words: list[str] | None = None) -> None:
    """Train the class on the rhyme, and let it write, with a cache and without."""
    given = options(__doc__, words, epochs=20, limit=800)
    ids = encode(RHYME)
    starts = np.arange(given.limit) % (len(ids) - LENGTH)
    windows = np.stack([ids[i : i + LENGTH + 1] for i in starts])

    tv.utils.set_random_seed(42)
    model = subclass()
    model.compile(
        optimizer=tv.optimizers.Adam(0.003),
        loss=tv.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    model.fit(windows[:, :-1], windows[:, 1:], epochs=given.epochs, verbose=2)

    texts, logits = {}, {}
    for cached in (True, False):
        begun = time.perf_counter()
        texts[cached], logits[cached] = generate(model, "This is the c", cached=cached)
        took = time.perf_counter() - begun
        show(f"Written {'with' if cached else 'without'} a cache, in {took:.1f} s", texts[cached])
    far = np.abs(logits[True] - logits[False]).max()
    print(f"\nthe same text: {texts[True] == texts[False]}; logits differ by at most {far:.1g}")
    same = model.fingerprint() == functional().fingerprint()
    print(f"the same fingerprint as the one written in calls: {same}")

    if given.draw:
        drawing().save(given.draw)


if __name__ == "__main__":
    main()
