"""Sample weights and masks of every shape against their definition in NumPy: they align from the front."""

from __future__ import annotations

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium import losses, metrics

RNG = np.random.default_rng(3)
N, T = 4, 3
REDUCTIONS = ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None]
SHAPES = [(N, 2), (N, T, 2), (N, T, 2, 2), (N, 1, 2), (N, N, 2)]
"""Shapes of predictions. The last has as many steps as samples, where broadcasting hides a slip."""

SPARSE = ["SparseCategoricalCrossentropy", "CategoricalGeneralizedCrossEntropy"]
SMALL = [  # Those that take targets and predictions of any rank, the last axis being reduced.
    *SPARSE, "BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy", "CategoricalHinge", "CosineSimilarity", "Hinge", "Huber",
    "KLDivergence", "LogCosh", "MeanAbsoluteError", "MeanAbsolutePercentageError",
    "MeanSquaredError", "MeanSquaredLogarithmicError", "Poisson", "SquaredHinge",
]  # fmt: skip


def weighted(values, weight, reduction):
    """The definition: each axis that the weights lack is one along which they are the same."""
    weight = np.asarray(weight, "float64")
    while weight.ndim > values.ndim:
        weight = weight[..., 0]
    weight = weight.reshape(weight.shape + (1,) * (values.ndim - weight.ndim))
    weight = np.broadcast_to(weight, values.shape)
    products = values * weight
    if reduction in ("none", None):
        return products
    total = products.sum()
    if reduction == "sum":
        return total
    return total / (weight.sum() if reduction == "mean_with_sample_weight" else values.size)


def weight_shapes(shape):
    """The shapes that weigh losses of `shape`: a number, then one axis more at a time, or its 1."""
    fronts = [shape[:i] for i in range(1, len(shape) + 1)]
    return [(), *fronts, (N, 1), (*shape, 1), *[(N, *[1] * (len(f) - 1)) for f in fronts]]


def data(name, shape):
    pred = RNG.uniform(0.1, 0.9, shape).astype("float32")
    if name in SPARSE:
        return RNG.integers(0, shape[-1], shape[:-1]), pred
    return np.eye(shape[-1], dtype="float32")[RNG.integers(0, shape[-1], shape[:-1])], pred


def close(ours, wanted):
    np.testing.assert_allclose(np.asarray(ours), wanted, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("name", SMALL)
def test_every_loss_rank_and_shape_of_weights(name):
    make = getattr(losses, name)
    extra = {"q": 0.5} if name == "CategoricalGeneralizedCrossEntropy" else {}
    reductions = REDUCTIONS if name == "MeanSquaredError" else REDUCTIONS[::3]
    for shape in SHAPES:
        true, pred = data(name, shape)
        values = np.asarray(make(reduction="none", **extra)(true, pred), "float64")
        for reduction, form in itertools.product(reductions, weight_shapes(values.shape)):
            weight = RNG.uniform(0.0, 2.0, form).astype("float32")
            ours = make(reduction=reduction, **extra)(true, pred, sample_weight=weight)
            close(ours, weighted(values, weight, reduction))


def test_one_weight_a_sample_where_there_are_as_many_steps():
    ones = np.ones((4, 4, 1), "float32")
    assert float(losses.MeanSquaredError()(0 * ones, ones, sample_weight=[1, 0, 0, 0])) == 0.25
    weight = np.array([1.0, 0.0, 0.0, 0.0])
    table = np.eye(4, 4, dtype="float32")[..., None]  # Each sample errs at a step of its own.
    assert float(losses.MeanSquaredError()(0 * table, table, sample_weight=weight)) == 0.0625


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("mask_shape", [(N,), (N, T), (N, T, 2)])
@pytest.mark.parametrize("weight_shape", [None, (), (N,), (N, 1), (N, T), (N, T, 2)])
def test_masks_and_weights_together(reduction, mask_shape, weight_shape):
    true, pred = RNG.normal(size=(2, N, T, 2, 5)).astype("float32")
    mask = np.arange(np.prod(mask_shape)).reshape(mask_shape) % 3 != 1
    weight = np.ones(()) if weight_shape is None else RNG.uniform(size=weight_shape)
    values = np.mean((true - pred) ** 2, -1, dtype="float64")
    scale = mask.size / mask.sum() if reduction in ("sum_over_batch_size", "mean") else 1.0
    full = np.ones((N, T, 2)) * mask.reshape(mask_shape + (1,) * (3 - mask.ndim)) * scale
    full = full * weight.reshape(weight.shape + (1,) * (3 - weight.ndim))
    loss = losses.MeanSquaredError(reduction=reduction)
    close(
        loss(true, pred, None if weight_shape is None else weight, mask=mask),
        weighted(values, full, reduction),
    )


@pytest.mark.parametrize(
    ("shape", "weight", "words"),
    [
        ((N, T, 2), (T,), r"\(3,\) does not fit values of shape \(4, 3\)"),
        ((N, T, 2), (N, 2), r"one weight a sample, shape \(4,\)"),
        ((N, T, 2), (N, T, 2), r"or one for each, shape \(4, 3\)"),
        ((N, 2), (N, N), r"\(4, 4\) does not fit values of shape \(4,\)"),
        ((N, 1, 2), (N, T), r"\(4, 3\) does not fit values of shape \(4, 1\)"),
    ],
)
@pytest.mark.parametrize("kind", ["loss", "metric"])
def test_weights_that_fit_nothing(shape, weight, words, kind):
    make = losses if kind == "loss" else metrics
    with pytest.raises(ValueError, match=words):
        make.MeanSquaredError()(*data("mse", shape), sample_weight=np.ones(weight))


def test_weights_and_mask_that_do_not_go_together():
    with pytest.raises(ValueError, match=r"shape \(3,\) and a mask of shape \(4, 2\)"):
        losses.MeanSquaredError()(*data("mse", (N, 2, 2)), np.ones(3), mask=np.ones((N, 2)))


@pytest.mark.parametrize("shape", SHAPES)
def test_metrics_weigh_as_losses_do(shape):
    """A mean over batches of unlike sizes; one number as the weight is that of each sample."""
    true, pred = data("mse", shape)
    values = np.mean((true - pred) ** 2, -1, dtype="float64")
    for form in weight_shapes(values.shape):
        weight = RNG.uniform(0.5, 2.0, form).astype("float32")
        metric = metrics.MeanSquaredError()
        for rows in (slice(0, 1), slice(1, N)):
            metric.update_state(true[rows], pred[rows], weight[rows] if form else weight)
        # A sample's weight is the mean of its entries', as in Keras.
        w = weight.reshape(weight.shape + (1,) * (values.ndim - weight.ndim))[: N or None]
        w = w[..., 0] if w.ndim > values.ndim else w
        rank = min(max(len(form), 1), values.ndim)
        per = values.mean(axis=tuple(range(rank, values.ndim)))
        w = np.broadcast_to(w.reshape(w.shape[:rank]) if w.shape else w, per.shape)
        by_sample = (per * w).reshape(N, -1).mean(1)
        close(metric.result(), by_sample.sum() / w.reshape(N, -1).mean(1).sum())


# --- the same through compile, fit and evaluate


def identity(shape):
    """A model whose output is its input."""
    dense = tv.layers.Dense(shape[-1], use_bias=False, kernel_initializer="identity")
    return tv.Sequential([tv.Input(shape[1:]), dense])


def half(y_true, y_pred):
    return jnp.mean(jnp.square(y_true - y_pred), axis=-1) / 2


class Half(losses.Loss):
    def call(self, y_true, y_pred):
        return half(y_true, y_pred)


@pytest.mark.parametrize("eagerly", [False, True])
@pytest.mark.parametrize("loss", ["mse", half, Half()])
def test_evaluate_and_train_on_weighted_sequences(loss, eagerly):
    true, pred = (x.astype("float32") for x in RNG.normal(size=(2, N, N, 2)))
    model = identity(pred.shape)
    model.compile("sgd", loss, weighted_metrics=["mse"], run_eagerly=eagerly)
    values = np.mean((true - pred) ** 2, -1, dtype="float64")
    scale = 1.0 if loss == "mse" else 0.5
    for form in ((N,), (N, 1), (N, N)):
        weight = RNG.uniform(0.5, 2.0, form).astype("float32")
        wanted = weighted(values, weight, "mean") * scale
        logs = model.evaluate(pred, true, sample_weight=weight, verbose=0, return_dict=True)
        close(logs["loss"], wanted)
        close(logs["mse"], weighted(values, weight, "mean_with_sample_weight"))
    logs = model.train_on_batch(pred, true, sample_weight=weight, return_dict=True)
    close(logs["loss"], wanted)


def test_class_weights_of_sequences_of_labels():
    labels, pred = data("SparseCategoricalCrossentropy", (N, N, 2))
    pred = pred / pred.sum(-1, keepdims=True)
    model = identity(pred.shape)
    model.compile("sgd", "sparse_categorical_crossentropy")
    values = -np.log(np.take_along_axis(pred, labels[..., None], -1)[..., 0])
    weights = {0: 0.5, 1: 2.0}
    logs = model.train_on_batch(pred, labels[..., None], class_weight=weights, return_dict=True)
    close(logs["loss"], (values * np.where(labels == 1, 2.0, 0.5)).mean())


def test_mask_of_the_model_and_weights_of_the_samples():
    true, pred = (x.astype("float32") for x in RNG.normal(size=(2, N, N, 2)))
    pred[:, 2:] = 0.0  # The steps that the mask leaves out.
    model = tv.Sequential([tv.Input((N, 2)), tv.layers.Masking(), identity(pred.shape).layers[-1]])
    model.compile("sgd", "mse")
    values = np.mean((true - pred) ** 2, -1, dtype="float64")
    weight = np.array([1.0, 0.0, 2.0, 0.5], "float32")
    # The mask keeps half of the steps, and the mean is over those.
    wanted = (values[:, :2] * weight[:, None]).mean()
    close(model.evaluate(pred, true, sample_weight=weight, verbose=0), wanted)
