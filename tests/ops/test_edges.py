"""Ops at their edges: at 0, ±∞, equal values, ties, one sample and float16's extremes, value and gradient."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import pytest
from edges import INF, POINTS, assert_edge, assert_finite, values_and_slopes

from trivium import activations, ops

pytestmark = pytest.mark.optimized  # Edges of floats, in the code that users get.


def of(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Return a function with settings behind its arrays."""
    return lambda *arrays: function(*arrays, *args, **kwargs)


def row(*numbers: float, dtype: str = "float32") -> np.ndarray:
    return np.array(numbers, dtype)


ENDS = row(-INF, 0, INF)
LOG2 = math.log(2)
# Name: the function, its arrays, its value, the gradients of its sum.
TABLE: dict[str, tuple[Any, ...]] = {
    # Norms: 0 is a subgradient at 0.
    "norm": (of(ops.norm, axis=-1), [[[0.0, 0.0], [3.0, 4.0]]], [0, 5], [[0, 0], [0.6, 0.8]]),
    "norm of all": (ops.norm, [np.zeros((2, 2), "f")], 0, 0),
    "norm, fro": (of(ops.norm, ord="fro"), [np.zeros((2, 2), "f")], 0, 0),
    "norm, 1": (of(ops.norm, ord=1), [row(0, 0)], 0, 0),
    "norm, 2": (of(ops.norm, ord=2), [row(0, 0)], 0, 0),
    "norm, 3": (of(ops.norm, ord=3), [row(0, 0)], 0, 0),
    "norm, 3, in part": (of(ops.norm, ord=3), [row(0, 2)], 2, [0, 1]),
    "norm, 0.5": (of(ops.norm, ord=0.5), [row(0, 4)], 4, [0, 1]),
    "norm, -1": (of(ops.norm, ord=-1), [row(0, 4)], 0, 0),
    "norm, inf": (of(ops.norm, ord=INF), [row(0, 0)], 0, 0),
    "norm, float16": (ops.norm, [row(300, 400, dtype="float16")], 500, [0.6, 0.8]),
    "normalize": (ops.normalize, [[[0.0, 0.0], [3.0, 4.0]]], [[0, 0], [0.6, 0.8]], [[0, 0], [0.032, -0.024]]),
    "normalize, 1": (of(ops.normalize, order=1), [row(0, 0)], 0, 0),
    "normalize, 3": (of(ops.normalize, order=3), [row(0, 0)], 0, 0),
    "normalize all": (of(ops.normalize, axis=None), [np.zeros((2, 2), "f")], 0, 0),
    "normalize below epsilon": (of(ops.normalize, epsilon=1.0), [row(0.3, 0.4)], [0.3, 0.4], 1),
    "normalize, float16": (ops.normalize, [row(300, 400, dtype="float16")], [0.6, 0.8], [0.0003, -0.0002]),
    "normalize zeros, float16": (of(ops.normalize, order=1), [row(0, 0, dtype="float16")], 0, 0),
    "cdist": (ops.cdist, [[[0.0, 0.0]], [[0.0, 0.0], [3.0, 4.0]]], [[0, 5]], [[-0.6, -0.8]], [[0, 0], [0.6, 0.8]]),
    "hypot": (ops.hypot, [row(0, 1e-30, 3), row(0, 0, 4)], [0, 1e-30, 5], [0, 1, 0.6], [0, 0, 0.8]),
    "arctan2": (ops.arctan2, [row(0, 1), row(0, 0)], [0, math.pi / 2], [0, 0], [0, -1]),
    "angle": (ops.angle, [row(-1, 0, 1)], [math.pi, 0, 0], 0),
    # Spreads of what does not differ.
    "std": (ops.std, [row(2, 2, 2)], 0, 0),
    "std of one": (of(ops.std, axis=-1), [[[2.0]]], 0, 0),
    "std of rows": (of(ops.std, axis=-1), [[[2.0, 2.0], [1.0, 3.0]]], [0, 1], [[0, 0], [-0.5, 0.5]]),
    "std, float16": (ops.std, [row(0.001, 0.003, dtype="float16")], 0.001, [-0.5, 0.5]),
    "nanstd": (ops.nanstd, [row(2, math.nan, 2)], 0, 0),
    "var": (ops.var, [row(2, 2, 2)], 0, 0),
    "variance of one": (lambda x: ops.moments(x, 0)[1], [row(2)], 0, 0),
    "ptp": (ops.ptp, [row(2, 2)], 0, 0),
    # Logarithms of sums, and shares, where everything is masked.
    "logsumexp, masked": (of(ops.logsumexp, axis=-1), [[[-INF, -INF], [-INF, 1.0]]], [-INF, 1], [[0, 0], [0, 1]]),
    "logsumexp, infinite": (ops.logsumexp, [row(INF, 1)], INF, 0),
    "logaddexp": (ops.logaddexp, [row(-INF, -INF, 0), row(-INF, 1, 0)], [-INF, 1, LOG2], [0, 0, 0.5], [0, 1, 0.5]),
    "logaddexp2": (ops.logaddexp2, [row(-INF, -INF), row(-INF, 1)], [-INF, 1], [0, 0], [0, 1]),
    "softmax, masked": (lambda x: ops.softmax(x)[:, 1], [[[-INF, -INF], [-INF, 1.0]]], [0, 1], 0),
    "log_softmax, masked": (lambda x: ops.log_softmax(x)[:, 1], [[[-INF, -INF], [-INF, 1.0]]], [-INF, 0], 0),
    "sparsemax, masked": (lambda x: ops.sparsemax(x)[:, 1], [[[-INF, -INF], [-INF, 1.0]]], [0, 1], 0),
    # Gates at the far ends.
    "silu": (ops.silu, [ENDS], [0, 0, INF], [0, 0.5, 1]),
    "gelu": (ops.gelu, [ENDS], [0, 0, INF], [0, 0.5, 1]),
    "gelu, exact": (of(ops.gelu, approximate=False), [ENDS], [0, 0, INF], [0, 0.5, 1]),
    "gelu, float16": (ops.gelu, [row(-60000, -50, 50, 60000, dtype="float16")], [0, 0, 50, 60000], [0, 0, 1, 1]),
    "hard_silu": (ops.hard_silu, [ENDS], [0, 0, INF], [0, 0.5, 1]),
    "mish": (activations.mish, [ENDS], [0, 0, INF], [0, 0.6, 1]),
    "softplus": (ops.softplus, [ENDS], [0, LOG2, INF], [0, 0.5, 1]),
    "squareplus": (ops.squareplus, [ENDS], [0, 1, INF], [0, 0.5, 1]),
    "squareplus, float16": (ops.squareplus, [row(-300, 300, dtype="float16")], [0.0033, 300], [0, 1]),
    "sparse_plus": (ops.sparse_plus, [ENDS], [0, 0.25, INF], [0, 0.5, 1]),
    "softsign": (ops.softsign, [ENDS], [-1, 0, 1], [0, 1, 0]),
    "elu": (ops.elu, [ENDS], [-1, 0, INF], [0, 1, 1]),
    "tanh": (ops.tanh, [ENDS], [-1, 0, 1], [0, 1, 0]),
    "sigmoid": (ops.sigmoid, [ENDS], [0, 0.5, 1], [0, 0.25, 0]),
    "log_sigmoid": (ops.log_sigmoid, [ENDS], [-INF, -LOG2, 0], [1, 0.5, 0]),
    # Corners and ties: one of the subgradients, shared among those that tie.
    "absolute": (ops.absolute, [row(0)], 0, 1),
    "relu": (ops.relu, [row(0)], 0, 0),
    "max": (ops.max, [row(2, 2, 1)], 2, [0.5, 0.5, 0]),
    "min": (ops.min, [row(2, 1, 1)], 1, [0, 0.5, 0.5]),
    "maximum": (ops.maximum, [row(1), row(1)], 1, 0.5, 0.5),
    "minimum": (ops.minimum, [row(1), row(1)], 1, 0.5, 0.5),
    # Powers and quotients.
    "power": (ops.power, [row(0, 0, 2), row(0, 2, 0)], [1, 0, 1], [0, 0, 0], [0, 0, LOG2]),
    "power of integers": (of(ops.power, 2), [row(0, -1)], [0, 1], [0, -2]),
    "divide_no_nan": (ops.divide_no_nan, [row(1, 1), row(0, 2)], [0, 0.5], [0, 0.5], [0, -0.25]),
    "sinc": (ops.sinc, [row(0)], 1, 0),
    "sinc, float16": (ops.sinc, [row(0, 6e-8, dtype="float16")], 1, 0),
    # Infinite by definition: the slope of a root at 0 alone, and of the arc at its end.
    "sqrt": (ops.sqrt, [row(0, 4)], [0, 2], [INF, 0.25]),
    "log": (ops.log, [row(0, 1)], [-INF, 0], [INF, 1]),
    "arccos": (ops.arccos, [row(1, 0)], [0, math.pi / 2], [-INF, -1]),
    # Entropies: 0 times the logarithm of 0 is 0.
    "binary_crossentropy": (
        ops.binary_crossentropy, [row(1, 0), row(1, 0)], 1e-7, [-15.942385, 16.118095], 0,
    ),
    "binary_crossentropy, logits": (
        lambda x: ops.binary_crossentropy(row(1, 0, 1), x, from_logits=True), [row(INF, -INF, -100)],
        [0, 0, 100], [0, 0, -1],
    ),
    "binary_crossentropy, float16": (
        lambda x: ops.binary_crossentropy(row(1, 0, dtype="float16"), x), [row(1, 0, dtype="float16")], 0, 0,
    ),
    "categorical_crossentropy, a class masked": (
        lambda x: ops.categorical_crossentropy(row(0, 1), x, from_logits=True), [row(-INF, 1)], 0, 0,
    ),
    "categorical_crossentropy of nothing": (
        lambda x: ops.categorical_crossentropy(row(0, 1), x), [row(0, 0)], -math.log(1e-7), 0,
    ),
    "categorical_crossentropy, float16": (
        lambda x: ops.categorical_crossentropy(row(1, 0, dtype="float16"), x, from_logits=True),
        [row(60000, -60000, dtype="float16")], 0, 0,
    ),
    "sparse_categorical_crossentropy, a class masked": (
        lambda x: ops.sparse_categorical_crossentropy(1, x, from_logits=True), [row(-INF, 1)], 0, 0,
    ),
}  # fmt: skip


@functools.cache
def table() -> dict[str, Any]:
    """All rows in one program: compiling is what takes time."""
    return values_and_slopes(
        {
            name: (function, [np.asarray(a, getattr(a, "dtype", "float32")) for a in arrays])
            for name, (function, arrays, *_) in TABLE.items()
        }
    )


@pytest.mark.parametrize("name", TABLE)
def test_value_and_gradient(name: str) -> None:
    assert_edge(table()[name], *TABLE[name][2:])


SMOOTH = {
    "norm": of(ops.norm, axis=-1),
    "norm, 3": of(ops.norm, ord=3, axis=-1),
    "normalize": ops.normalize,
    "normalize, 1": of(ops.normalize, order=1),
    "std": of(ops.std, axis=-1),
    "nanstd": of(ops.nanstd, axis=-1),
    "moments": of(ops.moments, -1),
    "layer_normalization": ops.layer_normalization,
    "rms_normalization": ops.rms_normalization,
    "logsumexp": of(ops.logsumexp, axis=-1),
    "softmax": ops.softmax,
    "log_softmax": ops.log_softmax,
    "sparsemax": ops.sparsemax,
    "cdist": lambda x: ops.cdist(x[:, :1], x[:, :1]),
    "gelu": ops.gelu,
    "silu": ops.silu,
    "softsign": ops.softsign,
}
# What is right is beyond float16: the distance between its largest numbers, the slope between its smallest.
OVERFLOWING = {
    ("norm, 3", "float16's largest"),
    ("cdist", "float16's largest"),
    ("normalize", "float16's smallest"),
    ("normalize, 1", "float16's smallest"),
}


def test_no_batch_spoils_a_gradient() -> None:
    cases = {
        f"{name} at {point}": (function, [array])
        for name, function in SMOOTH.items()
        for point, array in POINTS.items()
        if (name, point) not in OVERFLOWING
    }
    for got in values_and_slopes(cases).values():
        assert_finite(got)


def test_one_zero_row_leaves_a_siamese_network_whole() -> None:
    def similarity(weights: Any, left: Any, right: Any) -> Any:
        one, other = (ops.normalize(ops.matmul(side, weights)) for side in (left, right))
        return ops.sum(one * other, axis=-1)

    weights = np.eye(3, 2, dtype="float32")
    left, right = POINTS["a row of zeros"], np.flip(POINTS["a row of zeros"])
    arrays = [weights, left.astype(int), right.astype(int)]
    assert_finite(values_and_slopes({"similarity": (similarity, arrays)})["similarity"])


def test_softmax_is_not_quiet_about_infinite_logits() -> None:
    # Two infinities have no shares, and one comes from a fault somewhere before: NaN says so.
    assert np.isnan(ops.softmax([INF, 1.0, 0.0])).all()


def test_count_nonzero_keeps_dimensions() -> None:
    x = np.array([[0, 1, 2], [0, 0, 3]])
    np.testing.assert_array_equal(ops.count_nonzero(x, axis=1, keepdims=True), [[2], [1]])
    np.testing.assert_array_equal(ops.count_nonzero(x, keepdims=True), [[3]])
    np.testing.assert_array_equal(ops.count_nonzero(x, axis=(0,)), [0, 1, 2])
