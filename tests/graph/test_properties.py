"""What must hold for every graph: random graphs run, cut, renamed, reordered, rewritten and changed."""

import dataclasses

import jax
import numpy as np
import pytest
from fixed_plans import fixed_plans
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracle import both
from random_graphs import Unknown, models, plans

import trivium as tv
from trivium import ops
from trivium.graph import Graph

pytestmark = pytest.mark.optimized  # Bits of programs written in several ways.

leaves = jax.tree_util.tree_leaves


def assert_same_bits(one, other):
    assert jax.tree_util.tree_structure(one) == jax.tree_util.tree_structure(other)
    for a, b in zip(leaves(one), leaves(other), strict=True):
        assert a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True)


@settings(max_examples=50, deadline=None)
@given(models())
def test_a_model_gives_the_bits_of_the_eager_calls(example):
    outputs = example.model(example.inputs)
    assert_same_bits(outputs, example.eager())
    # However the inputs are handed over.
    assert_same_bits(outputs, example.model(example.flat))
    by_name = dict(zip(example.model.input_names, example.flat, strict=True))
    if example.plan.nest != "dict":
        assert_same_bits(outputs, example.model(by_name))


@settings(max_examples=40, deadline=None)
@given(plans())
def test_a_size_is_unknown_exactly_where_it_varies(plan):
    model, layers = plan.build()
    sizes = [plan.arrays(0, batch, length) for batch, length in ((2, 3), (5, 4))]
    runs = [jax.eval_shape(lambda *xs: plan.connect(layers, xs), *arrays) for arrays in sizes]
    for tensor, one, two in zip(model.outputs, *map(leaves, runs), strict=True):
        assert tensor.dtype == str(one.dtype)
        wanted = [a if a == b else None for a, b in zip(one.shape, two.shape, strict=True)]
        assert list(tensor.shape) == wanted
    assert model.compute_output_shape(model.input_shape) == model.output_shape


@settings(max_examples=40, deadline=None)
@given(plans())
def test_nodes_stand_in_a_valid_order_each_once_and_none_idle(plan):
    model, _ = plan.build()
    graph = model.graph()
    seen = {id(t) for t in graph.input_tensors}
    wanted = {id(t) for t in graph.output_tensors} | {id(t) for n in graph.nodes for t in n.inputs}
    for node in graph.nodes:
        assert all(id(t) in seen for t in node.inputs)
        made = {id(t) for t in node.output_tensors}
        assert not made & seen and made & wanted
        seen |= made
    assert all(id(t) in seen for t in graph.output_tensors)
    called = [step.kind for step in (plan.steps[i] for i in plan.live())]
    shared = [node.operation for node in graph.nodes if isinstance(node.operation, tv.Layer)]
    assert len(shared) == sum(isinstance(kind, int) for kind in called)


@settings(max_examples=25, deadline=None)
@given(models(), st.data())
def test_a_graph_cut_in_two_computes_the_same(example, data):
    graph = example.model.graph()
    values = graph.trace([jax.numpy.asarray(x) for x in example.flat])
    places = st.integers(0, len(graph.nodes) - 1)
    cut = [
        tensor
        for i in sorted(set(data.draw(st.lists(places, min_size=1, max_size=3))))
        for tensor in graph.nodes[i].output_tensors
    ]
    upper = Graph(graph.inputs, cut)
    lower = Graph([*cut, *graph.input_tensors], graph.outputs)
    middle = upper.run(example.inputs)
    assert_same_bits(middle, [values[id(t)] for t in cut])
    assert_same_bits(lower.run([*middle, *example.flat]), graph.run(example.inputs))
    kept, given_up = {id(n) for n in lower.nodes}, {id(t.node) for t in cut}
    assert kept | {id(n) for n in upper.nodes} == {id(n) for n in graph.nodes}
    assert not kept & given_up
    # What is put in at the cut is what counts, also where it could be computed.
    zeros = [jax.numpy.zeros_like(v) for v in middle]
    changed = lower.trace([*zeros, *example.flat])
    assert all(not np.any(changed[id(t)]) for t in cut)


@settings(max_examples=30, deadline=None)
@given(models())
def test_a_graph_run_on_symbolic_tensors_is_the_same_graph_again(example):
    graph = example.model.graph()
    new = jax.tree_util.tree_map(lambda t: tv.Input(tensor=t), graph.inputs)
    again = Graph(new, graph.run(new))
    assert [n.name for n in again.nodes] == [n.name for n in graph.nodes]
    assert [t.shape for t in again.output_tensors] == [t.shape for t in graph.output_tensors]
    assert not {id(n) for n in again.nodes} & {id(n) for n in graph.nodes}
    assert_same_bits(again.run(example.inputs), graph.run(example.inputs))


@settings(max_examples=15, deadline=None)
@given(models(max_steps=6))
def test_the_compiled_model_is_the_eager_one(example):
    model = example.model
    variables = [
        [v.value for v in vs] for vs in (model.trainable_variables, model.non_trainable_variables)
    ]
    compiled, _ = jax.jit(model.stateless_call)(*variables, example.inputs)
    for a, b in zip(leaves(compiled), leaves(model(example.inputs)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


# --- fingerprints


@settings(max_examples=25, deadline=None)
@given(plans(), st.integers(0, 2**16))
def test_neither_names_nor_the_order_of_construction_show_in_the_fingerprint(plan, seed):
    one, two = plan.build()[0], plan.build("other", seed)[0]
    assert one.fingerprint() == two.fingerprint()


@settings(max_examples=25, deadline=None)
@given(plans(), st.integers(0, 2**16))
def test_the_same_seed_draws_the_same_weights_in_whatever_order(plan, seed):
    # A model takes its positions when it is made, used or not, so that it draws what it would draw alone.
    assume(plan.uses_its_models())
    found = []
    for options in ({}, {"prefix": "other", "shuffle": seed}):
        tv.utils.set_random_seed(1)
        found.append(plan.build(**options)[0].get_weights())
    assert_same_bits(*found)


# Each of these and any other of these differ in value, with the same shape.
SWAPS = ("tanh", "relu", "sigmoid", "softmax", "negative", "center")
CHANGES = {
    "Dense": {"activation": "sigmoid"},
    "Activation": {"activation": "sigmoid"},
    "Dropout": {"rate": 0.25},
    "Conv2D": {"activation": "sigmoid"},
}


@settings(max_examples=25, deadline=None)
@given(plans(), st.data())
def test_a_changed_step_shows_in_the_fingerprint(plan, data):
    live = plan.live()
    changes = []
    for place in live:
        kind = plan.steps[place].kind
        recipe = plan.layers[kind] if isinstance(kind, int) else None
        if kind in SWAPS or (isinstance(recipe, tuple) and recipe[0] in CHANGES):
            changes.append((place, kind))
    assume(changes)
    place, kind = data.draw(st.sampled_from(changes))
    steps, layers = list(plan.steps), list(plan.layers)
    if isinstance(kind, int):
        name, arguments = layers[kind]
        layers[kind] = name, {**arguments, **CHANGES[name]}
    else:
        other = data.draw(st.sampled_from([k for k in SWAPS if k != kind]))
        steps[place] = dataclasses.replace(steps[place], kind=other)
    changed = dataclasses.replace(plan, steps=tuple(steps), layers=tuple(layers))
    assert plan.build()[0].fingerprint() != changed.build()[0].fingerprint()


def two_inputs(wire=lambda a, b: a - b, shape=(4,), dtype="float32", outputs=lambda y: y):
    a, b = (tv.Input(shape, dtype=dtype) for _ in range(2))
    return tv.Model([a, b], outputs(wire(a, b)))


def inner(units):
    return tv.Sequential([tv.Input((4,)), tv.layers.Dense(units)])


DIFFERENT = {
    "plain": {},
    "operands swapped": {"wire": lambda a, b: b - a},
    "one operand twice": {"wire": lambda a, b: a - a},
    "another op": {"wire": lambda a, b: a + b},
    "another constant": {"wire": lambda a, b: a - 2.0 * b},
    "the same op as a layer with a weight": {"wire": lambda a, b: tv.layers.Dense(4)(a) - b},
    "a layer called twice": {"wire": lambda a, b: (d := tv.layers.Dense(4))(a) - d(b)},
    "two layers": {"wire": lambda a, b: tv.layers.Dense(4)(a) - tv.layers.Dense(4)(b)},
    "a model inside": {"wire": lambda a, b: inner(3)(a) - inner(3)(b)},
    "another slice": {"wire": lambda a, b: a[:, 1:] - b[:, 1:]},
    "yet another slice": {"wire": lambda a, b: a[:, :-1] - b[:, 1:]},
    "another axis": {"wire": lambda a, b: ops.concatenate([a, b], axis=0)},
    "the other axis": {"wire": lambda a, b: ops.concatenate([a, b], axis=1)},
    "another shape": {"shape": (5,)},
    "another rank": {"shape": (4, 1)},
    "an unknown size": {"shape": (None,)},
    "another dtype": {"dtype": "int32"},
    "two outputs": {"outputs": lambda y: [y, y]},
    "a constant array": {"wire": lambda a, b: a - b * np.arange(4, dtype="float32")},
    "another constant array": {"wire": lambda a, b: a - b * np.arange(1, 5, dtype="float32")},
    "a regularizer": {"wire": lambda a, b: tv.layers.Dense(4, kernel_regularizer="l2")(a) - b},
    "dropout": {"wire": lambda a, b: tv.layers.Dropout(0.5)(a) - b},
}


def test_every_difference_shows_in_the_fingerprint():
    prints = {what: two_inputs(**options).fingerprint() for what, options in DIFFERENT.items()}
    by_print = {}
    for what, value in prints.items():
        by_print.setdefault(value, []).append(what)
    assert [same for same in by_print.values() if len(same) > 1] == []
    assert prints == {what: two_inputs(**o).fingerprint() for what, o in DIFFERENT.items()}


# --- against the real Keras


@pytest.mark.parametrize("plan", fixed_plans())
def test_layers_and_shapes_are_listed_as_keras_lists_them(plan):
    def listed(library):
        model, _ = plan.build("net", library=library)
        tensors = [[(t.shape, t.dtype) for t in ts] for ts in (model.inputs, model.outputs)]
        names = [t.name for t in model.inputs], model.output_names
        return [layer.name for layer in model.layers], tensors, names, model.count_params()

    (layers, tensors, (inputs, outputs), count), theirs = both(listed)
    assert layers == theirs[0] and tensors == theirs[1] and count == theirs[3]
    assert inputs == theirs[2][0] == plan.build("net")[0].input_names
    if len(set(theirs[2][1])) == len(theirs[2][1]):  # Ours are always unique.
        assert outputs == theirs[2][1]


def test_the_fixed_plans_reach_what_they_promise():
    called = [[step.kind for step in plan.steps] for plan in fixed_plans()]
    assert sum(len(kinds) > len(set(kinds)) for kinds in called) >= 10  # Shared layers.
    inside = [any(hasattr(x, "steps") for x in plan.layers) for plan in fixed_plans()]
    assert sum(inside) >= 10
    assert sum(len(plan.inputs) > 1 for plan in fixed_plans()) >= 10
    assert sum(len(leaves(plan.outputs)) > 1 for plan in fixed_plans()) >= 5


def test_what_a_shared_layer_is_called_on_is_in_order_too():
    """Both calls of the shared layer lead to inputs, which stand in the order of the calls."""

    def names(library):
        inputs = [library.Input((3,), name=f"in_{i}") for i in range(3)]
        shared = library.layers.Dense(2, name="shared")
        joined = library.layers.Add(name="joined")([shared(x) for x in inputs])
        return [layer.name for layer in library.Model(inputs, joined).layers]

    ours, theirs = both(names)
    assert ours == theirs == ["in_0", "in_1", "in_2", "shared", "joined"]


# --- forms


@pytest.mark.parametrize(
    "outputs",
    [
        lambda a, b: a + b,
        lambda a, b: [a + b],
        lambda a, b: (a + b, a),
        lambda a, b: {"z": a + b, "y": b * 2.0},
        lambda a, b: {"z": [a + b, {"x": b * 2.0}], "y": (a * 3.0,)},
        lambda a, b: [a + b] * 2,
        lambda a, b: [a, a + b],
    ],
)
@pytest.mark.parametrize("form", ["list", "tuple", "dict", "nested"])
def test_any_structure_goes_in_and_comes_out(form, outputs):
    forms = {
        "list": lambda a, b: [a, b],
        "tuple": lambda a, b: (a, b),
        "dict": lambda a, b: {"b": b, "a": a},
        "nested": lambda a, b: {"q": [a], "p": {"deep": b}},
    }
    a, b = tv.Input((3,), name="a"), tv.Input((3,), name="b")
    model = tv.Model(forms[form](a, b), outputs(a, b))
    x, y = (np.random.default_rng(i).normal(size=(2, 3)).astype("float32") for i in range(2))
    wanted = outputs(*map(jax.numpy.asarray, (x, y)))
    if isinstance(wanted, list) and len(wanted) == 1:
        (wanted,) = wanted  # As in Keras: tests/models/test_single_output.py asks the real one.
    assert_same_bits(model(forms[form](x, y)), wanted)


def test_unknown_sizes_of_two_inputs_meet_in_a_long_graph():
    a, b = tv.Input((None, 2)), tv.Input((None, 2))
    y = ops.concatenate([(a + b)[:, 1:], a[:, :-1]], axis=1) @ np.ones((2, 3), "float32")
    model = tv.Model([a, b], y)
    assert model.output_shape == (None, None, 3)
    assert model([np.ones((1, 5, 2)), np.ones((1, 5, 2))]).shape == (1, 8, 3)


def test_the_generator_reaches_what_it_promises():
    """Branches, merges, shared layers, models inside, several inputs and outputs, unknown sizes: each often enough."""
    seen = dict.fromkeys(("shared", "inside", "inputs", "outputs", "unknown", "merge", "words"), 0)

    @settings(max_examples=100, deadline=None)
    @given(plans())
    def collect(plan):
        called = [s.kind for s in plan.steps if isinstance(s.kind, int)]
        seen["shared"] += len(called) > len(set(called))
        seen["inside"] += any(hasattr(layer, "steps") for layer in plan.layers)
        seen["inputs"] += len(plan.inputs) > 1
        seen["outputs"] += len(leaves(plan.outputs)) > 1
        seen["unknown"] += any(isinstance(d, Unknown) for shape, _ in plan.inputs for d in shape)
        seen["merge"] += any(len(set(s.places)) > 1 for s in plan.steps)
        seen["words"] += any(dtype == "int32" for _, dtype in plan.inputs)

    collect()
    assert min(seen.values()) >= 10, seen
