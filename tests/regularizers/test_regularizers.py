"""Regularizers against the real Keras, their definitions and their contracts."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import both, recorded

from trivium import regularizers
from trivium.state import Variable, custom_object_scope

CASES = [
    ("L1", {}), ("L1", {"l1": 0.3}), ("L1", {"l1": 2}), ("L1", {"l1": None}), ("L2", {}),
    ("L2", {"l2": 0.3}), ("L2", {"l2": None}), ("L1L2", {}), ("L1L2", {"l1": 0.1}),
    ("L1L2", {"l2": 0.2}), ("L1L2", {"l1": 0.1, "l2": 0.2}), ("L1L2", {"l1": None, "l2": None}),
    ("OrthogonalRegularizer", {}), ("OrthogonalRegularizer", {"factor": 0.5, "mode": "columns"}),
]  # fmt: skip


def close(ours, theirs):
    """Equal configs; Keras rounds some factors to float32."""
    assert ours.keys() == theirs.keys()
    for key, value in ours.items():
        if isinstance(value, float):
            assert np.float32(value) == np.float32(theirs[key])
        else:
            assert value == theirs[key]


@pytest.mark.parametrize(("name", "kwargs"), CASES)
def test_serialized_form_is_that_of_keras_and_comes_back(name, kwargs):
    ours = getattr(regularizers, name)(**kwargs)
    theirs = recorded(
        lambda keras: keras.regularizers.serialize(getattr(keras.regularizers, name)(**kwargs))
    )
    config = regularizers.serialize(ours)
    close(config.pop("config"), theirs.pop("config"))
    assert config == theirs
    again = regularizers.deserialize(regularizers.serialize(ours))
    assert type(again) is type(ours) and again.get_config() == ours.get_config()
    written = regularizers.serialize(ours)
    read = recorded(lambda keras: type(keras.regularizers.deserialize(written)).__name__)
    assert read == name


@pytest.mark.parametrize("name", ["L1", "L2", "L1L2", "OrthogonalRegularizer"])
def test_signature_and_names_are_those_of_keras(name):
    def arguments(cls):
        return [(p.name, p.default) for p in inspect.signature(cls).parameters.values()]

    def of_keras(keras):
        room = keras.regularizers
        kind, public = getattr(room, name), [n for n in dir(room) if not n.startswith("_")]
        return arguments(kind), public, [n for n in public if getattr(room, n) is kind]

    ours = getattr(regularizers, name)
    theirs, public, aliases = recorded(of_keras)
    assert arguments(ours) == theirs
    assert set(public) <= set(regularizers.__all__)
    for alias in aliases:
        assert getattr(regularizers, alias) is ours
        assert type(regularizers.get(alias)) is ours
    assert type(regularizers.get("l1l2")) is regularizers.L1L2


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize(("name", "kwargs"), CASES)
def test_penalties_are_those_of_keras(name, kwargs, dtype):
    x = jnp.asarray(np.random.default_rng(1).normal(size=(5, 4)), dtype)
    ours, theirs = both(lambda lib: getattr(lib.regularizers, name)(**kwargs)(x))
    assert ours.shape == () and ours.dtype == x.dtype
    tolerance = 1e-6 if dtype == "float32" else 4 * float(jnp.finfo(dtype).eps)
    np.testing.assert_allclose(float(ours), float(theirs), rtol=tolerance)


@pytest.mark.parametrize("kind", [np.asarray, jnp.asarray, Variable, list])
def test_definitions(kind):
    x = kind([[3.0, -4.0], [0.0, 2.0]])
    assert float(regularizers.L1(0.5)(x)) == 4.5
    assert float(regularizers.L2(0.5)(x)) == 14.5
    assert float(regularizers.L1L2(0.5, 1.0)(x)) == 33.5
    # The rows' cosine is -0.8, the columns' -12 / (3 * sqrt(20)).
    rows, columns = (regularizers.OrthogonalRegularizer(2.0, m)(x) for m in ("rows", "columns"))
    np.testing.assert_allclose(float(rows), 1.6, rtol=1e-6)
    np.testing.assert_allclose(float(columns), 2 * 12 / (3 * 20**0.5), rtol=1e-6)


@pytest.mark.parametrize(("name", "kwargs"), CASES)
def test_gradients_are_those_of_keras_also_when_compiled(name, kwargs):
    x = jnp.asarray(np.random.default_rng(2).normal(size=(4, 3)), "float32")
    ours = jax.jit(jax.grad(getattr(regularizers, name)(**kwargs)))(x)
    theirs = recorded(lambda keras: jax.grad(getattr(keras.regularizers, name)(**kwargs))(x))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-8)


def test_orthogonality_of_few_or_empty_rows_is_finite():
    regularizer = regularizers.OrthogonalRegularizer(1.0)
    assert float(regularizer(jnp.ones((1, 3)))) == 0.0
    x = jnp.array([[0.0, 0.0], [1.0, 1.0]])
    assert float(regularizer(x)) == 0.0
    assert np.isfinite(np.asarray(jax.grad(regularizer)(x))).all()


@pytest.mark.parametrize("value", [-1.0, "a", float("inf"), float("nan"), np.float32(0.1)])
@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("L1", "l1"), ("L2", "l2"), ("L1L2", "l1"), ("L1L2", "l2"),
        ("OrthogonalRegularizer", "factor"),
    ],
)  # fmt: skip
def test_factors_that_keras_refuses_are_refused(name, argument, value):
    def refused(keras):
        with pytest.raises(ValueError, match=argument):
            getattr(keras.regularizers, name)(**{argument: value})
        return True

    assert recorded(refused)
    with pytest.raises(ValueError, match=f"{name}: `{argument}`.*at least 0"):
        getattr(regularizers, name)(**{argument: value})


def test_other_errors_teach():
    with pytest.raises(ValueError, match="'rows' or 'columns'; got 'row'"):
        regularizers.OrthogonalRegularizer(mode="row")
    with pytest.raises(ValueError, match=r"matrix; got the shape \(2,\)"):
        regularizers.OrthogonalRegularizer()(jnp.ones(2))
    with pytest.raises(ValueError, match=r"regularizer 'l3'.*l1, .*l2"):
        regularizers.get("l3")
    with pytest.raises(TypeError, match="regularizer"):
        regularizers.get(0.1)
    with pytest.raises(NotImplementedError, match="get_config"):
        regularizers.Regularizer().get_config()


def test_a_users_function_and_class():
    class Cubes(regularizers.Regularizer):
        def __init__(self, factor):
            self.factor = factor

        def __call__(self, x):
            return self.factor * jnp.sum(jnp.abs(x) ** 3)

        def get_config(self):
            return {"factor": self.factor}

    assert regularizers.get(None) is None
    assert regularizers.get(jnp.sum) is jnp.sum
    assert regularizers.Regularizer()(jnp.ones(2)) == 0.0
    with custom_object_scope({"Cubes": Cubes}):
        again = regularizers.deserialize(regularizers.serialize(Cubes(2.0)))
    assert float(again(jnp.array([1.0, -2.0]))) == 18.0


@pytest.mark.parametrize(
    ("regularizer", "weights"),
    [
        (regularizers.L1(1.0), np.zeros(3)),
        (regularizers.L1L2(1.0, 1.0), np.zeros((2, 2))),
        (regularizers.OrthogonalRegularizer(1.0), np.eye(3)),  # Orthogonal already.
        (regularizers.OrthogonalRegularizer(1.0), np.array([[0.0, 0.0], [1.0, 0.0]])),
        (regularizers.OrthogonalRegularizer(1.0, mode="columns"), np.zeros((2, 2))),
    ],
)
def test_what_costs_nothing_stays(regularizer, weights):
    value, gradient = jax.value_and_grad(regularizer)(jnp.asarray(weights, "float32"))
    assert float(value) == 0.0 and not np.any(np.asarray(gradient))
