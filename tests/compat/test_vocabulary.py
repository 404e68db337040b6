from __future__ import annotations

import inspect
import re
from typing import Any

import jax
import numpy as np
import pytest

import trivium
from trivium.compat import hints, names, vocabulary
from trivium.compat.tensorflow.arrays import _operation, _rows, array_function, array_functions
from trivium.compat.vocabulary import MISSING, absence, canonical, find, is_face, member_absence
from trivium.compat.written import OLDER


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("tensorflow.keras.layers.Dense", "keras.layers.Dense"),
        ("tf_keras", "keras"),
        ("tensorflow.losses.Huber", "keras.losses.Huber"),
        ("tensorflow.compat.v2.keras.Model", "keras.Model"),
        ("keras.api.layers", "keras.layers"),
        ("tensorflow.kerasy", "tensorflow.kerasy"),
        ("keras.layers.core.Dense", "keras.layers.Dense"),
        (
            "tensorflow.keras.layers.experimental.preprocessing.Normalization",
            "keras.layers.Normalization",
        ),
        ("tensorflow.compat.v1.keras.Model", "keras.Model"),
        ("keras.optimizers.legacy.SGD", "keras.optimizers.SGD"),
        ("keras.utils.np_utils.to_categorical", "keras.utils.to_categorical"),
    ],
)
def test_canonical(path: str, owner: str) -> None:
    assert canonical(path) == owner


@pytest.mark.parametrize(
    ("path", "thing"),
    [
        ("keras.Model", trivium.Model),
        ("keras.models.Model", trivium.Model),
        ("tensorflow.keras.layers.Convolution2D", trivium.layers.Conv2D),
        ("tf_keras.optimizers.SGD", trivium.optimizers.SGD),
        ("keras.ops.nn.relu", trivium.ops.relu),
        ("keras.losses.mse", trivium.losses.mean_squared_error),
        ("keras.metrics.MAE", trivium.losses.mean_absolute_error),
        ("tensorflow.zeros_initializer", trivium.initializers.Zeros),
        ("tensorflow.optimizers.Adam", trivium.optimizers.Adam),
        ("keras.utils.set_random_seed", trivium.utils.set_random_seed),
        ("keras.datasets.fashion_mnist.load_data", trivium.datasets.fashion_mnist.load_data),
        ("tensorflow.Tensor", jax.Array),
        ("keras.backend.image_data_format", trivium.config.image_data_format),
    ],
)
def test_what_a_name_means(path: str, thing: Any) -> None:
    assert find(path) is thing


@pytest.mark.parametrize(
    "path", ["keras.layers.NoSuchLayer", "keras.layers.base", "keras.losses.registry", "keras"]
)
def test_what_no_name_means(path: str) -> None:
    assert find(path) is MISSING


def test_the_library_under_both_names_is_one_thing() -> None:
    """Every public name of the library that Keras has is found, at its place and under TensorFlow."""
    for module in ("layers", "losses", "metrics", "optimizers", "ops", "callbacks", "initializers"):
        ours = getattr(trivium, module)
        for name in set(ours.__all__) & set(names.names_in(f"keras.{module}")):
            thing = getattr(ours, name)
            if inspect.ismodule(thing):
                assert is_face(f"keras.{module}.{name}")
                continue
            assert find(f"keras.{module}.{name}") is thing
            assert find(f"tensorflow.keras.{module}.{name}") is thing


def test_every_name_of_keras_and_tensorflow_has_an_answer() -> None:
    covered = 0
    for module in names._lines():
        if module.endswith("()"):
            continue
        for name in names.names_in(module):
            path = f"{module}.{name}"
            if find(path) is not MISSING or is_face(path):
                covered += 1
                continue
            message = absence(path)
            assert "not covered" in message or "does not have it yet" in message, message
    assert covered > 1000


@pytest.mark.parametrize("path", array_functions())
def test_rows_name_functions_and_arguments_that_exist(path: str) -> None:
    row = _rows()[path]
    parameters = inspect.signature(_operation(row.op)).parameters  # type: ignore[arg-type]
    assert array_function(path) is not None
    assert {a.target for a in row.arguments if a.passed} <= set(parameters)


@pytest.mark.parametrize("path", [*array_functions(), *vocabulary._written()])
def test_rows_are_names_of_keras_and_tensorflow(path: str) -> None:
    hidden = path.endswith("__version__") or path.startswith("tensorflow.compat.v1.logging.")
    assert names.known(path) or hidden or path in OLDER, path


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("keras.layers.Dens", "there is no such name. Did you mean 'Dense'?"),
        ("tensorflow.keras.lairs", "keras.lairs: there is no such name. Did you mean 'layers'"),
        ("tensorflow.constnt", "tf.constnt: there is no such name. Did you mean 'constant'"),
        ("tensorflow.data.Datasets", "Did you mean 'Dataset'"),
        ("tensorflow.nn.dilation2d", "tf.nn.dilation2d is not covered."),
        ("tensorflow.linalg.lu_factor", "tf.linalg.lu_factor: there is no such name."),
        ("tensorflow.load_library", "no TensorFlow"),
        ("tensorflow.distribute.TPUStrategy", "without a strategy scope"),
        ("tensorflow.saved_model.save", "model.save"),
        ("tensorflow.compat.v1.placeholder", "TensorFlow 1"),
        ("tensorflow.compat.v1.disable_eager_execution", "Leave it out"),
        ("tensorflow.linalg.LinearOperatorDiag", "Write the matrix out"),
        ("tensorflow.nn.sampled_softmax_loss", "the whole loss"),
        ("tensorflow.Session", "TensorFlow 1"),
        ("tensorflow.python.framework.ops", "TensorFlow's inside"),
        ("keras.src.layers", "Keras's inside"),
        ("keras.layers.CuDNNLSTM", "keras.layers.LSTM"),
        ("tensorflow.zzzz", "tf.zzzz: there is no such name."),
    ],
)
def test_absence_says_what_is_nearest(path: str, words: str) -> None:
    assert words in absence(path)


def test_what_the_library_lacks_it_says_and_what_it_gets_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(trivium.layers, "Dense")
    monkeypatch.setattr(trivium.layers, "__all__", ["Flatten"])
    assert find("keras.layers.Dense") is MISSING
    assert absence("keras.layers.Dense") == (
        f"keras.layers.Dense: Keras has it, Trivium {trivium.__version__} does not have it yet."
    )
    monkeypatch.setattr(trivium.layers, "AugMix", float, raising=False)
    assert find("tf_keras.layers.AugMix") is float
    monkeypatch.setattr(trivium.layers, "Unheard", int, raising=False)
    assert find("keras.layers.Unheard") is MISSING


@pytest.mark.parametrize(
    ("owner", "name", "words"),
    [
        (np.zeros(2), "as_list", None),
        ((2, 3), "as_list", "list(x.shape)"),
        ((2, 3), "append", None),
        ("float32", "base_dtype", "Dtypes are strings"),
        (trivium.Model, "no_such_method", None),
        (trivium.Sequential, "make_train_function", "keras.Model.make_train_function: Trivium"),
    ],
)
def test_member_absence(owner: Any, name: str, words: str | None) -> None:
    message = member_absence(owner, name)
    assert message is None if words is None else message is not None and words in message


def test_member_absence_of_arrays() -> None:
    for name, words in (("cpu", "JAX arrays"), ("assign", ".at[i]")):
        message = member_absence(jax.numpy.zeros(2), name)
        assert message is not None and words in message
    assert member_absence(jax.numpy.zeros(2), "nothing") is None


def test_hints_name_what_is_there() -> None:
    text = " ".join([*hints._HINTS.values(), *hints.REFUSED_PACKAGES.values()])
    mentioned = set(re.findall(r"`(keras(?:\.\w+)+|tf(?:\.\w+)+)[`(]", text))
    assert len(mentioned) > 10
    for name in mentioned:
        path = re.sub(r"^tf\.", "tensorflow.", name)
        owner, _, member = path.rpartition(".")
        assert find(path) is not MISSING or is_face(path) or hasattr(find(owner), member), name


def test_public_names_are_those_that_are_there() -> None:
    layers = vocabulary.public_names("tensorflow.keras.layers")
    assert "Dense" in layers and all(find(f"keras.layers.{n}") is not MISSING for n in layers)
    assert "set_seed" in vocabulary.public_names("tensorflow.random")
    assert "load_op_library" not in vocabulary.public_names("tensorflow")
