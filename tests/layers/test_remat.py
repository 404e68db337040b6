"""Layers that forget what they compute on the way: the same numbers, less to remember."""

import copy

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium import ops

pytestmark = pytest.mark.optimized  # Bits of programs written in several ways.

X = np.random.default_rng(0).normal(size=(8, 6)).astype("float32")


def trained(mode, **options):
    tv.utils.set_random_seed(3)
    with tv.RematScope(mode=mode, **options):
        layers = [
            tv.layers.Dense(16, activation="gelu", name="wide"),
            tv.layers.BatchNormalization(),
            tv.layers.Dropout(0.3),
            tv.layers.Dense(6, activity_regularizer="l2"),
        ]
    model = tv.Sequential([tv.Input((6,)), *layers])
    model.compile("sgd", "mse")
    history = model.fit(X, X, batch_size=4, epochs=2, verbose=0).history
    return history["loss"], [np.asarray(v.value) for v in model.variables], model


@pytest.fixture(scope="module")
def plain():
    return trained(None)


def marks(model):
    """How many checkpoints stand in the program of a training step's forward pass."""
    values = (
        [v.value for v in model.trainable_variables],
        [v.value for v in model.non_trainable_variables],
    )
    text = str(jax.make_jaxpr(lambda x: model.stateless_call(*values, x, training=True))(X))
    return text.count("remat") + text.count("checkpoint")


@pytest.mark.parametrize(
    ("mode", "options", "forgets"),
    [
        (None, {}, False),
        ("full", {}, True),
        ("activations", {}, True),
        ("larger_than", {"output_size_threshold": 50}, True),
        ("larger_than", {"output_size_threshold": 5000}, False),
        ("list_of_layers", {"layer_names": ["wide"]}, True),
        ("list_of_layers", {"layer_names": ["none"]}, False),
    ],
)
def test_the_numbers_are_the_same(mode, options, forgets, plain):
    losses, values, model = trained(mode, **options)
    np.testing.assert_allclose(losses, plain[0], rtol=1e-6)
    for a, b in zip(values, plain[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert bool(marks(model)) == forgets
    assert bool(marks(copy.deepcopy(model))) == forgets


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="larger_than"):
        tv.RematScope(mode="some")


def test_what_is_kept_is_less():
    def deep(x, f):
        for _ in range(4):
            x = f(x)
        return jnp.sum(x)

    def step(x):
        return jnp.sin(jnp.cos(jnp.tanh(x)))

    def kept(f):
        _, pullback = jax.vjp(lambda x: deep(x, f), jnp.ones(100))
        return sum(a.size for a in jax.tree_util.tree_leaves(pullback) if hasattr(a, "size"))

    assert kept(ops.remat(step)) < kept(step) / 2
    grads = [jax.grad(lambda x, f=f: deep(x, f))(jnp.ones(100)) for f in (step, ops.remat(step))]
    np.testing.assert_allclose(*grads, rtol=1e-6)


def test_arguments_that_are_no_arrays_go_along():
    layer = tv.layers.Dropout(0.5, seed=1)
    twin = tv.layers.Dropout(0.5, seed=1)
    forgetful = ops.remat(layer)
    np.testing.assert_array_equal(forgetful(X, training=True), twin(X, training=True))
    np.testing.assert_array_equal(forgetful(X, training=False), X)
    assert int(layer.variables[0].value[1]) == 1
