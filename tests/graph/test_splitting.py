"""Cutting a graph in what the host does ahead of the device, what compiles, and what the host does behind it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trivium import layers, ops
from trivium.graph import Graph


def names(graph: Graph | None) -> list[str]:
    return [] if graph is None else [node.name for node in graph.nodes]


def on_host(*which: str) -> Any:
    return lambda node: node.name in which


X, Y = layers.Input((3,), name="x"), layers.Input((3,), name="y")


@pytest.mark.parametrize(
    ("outputs", "host", "prefix", "rest", "frontier"),
    [
        (ops.exp(X) + Y, ["exp"], ["exp"], ["add"], ["exp", "y"]),
        # What could be on the device stays there, also where it hangs on the same input.
        (ops.sin(ops.exp(X)) * ops.cos(X), ["exp"], ["exp"], ["sin", "cos", "multiply"], ["exp", "x"]),
        # All that the host needs comes before it.
        (ops.log(ops.exp(ops.sin(X))), ["exp"], ["sin", "exp"], ["log"], ["exp"]),
        (ops.log(ops.exp(X) + ops.cos(Y)), ["exp", "log"], ["exp", "cos", "add", "log"], [], ["log"]),
    ],
)  # fmt: skip
def test_the_parts(outputs: Any, host: Any, prefix: Any, rest: Any, frontier: Any) -> None:
    parts = Graph([X, Y], outputs).split(on_host(*host))
    assert parts is not None and parts.suffix is None and not parts.around
    assert names(parts.prefix) == prefix and names(parts.rest) == rest
    assert [t.name for t in parts.rest.input_tensors] == frontier
    x, y = np.ones((2, 3), "float32"), np.full((2, 3), 2.0, "float32")
    whole = Graph([X, Y], outputs).run([x, y])
    np.testing.assert_array_equal(parts.rest.run(parts.prefix.run([x, y])), whole)


def test_a_graph_without_anything_for_the_host_is_not_cut() -> None:
    assert Graph(X, ops.exp(X)).split(on_host("log")) is None


def test_what_wants_learned_numbers_comes_behind_the_device() -> None:
    hidden = layers.Dense(2, name="dense")(ops.exp(X))
    parts = Graph(X, {"a": ops.log(hidden), "b": ops.sin(hidden)}).split(on_host("exp", "log"))
    assert parts is not None
    assert names(parts.prefix) == ["exp"] and names(parts.rest) == ["dense", "sin"]
    assert names(parts.suffix) == ["log"]


def test_text_is_the_hosts_and_goes_around_the_device() -> None:
    text = layers.Input((1,), dtype="string", name="text")
    numbers = layers.StringLookup(vocabulary=["a"], name="numbers")(text)
    parts = Graph(text, [numbers, text]).split(on_host())
    assert parts is not None
    assert names(parts.prefix) == ["numbers"] and names(parts.rest) == []
    assert [t.name for t in parts.around] == ["text"]
