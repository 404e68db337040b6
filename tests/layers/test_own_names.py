"""The library's own names, and flags that are flags: a clash is an error where it stands."""

import inspect

import numpy as np
import pytest

import trivium as tv
from trivium.layers.own_names import PUBLIC


@pytest.mark.parametrize("name", [*PUBLIC, "_run", "_graph", "_parent", "_layers", "_trainer"])
def test_a_class_that_defines_one_is_refused(name):
    with pytest.raises(TypeError, match=rf"Mine defines '{name}'.*library's own"):
        type("Mine", (tv.Model,), {name: lambda self: None, "__module__": "mine"})


@pytest.mark.parametrize("name", [*PUBLIC, "_run", "_graph", "_parent"])
def test_an_assignment_to_one_is_refused(name):
    class Mine(tv.Model):
        def __init__(self):
            super().__init__()
            setattr(self, name, 3)

    with pytest.raises(AttributeError, match=rf"Mine.*'{name}'.*`{name.strip('_')}_`"):
        Mine()


def test_other_names_are_the_users():
    class Mine(tv.Model):
        def __init__(self):
            super().__init__()
            self._mine, self.hidden, self._name = 1, tv.layers.Dense(2), "chosen"

        def _helper(self, x):
            return self.hidden(x)

        def call(self, inputs):
            return self._helper(inputs)

    class Graphs(tv.Layer):
        graph = "a layer's own"

    model = Mine()
    assert model(np.ones((1, 2))).shape == (1, 2) and model.name == "chosen"
    assert Graphs().graph == "a layer's own"


def test_the_public_names_are_all_that_models_have_beside_keras(oracle=None):
    """What `PUBLIC` says exists, with a docstring."""
    for name in PUBLIC:
        assert inspect.getdoc(getattr(tv.Model, name))


@pytest.mark.parametrize("value", ["no", 1, None, 0.0, [], np.array([True])])
def test_trainable_is_true_or_false(value):
    with pytest.raises(TypeError, match="`trainable` is True or False"):
        tv.layers.Dense(2, trainable=value)
    layer = tv.layers.Dense(2)
    with pytest.raises(TypeError, match="`trainable` is True or False"):
        layer.trainable = value
    assert layer.trainable is True
    assert tv.layers.Dense(2, trainable=np.bool_(False)).trainable is False


def test_layers_go_into_a_list():
    for layers in (
        [tv.layers.Dense(4), tv.layers.Dense(2)],
        [[tv.layers.Dense(4)], [tv.layers.Dense(2)]],
    ):
        with pytest.raises(TypeError, match=r"Put the layers in a list"):
            tv.Sequential(*layers)
