"""`Input`, `InputLayer` and `InputSpec`."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

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
    ],
)
def test_input_layers_are_those_of_keras(kwargs):
    kwargs = {"name": "input", **kwargs}
    ours, theirs = L.InputLayer(**kwargs), keras.layers.InputLayer(**kwargs)
    config = json.loads(json.dumps(ours.get_config()))
    wanted = json.loads(json.dumps(theirs.get_config()))
    assert config == wanted
    assert L.InputLayer.from_config(wanted).get_config() == ours.get_config()
    assert ours.output.shape == theirs.output.shape == ours.batch_shape
    assert ours.dtype == ours.output.dtype == theirs.output.dtype
    assert ours.input is ours.output and ours.built and ours.weights == []


def test_an_input_like_a_tensor():
    like = tv.Input((3, 4), dtype="int32")
    assert tv.Input(tensor=like).shape == (None, 3, 4)
    assert tv.Input(tensor=like).dtype == "int32"


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
