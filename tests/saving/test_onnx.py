"""ONNX files: onnxruntime gives the model's outputs, for open batches and lengths; else there is no file."""

from __future__ import annotations

import importlib.util

import jax
import numpy as np
import onnxruntime
import pytest

import trivium as tv
from trivium import layers as L
from trivium.saving import onnx

RNG = np.random.default_rng(0)


def images():
    a = tv.Input((8, 9, 2), name="a")
    x = L.Conv2D(3, 3, strides=2, activation="relu", padding="same")(a)
    x = L.MaxPooling2D(2, padding="same")(L.BatchNormalization()(x))
    x = L.Conv2DTranspose(4, 3, strides=2, padding="same")(L.ZeroPadding2D(((1, 0), (2, 1)))(x))
    x = L.SeparableConv2D(4, 2)(L.DepthwiseConv2D(2, dilation_rate=2)(x))
    x = L.Dropout(0.5)(L.Flatten()(L.UpSampling2D()(L.AveragePooling2D()(x))))
    return tv.Model(a, {"class": L.Dense(4, "softmax")(x), "size": x}, name="images")


def sequences():
    words = tv.Input((None,), dtype="int32", name="words")
    x = L.Bidirectional(L.LSTM(3, return_sequences=True))(L.Embedding(7, 4, mask_zero=True)(words))
    x = L.LayerNormalization()(x + L.MultiHeadAttention(2, 3)(x, x))
    x = L.Conv1D(4, 2, padding="causal", activation="gelu")(x)
    return tv.Model(words, L.GRU(2, go_backwards=True)(x), name="sequences")


class Several(tv.Model):
    """Inputs by name, ops, and a size in Python."""

    def __init__(self):
        super().__init__()
        self.dense = L.Dense(3, "tanh")

    def call(self, inputs):
        rows = self.dense(inputs["rows"]) * inputs["scale"]
        return tv.ops.sort(rows, axis=-1), tv.ops.sum(rows, axis=-1) / rows.shape[-1]


def several():
    model = Several()
    model({"rows": np.ones((2, 4), "float32"), "scale": np.ones((2, 1), "float32")})
    return model


def given(batch):
    words = RNG.integers(0, 7, (batch, batch + 2)).astype("int32")
    return {
        "images": {"a": RNG.normal(size=(batch, 8, 9, 2)).astype("float32")},
        "sequences": {"words": words},
        "several": {
            "rows": RNG.normal(size=(batch, 4)).astype("float32"),
            "scale": RNG.normal(size=(batch, 1)).astype("float32"),
        },
    }


@pytest.mark.parametrize("make", [images, sequences, several], ids=lambda f: f.__name__)
def test_onnxruntime_gives_what_the_model_gives(make, tmp_path, capsys):
    model = make()
    model.export(tmp_path / "m.onnx", format="onnx")
    assert "[batch, " in capsys.readouterr().out
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    for batch in (1, 5):
        inputs = given(batch)[make.__name__]
        # One program, where a call compiles each operation.
        ours = model.predict_on_batch(inputs if len(inputs) > 1 else next(iter(inputs.values())))
        for x, y in zip(jax.tree_util.tree_leaves(ours), session.run(None, inputs), strict=True):
            np.testing.assert_allclose(y, x, rtol=1e-4, atol=1e-5)


def test_what_the_converter_does_not_know_is_said(tmp_path):
    model = tv.Sequential([tv.Input((4, 4, 4, 1)), L.Conv3D(2, 2)], name="volumes")
    with pytest.raises(
        NotImplementedError, match=r"'volumes' cannot be written as ONNX.*stablehlo"
    ):
        model.export(tmp_path / "m.onnx", format="onnx")
    assert not list(tmp_path.iterdir())


def test_a_file_that_gives_other_numbers_is_not_written(tmp_path, monkeypatch):
    (tmp_path / "m.onnx").write_text("before")
    model = tv.Sequential([tv.Input((3,)), L.Dense(2, "relu")], name="small")
    monkeypatch.setattr(onnx, "_TOLERANCE", -1.0)
    with pytest.raises(ValueError, match=r"'small' cannot be written.*differ from the model's"):
        model.export(tmp_path / "m.onnx", format="onnx", verbose=False)
    assert (tmp_path / "m.onnx").read_text() == "before"


def test_missing_packages_are_named(tmp_path, monkeypatch):
    model = tv.Sequential([tv.Input((3,)), L.Dense(2)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"jax2onnx and onnxruntime.*trivium\[onnx\]"):
        model.export(tmp_path / "m.onnx", format="onnx")


def test_jax_is_left_as_it_was(tmp_path):
    before = dict(vars(jax.numpy))
    tv.Sequential([tv.Input((3,)), L.Dense(2)]).export(tmp_path / "m", "onnx", verbose=False)
    assert [n for n, value in before.items() if vars(jax.numpy)[n] is not value] == []
