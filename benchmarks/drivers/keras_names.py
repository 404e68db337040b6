"""Trivium, and Keras on each of its backends: one driver, since the names are the same."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from benchmarks.case import Case


class Driver:
    def __init__(self, module: str, case: Case, x: Any, y: Any, held: Any) -> None:
        self.keras = keras = importlib.import_module(module)
        keras.utils.set_random_seed(0)
        self.model = case.network(keras)
        loss = "sparse_categorical_crossentropy"
        self.model.compile(case.optimizer, loss, metrics=["accuracy"])
        self.x, self.y = x, y
        self.options = {"batch_size": case.batch_size, "validation_data": held, "verbose": 0}

    def epoch(self) -> float:
        return float(self.model.fit(self.x, self.y, **self.options).history["loss"][-1])

    def predict(self, x: np.ndarray) -> None:
        self.model.predict(x, verbose=0)

    def call(self, x: np.ndarray) -> None:
        self.keras.ops.convert_to_numpy(self.model(x))

    def train_on_batch(self, x: np.ndarray, y: np.ndarray) -> None:
        self.model.train_on_batch(x, y)
