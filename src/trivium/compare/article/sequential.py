"""The article's network as a list of layers."""

from __future__ import annotations

import trivium as tv

__all__ = ["sequential"]


def sequential() -> tv.Model:
    """Write the network as a stack of layers.

    Returns:
        The compiled model.

    Example:
        >>> sequential().count_params()
        266610
    """
    model = tv.Sequential(
        [
            tv.Input(shape=(28, 28)),
            tv.layers.Flatten(),
            tv.layers.Dense(300, activation="relu"),
            tv.layers.Dense(100, activation="relu"),
            tv.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        loss="sparse_categorical_crossentropy",
        optimizer="sgd",
        metrics=["accuracy"],
    )
    return model
