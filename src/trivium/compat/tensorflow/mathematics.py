"""TensorFlow's and Keras's older functions that calculate: choices, sums, orders, counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from trivium import ops
from trivium.compat.tensorflow.linalg import matmul
from trivium.compat.written import covers
from trivium.graph import SymbolicTensor
from trivium.state.dtypes import is_float

__all__: list[str] = []


@covers("tensorflow.where")
def _where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    if x is None and y is None:
        return ops.stack(list(ops.nonzero(condition)), axis=-1)
    return ops.where(condition, x, y)


@covers("tensorflow.reduce_mean", "tensorflow.math.reduce_mean")
def _reduce_mean(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Any:
    x = ops.convert_to_tensor(input_tensor)
    mean = ops.mean(x, axis=axis, keepdims=bool(keepdims))
    # TensorFlow's mean of whole numbers is one.
    return mean if is_float(x.dtype) or "complex" in str(x.dtype) else ops.cast(mean, x.dtype)


@covers("tensorflow.math.squared_difference")
def _squared_difference(x: Any, y: Any, name: str | None = None) -> Any:
    return ops.square(ops.subtract(x, y))


@covers("tensorflow.math.add_n")
def _add_n(inputs: Sequence[Any], name: str | None = None) -> Any:
    return sum(inputs[1:], ops.convert_to_tensor(inputs[0]))


@covers("tensorflow.cumsum")
def _cumsum(
    x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str = ""
) -> Any:
    x = ops.flip(x, axis) if reverse else ops.convert_to_tensor(x)
    total = ops.cumsum(x, axis=axis)
    total = total - x if exclusive else total
    return ops.flip(total, axis) if reverse else total


@covers("tensorflow.sort")
def _sort(values: Any, axis: int = -1, direction: str = "ASCENDING", name: str = "") -> Any:
    ordered = ops.sort(values, axis=axis)
    return ops.flip(ordered, axis) if direction == "DESCENDING" else ordered


@covers("tensorflow.argsort")
def _argsort(
    values: Any, axis: int = -1, direction: str = "ASCENDING", stable: bool = False, name: str = ""
) -> Any:
    down = direction == "DESCENDING"
    return ops.argsort(ops.negative(values) if down else values, axis=axis)


@covers("tensorflow.math.confusion_matrix")
def _confusion_matrix(
    labels: Any,
    predictions: Any,
    num_classes: int | None = None,
    weights: Any = None,
    dtype: Any = "int32",
    name: str | None = None,
) -> Any:
    size = num_classes or int(max(np.max(labels), np.max(predictions))) + 1
    rows = ops.one_hot(labels, size, dtype="float32")
    if weights is not None:
        rows = rows * ops.expand_dims(ops.cast(weights, "float32"), -1)
    return ops.cast(matmul(rows, ops.one_hot(predictions, size), transpose_a=True), dtype)


class _TopK(NamedTuple):
    values: Any
    indices: Any


@covers("tensorflow.math.top_k")
def _top_k(
    input: Any, k: int = 1, sorted: bool = True, index_type: Any = None, name: str | None = None
) -> Any:
    return _TopK(*ops.top_k(input, k, sorted))


@covers("keras.backend.hard_sigmoid")
def _hard_sigmoid(x: Any) -> Any:
    # Steeper than the activation of this name in Keras 3, whose slope is 1/6.
    return ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def _zero_fraction(value: Any, name: str | None = None) -> Any:
    return ops.mean(ops.cast(ops.equal(value, 0), "float32"))


covers("tensorflow.math.zero_fraction", "tensorflow.nn.zero_fraction")(_zero_fraction)


@covers("keras.backend.switch")
def _switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    then, other = (e() if callable(e) else e for e in (then_expression, else_expression))
    return ops.where(condition, then, other)


@covers("keras.utils.is_keras_tensor", "keras.backend.is_keras_tensor")
def _is_keras_tensor(x: Any) -> bool:
    return isinstance(x, SymbolicTensor)
