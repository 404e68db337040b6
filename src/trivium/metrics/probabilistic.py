"""Metrics for probabilities and margins: the means of the losses of the same names."""

from __future__ import annotations

from trivium import losses
from trivium.metrics.base import metric_class
from trivium.metrics.reduction import FunctionMean, MeanMetricWrapper
from trivium.state.dtype_policies import DTypeLike

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "Hinge",
    "KLDivergence",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
]


@metric_class("bce", "BCE")
class BinaryCrossentropy(MeanMetricWrapper):
    """The mean crossentropy between yes-or-no targets and probabilities.

    Args:
        name: A name.
        dtype: As in `Metric`.
        from_logits: Whether predictions are logits instead.
        label_smoothing: How far targets are drawn towards a half.

    Example:
        >>> round(float(BinaryCrossentropy()([[0, 1]], [[0.5, 0.5]])), 4)
        0.6931
    """

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: DTypeLike | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(
            losses.binary_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )


@metric_class()
class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean crossentropy between one-hot targets and probabilities.

    Args:
        name: A name.
        dtype: As in `Metric`.
        from_logits: Whether predictions are logits instead.
        label_smoothing: How much of each target is spread evenly over the classes.
        axis: The axis of classes.

    Example:
        >>> round(float(CategoricalCrossentropy()([[0, 1, 0]], [[0.05, 0.9, 0.05]])), 4)
        0.1054
    """

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: DTypeLike | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        super().__init__(
            losses.categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


@metric_class()
class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean crossentropy between whole-number labels and probabilities.

    Args:
        name: A name.
        dtype: As in `Metric`.
        from_logits: Whether predictions are logits instead.
        ignore_class: A label whose samples do not count.
        axis: The axis of classes.

    Example:
        >>> round(float(SparseCategoricalCrossentropy()([1], [[0.05, 0.9, 0.05]])), 4)
        0.1054
    """

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: DTypeLike | None = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(
            losses.sparse_categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )


@metric_class()
class KLDivergence(FunctionMean, fn=losses.kl_divergence):
    """The mean divergence of predicted from true probabilities.

    Example:
        >>> round(float(KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]])), 4)
        0.1438
    """


@metric_class()
class Poisson(FunctionMean, fn=losses.poisson):
    """The mean loss of counts under predicted rates.

    Example:
        >>> round(float(Poisson()([[1.0, 2.0]], [[1.0, 2.0]])), 4)
        0.8069
    """


@metric_class()
class Hinge(FunctionMean, fn=losses.hinge):
    """The mean of max(1 - target * prediction, 0), for targets -1 and 1 or 0 and 1.

    Example:
        >>> float(Hinge()([[-1.0, 1.0]], [[0.5, 0.5]]))
        1.0
    """


@metric_class()
class SquaredHinge(FunctionMean, fn=losses.squared_hinge):
    """The mean of max(1 - target * prediction, 0)², for targets -1 and 1 or 0 and 1.

    Example:
        >>> float(SquaredHinge()([[-1.0, 1.0]], [[0.5, 0.5]]))
        1.25
    """


@metric_class()
class CategoricalHinge(FunctionMean, fn=losses.categorical_hinge):
    """The mean of max(best wrong score - right score + 1, 0), for one-hot targets.

    Example:
        >>> float(CategoricalHinge()([[0, 1]], [[0.5, 1.0]]))
        0.5
    """
