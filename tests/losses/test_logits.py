"""A crossentropy after a sigmoid or softmax goes by the logits, however a model is written and run."""

from __future__ import annotations

import gc

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from edges import values_and_slopes

import trivium as tv
from trivium import losses, metrics, ops
from trivium.state import logits as table
from trivium.state.logits import logits_of

pytestmark = pytest.mark.optimized  # Edges of floats, in the code that users get.

X = np.array([[-100.0, 2.0, 60.0], [0.5, 1.0, -1.0]], "float32")
BITS = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 1.0]], "float32")
ONE_HOT = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], "float32")
LABELS = np.array([0, 1])


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-np.asarray(x, "float64")))


def log_softmax(x):
    x = np.asarray(x, "float64")
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def binary(x, t):
    """The mean over outputs of log(1 + e^x) - x t, and its gradient."""
    soft = np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))
    return (soft - x * t).mean(-1), (sigmoid(x) - t) / x.shape[-1]


def categorical(x, t):
    return -(t * log_softmax(x)).sum(-1), np.exp(log_softmax(x)) * t.sum(-1, keepdims=True) - t


# The activation, the loss's name, its targets, its values and gradients by definition.
CASES = {
    "binary": ("sigmoid", "binary_crossentropy", BITS, binary(X, BITS)),
    "categorical": ("softmax", "categorical_crossentropy", ONE_HOT, categorical(X, ONE_HOT)),
    "sparse": ("softmax", "sparse_categorical_crossentropy", LABELS, categorical(X, ONE_HOT)),
    "divergence": ("softmax", "kl_divergence", ONE_HOT, categorical(X, ONE_HOT)),
}
each_case = pytest.mark.parametrize("case", CASES)


def close(ours, wanted, rtol=2e-5, atol=3e-6):
    np.testing.assert_allclose(np.asarray(ours), wanted, rtol=rtol, atol=atol)


@each_case
@pytest.mark.parametrize("compiled", [False, True])
def test_values_and_gradients_of_functions(case, compiled):
    activation, name, target, (values, gradient) = CASES[case]
    function, activate = getattr(losses, name), getattr(tv.activations, activation)
    value, vjp = jax.vjp(lambda x: function(target, activate(x)), X)
    transform = jax.jit if compiled else lambda f: f
    close(transform(lambda x: function(target, activate(x)))(X), values)
    close(value, values)
    close(vjp(jnp.ones(2))[0], gradient)
    ours = getattr(ops, name, None)
    if ours is not None:
        by_op = ours(target, activate(X))
        close(by_op.mean(-1) if case == "binary" else by_op, values)


@each_case
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_losses_and_half_precision(case, dtype):
    """Logits are exact where a probability in half precision is long 0 or 1."""
    activation, name, target, (values, gradient) = CASES[case]
    loss = losses.get("".join(w.capitalize() for w in name.split("_")).replace("Kl", "KL"))
    x = jnp.asarray(X, dtype)
    activate = getattr(ops, activation)
    value, got = jax.value_and_grad(lambda x: loss(target, activate(x)))(x)
    close(value, values.mean(), rtol=2e-5 if dtype == "float32" else 2e-3)
    close(got.astype("float32"), gradient / 2, atol=3e-6 if dtype == "float32" else 4e-3)


def networks(activation, x=X):
    """The same three units after the identity, in all styles, the activation placed in many ways."""
    made = {"units": x.shape[-1], "kernel_initializer": "identity"}
    layers = tv.layers

    class Subclass(tv.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(**made)

        def call(self, x):
            return getattr(ops, activation)(self.dense(x))

    class Nested(tv.Model):
        def __init__(self):
            super().__init__()
            self.inner = tv.Sequential([layers.Dense(**made), layers.Activation(activation)])

        def call(self, x):
            return self.inner(x)

    inputs = tv.Input(x.shape[1:])
    last = layers.Softmax() if activation == "softmax" else layers.Activation("sigmoid")
    return {
        "sequential": tv.Sequential([inputs, layers.Dense(**made, activation=activation)]),
        "functional": tv.Model(inputs, last(layers.Dense(**made)(inputs))),
        "op": tv.Model(inputs, getattr(ops, activation)(layers.Dense(**made)(inputs))),
        "subclass": Subclass(),
        "nested": Nested(),
    }


@each_case
def test_every_style_leaves_saturation_by_the_same_bits(case):
    activation, name, target, (values, gradient) = CASES[case]
    trained = {}
    for eagerly in (False, True):
        for style, model in networks(activation).items():
            if eagerly and style not in ("subclass", "functional"):
                continue
            model.compile(tv.optimizers.SGD(1.0), name, run_eagerly=eagerly)
            logs = model.train_on_batch(X, target, return_dict=True)
            close(logs["loss"], values.mean())
            trained[style, eagerly] = [w.numpy() for w in model.trainable_variables]
            close(trained[style, eagerly][1], -gradient.sum(0) / 2)
            close(model.evaluate(X * 0, target, verbose=0), model.test_on_batch(X * 0, target))
    first, *others = [w for (_, eagerly), w in trained.items() if not eagerly]
    for other in others:
        for a, b in zip(first, other, strict=True):
            assert np.array_equal(a, b)
    for style in ("subclass", "functional"):
        for a, b in zip(first, trained[style, True], strict=True):
            close(a, b)


def test_a_network_that_is_wholly_wrong_learns():
    dense = tv.layers.Dense(
        1, activation="sigmoid", bias_initializer=lambda s, dtype: -100 + np.zeros(s)
    )
    model = tv.Sequential([tv.Input((1,)), dense])
    model.compile(tv.optimizers.SGD(10.0), "binary_crossentropy")
    x = np.zeros((4, 1), "float32")
    losses_seen = model.fit(x, x + 1, epochs=12, verbose=0).history["loss"]
    close(losses_seen[:3], [100.0, 90.0, 80.0])
    assert losses_seen[-1] < 0.01


def test_a_loss_of_ones_own_and_a_loop_of_ones_own():
    def doubled(y_true, y_pred):
        return 2 * losses.binary_crossentropy(y_true, y_pred)

    class Doubled(losses.Loss):
        def call(self, y_true, y_pred):
            return 2 * ops.binary_crossentropy(y_true, y_pred)

    _, gradient = binary(X, BITS)
    model = networks("sigmoid")["sequential"]
    for loss in (doubled, Doubled()):
        model.compile(tv.optimizers.SGD(1.0), loss)
        values = [w.numpy() for w in model.trainable_variables]
        model.train_on_batch(X, BITS)
        close(model.trainable_variables[1].numpy() - values[1], -gradient.sum(0), rtol=1e-4)
        model.set_weights(values)

    def objective(variables):
        y_pred, _ = model.stateless_call(variables, [], X)
        return losses.BinaryCrossentropy()(BITS, y_pred)

    close(jax.grad(objective)(values)[1], gradient.sum(0) / 2)


def test_axes_of_size_one_and_other_axes():
    x = np.array([[-100.0], [3.0]], "float32")
    t = np.array([1.0, 0.0], "float32")
    wanted = np.array([100.0, np.log1p(np.exp(3.0))])
    loss = losses.BinaryCrossentropy(reduction="none")
    close(loss(t, ops.sigmoid(x)), wanted)  # (n,) against (n, 1)
    close(loss(t[:, None], ops.sigmoid(x[:, 0])), wanted)  # and the other way round
    close(loss(t[:, None], ops.sigmoid(x[..., None])), wanted)  # one axis more
    turned = losses.CategoricalCrossentropy(axis=1, reduction="none")
    x, one_hot = np.moveaxis(X[None], -1, 1), np.moveaxis(ONE_HOT[None], -1, 1)
    close(turned(one_hot, ops.softmax(x, axis=1))[0], categorical(X, ONE_HOT)[0])
    # A softmax along other axes than the loss's is scaled to sum to 1, as ever.
    whole = ops.softmax(X / 50, axis=(0, 1))
    wanted = categorical(X / 50, ONE_HOT)[0]
    close(losses.categorical_crossentropy(ONE_HOT, whole), wanted)


def test_shares_of_sigmoids():
    """Keras scales what it is given to sum to 1: so do we, from the logits of each."""
    share = sigmoid(X) / sigmoid(X).sum(-1, keepdims=True)
    close(
        losses.categorical_crossentropy(ONE_HOT, ops.sigmoid(X)), -np.log((share * ONE_HOT).sum(-1)),
        rtol=1e-4,
    )  # fmt: skip


@pytest.mark.parametrize("label", [0, 1])
def test_what_a_mask_rules_out_costs_nothing(label):
    """Logits of minus infinity, where another class is the right one."""
    x = np.array([[0.0, -np.inf, 1.0]], "float32")
    target = np.eye(3, dtype="float32")[[2 * label]]
    label = np.array([2 * label])
    functions = {
        "cce": (losses.categorical_crossentropy, target),
        "focal": (losses.categorical_focal_crossentropy, target),
        "kld": (losses.kl_divergence, target),
        "scce": (losses.sparse_categorical_crossentropy, label),
        "ops, cce": (ops.categorical_crossentropy, target),
        "ops, scce": (ops.sparse_categorical_crossentropy, label),
    }
    cases = {
        name: (lambda x, f=loss, t=t: f(t, ops.softmax(x))[0], [x])
        for name, (loss, t) in functions.items()
    }
    for name, (value, slopes) in values_and_slopes(cases).items():
        assert np.isfinite(value) and np.all(np.isfinite(slopes)), name


def test_unsaturated_values_are_those_of_the_probabilities():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(16, 5), scale=3.0).astype("float32")
    one_hot = np.eye(5, dtype="float32")[rng.integers(0, 5, 16)]
    for activation, names, target in (
        ("sigmoid", ["binary_crossentropy", "binary_focal_crossentropy"], one_hot),
        ("softmax", ["categorical_crossentropy", "categorical_focal_crossentropy"], one_hot),
        ("softmax", ["kl_divergence"], one_hot * 0.9 + 0.02),
        ("softmax", ["sparse_categorical_crossentropy"], one_hot.argmax(-1)),
    ):
        p = getattr(ops, activation)(x)
        assert logits_of(p) is not None and logits_of(p + 0) is None
        for name in names:
            function = getattr(losses, name)
            close(function(target, p), function(target, p + 0), rtol=3e-5, atol=2e-6)


def test_metrics_measure_the_probabilities():
    """In training steps and in evaluations alike, clipped as in Keras."""
    model = networks("sigmoid")["functional"]
    model.compile(tv.optimizers.SGD(0.0), "binary_crossentropy", metrics=["bce", "accuracy"])
    trained = model.train_on_batch(X, BITS, return_dict=True)
    tested = model.test_on_batch(X, BITS, return_dict=True)
    clipped = metrics.BinaryCrossentropy()(BITS, sigmoid(X).astype("float32"))
    for logs in (trained, tested):
        close(logs["bce"], clipped)
        close(logs["loss"], binary(X, BITS)[0].mean())


def test_nothing_is_kept_longer_than_the_probabilities():
    before = len(table._logits)
    kept = [ops.softmax(X), ops.sigmoid(X)]
    assert len(table._logits) == before + 2
    del kept
    jax.jit(jax.grad(lambda x: losses.binary_crossentropy(BITS, ops.sigmoid(x)).sum()))(X)
    gc.collect()
    assert len(table._logits) <= before
