"""The article's network as calls of layers on symbolic tensors."""

from __future__ import annotations

import trivium as tv

__all__ = ["functional"]


def functional() -> tv.Model:
    """Write the network as calls that lead from an input to an output.

    Returns:
        The compiled model.

    Example:
        >>> functional().count_params()
        266610
    """
    inputs = tv.Input(shape=(28, 28))
    x = tv.layers.Flatten()(inputs)
    x = tv.layers.Dense(300, activation="relu")(x)
    x = tv.layers.Dense(100, activation="relu")(x)
    outputs = tv.layers.Dense(10, activation="softmax")(x)

    model = tv.Model(inputs, outputs)
    model.compile(
        loss="sparse_categorical_crossentropy",
        optimizer="sgd",
        metrics=["accuracy"],
    )
    return model
