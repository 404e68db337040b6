"""Names: snake case as Keras writes it, numbers that do not repeat."""

import gc
import random
from unittest import mock

import pytest
from oracle import recorded

import trivium as tv
from trivium.state import auto_name, clear_names, to_snake_case

ODD = [
    "MyRNNCell",
    "A",
    "AB",
    "aB",
    "HTTPServer2",
    "Conv2DLSTM",
    "_Private",
    "Über",
    "x y",
    "a-b",
    "",
]


def test_snake_case_is_that_of_keras():
    def theirs(keras):
        classes = [n for m in (keras.layers, keras.optimizers) for n in dir(m) if n[0].isupper()]
        return {name: keras.src.utils.naming.to_snake_case(name) for name in [*classes, *ODD]}

    wanted = recorded(theirs)
    assert {name: to_snake_case(name) for name in wanted} == wanted


def test_snake_case_of_any_identifier_is_that_of_keras():
    draw = random.Random(0)
    names = ["".join(draw.choices("abXYZ019_", k=draw.randrange(9))) for _ in range(500)]
    wanted = recorded(lambda keras: [keras.src.utils.naming.to_snake_case(n) for n in names])
    assert [to_snake_case(name) for name in names] == wanted


def test_names_are_numbered_from_the_second_on_for_each_prefix():
    clear_names()
    assert [auto_name(p) for p in ("dense", "dense", "conv", "dense", "conv")] == [
        "dense", "dense_1", "conv", "dense_2", "conv_1",
    ]  # fmt: skip
    clear_names()
    assert auto_name("dense") == "dense"


def test_layers_are_numbered_when_they_are_made():
    """As in Keras: dicts of losses, `get_layer` and logs use the names, whoever asks for them first."""
    clear_names()
    first, second = tv.layers.Dense(2), tv.layers.Dense(2)
    assert (second.name, first.name, first.name) == ("dense_1", "dense", "dense")
    assert tv.layers.Dense(2, name="mine").name == "mine" and tv.layers.Dense(2).name == "dense_2"

    class Late(tv.Layer):
        def __init__(self):
            self.early = self.name
            super().__init__()

    late = Late()
    assert late.early == late.name == "late"


def test_seeds_do_not_depend_on_names():
    def weights(count):
        tv.utils.set_random_seed(3)
        for _ in range(count):
            tv.layers.Dense(2)
        model = tv.Sequential([tv.Input((3,)), tv.layers.Dense(2)])
        return model.weights_sha256()

    assert weights(0) == weights(4)


@pytest.mark.parametrize("free_memory", [True, False])
def test_a_session_is_cleared_with_or_without_looking_for_garbage(free_memory):
    tv.layers.Dense(2)
    with mock.patch.object(gc, "collect") as collect:
        tv.backend.clear_session(free_memory=free_memory)
    assert collect.called == free_memory
    assert tv.layers.Dense(2).name == "dense"
