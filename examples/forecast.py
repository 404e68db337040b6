"""A forecast of the temperature, half a day ahead: dilated convolutions over the hours before.

python examples/forecast.py
trivium source examples/forecast.py:subclass --style sequential

A. van den Oord et al., "WaveNet: A Generative Model for Raw Audio", 2016.
"""

import numpy as np
from common import options, show

import trivium as tv
from trivium import layers

HOURS, AHEAD, COLUMNS = 24, 12, 2  # A window of a day, temperature and pressure.


def sequential() -> tv.Model:
    """Write it as a stack: raw numbers go in, and degrees come out."""
    return tv.Sequential(
        [
            tv.Input((HOURS, COLUMNS)),
            layers.Normalization(),
            layers.Conv1D(24, 3, padding="causal", activation="relu"),
            layers.Conv1D(24, 3, padding="causal", dilation_rate=3, activation="relu"),
            layers.Flatten(),
            layers.Dense(1),
            layers.Normalization(invert=True),
        ],
        name="forecast",
    )


def functional() -> tv.Model:
    """Write it as a graph of calls."""
    hours = tv.Input((HOURS, COLUMNS))
    x = layers.Normalization()(hours)
    x = layers.Conv1D(24, 3, padding="causal", activation="relu")(x)
    x = layers.Conv1D(24, 3, padding="causal", dilation_rate=3, activation="relu")(x)
    x = layers.Dense(1)(layers.Flatten()(x))
    return tv.Model(hours, layers.Normalization(invert=True)(x), name="forecast")


class Forecast(tv.Model):
    """The network as a class."""

    def __init__(self):
        super().__init__(name="forecast")
        self.scale, self.degrees = layers.Normalization(), layers.Normalization(invert=True)
        self.look = [
            layers.Conv1D(24, 3, padding="causal", dilation_rate=rate, activation="relu")
            for rate in (1, 3)
        ]
        self.flat, self.answer = layers.Flatten(), layers.Dense(1)

    def call(self, hours):
        """Turn the hours of a day into the temperature half a day after them."""
        x = self.scale(hours)
        for look in self.look:
            x = look(x)
        return self.degrees(self.answer(self.flat(x)))


def subclass() -> tv.Model:
    """Write it as a class of its own; a call on a symbolic input builds it."""
    model = Forecast()
    model(tv.Input((HOURS, COLUMNS)))
    return model


def drawing() -> tv.viz.Diagram:
    """Draw the network."""
    return tv.viz.diagram(subclass())


def weather(hours: int, seed: int) -> np.ndarray:
    """Make a series: warm days and cold nights, and pressure that falls half a day before it gets warmer.

    Args:
        hours: How many.
        seed: For the draws.

    Returns:
        Temperature (in degrees Celsius) and pressure (in hectopascals), a row for each hour.
    """
    rng = np.random.default_rng(seed)
    pressure = np.zeros(hours + AHEAD)
    for hour in range(1, len(pressure)):
        pressure[hour] = 0.97 * pressure[hour - 1] + rng.normal()
    day = 6 * np.sin(2 * np.pi * np.arange(hours) / 24)
    temperature = 12 + day - 1.5 * pressure[:hours] + rng.normal(scale=0.3, size=hours)
    return np.stack([temperature, 1013 + 3 * pressure[AHEAD:]], axis=1).astype("float32")


def windows(series: np.ndarray, shuffle: bool = False) -> tv.data.Dataset:
    """Cut a series into days, each with the temperature half a day after its last hour."""
    targets = series[HOURS - 1 + AHEAD :, :1]
    return tv.preprocessing.timeseries_dataset_from_array(
        series, targets, sequence_length=HOURS, batch_size=32, shuffle=shuffle
    )


def trained(hours: int, epochs: int) -> tuple[tv.Model, float, float]:
    """Train it on a series, and compare it on another one with the temperature at the same hour of the day before.

    Args:
        hours: How long the series is.
        epochs: How often it is gone through.

    Returns:
        The model, its mean error, and that of the comparison, in degrees.
    """
    series, test = weather(hours, 0), weather(hours // 2 + HOURS + AHEAD, 1)
    tv.utils.set_random_seed(42)
    model = subclass()
    model.scale.adapt(series)
    model.degrees.adapt(series[:, :1])
    model.compile(optimizer=tv.optimizers.Adam(0.005), loss="mse", metrics=["mae"])
    model.fit(windows(series, shuffle=True), epochs=epochs, verbose=2)
    error = model.evaluate(windows(test), verbose=0, return_dict=True)["mae"]
    # The last hour of a day that is known, at the hour of the day that is asked for.
    naive = np.abs(test[HOURS - 1 + AHEAD :, 0] - test[AHEAD - 1 : -HOURS, 0]).mean()
    return model, float(error), float(naive)


def main(words: list[str] | None = None) -> None:
    """Train it, and write the class as a stack."""
    given = options(__doc__, words, epochs=20, limit=4000)
    model, error, naive = trained(given.limit, given.epochs)
    show(
        f"The temperature {AHEAD} hours ahead",
        f"this network:     wrong by {error:.2f} degrees in the mean\nas the day before: wrong by {naive:.2f}",
    )

    show("Which style?", tv.advise(model))
    show("The class, written as a stack", tv.source(model, style="sequential"))
    same = model.fingerprint() == sequential().fingerprint()
    print(f"\nthe same fingerprint as the stack written by hand: {same}")

    if given.draw:
        drawing().save(given.draw)


if __name__ == "__main__":
    main()
