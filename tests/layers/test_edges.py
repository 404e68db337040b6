"""Values and gradients of all layers where a formula has its edges: zeros, ties, equal values, one sample, extremes."""

from __future__ import annotations

import inspect
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trivium import layers as L

pytestmark = pytest.mark.optimized  # Edges of floats, in the code that users get.

SHAPES = {1: (1, 3, 4), 2: (1, 4, 4, 2), 3: (1, 2, 2, 2, 2)}
# A layer of each kind that takes floats, for inputs of (1, 3, 4) where nothing else is said: one sample.
LAYERS = {
    "Activation": lambda p: L.Activation("softmax", dtype=p),
    "ReLU": lambda p: L.ReLU(max_value=6.0, negative_slope=0.1, dtype=p),
    "LeakyReLU": lambda p: L.LeakyReLU(dtype=p),
    "ELU": lambda p: L.ELU(dtype=p),
    "PReLU": lambda p: L.PReLU(dtype=p),
    "Softmax": lambda p: L.Softmax(dtype=p),
    "Identity": lambda p: L.Identity(dtype=p),
    "Masking": lambda p: L.Masking(dtype=p),
    "Lambda": lambda p: L.Lambda(jnp.tanh, dtype=p),
    "Dense": lambda p: L.Dense(2, "sigmoid", kernel_initializer="zeros", dtype=p),
    "Attention": lambda p: L.Attention(use_scale=True, dtype=p),
    "AdditiveAttention": lambda p: L.AdditiveAttention(dtype=p),
    "EinsumDense": lambda p: L.EinsumDense(
        "abc,cd->abd", (None, 2), kernel_initializer="zeros", dtype=p
    ),
    "Dot": lambda p: L.Dot(2, normalize=True, dtype=p),
    "BatchNormalization": lambda p: L.BatchNormalization(dtype=p),
    "LayerNormalization": lambda p: L.LayerNormalization(dtype=p),
    "GroupNormalization": lambda p: L.GroupNormalization(2, dtype=p),
    "RMSNormalization": lambda p: L.RMSNormalization(dtype=p),
    "UnitNormalization": lambda p: L.UnitNormalization(dtype=p),
    "Normalization": lambda p: L.Normalization(mean=0.0, variance=0.0, dtype=p),
    "Rescaling": lambda p: L.Rescaling(0.0, 1.0, dtype=p),
    "Discretization": lambda p: L.Discretization([0.0, 1.0], output_mode="count", dtype=p),
    "STFTSpectrogram": lambda p: L.STFTSpectrogram(frame_length=3, dtype=p),
    "MelSpectrogram": lambda p: L.MelSpectrogram(4, 2, num_mel_bins=2, mag_exp=1.0, dtype=p),
    "ActivityRegularization": lambda p: L.ActivityRegularization(0.1, 0.1, dtype=p),
    "Dropout": lambda p: L.Dropout(0.5, seed=1, dtype=p),
    "GaussianDropout": lambda p: L.GaussianDropout(0.5, seed=1, dtype=p),
    "GaussianNoise": lambda p: L.GaussianNoise(0.5, seed=1, dtype=p),
    "AlphaDropout": lambda p: L.AlphaDropout(0.5, seed=1, dtype=p),
    "SimpleRNN": lambda p: L.SimpleRNN(2, "sigmoid", kernel_initializer="zeros", dtype=p),
    "LSTM": lambda p: L.LSTM(2, kernel_initializer="zeros", dtype=p),
    "GRU": lambda p: L.GRU(2, kernel_initializer="zeros", dtype=p),
    "RNN": lambda p: L.RNN(L.GRUCell(2, kernel_initializer="zeros", dtype=p), dtype=p),
    "Bidirectional": lambda p: L.Bidirectional(
        L.SimpleRNN(2, "sigmoid", kernel_initializer="zeros", dtype=p), dtype=p
    ),
    "TimeDistributed": lambda p: L.TimeDistributed(
        L.Dense(2, kernel_initializer="zeros", dtype=p), dtype=p
    ),
    "Flatten": lambda p: L.Flatten(dtype=p),
    "Reshape": lambda p: L.Reshape((-1,), dtype=p),
    "Permute": lambda p: L.Permute((2, 1), dtype=p),
    **{
        name: lambda p, name=name: getattr(L, name)(dtype=p)
        for name in ("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract")
    },
    **{
        f"{name}{rank}D": lambda p, kind=f"{name}{rank}D", kwargs=kwargs: getattr(L, kind)(
            dtype=p, **kwargs
        )
        for rank in SHAPES
        for name, kwargs in (
            ("Conv", {"filters": 2, "kernel_size": 2, "kernel_initializer": "zeros"}),
            ("MaxPooling", {"padding": "same"}),
            ("AveragePooling", {"padding": "same"}),
            ("GlobalMaxPooling", {}),
            ("GlobalAveragePooling", {}),
            ("SpatialDropout", {"rate": 0.5, "seed": 1}),
            ("ZeroPadding", {}),
            ("Cropping", {"cropping": ((0, 1),) + (0,) * (rank - 1) if rank > 1 else (0, 1)}),
            ("UpSampling", {}),
            ("AdaptiveMaxPooling", {"output_size": 2}),
            ("AdaptiveAveragePooling", {"output_size": 2}),
        )
    },
    **{
        name: lambda p, name=name, kwargs=kwargs: getattr(L, name)(kernel_size=2, dtype=p, **kwargs)
        for name, kwargs in (
            ("Conv1DTranspose", {"filters": 2, "kernel_initializer": "zeros"}),
            ("Conv2DTranspose", {"filters": 2, "kernel_initializer": "zeros"}),
            ("Conv3DTranspose", {"filters": 2, "kernel_initializer": "zeros"}),
            ("DepthwiseConv1D", {"depthwise_initializer": "zeros"}),
            ("DepthwiseConv2D", {"depthwise_initializer": "zeros"}),
            ("SeparableConv1D", {"filters": 2, "pointwise_initializer": "zeros"}),
            ("SeparableConv2D", {"filters": 2, "pointwise_initializer": "zeros"}),
            *(
                (f"ConvLSTM{rank}D", {"filters": 2, "kernel_initializer": "zeros"})
                for rank in SHAPES
            ),
        )
    },
}
OTHERS = {
    "FlaxLayer", "JaxLayer", "SpectralNormalization", "TFSMLayer", "TorchModuleWrapper",
    "GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells",
    "RepeatVector", "CategoryEncoding", "Embedding", "GroupedQueryAttention", "InputLayer", "Layer",
    "MultiHeadAttention", "Pipeline", "ReversibleEmbedding", "Wrapper",
}  # fmt: skip
MERGES = {
    "Add", "AdditiveAttention", "Attention", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply",
    "Subtract",
}  # fmt: skip


KINDS = [k for k in map(L.__dict__.get, L.__all__) if inspect.isclass(k) and issubclass(k, L.Layer)]


def test_every_layer_is_at_the_edges():
    # Tested in images/, and in `test_words.py`: these take text, or whole numbers.
    elsewhere = L.images.BaseImagePreprocessingLayer, L.HostLayer
    assert set(LAYERS) | OTHERS == {k.__name__ for k in KINDS if not issubclass(k, elsewhere)}


def at_the_edges(name, values, policy, layer=None):
    """Return the outputs and the gradients for inputs that hold one value each, and for one of ties."""
    shape = SHAPES[next(map(int, filter(str.isdigit, name)), 1)]
    if name.startswith("ConvLSTM"):
        shape = (1, 2, *shape[1:])
    inputs = np.stack([np.full(shape, v, "float32") for v in values])
    mixed = np.resize([values[0], values[-1], values[-1]], shape).astype("float32")
    inputs = np.concatenate([inputs, mixed[None]])
    layer = layer or LAYERS[name](policy)
    pair = name in MERGES
    layer.build([shape] * 2 if pair else shape)
    options = {"training": True} if "training" in inspect.signature(layer.call).parameters else {}
    values = (
        [v.value for v in vs] for vs in (layer.trainable_variables, layer.non_trainable_variables)
    )
    weights, state = values

    def total(weights, x):
        x = x.astype(layer.compute_dtype)
        y, _, losses = layer.stateless_call(
            weights, state, [x, x] if pair else x, return_losses=True, **options
        )
        y = y.astype("float32")
        factors = np.cos(np.arange(y.size)).reshape(y.shape)
        return jnp.sum(y * factors) + sum(losses), y

    run = jax.vmap(jax.value_and_grad(total, (0, 1), has_aux=True), (None, 0))
    # It runs once: what costs is compiling with care for speed.
    quickly = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
    program = jax.jit(run).lower(weights, inputs).compile(compiler_options=quickly)
    (_, outputs), gradients = program(weights, inputs)
    return outputs, gradients


@pytest.mark.parametrize("name", LAYERS)
def test_values_and_gradients_are_finite(name):
    """Zeros and ties, ones, numbers whose squares are 0 in float32."""
    for leaf in jax.tree_util.tree_leaves(at_the_edges(name, (0.0, 1.0, 1e-30), None)):
        assert np.isfinite(leaf).all()


# Sums, products and multiples of the largest number of a type are infinite in it, as is 1 over the smallest.
OVERFLOW = {
    "AdditiveAttention", "Attention",
    "Add", "Subtract", "Multiply", "Dot", "Normalization", "ActivityRegularization", "Dropout", "SpatialDropout1D",
    "SpatialDropout2D", "SpatialDropout3D", "GaussianDropout", "AlphaDropout", "PReLU", "MelSpectrogram",
    "STFTSpectrogram", "UnitNormalization", "Conv2DTranspose", "Conv3DTranspose", "SeparableConv1D", "SeparableConv2D",
}  # fmt: skip


@pytest.mark.parametrize("name", [n for n in LAYERS if n not in OVERFLOW])
def test_the_extremes_of_float16(name):
    outputs, gradients = at_the_edges(name, (65504.0, -65504.0, 6e-8), "mixed_float16")
    for leaf in jax.tree_util.tree_leaves((outputs, gradients)):
        assert np.isfinite(leaf).all()


@pytest.mark.parametrize("name", ["ReLU", "LeakyReLU", "ELU", "Identity", "Lambda"])
def test_slopes_at_infinity_are_numbers(name):
    outputs, gradients = at_the_edges(name, (math.inf, -math.inf), None)
    assert not np.isnan(outputs).any() and not np.isnan(gradients[1]).any()


MASKED = {
    "AdditiveAttention": L.AdditiveAttention,
    "Attention": lambda: L.Attention(use_scale=True, score_mode="concat"),
    "BatchNormalization": L.BatchNormalization,
    "GlobalAveragePooling1D": L.GlobalAveragePooling1D,
    "Softmax": L.Softmax,
    "SimpleRNN": lambda: L.SimpleRNN(4, return_sequences=True),
    "LSTM": lambda: L.LSTM(4, return_sequences=True),
    "GRU": lambda: L.GRU(4, return_sequences=True, go_backwards=True),
    "RNN": lambda: L.RNN([L.GRUCell(3), L.LSTMCell(4)], return_sequences=True),
    "Bidirectional": lambda: L.Bidirectional(L.SimpleRNN(2, return_sequences=True)),
    "Maximum": L.Maximum,
    "Minimum": L.Minimum,
    "Multiply": L.Multiply,
}


def test_all_layers_that_take_a_mask_are_here():
    takes = {k.__name__ for k in KINDS if "mask" in inspect.signature(k.call).parameters}
    # What a layer called on each step makes of it is that layer's.
    others = {"Lambda", "Pipeline", "TimeDistributed", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"}
    assert takes == set(MASKED) | others


@pytest.mark.parametrize("name", MASKED)
def test_what_is_masked_may_be_anything(name):
    """The rest, its slopes and the layer's state are what they are with zeros there; a row may be masked as a whole."""
    layer, pair = MASKED[name](), name in MERGES
    layer.build([(3, 3, 4)] * 2 if pair else (3, 3, 4))
    steps = np.array([[True, True, False], [False, True, True], [False, False, False]])
    mask = np.broadcast_to(steps[..., None], (3, 3, 4)) if name == "Softmax" else steps
    x = np.random.default_rng(0).normal(size=(3, 3, 4)).astype("float32")
    options = {"training": True} if name == "BatchNormalization" else {}
    weights = [v.value for v in layer.trainable_variables]
    state = [v.value for v in layer.non_trainable_variables]

    def total(weights, x):
        inputs, masks = ([x, jnp.ones_like(x)], [mask, None]) if pair else (x, mask)
        y, after = layer.stateless_call(weights, state, inputs, mask=masks, **options)
        counted = (
            y if name == "GlobalAveragePooling1D" or pair else jnp.where(steps[..., None], y, 0)
        )
        return jnp.sum(counted * np.arange(1.0, 5.0)), (counted, after)

    run = jax.jit(jax.value_and_grad(total, (0, 1), has_aux=True))
    # What batch normalization gives has the other steps too, as in Keras, so they must be numbers.
    anything = (7.0, -300.0) if name == "BatchNormalization" else (np.inf, np.nan)
    results = [run(weights, np.where(steps[..., None], x, v)) for v in (0.0, *anything)]
    leaves = [jax.tree_util.tree_leaves(r) for r in results]
    for zero, *others in zip(*leaves, strict=True):
        assert np.isfinite(zero).all()
        assert all(np.array_equal(zero, other) for other in others)
    slopes = results[0][1][1]
    assert not np.asarray(slopes)[~steps].any()
