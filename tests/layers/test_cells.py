"""Cells: one step of each, and stacks of them, as in Keras."""

import copy
import json
import pickle

import jax
import numpy as np
import pytest
from oracle import recorded

import trivium as tv
from trivium import layers

X = np.random.default_rng(0).normal(size=(2, 4)).astype("float32")
CELLS = {
    "SimpleRNNCell": {"units": 3, "bias_initializer": "ones"},
    "LSTMCell": {"units": 3, "recurrent_activation": "hard_sigmoid"},
    "LSTMCell without bias": {"units": 3, "use_bias": False, "activation": None},
    "GRUCell": {"units": 3, "dropout": 0.5, "seed": 3},
    "GRUCell before": {"units": 3, "reset_after": False, "kernel_regularizer": "l2"},
    "StackedRNNCells": {},
}


def made(library, name):
    kind = getattr(library.layers, name.split()[0])
    if name == "StackedRNNCells":
        inner = made(library, "LSTMCell"), made(library, "GRUCell before")
        return kind(list(inner), name="stack")
    return kind(**CELLS[name], name=name.split()[0].lower())


def step(library, name):
    """Return a cell's config, its sizes, its weights and what one step gives."""
    cell = made(library, name)
    config = json.loads(json.dumps(cell.get_config()))
    cell.build(X.shape)
    rng = np.random.default_rng(1)
    values = [(rng.normal(size=w.shape) * 0.5).astype("float32") for w in cell.weights]
    first = [[float(w[0]), float(w[-1])] for w in cell.get_weights() if w.ndim == 1]
    cell.set_weights(values)
    states = cell.get_initial_state(batch_size=2)
    states = jax.tree_util.tree_map(lambda s: s + 0.5, states)
    return {
        "config": config,
        "sizes": [cell.state_size, getattr(cell, "output_size", None)],
        "weights": [[w.name, list(w.shape)] for w in cell.weights],
        "first biases": first,
        "step": jax.tree_util.tree_leaves(cell(X, states)),
    }


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Of Keras's variables.
@pytest.mark.parametrize("name", CELLS)
def test_a_step_is_that_of_keras(name):
    theirs = recorded(lambda keras: step(keras, name))
    ours = step(tv, name)
    for mine, wanted in zip(ours.pop("step"), theirs.pop("step"), strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-5, atol=1e-6)
    assert ours == theirs


@pytest.mark.parametrize("name", CELLS)
def test_configs_and_copies(name):
    cell = made(tv, name)
    again = layers.deserialize(json.loads(json.dumps(layers.serialize(cell))))
    assert again.get_config() == cell.get_config()
    cell.build(X.shape)
    states = cell.get_initial_state(2)
    wanted = cell(X, states)
    for other in (copy.deepcopy(cell), pickle.loads(pickle.dumps(cell))):
        same = jax.tree_util.tree_map(np.array_equal, other(X, states), wanted)
        assert all(jax.tree_util.tree_leaves(same)) and other.weights[0] is not cell.weights[0]


def test_the_gate_that_forgets_begins_at_one():
    bias = layers.LSTMCell(3, bias_initializer="ones")
    bias.build((2, 4))
    plain = layers.LSTMCell(2)
    plain.build((2, 4))
    assert plain.bias.numpy().tolist() == [0, 0, 1, 1, 0, 0, 0, 0] and bias.bias.numpy().all()


def test_a_cell_alone_drops_anew_at_each_call():
    cell = layers.SimpleRNNCell(64, None, dropout=0.5, recurrent_initializer="zeros")
    first, second = (cell(X, cell.get_initial_state(2), training=True)[0] for _ in range(2))
    assert not np.array_equal(first, second)
    assert np.array_equal(*(cell(X, cell.get_initial_state(2))[0] for _ in range(2)))


def test_dropout_that_comes_later_is_refused():
    cell = layers.GRUCell(3)
    cell.recurrent_dropout = 0.5
    with pytest.raises(ValueError, match="was made without dropout"):
        cell(X, cell.get_initial_state(2), training=True)
