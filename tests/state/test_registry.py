"""Registries: what a name means, and that nothing but names is looked up."""

import sys

import pytest
from oracle import recorded

from trivium.state import (
    Registry,
    custom_object_scope,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    suggest,
)


class Square:
    def __init__(self, side=1):
        self.side = side

    def get_config(self):
        return {"side": self.side}


def area(side):
    return side * side


@pytest.fixture
def shapes():
    registry = Registry("shape", "docs.shapes")
    registry.register("quadrangle", "SQ")(Square)
    registry.register()(area)
    return registry


# --- suggestions


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rleu", "Did you mean 'relu'?"),
        ("ReLU", "Did you mean 'relu' or 'leaky_relu'?"),
        ("softmx", "'softmax'"),
        ("leakyrelu", "'leaky_relu'"),
        ("xyz", "Known names: leaky_relu, relu, softmax."),
        ("", "Known names: leaky_relu, relu, softmax."),
    ],
)
def test_the_nearest_name_is_suggested(name, words):
    assert words in suggest(name, ["softmax", "relu", "leaky_relu", "relu"])


def test_the_exact_fold_comes_first():
    assert suggest("Mean_Squared_Error", ["mean_squared_error", "mean_squared_errors"]).startswith(
        "Did you mean 'mean_squared_error' or"
    )


def test_suggesting_takes_anything_for_a_name():
    assert suggest(3, ["a"]) == "Known names: a." and suggest("a", {"b": 1}) == "Known names: b."


# --- registering


def test_names_are_packages_and_names_as_in_keras():
    mine = register_keras_serializable("shop", "round")(Square)

    def theirs(keras):
        register = keras.saving.register_keras_serializable("shop", "round")
        return [
            keras.saving.get_registered_name(x)
            for x in (register(type("Round", (), {"get_config": dict})), len)
        ]

    assert mine is Square
    assert [get_registered_name(x) for x in (Square, len)] == ["shop>round", "len"]
    assert recorded(theirs) == ["shop>round", "len"]
    assert get_registered_object("shop>round") is Square
    assert register_keras_serializable()(area) is area
    assert get_registered_name(area) == "Custom>area"


def test_a_bare_name_finds_the_only_package_that_has_it():
    register_keras_serializable("one")(Square)
    assert get_registered_object("Square") is Square
    other = type("Square", (Square,), {})
    register_keras_serializable("two")(other)
    assert get_registered_object("Square") is None and get_registered_object("two>Square") is other


def test_a_scope_ends():
    with custom_object_scope({"box": Square}):
        assert get_registered_object("box") is Square
        with custom_object_scope({"box": area, "inner": Square}):
            assert get_registered_object("box") is area
        assert get_registered_object("box") is Square and get_registered_object("inner") is None
    assert get_registered_object("box") is None
    with pytest.raises(ZeroDivisionError), custom_object_scope({"box": Square}):
        raise ZeroDivisionError
    assert get_registered_object("box") is None


# --- looking up


def test_everything_that_means_an_object(shapes):
    assert shapes.find("Square") is shapes.find("quadrangle") is shapes.find("SQ") is Square
    assert type(shapes.get("SQ")) is Square and type(shapes.get(Square)) is Square
    assert shapes.get("area") is area and shapes.get(area) is area and shapes.get(None) is None
    square = Square(3)
    square.__call__ = None
    assert shapes.get({"class_name": "SQ", "config": {"side": 4}}).side == 4
    assert shapes.get({"class_name": "Square"}).side == 1
    assert sorted(shapes.names()) == ["SQ", "Square", "area", "quadrangle"]


def test_configs_go_there_and_back(shapes):
    config = shapes.serialize(Square(5))
    assert config == {
        "module": "docs.shapes", "class_name": "Square", "config": {"side": 5}, "registered_name": None,
    }  # fmt: skip
    assert shapes.deserialize(config).side == 5
    assert shapes.serialize(area) == "area" and shapes.deserialize("area") is area
    assert shapes.serialize(None) is None and shapes.deserialize(None) is None


def test_a_class_of_ones_own_has_its_registered_name(shapes):
    @register_keras_serializable("mine")
    class Cube(Square):
        pass

    config = shapes.serialize(Cube(2))
    assert (config["class_name"], config["registered_name"]) == ("Cube", "mine>Cube")
    assert config["module"] == __name__
    assert type(shapes.deserialize(config)) is Cube
    assert type(shapes.get("Cube")) is Cube
    unregistered = type("Ball", (Square,), {})
    config = shapes.serialize(unregistered(2))
    with pytest.raises(ValueError, match="Unknown shape 'Ball'"):
        shapes.deserialize(config)
    assert type(shapes.deserialize(config, {"Ball": unregistered})) is unregistered
    assert get_registered_object("Ball") is None, "custom objects are known for that call only"


@pytest.mark.parametrize(
    ("identifier", "error", "words"),
    [
        ("sqare", ValueError, "Unknown shape 'sqare'. Did you mean 'Square'"),
        (
            {"class_name": "Squre", "config": {}},
            ValueError,
            "Unknown shape 'Squre'. Did you mean 'Square'",
        ),
        ({"name": "Square"}, ValueError, r"'class_name' and 'config'; got the keys \['name'\]"),
        (3, TypeError, "Cannot read 3 as a shape: give a name"),
        ([area], TypeError, "as a shape"),
    ],
)
def test_unknown_things_are_explained(shapes, identifier, error, words):
    with pytest.raises(error, match=words):
        shapes.get(identifier)


@pytest.mark.parametrize(
    "config",
    [
        {
            "module": "os",
            "class_name": "system",
            "config": {"command": "true"},
            "registered_name": None,
        },
        {"module": "builtins", "class_name": "eval", "config": "1 + 1", "registered_name": "eval"},
        {"module": "antigravity", "class_name": "geohash", "config": {}, "registered_name": None},
        {"class_name": "os.system", "config": {}},
        {"class_name": "trivium.state.registry.Registry", "config": {"kind": "a", "module": "b"}},
        {"class_name": "__import__", "config": {"name": "antigravity"}},
    ],
)
def test_a_config_runs_and_imports_nothing_that_it_names(shapes, config):
    with pytest.raises(ValueError, match="Unknown shape"):
        shapes.deserialize(config)
    assert "antigravity" not in sys.modules


def test_a_config_cannot_name_a_custom_object_by_another_module(shapes):
    """Nothing is looked up in the module that it says, and the library's own class of the name is another one."""
    config = {
        "module": "os",
        "class_name": "Square",
        "config": {"side": 2},
        "registered_name": "os>system",
    }
    with pytest.raises(ValueError, match=r"'Square' of 'os', which is not known here.*is another"):
        shapes.deserialize(config)
    config |= {"module": "docs.shapes", "registered_name": None}
    assert type(shapes.deserialize(config)) is Square
