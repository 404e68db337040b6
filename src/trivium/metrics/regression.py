"""Metrics for numbers."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from trivium.graph import op
from trivium.losses import regression as losses
from trivium.losses.arrays import align_weight, as_array, divide_no_nan, prepare
from trivium.metrics.base import Metric, metric_class, metric_function
from trivium.metrics.reduction import FunctionMean, Mean, MeanMetricWrapper
from trivium.state.dtype_policies import DTypeLike
from trivium.state.dtypes import epsilon

__all__ = [
    "ConcordanceCorrelation",
    "CosineSimilarity",
    "LogCoshError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "PearsonCorrelation",
    "R2Score",
    "RootMeanSquaredError",
    "concordance_correlation",
    "cosine_similarity",
    "pearson_correlation",
]


@op
def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> jax.Array:
    """Return the cosine of the angle between targets and predictions: 1 for the same direction.

    Args:
        y_true: Targets, shape `(batch, ..., outputs)`.
        y_pred: Predictions, the same shape.
        axis: The axis along which the vectors lie.

    Returns:
        Cosines, shape `(batch, ...)`.

    Example:
        >>> cosine_similarity([[1.0, 0.0]], [[2.0, 0.0]]).tolist()
        [1.0]
    """
    return -losses.cosine_similarity(y_true, y_pred, axis=axis)


@metric_function
def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> jax.Array:
    """Return the linear correlation of targets and predictions along an axis.

    Args:
        y_true: Targets, shape `(batch, ..., outputs)`.
        y_pred: Predictions, the same shape.
        axis: The axis along which to correlate.

    Returns:
        Correlations from -1 to 1, shape `(batch, ...)`.

    Example:
        >>> round(float(pearson_correlation([[0.0, 1.0, 2.0]], [[1.0, 3.0, 5.0]])[0]), 4)
        1.0
    """
    y_true, y_pred = prepare("pearson_correlation", y_true, y_pred)
    true, pred = (y - jnp.mean(y, axis=axis, keepdims=True) for y in (y_true, y_pred))
    scale = jnp.std(true, axis=axis) * jnp.std(pred, axis=axis)
    return jnp.mean(true * pred, axis=axis) / scale


@metric_function
def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> jax.Array:
    """Return how well predictions agree with targets: correlation less bias and wrong scale.

    Args:
        y_true: Targets, shape `(batch, ..., outputs)`.
        y_pred: Predictions, the same shape.
        axis: The axis along which to correlate.

    Returns:
        Values from -1 to 1, shape `(batch, ...)`.

    Example:
        >>> round(float(concordance_correlation([[0.0, 1.0, 2.0]], [[1.0, 2.0, 3.0]])[0]), 4)
        0.5714

    Reference:
        Lin, "A Concordance Correlation Coefficient to Evaluate Reproducibility", 1989,
        https://doi.org/10.2307/2532051
    """
    y_true, y_pred = prepare("concordance_correlation", y_true, y_pred)
    mean_true, mean_pred = (jnp.mean(y, axis=axis, keepdims=True) for y in (y_true, y_pred))
    covariance = jnp.mean((y_true - mean_true) * (y_pred - mean_pred), axis=axis)
    bias = jnp.squeeze(jnp.square(mean_true - mean_pred), axis=axis)
    norm = jnp.var(y_true, axis=axis) + jnp.var(y_pred, axis=axis) + bias
    return 2.0 * covariance / (norm + epsilon())


@metric_class("mse", "MSE")
class MeanSquaredError(FunctionMean, fn=losses.mean_squared_error):
    """The mean of squared differences.

    Example:
        >>> float(MeanSquaredError()([[0.0, 1.0]], [[1.0, 3.0]]))
        2.5
    """


@metric_class("mae", "MAE")
class MeanAbsoluteError(FunctionMean, fn=losses.mean_absolute_error):
    """The mean of absolute differences.

    Example:
        >>> float(MeanAbsoluteError()([[0.0, 1.0]], [[1.0, 3.0]]))
        1.5
    """


@metric_class("mape", "MAPE")
class MeanAbsolutePercentageError(FunctionMean, fn=losses.mean_absolute_percentage_error):
    """The mean of absolute differences in percent of the targets.

    Example:
        >>> float(MeanAbsolutePercentageError()([[2.0, 4.0]], [[1.0, 5.0]]))
        37.5
    """


@metric_class("msle", "MSLE")
class MeanSquaredLogarithmicError(FunctionMean, fn=losses.mean_squared_logarithmic_error):
    """The mean of squared differences of log(1 + x).

    Example:
        >>> round(float(MeanSquaredLogarithmicError()([[0.0, 1.0]], [[0.0, 3.0]])), 4)
        0.2402
    """


@metric_class()
class LogCoshError(FunctionMean, fn=losses.log_cosh, name="logcosh"):
    """The mean of log(cosh(difference)).

    Example:
        >>> round(float(LogCoshError()([[0.0]], [[1.0]])), 4)
        0.4338
    """


@metric_class()
class CosineSimilarity(MeanMetricWrapper):
    """The mean cosine of the angle between targets and predictions.

    Args:
        name: A name.
        dtype: As in `Metric`.
        axis: The axis along which the vectors lie.

    Example:
        >>> float(CosineSimilarity()([[1.0, 0.0]], [[2.0, 0.0]]))
        1.0
    """

    _direction = "up"
    _left_out: ClassVar[dict[str, Any]] = {"axis": -1}

    def __init__(
        self, name: str | None = "cosine_similarity", dtype: DTypeLike | None = None, axis: int = -1
    ) -> None:
        super().__init__(cosine_similarity, name, dtype, axis=axis)


@metric_class()
class PearsonCorrelation(MeanMetricWrapper):
    """The mean linear correlation of targets and predictions.

    Args:
        name: A name.
        dtype: As in `Metric`.
        axis: The axis along which to correlate.

    Example:
        >>> round(float(PearsonCorrelation()([[0.0, 1.0, 2.0]], [[1.0, 3.0, 5.0]])), 4)
        1.0
    """

    _direction = "up"

    def __init__(
        self,
        name: str | None = "pearson_correlation",
        dtype: DTypeLike | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(pearson_correlation, name, dtype, axis=axis)


@metric_class()
class ConcordanceCorrelation(MeanMetricWrapper):
    """The mean agreement of predictions with targets: correlation less bias and wrong scale.

    Args:
        name: A name.
        dtype: As in `Metric`.
        axis: The axis along which to correlate.

    Example:
        >>> round(float(ConcordanceCorrelation()([[0.0, 1.0, 2.0]], [[1.0, 2.0, 3.0]])), 4)
        0.5714

    Reference:
        Lin, "A Concordance Correlation Coefficient to Evaluate Reproducibility", 1989,
        https://doi.org/10.2307/2532051
    """

    _direction = "up"

    def __init__(
        self,
        name: str | None = "concordance_correlation",
        dtype: DTypeLike | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(concordance_correlation, name, dtype, axis=axis)


@metric_class()
class RootMeanSquaredError(Mean):
    """The root of the mean of squared differences.

    Args:
        name: A name.
        dtype: As in `Metric`.

    Example:
        >>> float(RootMeanSquaredError()([[0.0, 0.0]], [[3.0, 3.0]]))
        3.0
    """

    _direction = "down"

    def __init__(
        self, name: str | None = "root_mean_squared_error", dtype: DTypeLike | None = None
    ) -> None:
        super().__init__(name, dtype=dtype)

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        """Take a batch into the mean.

        Args:
            y_true: Targets, shape `(batch, ...)`.
            y_pred: Predictions, the same shape.
            sample_weight: Weights, shape `(batch,)` or more of the targets' axes.

        Raises:
            ValueError: The shapes do not go together.
        """
        y_true, y_pred = prepare(self.name, y_true, as_array(y_pred, self.dtype))
        super().update_state(jnp.square(y_pred - y_true), sample_weight=sample_weight)

    def result(self) -> jax.Array:
        """Return the root of the mean so far."""
        return jnp.sqrt(super().result())


@metric_class()
class R2Score(Metric):
    """The share of the targets' variance that predictions explain: 1 is all, 0 none.

    Args:
        class_aggregation: How outputs become one number: `"uniform_average"`,
            `"variance_weighted_average"` or `None` (one number for each).
        num_regressors: The number p of inputs that the adjusted score 1 - (1 - R²) (n - 1) /
            (n - p - 1) of n samples allows for; 0 for the plain score.
        name: A name.
        dtype: As in `Metric`.

    Raises:
        ValueError: There is no such aggregation, or fewer than 0 regressors.

    Example:
        >>> round(float(R2Score()([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])), 4)
        0.5714

    Reference:
        https://en.wikipedia.org/wiki/Coefficient_of_determination
    """

    _direction = "up"

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: DTypeLike | None = None,
    ) -> None:
        known = ("uniform_average", "variance_weighted_average", None)
        if class_aggregation not in known:
            raise ValueError(
                f"R2Score: class_aggregation is one of {known}; got {class_aggregation!r}."
            )
        if num_regressors < 0:
            raise ValueError(f"R2Score: num_regressors is at least 0; got {num_regressors!r}.")
        super().__init__(name=name, dtype=dtype)
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_variable((), name="num_samples")
        self.built = False

    def _build(self, y_true_shape: tuple[Any, ...], y_pred_shape: tuple[Any, ...]) -> None:
        if len(y_pred_shape) != 2:
            raise ValueError(
                "R2Score: targets and predictions have shape (batch, outputs); y_true has "
                f"{y_true_shape} and y_pred has {y_pred_shape}. Flatten them, or "
                "give one column for one output."
            )
        shape = (y_pred_shape[-1],)
        self.deviation = self.add_variable(shape, name="squared_deviation")
        self.mean = self.add_variable(shape, name="mean")
        self.residual = self.add_variable(shape, name="residual")
        self.count = self.add_variable(shape, name="count")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch into the score.

        Args:
            y_true: Targets, shape `(batch, outputs)`.
            y_pred: Predictions, the same shape.
            sample_weight: Weights, shape `(batch,)`.

        Raises:
            ValueError: The shapes do not go together.
        """
        y_true, y_pred = prepare(self.name, y_true, as_array(y_pred, self.dtype), equal=True)
        self.build(y_true.shape, y_pred.shape)
        weight = as_array(1.0 if sample_weight is None else sample_weight, self.dtype)
        weight = align_weight(f"Metric {self.name!r}", weight, tuple(y_true.shape))
        weight = jnp.broadcast_to(weight, y_true.shape)
        # Squares of deviations are added up, as Chan, Golub and LeVeque merge them, and not squares
        # of values: the difference of two sums of those has no digits left where the targets vary
        # little about a large mean, as years or prices do.
        count = jnp.sum(weight, axis=0)
        mean = divide_no_nan(jnp.sum(y_true * weight, axis=0), count)
        deviation = jnp.sum(jnp.square(y_true - mean) * weight, axis=0)
        apart, before = mean - self.mean.value, self.count.value
        share = divide_no_nan(count, before + count)
        self.deviation.assign_add(deviation + jnp.square(apart) * before * share)
        self.mean.assign_add(apart * share)
        self.count.assign_add(count)
        self.residual.assign_add(jnp.sum(jnp.square(y_true - y_pred) * weight, axis=0))
        self.num_samples.assign_add(as_array(y_true.shape[0], self.num_samples.dtype))

    def result(self) -> jax.Array:
        """Return the score so far, 0 before the first sample.

        Where all targets are the same it is 1 for perfect predictions and else 0, as in
        scikit-learn. While samples are too few to adjust it, it is the plain one.
        """
        total, residual = self.deviation.value, self.residual.value
        rounding = jnp.square(jnp.finfo(total.dtype).eps * self.mean.value) * self.count.value
        constant = total <= rounding
        perfect = ((residual <= rounding) & (self.count.value > 0)).astype(total.dtype)
        score = jnp.where(constant, perfect, 1.0 - divide_no_nan(residual, total))
        if self.class_aggregation == "uniform_average":
            score = jnp.mean(score)
        elif self.class_aggregation == "variance_weighted_average":
            weighted = divide_no_nan(jnp.sum(total * score), jnp.sum(total))
            score = jnp.where(jnp.all(constant), jnp.mean(score), weighted)
        if self.num_regressors:
            free = self.num_samples.value - 1.0 - self.num_regressors
            adjusted = 1.0 - divide_no_nan(
                (1.0 - score) * (self.num_samples.value - 1.0), jnp.maximum(free, 0.0)
            )
            score = jnp.where(free > 0, adjusted, score)
        return score
