"""Functions as arguments: eager, recorded, and with tensors from around them."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import both, recorded

import trivium as tv
from trivium import Variable, ops
from trivium.graph import CaptureError, Graph, SymbolicTensor

RNG = np.random.default_rng(0)
A, B = (RNG.normal(size=(3, 4)).astype("float32") for _ in range(2))
X, Y = SymbolicTensor((None, 4), name="x"), SymbolicTensor((None, 4), name="y")

# Each uses `b` from around it.
USES: dict[str, Any] = {
    "cond, true": lambda a, b: ops.cond(ops.all(a > -99.0), lambda: a + b, lambda: a * 2.0),
    "cond, false": lambda a, b: ops.cond(ops.all(a > 99.0), lambda: a + b, lambda: a * 2.0),
    "switch": lambda a, b: ops.switch(ops.argmax(a[0] * 0.0), [lambda u: u * b, lambda u: u], a),
    "while_loop": lambda a, b: ops.while_loop(lambda i, u: i < 3, lambda i, u: (i + 1, u + b), (0, a)),
    "while_loop of one": lambda a, b: ops.while_loop(lambda u: ops.all(u < 9), lambda u: u + ops.abs(b) + 1, a),
    "fori_loop": lambda a, b: ops.fori_loop(0, 3, lambda i, u: ops.tanh(u) + b, a),
    "scan": lambda a, b: ops.scan(lambda s, u: (s + u, s * ops.sum(b)), ops.zeros((4,)), a),
    "associative_scan": lambda a, b: ops.associative_scan(lambda u, v: u + v, a * b, axis=1),
    "map": lambda a, b: ops.map(lambda u: u * ops.max(b), a),
    "map of a structure": lambda a, b: ops.map(lambda u: {"sum": u[0] + u[1]}, (a, b)),
    "vectorized_map": lambda a, b: ops.vectorized_map(lambda u: ops.matmul(b, u), a),
    "jvp": lambda a, b: ops.jvp(lambda u: ops.sin(u) * b, (a,), (b,)),
}  # fmt: skip


def flat(structure: Any) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree_util.tree_leaves(structure)]


@pytest.mark.parametrize("name", USES)
def test_recorded_with_tensors_from_around(name: str) -> None:
    """The tensors that a function uses become edges of the graph, and its numbers are the eager ones."""
    graph = Graph([X, Y], USES[name](X, Y))
    ran, eager = flat(graph.run([A, B])), flat(USES[name](A, B))
    assert len(ran) == len(eager)
    for got, wanted in zip(ran, eager, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-6)
    compiled = flat(jax.jit(lambda a, b: graph.run([a, b]))(A, B))
    for got, wanted in zip(compiled, eager, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-6)


def test_the_graph_sees_what_a_function_uses() -> None:
    looped = ops.fori_loop(0, 3, lambda i, u: u + Y, ops.abs(X))
    assert [t.name for t in looped.node.inputs] == ["y", "absolute"]
    with pytest.raises(ValueError, match="disconnected"):
        Graph(X, looped)


def test_arrays_with_symbolic_tensors_from_around() -> None:
    got = ops.fori_loop(0, 3, lambda i, u: u + Y[0], jnp.ones(4))
    assert got.shape == (4,)
    np.testing.assert_allclose(Graph(Y, got).run(B), 1 + 3 * B[0], rtol=1e-6)


def test_functions_written_with_jax_record_too() -> None:
    doubled = ops.map(lambda u: jnp.sin(u) * 2, X)
    np.testing.assert_array_equal(Graph(X, doubled).run(A), ops.map(lambda u: jnp.sin(u) * 2, A))


def test_variables_stand_for_their_values() -> None:
    v = Variable(A, name="v")
    np.testing.assert_array_equal(ops.map(lambda u: u * 2, v), 2 * A)
    assert ops.cond(v[0, 0] > 99, lambda: 1, lambda: 2) == 2


def test_what_is_wrong_in_a_function_is_said() -> None:
    with pytest.raises(TypeError, match=r"^add\(x1=float32\(4,\), x2=float32\(3,\)\): "):
        ops.map(lambda u: ops.add(u, jnp.ones(3)), X)
    with pytest.raises(CaptureError, match="Python cannot branch"):
        ops.vectorize(lambda u: 0 if X else u)(A)


@pytest.mark.parametrize(
    ("signature", "excluded", "function", "arguments"),
    [
        (None, None, lambda u, v: u * v, (A, B[0])),
        ("(n),(n)->()", None, lambda u, v: (u * v).sum(), (A, B[0])),
        ("(n)->(n)", {1}, lambda u, v: u * v, (A, 2)),
    ],
)
def test_vectorize(signature: Any, excluded: Any, function: Any, arguments: Any) -> None:
    settings = {"signature": signature, "excluded": excluded}
    ours = ops.vectorize(function, **settings)
    theirs = recorded(lambda keras: keras.ops.vectorize(function, **settings)(*arguments))
    np.testing.assert_allclose(ours(*arguments), theirs, rtol=1e-6)
    symbolic = ours(X, *arguments[1:])
    np.testing.assert_array_equal(Graph(X, symbolic).run(A), ours(*arguments))


def clipped(library: Any) -> Any:
    @library.custom_gradient
    def run(x: Any) -> Any:
        return x * x, lambda upstream: jnp.clip(upstream * 2 * x, -1.0, 1.0)

    return run


def test_custom_gradient() -> None:
    def value_and_gradient(keras: Any) -> Any:
        run = clipped(keras.ops)
        return run(A), jax.grad(lambda x: run(x).sum())(A)

    ours = clipped(ops)
    value, slope = recorded(value_and_gradient)
    np.testing.assert_array_equal(ours(A), value)
    gradient = jax.grad(lambda x: ours(x).sum())(A)
    np.testing.assert_array_equal(gradient, slope)
    assert gradient.max() <= 1.0
    graph = Graph(X, ours(X))
    np.testing.assert_array_equal(jax.grad(lambda x: graph.run(x).sum())(A), gradient)


def test_jvp() -> None:
    def function(u: Any, v: Any) -> Any:
        return jnp.sin(u) * v

    ours, theirs = both(lambda library: library.ops.jvp(function, (A, B), (B, A)))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)  # Sines of another processor.
    value, change, extra = ops.jvp(lambda u: (u * u, u + 1), (A,), (B,), has_aux=True)
    np.testing.assert_array_equal(value, A * A)
    np.testing.assert_allclose(change, 2 * A * B, rtol=1e-6)
    np.testing.assert_array_equal(extra, A + 1)


def test_stop_gradient_in_a_graph() -> None:
    graph = Graph(X, ops.stop_gradient(X) * X)
    np.testing.assert_array_equal(jax.grad(lambda x: graph.run(x).sum())(A), A)


def test_loops_over_nothing_take_no_step() -> None:
    last, ys = ops.scan(lambda s, u: (s + u, s), jnp.ones(2), jnp.zeros((0, 2)))
    assert last.tolist() == [1.0, 1.0] and ys.shape == (0, 2)
    assert ops.map(lambda u: u * 2, jnp.zeros((0, 2))).shape == (0, 2)


TEXT = np.array([["the cat sat"], ["a dog ran"]])


def _with_text(name: str, text: Any) -> Any:

    return {
        "scan": lambda: ops.scan(lambda c, x: (c, x), jnp.zeros(()), text),
        "map": lambda: ops.map(lambda x: x, text),
        "fori_loop": lambda: ops.fori_loop(0, 2, lambda i, x: x, text),
        "while_loop": lambda: ops.while_loop(
            lambda i, x: i < 2, lambda i, x: (i + 1, x), (0, text)
        ),
        "switch": lambda: ops.switch(0, [lambda x: x] * 2, text),
        "vectorized_map": lambda: ops.vectorized_map(lambda x: x, text),
    }[name]()


@pytest.mark.parametrize(
    "name", ["scan", "map", "fori_loop", "while_loop", "switch", "vectorized_map"]
)
@pytest.mark.parametrize("symbolic", [True, False])
def test_text_in_a_loop_is_refused_by_name(name: str, symbolic: bool) -> None:
    text = tv.Input((1,), dtype="string", name="words") if symbolic else TEXT
    came = "words" if symbolic else "an array"
    with pytest.raises(TypeError, match=rf"'{name}' takes numbers, and '{came}' is text.*before"):
        _with_text(name, text)


def test_text_from_around_a_branch_is_refused_with_the_line() -> None:
    lookup = tv.layers.StringLookup(vocabulary=["a"])
    words, number = tv.Input((1,), dtype="string", name="words"), tv.Input(())
    with pytest.raises(
        TypeError, match=r"'cond' takes .*'words' is text.*stands in .*test_control"
    ):
        tv.ops.cond(tv.ops.sum(number) > 0, lambda: lookup(words), lambda: -lookup(words))

    class Branches(tv.Model):
        def __init__(self) -> None:
            super().__init__()
            self.lookup = lookup

        def call(self, x: Any) -> Any:
            ids = self.lookup
            return tv.ops.cond(tv.ops.sum(ids(x)) > 0, lambda: ids(x), lambda: -ids(x))

    with pytest.raises(TypeError, match=r"'cond' takes numbers, and .* is text"):
        Branches().predict(TEXT, verbose=0)
