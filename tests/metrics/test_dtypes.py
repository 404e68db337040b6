"""What a metric gives does not depend on the type that targets and predictions come in."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import trivium as tv

RNG = np.random.default_rng(0)
CHANCES = RNG.dirichlet([0.1] * 3, 4)
KINDS = {
    "half floats, large": (
        RNG.random((4, 3)) * 300,
        RNG.random((4, 3)) * 300,
        "float16",
        "float16",
    ),
    "half floats, small": (np.eye(4, 3), CHANCES, "float16", "float16"),
    "bytes": (RNG.integers(0, 255, (4, 3)), RNG.integers(0, 255, (4, 3)), "uint8", "uint8"),
    "whole predictions": (RNG.random((4, 3)), RNG.integers(0, 2, (4, 3)), "float32", "int32"),
    "yes and no": (CHANCES > 0.2, RNG.random((4, 3)) > 0.5, "bool", "bool"),
    "half and single": (RNG.random((4, 3)), RNG.random((4, 3)), "float32", "float16"),
}


def metrics_without_arguments():
    for name in tv.metrics.__all__:
        cls = getattr(tv.metrics, name)
        if inspect.isclass(cls) and name not in {"Mean", "Metric", "Sum"} and "Sparse" not in name:
            values = inspect.signature(cls).parameters.values()
            if all(p.default is not p.empty for p in values):
                yield name


@pytest.mark.parametrize("name", list(metrics_without_arguments()))
def test_types(name):
    for true, pred, *types in KINDS.values():
        given = [np.asarray(y, dtype) for y, dtype in zip((true, pred), types, strict=True)]
        got, wanted = (getattr(tv.metrics, name)() for _ in range(2))
        got.update_state(*given)
        wanted.update_state(*(y.astype("float32") for y in given))
        np.testing.assert_allclose(got.result(), wanted.result(), rtol=1e-5, atol=1e-5)


def test_bytes_do_not_wrap_around():
    ten, twenty = np.array([[10]], "uint8"), np.array([[20]], "uint8")
    assert float(tv.metrics.MeanAbsoluteError()(ten, twenty)) == 10
    assert float(tv.metrics.MeanSquaredError()(twenty, ten)) == 100
    assert tv.losses.mean_absolute_error(ten, twenty).tolist() == [10]


def test_targets_are_not_cut_to_whole_numbers():
    assert tv.losses.mean_absolute_error([[0.5]], np.array([[1]])).tolist() == [0.5]
    assert float(tv.metrics.Accuracy()(np.array([0.5]), np.array([0]))) == 0
    [loss] = tv.losses.sparse_categorical_crossentropy([1], np.array([[1, 3]]))
    np.testing.assert_allclose(loss, -np.log(0.75), rtol=1e-5)


def test_large_labels_are_compared_exactly():
    assert float(tv.metrics.Accuracy()(np.array([2**24 + 1]), np.array([2**24]))) == 0


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_mixed_precision(dtype):
    """Outputs in half precision are measured as the loss measures them."""
    inputs = tv.Input((1,))
    layer = tv.layers.Dense(1, kernel_initializer="ones", dtype=f"mixed_{dtype}")
    model = tv.Model(inputs, layer(inputs))
    model.compile("sgd", "mse", metrics=["mse", tv.metrics.MeanMetricWrapper(squared, name="own")])
    x = np.array([[512.0], [256.0]], "float32")
    loss, mse, own = model.evaluate(x, 0 * x, verbose=0)
    assert loss == mse == own == (512**2 + 256**2) / 2


def squared(y_true, y_pred):
    return (y_true - y_pred) ** 2


def test_labels_that_do_not_fit_are_refused():
    """JAX would keep the last 32 bits: 2**33 + 1 would be 1."""
    large, one = np.array([2**33 + 1]), np.array([1])
    for measure in (
        lambda: tv.metrics.Accuracy().update_state(large, one),
        lambda: tv.losses.sparse_categorical_crossentropy(large, np.ones((1, 2), "float32")),
        lambda: tv.ops.convert_to_tensor(large),
        lambda: tv.ops.convert_to_tensor(large, "int32"),
    ):
        with pytest.raises(ValueError, match="8589934593"):
            measure()
    assert tv.ops.convert_to_tensor(large, "float32").tolist() == [2.0**33]
    assert float(tv.metrics.MeanAbsoluteError()(large, np.array([0.0]))) == 2.0**33
    assert tv.ops.convert_to_tensor(np.array([2**31 - 1])).tolist() == [2**31 - 1]
