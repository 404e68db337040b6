"""Spectral normalization: the definition in NumPy, Keras's numbers in training, and its state as an effect."""

from __future__ import annotations

import copy
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from configs import check_config
from oracle import both, recorded

import trivium as tv
from trivium import layers as L
from trivium.testing import check_layer

RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(2, 5, 4)).astype("float32")
VECTOR = RNG.normal(size=(1, 6)).astype("float32")
KINDS = {
    "dense": lambda lib: lib.layers.Dense(6),
    "conv": lambda lib: lib.layers.Conv1D(6, 3, padding="same"),
    "transposed": lambda lib: lib.layers.Conv1DTranspose(3, 2),
    "embedding": lambda lib: lib.layers.Embedding(4, 6),
}


def made(lib, kind, power_iterations=1):
    layer = lib.layers.SpectralNormalization(
        KINDS[kind](lib), power_iterations=power_iterations, name="normalized"
    )
    layer.build((2, 5) if kind == "embedding" else INPUTS.shape)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape).astype("float32") for w in layer.weights])
    return layer


def inputs_of(kind):
    return np.array([[0, 1, 2, 3, 0]] * 2, "int32") if kind == "embedding" else INPUTS


def power_iteration(kernel, u, steps):
    """Return the normalized kernel and the vector, by the paper's algorithm."""
    matrix = kernel.reshape(-1, kernel.shape[-1])
    for _ in range(steps):
        v = u @ matrix.T / np.linalg.norm(u @ matrix.T)
        u = v @ matrix / np.linalg.norm(v @ matrix)
    return kernel / (v @ matrix @ u.T), u


def in_training(lib, kind, steps):
    """Return the outputs in training and where the power iteration got to."""
    layer = made(lib, kind, steps)
    outputs = layer(inputs_of(kind), training=True)
    return np.asarray(outputs), np.asarray(layer.vector_u)


@pytest.mark.parametrize(("kind", "steps"), [("dense", 1), ("conv", 3), ("transposed", 1)])
def test_outputs_and_the_vector_in_training_are_those_of_keras(kind, steps):
    ours, theirs = both(lambda lib: in_training(lib, kind, steps))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def described(lib):
    """Return the weights without their layer's number, and a config."""
    layer = made(lib, "conv")
    names = [w.path.split("/") for w in layer.weights]
    shapes = [(tuple(w.shape), w.trainable) for w in layer.weights]
    outer = lib.layers.SpectralNormalization(lib.layers.Flatten(name="f"), name="n")
    return [(n[0], n[-1], len(n)) for n in names], shapes, outer.get_config()


def test_weights_and_config_are_those_of_keras():
    ours, theirs = both(described)
    assert ours == theirs
    check_config(L.SpectralNormalization(L.Dense(3, name="d"), 2))


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("kind", ["conv", "embedding"])
def test_the_definition_holds_in_both_modes(kind, training):
    """Keras casts a table to the dtype of the numbers that are looked up in it."""
    layer, x = made(tv, kind, power_iterations=2), inputs_of(kind)
    kernel, u, *bias = layer.get_weights()
    normalized, after = power_iteration(kernel, u, 2)
    plain = KINDS[kind](tv)
    plain.build(x.shape)
    plain.set_weights([normalized, *bias])
    np.testing.assert_allclose(layer(x, training=training), plain(x), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.vector_u, after if training else u, rtol=1e-5)
    assert np.array_equal(layer.kernel, kernel)  # It is the optimizer's.


def test_the_largest_singular_value_becomes_1():
    layer = made(tv, "dense")
    for _ in range(60):
        layer(INPUTS, training=True)
    kernel, _ = layer._normalized()
    assert np.linalg.svd(kernel, compute_uv=False)[0] == pytest.approx(1, rel=1e-4)


def test_the_gradient_is_that_of_the_paper():
    """`(G - <G, W̄> u v^T) / σ` for a gradient G with respect to the normalized kernel: u and v are constants."""
    layer = made(tv, "dense")
    kernel, u, _ = layer.get_weights()
    scores = np.cos(np.arange(60)).reshape(2, 5, 6)

    def loss(kernel):
        with tv.StatelessScope([(layer.kernel, kernel)]):
            return jnp.sum(layer(INPUTS, training=True) * scores)

    got = jax.grad(loss)(jnp.asarray(kernel))
    v = u @ kernel.T / np.linalg.norm(u @ kernel.T)
    u = v @ kernel / np.linalg.norm(v @ kernel)
    sigma = (v @ kernel @ u.T).item()
    outer = np.einsum("bsi,bso->io", INPUTS, scores)
    wanted = (outer - np.sum(outer * kernel / sigma) * v.T @ u) / sigma
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


def test_a_kernel_of_zeros_stays_and_so_does_the_vector():
    layer = L.SpectralNormalization(L.Dense(3, kernel_initializer="zeros"))
    layer.build((2, 4))
    before = layer.vector_u.numpy()
    assert not np.any(layer(INPUTS[:, 0], training=True))
    assert np.array_equal(layer.vector_u, before) and before.any()


def test_what_the_layer_inside_changes_goes_on():
    """A layer inside with statistics and random numbers keeps them, eagerly and in compiled steps alike."""

    class Noisy(L.Dense):
        def build(self, input_shape):
            super().build(input_shape)
            self.calls = self.add_weight((), "zeros", trainable=False, name="calls")

        def call(self, inputs):
            self.calls.assign(self.calls + 1)
            self.add_loss(tv.ops.sum(self.calls))
            return super().call(inputs)

    layer = L.SpectralNormalization(Noisy(3))
    model = tv.Sequential([tv.Input((4,)), layer])
    model(INPUTS[:, 0], training=True)
    assert layer.layer.calls.numpy() == 1 and len(model.losses) == 1
    for eager in (False, True):
        model.compile("sgd", "mse", run_eagerly=eager)
        u, calls = layer.vector_u.numpy(), layer.layer.calls.numpy()
        model.fit(INPUTS[:, 0], np.ones((2, 3)), epochs=2, verbose=0)
        assert layer.layer.calls.numpy() == calls + 2
        assert not np.allclose(layer.vector_u, u)
    u = layer.vector_u.numpy()
    model.predict(INPUTS[:, 0], verbose=0)
    assert np.array_equal(layer.vector_u, u)


def test_in_loops_branches_and_remat_the_vector_moves_on_as_in_plain_calls():
    layer, start = made(tv, "dense"), VECTOR
    x = jnp.asarray(INPUTS[:, 0])

    def after(run):
        layer.vector_u.assign(start)
        out = run(lambda: layer(x, training=True))
        return np.asarray(out), layer.vector_u.numpy()

    def twice(call):
        call()
        return call()

    wanted = after(twice)
    ways = {
        "scan": lambda call: tv.ops.scan(lambda c, _: (c, call()), 0.0, jnp.arange(2))[1][-1],
        "cond": lambda call: (
            call(),
            tv.ops.cond(jnp.array(True), call, lambda: x @ jnp.ones((4, 6))),
        )[1],
        "remat": lambda call: twice(tv.ops.remat(call)),
    }
    for run in ways.values():
        for a, b in zip(after(run), wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_in_mixed_precision_the_iteration_stays_in_float32():
    layer = L.SpectralNormalization(L.Dense(3, dtype="mixed_bfloat16"), dtype="mixed_bfloat16")
    assert layer(INPUTS[:, 0], training=True).dtype == "bfloat16"
    assert {w.dtype for w in layer.weights} == {"float32"}
    kernel, _ = layer._normalized()
    assert kernel.dtype == "float32"


def test_masks_and_copies_and_what_is_no_kernel():
    layer = L.SpectralNormalization(L.Dense(3))
    x = L.Masking()(INPUTS)
    assert tv.state.masks.get_mask(layer(x)) is not None
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert other.kernel is other.layer.kernel and len(other.weights) == 3
        assert np.array_equal(other(INPUTS), layer(INPUTS))
    with pytest.raises(ValueError, match="a weight `kernel` or `embeddings`; ReLU has none"):
        L.SpectralNormalization(L.ReLU())(INPUTS)
    with pytest.raises(ValueError, match="`power_iterations` is a whole number above zero; got 0"):
        L.SpectralNormalization(L.Dense(3), power_iterations=0)
    with pytest.raises(TypeError, match="Make one of the class first"):
        L.SpectralNormalization(L.Dense)


def test_keras_leaves_the_kernel_as_it_is_in_inference():
    """On JAX: where ours differs, docs/differences.md says so."""

    def difference(keras):
        layer = made(keras, "dense")
        return bool(np.allclose(layer(INPUTS), layer.layer(INPUTS)))

    assert recorded(difference)
    layer = made(tv, "dense")
    assert not np.allclose(layer(INPUTS), layer.layer(INPUTS))


def test_the_contract_of_layers_holds():
    check_layer(L.SpectralNormalization(L.Dense(6, "relu")), INPUTS)
