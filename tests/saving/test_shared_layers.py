"""A layer that two inner models and the graph around them share, in files of Keras and of ours."""

import io
import json
import zipfile

import numpy as np
import pytest
from archives import archive_of, parts, saved
from oracle import recorded

import trivium as tv

# Keras's own `Variable.numpy` warns under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

X = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")


def shared(lib, order):
    """The layer is called by the graph itself first or last; the inner models one after another, or side by side."""
    dense = lib.layers.Dense
    d, start = dense(4, name="shared"), lib.Input((4,))
    a = lib.Sequential([start, dense(4, name="one"), d], name="a")
    b = lib.Sequential([start, d, dense(4, name="two")], name="b")
    x = lib.Input((4,))
    y = {
        "last": lambda: d(b(a(x))),
        "first": lambda: b(a(d(x))),
        "beside": lambda: lib.layers.add([b(x), a(x), d(x)]),
        "within": lambda: b(a(x)),
    }[order]()
    model = lib.Model(x, y)
    rng = np.random.default_rng(1)
    for layer in (d, a.layers[0], b.layers[-1]):
        layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.weights])
    return model


def with_marks(archive):
    """Return an archive's config with its marks of what is shared, which are addresses, as small numbers."""
    numbers = {}

    def renumbered(value):
        number = value.get("shared_object_id")
        if number is not None:
            value["shared_object_id"] = numbers.setdefault(number, len(numbers) + 1)
        return value

    with zipfile.ZipFile(io.BytesIO(archive)) as members:
        return json.loads(members.read("config.json"), object_hook=renumbered)


def written_by_keras(keras, order):
    model = shared(keras, order)
    archive = saved(model)
    return {**parts(archive), "config": with_marks(archive), "y": np.asarray(model(X))}


@pytest.mark.parametrize("order", ["last", "first", "beside", "within"])
def test_a_file_of_keras_has_one_layer(order):
    theirs = recorded(lambda keras: written_by_keras(keras, order))
    file = archive_of(theirs["config"], theirs["weights"], theirs["names"])
    again = tv.models.load_model(file)
    assert again.get_layer("a").get_layer("shared") is again.get_layer("b").get_layer("shared")
    assert len(again.weights) == 6
    np.testing.assert_allclose(again(X), theirs["y"], rtol=1e-5)


@pytest.mark.parametrize("order", ["last", "first", "beside", "within"])
def test_a_file_of_ours_has_one_layer(order):
    model = shared(tv, order)
    again = tv.models.load_model(io.BytesIO(saved(model)))
    inner = again.get_layer("a").get_layer("shared"), again.get_layer("b").get_layer("shared")
    outer = again if order != "within" else again.get_layer("a")
    assert inner[0] is inner[1] is outer.get_layer("shared")
    assert again.weights_sha256() == model.weights_sha256()
    np.testing.assert_array_equal(again(X), model(X))


def test_layers_of_one_name_that_are_not_shared_stay_two():
    dense = tv.layers.Dense
    d, x = dense(4, name="shared"), tv.Input((4,))
    y = tv.Sequential([tv.Input((4,)), dense(4, name="shared")], name="other")(x)
    y = tv.Sequential([tv.Input((4,)), d], name="b")(
        tv.Sequential([tv.Input((4,)), d], name="a")(y)
    )
    model = tv.Model(x, y)
    again = tv.models.load_model(io.BytesIO(saved(model)))
    assert len(again.weights) == 4 and np.array_equal(again(X), model(X))
