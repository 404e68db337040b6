"""The classifier of Fashion-MNIST, written three ways: one graph, one program, the same bits.

python examples/classifier.py
trivium compare --module examples/classifier.py --epochs 3 --limit 6000
trivium source examples/classifier.py:sequential --style subclass
"""

from common import fashion_mnist, options, show

import trivium as tv
from trivium import layers


def sequential() -> tv.Model:
    """Write it as a stack of layers."""
    return tv.Sequential(
        [
            tv.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(300, activation="relu"),
            layers.Dense(100, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def functional() -> tv.Model:
    """Write it as a graph of calls."""
    inputs = tv.Input((28, 28))
    x = layers.Flatten()(inputs)
    x = layers.Dense(300, activation="relu")(x)
    x = layers.Dense(100, activation="relu")(x)
    outputs = layers.Dense(10, activation="softmax")(x)
    return tv.Model(inputs, outputs)


class Classifier(tv.Model):
    """The network as a class: layers are made in `__init__` and called in `call`."""

    def __init__(self):
        super().__init__()
        self.flatten = layers.Flatten()
        self.dense_1 = layers.Dense(300, activation="relu")
        self.dense_2 = layers.Dense(100, activation="relu")
        self.dense_3 = layers.Dense(10, activation="softmax")

    def call(self, inputs):
        """Turn images into a probability for each class."""
        x = self.flatten(inputs)
        x = self.dense_1(x)
        x = self.dense_2(x)
        return self.dense_3(x)


def subclass() -> tv.Model:
    """Write it as a class of its own, and build it: then its shapes are known."""
    model = Classifier()
    model.build((None, 28, 28))
    return model


def drawing() -> tv.viz.Diagram:
    """Draw the class: what its code calls, with all shapes."""
    return tv.viz.diagram(subclass(), show_layer_activations=True)


def main(words: list[str] | None = None) -> None:
    """Train all three, then show what can be said of any of them."""
    given = options(__doc__, words, epochs=3, limit=6000)
    (x, y), (x_test, y_test) = fashion_mnist(given.limit)

    print("style       fingerprint   weights       test accuracy")
    for write in (sequential, functional, subclass):
        tv.backend.clear_session()  # Names start anew: `dense`, `dense_1`, ...
        tv.utils.set_random_seed(42)
        model = write()
        model.compile(loss="sparse_categorical_crossentropy", optimizer="sgd", metrics=["accuracy"])
        model.fit(x, y, epochs=given.epochs, verbose=0)
        _, accuracy = model.evaluate(x_test, y_test, verbose=0)
        prints = f"{model.fingerprint()[:12]}  {model.weights_sha256()[:12]}"
        print(f"{write.__name__:<10}  {prints}  {accuracy:.4f}")

    show("The class, written as a stack", tv.source(model, style="sequential"))
    show("Which style?", tv.advise(model))

    stack = tv.convert(model, to="sequential")
    show("The stack made of the class", f"shares its layers: {stack.layers[1] is model.dense_1}")
    show("What differs", tv.diff(stack, model))

    mathematics = tv.explain(model)
    show("Its mathematics", mathematics)
    show("Checked against automatic differentiation", mathematics.check(x[:32], y[:32]))

    if given.draw:
        drawing().save(given.draw)


if __name__ == "__main__":
    main()
