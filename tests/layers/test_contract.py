"""Every layer against the real Keras: one table of cases, and what must hold for each of them.

A new layer gets a row (several, for the important arguments) and needs no other test of its numbers here.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import functools
import importlib
import inspect
import json
import pickle
import warnings
import zlib
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from configs import check_config
from oracle import both, recorded

import trivium as tv
from trivium import layers
from trivium.layers.images import BaseImagePreprocessingLayer
from trivium.state.masks import get_mask, set_mask
from trivium.testing.control import WAYS, in_turn


@dataclasses.dataclass(eq=False)
class Case:
    """A layer class, its arguments, and the shape of its input, or the shapes of a list of inputs."""

    layer: str
    shape: Any
    ids: int  # The inputs are whole numbers below this; 0 for floats.
    noisy: bool  # What it does while training is random.
    kwargs: dict[str, Any]

    def __str__(self):
        said = ",".join(f"{k}={getattr(v, '__name__', v)}" for k, v in self.kwargs.items())
        kind = "-whole" if self.ids else ""
        return f"{self.layer}({said})-{self.shape}{kind}".replace(" ", "")

    @functools.cached_property
    def trains(self):
        """Whether Keras's layer does something else while training."""
        name = self.layer
        return recorded(
            lambda keras: "training" in parameters(getattr(keras.layers, name).call),
            f"{name} trains",
        )

    @property
    def shapes(self):
        return self.shape if isinstance(self.shape, list) else [self.shape]

    def like(self, values):
        """Return one value, or a list of them for a layer of a list of inputs."""
        return list(values) if isinstance(self.shape, list) else next(iter(values))

    @functools.cached_property
    def inputs(self):
        rng = np.random.default_rng(zlib.crc32(str(self).encode()))
        if self.ids:
            return [rng.integers(self.ids, size=s).astype("int32") for s in self.shapes]
        return [rng.normal(size=s).astype("float32") for s in self.shapes]

    @functools.cached_property
    def ours(self):
        """Our layer, with the weights that Keras's has too."""
        return self.built(tv)

    def built(self, library, **more):
        layer = self.made(library, **more)
        with undrawn(library):
            layer.build(self.like(self.shapes))
        rng = np.random.default_rng(0)
        layer.set_weights([rng.uniform(0.5, 1.5, w.shape).astype("float32") for w in layer.weights])
        if library is not tv and hasattr(layer, "finalize_state"):
            layer.finalize_state()  # Keras's Normalization works with copies of its weights.
        return layer

    def made(self, library, **more):
        return getattr(library.layers, self.layer)(**{"name": "layer", **self.kwargs, **more})

    def compared(self, use, what):
        """Return what `use(library, layer, case)` gives with ours and, as recorded, with Keras's."""
        theirs = recorded(lambda keras: use(keras, self.built(keras), self), f"{self} {what}")
        return use(tv, self.ours, self), theirs

    @functools.cached_property
    def modes(self):
        """`(training, our results, Keras's)`, for inference and, where it is something else, for training."""
        modes = (False, True) if self.trains else (False,)
        both = self.compared(functools.partial(results, self.trains), "results")
        return list(zip(modes, *both, strict=True))


def parameters(function):
    return dict(inspect.signature(function).parameters)


@contextlib.contextmanager
def undrawn(library):
    """Keras's first weights are zeros: they are set afterwards, and drawing them would take most of the time."""
    kinds = library.initializers.VarianceScaling, library.initializers.RandomUniform
    with contextlib.ExitStack() as stack:
        for kind in () if library is tv else kinds:
            zeros = mock.patch.object(
                kind, "__call__", lambda self, shape, dtype=None: np.zeros(shape)
            )
            stack.enter_context(zeros)
        yield


def compiled(function, *args):
    """Run a function as one program that is compiled without care for its speed, since it runs once."""
    options = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
    return jax.jit(function).lower(*args).compile(compiler_options=options)(*args)


def results(trains, library, layer, case):
    """Return `(score, (outputs, losses, state after)), gradients` for each mode."""
    floats = [i for i, x in enumerate(case.inputs) if x.dtype == "float32"]

    def run(said, values, arrays):
        inputs = list(case.inputs)
        for i, array in zip(floats, arrays, strict=True):
            inputs[i] = array
        mapping = list(zip(layer.trainable_variables, values, strict=True))
        with library.StatelessScope(mapping, collect_losses=True) as scope:
            outputs = layer(case.like(map(jnp.asarray, inputs)), **said)
        penalties = [w.regularizer(x) for w, x in mapping if w.regularizer is not None]
        loss = jnp.asarray(sum(scope.losses + penalties), "float32")
        after = [scope.get_current_value(v) for v in layer.non_trainable_weights]
        # Weighted, so that an output that adds up to a constant has a gradient too.
        factors = np.cos(np.arange(outputs.size)).reshape(outputs.shape)
        return jnp.sum(factors * outputs) + loss, (outputs, loss, after)

    def both(values, arrays):
        modes = [{"training": False}, {"training": True}] if trains else [{}]
        return [
            jax.value_and_grad(functools.partial(run, said), (0, 1), has_aux=True)(values, arrays)
            for said in modes
        ]

    return compiled(
        both, [v.value for v in layer.trainable_variables], [case.inputs[i] for i in floats]
    )


def row(layer, shape, ids=0, noisy=False, **kwargs):
    return Case(layer, shape, ids, noisy, kwargs)


@dataclasses.dataclass
class Inner:
    """A layer among another one's arguments, which is made by the same library."""

    layer: str
    kwargs: dict[str, Any]

    def __str__(self):
        return f"{self.layer}({self.kwargs})"

    def made(self, library, **more):
        return getattr(library.layers, self.layer)(**self.kwargs, **more)


class Around(Case):
    """A layer around others."""

    def made(self, library, **more):
        dtype = {k: more[k] for k in ("dtype",) if k in more}
        kwargs = {
            k: v.made(library, **dtype) if isinstance(v, Inner) else v
            for k, v in self.kwargs.items()
        }
        return getattr(library.layers, self.layer)(**{"name": "layer", **kwargs, **more})


def around(layer, shape, /, **kwargs):
    return Around(layer, shape, 0, False, kwargs)


def inner(layer, **kwargs):
    return Inner(layer, {"name": "inner", **kwargs})


VECTOR, SEQUENCE, IMAGE, VOLUME = (2, 6), (2, 5, 4), (2, 6, 5, 4), (2, 4, 5, 3, 4)
OF_RANK = {1: SEQUENCE, 2: IMAGE, 3: VOLUME}
FIRST = {"data_format": "channels_first"}
# Keras draws no orthogonal kernel in bfloat16.
EASY = {"recurrent_initializer": "glorot_uniform"}

CASES = [
    row("Activation", VECTOR, activation="relu"),
    row("Activation", VECTOR, activation="softmax"),
    row("Activation", VECTOR, activation=None),
    row("ReLU", VECTOR),
    row("ReLU", VECTOR, max_value=0.5, negative_slope=0.2, threshold=0.1),
    row("LeakyReLU", VECTOR),
    row("LeakyReLU", VECTOR, negative_slope=0.1),
    row("ELU", VECTOR),
    row("ELU", VECTOR, alpha=0.5),
    row("PReLU", IMAGE),
    row("PReLU", IMAGE, shared_axes=[1, 2], alpha_initializer="ones", alpha_regularizer="l2"),
    row("PReLU", VECTOR, shared_axes=1, alpha_constraint="non_neg"),
    row("Softmax", SEQUENCE),
    row("Softmax", SEQUENCE, axis=1),
    row("Softmax", SEQUENCE, axis=[1, 2]),
    row("Identity", SEQUENCE),
    row("Masking", SEQUENCE),
    row("Lambda", VECTOR, function=jnp.sin),
    row("Lambda", SEQUENCE, function=lambda x, n: x * n, arguments={"n": 3}),
    row("Dense", VECTOR, units=3),
    row("Dense", SEQUENCE, units=3, activation="relu", use_bias=False),
    row("Dense", (2, 3, 5, 4), units=3, activation="tanh"),
    row(
        "Dense", VECTOR, units=3,
        kernel_initializer="he_normal", kernel_regularizer="l2", kernel_constraint="non_neg",
        bias_initializer="ones", bias_regularizer="l2", bias_constraint="unit_norm",
        activity_regularizer="l2",
    ),
    row("Dense", VECTOR, ids=9, units=3),
    row("EinsumDense", SEQUENCE, equation="abc,bcde->ade", output_shape=(3, 2), bias_axes="d"),
    row("EinsumDense", SEQUENCE, equation="ab...,bc->ac...", output_shape=[3], bias_axes="c", activation="tanh"),
    row(
        "EinsumDense", VECTOR, equation="...x,xy->...y", output_shape=3, bias_axes="y",
        kernel_initializer="he_normal", kernel_regularizer="l2", kernel_constraint="non_neg",
        bias_initializer="ones", bias_regularizer="l2", bias_constraint="unit_norm",
        activity_regularizer="l2",
    ),
    row("Embedding", (2, 5), ids=7, input_dim=7, output_dim=3),
    row("Embedding", (2, 5, 2), ids=7, input_dim=7, output_dim=3, embeddings_regularizer="l2"),
    row("Embedding", (2, 5), ids=3, input_dim=7, output_dim=3, mask_zero=True, embeddings_initializer="ones"),
    row(
        "Embedding", (2, 5), ids=3, input_dim=7, output_dim=3,
        embeddings_constraint="non_neg", activity_regularizer="l2",
    ),
    row(
        "ReversibleEmbedding", (2, 5), ids=7, input_dim=7, output_dim=3, embeddings_regularizer="l2",
        reverse_dtype="float32", logit_soft_cap=3.0, embeddings_constraint="non_neg",
    ),
    row("ReversibleEmbedding", (2, 5), ids=7, input_dim=7, output_dim=3, tie_weights=False, mask_zero=True),
    # -- attention; that of several heads has several arguments: test_multi_head_attention.py
    row("Attention", [SEQUENCE, (2, 6, 4)]),
    row("Attention", [SEQUENCE, (2, 6, 3), (2, 6, 4)], use_scale=True, noisy=True, dropout=0.3, seed=2),
    row("Attention", [SEQUENCE, (2, 6, 4)], use_scale=True, score_mode="concat"),
    row("AdditiveAttention", [SEQUENCE, (2, 6, 4)]),
    row("AdditiveAttention", [SEQUENCE, (2, 6, 3), (2, 6, 4)], use_scale=False),
    # -- convolutions
    row("Conv1D", SEQUENCE, filters=3, kernel_size=2),
    row("Conv1D", SEQUENCE, filters=3, kernel_size=3, padding="same", strides=2, activation="relu"),
    row("Conv1D", SEQUENCE, filters=3, kernel_size=2, padding="causal", dilation_rate=2),
    row("Conv1D", (2, 4, 5), filters=4, kernel_size=2, groups=2, use_bias=False, **FIRST),
    row("Conv1D", (2, 4, 5), filters=2, kernel_size=2, padding="causal", **FIRST),
    row("Conv2D", IMAGE, filters=3, kernel_size=3),
    row("Conv2D", IMAGE, filters=3, kernel_size=(3, 2), padding="same", strides=2, activation="relu"),
    row("Conv2D", IMAGE, filters=3, kernel_size=2, dilation_rate=(2, 1), padding="same"),
    row("Conv2D", IMAGE, filters=4, kernel_size=2, groups=2, strides=(1, 2), use_bias=False),
    row("Conv2D", (2, 4, 6, 5), filters=3, kernel_size=3, padding="same", **FIRST),
    row("Conv2D", IMAGE, ids=9, filters=3, kernel_size=3),
    row(
        "Conv2D", IMAGE, filters=3, kernel_size=1,
        kernel_initializer="he_uniform", kernel_regularizer="l2", kernel_constraint="max_norm",
        bias_initializer="ones", bias_regularizer="l2", bias_constraint="non_neg",
        activity_regularizer="l2",
    ),
    row("Conv3D", VOLUME, filters=3, kernel_size=2),
    row("Conv3D", VOLUME, filters=2, kernel_size=(2, 3, 1), padding="same", strides=2, activation="relu"),
    row("Conv3D", (2, 2, 4, 5, 3), filters=2, kernel_size=2, **FIRST),
    row("Conv1DTranspose", SEQUENCE, filters=3, kernel_size=3, strides=3, output_padding=1, activation="relu"),
    row("Conv1DTranspose", (2, 4, 5), filters=3, kernel_size=2, dilation_rate=2, padding="same", **FIRST),
    row("Conv2DTranspose", IMAGE, filters=3, kernel_size=(3, 2), strides=2, padding="same"),
    row(
        "Conv2DTranspose", IMAGE, filters=3, kernel_size=2, strides=(3, 1), padding="same", output_padding=(1, 0),
        kernel_initializer="he_uniform", kernel_regularizer="l2", kernel_constraint="max_norm",
        bias_initializer="ones", bias_regularizer="l2", bias_constraint="non_neg",
        activity_regularizer="l2",
    ),
    row("Conv3DTranspose", VOLUME, filters=2, kernel_size=2, strides=(1, 2, 3)),
    row("DepthwiseConv1D", SEQUENCE, kernel_size=3, dilation_rate=2, depth_multiplier=2, activation="relu"),
    row("DepthwiseConv1D", (2, 4, 5), kernel_size=3, strides=2, padding="same", use_bias=False, **FIRST),
    row("DepthwiseConv2D", IMAGE, kernel_size=(3, 2), strides=2, padding="same"),
    row(
        "DepthwiseConv2D", IMAGE, kernel_size=2, depth_multiplier=2,
        depthwise_initializer="he_uniform", depthwise_regularizer="l2", depthwise_constraint="max_norm",
        bias_initializer="ones", bias_regularizer="l2", bias_constraint="non_neg",
        activity_regularizer="l2",
    ),
    row("SeparableConv1D", SEQUENCE, filters=3, kernel_size=2, dilation_rate=2, activation="relu"),
    row("SeparableConv1D", (2, 4, 5), filters=3, kernel_size=3, strides=2, padding="same", use_bias=False, **FIRST),
    row("SeparableConv2D", IMAGE, filters=3, kernel_size=(3, 2), strides=2, padding="same"),
    row(
        "SeparableConv2D", IMAGE, filters=3, kernel_size=2, depth_multiplier=2,
        depthwise_initializer="he_uniform", depthwise_regularizer="l2", depthwise_constraint="max_norm",
        pointwise_initializer="he_normal", pointwise_regularizer="l2", pointwise_constraint="unit_norm",
        bias_initializer="ones", bias_regularizer="l2", bias_constraint="non_neg",
        activity_regularizer="l2",
    ),
    # -- merging
    *(
        row(name, shapes)
        for name in ("Add", "Multiply", "Average", "Maximum", "Minimum")
        for shapes in ([VECTOR] * 3, [SEQUENCE, (2, 1, 4)], [SEQUENCE, (2, 4)])
    ),
    row("Subtract", [VECTOR] * 2),
    row("Subtract", [SEQUENCE, (2, 4)]),
    row("Concatenate", [VECTOR, (2, 3)]),
    row("Concatenate", [SEQUENCE, (2, 2, 4), SEQUENCE], axis=1),
    row("Dot", [VECTOR, VECTOR], axes=1),
    row("Dot", [SEQUENCE, (2, 4, 3)], axes=(2, 1)),
    row("Dot", [SEQUENCE, (2, 3, 4)], axes=-1, normalize=True),
    row("Dot", [(2, 3, 5, 4), (2, 4)], axes=[-1, 1]),
    # -- normalization
    row("BatchNormalization", VECTOR),
    row("BatchNormalization", IMAGE, momentum=0.9, epsilon=0.01),
    row("BatchNormalization", SEQUENCE, axis=1, center=False),
    row("BatchNormalization", VECTOR, scale=False, beta_regularizer="l2", moving_variance_initializer="zeros"),
    row("BatchNormalization", VECTOR, trainable=False),
    row("BatchNormalization", VECTOR, ids=9),
    row("BatchNormalization", VECTOR, renorm=True),
    row(
        "BatchNormalization", VECTOR, scale=False, center=False,
        renorm=True, renorm_clipping={"rmin": 0.9, "rmax": 1.1, "dmax": 0.2}, renorm_momentum=0.8,
    ),
    row("LayerNormalization", VECTOR),
    row("LayerNormalization", IMAGE, axis=[1, 3], epsilon=0.01, gamma_regularizer="l2"),
    row("LayerNormalization", SEQUENCE, axis=1, scale=False),
    row("LayerNormalization", SEQUENCE, center=False, gamma_initializer="zeros"),
    row("GroupNormalization", IMAGE, groups=2),
    row("GroupNormalization", (2, 4, 5), groups=-1, axis=1, epsilon=0.01, scale=False),
    row("GroupNormalization", VECTOR, groups=3, center=False, gamma_constraint="non_neg"),
    row("RMSNormalization", VECTOR),
    row("RMSNormalization", SEQUENCE, axis=[1, 2], epsilon=0.1),
    row("UnitNormalization", VECTOR),
    row("UnitNormalization", SEQUENCE, axis=[1, 2]),
    row("Normalization", SEQUENCE),
    row("Normalization", SEQUENCE, axis=(1, 2), invert=True),
    row("Normalization", SEQUENCE, axis=None),
    row("Normalization", SEQUENCE, mean=[1.0, 2.0, 3.0, 4.0], variance=[4.0, 1.0, 0.0, 2.0]),
    row("Normalization", SEQUENCE, axis=1, mean=2.0, variance=3.0, invert=True),
    row("Normalization", SEQUENCE, ids=9, axis=[2, 1], mean=[[1.0] * 4] * 5, variance=[[4.0] * 4] * 5),
    row("Rescaling", IMAGE, scale=0.5),
    row("Rescaling", IMAGE, ids=256, scale=1 / 255, offset=-1),
    row("Rescaling", VECTOR, scale=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], offset=[0.5]),
    # -- numbers as categories, sounds
    row("Discretization", SEQUENCE, bin_boundaries=[-1.0, 0.0, 0.5]),
    row("Discretization", VECTOR, ids=9, bin_boundaries=[2.0, 5.5], output_mode="count"),
    row("CategoryEncoding", (3, 1), ids=4, num_tokens=4, output_mode="one_hot"),
    row("CategoryEncoding", (2, 5), ids=4, num_tokens=4, output_mode="count"),
    row("MelSpectrogram", (2, 301), fft_length=32, sequence_stride=20, num_mel_bins=6, min_freq=500.0, top_db=60.0),
    row("STFTSpectrogram", (2, 33, 2), frame_length=8, fft_length=16),
    row("STFTSpectrogram", (2, 2, 33), mode="psd", frame_length=6, padding="same", trainable=False, **FIRST),
    # -- windows
    *(
        row(f"{kind}Pooling{rank}D", OF_RANK[rank], **kwargs)
        for kind in ("Max", "Average")
        for rank in (1, 2, 3)
        for kwargs in (
            {"pool_size": 2},
            {"pool_size": 3, "strides": 2, "padding": "same"},
            {"pool_size": 2, "strides": 1, **FIRST},
        )
    ),
    *(
        row(f"Global{kind}Pooling{rank}D", OF_RANK[rank], **kwargs)
        for kind in ("Max", "Average")
        for rank in (1, 2, 3)
        for kwargs in ({}, {"keepdims": True, **FIRST})
    ),
    *(row(f"Adaptive{kind}Pooling{rank}D", OF_RANK[rank], output_size=2)
        for kind in ("Max", "Average") for rank in (1, 2, 3)),
    row("AdaptiveMaxPooling1D", SEQUENCE, output_size=7, **FIRST),
    row("AdaptiveAveragePooling2D", IMAGE, output_size=(4, 3), **FIRST),
    row("MaxPooling2D", IMAGE, pool_size=(3, 2), strides=(1, 2), padding="same"),
    row("AveragePooling2D", IMAGE, ids=256, pool_size=2),
    row("GlobalAveragePooling1D", SEQUENCE, ids=9),
    # -- recurrent
    row("SimpleRNN", SEQUENCE, units=3, activation="relu", return_sequences=True, go_backwards=True, **EASY),
    row("LSTM", SEQUENCE, units=3, return_sequences=True, unit_forget_bias=False, zero_output_for_mask=True, **EASY),
    row(
        "LSTM", SEQUENCE, units=3, return_sequences=True, unroll=True,
        kernel_initializer="he_normal", kernel_regularizer="l2", kernel_constraint="max_norm",
        recurrent_initializer="ones", recurrent_regularizer="l2", recurrent_constraint="non_neg",
        bias_initializer="ones", bias_regularizer="l2", bias_constraint="unit_norm", activity_regularizer="l2",
    ),
    row("LSTM", SEQUENCE, noisy=True, units=3, dropout=0.5, recurrent_dropout=0.5, seed=3, use_bias=False, **EASY),
    row("GRU", SEQUENCE, units=3, return_sequences=True, **EASY),
    row("GRU", SEQUENCE, units=3, reset_after=False, recurrent_activation="hard_sigmoid", **EASY),
    around("RNN", SEQUENCE, cell=inner("GRUCell", units=3, **EASY), return_sequences=True),
    around("Bidirectional", SEQUENCE, layer=inner("GRU", units=3, **EASY, return_sequences=True), merge_mode="ave"),
    around("TimeDistributed", SEQUENCE, layer=inner("Dense", units=3, activation="relu")),
    around("TimeDistributed", (4, 3, 5), layer=inner("BatchNormalization", momentum=0.9)),
    row("ConvLSTM1D", IMAGE, filters=3, kernel_size=2, strides=2, padding="same", return_sequences=True, **EASY),
    row("ConvLSTM2D", (2, 3, 2, 4, 4), filters=2, kernel_size=2, dilation_rate=2, go_backwards=True, **FIRST, **EASY),
    row("ConvLSTM3D", (2, 2, 3, 3, 2, 2), filters=2, kernel_size=2, **EASY),
    # -- noise
    row("Dropout", SEQUENCE, noisy=True, rate=0.5),
    row("Dropout", SEQUENCE, noisy=True, rate=0.5, noise_shape=(None, 1, None), seed=3),
    row("Dropout", VECTOR, rate=0),
    row("SpatialDropout1D", SEQUENCE, noisy=True, rate=0.5),
    row("SpatialDropout2D", IMAGE, noisy=True, rate=0.5, seed=1),
    row("SpatialDropout3D", VOLUME, noisy=True, rate=0.5, **FIRST),
    row("GaussianDropout", VECTOR, noisy=True, rate=0.3),
    row("GaussianNoise", VECTOR, noisy=True, stddev=0.3, seed=2),
    row("AlphaDropout", VECTOR, noisy=True, rate=0.3, noise_shape=(2, 1)),
    row("ActivityRegularization", VECTOR, l1=0.1, l2=0.2),
    row("ActivityRegularization", SEQUENCE),
    # -- shapes
    row("Flatten", IMAGE),
    row("Flatten", IMAGE, **FIRST),
    row("Flatten", (3,)),
    row("Reshape", IMAGE, target_shape=(3, 40)),
    row("Reshape", IMAGE, target_shape=(-1, 8)),
    row("Reshape", VECTOR, target_shape=[3, 2]),
    row("Permute", SEQUENCE, dims=(2, 1)),
    row("Permute", IMAGE, dims=(3, 1, 2)),
    row("RepeatVector", VECTOR, n=3),
    row("ZeroPadding1D", SEQUENCE),
    row("ZeroPadding1D", SEQUENCE, padding=(0, 2), **FIRST),
    row("ZeroPadding2D", IMAGE, padding=((1, 0), (0, 2))),
    row("ZeroPadding2D", IMAGE, padding=2, **FIRST),
    row("ZeroPadding3D", VOLUME, padding=(1, 2, 0)),
    row("ZeroPadding3D", VOLUME, **FIRST),
    row("Cropping1D", SEQUENCE),
    row("Cropping1D", SEQUENCE, cropping=(0, 2)),
    row("Cropping2D", IMAGE),
    row("Cropping2D", IMAGE, cropping=((1, 2), (0, 1))),
    row("Cropping2D", IMAGE, cropping=(2, 1), **FIRST),
    row("Cropping3D", VOLUME),
    row("Cropping3D", VOLUME, cropping=((0, 1), (1, 1), (0, 0)), **FIRST),
    row("UpSampling1D", SEQUENCE, size=3),
    row("UpSampling2D", IMAGE),
    row("UpSampling2D", IMAGE, size=(1, 3), **FIRST),
    row("UpSampling2D", IMAGE, interpolation="bilinear"),
    row("UpSampling2D", IMAGE, interpolation="bicubic", size=(2, 3)),
    row("UpSampling2D", IMAGE, interpolation="lanczos3", **FIRST),
    row("UpSampling3D", VOLUME, size=(2, 1, 2)),
    row("UpSampling3D", VOLUME, **FIRST),
]  # fmt: skip
# Bases of others, the layer that nothing is computed in, and what is called on an input and states: test_cells.py.
CELLS = {"GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells"}
# Those around things that a row cannot have, of several arguments, others' programs, and spectral normalization (not
# Keras's numbers, on purpose) have files of their own; `check_layer` holds them to the contract there.
# Layers of images have a table of their own, too: images/test_each.py.
WITHOUT_CASE = {
    "FlaxLayer",
    "GroupedQueryAttention",
    "JaxLayer",
    "MultiHeadAttention",
    "Pipeline",
    "SpectralNormalization",
    "TFSMLayer",
    "TorchModuleWrapper",
    "InputLayer",
    "Layer",
    "Wrapper",
    *CELLS,
}
EACH = pytest.mark.parametrize("case", CASES, ids=str)
# A Lambda's config names its function, or nothing: test_core.py.
NAMED = [c for c in CASES if c.layer != "Lambda"]
EACH_WITH_CONFIG = pytest.mark.parametrize("case", NAMED, ids=str)


def close(a, b, **tolerance):
    a, b = jax.tree_util.tree_leaves(a), jax.tree_util.tree_leaves(b)
    assert [x.shape for x in a] == [x.shape for x in b]
    for x, y in zip(a, b, strict=True):
        np.testing.assert_allclose(x, y, **({"rtol": 1e-5, "atol": 1e-5} | tolerance))


def plain(config):
    """Return a config as a file holds it."""
    return json.loads(json.dumps(config))


def test_every_layer_has_a_case():
    exported = {getattr(layers, name) for name in layers.__all__}
    kinds = [c for c in exported if inspect.isclass(c) and issubclass(c, layers.Layer)]
    # Layers of the host take text, or are not compiled: `test_words.py`.
    others = BaseImagePreprocessingLayer, layers.HostLayer
    wanted = {c.__name__ for c in kinds if not issubclass(c, others)}
    assert {case.layer for case in CASES} == wanted - WITHOUT_CASE


# Arguments that every layer takes by name.
BY_NAME = {"name", "dtype"}


def arguments(function, without=()):
    """Return the arguments and their defaults; one number for each axis, all of them equal, counts as the number."""
    skip = {"self", "args", "kwargs", *without}
    said = {}
    for p in inspect.signature(function).parameters.values():
        if p.name not in skip:
            one = np.unique(p.default) if isinstance(p.default, tuple) else []
            said[p.name] = one[0] if len(one) == 1 else p.default
    return list(said.items())


KERAS_HAS = recorded(lambda keras: sorted(n for n in dir(keras.layers) if n[0] != "_"), "names")


@pytest.mark.parametrize("name", [n for n in layers.__all__ if n in KERAS_HAS])
def test_arguments_and_defaults_are_those_of_keras(name):
    ours = getattr(layers, name)
    own = {p for p, _ in arguments(ours.__init__ if inspect.isclass(ours) else ours)}
    absent = BY_NAME - own

    def of(library, without):
        thing = getattr(library.layers, name)
        return arguments(thing.__init__ if inspect.isclass(thing) else thing, without)

    wanted = recorded(lambda keras: of(keras, absent))
    if name.startswith(("AveragePooling", "AvgPool")):
        # Keras wants `pool_size` said, for averages only.
        wanted[0] = ("pool_size", 2)
    assert of(tv, ()) == wanted


def config_of_keras(case):
    return recorded(lambda keras: plain(case.made(keras).get_config()), f"{case} config")


@EACH_WITH_CONFIG
def test_config_is_that_of_keras(case):
    assert plain(case.made(tv).get_config()) == config_of_keras(case)


@EACH_WITH_CONFIG
def test_config_round_trip(case):
    ours = case.made(tv)
    config = plain(layers.serialize(ours))
    assert plain(layers.serialize(layers.deserialize(config))) == config
    from_theirs = type(ours).from_config(config_of_keras(case))
    assert plain(from_theirs.get_config()) == config["config"]


@EACH_WITH_CONFIG
def test_nested_in_another_config_copied_and_pickled(case):
    ours = case.made(tv)
    check_config(ours)
    ours.build(case.like(case.shapes))
    other = pickle.loads(pickle.dumps(ours))
    assert [w.path for w in other.weights] == [w.path for w in ours.weights]
    for mine, theirs in zip(ours.weights, other.weights, strict=True):
        assert np.array_equal(mine, theirs) and mine is not theirs


def weights(library, layer, case):
    return [(w.name, tuple(w.shape), str(w.dtype), w.trainable) for w in layer.weights]


@EACH
def test_what_has_no_weights_is_built_from_the_start(case):
    """All that Keras builds then, and the others that have nothing to build."""
    ours = case.made(tv)
    assert ours.built or not recorded(lambda keras: case.made(keras).built, f"{case} built")
    assert ours.built == (type(ours).build is layers.Layer.build and case.layer != "Lambda")


@EACH
def test_weights(case):
    ours, theirs = case.compared(weights, "weights")
    assert ours == theirs


@EACH
def test_outputs_losses_and_state(case):
    for training, ((_, ours), _), ((_, theirs), _) in case.modes:
        dtypes = [[x.dtype for x in jax.tree_util.tree_leaves(r)] for r in (ours, theirs)]
        assert dtypes[0] == dtypes[1]
        if training and case.noisy:
            assert ours[0].shape == theirs[0].shape
        else:
            close(ours, theirs)


@EACH
def test_gradients(case):
    for training, (_, ours), (_, theirs) in case.modes:
        if not (training and case.noisy):
            close(ours, theirs)


def symbolic(library, layer, sizes, case):
    dtype = case.inputs[0].dtype
    return layer(case.like([library.Input(batch_shape=s, dtype=dtype) for s in sizes]))


def shapes(library, case, sizes):
    """Return the output's shape by `compute_output_shape`, the symbolic output's, and its dtype."""
    with undrawn(library):
        output = symbolic(library, case.made(library), sizes, case)
    said = case.made(library).compute_output_shape(case.like(sizes))
    return tuple(said), tuple(output.shape), str(output.dtype)


@EACH
def test_shapes_for_an_unknown_batch(case):
    sizes = [(None, *s[1:]) for s in case.shapes]
    ours, theirs = both(lambda library: shapes(library, case, sizes), f"{case} shapes")
    assert ours == theirs and ours[0] == ours[1]


def tried(use):
    """Return what a function gives, or None where it raises an error."""
    try:
        return use()
    except Exception:
        return None


@pytest.mark.parametrize("case", [c for c in CASES if len(c.shapes[0]) > 2], ids=str)
def test_shapes_for_unknown_sizes(case):
    """Where Keras needs no other size than the channels', we need none either, and the sizes known are the same."""
    first = case.kwargs.get("data_format") == "channels_first"
    channels = 1 if first else -1
    sizes = [
        tuple(n if i == channels % len(s) else None for i, n in enumerate(s)) for s in case.shapes
    ]

    def shape(library):
        with undrawn(library):
            return tuple(symbolic(library, case.made(library), sizes, case).shape)

    wanted = recorded(lambda keras: tried(lambda: shape(keras)), f"{case} unknown sizes")
    if wanted is None:
        pytest.skip("Keras needs to know more sizes")
    assert shape(tv) == wanted


@EACH
def test_symbolic_whole_numbers_have_the_dtype_of_real_ones(case):
    """Keras takes every symbolic output for one of the compute dtype, whatever the layer makes of whole numbers."""
    layer = case.ours
    specs = [jax.ShapeDtypeStruct(s, "int32") for s in case.shapes]
    real = jax.eval_shape(lambda xs: layer(case.like(xs)), specs)
    symbol = layer(case.like([tv.Input(s[1:], dtype="int32") for s in case.shapes]))
    assert symbol.dtype == real.dtype and symbol.shape[1:] == real.shape[1:]


@EACH
def test_the_graph_is_the_call(case):
    """What a model of the layer computes is, operation by operation, what the layer computes."""
    layer = case.ours
    x = case.like([tv.Input(batch_shape=(None, *x.shape[1:]), dtype=x.dtype) for x in case.inputs])
    model = tv.Model(x, layer(x))
    programs = [
        str(jax.make_jaxpr(lambda *inputs, f=f: f(case.like(inputs)))(*case.inputs))
        for f in (layer, model)
    ]
    assert programs[0] == programs[1]


@EACH
def test_a_call_by_keyword_is_a_call_by_position(case):
    """The same program, the same mask behind it, and the same graph; Keras calls one layer's input `x`."""
    layer = case.made(tv)
    name = {"RMSNormalization": "x"}.get(case.layer, "inputs")
    name = "sequences" if "sequences" in parameters(layer.call) else name
    steps_last = case.kwargs.get("data_format") == "channels_first"
    sizes = [(s[0], s[2]) if steps_last and len(s) == 3 else s[:-1] for s in case.shapes]
    if name == "sequences" or case.layer == "TimeDistributed":
        sizes = [s[:2] for s in case.shapes]
    calls = {"position": lambda x: layer(x), "keyword": lambda x: layer(**{name: x})}

    def run(call, *inputs):
        for x, size in zip(inputs, sizes, strict=True):
            if len(size) > 1 and case.layer != "Softmax":
                set_mask(x, jnp.arange(np.prod(size)).reshape(size) % 3 > 0)
        y = call(case.like(inputs))
        return y, get_mask(y)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of masks that end here.
        programs = {
            how: str(jax.make_jaxpr(functools.partial(run, call))(*case.inputs))
            for how, call in calls.items()
        }
    assert programs["position"] == programs["keyword"]
    symbols = [
        call(case.like([tv.Input(batch_shape=x.shape, dtype=x.dtype) for x in case.inputs]))
        for call in calls.values()
    ]
    assert symbols[0].shape == symbols[1].shape and symbols[0].dtype == symbols[1].dtype
    shapes = case.like(case.shapes)
    assert layer.compute_output_shape(input_shape=shapes) == symbols[0].shape
    built = [case.made(tv) for _ in range(2)]
    built[0].build(shapes)
    built[1].build(**{next(iter(parameters(layer.build))): shapes})
    assert built[1].built
    assert [w.shape for w in built[0].weights] == [w.shape for w in built[1].weights]


def program(function, inputs):
    """Return the text of what a function of arrays computes."""
    return str(jax.make_jaxpr(function)(*inputs))


def names_below(layer):
    """Return the paths of a layer's variables from it on: what holds it is not copied, and may not be collected yet."""
    return [v.path.removeprefix(layer.path) for v in layer.variables]


def same_layer(copied, layer, case):
    """Assert that a layer has another's config, values and program, and is another object."""
    assert copied is not layer and type(copied) is type(layer)
    assert names_below(copied) == names_below(layer)
    for ours, other in zip(copied.variables, layer.variables, strict=True):
        assert ours is not other
        np.testing.assert_array_equal(ours.value, other.value)
    texts = [program(lambda *xs, f=f: f(case.like(xs)), case.inputs) for f in (copied, layer)]
    assert texts[0] == texts[1]


@EACH
def test_copied(case):
    same_layer(copy.deepcopy(case.ours), case.ours, case)


@EACH_WITH_CONFIG
def test_pickled(case):
    copied = pickle.loads(pickle.dumps(case.ours))
    same_layer(copied, case.ours, case)
    assert plain(copied.get_config()) == plain(case.ours.get_config())


@EACH
def test_inside_scan_cond_and_remat(case):
    """What a layer gives, draws, adds and keeps there is what it gives, draws, adds and keeps in plain calls."""
    said = {"training": True} if case.trains else {}
    layer = case.ours  # Built before the program, not in it.

    def run(arrays, flag):
        def call(xs):
            return layer(case.like(xs), **said)

        return [in_turn(layer, call, way, arrays, flag) for way in WAYS]

    plainly, *others = compiled(run, [jnp.asarray(x) for x in case.inputs], jnp.array(True))
    for other in others:
        close(other, plainly)


def of_sequences(case):
    # Softmax's mask has its input's shape; its own test is with the activations.
    if case.layer in ("Softmax", "Embedding", "ReversibleEmbedding"):
        return case.layer != "Softmax"
    return all(len(s) == 3 for s in case.shapes)


def mask_access(library):
    if library is tv:
        return get_mask, set_mask
    backend = importlib.import_module("keras.src.backend")
    return backend.get_keras_mask, backend.set_keras_mask


def masked(library, layer, case):
    """Return the outputs for masked inputs, the outputs' mask, and for each warning whether it is about masks."""
    time = 2 if case.kwargs.get("data_format") == "channels_first" else 1
    sizes = [(s[0], s[time]) for s in case.shapes]
    masks = [np.arange(np.prod(s)).reshape(s) % 3 != i for i, s in enumerate(sizes)]
    get, put = mask_access(library)

    def run(inputs):
        for x, mask in zip(inputs, masks, strict=True):
            put(x, jnp.asarray(mask))
        outputs = layer(case.like(inputs))
        return outputs, get(outputs)

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        outputs, mask = compiled(run, [jnp.asarray(x) for x in case.inputs])
    return outputs, mask, ["mask" in str(w.message) for w in said]


@pytest.mark.parametrize("case", list(filter(of_sequences, CASES)), ids=str)
def test_masks(case):
    """Outputs, their masks and the warnings about masks that end here are Keras's."""
    (ours, mask, warned), (theirs, their_mask, they_warned) = case.compared(masked, "masks")
    close(ours, theirs)
    assert (mask is None) == (their_mask is None)
    assert mask is None or np.array_equal(mask, their_mask)
    assert warned == they_warned


def halves():
    """Return each case with each policy of half precision, but for what Keras refuses."""
    for policy in ("mixed_float16", "bfloat16"):
        for case in CASES:
            if (case.layer, policy) != ("STFTSpectrogram", "bfloat16"):
                yield pytest.param(policy, case, id=f"{policy}-{case}")


@pytest.mark.parametrize(("policy", "case"), list(halves()))
def test_half_precision(case, policy):
    def run(library):
        layer = case.built(library, dtype=policy)
        with warnings.catch_warnings():
            if library is not tv:
                # Keras's UnitNormalization divides by an epsilon that float16 cannot hold.
                warnings.filterwarnings("ignore", "overflow")
            inputs = [jnp.asarray(x) for x in case.inputs]
            outputs = compiled(lambda inputs: layer(case.like(inputs)), inputs)
        return [str(w.dtype) for w in layer.weights], outputs

    (our_weights, ours), (their_weights, theirs) = both(run, f"{case} {policy}")
    assert our_weights == their_weights
    # Keras's CategoryEncoding gives the dtype of variables, and says before that it will be the compute dtype.
    expected = (
        case.made(tv, dtype=policy).compute_dtype
        if case.layer == "CategoryEncoding"
        else theirs.dtype
    )
    assert ours.dtype == expected
    if jnp.issubdtype(ours.dtype, jnp.floating):
        roundings = 4 * float(jnp.finfo(ours.dtype).eps)
        close(ours.astype("float32"), theirs.astype("float32"), rtol=roundings, atol=roundings)


LEARNING = {
    "BatchNormalization", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "GRU", "LSTM", "RNN", "SimpleRNN",
    "TimeDistributed", "Conv1D", "Conv1DTranspose", "Conv2D", "Conv2DTranspose", "Conv3D", "Conv3DTranspose",
    "Dense", "DepthwiseConv1D", "DepthwiseConv2D", "EinsumDense", "Embedding", "GroupNormalization",
    "LayerNormalization", "PReLU", "RMSNormalization", "ReversibleEmbedding", "STFTSpectrogram", "SeparableConv1D",
    "SeparableConv2D",
}  # fmt: skip


def trained():
    """Return the first case of each layer that learns, and those with penalties and constraints."""
    seen = set()
    for case in CASES:
        learns = case.layer in LEARNING
        said = {key.rpartition("_")[2] for key in case.kwargs}
        if learns and (case.layer not in seen or said & {"constraint", "regularizer", "renorm"}):
            seen.add(case.layer)
            yield case


def test_the_learning_layers_are_those_with_trainable_weights():
    learning = {c.layer for c in CASES if c.ours.trainable_weights}
    assert learning == LEARNING | {"AdditiveAttention", "Attention"}  # Of several inputs.


def weights_after_training(library, case, first=None):
    """Return the weights before and after twenty steps, of the layer and a head of one number."""
    rng = np.random.default_rng(1)
    shape = (40, *case.shape[1:])
    x = rng.integers(case.ids, size=shape) if case.ids else rng.normal(size=shape)
    x, y = x.astype(case.inputs[0].dtype), rng.normal(size=(40, 1)).astype("float32")
    head = [library.layers.Flatten(), library.layers.Dense(1)]
    with undrawn(library):
        model = library.Sequential(
            [library.Input(shape[1:], dtype=str(x.dtype)), case.made(library), *head]
        )
    kinds = library.optimizers
    plainly = not any(key.endswith(("constraint", "regularizer")) for key in case.kwargs)
    optimizer = kinds.Adam(0.01) if plainly else kinds.SGD(0.05, momentum=0.9)
    model.compile(optimizer=optimizer, loss="mse")
    if first is None:
        first = [w + 0.3 * rng.normal(size=w.shape) for w in model.get_weights()]
    model.set_weights(first)
    model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    return first, model.get_weights()


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Of Keras's variables.
@pytest.mark.parametrize("case", list(trained()), ids=str)
def test_twenty_steps_of_training(case):
    """From the same weights, the layer and a head of one number arrive at the same weights as in Keras."""
    first, theirs = recorded(lambda keras: weights_after_training(keras, case))
    _, ours = weights_after_training(tv, case, first)
    assert not any(np.allclose(w, f) for w, f in zip(ours, first, strict=True) if w.size > 1)
    close(ours, theirs, rtol=1e-4, atol=1e-4)
