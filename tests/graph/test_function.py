"""Operations of one's own, and graphs as functions."""

import copy
import pickle

import jax
import numpy as np
import pytest

import trivium as tv
from trivium import ops
from trivium.saving import custom_object_scope

X = np.arange(6, dtype="float32").reshape(2, 3)


class Scale(tv.Operation):
    def __init__(self, factor, name=None):
        super().__init__(name)
        self.factor = factor

    def call(self, x, shift=0.0):
        return x * self.factor + shift


class Ends(tv.Operation):
    def call(self, pair):
        return {"least": ops.min(pair[0], -1), "most": ops.max(pair[1], -1)}


def test_an_operation_runs_and_records():
    scale = Scale(3.0)
    np.testing.assert_array_equal(scale(X, shift=1.0), X * 3 + 1)
    np.testing.assert_array_equal(jax.jit(scale)(X), X * 3)
    x = tv.Input((3,))
    y = scale(x, shift=1.0)
    assert (y.shape, y.dtype, scale.name) == ((None, 3), "float32", "scale")
    assert scale.input is x and scale.output is y
    assert scale.compute_output_spec(x).shape == (None, 3)
    scale(y)
    with pytest.raises(AttributeError, match="recorded 2 times"):
        _ = scale.output
    ends = Ends()([x, y])
    assert {k: t.shape for k, t in ends.items()} == {"least": (None,), "most": (None,)}
    with pytest.raises(NotImplementedError, match="Operation has no `call`"):
        tv.Operation()(1.0)
    with pytest.raises(ValueError, match="a text without '/'"):
        Scale(1.0, name="a/b")


def test_operations_in_models():
    x = tv.Input((3,))
    hidden = tv.layers.Dense(4, name="d")(Scale(2.0)(x))
    model = tv.Model(x, Ends()([hidden, hidden]))
    wanted = model(X)
    with custom_object_scope({"Scale": Scale, "Ends": Ends}):
        again = tv.Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    for other in (again, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_allclose(other(X)["most"], wanted["most"], rtol=1e-6)
    assert again.fingerprint() == model.fingerprint()


def test_operations_in_source():
    x = tv.Input((3,))
    model = tv.Model(x, Scale(2.0)(x, shift=1.0))
    written = tv.source(model)
    program = {"Scale": Scale}
    exec(written, program)
    assert 'Scale(2.0, name="scale")(inputs, shift=1.0)' in written
    np.testing.assert_array_equal(program["model"](X), model(X))


def test_a_function_is_its_graph():
    x, y = tv.Input((3,)), tv.Input((3,))
    between = tv.layers.Dense(2)
    function = tv.Function({"b": x, "a": y}, [between(x) - y[:, :2], x])
    assert function.input_shape == {"b": (None, 3), "a": (None, 3)}
    assert function.output_shape == [(None, 2), (None, 3)]
    assert function.inputs == [y, x] or function.inputs == [x, y]
    assert between in function.operations and len(function.outputs) == 2
    first, second = function({"b": X, "a": X + 1})
    np.testing.assert_allclose(first, between(X) - X[:, :2] - 1, rtol=1e-6)
    np.testing.assert_array_equal(second, X)
    with pytest.raises(
        ValueError, match=r"values in the structure of its inputs, \{'b': \(None, 3\)"
    ):
        function([X, X])
    with pytest.raises(tv.DisconnectedGraphError):
        tv.Function(x, x + y)


def test_a_function_in_a_model_gives_it_its_weights():
    x = tv.Input((3,))
    function = tv.Function(x, tv.layers.Dense(2, activation="tanh")(x))
    z = tv.Input((3,))
    model = tv.Model(z, tv.layers.Dense(1)(function(z)))
    assert len(model.trainable_variables) == 4
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(X, X[:, :1], epochs=1, verbose=0)
    assert not np.allclose(before[0], model.get_weights()[0])
    assert function.compute_output_spec(z).shape == (None, 2)
