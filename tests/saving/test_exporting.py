import json
import subprocess
import sys
import zipfile

import jax
import numpy as np
import pytest

import trivium as tv
from trivium.export import ExportArchive, load_exported
from trivium.saving import ModelFileError, UnsafeFileError

X = np.random.default_rng(0).normal(size=(5, 8, 8, 2)).astype("float32")


def functional():
    a = tv.Input((8, 8, 2), name="a")
    x = tv.layers.Conv2D(3, 3, strides=2, activation="relu")(a)
    x = tv.layers.MaxPooling2D(2)(tv.layers.BatchNormalization()(x))
    x = tv.layers.Dropout(0.5)(tv.layers.Flatten()(x))
    return tv.Model(a, {"class": tv.layers.Dense(4, "softmax")(x), "size": x})


class Two(tv.Model):
    """Several inputs in a dict, a loop over ops, no `Input` anywhere."""

    def __init__(self):
        super().__init__()
        self.embed, self.dense = tv.layers.Embedding(7, 4, mask_zero=True), tv.layers.Dense(4)

    def call(self, inputs, training=False):
        words = tv.ops.mean(self.embed(inputs["words"]), axis=1)
        return self.dense(inputs["rows"]) * words + (1.0 if training else 0.0)


def test_a_program_gives_what_the_model_gives_for_any_batch(tmp_path, capsys):
    model = functional()
    model.export(tmp_path / "m.stablehlo")
    assert "serve(float32[batch, 8, 8, 2])" in capsys.readouterr().out
    loaded = load_exported(tmp_path / "m.stablehlo")
    for batch in (1, 5):
        ours, theirs = model(X[:batch]), loaded(X[:batch])
        assert list(theirs) == list(ours)
        for name in ours:
            np.testing.assert_allclose(theirs[name], ours[name], rtol=1e-5, atol=1e-6)
    assert loaded.endpoints == {"serve": ["float32[batch, 8, 8, 2]"]}


def test_open_lengths_and_inputs_by_name(tmp_path):
    model = Two()
    rows, words = np.ones((3, 2), "float32"), np.array([[1, 2, 0]] * 3)
    model({"words": words, "rows": rows})
    signature = [{"words": tv.Input((None,), dtype="int32"), "rows": tv.Input((2,))}]
    model.export(tmp_path / "m", verbose=False, input_signature=signature)
    loaded = load_exported(tmp_path / "m")
    for length in (3, 6):
        given = {"words": np.arange(2 * length).reshape(2, length) % 7, "rows": rows[:2]}
        np.testing.assert_allclose(loaded(given), model(given), rtol=1e-5, atol=1e-6)


def test_a_recurrent_and_an_attentive_model(tmp_path):
    a = tv.Input((6, 4))
    x = tv.layers.Bidirectional(tv.layers.LSTM(3, return_sequences=True))(a)
    x = tv.layers.MultiHeadAttention(2, 3)(x, x, use_causal_mask=True)
    model = tv.Model(a, tv.layers.GRU(2)(x))
    model.export(tmp_path / "m", verbose=False)
    given = np.random.default_rng(1).normal(size=(3, 6, 4)).astype("float32")
    np.testing.assert_allclose(
        load_exported(tmp_path / "m")(given), model(given), rtol=1e-5, atol=1e-6
    )


def test_several_endpoints_share_their_variables(tmp_path):
    model = functional()
    inner = tv.Model(model.input, model.output["size"])
    archive = ExportArchive()
    archive.add_endpoint("serve", model)
    archive.add_endpoint("features", lambda x: inner(x), [tv.Input((8, 8, 2))])
    with pytest.raises(ValueError, match="no other one has"):
        archive.add_endpoint("serve", model)
    archive.write_out(tmp_path / "m", verbose=False)
    assert len(archive.variables) == len(model.weights)
    loaded = load_exported(tmp_path / "m")
    np.testing.assert_allclose(loaded.features(X), model(X)["size"], rtol=1e-5, atol=1e-6)
    with pytest.raises(KeyError, match="serve, features, not 'train'"):
        loaded.run("train", X)
    with pytest.raises(AttributeError):
        loaded.other  # noqa: B018
    with pytest.raises(ValueError, match="nothing to export"):
        ExportArchive().write_out(tmp_path / "n")


def test_no_layer_is_needed_to_run_it(tmp_path):
    model = functional()
    model.export(tmp_path / "m", verbose=False)
    np.save(tmp_path / "x.npy", X)
    code = f"""
import sys, numpy as np
from trivium.saving.exporting import load_exported
out = load_exported(r"{tmp_path / "m"}")(np.load(r"{tmp_path / "x.npy"}"))
np.save(r"{tmp_path / "y.npy"}", out["class"])
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), model(X)["class"], rtol=1e-5, atol=1e-6)


def test_what_cannot_be_exported_says_so(tmp_path):
    with pytest.raises(ValueError, match=r"stablehlo.*onnx.*'tf_saved_model'"):
        functional().export(tmp_path / "m", format="tf_saved_model")
    with pytest.raises(ValueError, match="not built"):
        tv.Sequential([tv.layers.Dense(2)]).export(tmp_path / "m")
    with pytest.raises(TypeError, match="input_signature"):
        ExportArchive().add_endpoint("serve", lambda x: x)
    with pytest.raises(TypeError, match="wanted an Input"):
        ExportArchive().add_endpoint("serve", lambda x: x, [3])


def test_damaged_and_hostile_files_are_refused(tmp_path):
    model = tv.Sequential([tv.Input((3,)), tv.layers.Dense(2)])
    model.export(tmp_path / "m", verbose=False)
    whole = (tmp_path / "m").read_bytes()
    with pytest.raises(FileNotFoundError):
        load_exported(tmp_path / "none")
    chance = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[chance.integers(len(whole))] ^= 1 << int(chance.integers(8))
        (tmp_path / "d").write_bytes(damaged)
        try:
            load_exported(tmp_path / "d")
        except ModelFileError as error:
            assert "damaged" in str(error)

    # A program that calls something of the process, a Python function at an address say, is not even compiled.
    def hostile(values, x):
        return jax.ffi.ffi_call("some_python_callback", jax.ShapeDtypeStruct((2,), "float32"))(x)

    checks = [jax.export.DisabledSafetyCheck.custom_call("some_python_callback")]
    spec = jax.ShapeDtypeStruct((2,), "float32")
    program = jax.export.export(jax.jit(hostile), disabled_checks=checks)([], spec)
    entry = {"name": "serve", "variables": [], "inputs": []}
    said = {"format": 1, "endpoints": [entry], "arrays": [], "paths": []}
    with zipfile.ZipFile(tmp_path / "bad", "w") as file:
        file.writestr("export.json", json.dumps(said))
        file.writestr("endpoints/serve", bytes(program.serialize()))
    with pytest.raises(UnsafeFileError, match="some_python_callback"):
        load_exported(tmp_path / "bad")
