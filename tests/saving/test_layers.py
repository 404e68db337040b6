"""Every layer in files from and to the real Keras: a group of layers is one model, a row of the contract's for each."""

import importlib.util
import io
import sys
import tempfile
from pathlib import Path

import jax
import numpy as np
import pytest
from archives import archive_of, digest, parts, saved
from oracle import recorded

import trivium as tv

# Keras's own `Variable.numpy` warns under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

# A new layer goes into a group, which is then recorded anew. (`Lambda` is in test_models.py and test_attacks.py.)
GROUPS = {
    "activations": "Activation ReLU LeakyReLU ELU PReLU Softmax Identity Masking ActivityRegularization",
    "dense": "Dense EinsumDense Embedding Add Multiply Average Maximum Minimum Subtract Concatenate Dot",
    "attention": "Attention AdditiveAttention ReversibleEmbedding MultiHeadAttention GroupQueryAttention",
    "recurrent": "SimpleRNN LSTM GRU RNN Bidirectional TimeDistributed ConvLSTM1D ConvLSTM2D ConvLSTM3D",
    "convolutions": "Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose DepthwiseConv1D "
    "DepthwiseConv2D SeparableConv1D SeparableConv2D",
    "normalizations": "BatchNormalization LayerNormalization GroupNormalization RMSNormalization UnitNormalization "
    "Normalization Rescaling",
    "pooling": "MaxPooling1D MaxPooling2D MaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D "
    "GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GlobalAveragePooling1D GlobalAveragePooling2D "
    "GlobalAveragePooling3D AdaptiveMaxPooling2D AdaptiveAveragePooling2D",
    "shapes": "Flatten Reshape Permute RepeatVector ZeroPadding1D ZeroPadding2D ZeroPadding3D Cropping1D Cropping2D "
    "Cropping3D UpSampling1D UpSampling2D UpSampling3D",
    "noise": "Dropout AlphaDropout GaussianDropout GaussianNoise SpatialDropout1D SpatialDropout2D SpatialDropout3D",
}
EACH = pytest.mark.parametrize("group", GROUPS)


def _contract():
    path = Path(__file__).parents[1] / "layers" / "test_contract.py"
    spec = importlib.util.spec_from_file_location("contract_rows", path)
    module = sys.modules["contract_rows"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CONTRACT = _contract()
# Layers of several arguments have no row in the contract.
HEADED = [
    CONTRACT.row("MultiHeadAttention", [(2, 5, 4), (2, 6, 4)], num_heads=2, key_dim=3, use_gate=True),
    CONTRACT.row(
        "GroupQueryAttention", [(2, 5, 4), (2, 6, 4)],
        head_dim=3, num_query_heads=4, num_key_value_heads=2, use_gate=True,
    ),
]  # fmt: skip
ROWS = {case.layer: case for case in reversed([*CONTRACT.NAMED, *HEADED])}


def model(lib, rows):
    """Return a model of one layer a row, each on inputs of its own, with weights that follow from a seed."""
    lib.backend.clear_session()
    inputs, outputs = [], []
    for i, (layer, shapes, given, ids, kwargs) in enumerate(rows):
        mine = [
            lib.Input(shape[1:], dtype="int32" if ids else "float32", name=f"in_{i}_{j}")
            for j, shape in enumerate(shapes)
        ]
        inside = {k: v.made(lib) for k, v in kwargs.items() if hasattr(v, "made")}
        made = getattr(lib.layers, layer)(**{**kwargs, **inside, "name": f"layer_{i}"})
        inputs += mine
        outputs.append(made(mine) if given == "list" else made(*mine))
    whole = lib.Model(inputs, outputs, name="net")
    rng = np.random.default_rng(0)
    whole.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in whole.weights])
    for layer in whole.layers:
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()  # Keras's Normalization works with copies of its weights.
    return whole


def rows_of(group):
    cases = [ROWS[name] for name in GROUPS[group].split()]
    lists = [c for c in cases if isinstance(c.shape, list) and c not in HEADED]
    rows = [(c.layer, c.shapes, "list" if c in lists else "", c.ids, c.kwargs) for c in cases]
    return rows, [x for c in cases for x in c.inputs]


def outputs(whole, inputs):
    return [np.asarray(y) for y in jax.tree_util.tree_leaves(whole(inputs))]


def written_by_keras(keras, rows, inputs):
    whole = model(keras, rows)
    return {**parts(saved(whole)), "outputs": outputs(whole, inputs)}


def loaded_by_keras(keras, rows, inputs):
    file = saved(model(tv, rows))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "m.keras").write_bytes(file)
        whole = keras.saving.load_model(f"{folder}/m.keras")
    return {"file": digest(file), "outputs": outputs(whole, inputs)}


def assert_close(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@EACH
def test_layers_in_a_file_of_keras(group):
    rows, inputs = rows_of(group)
    theirs = recorded(lambda keras: written_by_keras(keras, rows, inputs))
    file = archive_of(theirs["config"], theirs["weights"], theirs["names"])
    assert_close(outputs(tv.models.load_model(file), inputs), theirs["outputs"])


@EACH
def test_layers_in_a_file_of_ours(group):
    rows, inputs = rows_of(group)
    theirs = recorded(lambda keras: loaded_by_keras(keras, rows, inputs))
    whole = model(tv, rows)
    file = saved(whole)
    assert digest(file) == theirs["file"], (
        "This is another file than Keras was asked about: record anew."
    )
    mine = outputs(whole, inputs)
    assert_close(mine, theirs["outputs"])
    again = outputs(tv.models.load_model(io.BytesIO(file)), inputs)
    assert all(map(np.array_equal, mine, again))
