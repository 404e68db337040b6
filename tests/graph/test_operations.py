"""Operations by what they are."""

from itertools import combinations

import jax.numpy as jnp
import pytest

import trivium as tv
from trivium import layers, ops
from trivium.graph import same_operation
from trivium.state.types import Operation


class Scaled(layers.Layer):
    """A layer whose config forgets its argument."""

    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor

    def get_config(self):
        return {"name": self.name}


class Bare(layers.Layer):
    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.ReLU(factor)

    def call(self, inputs):
        return self.inner(inputs)


STATELESS = [
    lambda: layers.ReLU(),
    lambda: layers.ReLU(max_value=6.0),
    lambda: layers.Flatten(),
    lambda: layers.Concatenate(axis=1),
    lambda: layers.Concatenate(),
    lambda: layers.Add(),
    lambda: layers.Reshape((2, 3)),
    lambda: layers.Reshape((3, 2)),
    lambda: layers.Activation("relu"),
    lambda: layers.Activation("tanh"),
    lambda: layers.Activation("relu", dtype="float16"),
    lambda: layers.MaxPooling2D(2),
    lambda: layers.AveragePooling2D(2),
    lambda: layers.Dropout(0.0),
    lambda: layers.Identity(),
    lambda: Scaled(2.0),
    lambda: Scaled(3.0),
    lambda: Bare(1.0),
    lambda: Bare(3.0),
]


@pytest.mark.parametrize("number", range(len(STATELESS)))
def test_a_stateless_layer_made_twice_is_one_operation(number):
    assert same_operation(STATELESS[number](), STATELESS[number]())


def test_layers_that_do_other_things_are_not():
    for one, other in combinations([make() for make in STATELESS], 2):
        assert not same_operation(one, other), (one.get_config(), other.get_config())


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Dense(3),
        lambda: layers.Dropout(0.5),
        lambda: layers.Dropout(0.5, seed=1),
        lambda: layers.BatchNormalization(),
        lambda: layers.Embedding(3, 2),
        lambda: layers.Lambda(lambda x: x),
        lambda: tv.Sequential([layers.Dense(2)]),
    ],
)
def test_what_keeps_something_is_the_same_as_itself_alone(make):
    layer = make()
    assert same_operation(layer, layer)
    assert not same_operation(layer, make())


def test_variables_may_come_with_the_build():
    unbuilt, built = layers.Dense(3), layers.Dense(3)
    built.build((None, 2))
    assert not same_operation(unbuilt, built)


def test_ops_are_their_functions():
    assert same_operation(ops.add, ops.add)
    assert not same_operation(ops.add, ops.subtract)
    assert not same_operation(ops.relu, layers.ReLU())


def test_readings_of_variables_and_lines_of_jax_code():
    class Model(tv.Model):
        def __init__(self):
            super().__init__()
            self.w = self.add_weight(shape=(3,), name="w")

        def call(self, inputs):
            return jnp.sin(inputs * self.w)

    model = Model()
    model.build((None, 3))
    one, other = (model.graph(training).nodes for training in (False, True))
    assert len(one) == len(other) >= 2
    for a, b in zip(one, other, strict=True):
        assert same_operation(a.operation, b.operation)
        assert isinstance(a.operation, Operation)
    assert not same_operation(one[0].operation, one[1].operation)


def test_everything_that_a_node_calls_is_an_operation():
    x = tv.Input((4,))
    y = ops.relu(layers.Dense(2)(x)) + 1.0
    model = tv.Model(x, y)
    assert all(isinstance(n.operation, Operation) and n.operation.name for n in model.graph().nodes)
    assert isinstance(model, Operation) and not isinstance(3, Operation)
