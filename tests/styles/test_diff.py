"""What differs between two models' graphs."""

import numpy as np
import pytest
from hypothesis import given, settings
from random_graphs import models

import trivium as tv
from trivium import layers


def net(units=4, activation="relu", extra=False, shape=(4,)):
    stack = [tv.Input(shape), layers.Dense(units, activation=activation, name="one")]
    if extra:
        stack.append(layers.Dropout(0.5, name="drop"))
    return tv.Sequential([*stack, layers.Dense(2, name="two")], name="net")


def kinds(difference):
    return [(d.kind, d.place) for d in difference]


@settings(max_examples=15, deadline=None)
@given(models())
def test_a_model_does_not_differ_from_its_conversions_or_from_its_source(example):
    for style in ("functional", "subclass"):
        assert not tv.diff(example.model, tv.convert(example.model, style))
        space = {}
        exec(tv.source(example.model, style), space)
        assert not tv.diff(example.model, space["model"], weights=False)


def test_arguments_and_shapes_and_weights():
    found = tv.diff(net(), net(units=5, activation="tanh"))
    assert ("argument", "one") in kinds(found) and ("shape", "one") in kinds(found)
    text = str(found)
    assert "one: units is 4 and 5" in text and "one: activation is 'relu' and 'tanh'" in text
    assert "the weight 'kernel' has shape (4, 4) and (4, 5)" in text
    assert text.splitlines()[0] == f"net and net differ in {len(found)} places:"


def test_a_layer_that_one_lacks():
    found = tv.diff(net(), net(extra=True), weights=False)
    assert kinds(found) == [("layer", "drop"), ("wiring", "two")]
    assert "Dropout is in the second model only" in str(found)
    back = tv.diff(net(extra=True), net(), weights=False)
    assert "Dropout is in the first model only" in str(back)


def test_values_of_weights():
    one, two = net(), net()
    two.set_weights(one.get_weights())
    assert not tv.diff(one, two) and str(tv.diff(one, two)) == "net and net do not differ."
    kernel = two.get_layer("two").kernel
    kernel.assign(kernel.numpy() + np.float32(0.5))
    found = tv.diff(one, two)
    assert kinds(found) == [("weights", "two")] and "differs by up to 0.5" in str(found)
    assert not tv.diff(one, two, weights=False)


def test_wiring_and_sharing():
    def make(shared, swapped=False):
        x, y = tv.Input((3,), name="x"), tv.Input((3,), name="y")
        first = layers.Dense(3, name="first")
        second = first if shared else layers.Dense(3, name="second")
        a, b = first(x), second(y)
        return tv.Model(
            [x, y], layers.Subtract(name="less")([b, a] if swapped else [a, b]), name="pair"
        )

    assert kinds(tv.diff(make(False), make(False, swapped=True), weights=False))
    shared = tv.diff(make(True), make(False), weights=False)
    assert [d.kind for d in shared] == ["wiring"] and "shared layer" in str(shared)
    assert "shared layer" in str(tv.diff(make(False), make(True), weights=False))


def test_inside_of_models_inside():
    def make(units):
        inner = tv.Sequential(
            [tv.Input((3,)), layers.Dense(units, name="deep"), layers.Dense(2)], name="inner"
        )
        x = tv.Input((3,), name="x")
        return tv.Model(x, inner(x), name="outer")

    found = tv.diff(make(4), make(6), weights=False)
    assert ("argument", "inner/deep") in kinds(found)


def test_inputs_and_outputs():
    found = tv.diff(net(), net(shape=(7,)), weights=False)
    assert "the input is float32 of shape (None, 4) and float32 of shape (None, 7)" in str(found)
    x = tv.Input((3,), name="x")
    dense = layers.Dense(2, name="dense")(x)
    single, double = tv.Model(x, dense, name="m"), tv.Model(x, [dense, x], name="m")
    assert "outputs" in str(tv.diff(single, double))
    with pytest.raises(TypeError):
        tv.diff(single, 3)
