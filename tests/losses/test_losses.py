"""Every loss against the real Keras: values, weights, gradients, configs."""

from __future__ import annotations

import inspect
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import both, recorded

from trivium import losses

RNG = np.random.default_rng(0)
BATCH, CLASSES = 4, 3


def softmax(x):
    e = np.exp(x)
    return (e / e.sum(-1, keepdims=True)).astype("float32")


REAL = RNG.normal(size=(BATCH, CLASSES)).astype("float32")
OTHER = RNG.normal(size=(BATCH, CLASSES)).astype("float32")
PROBABILITY = softmax(REAL)
ANY_PROBABILITY = RNG.uniform(0.05, 0.95, size=(BATCH, CLASSES)).astype("float32")
LABELS = np.array([0, 2, 1, 2])
ONE_HOT = np.eye(CLASSES, dtype="float32")[LABELS]
BITS = np.array([[0, 1, 1], [1, 0, 0], [1, 1, 0], [0, 0, 1]], "float32")
UNIT = REAL / np.linalg.norm(REAL, axis=-1, keepdims=True)
PAIRS = np.array([0, 0, 1, 1])
LOGITS = RNG.normal(size=(BATCH, 5, CLASSES)).astype("float32")
SEQUENCES = np.array([[1, 2], [2, 2], [1, 0], [2, 1]])

# Class, its arguments, targets, predictions.
CASES = [
    ("MeanSquaredError", {}, OTHER, REAL),
    ("MeanAbsoluteError", {}, OTHER, REAL),
    ("MeanAbsolutePercentageError", {}, OTHER, REAL),
    ("MeanSquaredLogarithmicError", {}, ANY_PROBABILITY, REAL),
    ("Huber", {}, OTHER, REAL),
    ("Huber", {"delta": 0.3}, OTHER, REAL),
    ("LogCosh", {}, OTHER, REAL),
    ("CosineSimilarity", {}, OTHER, REAL),
    ("CosineSimilarity", {"axis": 0}, OTHER, REAL),
    ("Hinge", {}, BITS, REAL),
    ("Hinge", {}, 2 * BITS - 1, REAL),
    ("SquaredHinge", {}, BITS, REAL),
    ("CategoricalHinge", {}, ONE_HOT, REAL),
    ("KLDivergence", {}, softmax(OTHER), PROBABILITY),
    ("Poisson", {}, BITS * 3, ANY_PROBABILITY),
    ("BinaryCrossentropy", {}, BITS, ANY_PROBABILITY),
    ("BinaryCrossentropy", {"from_logits": True}, BITS, 8 * REAL),
    ("BinaryCrossentropy", {"label_smoothing": 0.2, "axis": 0}, BITS, ANY_PROBABILITY),
    ("BinaryFocalCrossentropy", {}, BITS, ANY_PROBABILITY),
    (
        "BinaryFocalCrossentropy",
        {"from_logits": True, "apply_class_balancing": True, "alpha": 0.4, "gamma": 1.5},
        BITS,
        REAL,
    ),
    ("CategoricalCrossentropy", {}, ONE_HOT, PROBABILITY),
    ("CategoricalCrossentropy", {}, ONE_HOT, ANY_PROBABILITY),
    ("CategoricalCrossentropy", {"from_logits": True}, ONE_HOT, REAL),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, ONE_HOT, PROBABILITY),
    ("CategoricalFocalCrossentropy", {}, ONE_HOT, PROBABILITY),
    (
        "CategoricalFocalCrossentropy",
        {"alpha": [0.2, 0.3, 0.4], "gamma": 1.0, "from_logits": True, "label_smoothing": 0.1},
        ONE_HOT,
        REAL,
    ),
    ("SparseCategoricalCrossentropy", {}, LABELS, PROBABILITY),
    ("SparseCategoricalCrossentropy", {}, LABELS[:, None], ANY_PROBABILITY),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, LABELS, REAL),
    ("SparseCategoricalCrossentropy", {"ignore_class": 2}, LABELS, PROBABILITY),
    (
        "SparseCategoricalCrossentropy",
        {"ignore_class": -1, "from_logits": True},
        np.array([0, -1, 1, 2]),
        REAL,
    ),
    ("Dice", {}, BITS, ANY_PROBABILITY),
    ("Dice", {"axis": (1,)}, BITS, ANY_PROBABILITY),
    (
        "Tversky",
        {"alpha": 0.4, "beta": 0.4},
        BITS,
        ANY_PROBABILITY,
    ),  # Unlike ones are swapped in Keras.
    ("Tversky", {"axis": 1}, BITS, ANY_PROBABILITY),
    ("Circle", {}, PAIRS, UNIT),
    ("Circle", {"gamma": 2.0, "margin": 0.2, "remove_diagonal": False}, PAIRS, UNIT),
    ("CTC", {}, SEQUENCES, LOGITS),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.7}, LABELS, PROBABILITY),
]
IDS = [f"{name}-{i}" for i, (name, *_) in enumerate(CASES)]
REDUCTIONS = ["sum", "sum_over_batch_size", "mean", "mean_with_sample_weight"]
each_case = pytest.mark.parametrize(("name", "kwargs", "true", "pred"), CASES, ids=IDS)


def compare(name, true, pred, weight=None, rtol=2e-6, **kwargs):
    """Compare a loss of a class with Keras's."""
    close(*both(lambda lib: getattr(lib.losses, name)(**kwargs)(true, pred, weight)), rtol=rtol)


def public(keras):
    """Return the public names of `keras.losses`, of its classes and of its functions."""
    names = [n for n in dir(keras.losses) if not n.startswith("_")]
    kinds = (inspect.isclass, inspect.isfunction)
    return names, *([n for n in names if kind(getattr(keras.losses, n))] for kind in kinds)


PUBLIC, CLASSES_OF_KERAS, FUNCTIONS_OF_KERAS = recorded(public, "names")


def close(ours, theirs, rtol=2e-6, atol=1e-6):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=rtol, atol=atol)


def test_every_public_loss_of_keras_is_here_and_tested():
    assert set(PUBLIC) <= set(losses.__all__)
    assert set(CLASSES_OF_KERAS) - {"Loss"} == {name for name, *_ in CASES}


@each_case
def test_values_and_gradients(name, kwargs, true, pred):
    def values(library):
        kind = getattr(library.losses, name)
        loss = kind(**kwargs)
        each = kind(reduction="none", **kwargs)(true, pred)
        return each, *jax.jit(jax.value_and_grad(lambda p: loss(true, p)))(pred)

    (our_each, our_value, our_gradient), (each, value, gradient) = both(values)
    close(our_each, each)
    close(our_value, value)
    close(getattr(losses, name)(**kwargs)(true, pred), our_value)
    close(our_gradient, gradient, rtol=1e-5)


@each_case
def test_reductions_with_weights(name, kwargs, true, pred):
    size = getattr(losses, name)(reduction="none", **kwargs)(true, pred).size
    weight = np.arange(1.0, size + 1.0, dtype="float32") / size
    for reduction in REDUCTIONS:
        compare(name, true, pred, weight, rtol=5e-6, reduction=reduction, **kwargs)


@pytest.mark.parametrize("reduction", [*REDUCTIONS, "none", None])
@pytest.mark.parametrize("name", ["MeanSquaredError", "Circle", "Dice"])
def test_reductions_without_weights(name, reduction):
    kwargs, true, pred = next(case[1:] for case in CASES if case[0] == name)
    compare(name, true, pred, rtol=5e-6, reduction=reduction, **kwargs)


@each_case
def test_config(name, kwargs, true, pred):
    ours = getattr(losses, name)(**kwargs)
    config = losses.serialize(ours)
    wanted = recorded(lambda keras: keras.losses.serialize(getattr(keras.losses, name)(**kwargs)))
    forgotten = {k: v for k, v in kwargs.items() if k not in wanted["config"]}
    wanted["config"].update(forgotten)  # What Keras forgets, ours keeps, and Keras reads.
    assert config == wanted
    again = losses.deserialize(config)
    assert type(again) is type(ours) and again.get_config() == ours.get_config()
    close(again(true, pred), ours(true, pred), rtol=0, atol=0)
    if name != "CategoricalGeneralizedCrossEntropy":  # Keras does not find it by its own config.
        read = recorded(lambda keras: keras.losses.deserialize(config)(true, pred))
        close(read, ours(true, pred), rtol=5e-6)


@pytest.mark.parametrize("name", sorted({name for name, *_ in CASES}))
def test_signature_and_defaults(name):
    ours, theirs = both(lambda lib: defaults(getattr(lib.losses, name)))
    assert list(ours.items()) == list(theirs.items())


def defaults(function):
    return {p.name: p.default for p in inspect.signature(function).parameters.values()}


@pytest.mark.parametrize("name", FUNCTIONS_OF_KERAS)
def test_function_signatures(name):
    ours, theirs = both(lambda lib: defaults(getattr(lib.losses, name)))
    assert {p: ours[p] for p in theirs if p != "name"} == {
        p: q for p, q in theirs.items() if p != "name"
    }


@pytest.mark.parametrize("kwargs", [{}, {"from_logits": True}])
@pytest.mark.parametrize("steps_first", [True, False])
def test_sequences_of_classes(kwargs, steps_first):
    pred = softmax(LOGITS)
    labels = np.random.default_rng(0).integers(0, CLASSES, size=pred.shape[:2])
    weight = np.linspace(0, 1, labels.size, dtype="float32").reshape(labels.shape)
    weight = weight if steps_first else weight[:, :1]
    compare("SparseCategoricalCrossentropy", labels, pred, weight, **kwargs)
    one_hot = np.eye(CLASSES, dtype="float32")[labels]
    compare("CategoricalCrossentropy", one_hot, pred, weight, **kwargs)


def test_classes_along_another_axis():
    pred = np.moveaxis(softmax(LOGITS), -1, 1)
    labels = np.random.default_rng(0).integers(0, CLASSES, size=(BATCH, 5))
    wanted = losses.sparse_categorical_crossentropy(labels, softmax(LOGITS))
    close(losses.sparse_categorical_crossentropy(labels, pred, axis=1), wanted)
    one_hot = np.moveaxis(np.eye(CLASSES, dtype="float32")[labels], -1, 1)
    ours, theirs = both(lambda lib: lib.losses.categorical_crossentropy(one_hot, pred, axis=1))
    close(ours, wanted)
    close(theirs, wanted)


@pytest.mark.parametrize("pred", [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])  # Zeros: see test_edges.py.
def test_extreme_probabilities(pred):
    pred = np.array([pred], "float32")
    for name, true in [
        ("sparse_categorical_crossentropy", np.array([0])),
        ("categorical_crossentropy", np.array([[1.0, 0.0, 0.0]], "float32")),
        ("binary_crossentropy", np.array([[1.0, 0.0, 0.0]], "float32")),
    ]:

        def values(library, name=name, true=true):
            loss = getattr(library.losses, name)
            return loss(true, pred), jax.grad(lambda p: loss(true, p)[0])(jnp.asarray(pred))

        for ours, theirs in zip(*both(values), strict=True):
            close(ours, theirs)


def test_labels_out_of_range_lose_nothing():
    labels = np.array([-1, 3, 1, 0])
    for kwargs in ({}, {"from_logits": True}):
        ours, theirs = both(
            lambda lib, k=kwargs: lib.losses.sparse_categorical_crossentropy(
                labels, PROBABILITY, **k
            )
        )
        close(ours, theirs)
        assert ours[:2].tolist() == [0.0, 0.0]


def test_minus_infinity_logits_stay_finite():
    logits = jnp.array([[0.0, -jnp.inf, 1.0]])
    value, gradient = jax.value_and_grad(
        lambda x: losses.sparse_categorical_crossentropy([2], x, from_logits=True)[0]
    )(logits)
    assert np.isfinite(value) and np.all(np.isfinite(gradient))


def test_large_logits_of_binary_crossentropy():
    x = np.array([[-90.0, 90.0, 30.0, -30.0]], "float32")
    t = np.array([[0.0, 1.0, 0.0, 1.0]], "float32")
    close(*both(lambda lib: lib.losses.binary_crossentropy(t, x, from_logits=True)))


def test_zero_vectors_have_a_cosine_and_a_gradient():
    zero = jnp.zeros((1, 3))
    gradient = jax.grad(lambda p: losses.cosine_similarity(zero + 1.0, p)[0])(zero)
    assert np.all(np.isfinite(gradient))
    close(*both(lambda lib: lib.losses.cosine_similarity(zero + 1.0, zero)))


# --- masks, weights, structures


@pytest.mark.parametrize(
    "reduction", ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight"]
)
@pytest.mark.parametrize("weighted", [False, True])
def test_mask_as_keras_applies_it(reduction, weighted):
    rng = np.random.default_rng(0)
    true, pred = rng.normal(size=(2, BATCH, 6, 2)).astype("float32")
    mask = rng.uniform(size=(BATCH, 6)) > 0.4
    weight = np.linspace(0.5, 1.5, BATCH, dtype="float32")[:, None] if weighted else None
    ours = losses.MeanSquaredError(reduction=reduction)

    def masked(keras):
        beside = keras.ops.convert_to_tensor(pred)
        beside._keras_mask = keras.ops.convert_to_tensor(mask)
        return keras.losses.MeanSquaredError(reduction=reduction)(true, beside, weight)

    wanted = recorded(masked)
    close(ours(true, pred, weight, mask=mask), wanted)
    from trivium.state.masks import set_mask

    beside = jnp.asarray(pred)
    set_mask(beside, jnp.asarray(mask))
    close(ours(true, beside, weight), wanted)


def test_mask_that_leaves_nothing():
    loss = losses.MeanSquaredError()
    assert float(loss(REAL, OTHER, mask=np.zeros(BATCH, bool))) == 0.0


def test_mask_and_ignored_class_together():
    loss = losses.SparseCategoricalCrossentropy(ignore_class=2)
    mask = np.array([True, True, False, True])
    wanted = losses.SparseCategoricalCrossentropy()(LABELS[:1], PROBABILITY[:1])
    close(loss(LABELS, PROBABILITY, mask=mask), wanted)


def test_ignored_rows_do_not_reach_the_gradient():
    pred = jnp.asarray(PROBABILITY).at[1].set(jnp.nan)
    loss = losses.SparseCategoricalCrossentropy(ignore_class=2)
    gradient = jax.grad(lambda p: loss(np.array([0, 2, 1, 0]), p))(pred)
    assert np.all(np.isfinite(gradient)) and np.all(gradient[1] == 0)


@pytest.mark.parametrize("shape", [(BATCH, 1), (BATCH, 6), (1, 6), ()])
def test_weight_shapes_that_keras_takes(shape):
    rng = np.random.default_rng(0)
    true, pred = rng.normal(size=(2, BATCH, 6, 2)).astype("float32")
    weight = np.asarray(rng.uniform(size=shape), "float32")
    compare("MeanSquaredError", true, pred, weight)


@pytest.mark.parametrize(
    ("true_shape", "pred_shape"),
    [((5,), (5, 1)), ((5, 1), (5,)), ((5,), (5,)), ((5, 2, 1), (5, 2))],
)
def test_ranks_are_aligned(true_shape, pred_shape):
    rng = np.random.default_rng(0)
    true = rng.uniform(size=true_shape).astype("float32")
    pred = rng.uniform(size=pred_shape).astype("float32")
    for name in ("MeanSquaredError", "BinaryCrossentropy", "Hinge"):
        compare(name, true, pred)


def test_column_and_vector_do_not_broadcast_to_a_square():
    true, pred = BITS[:, 0], REAL[:, :1]
    close(losses.hinge(true, pred), recorded(lambda keras: keras.losses.hinge(true[:, None], pred)))


def test_empty_batch():
    for reduction in ("sum_over_batch_size", "sum", "mean_with_sample_weight"):
        empty = np.zeros((0, 3), "float32")
        ours, theirs = both(
            lambda lib, r=reduction, x=empty: lib.losses.MeanSquaredError(reduction=r)(x, x)
        )
        assert np.shape(ours) == np.shape(theirs)


def test_lists_of_numbers_and_dtypes():
    compare("MeanSquaredError", [[0, 1], [0, 0]], [[1.0, 1.0], [1, 0]])
    ours = losses.MeanSquaredError()
    assert ours(np.arange(4), np.ones(4, "float64")).dtype == "float32"
    half = losses.MeanSquaredError(dtype="bfloat16")
    assert half.dtype == "bfloat16" and half(REAL, OTHER).dtype == "bfloat16"
    assert losses.MeanSquaredError(dtype="mixed_bfloat16").dtype == "bfloat16"


def test_nested_structures_reach_call():
    class Both(losses.Loss):
        def call(self, y_true, y_pred):
            assert y_true["a"].dtype == "float32"
            return (y_true["a"] - y_pred["a"]) ** 2 + y_true["b"][0] * y_pred["b"][0]

    true = {"a": np.array([1, 2]), "b": [np.array([1.0, 1.0])]}
    pred = {"a": np.array([0.0, 0.0]), "b": [np.array([2.0, 2.0])]}
    assert float(Both()(true, pred)) == pytest.approx(4.5)


def test_weights_are_not_changed_in_place():
    weight = np.ones(BATCH, "float32")
    losses.MeanSquaredError()(REAL, OTHER, weight, mask=np.array([1, 0, 1, 1], bool))
    assert weight.tolist() == [1.0] * BATCH


def test_weight_two_counts_a_sample_twice():
    """A mean with sample weights is the mean of the repeated samples."""
    counts = np.array([1, 2, 3, 1])
    loss = losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight")
    repeated = loss(np.repeat(LABELS, counts), np.repeat(PROBABILITY, counts, axis=0))
    close(loss(LABELS, PROBABILITY, counts), repeated)


# --- symbolic tensors


def test_functions_and_losses_record_on_symbolic_tensors():
    from trivium.graph import SymbolicTensor

    pred, true = SymbolicTensor((None, 3)), SymbolicTensor((None, 3))
    out = losses.mean_squared_error(true, pred)
    assert out.shape == (None,) and out.node.name == "mean_squared_error"
    labels = SymbolicTensor((None,), dtype="int32")
    assert losses.sparse_categorical_crossentropy(labels, pred).shape == (None,)
    total = losses.CategoricalCrossentropy()(true, pred)
    assert total.shape == () and total.node.name == "categorical_crossentropy"


# --- names and configs


def test_get_by_every_name():
    for name in set(FUNCTIONS_OF_KERAS) - {"get", "serialize", "deserialize"}:
        assert losses.get(name) is getattr(losses, name)
    for name in set(CLASSES_OF_KERAS) - {"Loss"}:
        assert type(losses.get(name)) is getattr(losses, name)
    for alias in (
        "bce",
        "BCE",
        "kld",
        "KLD",
        "mae",
        "MAE",
        "mse",
        "MSE",
        "mape",
        "MAPE",
        "msle",
        "MSLE",
    ):
        ours, theirs = both(lambda lib, alias=alias: lib.losses.get(alias).__name__)
        assert ours == theirs
    assert losses.get(None) is None
    assert losses.get(losses.Huber).delta == 1.0
    assert losses.get({"class_name": "Huber", "config": {"delta": 2.0}}).delta == 2.0
    assert losses.get(max) is max


def test_unknown_names_get_the_nearest():
    with pytest.raises(ValueError, match="'mean_squared_error'"):
        losses.get("mean_square_error")
    with pytest.raises(ValueError, match="'sparse_categorical_crossentropy'"):
        losses.get("SparseCategoricalCrossEntropy")
    with pytest.raises(TypeError, match="loss"):
        losses.get(3)


def double(y_true, y_pred):
    return 2.0 * jnp.mean(jnp.abs(y_true - y_pred), axis=-1)


class Custom(losses.Loss):
    def __init__(self, scale=1.0, name=None, reduction="sum_over_batch_size"):
        super().__init__(name=name, reduction=reduction)
        self.scale = scale

    def call(self, y_true, y_pred):
        return self.scale * jnp.mean(jnp.square(y_true - y_pred), axis=-1)

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}


def test_functions_in_configs():
    ours, theirs = both(lambda lib: lib.losses.serialize(lib.losses.huber))
    assert ours == theirs and losses.deserialize(ours) is losses.huber
    assert losses.get(ours) is losses.huber
    config = losses.serialize(double)
    assert config == recorded(lambda keras: keras.losses.serialize(double))
    assert losses.deserialize(config, {"double": double}) is double
    with pytest.raises(ValueError, match="double"):
        losses.deserialize(config)


def test_wrapped_functions():
    def wrapped(keras):
        from keras.src.losses import LossFunctionWrapper

        loss = LossFunctionWrapper(keras.losses.huber, name="mine", delta=2.0)
        return keras.losses.serialize(loss), loss(OTHER, REAL)

    config, value = recorded(wrapped)
    ours = losses.LossFunctionWrapper(losses.huber, name="mine", delta=2.0)
    assert losses.serialize(ours) == config
    again = losses.deserialize(losses.serialize(ours))
    close(again(OTHER, REAL), value)
    from trivium.state import custom_object_scope

    with custom_object_scope({"double": double}):
        custom = losses.deserialize(losses.serialize(losses.LossFunctionWrapper(double)))
    assert custom.fn is double


def test_custom_classes():
    loss = Custom(scale=3.0)
    config = losses.serialize(loss)
    assert config["class_name"] == "Custom" and config["config"]["scale"] == 3.0
    again = losses.deserialize(config, {"Custom": Custom})
    close(again(OTHER, REAL), 3.0 * np.mean((OTHER - REAL) ** 2))
    assert Custom().name.startswith("custom")


def test_subclass_of_a_library_loss_keeps_its_own_arguments():
    class Soft(losses.Huber):
        def __init__(self, delta=0.5, **kwargs):
            super().__init__(delta=delta, **kwargs)

    assert Soft.from_config(Soft(delta=0.2).get_config()).delta == 0.2


def test_arguments_are_attributes():
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=3)
    assert loss.from_logits is True and loss.ignore_class == 3
    with pytest.raises(AttributeError, match="no attribute 'gamma'"):
        loss.gamma  # noqa: B018


# --- resolution by shapes


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
@pytest.mark.parametrize("name", ["crossentropy", "ce", "CE", "mse", "Huber", "hinge"])
def test_resolve_as_keras(name, true, pred):
    def resolved(keras):
        from keras.src.trainers.compile_utils import get_loss

        loss = get_loss(name, np.zeros(true), np.zeros(pred))
        return loss.name, loss.fn.__name__

    ours = losses.resolve(name, true, pred)
    assert (ours.name, ours.fn.__name__) == recorded(resolved)


def test_resolve_functions_and_losses():
    assert losses.resolve(double, (4,), (4, 1)).name == "double"
    loss = Custom()
    assert losses.resolve(loss, (4,), (4, 1)) is loss
    assert losses.resolve(None, (4,), (4, 1)) is None


# --- errors that teach


@pytest.mark.parametrize(
    ("function", "true", "pred", "words"),
    [
        ("categorical_crossentropy", (8,), (8, 5), ["(8,)", "(8, 5)", "sparse_categorical_cross"]),
        ("categorical_crossentropy", (8, 1), (8, 5), ["(8, 1)", "sparse_categorical_crossentropy"]),
        ("categorical_crossentropy", (8, 4), (8, 5), ["(8, 4)", "(8, 5)", "units"]),
        (
            "sparse_categorical_crossentropy",
            (8, 5),
            (8, 5),
            ["(8, 5)", "'categorical_crossentropy"],
        ),
        ("sparse_categorical_crossentropy", (7,), (8, 5), ["(7,)", "(8, 5)", "rows"]),
        (
            "binary_crossentropy",
            (8,),
            (8, 5),
            ["(8,)", "sparse_categorical_crossentropy", "1 unit"],
        ),
        ("binary_crossentropy", (8, 5), (8, 1), ["(8, 5)", "5 units"]),
        ("mean_squared_error", (8,), (8, 5), ["y_true", "y_pred", "(8,)", "1 unit"]),
        ("mean_squared_error", (8, 4), (8, 5), ["(8, 4)", "(8, 5)"]),
        ("hinge", (7, 5), (8, 5), ["(7, 5)", "(8, 5)"]),
        ("ctc", (8,), (8, 5), ["ctc", "(8,)", "(batch, labels)"]),
    ],
)
def test_shape_errors(function, true, pred, words):
    with pytest.raises(ValueError) as caught:
        getattr(losses, function)(np.zeros(true), np.zeros(pred, "float32"))
    assert function in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_other_errors():
    with pytest.raises(ValueError, match="Did you mean 'sum_over_batch_size'"):
        losses.MeanSquaredError(reduction="sum_over_batchsize")
    with pytest.raises(ValueError, match="axis"):
        losses.categorical_crossentropy(ONE_HOT, PROBABILITY, axis=True)
    with pytest.raises(ValueError, match="axis=2"):
        losses.sparse_categorical_crossentropy(LABELS, PROBABILITY, axis=2)
    with pytest.raises(ValueError, match="q lies between 0 and 1"):
        losses.CategoricalGeneralizedCrossEntropy(q=1.0)
    with pytest.raises(NotImplementedError, match="call"):
        losses.Loss()(REAL, OTHER)
    with pytest.warns(SyntaxWarning, match="binary_crossentropy"):
        losses.categorical_crossentropy(np.ones((4, 1)), np.ones((4, 1), "float32"))


def test_no_warnings_on_the_usual_way():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses.SparseCategoricalCrossentropy()(
            LABELS.astype("uint8"), PROBABILITY.astype("float64")
        )
