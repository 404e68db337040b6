"""Constraints against the real Keras, their definitions and their contracts."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import both, recorded

from trivium import constraints
from trivium.state import Variable, custom_object_scope

CASES = [
    ("NonNeg", {}), ("MaxNorm", {}), ("MaxNorm", {"max_value": 0.5, "axis": 1}), ("UnitNorm", {}),
    ("UnitNorm", {"axis": 1}), ("MinMaxNorm", {}), ("MaxNorm", {"max_value": 1, "axis": [0, 1]}),
    ("MinMaxNorm", {"min_value": 1.0, "max_value": 1.5, "rate": 0.3, "axis": 1}),
    ("UnitNorm", {"axis": (0, 1)}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kwargs"), CASES)
def test_serialized_form_is_that_of_keras_and_comes_back(name, kwargs):
    ours = getattr(constraints, name)(**kwargs)

    def of_keras(keras):
        theirs = getattr(keras.constraints, name)(**kwargs)
        return theirs.get_config(), {**keras.constraints.serialize(theirs), "config": None}

    config = constraints.serialize(ours)
    assert (config["config"], {**config, "config": None}) == recorded(of_keras)
    again = constraints.deserialize(config)
    assert type(again) is type(ours) and again.get_config() == ours.get_config()


@pytest.mark.parametrize("name", ["NonNeg", "MaxNorm", "UnitNorm", "MinMaxNorm", "Constraint"])
def test_signature_and_names_are_those_of_keras(name):
    def arguments(cls):
        return [(p.name, p.default) for p in inspect.signature(cls).parameters.values()]

    shown = name not in (
        "NonNeg",
        "Constraint",
    )  # Keras shows `*args, **kwargs` without an `__init__`.

    def of_keras(keras):
        room = keras.constraints
        kind, public = getattr(room, name), [n for n in dir(room) if not n.startswith("_")]
        aliases = [n for n in public if getattr(room, n) is kind]
        return arguments(kind) if shown else None, public, aliases

    ours = getattr(constraints, name)
    theirs, public, aliases = recorded(of_keras)
    assert not shown or arguments(ours) == theirs
    assert set(public) <= set(constraints.__all__)
    for alias in aliases:
        assert getattr(constraints, alias) is ours
        assert type(constraints.get(alias)) is ours


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
@pytest.mark.parametrize(("name", "kwargs"), CASES)
def test_weights_are_those_of_keras(name, kwargs, scale, dtype):
    w = jnp.asarray(np.random.default_rng(1).normal(size=(5, 4)) * scale, dtype)
    w = w.at[:, 0].set(0.0)
    ours, theirs = both(lambda lib: getattr(lib.constraints, name)(**kwargs)(w))
    assert ours.dtype == w.dtype and ours.shape == w.shape
    tolerance = 1e-6 if dtype == "float32" else 4 * float(jnp.finfo(dtype).eps)
    np.testing.assert_allclose(
        np.asarray(ours, "float32"), np.asarray(theirs, "float32"), rtol=tolerance
    )


@pytest.mark.parametrize("kind", [np.asarray, jnp.asarray, Variable])
def test_definitions(kind):
    w = kind(np.array([[3.0, 0.3], [-4.0, 0.4]], "float32"))

    def lengths(constraint, axis=0):
        return np.linalg.norm(np.asarray(constraint(w)), axis=axis)

    np.testing.assert_allclose(lengths(constraints.MaxNorm(2)), [2, 0.5], rtol=1e-5)
    np.testing.assert_allclose(lengths(constraints.UnitNorm()), [1, 1], rtol=1e-5)
    np.testing.assert_allclose(lengths(constraints.UnitNorm(axis=1), 1), [1, 1], rtol=1e-5)
    np.testing.assert_allclose(lengths(constraints.MinMaxNorm(1, 2)), [2, 1], rtol=1e-5)
    np.testing.assert_allclose(
        lengths(constraints.MinMaxNorm(1, 2, rate=0.5)), [3.5, 0.75], rtol=1e-5
    )
    np.testing.assert_array_equal(constraints.NonNeg()(w), np.maximum(np.asarray(w), 0))


def test_they_compile():
    w = jnp.asarray(np.random.default_rng(2).normal(size=(5, 4)), "float32")
    for name, kwargs in CASES:
        constraint = getattr(constraints, name)(**kwargs)
        np.testing.assert_allclose(jax.jit(constraint)(w), constraint(w), rtol=1e-6)


def test_a_users_function_and_class_and_errors():
    class Signs(constraints.Constraint):
        def __call__(self, w):
            return jnp.sign(w)

    assert constraints.get(None) is None
    assert constraints.get(jnp.abs) is jnp.abs
    assert constraints.Constraint()(3) == 3
    with custom_object_scope({"Signs": Signs}):
        again = constraints.deserialize(constraints.serialize(Signs()))
    assert again(jnp.array([-3.0])).tolist() == [-1.0]
    with pytest.raises(ValueError, match=r"constraint 'nonneg'.*'(non_neg|NonNeg)'"):
        constraints.get("nonneg")
    with pytest.raises(TypeError, match="constraint"):
        constraints.get(2)
