"""`.h5` files of Keras 2 and 3: as Keras 3 writes them, recorded; and in the form of Keras 2, written by hand."""

import json
import tempfile

import h5py
import numpy as np
import pytest
from oracle import recorded

import trivium as tv

# Keras's own `Variable.numpy` warns under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

X = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")


def network(lib):
    x = lib.Input((4,), name="x")
    h = lib.layers.BatchNormalization(name="norm")(lib.layers.Dense(3, name="first")(x))
    inner = lib.Sequential([lib.Input((3,)), lib.layers.Dense(3, name="deep")], name="inner")
    h = lib.layers.Add(name="add")([inner(h), h])
    model = lib.Model(x, lib.layers.Dense(1, activation="tanh", name="out")(h), name="net")
    model.compile(lib.optimizers.Adam(0.01), "mse", metrics=["mae"])
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in model.weights])
    model.optimizer.build(model.trainable_variables)
    for v in model.optimizer.variables:
        if len(v.shape):
            v.assign(rng.uniform(0.5, 1.5, v.shape))
    return model


def written(keras):
    model = network(keras)
    attributes, datasets = {}, {}

    def keep(name, thing):
        attributes[name] = {
            k: list(map(str, v)) for k, v in thing.attrs.items() if k.endswith("_names")
        }
        if hasattr(thing, "shape"):
            datasets[name] = np.asarray(thing[()])

    with tempfile.TemporaryDirectory() as folder:
        import logging

        logging.getLogger("absl").setLevel(logging.ERROR)
        model.save(f"{folder}/m.h5")
        with h5py.File(f"{folder}/m.h5") as file:
            configs = {k: json.loads(file.attrs[k]) for k in ("model_config", "training_config")}
            file.visititems(keep)
    state = [np.asarray(v) for v in model.optimizer.variables]
    outputs = np.asarray(model(X))
    return {
        **configs,
        "names": attributes,
        "datasets": datasets,
        "outputs": outputs,
        "state": state,
    }


@pytest.fixture
def theirs():
    return recorded(written, case="a file of Keras 3")


@pytest.fixture
def path(theirs, tmp_path):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        for name in ("model_config", "training_config"):
            file.attrs[name] = json.dumps(theirs[name])
        for name, value in theirs["datasets"].items():
            file[name] = value
        for name, said in theirs["names"].items():
            for key, value in said.items():
                file.require_group(name).attrs[key] = value
    return tmp_path / "m.h5"


def test_a_file_of_keras_3(path, theirs):
    model = tv.models.load_model(path)
    np.testing.assert_allclose(model(X), theirs["outputs"], rtol=1e-5)
    for mine, value in zip(model.optimizer.variables, theirs["state"], strict=True):
        np.testing.assert_allclose(mine, value, rtol=1e-6)
    assert model.evaluate(X, X[:, :1], verbose=0, return_dict=True).keys() == {"loss", "mae"}
    assert not tv.models.load_model(path, compile=False).compiled


def test_its_weights_alone(path, theirs):
    for by_name in (False, True):
        model = network(tv)
        model.set_weights([np.zeros(w.shape) for w in model.weights])
        model.load_weights(path, by_name=by_name)
        np.testing.assert_allclose(model(X), theirs["outputs"], rtol=1e-5)
    layers = [tv.layers.Dense(3, name="first"), tv.layers.Dense(7, name="out")]
    other = tv.Sequential([tv.Input((4,)), *layers])
    with pytest.raises(tv.saving.ModelFileError, match="the weights of 'out' have the shapes"):
        other.load_weights(path, by_name=True)
    other.load_weights(path, by_name=True, skip_mismatch=True)
    np.testing.assert_allclose(
        other.layers[0].kernel, theirs["datasets"]["model_weights/first/first/kernel"]
    )
    with pytest.raises(tv.saving.ModelFileError, match=r"has weights of 4 layers; .* has 2"):
        other.load_weights(path)


def keras_2(path, safe=True):
    """Write a file as Keras 2.15 has it: calls as lists, `batch_input_shape`, names that end in `:0`."""

    def layer(kind, name, *calls, **config):
        said = {"name": name, "trainable": True, "dtype": "float32", **config}
        nodes = [[[*call, {}] for call in calls]] if calls else []
        return {"class_name": kind, "config": said, "name": name, "inbound_nodes": nodes}

    start = {"batch_input_shape": [None, 4], "sparse": False, "ragged": False}
    dense = {"units": 3, "activation": "relu", "use_bias": True,
             "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": None}}}  # fmt: skip
    layers = [
        layer("InputLayer", "x", **start),
        layer("Dense", "a", ("x", 0, 0), **dense),
        layer("BatchNormalization", "n", ("a", 0, 0), axis=[1], momentum=0.9, epsilon=0.001),
        layer("Add", "add", ("a", 0, 0), ("n", 0, 0)),
    ]
    if not safe:
        code = {"function": {"class_name": "__lambda__", "config": {"code": "YQ=="}}}
        layers.append(layer("Lambda", "l", ("add", 0, 0), **code))
    inner = {"name": "net", "trainable": True, "layers": layers, "input_layers": [["x", 0, 0]],
             "output_layers": [[layers[-1]["name"], 0, 0]]}  # fmt: skip
    adam = {"name": "Adam", "learning_rate": 0.01, "decay": None, "is_legacy_optimizer": False,
            "jit_compile": False, "beta_1": 0.9}  # fmt: skip
    training = {
        "loss": "mse",
        "metrics": None,
        "optimizer_config": {"class_name": "Adam", "config": adam},
    }
    rng = np.random.default_rng(0)
    weights = {
        "a": {"kernel": (4, 3), "bias": (3,)},
        "n": dict.fromkeys(("gamma", "beta", "moving_mean", "moving_variance"), (3,)),
    }
    values = {}
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = np.bytes_("2.15.0")
        file.attrs["model_config"] = np.bytes_(
            json.dumps({"class_name": "Functional", "config": inner})
        )
        file.attrs["training_config"] = np.bytes_(json.dumps(training))
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [np.bytes_(x["name"]) for x in layers]
        for one in layers:
            name = one["name"]
            mine = weights.get(name, {})
            group.create_group(name).attrs["weight_names"] = [
                np.bytes_(f"{name}/{w}:0") for w in mine
            ]
            for weight, shape in mine.items():
                values[weight] = rng.uniform(0.5, 1.5, shape).astype("float32")
                group[f"{name}/{name}/{weight}:0"] = values[weight]
    return values


def test_a_file_of_keras_2(tmp_path):
    v = keras_2(tmp_path / "m.h5")
    model = tv.models.load_model(tmp_path / "m.h5")
    a = np.maximum(X @ v["kernel"] + v["bias"], 0)
    normalized = (a - v["moving_mean"]) / np.sqrt(v["moving_variance"] + 1e-3)
    np.testing.assert_allclose(model(X), a + normalized * v["gamma"] + v["beta"], rtol=1e-5)
    assert model.optimizer.learning_rate.numpy() == np.float32(0.01)
    assert model.loss == "mse"


def test_safe_mode_holds_here_too(tmp_path):
    """CVE-2025-9905: the loader of these files ignored it."""
    keras_2(tmp_path / "m.h5", safe=False)
    with pytest.raises(tv.saving.UnsafeFileError, match=r"m\.h5.*code"):
        tv.models.load_model(tmp_path / "m.h5")
    with pytest.raises(FileNotFoundError):
        tv.models.load_model(tmp_path / "none.h5")


def test_what_a_model_was_compiled_with_is_bounded_here_too(tmp_path):
    path = tmp_path / "m.h5"
    keras_2(path)
    metric = {
        "module": "keras.metrics",
        "class_name": "MeanIoU",
        "config": {"num_classes": 1 << 31},
    }
    with h5py.File(path, "a") as file:
        said = json.loads(file.attrs["training_config"])
        file.attrs["training_config"] = json.dumps({**said, "metrics": [metric]})
    with pytest.raises(tv.saving.UnsafeFileError, match=r"m\.h5 asks for a table"):
        tv.models.load_model(path)


def test_a_damaged_file_is_named(path):
    whole = path.read_bytes()
    chance = np.random.default_rng(0)
    for at in chance.integers(len(whole), size=60):
        path.write_bytes(whole[:at])
        with pytest.raises(tv.saving.ModelFileError, match=r"m\.h5"):
            tv.models.load_model(path)
