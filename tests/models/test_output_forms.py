"""Outputs in any nested structure: losses, their weights, metrics and targets are addressed by the same structure."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import trivium as tv
from trivium.state.trees import key_order

Pair = namedtuple("Pair", ["main", "aux"])

X, OTHER = np.array([[5.0], [3.0]], "float32"), np.array([[1.0], [2.0]], "float32")
# The model gives 1, 2 and 3 times its input; the targets are these.
TARGETS = (X, OTHER, X)
SQUARED = [float(np.mean((k * X - y) ** 2)) for k, y in zip((1, 2, 3), TARGETS, strict=True)]
APART = [float(np.mean(abs(k * X - y))) for k, y in zip((1, 2, 3), TARGETS, strict=True)]

FORMS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "list": lambda a, b, c: [a, b, c],
    "dict": lambda a, b, c: {"z": a, "m": b, "c": c},
    "dict of lists": lambda a, b, c: {"z": [a, b], "c": c},
    "named tuple": lambda a, b, c: Pair(a, [b, c]),
    "list of dicts": lambda a, b, c: [{"q": a, "p": b}, c],
    "tuple of tuples": lambda a, b, c: (a, (b, c)),
    "dict of dicts": lambda a, b, c: {"u": {"w": a, "v": b}, "t": c},
    "dict of named tuples": lambda a, b, c: {"k": Pair(a, b), "j": c},
}


def functional(form: Callable[..., Any]) -> Any:
    x = tv.Input((1,))
    return tv.Model(x, form(*(tv.layers.Rescaling(k)(x) for k in (1.0, 2.0, 3.0))))


def subclass(form: Callable[..., Any]) -> Any:
    class Subclass(tv.Model):
        def call(self, x: Any) -> Any:
            return form(x, 2 * x, 3 * x)

    return Subclass()


@pytest.mark.parametrize("style", [functional, subclass])
@pytest.mark.parametrize("name", FORMS)
def test_each_loss_is_addressed_by_the_structure_of_the_outputs(name: str, style: Any) -> None:
    form, model = FORMS[name], style(FORMS[name])
    y = form(*TARGETS)
    cases = [
        (form("mse", "mae", "mse"), None, SQUARED[0] + APART[1] + SQUARED[2]),
        (
            form("mse", "mae", "mse"),
            form(1.0, 2.0, 3.0),
            SQUARED[0] + 2 * APART[1] + 3 * SQUARED[2],
        ),
        ("mse", None, sum(SQUARED)),
        (form("mse", None, "mae"), None, SQUARED[0] + APART[2]),
    ]
    for loss, weights, wanted in cases:
        model.compile("sgd", loss, loss_weights=weights)
        assert model.evaluate(X, y, verbose=0, return_dict=True)["loss"] == pytest.approx(wanted)
    outputs = model.predict(X, verbose=0)
    assert type(outputs) is type(y) and key_order(outputs) == key_order(y)


@pytest.mark.parametrize("name", FORMS)
def test_metrics_and_weights_of_samples_are_addressed_by_it_too(name: str) -> None:
    form, model = FORMS[name], functional(FORMS[name])
    own = [tv.metrics.MeanSquaredError(name=f"m{i}") for i in range(3)]
    model.compile("sgd", "mse", metrics=form([own[0]], [own[1]], [own[2]]))
    logs = model.evaluate(X, form(*TARGETS), verbose=0, return_dict=True)
    found = {
        k.rpartition("_")[2]: v
        for k, v in logs.items()
        if k.rpartition("_")[2] in ("m0", "m1", "m2")
    }
    assert found == pytest.approx({f"m{i}": SQUARED[i] for i in range(3)})
    # The first output of the first sample alone.
    weights = form(np.array([1.0, 0.0]), np.zeros(2), np.zeros(2))
    logs = model.evaluate(X, form(*TARGETS), sample_weight=weights, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(float((X - TARGETS[0])[0, 0] ** 2) / 2)


def test_targets_of_the_outputs_that_have_a_loss_may_come_in_a_row() -> None:
    model = functional(FORMS["tuple of tuples"])
    model.compile("sgd", ("mse", (None, "mae")))
    wanted = SQUARED[0] + APART[2]
    for y in ((X, (OTHER, X)), [X, X]):
        logs = model.evaluate(X, y, verbose=0, return_dict=True)
        assert logs["loss"] == pytest.approx(wanted)
