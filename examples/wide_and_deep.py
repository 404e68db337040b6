"""Wide and deep: some columns go straight to the price, others through layers, and a second output helps those learn.

python examples/wide_and_deep.py
trivium source examples/wide_and_deep.py:subclass --style functional

H.-T. Cheng et al., "Wide & Deep Learning for Recommender Systems", 2016.
"""

import numpy as np
from common import houses, options, show

import trivium as tv
from trivium import layers

WIDE, DEEP = 5, 6  # Columns of the two inputs; three of the eight are in both.
UNITS = 30


def functional() -> tv.Model:
    """Write it as a graph of calls, with names for what comes in and what goes out."""
    wide, deep = tv.Input((WIDE,), name="wide"), tv.Input((DEEP,), name="deep")
    hidden = layers.Dense(UNITS, activation="relu")(deep)
    hidden = layers.Dense(UNITS, activation="relu")(hidden)
    price = layers.Dense(1, name="price")(layers.concatenate([wide, hidden]))
    helper = layers.Dense(1, name="helper")(hidden)
    return tv.Model([wide, deep], [price, helper], name="wide_and_deep")


class WideAndDeep(tv.Model):
    """The network as a class."""

    def __init__(self, units=UNITS, activation="relu"):
        super().__init__(name="wide_and_deep")
        self.hidden = [layers.Dense(units, activation=activation) for _ in range(2)]
        self.join = layers.Concatenate()
        self.price = layers.Dense(1, name="price")
        self.helper = layers.Dense(1, name="helper")

    def call(self, house):
        """Turn both halves of a table into prices, and the prices that the deep half would say alone."""
        wide, hidden = house
        for dense in self.hidden:
            hidden = dense(hidden)
        return [self.price(self.join([wide, hidden])), self.helper(hidden)]


def subclass() -> tv.Model:
    """Write it as a class of its own; a call on symbolic inputs builds it."""
    model = WideAndDeep()
    model([tv.Input((WIDE,), name="wide"), tv.Input((DEEP,), name="deep")])
    return model


def drawing() -> tv.viz.Diagram:
    """Draw the network; the columns on the left have the short way."""
    return tv.viz.diagram(subclass())


def halves(table: np.ndarray) -> list[np.ndarray]:
    """Return the columns that go straight through, and those that go deep."""
    return [table[:, :WIDE], table[:, -DEEP:]]


def main(words: list[str] | None = None) -> None:
    """Train the class, and write it as a graph of calls."""
    given = options(__doc__, words, epochs=20, limit=2000)
    (x, y), (x_test, y_test) = houses(given.limit)

    tv.utils.set_random_seed(42)
    model = subclass()
    model.compile(
        optimizer=tv.optimizers.Adam(0.01), loss=["mse", "mse"], loss_weights=[0.9, 0.1],
        metrics=[["r2_score"], ["r2_score"]],
    )  # fmt: skip
    model.fit(halves(x), [y, y], epochs=given.epochs, verbose=0)
    results = model.evaluate(halves(x_test), [y_test, y_test], verbose=0, return_dict=True)
    show("Tested", "\n".join(f"{name:<16} {value:.3f}" for name, value in results.items()))

    show("Which style?", tv.advise(model))
    show("The class, written as a graph of calls", tv.source(model, style="functional"))
    same = model.fingerprint() == functional().fingerprint()
    print(f"\nthe same fingerprint as the one written by hand: {same}")

    if given.draw:
        drawing().save(given.draw)


if __name__ == "__main__":
    main()
