"""Functions of a pipeline that are traced: before `batch` for all rows, behind it for whole batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

import trivium as tv
from trivium.data import Dataset
from trivium.data.pipeline.traced import Traced

X = np.random.default_rng(0).random((10, 4, 4, 1)).astype("float32")
Y = np.arange(10)
DROPOUT = tv.layers.Dropout(0.5)


def mapped(function: Callable[..., Any], before: bool, workers: int | None = None) -> Dataset:
    rows = Dataset.from_tensor_slices((X, Y))
    if before:
        return rows.map(function, workers).batch(4)
    return rows.batch(4).map(function, workers)


@pytest.mark.parametrize("before", [True, False])
def test_it_is_called_for_each_form_alone(before: bool) -> None:
    calls: list[Any] = []

    def function(x: Any, y: Any) -> Any:
        calls.append(x)
        return x * 2, y

    dataset = mapped(function, before)
    for _ in range(3):
        x = np.concatenate([x for x, _ in dataset])
        np.testing.assert_array_equal(x, X * 2)
    assert len(calls) == 2 and all(isinstance(x, jax.core.Tracer) for x in calls)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("workers", [None, 2])
def test_variables_have_their_values_of_the_moment(before: bool, workers: int | None) -> None:
    factor, norm = tv.Variable(2.0), tv.layers.Normalization(axis=None)
    norm.adapt(X)
    dataset = mapped(lambda x, y: norm(x * factor), before, workers)
    for value in (2.0, 5.0):
        factor.assign(value)
        norm.adapt(X * value)
        found = np.concatenate(list(dataset))
        np.testing.assert_allclose(found.reshape(X.shape), (X - X.mean()) / X.std(), atol=1e-5)


def _dense() -> Callable[..., Any]:
    layer = tv.layers.Dense(3)  # Built by the first batch.
    return lambda x, y: (layer(x), y)


def _counting() -> Callable[..., Any]:
    layer = tv.layers.BatchNormalization()  # Changed by each.
    return lambda x, y: (layer(x, training=True), layer.moving_mean + 0)


def _numpys() -> Callable[..., Any]:
    return lambda x, y: (x * np.random.rand(), y)


@pytest.mark.parametrize(
    "make",
    [
        lambda: lambda x, y: (DROPOUT(x, training=True), tv.ops.one_hot(y, 10)),
        lambda: lambda x, y: (x + tv.random.uniform((1,)), y),
        _numpys,
        lambda: lambda x, y: (np.asarray(x) * 2, y),
        lambda: lambda x, y: x if float(x.sum()) > 0 else -x,
        lambda: lambda x, y: (x, np.zeros(2)),
        lambda: lambda x, y: [x[:, 0, 0, 0], y],
        lambda: lambda x, y: (x, 1),
        lambda: lambda x, y: (x, np.array(["text"] * len(y))),
        _dense,
        _counting,
    ],
    ids=[
        "layer",
        "draw",
        "numpys",
        "numpy",
        "branch",
        "constant",
        "list",
        "number",
        "text",
        "dense",
        "counting",
    ],
)
def test_batches_are_those_of_plain_calls(make: Callable[[], Any], monkeypatch: Any) -> None:
    def batches(workers: int | None) -> list[Any]:
        tv.utils.set_random_seed(1)
        dataset = mapped(make(), False, workers)
        return jax.tree.leaves([*dataset, *dataset], is_leaf=lambda a: hasattr(a, "shape"))

    traced = [batches(None)]
    if make not in (_counting, _numpys):  # What threads share changes in their order.
        traced.append(batches(2))
    monkeypatch.setattr(Traced, "__call__", lambda self, *arguments: None)
    plain = batches(None)
    for found in traced:
        assert [(type(a), a.dtype, a.shape) for a in found] == [
            (type(a), a.dtype, a.shape) for a in plain
        ]
        for a, b in zip(found, plain, strict=True):
            np.testing.assert_array_equal(a, b)


def test_batches_of_many_shapes_are_not_compiled() -> None:
    seen: list[Any] = []
    lengths = Dataset.range(1, 5).map(lambda n: np.arange(int(n))).padded_batch(2)
    for dataset in (lengths, Dataset.from_generator(lambda: iter(X)).batch(4)):
        list(dataset.map(lambda x: seen.append(x) or x))
    assert len(seen) == 5 and not any(isinstance(x, jax.core.Tracer) for x in seen)
