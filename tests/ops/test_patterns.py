"""Patterns of named axes: our `rearrange`, and `einops` itself on symbolic tensors and variables."""

from __future__ import annotations

import json
from typing import Any

import einops
import jax
import numpy as np
import pytest

import trivium as tv
from trivium import ops
from trivium.graph import Graph

X = np.arange(2 * 4 * 6 * 3.0, dtype="float32").reshape(2, 4, 6, 3)
PATTERNS: list[tuple[str, dict[str, int]]] = [
    ("b h w c -> b c h w", {}),
    ("b h w c -> (b h) w c", {}),
    ("b h w c -> h (b w) c", {}),
    ("b h w c -> b (c h w)", {}),
    ("b (h1 h) (w1 w) c -> (b h1 w1) h w c", {"h1": 2, "w1": 2}),
    ("b (h i) (w j) c -> b h w (c i j)", {"i": 2, "j": 3}),
    ("b ... c -> b (...) c", {}),
    ("... c -> c ...", {}),
    ("b h w c -> b 1 h () w c", {}),
    ("b h w (c 1) -> b h w c", {}),
    ("...->(...)", {}),
]


@pytest.mark.parametrize(("pattern", "lengths"), PATTERNS)
def test_rearrange_is_that_of_einops(pattern: str, lengths: dict[str, int]) -> None:
    wanted = einops.rearrange(X, pattern, **lengths)
    np.testing.assert_array_equal(ops.rearrange(X, pattern, **lengths), wanted)
    # Neither needs to know a size beforehand.
    for rearrange in (ops.rearrange, einops.rearrange):
        x = tv.Input((None, None, 3))
        graph = Graph([x], rearrange(x, pattern, **lengths))
        for given in (X, X[:1, :2, :3]) if "j" in lengths else (X, X[:1, :2, :4]):
            wanted = einops.rearrange(given, pattern, **lengths)
            np.testing.assert_array_equal(graph.run([given]), wanted)


@pytest.mark.parametrize(
    ("pattern", "lengths", "words"),
    [
        ("b h w c", {}, "same axes on both sides"),
        ("b h w c -> b h w", {}, "same axes on both sides"),
        ("b b w c -> b w c", {}, "each of them once"),
        ("... h ... -> h", {}, "each of them once"),
        ("b h w -> b h w", {}, r"of 3 axes; the array has shape \(2, 4, 6, 3\)"),
        ("b (h i j) w c -> b h i j w c", {"h": 2}, r"\['i', 'j'\] open"),
        ("b (h i) w c -> b h i w c", {"h": 3}, "axis 1 has the size 4"),
        ("b h w c -> b h w c", {"c": 4}, "axis 3 has the size 3"),
        ("b h w c -> b h w c", {"z": 2}, "no axis 'z'"),
        ("b (h (i j)) w c -> b h", {}, "names, parentheses"),
        ("b h w c -> b h w c 2", {}, "names, parentheses"),
        ("b h w c -> b h - w c", {}, "names, parentheses"),
    ],
)
def test_what_is_refused(pattern: str, lengths: dict[str, int], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ops.rearrange(X, pattern, **lengths)


FUNCTIONS: list[Any] = [
    *(
        lambda t, r=r: einops.reduce(t, "b (h i) (w j) c -> b h w c", r, i=2, j=2)
        for r in ("sum", "mean", "max", "min", "prod")
    ),
    lambda t: einops.repeat(t, "b h w c -> b (h r) w (n c)", r=2, n=3),
    lambda t: einops.einsum(t, t, "b h w c, b h w d -> b c d"),
    lambda t: einops.pack([t, 2 * t], "b * c")[0],
    lambda t: einops.rearrange([t, t], "n b h w c -> b (n h) w c"),
    # The sizes of one tensor in the pattern of another.
    lambda t: einops.rearrange(
        einops.rearrange(t, "b h w c -> (b h) (w c)") * 2,
        "(b h) (w c) -> b c h w",
        **einops.parse_shape(t, "b h w c"),
    ),
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_einops_on_symbolic_tensors(function: Any) -> None:
    x = tv.Input((None, None, 3))
    graph = Graph([x], function(x))
    for given in (X, X[:1, :2, :4]):
        np.testing.assert_allclose(graph.run([given]), function(given), rtol=1e-6)
        np.testing.assert_allclose(jax.jit(graph.run)([given]), function(given), rtol=1e-6)


def test_einops_in_models() -> None:
    class Patches(tv.Model):
        def __init__(self) -> None:
            super().__init__()
            self.d = tv.layers.Dense(5)

        def call(self, x: Any) -> Any:
            pairs = einops.rearrange(x, "b (h i) w c -> b h w (c i)", i=2)
            return einops.reduce(self.d(pairs), "b h w c -> b (h w) c", "mean")

    net = Patches()
    wanted = net(X)
    model = tv.convert(net, to="functional")
    again = tv.Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    for other in (model, again):
        np.testing.assert_allclose(other(X), wanted, rtol=1e-6)
    model.compile("sgd", "mse")
    before = model.evaluate(X, np.zeros(wanted.shape), verbose=0)
    model.fit(X / 100, np.zeros(wanted.shape), epochs=3, verbose=0)
    assert model.evaluate(X, np.zeros(wanted.shape), verbose=0) < before
    assert "rearrange" not in tv.source(net) and "ops.transpose" in tv.source(net)


def test_shapes_with_two_unknown_sizes_in_configs_and_source() -> None:
    x = tv.Input((None, None, 3))
    model = tv.Model(x, einops.rearrange(x, "b (h i) w c -> h w (b i) c", i=2))
    again = tv.Model.from_config(json.loads(json.dumps(model.get_config())))
    program: dict[str, Any] = {}
    exec(tv.source(model), program)
    for other in (model, again, program["model"]):
        np.testing.assert_array_equal(
            other(X), einops.rearrange(X, "b (h i) w c -> h w (b i) c", i=2)
        )


def test_einops_on_variables() -> None:
    kept = tv.Variable(np.ones((2, 6), "float32"))
    assert einops.rearrange(kept, "a (b c) -> a b c", b=2).shape == (2, 2, 3)
    np.testing.assert_array_equal(einops.asnumpy(kept), np.ones((2, 6)))


def test_what_follows_from_sizes_that_are_not_known() -> None:
    x = tv.Input((None, 3))
    with pytest.raises(ValueError, match="give `Input` a shape without None"):
        einops.unpack(*einops.pack([x, x], "b * c"), "b * c")
