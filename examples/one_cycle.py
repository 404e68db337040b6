"""A learning rate that climbs and falls within one run, set by a callback before each batch.

python examples/one_cycle.py

L. N. Smith, "A disciplined approach to neural network hyper-parameters: Part 1", 2018.
"""

import numpy as np
from common import fashion_mnist, options, show

import trivium as tv
from trivium import layers


class OneCycle(tv.callbacks.Callback):
    """Takes the rate up for half of the time and down again, then once more down to almost nothing.

    Args:
        steps: How many batches the run has.
        highest: The highest rate; it begins with a tenth of it.
        last: The part of the run in which the rate falls below where it began.
    """

    def __init__(self, steps, highest=1.0, last=0.1):
        half = steps * (1 - last) / 2
        self.points = [0, half, 2 * half, steps]
        self.values = [highest / 10, highest, highest / 10, highest / 1000]
        self.step, self.rates, self.losses = 0, [], []

    def on_train_batch_begin(self, batch, logs=None):
        """Set the rate of this batch."""
        rate = float(np.interp(self.step, self.points, self.values))
        self.model.optimizer.learning_rate = rate
        self.rates.append(rate)
        self.step += 1

    def on_train_batch_end(self, batch, logs=None):
        """Keep the loss so far in this epoch."""
        self.losses.append(logs["loss"])


def sequential() -> tv.Model:
    """Write it as a stack of layers."""
    dense = [layers.Dense(100, activation="relu") for _ in range(2)]
    outputs = layers.Dense(10, activation="softmax")
    return tv.Sequential([tv.Input((28, 28)), layers.Flatten(), *dense, outputs])


def functional() -> tv.Model:
    """Write it as a graph of calls."""
    images = tv.Input((28, 28))
    x = layers.Flatten()(images)
    for _ in range(2):
        x = layers.Dense(100, activation="relu")(x)
    return tv.Model(images, layers.Dense(10, activation="softmax")(x))


class Classifier(tv.Model):
    """The network as a class."""

    def __init__(self):
        super().__init__()
        self.flatten = layers.Flatten()
        self.hidden = [layers.Dense(100, activation="relu") for _ in range(2)]
        self.out = layers.Dense(10, activation="softmax")

    def call(self, images):
        """Turn images into a probability for each class."""
        x = self.flatten(images)
        for dense in self.hidden:
            x = dense(x)
        return self.out(x)


def subclass() -> tv.Model:
    """Write it as a class of its own, and build it."""
    model = Classifier()
    model.build((None, 28, 28))
    return model


def drawing() -> tv.viz.Diagram:
    """Draw the network."""
    return tv.viz.diagram(subclass())


def main(words: list[str] | None = None) -> None:
    """Train with one rate, and with a cycle, for as long."""
    given = options(__doc__, words, epochs=8, limit=6000)
    (x, y), (x_test, y_test) = fashion_mnist(given.limit)
    steps = given.epochs * -(-len(x) // 32)

    print("rate              test accuracy")
    for name, callbacks in (("0.01", []), ("one cycle", [OneCycle(steps, highest=0.3)])):
        tv.utils.set_random_seed(42)
        model = subclass()
        model.compile(
            loss="sparse_categorical_crossentropy", optimizer=tv.optimizers.SGD(0.01),
            metrics=["accuracy"],
        )  # fmt: skip
        model.fit(x, y, epochs=given.epochs, callbacks=callbacks, verbose=0)
        accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
        print(f"{name:<17} {accuracy:.3f}")

    [cycle] = callbacks
    first, highest, last = cycle.rates[0], max(cycle.rates), cycle.rates[-1]
    show("The rates", f"first {first:.3f}, highest {highest:.3f}, last {last:.4f}")
    print(f"batches with a rate of their own: {len(cycle.rates) == steps}")

    if given.draw:
        drawing().save(given.draw)


if __name__ == "__main__":
    main()
