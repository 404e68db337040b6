"""The article's network as a class of its own."""

from __future__ import annotations

from typing import Any

import trivium as tv

__all__ = ["MyModel", "subclass"]


class MyModel(tv.Model):
    """The network as a class: layers made in `__init__`, called in `call`.

    Example:
        >>> model = MyModel()
        >>> model.build((None, 28, 28))
        >>> model.count_params()
        266610
    """

    def __init__(self) -> None:
        super().__init__()
        self.flatten = tv.layers.Flatten()
        self.dense1 = tv.layers.Dense(300, activation="relu")
        self.dense2 = tv.layers.Dense(100, activation="relu")
        self.dense3 = tv.layers.Dense(10, activation="softmax")

    def call(self, inputs: Any) -> Any:
        """Turn images `(batch, 28, 28)` into probabilities `(batch, 10)`."""
        x = self.flatten(inputs)
        x = self.dense1(x)
        x = self.dense2(x)
        return self.dense3(x)


def subclass() -> tv.Model:
    """Write the network as a subclass of `Model`.

    Returns:
        The compiled model.

    Example:
        >>> type(subclass()).__name__
        'MyModel'
    """
    model = MyModel()
    model.compile(
        loss="sparse_categorical_crossentropy",
        optimizer="sgd",
        metrics=["accuracy"],
    )
    return model
