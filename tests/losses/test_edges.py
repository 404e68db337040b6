"""Losses at their edges: zeros, equal values, saturation, ties, one sample, float16's ends; values and gradients."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from edges import INF, POINTS, assert_edge, assert_finite, values_and_slopes

from trivium import losses, ops

pytestmark = pytest.mark.optimized  # Edges of floats, in the code that users get.

LOG2, EPS = math.log(2), 1e-7
CLIPPED = -math.log(EPS)
WHOLE = np.array([0])


def to(name: str, target: Any, /, **kwargs: Any) -> Any:
    """Return a loss function of predictions alone."""
    return lambda y_pred: getattr(losses, name)(np.asarray(target), y_pred, **kwargs)


def after(activation: str, loss: Any) -> Any:
    return lambda logits: loss(getattr(ops, activation)(logits))


def row(*numbers: float, dtype: str = "float32") -> np.ndarray:
    return np.array([numbers], dtype)


HALF = "float16"
YES = [[1.0, 0.0]]
# Name: the function of the predictions, the predictions, its value, its gradient.
TABLE: dict[str, tuple[Any, Any, Any, Any]] = {
    # What is right stays: the gradient of an absolute value is 0 where there is no error.
    "mae, right": (to("mean_absolute_error", YES), row(1, 0), 0, 0),
    "mae, f16": (to("mean_absolute_error", YES), row(60000, -60000, dtype=HALF), 60000, [[0.5, -0.5]]),
    "mape, right": (to("mean_absolute_percentage_error", [[1.0, 2.0]]), row(1, 2), 0, 0),
    "mse, one": (to("mean_squared_error", [[2.0]]), row(2), 0, 0),
    "msle, zeros": (to("mean_squared_logarithmic_error", [[0.0, 0.0]]), row(0, 0), 0, 0),
    "msle, below": (to("mean_squared_logarithmic_error", YES), row(-1, -2), LOG2**2 / 2, 0),
    # Nothing is squared or doubled that could overflow.
    "huber, right": (to("huber", YES), row(1, 0), 0, 0),
    "huber, bend": (to("huber", [[0.0, 0.0]]), row(1, -1), 0.5, [[0.5, -0.5]]),
    "huber, f16": (to("huber", YES), row(60000, -60000, dtype=HALF), 60000, [[0.5, -0.5]]),
    "huber, far": (to("huber", [[0.0, 0.0]]), row(1e30, -1e30), 1e30, [[0.5, -0.5]]),
    "log_cosh, right": (to("log_cosh", YES), row(1, 0), 0, 0),
    "log_cosh, far": (to("log_cosh", [[0.0]]), row(-3e38), 3e38, -1),
    "log_cosh, f16": (to("log_cosh", YES), row(60000, -60000, dtype=HALF), 60000, [[0.5, -0.5]]),
    # A zero vector has no direction, and is not flung in one by a gradient of ten million.
    "cosine, zero": (to("cosine_similarity", YES), row(0, 0), 0, 0),
    "cosine, zero target": (to("cosine_similarity", [[0.0, 0.0]]), row(3, 4), 0, 0),
    "cosine, both": (to("cosine_similarity", [[0.0, 0.0]]), row(0, 0), 0, 0),
    "cosine, same": (to("cosine_similarity", [[3.0, 4.0]]), row(3, 4), -1, 0),
    "cosine, f16": (to("cosine_similarity", YES), row(300, 400, dtype=HALF), -0.6, [[-0.0021, 0.0016]]),
    # Hinges at the margin and at ties.
    "hinge, zeros": (to("hinge", YES), row(0, 0), 1, [[-0.5, 0.5]]),
    "hinge, far": (to("hinge", YES), row(60000, -60000, dtype=HALF), 0, 0),
    "squared_hinge, margin": (to("squared_hinge", YES), row(1, -1), 0, 0),
    "categorical_hinge, ties": (to("categorical_hinge", YES), row(0.5, 0.5), 1, [[-1, 1]]),
    # Probabilities that are clipped have no gradient; those of a sigmoid or softmax have that of their logits.
    "bce, number": (to("binary_crossentropy", YES), row(0, 0), CLIPPED / 2, 0),
    "bce, sigmoid": (after("sigmoid", to("binary_crossentropy", YES)), row(-100, 100), 100, [[-0.5, 0.5]]),
    "bce, right": (after("sigmoid", to("binary_crossentropy", YES)), row(100, -100), 0, 0),
    "bce, zeros": (after("sigmoid", to("binary_crossentropy", YES)), row(0, 0), LOG2, [[-0.25, 0.25]]),
    "bce, infinite": (after("sigmoid", to("binary_crossentropy", YES)), row(INF, -INF), 0, 0),
    "bce, f16": (
        after("sigmoid", to("binary_crossentropy", YES)), row(-60000, 60000, dtype=HALF), 60000, [[-0.5, 0.5]],
    ),
    "bce, logits": (to("binary_crossentropy", YES, from_logits=True), row(INF, -INF), 0, 0),
    "focal, sigmoid": (
        after("sigmoid", to("binary_focal_crossentropy", YES)), row(-100, 100), 100, [[-0.5, 0.5]],
    ),
    "focal, logits": (
        to("binary_focal_crossentropy", YES, from_logits=True), row(-100, 100), 100, [[-0.5, 0.5]],
    ),
    "focal, right": (to("binary_focal_crossentropy", YES, gamma=0.5), row(1, 0), 0, 0),
    "focal, right logits": (
        to("binary_focal_crossentropy", YES, gamma=0.5, from_logits=True), row(INF, -INF), 0, 0,
    ),
    "cce, number": (to("categorical_crossentropy", YES), row(0, 1), CLIPPED, 0),
    "cce, nothing": (to("categorical_crossentropy", YES), row(0, 0), CLIPPED, 0),
    "cce, softmax": (after("softmax", to("categorical_crossentropy", YES)), row(-100, 100), 200, [[-1, 1]]),
    "cce, right": (after("softmax", to("categorical_crossentropy", YES)), row(100, -100), 0, 0),
    "cce, ties": (after("softmax", to("categorical_crossentropy", YES)), row(7, 7), LOG2, [[-0.5, 0.5]]),
    "cce, masked": (after("softmax", to("categorical_crossentropy", YES)), row(7, -INF), 0, 0),
    "cce, f16": (
        after("softmax", to("categorical_crossentropy", YES)), row(-20000, 20000, dtype=HALF), 40000, [[-1, 1]],
    ),
    "cce, one class": (after("softmax", to("categorical_hinge", [[1.0]])), row(9), 0, 0),
    "focal cce, softmax": (
        after("softmax", to("categorical_focal_crossentropy", YES)), row(-100, 100), 50, [[-0.25, 0.25]],
    ),
    "focal cce, right": (
        after("softmax", to("categorical_focal_crossentropy", YES, gamma=0.5)), row(100, -100), 0, 0,
    ),
    "scce, softmax": (
        after("softmax", to("sparse_categorical_crossentropy", WHOLE)), row(-100, 100), 200, [[-1, 1]],
    ),
    "scce, nothing": (to("sparse_categorical_crossentropy", WHOLE), row(0, 0), CLIPPED, 0),
    "scce, number, f16": (
        to("sparse_categorical_crossentropy", WHOLE), row(0, 1, dtype=HALF), CLIPPED, 0,
    ),
    "scce, ignored": (
        after("softmax", to("sparse_categorical_crossentropy", WHOLE, ignore_class=0)), row(-100, 100), 0, 0,
    ),
    "gce, softmax": (
        after("softmax", to("categorical_generalized_cross_entropy", WHOLE, q=0.5)), row(-100, 100), 2, 0,
    ),
    "gce, number": (to("categorical_generalized_cross_entropy", WHOLE, q=0.5), row(0, 1), 2, 0),
    "kld, zeros": (to("kl_divergence", [[0.0, 0.0]]), row(0, 0), 0, 0),
    "kld, softmax": (after("softmax", to("kl_divergence", YES)), row(-100, 100), 200, [[-1, 1]]),
    "kld, right": (to("kl_divergence", [[0.5, 0.5]]), row(0.5, 0.5), 0, [[-1, -1]]),
    "kld, f16": (to("kl_divergence", YES), row(0, 1, dtype=HALF), CLIPPED, 0),
    "poisson, zeros": (to("poisson", [[0.0, 0.0]]), row(0, 0), 0, 0.5),
    "poisson, count of zero": (to("poisson", [[1.0]]), row(0), CLIPPED, 1 - 1 / EPS),
    # Empty masks: nothing found of nothing is a loss of 1, as in Keras, and nothing to learn from.
    "dice, empty": (to("dice", YES), row(0, 0), 1, [[-2, 0]]),
    "dice, nothing": (to("dice", [[0.0, 0.0]]), row(0, 0), 1, 0),
    "tversky, empty": (to("tversky", YES), row(0, 0), 1, [[-2, 0]]),
    "tversky, nothing": (to("tversky", [[0.0, 0.0]]), row(0, 0), 1, 0),
    # Alone, alike, and zero vectors.
    "circle, one": (to("circle", [0]), row(1, 0), 0, 0),
    "circle, alike": (to("circle", [0, 0]), np.array([[1, 0], [1, 0]], "f"), 0, 0),
    "circle, apart": (to("circle", [0, 1]), np.array([[1, 0], [1, 0]], "f"), 0, 0),
    "ctc, none": (to("ctc", [[0, 0]]), np.zeros((1, 1, 2), "f"), LOG2, [[[-0.5, 0.5]]]),
    "ctc, saturated": (
        to("ctc", [[1]]), np.array([[[100, -100], [100, -100]]], "f"), 200 - LOG2, [[[0.5, -0.5]] * 2],
    ),
    "ctc, f16": (
        to("ctc", [[1]]), np.array([[[9000, -9000], [9000, -9000]]], HALF), 18000, [[[0.5, -0.5]] * 2],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def results():
    return values_and_slopes({name: (case[0], [case[1]]) for name, case in TABLE.items()})


@pytest.mark.parametrize("name", TABLE)
def test_values_and_gradients_at_the_edges(name, results):
    _, _, value, slope = TABLE[name]
    assert_edge(results[name], value, slope)


PROBABLE = ["categorical_crossentropy", "categorical_focal_crossentropy", "kl_divergence"]
AFTER = {  # Which losses come after which activation.
    "linear": [
        "mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error", "log_cosh",
        "mean_squared_logarithmic_error", "huber", "cosine_similarity", "hinge", "squared_hinge",
        "categorical_hinge", *PROBABLE, "binary_crossentropy", "dice", "tversky",
    ],
    "sigmoid": ["binary_crossentropy", "binary_focal_crossentropy", *PROBABLE, "dice", "tversky"],
    "softmax": [*PROBABLE, "binary_crossentropy", "categorical_hinge", "cosine_similarity"],
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*there is one class only")
@pytest.mark.parametrize("activation", AFTER)
def test_every_loss_is_finite_at_every_point(activation):
    """Whatever a batch looks like, and by way of a loss of float32, as in training."""
    from trivium import activations

    activate = activations.get(activation)
    cases = {}
    for name in AFTER[activation]:
        loss = losses.LossFunctionWrapper(getattr(losses, name))

        def found(y, target, f=loss):
            return f(target.astype("float32"), activate(y))

        def shared(y, f=loss):
            return f(jnp.full(y.shape, 0.25, "float32"), activate(y))

        for point, x in POINTS.items():
            if x.dtype != "float16":
                cases[f"{name}, {point}"] = (found, [x, (x > 1).astype("int32")])
            elif (
                activation != "linear"
            ):  # Squares of 65504, and their slopes, are beyond float16 itself.
                cases[f"{name}, {point}"] = (shared, [x])
    for name, got in values_and_slopes(cases).items():
        try:
            assert_finite(got)
        except AssertionError as error:
            raise AssertionError(name) from error
