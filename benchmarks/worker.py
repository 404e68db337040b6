"""Measure one case with one library in this process, and write the seconds to standard output as JSON."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.cases import CASES, Seconds, Training, timed

__all__ = ["LIBRARIES"]

# Each library's module, and Keras's backend.
LIBRARIES = {
    "trivium": ("trivium", ""),
    "keras-jax": ("keras", "jax"),
    "keras-tensorflow": ("keras", "tensorflow"),
    "keras-torch": ("keras", "torch"),
}


def measured(work: Training, epochs: int) -> tuple[dict[str, Seconds], float]:
    """Return the seconds of the first epoch, of a later one (the least), of predicting; and the last loss."""
    model, options = work.model, work.options or {}

    def fit() -> None:
        model.fit(work.x, work.y, batch_size=work.batch_size, verbose=0, **options)

    def least(function: Callable[[], Any]) -> Seconds:
        clocks, cores = zip(*(timed(function) for _ in range(epochs)), strict=True)
        return min(clocks), min(cores)

    samples = np.resize(work.x, (work.predicted, *work.x.shape[1:]))
    first, later = timed(fit), least(fit)
    loss = float(model.history.history["loss"][-1])
    first_predict = timed(lambda: model.predict(samples, verbose=0))
    predict = least(lambda: model.predict(samples, verbose=0))
    times = {"first epoch": first, "epoch": later, "first predict": first_predict}
    return times | {"predict": predict}, loss


def main() -> None:
    """Measure what the command line names: a case, a library, how many epochs."""
    case, library, epochs = sys.argv[1:]
    module, backend = LIBRARIES[library]
    if backend:
        os.environ["KERAS_BACKEND"] = backend
    loaded = []
    times = {"import": timed(lambda: loaded.append(importlib.import_module(module)))}
    loaded[0].utils.set_random_seed(0)
    work, loss = CASES[case](loaded[0]), None
    if isinstance(work, Training):
        work, loss = measured(work, int(epochs))
    print(json.dumps({"times": times | work, "loss": loss}))


if __name__ == "__main__":
    main()
