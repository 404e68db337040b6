"""Weights in several files, as safetensors, and by the layers' names."""

import io
import json
import os
import tempfile
import warnings
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import safetensors.numpy
from oracle import recorded

import trivium as tv
from trivium.saving import ModelFileError, UnsafeFileError

# Keras's own `Variable.numpy` warns under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SHARD = 1e-7  # A hundred bytes, in gigabytes.


def network(lib=tv, first="a", **options):
    layers = [
        lib.layers.Dense(5, name=first),
        lib.layers.BatchNormalization(name="b"),
        lib.layers.Dense(2, name="c", **options),
    ]
    model = lib.Sequential([lib.Input((4,)), *layers], name="net")
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in model.weights])
    return model


def zeros(model):
    model.set_weights([np.zeros(w.shape) for w in model.weights])
    return model


class Twin(tv.Model):
    def __init__(self):
        super().__init__(name="twin")
        self.last = tv.layers.Dense(2)
        self.first = [tv.layers.Dense(5), tv.layers.BatchNormalization()]

    def call(self, x):
        for layer in self.first:
            x = layer(x)
        return self.last(x)


def twin():
    model = Twin()
    model(np.ones((1, 4), "float32"))
    return model


MODEL = network()
WANTED = MODEL.weights_sha256()
SAVE = {
    "m.weights.h5": {},
    "m.weights.json": {"max_shard_size": SHARD},
    "m.safetensors": {},
}
EACH = pytest.mark.parametrize("name", SAVE)


@EACH
def test_there_and_back_and_to_a_twin_in_another_style(name, tmp_path):
    MODEL.save_weights(tmp_path / name, **SAVE[name])
    for other in (zeros(network(first="other")), zeros(twin())):
        other.load_weights(tmp_path / name)
        assert other.weights_sha256() == WANTED


@EACH
def test_what_does_not_fit_is_named_or_skipped(name, tmp_path):
    MODEL.save_weights(tmp_path / name, **SAVE[name])
    other = network(use_bias=False)
    before = other.weights_sha256()
    with pytest.raises(ModelFileError, match=rf"{name} holds .* weights"):
        other.load_weights(tmp_path / name)
    assert other.weights_sha256() == before
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        zeros(other).load_weights(tmp_path / name, skip_mismatch=True)
    assert np.array_equal(other.layers[2].kernel, MODEL.layers[2].kernel)


@EACH
def test_by_the_layers_names(name, tmp_path):
    MODEL.save_weights(tmp_path / name, **SAVE[name])
    layers = [tv.layers.Dense(2, name="c"), tv.layers.Dense(3, name="new")]
    other = zeros(tv.Sequential([tv.Input((5,)), *layers]))
    if name == "m.safetensors":  # Its names are places.
        return
    other.load_weights(tmp_path / name, by_name=True)
    assert np.array_equal(other.layers[0].kernel, MODEL.layers[2].kernel)
    assert not np.any(other.layers[1].kernel.numpy())
    wrong = tv.Sequential([tv.Input((4,)), tv.layers.Dense(7, name="a")])
    with pytest.raises(ModelFileError, match=r"the weights of 'a' have the shapes"):
        wrong.load_weights(tmp_path / name, by_name=True)
    wrong.load_weights(tmp_path / name, by_name=True, skip_mismatch=True)


def test_files_have_at_most_a_size_and_are_of_one_saving(tmp_path):
    path = tmp_path / "m.weights.json"
    MODEL.save_weights(path, max_shard_size=SHARD)
    first = sorted(os.listdir(tmp_path))
    assert len(first) == 4  # The list, and a file for each layer.
    MODEL.save_weights(path, max_shard_size=1)
    zeros(network()).load_weights(path)
    old = (tmp_path / "m_00000.weights.h5").read_bytes()
    MODEL.save_weights(path, max_shard_size=1)
    (tmp_path / "m_00000.weights.h5").write_bytes(old)
    with pytest.raises(ModelFileError, match="were not written together"):
        MODEL.load_weights(path)
    with pytest.raises(FileExistsError):
        MODEL.save_weights(path, overwrite=False, max_shard_size=1)
    for name, options in (("m.weights.json", {}), ("m.weights.h5", {"max_shard_size": 1})):
        with pytest.raises(ValueError, match=r"ends in '.weights.json', and `max_shard_size`"):
            MODEL.save_weights(tmp_path / name, **options)


def shards_of_keras(keras):
    with tempfile.TemporaryDirectory() as folder:
        network(keras).save_weights(f"{folder}/m.weights.json", max_shard_size=SHARD)
        said = json.loads(Path(folder, "m.weights.json").read_text())
        files = {}
        for path in sorted(Path(folder).glob("*.h5")):
            with h5py.File(path) as file:
                found = files[path.name] = {}
                file.visititems(
                    lambda k, d, found=found: (
                        found.__setitem__(k, d[()]) if hasattr(d, "shape") else None
                    )
                )
    return {"list": said, "files": files}


def test_several_files_of_keras(tmp_path):
    theirs = recorded(shards_of_keras)
    (tmp_path / "m.weights.json").write_text(json.dumps(theirs["list"]))
    for name, datasets in theirs["files"].items():
        with h5py.File(tmp_path / name, "w") as file:
            for place, value in datasets.items():
                file[place] = value
    other = zeros(network())
    other.load_weights(tmp_path / "m.weights.json")
    assert other.weights_sha256() == WANTED


def loaded_by_keras(keras):
    with tempfile.TemporaryDirectory() as folder:
        network().save_weights(f"{folder}/m.weights.json", max_shard_size=SHARD)
        said = json.loads(Path(folder, "m.weights.json").read_text())
        model = zeros(network(keras))
        model.load_weights(f"{folder}/m.weights.json")
        return {"places": sorted(said["weight_map"]), "weights": model.get_weights()}


def test_several_files_of_ours_in_keras(tmp_path):
    theirs = recorded(loaded_by_keras)
    MODEL.save_weights(tmp_path / "m.weights.json", max_shard_size=SHARD)
    said = json.loads((tmp_path / "m.weights.json").read_text())
    assert sorted(said["weight_map"]) == theirs["places"]
    for mine, weight in zip(MODEL.get_weights(), theirs["weights"], strict=True):
        np.testing.assert_array_equal(mine, weight)


@pytest.mark.parametrize(
    "name", ["../secret.weights.h5", "/etc/passwd", "secret.h5", "a/b.weights.h5", 3]
)
def test_a_list_names_files_beside_it_alone(name, tmp_path):
    path = tmp_path / "m.weights.json"
    path.write_text(json.dumps({"metadata": {}, "weight_map": {"/layers/dense/vars": [name]}}))
    with pytest.raises(UnsafeFileError, match="which is no weight file beside it"):
        MODEL.load_weights(path)


def test_a_list_that_is_none(tmp_path):
    path = tmp_path / "m.weights.json"
    for text in ("[]", '{"weight_map": [1]}', "{", '{"weight_map": {"a": ["x.weights.h5"]}}'):
        path.write_text(text)
        with pytest.raises(ModelFileError, match=r"m\.weights\.json"):
            MODEL.load_weights(path)


def test_other_libraries_read_safetensors(tmp_path):
    MODEL.save_weights(tmp_path / "m.safetensors")
    found = safetensors.numpy.load_file(tmp_path / "m.safetensors")
    assert np.array_equal(found["layers/dense/kernel"], MODEL.layers[0].kernel)
    assert len(found) == len(MODEL.weights)
    safetensors.numpy.save_file(found, tmp_path / "plain.safetensors")  # Without the order.
    other = zeros(network())
    other.load_weights(tmp_path / "plain.safetensors")
    assert other.weights_sha256() == WANTED


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int8", "bool"])
@pytest.mark.parametrize("name", ["m.weights.h5", "m.safetensors"])
def test_large_weights_and_numbers_alone_come_back(name, dtype, tmp_path):
    """Large ones are read past HDF5, several at once; those without axes and without numbers are not."""
    model = tv.Sequential([tv.Input((2,)), tv.layers.Dense(1)])
    rng, more = np.random.default_rng(0), {"trainable": False, "initializer": "zeros"}
    for i, shape in enumerate([(700, 1000), (), (1200, 600), (0, 3)]):
        weight = model.add_weight(shape, dtype=dtype, name=f"w{i}", **more)
        weight.assign(rng.integers(0, 2, shape).astype(dtype))
    model.save_weights(tmp_path / name)
    before = model.weights_sha256()
    for weight in model.weights:
        weight.assign(np.zeros(weight.shape, weight.dtype))
    model.load_weights(tmp_path / name)
    assert model.weights_sha256() == before


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_safetensors_of_half_types(dtype, tmp_path):
    model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2, dtype=dtype)])
    model.save_weights(tmp_path / "m.safetensors")
    other = tv.models.clone_model(model)
    other.load_weights(tmp_path / "m.safetensors")
    assert other.weights_sha256() == model.weights_sha256()


def test_damaged_safetensors(tmp_path):
    path = tmp_path / "m.safetensors"
    MODEL.save_weights(path)
    whole, twin = path.read_bytes(), network()
    chance = np.random.default_rng(0)
    for at in (*range(0, 120), *chance.integers(len(whole), size=60)):
        for data in (whole[:at], whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :]):
            path.write_bytes(data)
            try:
                twin.load_weights(path)
            except ModelFileError as error:
                assert "m.safetensors" in str(error)


def test_a_flipped_bit_in_safetensors(tmp_path):
    """In a tensor it is found, whatever number it makes, and no weight is changed; a file without sums is read."""
    path = tmp_path / "m.safetensors"
    MODEL.save_weights(path)
    whole, twin = path.read_bytes(), network()
    before, begin = twin.weights_sha256(), 8 + int.from_bytes(whole[:8], "little")
    for at in np.random.default_rng(0).integers(begin, len(whole), size=20):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(ModelFileError, match=r"m\.safetensors: '.*' is damaged"):
            twin.load_weights(path)
        assert twin.weights_sha256() == before
    changed = safetensors.numpy.load(whole) | {"layers/dense/bias": np.ones(5, "float32")}
    safetensors.numpy.save_file(changed, path)
    twin.load_weights(path)
    assert np.array_equal(twin.layers[0].bias, np.ones(5))


class Tuned(tv.Model):
    """A layer inside has factors of low rank, which no config says."""

    def __init__(self):
        super().__init__(name="tuned")
        self.dense, self.last = tv.layers.Dense(3, name="dense"), tv.layers.Dense(1, name="last")

    def call(self, inputs):
        return self.last(self.dense(inputs))


def tuned(value=None):
    model, x = Tuned(), np.ones((2, 4), "float32")
    model(x)
    model.dense.enable_lora(2, lora_alpha=3)
    if value is not None:
        rng = np.random.default_rng(value)
        model.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in model.weights])
    return model


@pytest.mark.parametrize("ending", [".weights.h5", ".weights.json", ".safetensors", ".keras"])
def test_factors_of_low_rank_are_kept(ending, tmp_path):
    model, other, path = tuned(1), tuned(), tmp_path / f"m{ending}"
    if ending == ".keras":
        model.compile("adam", "mse")
        model.fit(np.ones((2, 4)), np.ones((2, 1)), verbose=0)
        model.save(path)
        loaded = tv.models.load_model(path, custom_objects={"Tuned": Tuned})
        assert (loaded.dense.lora_rank, loaded.dense.lora_alpha) == (2, 3)
        assert loaded.weights_sha256() == model.weights_sha256()
        for mine, theirs in zip(model.optimizer.variables, loaded.optimizer.variables, strict=True):
            np.testing.assert_array_equal(mine, theirs)
    else:
        model.save_weights(path, max_shard_size=SHARD if ending == ".weights.json" else None)
    for options in ({}, {"by_name": True}, {"skip_mismatch": True}):
        zeros(other).load_weights(path, **options)
        assert other.weights_sha256() == model.weights_sha256()


def test_factors_that_do_not_fit_are_not_made(tmp_path):
    model, path = tuned(1), tmp_path / "m.keras"
    model.save(path)
    with zipfile.ZipFile(path) as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    with io.BytesIO(parts["model.weights.h5"]) as content:
        with h5py.File(content, "r+") as file:
            del file["dense/factors/b"]
            file["dense/factors/b"] = np.ones((5, 3), "float32")
        parts["model.weights.h5"] = content.getvalue()
    with zipfile.ZipFile(path, "w") as whole:
        for name, content in parts.items():
            whole.writestr(name, content)
    with pytest.raises(ModelFileError, match="has no weight for 'tuned/dense/kernel'"):
        tv.models.load_model(path, custom_objects={"Tuned": Tuned})
