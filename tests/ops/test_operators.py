"""Python's operators: an array of JAX's, or NumPy's, or a variable on the left, a symbolic tensor on the right."""

from __future__ import annotations

import operator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium import ops
from trivium.graph import CaptureError, Graph, SymbolicTensor
from trivium.state.operators import OPERATORS

FLOATS = [
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
]
BOOLS = ["and_", "or_", "xor"]
LEFT = np.array([[1.5, 2.0, 3.0]], "float32")
RIGHT = np.array([[2.0, 2.0, 0.5], [1.0, 3.0, 2.0]], "float32")
MAKERS = {
    "jax": jnp.asarray,
    "numpy": np.asarray,
    "variable": lambda a: tv.Variable(a, dtype=str(a.dtype)),
}


def run(expression: Any, value: Any) -> Any:
    x = SymbolicTensor((None, *value.shape[1:]), str(value.dtype))
    y = expression(x)
    assert isinstance(y, SymbolicTensor)
    return Graph(x, y).run(value)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("name", FLOATS)
def test_an_array_on_the_left_records(name: str, make: str) -> None:
    function, left = getattr(operator, name), MAKERS[make](LEFT)
    got = run(lambda x: function(left, x), RIGHT)
    np.testing.assert_array_equal(got, OPERATORS[name](LEFT, RIGHT))


@pytest.mark.parametrize("make", ["jax", "numpy"])
@pytest.mark.parametrize("name", BOOLS)
def test_truth_values_on_the_left_record(name: str, make: str) -> None:
    function, left = getattr(operator, name), MAKERS[make](LEFT > 1.7)
    got = run(lambda x: function(left, x), RIGHT > 1.7)
    np.testing.assert_array_equal(got, function(LEFT > 1.7, RIGHT > 1.7))


@pytest.mark.parametrize("make", MAKERS)
def test_a_matrix_on_the_left_records(make: str) -> None:
    left = MAKERS[make](np.ones((4, 2), "float32"))
    got = run(lambda x: left @ x, RIGHT[None])
    np.testing.assert_array_equal(got, np.ones((4, 2), "float32") @ RIGHT[None])


@pytest.mark.parametrize("scalar", [jnp.float32(2), np.float32(2), np.float64(2), np.array(2.0)])
def test_scalars_of_the_libraries_on_the_left_record(scalar: Any) -> None:
    np.testing.assert_array_equal(run(lambda x: scalar - x, RIGHT), 2 - RIGHT)


def test_what_a_layer_of_the_users_computes_with_constants_is_recorded_and_trains() -> None:
    class Shifted(tv.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = tv.layers.Dense(3, kernel_initializer="ones", name="dense")
            self.shift = jnp.arange(3.0)

        def call(self, inputs: Any) -> Any:
            return self.shift + (jnp.ones(3) * self.dense(inputs))

    model = Shifted()
    model.build((None, 3))
    assert [node.name for node in model.graph().nodes] == ["dense", "multiply", "add"]
    np.testing.assert_allclose(
        model.predict(RIGHT, verbose=0), RIGHT.sum(1, keepdims=True) + np.arange(3)
    )


@pytest.mark.parametrize(
    "function",
    [
        jnp.sum,
        jnp.asarray,
        jax.nn.softmax,
        lambda x: jnp.add(jnp.ones(3), x),
        lambda x: jnp.ones(3)[x],
        np.sum,
    ],
)
def test_functions_of_the_libraries_go_on_saying_what_to_take_instead(function: Any) -> None:
    with pytest.raises(
        CaptureError, match=r"take the function of the same name from `trivium.ops`"
    ):
        function(SymbolicTensor((None, 3)))


def test_every_operator_has_an_op_of_the_library() -> None:
    assert all(op.__name__ in ops.__all__ for op in OPERATORS.values())
