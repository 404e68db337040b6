"""Losses for numbers: how far predictions are from targets."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from trivium.losses.arrays import prepare
from trivium.losses.base import FunctionLoss, LossFunctionWrapper
from trivium.losses.registry import LOSSES, loss_function
from trivium.ops.edges import absolute
from trivium.ops.normalization import normalize
from trivium.state.dtype_policies import DTypeLike
from trivium.state.dtypes import epsilon

__all__ = [
    "CosineSimilarity",
    "Huber",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "cosine_similarity",
    "huber",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
]


@loss_function("mse", "MSE")
def mean_squared_error(y_true: Any, y_pred: Any) -> jax.Array:
    """Return the mean of squared differences over the last axis.

    Args:
        y_true: Targets, shape `(batch, ..., outputs)`.
        y_pred: Predictions, the same shape.

    Returns:
        Losses, shape `(batch, ...)`.

    Example:
        >>> mean_squared_error([[0.0, 1.0]], [[1.0, 3.0]]).tolist()
        [2.5]
    """
    y_true, y_pred = prepare("mean_squared_error", y_true, y_pred)
    return jnp.mean(jnp.square(y_true - y_pred), axis=-1)


@loss_function("mae", "MAE")
def mean_absolute_error(y_true: Any, y_pred: Any) -> jax.Array:
    """Return the mean of absolute differences over the last axis.

    Args:
        y_true: Targets, shape `(batch, ..., outputs)`.
        y_pred: Predictions, the same shape.

    Returns:
        Losses, shape `(batch, ...)`.

    Example:
        >>> mean_absolute_error([[0.0, 1.0]], [[1.0, 3.0]]).tolist()
        [1.5]
    """
    y_true, y_pred = prepare("mean_absolute_error", y_true, y_pred)
    return jnp.mean(absolute(y_true - y_pred), axis=-1)


@loss_function("mape", "MAPE")
def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> jax.Array:
    """Return 100 times the mean over the last axis of |difference| / max(|target|, epsilon).

    Args:
        y_true: Targets, shape `(batch, ..., outputs)`.
        y_pred: Predictions, the same shape.

    Returns:
        Losses, shape `(batch, ...)`.

    Example:
        >>> mean_absolute_percentage_error([[2.0, 4.0]], [[1.0, 5.0]]).tolist()
        [37.5]
    """
    y_true, y_pred = prepare("mean_absolute_percentage_error", y_true, y_pred)
    relative = absolute((y_true - y_pred) / jnp.maximum(jnp.abs(y_true), epsilon()))
    return 100.0 * jnp.mean(relative, axis=-1)


@loss_function("msle", "MSLE")
def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> jax.Array:
    """Return the mean over the last axis of squared differences of log(1 + max(x, epsilon)).

    Args:
        y_true: Targets, shape `(batch, ..., outputs)`.
        y_pred: Predictions, the same shape.

    Returns:
        Losses, shape `(batch, ...)`.

    Example:
        >>> loss = mean_squared_logarithmic_error([[0.0, 1.0]], [[0.0, 3.0]])
        >>> round(float(loss[0]), 4)
        0.2402
    """
    y_true, y_pred = prepare("mean_squared_logarithmic_error", y_true, y_pred)
    true, pred = (jnp.log(jnp.maximum(y, epsilon()) + 1.0) for y in (y_true, y_pred))
    return jnp.mean(jnp.square(pred - true), axis=-1)


@loss_function()
def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> jax.Array:
    """Return the mean of half the squared error, growing linearly from errors of `delta` on.

    Args:
        y_true: Targets, shape `(batch, ..., outputs)`.
        y_pred: Predictions, the same shape.
        delta: Where the square becomes a line.

    Returns:
        Losses, shape `(batch, ...)`.

    Example:
        >>> huber([[0.0, 0.0]], [[1.0, 3.0]]).tolist()
        [1.5]

    Reference:
        Huber, "Robust Estimation of a Location Parameter", 1964,
        https://doi.org/10.1214/aoms/1177703732
    """
    y_true, y_pred = prepare("huber", y_true, y_pred)
    error = jnp.abs(y_pred - y_true)
    curved = jnp.minimum(error, delta)  # Nothing is squared that could overflow.
    return jnp.mean(0.5 * jnp.square(curved) + delta * (error - curved), axis=-1)


@loss_function()
def log_cosh(y_true: Any, y_pred: Any) -> jax.Array:
    """Return the mean of log(cosh(difference)) over the last axis.

    Args:
        y_true: Targets, shape `(batch, ..., outputs)`.
        y_pred: Predictions, the same shape.

    Returns:
        Losses, shape `(batch, ...)`.

    Example:
        >>> round(float(log_cosh([[0.0]], [[1.0]])[0]), 4)
        0.4338
    """
    y_true, y_pred = prepare("log_cosh", y_true, y_pred)
    error = jnp.abs(y_pred - y_true)  # Of errors below 0, twice the error might overflow.
    return jnp.mean(error + jax.nn.softplus(-2.0 * error) - math.log(2.0), axis=-1)


@loss_function()
def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> jax.Array:
    """Return minus the cosine between targets and predictions: -1 for the same direction.

    A vector of zeros has no direction: its loss is 0, with the gradient 0.

    Args:
        y_true: Targets, shape `(batch, ..., outputs)`.
        y_pred: Predictions, the same shape.
        axis: The axis along which the vectors lie.

    Returns:
        Losses, shape `(batch, ...)`.

    Example:
        >>> cosine_similarity([[1.0, 0.0], [1.0, 0.0]], [[2.0, 0.0], [0.0, 1.0]]).tolist()
        [-1.0, -0.0]
    """
    y_true, y_pred = prepare("cosine_similarity", y_true, y_pred)
    true, pred = (normalize(y, axis=axis, epsilon=epsilon()) for y in (y_true, y_pred))
    return -jnp.sum(true * pred, axis=axis)


@LOSSES.register()
class MeanSquaredError(FunctionLoss, fn=mean_squared_error):
    """The mean of squared differences.

    Example:
        >>> float(MeanSquaredError()([[0.0, 1.0]], [[1.0, 3.0]]))
        2.5
    """


@LOSSES.register()
class MeanAbsoluteError(FunctionLoss, fn=mean_absolute_error):
    """The mean of absolute differences.

    Example:
        >>> float(MeanAbsoluteError()([[0.0, 1.0]], [[1.0, 3.0]]))
        1.5
    """


@LOSSES.register()
class MeanAbsolutePercentageError(FunctionLoss, fn=mean_absolute_percentage_error):
    """The mean of absolute differences in percent of the targets.

    Example:
        >>> float(MeanAbsolutePercentageError()([[2.0, 4.0]], [[1.0, 5.0]]))
        37.5
    """


@LOSSES.register()
class MeanSquaredLogarithmicError(FunctionLoss, fn=mean_squared_logarithmic_error):
    """The mean of squared differences of log(1 + x).

    Example:
        >>> round(float(MeanSquaredLogarithmicError()([[0.0, 1.0]], [[0.0, 3.0]])), 4)
        0.2402
    """


@LOSSES.register()
class Huber(LossFunctionWrapper):
    """Squared near zero, absolute far from it: outliers pull less.

    Args:
        delta: Where the square becomes a line.
        reduction: As in `Loss`.
        name: As in `Loss`.
        dtype: As in `Loss`.

    Example:
        >>> float(Huber()([[0.0, 0.0]], [[1.0, 3.0]]))
        1.5

    Reference:
        Huber, "Robust Estimation of a Location Parameter", 1964,
        https://doi.org/10.1214/aoms/1177703732
    """

    _left_out: ClassVar[dict[str, Any]] = {**LossFunctionWrapper._left_out, "delta": 1.0}

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(huber, reduction, name, dtype, delta=delta)


@LOSSES.register()
class LogCosh(FunctionLoss, fn=log_cosh):
    """The mean of log(cosh(difference)): squared near zero, absolute far from it, and smooth.

    Example:
        >>> round(float(LogCosh()([[0.0]], [[1.0]])), 4)
        0.4338
    """


@LOSSES.register()
class CosineSimilarity(LossFunctionWrapper):
    """Minus the cosine of the angle between targets and predictions.

    Args:
        axis: The axis along which the vectors lie.
        reduction: As in `Loss`.
        name: As in `Loss`.
        dtype: As in `Loss`.

    Example:
        >>> float(CosineSimilarity()([[1.0, 0.0]], [[2.0, 0.0]]))
        -1.0
    """

    _left_out: ClassVar[dict[str, Any]] = {**LossFunctionWrapper._left_out, "axis": -1}

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "cosine_similarity",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)
