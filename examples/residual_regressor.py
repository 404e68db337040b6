"""Layers of one's own that hold layers: blocks that add to what comes in, one of them called four times.

python examples/residual_regressor.py
trivium source examples/residual_regressor.py:subclass --style functional
"""

from common import houses, options, show

import trivium as tv
from trivium import layers

UNITS = 30
TIMES = 4


class ResidualBlock(layers.Layer):
    """Dense layers, one after the other, whose result is added to the input."""

    def __init__(self, count, units, **settings):
        super().__init__(**settings)
        self.count, self.units = count, units
        self.hidden = [layers.Dense(units, activation="relu") for _ in range(count)]

    def call(self, inputs):
        """Go through the layers and around them."""
        x = inputs
        for dense in self.hidden:
            x = dense(x)
        return inputs + x

    def get_config(self):
        """Return what `__init__` takes: so the layer can be saved, copied and written as source."""
        return {**super().get_config(), "count": self.count, "units": self.units}


def sequential() -> tv.Model:
    """Write it as a stack of layers: what goes around is inside of the blocks, and `again` stands in it four times."""
    again = [ResidualBlock(2, UNITS)] * TIMES
    first = [tv.Input((8,), name="house"), layers.Dense(UNITS, activation="relu")]
    last = [ResidualBlock(2, UNITS), layers.Dense(1)]
    return tv.Sequential([*first, *again, *last], name="residual_regressor")


def functional() -> tv.Model:
    """Write it as a graph of calls: `again` has one set of weights."""
    house = tv.Input((8,), name="house")
    again = ResidualBlock(2, UNITS)
    x = layers.Dense(UNITS, activation="relu")(house)
    for _ in range(TIMES):
        x = again(x)
    x = ResidualBlock(2, UNITS)(x)
    return tv.Model(house, layers.Dense(1)(x), name="residual_regressor")


class ResidualRegressor(tv.Model):
    """The network as a class."""

    def __init__(self, outputs=1):
        super().__init__(name="residual_regressor")
        self.first = layers.Dense(UNITS, activation="relu")
        self.again = ResidualBlock(2, UNITS)
        self.last = ResidualBlock(2, UNITS)
        self.out = layers.Dense(outputs)

    def call(self, house):
        """Turn the rows of a table into prices."""
        x = self.first(house)
        for _ in range(TIMES):
            x = self.again(x)
        return self.out(self.last(x))


def subclass() -> tv.Model:
    """Write it as a class of its own, and build it."""
    model = ResidualRegressor()
    model.build((None, 8))
    return model


def drawing() -> tv.viz.Diagram:
    """Draw the network; the block that is called again has a double border."""
    return tv.viz.diagram(subclass())


def main(words: list[str] | None = None) -> None:
    """Train the class, look into it, and write it as a stack."""
    given = options(__doc__, words, epochs=20, limit=2000)
    (x, y), (x_test, y_test) = houses(given.limit)

    tv.utils.set_random_seed(42)
    model = subclass()
    model.compile(optimizer=tv.optimizers.Adam(0.003), loss="mse", metrics=["r2_score"])
    model.fit(x, y, epochs=given.epochs, verbose=0)
    loss, score = model.evaluate(x_test, y_test, verbose=0)
    show("Tested", f"loss {loss:.3f}, R² {score:.3f}")

    show("Its layers", "\n".join(f"{v.path:<45} {v.shape}" for v in model.weights))
    show("Which style?", tv.advise(model))
    show("The class, written as a stack", tv.source(model, style="sequential"))
    graph = tv.convert(model, to="functional")
    same = (model.predict(x_test, verbose=0) == graph.predict(x_test, verbose=0)).all()
    show("Converted", f"the same predictions, to the bit: {same}")

    if given.draw:
        drawing().save(given.draw)


if __name__ == "__main__":
    main()
