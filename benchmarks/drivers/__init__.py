"""The libraries: what each needs, and the driver that trains a case with it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from benchmarks.case import Case

__all__ = ["LIBRARIES", "Driver", "Library", "driver"]


class Driver(Protocol):
    """A case's network in a library, compiled, with its data."""

    def epoch(self) -> float:
        """Train for an epoch, validate, and return the mean loss of the epoch's batches."""

    def predict(self, x: np.ndarray) -> None:
        """Compute the outputs of many samples, in batches of 32, on the host."""

    def call(self, x: np.ndarray) -> None:
        """Compute the outputs of one batch, as a program would between other lines."""

    def train_on_batch(self, x: np.ndarray, y: np.ndarray) -> None:
        """Take one step, and know its loss."""


@dataclass(frozen=True)
class Library:
    """How a library is run.

    Args:
        module: The driver's module in `benchmarks.drivers`.
        imports: What the driver is measured to import.
        needs: The packages that have to be installed; `--python` gives the last one's Python.
        environment: Variables of its processes.
        options: What the driver is told.
        measures: What it can be measured by, where that is not everything.
    """

    module: str
    imports: str
    needs: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    measures: tuple[str, ...] | None = None


def _keras(backend: str, **environment: str) -> Library:
    needs = ("keras", backend)
    return Library("keras_names", "keras", needs, {"KERAS_BACKEND": backend, **environment})


LIBRARIES = {
    "trivium": Library("keras_names", "trivium", ("trivium",)),
    "keras-jax": _keras("jax"),
    "keras-jax-cached": _keras("jax", JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0"),
    "keras-tensorflow": _keras("tensorflow"),
    "keras-torch": _keras("torch"),
    "torch": Library("pytorch", "torch", ("torch",)),
    "torch-channels-last": Library("pytorch", "torch", ("torch",), options={"channels_last": True}),
    "jax": Library("plain_jax", "jax", ("jax", "optax")),
    "gemms": Library("gemms", "numpy", ("numpy",), measures=("epoch",)),
}


def driver(library: Library, case: Case, x: Any, y: Any, held: Any) -> Driver:
    """Return a case made with a library.

    Args:
        library: The library.
        case: The case.
        x: The inputs.
        y: The class numbers.
        held: The inputs and class numbers for validation, or `None`.
    """
    module = importlib.import_module(f"benchmarks.drivers.{library.module}")
    made: Driver = module.Driver(library.imports, case, x, y, held, **library.options)
    return made
