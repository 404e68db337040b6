"""Results as if from training, made of plain data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from trivium.compare import Comparison, Result, Settings

STYLES = ("sequential", "functional", "subclass")
HISTORY = {
    "accuracy": [0.5, 0.75, 0.8],
    "loss": [1.5, 0.75, 0.6],
    "val_accuracy": [0.6, 0.7, 0.65],
    "val_loss": [1.2, 0.8, 0.9],
}


def one_result(style: str, index: int) -> Result:
    predictions = np.eye(10)[np.arange(40) % 10]
    predictions[[0, 10]] = np.eye(10)[[6, 6]]  # two mistakes: class 0 taken for class 6
    return Result(
        style=style,
        source=f"import trivium as tv\n\ndef {style}():\n    return tv.{style}('<&>')\n",
        parameters=266_610,
        fingerprint="f1" * 32,
        weights_sha256="a5" * 32,
        history=HISTORY,
        evaluation={"loss": 0.7, "accuracy": 0.95},
        predictions=predictions,
        seconds=2.0,
        compilations=0 if index else 4,
    )


@pytest.fixture(scope="session")
def make() -> Callable[..., Comparison]:
    """Make a comparison; keyword arguments named after styles change that style's result."""

    def build(*styles: str, **changes: dict[str, Any]) -> Comparison:
        results = [one_result(style, i) for i, style in enumerate(styles or STYLES)]
        rng = np.random.default_rng(0)
        return Comparison(
            settings=Settings(epochs=3, limit=600, out=None),
            results=[replace(r, **changes.get(r.style, {})) for r in results],
            samples=rng.random((25, 28, 28)),
            sample_labels=np.arange(25) % 10,
            test_samples=rng.random((25, 28, 28)),
            test_labels=np.arange(40) % 10,
            class_names=tuple(f"class <{i}>" for i in range(10)),
            versions={"trivium": "9.9"},
        )

    return build
