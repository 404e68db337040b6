"""Metrics against their definitions, where the real Keras gives other numbers or none."""

from __future__ import annotations

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium import losses, metrics

RNG = np.random.default_rng(7)
N, C = 12, 3
TRUE = RNG.normal(size=(N, C))
PRED = TRUE + RNG.normal(size=(N, C)) * 0.5
WEIGHT = RNG.uniform(0.2, 2.0, N)
LABELS = RNG.integers(0, C, N)
ONE_HOT = np.eye(C)[LABELS]
SCORES = RNG.uniform(size=(N, C))


def close(ours, wanted, rtol=1e-4, atol=1e-6):
    np.testing.assert_allclose(np.asarray(ours), wanted, rtol=rtol, atol=atol)


def in_batches(metric, true, pred, weight=None):
    """The result over three batches of unlike sizes."""
    for rows in (slice(0, 1), slice(1, 8), slice(8, N)):
        own = weight[rows] if np.ndim(weight) else weight
        metric.update_state(true[rows], pred[rows], sample_weight=own)
    return metric.result()


# --- R²: scikit-learn's r2_score, and 1 - (1 - R²)(n - 1)/(n - p - 1)


def r2(true, pred, weight, aggregation):
    w = np.ones(len(true)) if weight is None else weight
    mean = np.average(true, axis=0, weights=w)
    total = (w[:, None] * (true - mean) ** 2).sum(0)
    scores = 1 - (w[:, None] * (true - pred) ** 2).sum(0) / total
    if aggregation is None:
        return scores
    return np.average(scores, weights=None if aggregation == "uniform_average" else total)


@pytest.mark.parametrize("aggregation", [None, "uniform_average", "variance_weighted_average"])
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("offset", [0.0, 2000.0])
def test_r2_about_any_mean(aggregation, weight, offset):
    """The squares of years have no digits left for how the years differ."""
    metric = metrics.R2Score(class_aggregation=aggregation)
    true, pred = ((x + offset).astype("float32") for x in (TRUE, PRED))
    wanted = r2(true.astype("float64"), pred.astype("float64"), weight, aggregation)
    close(in_batches(metric, true, pred, weight), wanted, rtol=1e-3)


def test_adjusted_r2():
    true = [[0, 0, 1], [0, 1, 0], [1, 0, 0]]
    pred = [[0.4, 0.5, 0.6], [0.1, 0.2, 0.3], [0.5, 0.8, 0.2]]
    metric = metrics.R2Score(class_aggregation=None, num_regressors=1)
    close(metric(true, pred), [-0.26, -3.59, 0.13])
    for p in (1, 2, 5):
        plain = r2(TRUE, PRED, None, "uniform_average")
        metric = metrics.R2Score(num_regressors=p)
        close(in_batches(metric, TRUE, PRED), 1 - (1 - plain) * (N - 1) / (N - p - 1))
    few = metrics.R2Score(num_regressors=N)  # Not enough samples to adjust by.
    close(in_batches(few, TRUE, PRED), plain)


@pytest.mark.parametrize("constant", [0.0, 0.1, 3e4])
def test_r2_of_targets_that_do_not_vary(constant):
    """As scikit-learn has it: 1 for perfect predictions, else 0."""
    true = np.full((N, 2), constant, "float32")
    pred = true + np.array([0.0, 1.0], "float32")
    close(in_batches(metrics.R2Score(class_aggregation=None), true, pred), [1.0, 0.0])
    assert np.isnan(metrics.R2Score()(np.array([[np.nan], [1.0]]), np.ones((2, 1))))


# --- F scores: from weighted counts


def f_beta(true, said, weight, beta, average):
    w = np.broadcast_to(np.ones(()) if weight is None else weight, true.shape)
    right, wrong, missed = (
        (w * x).sum(0) for x in (true * said, (1 - true) * said, true * (1 - said))
    )
    if average == "micro":
        right, wrong, missed = right.sum(), wrong.sum(), missed.sum()
    scores = (1 + beta**2) * right / ((1 + beta**2) * right + beta**2 * missed + wrong)
    if average == "weighted":
        return np.average(scores, weights=(w * true).sum(0))
    return scores if average is None else scores.mean()


@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
@pytest.mark.parametrize("scale", [1.0, 1e-7])
def test_f_scores_with_weights_of_every_shape(average, scale):
    """However small: an epsilon beside the counts would make all of them wrong."""
    said = np.eye(C)[SCORES.argmax(-1)]
    for shape in ((), (N,), (N, 1), (N, C)):
        weight = RNG.uniform(0.5, 2.0, shape) * scale
        full = weight[:, None] if weight.ndim == 1 else weight
        metric = metrics.FBetaScore(average=average, beta=2.0)
        close(
            in_batches(metric, ONE_HOT, SCORES, weight), f_beta(ONE_HOT, said, full, 2.0, average)
        )
        metric = metrics.F1Score(average=average, threshold=0.4)
        close(
            in_batches(metric, ONE_HOT, SCORES, weight),
            f_beta(ONE_HOT, SCORES > 0.4, full, 1.0, average),
        )


def test_the_largest_of_a_row_may_be_zero():
    """Logarithms of probabilities, whose largest is about 0."""
    logarithms = jax.nn.log_softmax(30.0 * jnp.asarray(SCORES, "float32"))
    said = np.eye(C)[SCORES.argmax(-1)]
    close(metrics.F1Score()(ONE_HOT, logarithms), f_beta(ONE_HOT, said, None, 1.0, None))
    nothing_said = metrics.F1Score()([[1.0, 0.0]], [[0.0, 0.0]])
    assert nothing_said.tolist() == [0.0, 0.0]


def test_one_unit():
    bits, probability = np.array([1.0, 0.0, 1.0]), np.array([[0.9], [0.8], [0.2]])
    with pytest.raises(ValueError, match=r"one column: y\[:, None\]"):
        metrics.F1Score(threshold=0.5)(bits, probability)
    close(metrics.F1Score(threshold=0.5)(bits[:, None], probability), [0.5])
    with pytest.warns(UserWarning, match="always says yes. Give threshold=0.5"):
        metrics.F1Score()(bits[:, None], probability)
    model = tv.Sequential([tv.Input((2,)), tv.layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy", metrics=[metrics.F1Score(threshold=0.5)])
    with pytest.raises(ValueError, match=r"one column: y\[:, None\]"):
        model.fit(np.ones((3, 2)), bits, verbose=0)


# --- counts and overlaps with weights of every shape


@pytest.mark.parametrize("shape", [(), (N,), (N, 1), (N, 2), (N, 2, C)])
def test_precision_recall_and_overlap_of_sequences(shape):
    true = RNG.integers(0, 2, (N, 2, C)).astype("float32")
    pred = RNG.uniform(size=(N, 2, C)).astype("float32")
    weight = RNG.uniform(0.5, 2.0, shape).astype("float32")
    w = np.broadcast_to(weight.reshape(shape + (1,) * (3 - len(shape))), true.shape)
    said = pred > 0.5
    right = (w * true * said).sum()
    close(in_batches(metrics.Precision(), true, pred, weight), right / (w * said).sum())
    close(in_batches(metrics.Recall(), true, pred, weight), right / (w * true).sum())
    one = metrics.Recall(class_id=1)
    wanted = (w * true * said)[..., 1].sum() / (w * true)[..., 1].sum()
    close(in_batches(one, true, pred, weight), wanted)
    either = (w * np.maximum(true, said)).sum()
    iou = metrics.BinaryIoU(target_class_ids=[1], dtype="float32")
    close(in_batches(iou, true, pred, weight), right / either)


# --- accuracies


FORMS = {  # Targets' and predictions' shapes that mean the same rows.
    "sparse_categorical_accuracy": [((N,), (N, C)), ((N, 1), (N, C)), ((N, 1, 1), (N, C)),
                                    ((N,), (N, 1, C)), ((N, 1, 1), (N, 1, C))],
    "categorical_accuracy": [((N, C), (N, C)), ((N, 1, C), (N, C)), ((N, C), (N, 1, C))],
    "binary_accuracy": [((N,), (N, 1)), ((N, 1), (N,)), ((N, 1, 1), (N, 1)), ((N,), (N,))],
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_accuracies_of_targets_of_another_rank(name):
    for true_shape, pred_shape in FORMS[name]:
        pred = SCORES[:, :1] if name == "binary_accuracy" else SCORES
        true = ONE_HOT if name == "categorical_accuracy" else LABELS
        right = pred.argmax(-1) == LABELS
        if name == "binary_accuracy":
            true = LABELS % 2
            right = (pred[:, 0] > 0.5) == true
        metric = metrics.get("".join(word.capitalize() for word in name.split("_")))
        got = in_batches(metric, true.reshape(true_shape), pred.reshape(pred_shape), WEIGHT)
        close(got, np.average(right, weights=WEIGHT))
        if len(true_shape) >= len(pred_shape) or name != "categorical_accuracy":
            chosen = metrics.resolve("accuracy", true_shape, pred_shape)
            assert type(chosen) is type(metric)
        top = name.replace("categorical", "top_k_categorical")
        if "categorical" in name:
            every = getattr(metrics, top)(true.reshape(true_shape), pred.reshape(pred_shape), k=C)
            assert np.all(np.asarray(every) == 1.0)


def test_one_prediction_a_sample_without_an_axis():
    """Keras looks for the likeliest class along the batch."""
    assert losses.resolve("crossentropy", (N,), (N,)).fn is losses.binary_crossentropy

    class Flat(tv.Model):
        def __init__(self):
            super().__init__()
            self.dense = tv.layers.Dense(1, activation="sigmoid")

        def call(self, x):
            return tv.ops.squeeze(self.dense(x), -1)

    model = Flat()
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        logs = model.evaluate(SCORES, LABELS % 2, verbose=0, return_dict=True)
    close(logs["accuracy"], ((model.predict(SCORES, verbose=0) > 0.5) == LABELS % 2).mean())


# --- losses


def test_tversky_weighs_false_positives_by_alpha():
    """Salehi et al. 2017, equation 3: alpha weighs what is found wrongly, beta what is missed."""
    true = np.array([[1.0, 1.0, 0.0, 0.0]])
    pred = np.array([[1.0, 0.0, 1.0, 1.0]])  # One right, one missed, two found wrongly.
    for alpha, beta in ((0.3, 0.7), (1.0, 0.0), (0.0, 1.0)):
        loss = losses.Tversky(alpha=alpha, beta=beta)
        close(loss(true, pred), 1 - 1 / (1 + alpha * 2 + beta * 1))
        close(losses.tversky(true, pred, alpha, beta), 1 - 1 / (1 + alpha * 2 + beta * 1))
