"""Accuracies: how often predictions are right."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from trivium.losses.arrays import as_array, fits, prepare, shape_error
from trivium.metrics.base import metric_class, metric_function
from trivium.metrics.reduction import FunctionMean, MeanMetricWrapper
from trivium.state.dtype_policies import DTypeLike
from trivium.state.dtypes import floatx

__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "SparseCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy",
    "accuracy",
    "binary_accuracy",
    "categorical_accuracy",
    "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "top_k_categorical_accuracy",
]


@metric_function
def accuracy(y_true: Any, y_pred: Any) -> jax.Array:
    """Say where predictions equal targets.

    Args:
        y_true: Targets, shape `(batch, ...)`.
        y_pred: Predictions, the same shape.

    Returns:
        1.0 or 0.0, the same shape.

    Example:
        >>> accuracy([1, 2], [1, 3]).tolist()
        [1.0, 0.0]
    """
    y_true, y_pred = prepare("accuracy", y_true, y_pred, whole=True)
    return (y_true == y_pred).astype(floatx())


@metric_function
def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> jax.Array:
    """Say where predictions lie on the targets' side of a threshold.

    Args:
        y_true: Targets 0 or 1, shape `(batch, ...)`.
        y_pred: Probabilities, the same shape.
        threshold: Predictions above it mean 1.

    Returns:
        1.0 or 0.0, the same shape.

    Example:
        >>> binary_accuracy([[1], [0]], [[0.9], [0.6]]).tolist()
        [[1.0], [0.0]]
    """
    y_true, y_pred = prepare("binary_accuracy", y_true, y_pred)
    return (y_true == (y_pred > threshold)).astype(floatx())


def _labels(place: str, y_true: Any, y_pred: jax.Array) -> jax.Array:
    """Return labels with the shape of the predictions less the axis of classes."""
    labels = as_array(y_true)
    if labels.ndim == y_pred.ndim and labels.shape[-1] == 1:
        labels = labels[..., 0]
    labels = _with_rows_of(labels, tuple(y_pred.shape[:-1]))
    if not fits(labels.shape, y_pred.shape[:-1], equal=True):
        raise shape_error(place, labels, y_pred)
    return labels


def _one_hot_labels(place: str, y_true: Any, y_pred: jax.Array) -> jax.Array:
    """Return the labels of one-hot targets."""
    y_true = _with_rows_of(as_array(y_true), tuple(y_pred.shape))
    return jnp.argmax(prepare(place, y_true, y_pred, equal=True)[0], axis=-1)


def _with_rows_of(x: jax.Array, shape: tuple[Any, ...]) -> jax.Array:
    """Give an array another shape where the two differ by axes of size 1 only.

    Targets of shape `(batch, 1, classes)` or `(batch, 1, 1)` mean the same as those without the
    axis in between, and Keras takes them where it flattens both.
    """
    sizes, wanted = ([n for n in form if n != 1] for form in (tuple(x.shape), shape))
    return x.reshape(shape) if x.ndim != len(shape) and sizes == wanted else x


def _last_axis_dropped(matches: jax.Array) -> jax.Array:
    return matches[..., 0] if matches.ndim > 1 and matches.shape[-1] == 1 else matches


@metric_function
def categorical_accuracy(y_true: Any, y_pred: Any) -> jax.Array:
    """Say where the likeliest class is that of one-hot targets.

    Args:
        y_true: One-hot targets, shape `(batch, ..., classes)`.
        y_pred: Probabilities or logits, the same shape.

    Returns:
        1.0 or 0.0, shape `(batch, ...)`.

    Raises:
        ValueError: The shapes do not go together.

    Example:
        >>> categorical_accuracy([[0, 1], [1, 0]], [[0.2, 0.8], [0.4, 0.6]]).tolist()
        [1.0, 0.0]
    """
    y_pred = as_array(y_pred)
    labels = _one_hot_labels("categorical_accuracy", y_true, y_pred)
    return (labels == jnp.argmax(y_pred, axis=-1)).astype(floatx())


@metric_function
def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> jax.Array:
    """Say where the likeliest class is the label.

    Args:
        y_true: Whole-number labels, shape `(batch, ...)` or `(batch, ..., 1)`.
        y_pred: Probabilities or logits, shape `(batch, ..., classes)`.

    Returns:
        1.0 or 0.0, shape `(batch, ...)`.

    Raises:
        ValueError: The shapes do not go together.

    Example:
        >>> sparse_categorical_accuracy([1, 0], [[0.2, 0.8], [0.4, 0.6]]).tolist()
        [1.0, 0.0]
    """
    y_pred = as_array(y_pred)
    labels = _labels("sparse_categorical_accuracy", y_true, y_pred)
    matches = labels == jnp.argmax(y_pred, axis=-1)
    return _last_axis_dropped(matches.astype(floatx()))


def _in_top(labels: jax.Array, y_pred: jax.Array, k: int) -> jax.Array:
    """Say where fewer than `k` classes are likelier than the label's: no sort needed."""
    likelihood = jnp.take_along_axis(y_pred, labels.astype("int32")[..., None], axis=-1)
    likelihood = jnp.where(jnp.isnan(likelihood), -jnp.inf, likelihood)
    return (jnp.sum(y_pred > likelihood, axis=-1) < k).astype(floatx())


@metric_function
def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> jax.Array:
    """Say where the class of one-hot targets is among the `k` likeliest.

    Args:
        y_true: One-hot targets, shape `(batch, ..., classes)`.
        y_pred: Probabilities or logits, the same shape.
        k: How many classes count as right.

    Returns:
        1.0 or 0.0, shape `(batch, ...)`.

    Raises:
        ValueError: The shapes do not go together.

    Example:
        >>> top_k_categorical_accuracy([[0, 0, 1], [1, 0, 0]], [[0.1, 0.5, 0.4]] * 2, k=2).tolist()
        [1.0, 0.0]
    """
    y_pred = as_array(y_pred)
    return _in_top(_one_hot_labels("top_k_categorical_accuracy", y_true, y_pred), y_pred, k)


@metric_function
def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> jax.Array:
    """Say where the label is among the `k` likeliest classes.

    Args:
        y_true: Whole-number labels, shape `(batch, ...)` or `(batch, ..., 1)`.
        y_pred: Probabilities or logits, shape `(batch, ..., classes)`.
        k: How many classes count as right.
        from_sorted_ids: Whether `y_pred` holds class numbers instead, the likeliest first.

    Returns:
        1.0 or 0.0, shape `(batch, ...)`.

    Raises:
        ValueError: The shapes do not go together.

    Example:
        >>> sparse_top_k_categorical_accuracy([2, 0], [[0.1, 0.5, 0.4]] * 2, k=2).tolist()
        [1.0, 0.0]
    """
    y_pred = as_array(y_pred)
    labels = _labels("sparse_top_k_categorical_accuracy", y_true, y_pred)
    if from_sorted_ids:
        return jnp.any(labels[..., None] == y_pred[..., :k], axis=-1).astype(floatx())
    return _in_top(labels, y_pred, k)


@metric_class()
class Accuracy(FunctionMean, fn=accuracy):
    """How often predictions equal targets.

    Example:
        >>> float(Accuracy()([1, 2, 3, 4], [0, 2, 3, 4]))
        0.75
    """

    _direction = "up"


@metric_class()
class BinaryAccuracy(MeanMetricWrapper):
    """How often predictions lie on the targets' side of a threshold.

    Args:
        name: A name.
        dtype: As in `Metric`.
        threshold: Predictions above it mean 1.

    Example:
        >>> float(BinaryAccuracy()([[1], [1], [0], [0]], [[0.98], [1], [0], [0.6]]))
        0.75
    """

    _direction = "up"

    def __init__(
        self,
        name: str | None = "binary_accuracy",
        dtype: DTypeLike | None = None,
        threshold: float = 0.5,
    ) -> None:
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


@metric_class()
class CategoricalAccuracy(FunctionMean, fn=categorical_accuracy):
    """How often the likeliest class is that of one-hot targets.

    Example:
        >>> float(CategoricalAccuracy()([[0, 1], [1, 0]], [[0.2, 0.8], [0.4, 0.6]]))
        0.5
    """

    _direction = "up"


@metric_class()
class SparseCategoricalAccuracy(FunctionMean, fn=sparse_categorical_accuracy):
    """How often the likeliest class is the label.

    Example:
        >>> float(SparseCategoricalAccuracy()([1, 0], [[0.2, 0.8], [0.4, 0.6]]))
        0.5
    """

    _direction = "up"


@metric_class()
class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the class of one-hot targets is among the `k` likeliest.

    Args:
        k: How many classes count as right.
        name: A name.
        dtype: As in `Metric`.

    Example:
        >>> float(TopKCategoricalAccuracy(k=2)([[0, 0, 1], [1, 0, 0]], [[0.1, 0.5, 0.4]] * 2))
        0.5
    """

    _direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str | None = "top_k_categorical_accuracy",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


@metric_class()
class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the label is among the `k` likeliest classes.

    Args:
        k: How many classes count as right.
        name: A name.
        dtype: As in `Metric`.
        from_sorted_ids: Whether predictions are class numbers instead, the likeliest first.

    Example:
        >>> float(SparseTopKCategoricalAccuracy(k=2)([2, 0], [[0.1, 0.5, 0.4]] * 2))
        0.5
    """

    _direction = "up"
    _left_out: ClassVar[dict[str, Any]] = {"from_sorted_ids": False}

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: DTypeLike | None = None,
        from_sorted_ids: bool = False,
    ) -> None:
        super().__init__(
            sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids
        )
