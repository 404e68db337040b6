"""Every activation against the real Keras: values, gradients, dtypes, names."""

from __future__ import annotations

import contextlib
import inspect
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import both, recorded

import trivium
from trivium import activations
from trivium.graph import Graph, SymbolicTensor

pytestmark = pytest.mark.optimized  # Edges of floats, in the code that users get.

SPECIAL = [[-1e4, -90.0, -20.0, -1.0], [-0.5, 0.0, 0.5, 1.0], [3.0, 6.0, 20.0, 1e4]]
X = np.concatenate([SPECIAL, np.random.default_rng(0).normal(size=(5, 4), scale=4)]).astype(
    "float32"
)
FUNCTIONS = [
    name for name in activations.__all__ if name not in {"deserialize", "get", "serialize"}
]

# Besides the defaults.
ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "celu": [{"alpha": 0.5}],
    "elu": [{"alpha": 0.5}],
    "gelu": [{"approximate": True}],
    "glu": [{"axis": 0}],
    "hard_shrink": [{"threshold": 1.5}],
    "leaky_relu": [{"negative_slope": 0.4}],
    "log_softmax": [{"axis": 0}],
    "relu": [
        {"negative_slope": 0.2},
        {"max_value": 2.0},
        {"max_value": 6.0},
        {"threshold": 0.5},
        {"threshold": -0.5},
        {"negative_slope": 0.2, "max_value": 2.0, "threshold": 0.5},
    ],
    "soft_shrink": [{"threshold": 1.5}],
    "softmax": [{"axis": 0}],
    "squareplus": [{"b": 2}],
    "threshold": [{"threshold": 1.0, "default_value": -2.0}],
}
NEEDED = {"threshold": {"threshold": 0.5, "default_value": 7.0}}


def test_every_activation_of_keras_is_there() -> None:
    theirs = recorded(lambda keras: {n for n in dir(keras.activations) if not n.startswith("_")})
    assert set(activations.__all__) == theirs


@pytest.mark.parametrize("name", FUNCTIONS)
def test_signatures(name: str) -> None:
    def arguments(library: Any) -> Any:
        parameters = inspect.signature(getattr(library.activations, name)).parameters.values()
        return [(p.name, p.default) for p in parameters]

    ours, theirs = both(arguments)
    assert ours == theirs


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "sparsemax"])
def test_values_and_gradients(name: str) -> None:
    settings = [NEEDED.get(name, {}), *ARGUMENTS.get(name, [])]

    def with_gradient(function: Any, x: Any, kwargs: Any) -> Any:
        value, pullback = jax.vjp(lambda v: function(v, **kwargs), x)
        weights = jnp.cos(jnp.arange(value.size, dtype="float32")).reshape(value.shape)
        return value, *pullback(weights)

    def values(library: Any) -> Any:
        function = getattr(library.activations, name)
        return jax.jit(lambda x: [with_gradient(function, x, k) for k in settings])(X)

    for mine, wanted in zip(*both(values), strict=True):
        for a, b in zip(mine, wanted, strict=True):
            assert a.shape == b.shape and a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=5e-6, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "sparsemax"])
def test_dtypes(name: str) -> None:
    kwargs = NEEDED.get(name, {})
    dtypes = ("float16", "bfloat16", "int32", "bool")

    def result(library: Any, dtype: str) -> Any:
        function, spec = getattr(library.activations, name), jax.ShapeDtypeStruct((5, 4), dtype)
        return str(jax.eval_shape(lambda x: function(x, **kwargs), spec).dtype)

    def of_keras(keras: Any) -> Any:
        taken = {}
        for dtype in dtypes:
            with contextlib.suppress(Exception):  # Keras takes no such dtype.
                taken[dtype] = result(keras, dtype)
        return taken

    wanted = recorded(of_keras)
    assert {dtype: result(trivium, dtype) for dtype in wanted} == wanted


@pytest.mark.parametrize("name", FUNCTIONS)
def test_recorded(name: str) -> None:
    function, kwargs = getattr(activations, name), NEEDED.get(name, {})
    x = SymbolicTensor((None, 4))
    y = function(x, **kwargs)
    eager = function(X, **kwargs)
    assert y.shape == (None, *eager.shape[1:]) and y.dtype == eager.dtype
    np.testing.assert_array_equal(Graph(x, y).run(X), eager)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_names_and_configs(name: str) -> None:
    ours = getattr(activations, name)
    config = activations.serialize(ours)
    assert config == recorded(
        lambda keras: keras.activations.serialize(getattr(keras.activations, name))
    )
    assert activations.get(name) is ours is activations.get(ours)
    assert activations.deserialize(config) is ours
    assert activations.get({"class_name": name, "config": None}) is ours


def test_none_is_linear() -> None:
    assert activations.get(None) is activations.linear
    assert activations.linear(3) == 3


def test_functions_of_ones_own() -> None:
    def triple(x: Any) -> Any:
        return 3 * x

    assert activations.get(triple) is triple
    name = activations.serialize(triple)
    assert activations.deserialize(name, {"triple": triple}) is triple
    with pytest.raises(ValueError, match="Unknown activation 'triple'"):
        activations.deserialize(name)


@pytest.mark.parametrize(
    ("typo", "meant"),
    [("rleu", "relu"), ("Softmax", "softmax"), ("leakyrelu", "leaky_relu"), ("sigmod", "sigmoid")],
)
def test_a_typo_gets_the_nearest_name(typo: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"^Unknown activation '{typo}'. Did you mean '{meant}'"):
        activations.get(typo)


def test_what_is_no_activation_is_said() -> None:
    with pytest.raises(TypeError, match=r"^Cannot read 3 as an? activation"):
        activations.get(3)
