"""Every metric against the real Keras: updates, weights, results, resets, configs, pure twins."""

from __future__ import annotations

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import both, recorded

import trivium
from trivium import metrics

RNG = np.random.default_rng(1)
BATCH, CLASSES, BATCHES = 6, 4, 3


def softmax(x):
    e = np.exp(x)
    return (e / e.sum(-1, keepdims=True)).astype("float32")


def reals(*shape):
    return RNG.normal(size=(BATCHES, *shape)).astype("float32")


REAL, OTHER = reals(BATCH, CLASSES), reals(BATCH, CLASSES)
PROBABILITY = softmax(REAL)
LABELS = RNG.integers(0, CLASSES, size=(BATCHES, BATCH))
ONE_HOT = np.eye(CLASSES, dtype="float32")[LABELS]
SCORES = RNG.uniform(size=(BATCHES, BATCH, CLASSES)).astype("float32")
BITS = RNG.integers(0, 2, size=(BATCHES, BATCH, CLASSES)).astype("float32")
SCORE, BIT = SCORES[..., 0], BITS[..., 0]
COUNTS = RNG.integers(0, 4, size=(BATCHES, BATCH, CLASSES)).astype("float32")
RANKED = np.argsort(-REAL, axis=-1)
PIXELS = RNG.integers(0, CLASSES, size=(BATCHES, BATCH, 5))
GUESSES = RNG.integers(0, CLASSES, size=(BATCHES, BATCH, 5))
WEIGHT = RNG.uniform(0.2, 2.0, size=(BATCHES, BATCH)).astype("float32")

GRID = [0.0, 0.25, 0.5, 0.75, 1.0]

# Class, its arguments, targets and predictions of each batch.
CASES = [
    ("MeanSquaredError", {}, OTHER, REAL),
    ("RootMeanSquaredError", {}, OTHER, REAL),
    ("MeanAbsoluteError", {}, OTHER, REAL),
    ("MeanAbsolutePercentageError", {}, OTHER, REAL),
    ("MeanSquaredLogarithmicError", {}, SCORES, REAL),
    ("LogCoshError", {}, OTHER, REAL),
    ("CosineSimilarity", {}, OTHER, REAL),
    ("CosineSimilarity", {"axis": 1}, OTHER, REAL),
    ("PearsonCorrelation", {}, OTHER, REAL),
    ("ConcordanceCorrelation", {}, OTHER, REAL),
    ("R2Score", {}, OTHER, REAL),
    ("R2Score", {"class_aggregation": None}, OTHER, REAL),
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, OTHER, REAL),
    ("R2Score", {"num_regressors": 2}, OTHER, REAL),
    ("Accuracy", {}, LABELS, GUESSES[..., 0]),
    ("BinaryAccuracy", {}, BITS, SCORES),
    ("BinaryAccuracy", {"threshold": 0.8}, BIT[..., None], SCORE[..., None]),
    ("CategoricalAccuracy", {}, ONE_HOT, PROBABILITY),
    ("SparseCategoricalAccuracy", {}, LABELS, PROBABILITY),
    ("SparseCategoricalAccuracy", {}, LABELS[..., None].astype("float32"), PROBABILITY),
    ("TopKCategoricalAccuracy", {"k": 2}, ONE_HOT, PROBABILITY),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, LABELS, PROBABILITY),
    ("SparseTopKCategoricalAccuracy", {"k": 2, "from_sorted_ids": True}, LABELS, RANKED),
    ("BinaryCrossentropy", {}, BITS, SCORES),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, BITS, REAL),
    ("CategoricalCrossentropy", {}, ONE_HOT, PROBABILITY),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, ONE_HOT, REAL),
    ("SparseCategoricalCrossentropy", {}, LABELS, PROBABILITY),
    ("SparseCategoricalCrossentropy", {"from_logits": True, "ignore_class": 1}, LABELS, REAL),
    ("KLDivergence", {}, softmax(OTHER), PROBABILITY),
    ("Poisson", {}, COUNTS, SCORES),
    ("Hinge", {}, BITS, REAL),
    ("SquaredHinge", {}, BITS, REAL),
    ("CategoricalHinge", {}, ONE_HOT, REAL),
    ("TruePositives", {}, BIT, SCORE),
    ("TruePositives", {"thresholds": [0.3, 0.9]}, BIT, SCORE),
    ("FalsePositives", {"thresholds": 0.2}, BITS, SCORES),
    ("TrueNegatives", {"thresholds": GRID}, BIT[..., None], SCORE[..., None]),
    ("FalseNegatives", {"thresholds": [0.3, 0.9]}, BIT, SCORE),
    ("FalseNegatives", {"thresholds": GRID}, BITS, SCORES),
    ("Precision", {}, BIT, SCORE),
    ("Precision", {"thresholds": [0.1, 0.7]}, BITS, SCORES),
    ("Precision", {"top_k": 2}, ONE_HOT, PROBABILITY),
    ("Precision", {"class_id": 1, "thresholds": 0.4}, BITS, SCORES),
    ("Precision", {"top_k": 2, "class_id": 2}, ONE_HOT, PROBABILITY),
    ("Recall", {}, BIT[..., None], SCORE[..., None]),
    ("Recall", {"thresholds": GRID}, BITS, SCORES),
    ("Recall", {"top_k": 3}, ONE_HOT, PROBABILITY),
    ("SensitivityAtSpecificity", {"specificity": 0.4, "num_thresholds": 9}, BIT, SCORE),
    ("SpecificityAtSensitivity", {"sensitivity": 0.4, "num_thresholds": 1}, BIT, SCORE),
    ("SpecificityAtSensitivity", {"sensitivity": 0.6}, BITS, SCORES),
    ("PrecisionAtRecall", {"recall": 0.7, "class_id": 2}, BITS, SCORES),
    ("RecallAtPrecision", {"precision": 0.5, "num_thresholds": 2}, BIT, SCORE),
    ("AUC", {}, BIT, SCORE),
    ("AUC", {"num_thresholds": 3}, BITS, SCORES),
    ("AUC", {"num_thresholds": 2}, BITS, SCORES),
    ("AUC", {"thresholds": [0.7, 0.1, 0.4]}, BIT, SCORE),
    ("AUC", {"from_logits": True}, BITS, REAL),
    ("AUC", {"label_weights": [0.1, 0.2, 0.3, 0.4]}, BITS, SCORES),
    ("AUC", {"multi_label": True}, BITS, SCORES),
    ("AUC", {"multi_label": True, "thresholds": [0.3, 0.35]}, BITS, SCORES),
    (
        "AUC",
        {"multi_label": True, "num_labels": CLASSES, "label_weights": [1.0, 0.0, 2.0, 3.0]},
        BITS,
        SCORES,
    ),
    ("FBetaScore", {"beta": 2.0, "threshold": 0.5}, BITS, SCORES),
    ("FBetaScore", {"average": "weighted", "beta": 0.5}, ONE_HOT, PROBABILITY),
    ("F1Score", {"average": "micro"}, ONE_HOT, PROBABILITY),
    ("F1Score", {"average": "macro", "threshold": 0.3}, BITS, SCORES),
    ("IoU", {"num_classes": CLASSES, "target_class_ids": [0, 2]}, PIXELS, GUESSES),
    (
        "IoU",
        {
            "num_classes": CLASSES - 1,
            "target_class_ids": [1],
            "ignore_class": 0,
            "sparse_y_pred": False,
            "dtype": "float32",
        },
        LABELS,
        PROBABILITY,
    ),
    ("BinaryIoU", {"threshold": 0.3}, BITS, SCORES),
    ("MeanIoU", {"num_classes": CLASSES}, PIXELS, GUESSES),
    ("OneHotIoU", {"num_classes": CLASSES, "target_class_ids": [1]}, ONE_HOT, PROBABILITY),
    ("OneHotMeanIoU", {"num_classes": CLASSES, "sparse_y_pred": True}, ONE_HOT, LABELS[::-1]),
] + [
    ("AUC", {"curve": curve, "summation_method": method}, BITS, SCORES)
    for curve in ("ROC", "PR", "PRGAIN")
    for method in ("interpolation", "majoring", "minoring")
]
IDS = [f"{name}-{i}" for i, (name, *_) in enumerate(CASES)]
each_case = pytest.mark.parametrize(("name", "kwargs", "true", "pred"), CASES, ids=IDS)
NAMES = sorted({name for name, *_ in CASES} | {"Mean", "Sum"})


def public(keras):
    """Return the public names of `keras.metrics`, of its classes and of its functions."""
    names = [n for n in dir(keras.metrics) if not n.startswith("_")]
    kinds = (inspect.isclass, inspect.isfunction)
    return names, *([n for n in names if kind(getattr(keras.metrics, n))] for kind in kinds)


PUBLIC, CLASSES_OF_KERAS, FUNCTIONS_OF_KERAS = recorded(public, "names")


def updated(name, *updates, **kwargs):
    """Return, of ours and of Keras's, the variables' values and the result after updates."""

    def use(library):
        metric = getattr(library.metrics, name)(**kwargs)
        for update in updates:
            metric.update_state(*update)
        return [v.value for v in metric.variables], metric.result()

    return both(use)


def close(ours, theirs, rtol=3e-6, atol=1e-6):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=rtol, atol=atol)


def weight_for(name, true, batch):
    """Whole numbers, one a place, where Keras counts places; else one a sample."""
    if "IoU" in name:
        return (
            np.arange(true[batch].reshape(-1).size) % 3 if "OneHot" not in name else LABELS[batch]
        )
    return WEIGHT[batch]


def test_every_public_metric_of_keras_is_here_and_tested():
    assert set(PUBLIC) <= set(metrics.__all__)
    assert set(CLASSES_OF_KERAS) == set(NAMES) | {"Metric", "MeanMetricWrapper"}


@pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64")  # Keras's IoU does.
@each_case
def test_updates_results_and_resets(name, kwargs, true, pred):
    weight = weight_for(name, true, 1)  # Without weights, with, without: both ways in one state.

    def run(library):
        metric = getattr(library.metrics, name)(**kwargs)
        for batch in range(BATCHES):
            given = weight if batch == 1 else None
            metric.update_state(true[batch], pred[batch], sample_weight=given)
        variables = [
            ((v.name, tuple(v.shape), str(v.dtype), v.trainable), np.asarray(v.value))
            for v in metric.variables
        ]
        first = getattr(library.metrics, name)(**kwargs)(true[0], pred[0])
        return metric, variables, metric.result(), first

    theirs = recorded(lambda keras: run(keras)[1:])
    ours, *mine = run(trivium)
    # See differences.md: other numbers, and another state.
    ignoring = name == "SparseCategoricalCrossentropy" and "ignore_class" in kwargs
    departs = ignoring or "num_regressors" in kwargs
    for (said, value), (wanted, their_value) in zip(mine[0], theirs[0], strict=True):
        if name == "R2Score":
            break
        assert said == wanted
        assert ignoring or np.allclose(value, their_value, rtol=3e-6, atol=1e-6)
    if not departs:
        close(mine[1], theirs[1])
    assert mine[1].shape == theirs[1].shape
    ours.reset_state()
    assert all(np.all(v.numpy() == 0) for v in ours.variables)
    if not departs:
        close(ours(true[0], pred[0]), theirs[2])


@each_case
def test_the_pure_twin_gives_the_same_bits(name, kwargs, true, pred):
    metric, twin = getattr(metrics, name)(**kwargs), getattr(metrics, name)(**kwargs)
    twin.build(true[0].shape, pred[0].shape)
    state = twin.stateless_reset_state()
    for batch in range(BATCHES):
        weight = weight_for(name, true, batch) if batch == 1 else None
        metric.update_state(true[batch], pred[batch], weight)
        state = twin.stateless_update_state(state, true[batch], pred[batch], weight)
    for value, v in zip(state, metric.variables, strict=True):
        assert value.dtype == v.dtype and np.array_equal(value, v.value)
    assert np.array_equal(twin.stateless_result(state), metric.result())
    assert all(np.all(v.numpy() == 0) for v in twin.variables)


LOOPED = ("R2Score", "F1Score", "MeanIoU", "AUC", "SparseCategoricalAccuracy", "Precision")


@pytest.mark.parametrize("index", [i for i, c in enumerate(CASES) if c[0] in LOOPED][::3])
def test_in_a_compiled_loop(index):
    name, kwargs, true, pred = CASES[index]
    metric, eager = getattr(metrics, name)(**kwargs), getattr(metrics, name)(**kwargs)
    metric.build(true[0].shape, pred[0].shape)

    @jax.jit
    def run(state, true, pred):
        def body(i, state):
            return metric.stateless_update_state(state, true[i], pred[i])

        state = jax.lax.fori_loop(0, len(true), body, state)
        return state, metric.stateless_result(state)

    state, result = run(metric.stateless_reset_state(), jnp.asarray(true), jnp.asarray(pred))
    for batch in range(BATCHES):
        eager.update_state(true[batch], pred[batch])
    close(result, eager.result())
    assert [str(s.dtype) for s in state] == [v.dtype for v in eager.variables]
    assert not any(s.weak_type for s in state)


@each_case
def test_config(name, kwargs, true, pred):
    kwargs = {"name": "mine", **kwargs}
    ours = getattr(metrics, name)(**kwargs)
    config = metrics.serialize(ours)

    def of_keras(keras):
        theirs = getattr(keras.metrics, name)(**kwargs)
        wanted = keras.metrics.serialize(theirs)
        for key, value in theirs.get_config().items():  # Keras turns a list given into an array.
            if isinstance(value, jax.Array):
                wanted["config"][key] = np.asarray(value).tolist()
        return wanted

    wanted = recorded(of_keras)
    forgotten = {k: v for k, v in kwargs.items() if k not in wanted["config"]}
    wanted["config"].update(forgotten)  # What Keras forgets, ours keeps, and Keras reads.
    assert config == wanted
    again = metrics.deserialize(config)
    assert type(again) is type(ours) and again.get_config() == ours.get_config()
    assert recorded(lambda keras: keras.metrics.deserialize(config).name) == "mine"


@pytest.mark.parametrize("name", NAMES)
def test_signatures_and_names(name):
    kwargs = next((c[1] for c in CASES if c[0] == name), {})

    def said(library):
        kind = getattr(library.metrics, name)
        metric = kind(**kwargs)
        direction = getattr(metric, "_direction", None)
        return (
            list(defaults(kind).items()),
            metric.name.rstrip("_0123456789"),
            metric.dtype,
            direction,
        )

    ours, theirs = both(said)
    assert ours == theirs


def defaults(function):
    return {p.name: p.default for p in inspect.signature(function).parameters.values()}


@pytest.mark.parametrize("name", FUNCTIONS_OF_KERAS)
def test_function_signatures(name):
    ours, theirs = both(lambda lib: defaults(getattr(lib.metrics, name)))
    assert {p: ours[p] for p in theirs if p != "name"} == {
        p: q for p, q in theirs.items() if p != "name"
    }


# --- means and sums


@pytest.mark.parametrize("name", ["Mean", "Sum"])
@pytest.mark.parametrize(
    ("shape", "weight"),
    [
        ((), None),
        ((5,), None),
        ((5,), (5,)),
        ((5, 3), (5,)),
        ((5, 3), (5, 1)),
        ((5, 3), (5, 3)),
        ((5,), (5, 1)),
        ((5, 3, 2), (5, 3)),
        ((), ()),
        ((5, 3), (1,)),
    ],
)
def test_mean_and_sum(name, shape, weight):
    rng = np.random.default_rng(0)
    values = np.asarray(rng.normal(size=shape), "float32")
    weight = None if weight is None else np.asarray(rng.uniform(size=weight), "float32")
    (variables, ours), (wanted, theirs) = updated(name, (values, weight), (2.5,))
    for v, w in zip(variables, wanted, strict=True):
        close(v, w)
    close(ours, theirs)


def test_mean_of_nothing_is_zero():
    assert float(metrics.Mean().result()) == 0.0
    assert float(metrics.Mean()([1.0, 2.0], sample_weight=[0, 0])) == 0.0


def test_mean_counts_a_cut_epoch_like_a_whole_one():
    whole, cut = metrics.Mean(), metrics.Mean()
    values = np.arange(7.0)
    whole.update_state(values)
    cut.update_state(values[:4])
    cut.update_state(values[4:])
    assert float(whole.result()) == float(cut.result()) == 3.0


@pytest.mark.parametrize("name", ["MeanSquaredError", "SparseCategoricalAccuracy"])
@pytest.mark.parametrize("weighted", [False, True])
def test_masks(name, weighted):
    rng = np.random.default_rng(0)
    pred = softmax(rng.normal(size=(BATCH, 5, CLASSES)))
    true = rng.integers(0, CLASSES, size=(BATCH, 5))
    true = np.eye(CLASSES, dtype="float32")[true] if name == "MeanSquaredError" else true
    mask = rng.uniform(size=(BATCH, 5)) > 0.4
    weight = WEIGHT[0][:, None] if weighted else None

    def of_keras(keras):
        masked = keras.ops.convert_to_tensor(pred)
        masked._keras_mask = keras.ops.convert_to_tensor(mask)
        metric = getattr(keras.metrics, name)()
        metric.update_state(true, masked, weight)
        return metric.result()

    ours = getattr(metrics, name)()
    ours.update_state(true, pred, weight, mask=mask)
    close(ours.result(), recorded(of_keras))


def test_ignored_class_with_and_without_weights():
    """They do not count either way; in Keras they count as 0 where there are no weights."""
    counts = LABELS[0] != 1
    for weight in (None, WEIGHT[0]):
        metric = metrics.SparseCategoricalCrossentropy(ignore_class=1)
        loss = -np.log(np.take_along_axis(PROBABILITY[0], LABELS[0][..., None], -1)[..., 0])
        w = counts * (1.0 if weight is None else weight)
        close(metric(LABELS[0], PROBABILITY[0], weight), (loss * w).sum() / w.sum())


# --- functions


@pytest.mark.parametrize(
    ("name", "kwargs", "true", "pred"),
    [
        ("binary_accuracy", {"threshold": 0.3}, BITS[0], SCORES[0]),
        ("categorical_accuracy", {}, ONE_HOT, PROBABILITY),
        ("sparse_categorical_accuracy", {}, LABELS, PROBABILITY),
        ("top_k_categorical_accuracy", {"k": 2}, ONE_HOT, PROBABILITY),
        ("sparse_top_k_categorical_accuracy", {"k": 2}, LABELS, PROBABILITY),
        ("pearson_correlation", {"axis": 0}, OTHER[0], REAL[0]),
        ("concordance_correlation", {}, OTHER[0], REAL[0]),
    ],
)
def test_functions(name, kwargs, true, pred):
    close(*both(lambda lib: getattr(lib.metrics, name)(true, pred, **kwargs)), rtol=1e-5)


def test_ties_and_not_a_number_in_top_k():
    pred = np.array([[0.5, 0.5, 0.0], [np.nan, 0.2, 0.1], [0.1, 0.2, 0.7]], "float32")
    for labels in ([0, 0, 0], [1, 1, 1], [2, 2, 2]):
        for k in (1, 2, 3):
            labels = np.array(labels)
            ours, theirs = both(
                lambda lib, labels=labels, k=k: lib.metrics.sparse_top_k_categorical_accuracy(
                    labels, pred, k=k
                )
            )
            close(ours, theirs)


def test_labels_survive_half_precision():
    """In Keras labels are cast to the predictions' type: 257 becomes 256 in bfloat16."""
    pred = jnp.zeros((1, 300), "bfloat16").at[0, 257].set(1)
    assert float(metrics.sparse_categorical_accuracy([257], pred)[0]) == 1.0


def test_thresholds_at_the_predictions():
    """A prediction equal to a threshold is not above it."""
    pred = np.array([0.0, 0.25, 0.5, 0.75, 1.0], "float32")
    for thresholds in (GRID, GRID[1:], [0.5]):
        (_, ours), (_, theirs) = updated("TruePositives", (np.ones(5), pred), thresholds=thresholds)
        close(ours, theirs)


# --- properties


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("multi_label", [False, True])
def test_auc_is_the_share_of_pairs_in_order(seed, multi_label):
    """With thresholds between all scores the ROC area is the chance that a yes outranks a no."""
    rng = np.random.default_rng(seed)
    scores = rng.permutation(np.linspace(0.05, 0.95, 12)).reshape(12, 1)
    true = rng.permutation(np.arange(12) % 3 == 0).reshape(12, 1)
    thresholds = np.linspace(0.01, 0.99, 40).tolist()
    auc = metrics.AUC(thresholds=thresholds, multi_label=multi_label)
    yes, no = scores[true], scores[~true]
    assert float(auc(true, scores)) == pytest.approx(np.mean(yes[:, None] > no[None, :]), abs=1e-6)


@pytest.mark.parametrize("grid", [GRID, [0.2, 0.9]])
def test_the_four_counts_add_up_to_the_weights(grid):
    counts = [
        getattr(metrics, name)(thresholds=grid)(BITS[0], SCORES[0], WEIGHT[0])
        for name in ("TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives")
    ]
    close(sum(counts), np.full(len(grid), WEIGHT[0].sum() * CLASSES), rtol=1e-5)


def test_buckets_and_comparisons_count_alike():
    """Evenly spaced thresholds are counted in buckets, others one by one."""
    even = np.linspace(0, 1, 6)
    uneven = [*even, 0.999]
    for name in ("TruePositives", "FalseNegatives"):
        a = getattr(metrics, name)(thresholds=even.tolist())(BITS[0], SCORES[0], WEIGHT[0])
        b = getattr(metrics, name)(thresholds=uneven)(BITS[0], SCORES[0], WEIGHT[0])
        close(a, b[:6], rtol=1e-5)


def test_order_of_batches_does_not_matter():
    for name in ("AUC", "F1Score", "MeanIoU"):
        index = IDS.index(next(i for i in IDS if i.startswith(name)))
        _, kwargs, true, pred = CASES[index]
        one, two = getattr(metrics, name)(**kwargs), getattr(metrics, name)(**kwargs)
        for batch in range(BATCHES):
            one.update_state(true[batch], pred[batch])
            two.update_state(true[BATCHES - 1 - batch], pred[BATCHES - 1 - batch])
        close(one.result(), two.result())


# --- metrics of one's own


class Largest(metrics.Metric):
    def __init__(self, start=0.0, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.start = start
        self.largest = self.add_weight(shape=(), initializer="zeros", name="largest")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.largest.assign(jnp.maximum(self.largest.value, jnp.max(y_pred)))

    def result(self):
        return self.largest.value + self.start

    def get_config(self):
        return {**super().get_config(), "start": self.start}


class Pair(metrics.Metric):
    def __init__(self, name="pair", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.parts = [Largest(), metrics.Mean()]
        self.by_name = {"sum": metrics.Sum()}
        self.seen = self.add_variable((2,), initializer=lambda shape, dtype: np.ones(shape, dtype))

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.parts[0].update_state(y_true, y_pred)
        self.parts[1].update_state(y_pred, sample_weight)
        self.by_name["sum"].update_state(y_pred)
        self.seen.assign_add(jnp.ones(2))

    def result(self):
        return {"largest": self.parts[0].result(), "mean": self.parts[1].result()}


def test_nested_metrics_are_part_of_the_state():
    metric = Pair()
    assert [v.name for v in metric.variables][1:] == ["largest", "total", "count", "total"]
    assert metric.seen.numpy().tolist() == [1.0, 1.0]
    state = [v.value for v in metric.variables]
    state = jax.jit(metric.stateless_update_state)(state, OTHER[0], REAL[0])
    result = metric.stateless_result(state)
    close(result["largest"], REAL[0].max())
    close(result["mean"], REAL[0].mean())
    assert float(metric.result()["mean"]) == 0.0
    assert metric.seen.numpy().tolist() == [1.0, 1.0]


def test_variables_know_their_metric():
    metric = metrics.Mean(name="a/b")
    assert metric.variables[0].path == "a>b/total"


def test_custom_metrics_in_configs():
    config = metrics.serialize(Largest(start=2.0, name="top"))
    assert config["class_name"] == "Largest"
    again = metrics.deserialize(config, {"Largest": Largest})
    assert (again.start, again.name) == (2.0, "top")
    with pytest.raises(ValueError, match="Largest"):
        metrics.deserialize(config)


def distance(y_true, y_pred, power=1.0):
    return jnp.mean(jnp.abs(y_true - y_pred) ** power, axis=-1)


def test_wrapped_functions():
    def use(library):
        metric = library.metrics.MeanMetricWrapper(fn=distance, name="d", power=2.0)
        metric.update_state(OTHER[0], REAL[0], WEIGHT[0])
        return library.metrics.serialize(metric), metric.result()

    (config, ours), (wanted, theirs) = both(use)
    assert config == wanted
    again = metrics.deserialize(config, {"distance": distance})
    again.update_state(OTHER[0], REAL[0], WEIGHT[0])
    close(ours, theirs)
    close(again.result(), theirs)
    for fn in ("mean_squared_error", "binary_accuracy"):
        ours = metrics.MeanMetricWrapper(getattr(metrics, fn))
        name, config = ours.name, metrics.serialize(ours)

        def of_keras(keras, fn=fn, name=name):
            metric = keras.metrics.MeanMetricWrapper(getattr(keras.metrics, fn), name=name)
            return keras.metrics.serialize(metric)

        assert config == recorded(of_keras)
        assert metrics.deserialize(config).fn is getattr(metrics, fn)


def test_a_loss_can_be_a_metric():
    from trivium import losses

    loss = losses.Huber(delta=0.3, reduction="none")
    metric = metrics.resolve(loss, (BATCH, CLASSES), (BATCH, CLASSES))
    close(metric(OTHER[0], REAL[0]), np.mean(loss(OTHER[0], REAL[0])))
    assert metric.name == "huber_loss" and metric._direction == "down"
    again = metrics.deserialize(metrics.serialize(metric))
    assert again.fn.delta == 0.3


# --- names


def test_get_by_every_name():
    def of_keras(keras):
        from keras.src.metrics import ALL_OBJECTS_DICT

        return {name: ALL_OBJECTS_DICT[name].__name__ for name in sorted(ALL_OBJECTS_DICT)}

    skip = {"Metric", "metric", "MeanMetricWrapper", "mean_metric_wrapper"}
    for name, theirs in recorded(of_keras).items():
        if (
            name in skip
            or "iou" in name.lower()
            or "io_u" in name
            or "At" in name
            or "_at_" in name
        ):
            assert metrics.base.METRICS.find(name).__name__ == theirs
        else:
            assert type(metrics.get(name)).__name__ == theirs
    assert metrics.get(None) is None
    assert metrics.get("huber") is metrics.huber
    assert metrics.get({"class_name": "AUC", "config": {"curve": "pr"}}).curve == "PR"


def test_unknown_names_get_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'sparse_categorical_accuracy'"):
        metrics.get("sparse_categorial_accuracy")
    with pytest.raises(ValueError, match="Did you mean 'auc'"):
        metrics.get("aucc")


SHAPES = [
    ((8,), (8, 1)),
    ((8, 1), (8, 1)),
    ((8,), (8, 5)),
    ((8, 1), (8, 5)),
    ((8, 5), (8, 5)),
    ((8, 7), (8, 7, 5)),
    ((8, 7, 5), (8, 7, 5)),
]


@pytest.mark.parametrize(("true", "pred"), SHAPES)
@pytest.mark.parametrize("name", ["accuracy", "acc", "Accuracy", "mse", "AUC", "binary_accuracy"])
def test_resolve_as_keras(name, true, pred):
    def of_keras(keras):
        from keras.src.trainers.compile_utils import get_metric

        metric = get_metric(name, np.zeros(true), np.zeros(pred))
        return type(metric).__name__, metric.name

    ours = metrics.resolve(name, true, pred)
    assert (type(ours).__name__, ours.name) == recorded(of_keras)
    assert ours.name == name


def test_resolve_crossentropy_functions_and_metrics():
    found = [metrics.resolve("ce", true, pred) for true, pred in SHAPES[1:5]]
    assert [type(m).__name__ for m in found] == [
        "BinaryCrossentropy",
        "SparseCategoricalCrossentropy",
        "SparseCategoricalCrossentropy",
        "CategoricalCrossentropy",
    ]
    assert all(m.name == "ce" for m in found)
    assert metrics.resolve(distance, (8, 1), (8, 1)).name == "distance"
    metric = Largest()
    assert metrics.resolve(metric, (8, 1), (8, 1)) is metric
    with pytest.raises(ValueError, match="None"):
        metrics.resolve(None, (8,), (8, 1))


# --- errors that teach


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: metrics.AUC(curve="RPC"), ["curve", "'ROC'", "RPC"]),
        (lambda: metrics.AUC(summation_method="mean"), ["summation_method", "interpolation"]),
        (lambda: metrics.AUC(num_thresholds=1), ["num_thresholds", "at least 2"]),
        (lambda: metrics.AUC(num_labels=2), ["multi_label"]),
        (lambda: metrics.Precision(thresholds=[0.5, 1.5]), ["Precision", "1.5", "between 0 and 1"]),
        (lambda: metrics.Recall(thresholds=[None]), ["Recall", "None"]),
        (lambda: metrics.PrecisionAtRecall(1.2), ["recall", "1.2"]),
        (lambda: metrics.PrecisionAtRecall(0.5, num_thresholds=0), ["num_thresholds"]),
        (lambda: metrics.F1Score(average="micros"), ["average", "'micro'"]),
        (lambda: metrics.FBetaScore(beta=-1.0), ["beta", "-1.0"]),
        (lambda: metrics.F1Score(threshold=2.0), ["threshold", "2.0"]),
        (lambda: metrics.IoU(2, [2]), ["target_class_ids", "num_classes=2"]),
        (lambda: metrics.R2Score(class_aggregation="mean"), ["class_aggregation", "mean"]),
        (lambda: metrics.R2Score(num_regressors=-1), ["num_regressors"]),
        (lambda: metrics.Mean().add_weight(initializer="ones_"), ["'ones'", "initializer"]),
        (lambda: metrics.Mean()(np.ones((4, 2)), np.ones(3)), ["(3,)", "(4, 2)", "mean"]),
        (lambda: metrics.Mean().stateless_result([1.0]), ["'total', 'count'", "1 arrays"]),
        (lambda: metrics.F1Score().stateless_result([1.0]), ["build"]),
        (lambda: metrics.F1Score()(np.ones(4), np.ones((4, 2))), ["one-hot", "(4,)", "(4, 2)"]),
        (lambda: metrics.R2Score()(np.ones((2, 2, 2)), np.ones((2, 2, 2))), ["(2, 2, 2)"]),
        (
            lambda: metrics.AUC(multi_label=True)(np.ones(4), np.ones(4)),
            ["(batch, labels)", "(4,)"],
        ),
        (lambda: metrics.Precision(class_id=1)(np.ones(4), np.ones(4)), ["class_id=1", "(4,)"]),
        (lambda: metrics.Precision()(np.ones(4), np.ones((4, 3))), ["(4,)", "(4, 3)"]),
        (
            lambda: metrics.CategoricalAccuracy()(np.ones(4), np.ones((4, 3))),
            ["sparse_categorical_"],
        ),
        (
            lambda: metrics.SparseCategoricalAccuracy()(np.ones((4, 3)), np.ones((4, 3))),
            ["'categorical_accuracy'", "(4, 3)"],
        ),
        (lambda: metrics.BinaryAccuracy()(np.ones((5, 3)), np.ones((4, 3))), ["(5, 3)", "(4, 3)"]),
    ],
)
def test_errors(make, words):
    with pytest.raises(ValueError) as caught:
        make()
    for word in words:
        assert word in str(caught.value)


def test_other_errors():
    class Forgetful(metrics.Metric):
        def __init__(self):
            self.add_weight(name="w")

    with pytest.raises(RuntimeError, match="super"):
        Forgetful()
    with pytest.raises(NotImplementedError, match="update_state"):
        metrics.Metric()(1, 2)
    with pytest.raises(NotImplementedError, match="result"):
        metrics.Metric().result()
    with pytest.warns(UserWarning, match="float32"):
        metrics.MeanIoU(2).update_state([0, 1], [0, 1], [0.5, 0.5])


def test_a_refused_batch_leaves_the_state_alone():
    metric = metrics.SparseCategoricalAccuracy()
    metric.update_state(LABELS[0], PROBABILITY[0])
    before = [v.numpy() for v in metric.variables]
    with pytest.raises(ValueError):
        metric.update_state(LABELS[0][:3], PROBABILITY[0])
    assert all(np.array_equal(b, v.numpy()) for b, v in zip(before, metric.variables, strict=True))


@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: {"count": v}])
def test_a_variable_as_the_result_is_what_it_holds(wrap):
    class Batches(metrics.Metric):
        def __init__(self, name="batches"):
            super().__init__(name=name)
            self.count = self.add_weight(name="count", initializer="zeros")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.count.assign_add(1.0)

        def result(self):
            return wrap(self.count)

    model = trivium.Sequential([trivium.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=[Batches()])
    history = model.fit(np.ones((4, 2)), np.ones(4), batch_size=1, verbose=0).history
    assert 4.0 in [values[0] for values in history.values()]
