"""Models whose outputs are a list of one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from oracle import both

import trivium as tv


def made(library: Any, kind: type) -> Any:
    inputs = library.Input((2,))
    outputs = library.layers.Dense(1, kernel_initializer="ones")(inputs)
    return library.Model(inputs=inputs, outputs=kind([outputs]))


@pytest.mark.parametrize("kind", [list, tuple])
def test_a_list_of_one_output_gives_an_array_as_in_keras(kind: type) -> None:
    x = np.ones((3, 2), "float32")

    def use(library: Any) -> Any:
        model = made(library, kind)
        arrays = model(x), model.predict(x, verbose=0), model.predict_on_batch(x)
        shapes = [tuple(array.shape) for array in arrays]
        structured = isinstance(model(library.Input((2,))), kind)
        model.compile("sgd", "mse", metrics=["mae"])
        logs = model.fit(x, [np.ones(3)], verbose=0).history
        after = model.evaluate(x, np.ones(3), verbose=0, return_dict=True)
        return shapes, structured, list(logs), after["mae"]

    ours, theirs = both(use)
    assert ours[:3] == theirs[:3] == ([(3, 1)] * 3, True, ["loss", "mae"])
    assert ours[3] == pytest.approx(theirs[3], rel=1e-5) and ours[3] < 1.1


def test_inside_a_subclassed_model_it_gives_an_array_in_both_ways_of_calling() -> None:
    inner = made(tv, list)

    class Outer(tv.Model):
        def __init__(self) -> None:
            super().__init__()
            self.inner = inner

        def call(self, x: Any) -> Any:
            return self.inner(x) * 2

    model, x = Outer(), np.ones((3, 2), "float32")
    assert model(x).shape == (3, 1)
    assert model.predict(x, verbose=0).tolist() == [[4.0]] * 3


def test_inside_a_functional_model_it_gives_its_list() -> None:
    inputs = tv.Input((2,))
    (inner,) = made(tv, list)(inputs)
    model = tv.Model(inputs, tv.layers.Dense(1, kernel_initializer="ones")(inner))
    assert model.predict(np.ones((3, 2)), verbose=0).tolist() == [[2.0]] * 3
