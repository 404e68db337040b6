"""A small network that searches try, and data for it."""

from __future__ import annotations

from typing import Any

import numpy as np

import trivium as tv

_generator = np.random.default_rng(0)
X = _generator.normal(size=(64, 4)).astype("float32")
Y = (X.sum(1) > 0).astype("int32")
DATA: dict[str, Any] = {"x": X, "y": Y, "validation_data": (X[:32], Y[:32]), "verbose": 0}


def network(rate: Any = 0.05, units: int = 4, dropout: float = 0.0) -> tv.Sequential:
    model = tv.Sequential(
        [
            tv.layers.Dense(units, activation="relu"),
            *([tv.layers.Dropout(dropout)] if dropout else []),
            tv.layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile(tv.optimizers.SGD(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def by_rate(hp: Any) -> tv.Sequential:
    return network(hp.Float("rate", 1e-3, 1.0, sampling="log"))
