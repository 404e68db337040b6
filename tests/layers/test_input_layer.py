"""`Input`, `InputLayer` and `InputSpec`."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from oracle import recorded

import trivium as tv
from trivium import layers as L


@pytest.mark.parametrize(
    "kwargs",
    [
        {"shape": (3,)},
        {"shape": (None, 3), "dtype": "int32", "name": "ids"},
        {"shape": (3,), "batch_size": 4},
        {"batch_shape": (4, None), "dtype": "uint8"},
        {"shape": ()},
        {"shape": [2, 3], "optional": True},
        {"shape": (3,), "sparse": True},
        {"shape": (3,), "ragged": False},
        {"batch_input_shape": (4, 3)},
    ],
)
def test_input_layers_are_those_of_keras(kwargs):
    kwargs = {"name": "input", **kwargs}
    ours = L.InputLayer(**kwargs)
    config = json.loads(json.dumps(ours.get_config()))

    def of_keras(keras):
        theirs = keras.layers.InputLayer(**kwargs)
        written = json.loads(json.dumps(theirs.get_config()))
        return written, tuple(theirs.output.shape), theirs.output.dtype

    wanted, shape, dtype = recorded(of_keras)
    assert config == wanted
    assert L.InputLayer.from_config(wanted).get_config() == ours.get_config()
    assert ours.output.shape == shape == ours.batch_shape
    assert ours.dtype == ours.output.dtype == dtype
    assert ours.input is ours.output and ours.built and ours.weights == []


def test_data_comes_in_at_a_tensor_that_exists():
    """The graph is cut there: what lies before the tensor is no part of the model."""
    first, second = L.Dense(4), L.Dense(1)
    hidden = first(tv.Input((3,)))
    for tensor in (tv.Input(tensor=hidden), L.InputLayer(input_tensor=hidden).output):
        assert tensor is hidden
        model = tv.Model(tensor, second(hidden))
        assert model.input_shape == (None, 4) and len(model.weights) == 2
    assert hidden.node.operation is first
    like = tv.Input((3, 4), dtype="int32")
    assert tv.Input(tensor=like, shape=(3, 4), dtype="int32").dtype == "int32"


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"shape": (4,)}, "`shape` is that of the tensor given, (3,); got (4,)"),
        ({"batch_size": 2}, "`batch_size` is that of the tensor given, None; got 2"),
        ({"batch_shape": (1, 3)}, "`batch_shape` is that of the tensor given"),
        ({"dtype": "int32"}, "`dtype` is that of the tensor given, 'float32'; got 'int32'"),
    ],
)
def test_what_is_said_of_a_tensor_is_so(kwargs, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        L.InputLayer(input_tensor=tv.Input((3,)), **kwargs)


def test_older_names_of_the_shape():
    with pytest.warns(UserWarning, match="`input_shape` is now called `shape`"):
        assert L.InputLayer(input_shape=(3,)).output.shape == (None, 3)
    with pytest.raises(
        TypeError, match=r"InputLayer has no argument 'sahpe'\. Did you mean 'shape'"
    ):
        L.InputLayer(sahpe=(3,))


def test_sparse_and_ragged_inputs():
    x = tv.Input((3,), sparse=True)
    assert tv.Model(x, L.Dense(1)(x))(np.eye(3)).shape == (3, 1)
    with pytest.raises(ValueError, match="JAX has no ragged arrays"):
        tv.Input((3,), ragged=True)


def complaint(spec, shape, dtype="float32"):
    return spec.complaint(tv.Input(batch_shape=shape, dtype=dtype))


@pytest.mark.parametrize(
    ("spec", "right", "wrong", "words"),
    [
        ({"ndim": 3}, [(2, 3, 4)], [(2, 3), (2, 3, 4, 5)], "3 dimensions"),
        ({"min_ndim": 2}, [(2, 3), (2, 3, 4)], [(2,)], "at least 2 dimensions"),
        ({"max_ndim": 2}, [(2,), (2, 3)], [(2, 3, 4)], "at most 2 dimensions"),
        ({"axes": {-1: 3}}, [(2, 3), (2, None)], [(2, 4)], "size 3 on axis -1"),
        ({"axes": {1: 3, 2: None}}, [(2, 3, 9)], [(2, 4, 9)], "size 3 on axis 1"),
        ({"shape": (None, 3)}, [(2, 3), (None, None)], [(2, 4)], "shape (None, 3)"),
        ({"shape": (None, 3)}, [(2, 3)], [(2, 3, 1)], "2 dimensions"),
        (
            {"shape": (None, 1), "allow_last_axis_squeeze": True},
            [(2, 1), (2,), (2, 1, 1)],
            [(2, 2)],
            "shape (None, 1)",
        ),
        ({"dtype": "float32"}, [(2, 3)], [], ""),
        ({"dtype": "int32"}, [], [(2, 3)], "dtype int32"),
    ],
)
def test_what_an_input_spec_wants(spec, right, wrong, words):
    spec = tv.InputSpec(**spec)
    assert [complaint(spec, shape) for shape in right] == [None] * len(right)
    assert [complaint(spec, shape) for shape in wrong] == [words] * len(wrong)


def test_layers_of_several_inputs_have_several_specs():
    class Pair(tv.Layer):
        def __init__(self):
            super().__init__(name="pair")
            self.input_spec = [tv.InputSpec(ndim=2), tv.InputSpec(ndim=3)]

        def call(self, inputs):
            return inputs[0]

    a, b = np.ones((2, 3)), np.ones((2, 3, 4))
    assert Pair()([a, b]).shape == (2, 3)
    with pytest.raises(
        ValueError, match=r"'pair' \(Pair\) wants 3 dimensions of input 1; got shape \(2, 3\)"
    ):
        Pair()([a, a])
    with pytest.raises(ValueError, match=r"takes 2 inputs?.*called on 1"):
        Pair()([a])
