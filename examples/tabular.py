"""A table with words, numbers and gaps, from a CSV file: which houses are sold within a month?

python examples/tabular.py
trivium explain examples/tabular.py:functional

The columns are prepared twice, by a `FeatureSpace` and by a layer for each column, and come out the same.
"""

import functools
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from common import options, show

import trivium as tv
from trivium import layers
from trivium.utils import FeatureSpace

TOWNS, HEATING = ["Ahrenshoop", "Born", "Prerow", "Wieck", "Zingst"], ["gas", "oil", "wood"]


def write(path: Path, rows: int, seed: int) -> None:
    """Write a CSV file of houses, with gaps in it as in life.

    Args:
        path: Where to.
        rows: How many houses.
        seed: For the draws.
    """
    rng = np.random.default_rng(seed)
    area, age = rng.gamma(8, 15, rows), rng.gamma(2, 20, rows)
    town, heating = rng.integers(len(TOWNS), size=rows), rng.integers(len(HEATING), size=rows)
    rooms = np.clip(np.round(area / 25 + rng.normal(size=rows)), 1, 9)
    # Some towns are wanted, young houses are, and oil is not, but for one town where nobody minds.
    wanted = (
        1.5 * np.isin(town, [2, 4]) - 0.04 * age + 0.01 * area - 2.0 * (heating == 1) * (town != 0)
    )
    sold = wanted + rng.logistic(scale=0.3, size=rows) > 0
    table = pd.DataFrame(
        {
            "area": np.where(rng.random(rows) < 0.05, np.nan, area.round(1)),
            "age": np.where(rng.random(rows) < 0.1, np.nan, age.round()),
            "rooms": rooms.astype(int),
            "town": np.where(rng.random(rows) < 0.05, None, np.array(TOWNS, object)[town]),
            "heating": np.where(rng.random(rows) < 0.05, None, np.array(HEATING, object)[heating]),
            "sold": sold.astype(int),
        }
    )
    table.to_csv(path, index=False)


def read(path: Path) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Read such a file, and fill its gaps.

    A usual area hides that it is unknown. Of an age it should count, so it is one that no house has, and gets a bin
    with the young ones; and "?" is a word like any other.

    Args:
        path: The file.

    Returns:
        The columns by name, and which houses were sold.
    """
    frame = pd.read_csv(path)
    sold = frame.pop("sold").to_numpy("float32")[:, None]
    frame = frame.fillna({"area": 120.0, "age": -1.0, "town": "?", "heating": "?"})
    return {name: column.to_numpy() for name, column in frame.items()}, sold


@functools.cache
def houses(rows: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Write a file and read it."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder, "houses.csv"), rows, seed)
        return read(Path(folder, "houses.csv"))


def space_of(columns: dict[str, np.ndarray]) -> FeatureSpace:
    """Say what each column is, and let the space learn the rest from a table."""
    space = FeatureSpace(
        {
            "area": "float_normalized",
            "age": FeatureSpace.float_discretized(num_bins=6),
            "rooms": "integer_categorical",
            "town": "string_categorical",
            "heating": "string_categorical",
        },
        crosses=[FeatureSpace.cross(("heating", "town"), crossing_dim=64)],
    )
    space.adapt(columns)
    return space


def head(features: tv.SymbolicTensor) -> tv.SymbolicTensor:
    """Turn vectors of features into probabilities."""
    x = layers.Dense(32, activation="relu")(features)
    return layers.Dense(1, activation="sigmoid")(layers.Dropout(0.3)(x))


def functional(rows: int = 500) -> tv.Model:
    """Write it with a space, whose layers the model has."""
    space = space_of(houses(rows, 0)[0])
    return tv.Model(space.get_inputs(), head(space.get_encoded_features()), name="tabular")


def by_hand(columns: dict[str, np.ndarray]) -> tv.Model:
    """Write what the space does with a layer for each column: from raw columns to vectors of features."""
    inputs = {
        "age": tv.Input((1,), name="age"),
        "area": tv.Input((1,), name="area"),
        "heating": tv.Input((1,), dtype="string", name="heating"),
        "rooms": tv.Input((1,), dtype="int32", name="rooms"),
        "town": tv.Input((1,), dtype="string", name="town"),
    }
    prepare = {
        "age": layers.Discretization(num_bins=6),
        "area": layers.Normalization(),
        "heating": layers.StringLookup(),
        "rooms": layers.IntegerLookup(),
        "town": layers.StringLookup(),
    }
    for name, layer in prepare.items():
        layer.adapt(columns[name][:, None])
    found = {name: layer(inputs[name]) for name, layer in prepare.items()}
    found["heating, town"] = layers.HashedCrossing(64)([found["heating"], found["town"]])
    counts = {n: prepare[n].vocabulary_size() for n in ("heating", "rooms", "town")}
    counts |= {"age": 6, "heating, town": 64}
    vectors = {n: layers.CategoryEncoding(count)(found[n]) for n, count in counts.items()}
    order = ["age", "area", "heating", "rooms", "town", "heating, town"]
    return tv.Model(inputs, layers.concatenate([vectors.get(n, found[n]) for n in order]))


def drawing(model: tv.Model | None = None) -> tv.viz.Diagram:
    """Draw the network; each column has its own way in."""
    return tv.viz.diagram(model or functional())


def main(words: list[str] | None = None) -> None:
    """Train it on a file, keep it in another one, and ask it about a house in words."""
    given = options(__doc__, words, epochs=30, limit=4000)
    (columns, sold), (test, test_sold) = houses(given.limit, 0), houses(given.limit // 2, 1)
    space = space_of(columns)
    vectors = np.asarray(space(test))
    same = np.array_equal(vectors, by_hand(columns).predict(test, verbose=0))
    show(
        "Prepared",
        f"{vectors.shape[1]} numbers for each house; the same with layers by hand: {same}",
    )

    tv.utils.set_random_seed(42)
    model = functional(given.limit)
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(columns, sold, epochs=given.epochs, verbose=2)
    right = model.evaluate(test, test_sold, verbose=0, return_dict=True)["accuracy"]
    usual = max(test_sold.mean(), 1 - test_sold.mean())
    show("Tested", f"{right:.3f} are right; {usual:.3f} would be with one answer for all")

    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder, "tabular.keras"))
        loaded = tv.models.load_model(Path(folder, "tabular.keras"))
    house = {"area": 95.0, "age": 12.0, "rooms": 4, "town": "Prerow", "heating": "gas"}
    house = {name: np.array([value]) for name, value in house.items()}
    chances = [m.predict(house, verbose=0).item() for m in (model, loaded)]
    show("A house in Prerow, with gas", f"sold within a month with a chance of {chances[0]:.2f}")
    print(f"the model from the file says the same: {chances[0] == chances[1]}")

    if given.draw:
        drawing(model).save(given.draw)


if __name__ == "__main__":
    main()
