"""The graph: recording, ordering, running, errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivium import ops
from trivium.graph import (
    CaptureError,
    DisconnectedGraphError,
    Graph,
    SymbolicTensor,
    lowered_text,
    op,
)

pytestmark = pytest.mark.optimized  # Bits of programs written in several ways.

UNARY = [ops.tanh, ops.relu, ops.sigmoid, ops.square, ops.absolute]
BINARY = [ops.add, ops.subtract, ops.multiply, ops.maximum]


@st.composite
def programs(draw):
    """A random program: each step names an op and which earlier values it takes."""
    size = draw(st.integers(1, 12))
    steps = []
    for i in range(size):
        known = 2 + i
        if draw(st.booleans()):
            steps.append((draw(st.sampled_from(UNARY)), [draw(st.integers(0, known - 1))]))
        else:
            places = [draw(st.integers(0, known - 1)) for _ in range(2)]
            steps.append((draw(st.sampled_from(BINARY)), places))
    outputs = draw(st.lists(st.integers(0, size + 1), min_size=1, max_size=3))
    return steps, outputs


def run_program(program, inputs):
    steps, outputs = program
    values = list(inputs)
    for function, places in steps:
        values.append(function(*(values[p] for p in places)))
    return [values[o] for o in outputs]


@settings(max_examples=60, deadline=None)
@given(programs(), st.integers(0, 2**31))
def test_running_a_random_graph_gives_the_bits_of_the_eager_calls(program, seed):
    generator = np.random.default_rng(seed)
    arrays = [generator.normal(size=(3, 4)).astype("float32") for _ in range(2)]
    tensors = [SymbolicTensor((None, 4), name=f"x{i}") for i in range(2)]
    symbolic = run_program(program, tensors)
    graph = Graph(tensors, symbolic)
    for got, want in zip(
        graph.run(arrays), run_program(program, map(jnp.asarray, arrays)), strict=True
    ):
        assert np.array_equal(got, want)
    assert all(t.shape == (None, 4) for t in symbolic)


@settings(max_examples=30, deadline=None)
@given(programs())
def test_each_node_comes_after_those_it_needs(program):
    tensors = [SymbolicTensor((None, 4)) for _ in range(2)]
    graph = Graph(tensors, run_program(program, tensors))
    seen = {id(t) for t in tensors}
    for node in graph.nodes:
        assert all(id(t) in seen for t in node.inputs)
        seen |= {id(t) for t in node.output_tensors}
    assert all(id(t) in seen for t in graph.output_tensors)


def test_operators_and_slicing_record():
    x = SymbolicTensor((None, 4, 6), name="x")
    y = (2.0 - x[:, 1:3, ::2]) / 3.0 + abs(-x[:, :2, :3]) ** 2
    assert y.shape == (None, 2, 3)
    value = np.random.default_rng(0).normal(size=(5, 4, 6)).astype("float32")
    want = (2.0 - value[:, 1:3, ::2]) / 3.0 + abs(value[:, :2, :3]) ** 2
    np.testing.assert_allclose(Graph(x, y).run(value), want, rtol=1e-6)


@pytest.mark.parametrize(
    ("function", "shape", "wanted"),
    [
        (lambda x: ops.reshape(x, (-1, 6)), (None, 2, 3), (None, 6)),
        (lambda x: x[:, 0], (None, None, 3), (None, 3)),
        (lambda x: ops.concatenate([x, x], axis=1), (None, None, 3), (None, None, 3)),
        (lambda x: ops.sum(x, axis=(1, 2)), (None, None, 3), (None,)),
        (lambda x: ops.matmul(x, ops.transpose(x, (0, 2, 1))), (None, 4, 3), (None, 4, 4)),
        (lambda x: x + x[:, :1], (None, None), (None, None)),
    ],
)
def test_unknown_sizes_go_through(function, shape, wanted):
    assert function(SymbolicTensor(shape)).shape == wanted


def test_two_unknown_sizes_meet():
    a, b = SymbolicTensor((None, None, 3)), SymbolicTensor((None, None, 3))
    assert (a + b).shape == (None, None, 3)


def test_code_that_needs_numbers_for_sizes_is_probed():
    @op
    def halves(x):
        return jnp.reshape(x, (x.shape[0], int(x.shape[1]) // 2, 2))

    assert halves(SymbolicTensor((None, None))).shape == (None, None, 2)


@pytest.mark.parametrize(
    "use",
    [
        lambda x: 1 if x else 0,
        float,
        int,
        np.sum,
        jnp.sum,
        lambda x: list(range(x)),
        len,
        list,
    ],
)
def test_needing_values_is_refused_with_the_users_line(use):
    with pytest.raises(CaptureError, match=r"test_graph\.py:\d+: a symbolic tensor \('image'"):
        use(SymbolicTensor((None, 3), name="image"))


def test_a_disconnected_graph_names_what_is_missing():
    a, b = SymbolicTensor((None, 3), name="left"), SymbolicTensor((None, 3), name="right")
    with pytest.raises(DisconnectedGraphError, match=r"'right'.*'add'.*\['left'\]"):
        Graph(a, ops.tanh(a + b))


def test_a_graph_is_made_of_symbolic_tensors():
    with pytest.raises(TypeError, match="symbolic tensors"):
        Graph(np.ones(3), SymbolicTensor((3,)))


def test_cutting_in_the_middle():
    x = SymbolicTensor((None, 3))
    middle = ops.tanh(x)
    y = middle * 2.0
    cut = Graph(middle, y)
    assert [n.name for n in cut.nodes] == ["multiply"]
    assert cut.run(jnp.ones((1, 3))).tolist() == [[2.0, 2.0, 2.0]]


def test_nested_inputs_and_outputs_keep_their_structure():
    inputs = {"b": SymbolicTensor((None, 2), name="b"), "a": [SymbolicTensor((None, 2), name="a0")]}
    graph = Graph(inputs, {"sum": inputs["b"] + inputs["a"][0], "list": [inputs["b"] * 2.0]})
    got = graph.run({"b": jnp.ones((1, 2)), "a": [jnp.ones((1, 2))]})
    assert got["sum"].tolist() == [[2.0, 2.0]] and got["list"][0].tolist() == [[2.0, 2.0]]


def test_a_deep_graph_needs_no_recursion():
    x = y = SymbolicTensor((None, 2))
    for _ in range(1500):
        y = y + 1.0
    graph = Graph(x, y)
    assert len(graph.nodes) == 1500 and len(graph.operations) == 1


def test_the_lowered_text_has_no_names_in_it():
    spec = jax.ShapeDtypeStruct((2, 3), "float32")

    def one(alpha):
        return jnp.tanh(alpha) + 1

    def two(omega):
        return jnp.tanh(omega) + 1

    assert lowered_text(one, spec) == lowered_text(two, spec)
    assert lowered_text(one, spec) != lowered_text(lambda x: jnp.tanh(x) + 2, spec)
    symbolic = SymbolicTensor((None, 3)).spec
    assert lowered_text(one, symbolic) == lowered_text(two, SymbolicTensor((None, 3)).spec)
