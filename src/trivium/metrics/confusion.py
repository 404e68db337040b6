"""Precision, recall and their kin: metrics of yes-or-no decisions at thresholds."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from trivium.losses.arrays import divide_no_nan
from trivium.metrics.base import Metric, metric_class
from trivium.metrics.counting import NEVER_BELOW, count_decisions
from trivium.state.dtype_policies import DTypeLike

__all__ = [
    "CountingMetric",
    "FalseNegatives",
    "FalsePositives",
    "Precision",
    "PrecisionAtRecall",
    "Recall",
    "RecallAtPrecision",
    "SensitivityAtSpecificity",
    "SpecificityAtSensitivity",
    "TrueNegatives",
    "TruePositives",
]


class CountingMetric(Metric):
    """A metric whose state is counts of decisions at `thresholds`, in rising order."""

    # The variables' names, and which counts they keep.
    _kept: ClassVar[dict[str, str]] = {
        "true_positives": "true_positives",
        "false_positives": "false_positives",
        "true_negatives": "true_negatives",
        "false_negatives": "false_negatives",
    }

    thresholds: list[float]
    top_k: int | None = None
    class_id: int | None = None

    def _add_counts(self, *labels: int) -> None:
        """Add a variable for each count, with a column for each label."""
        for variable in self._kept:
            shape = (len(self.thresholds), *labels)
            vars(self)[variable] = self.add_variable(shape, name=variable)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch.

        Args:
            y_true: Targets 0 or 1, shape `(batch, ...)`.
            y_pred: Predictions, the same shape.
            sample_weight: Weights, shape `(batch,)` or more of the targets' axes.

        Raises:
            ValueError: The shapes do not go together.
        """
        self._count(y_true, y_pred, sample_weight, top_k=self.top_k, class_id=self.class_id)

    def _count(self, y_true: Any, y_pred: Any, sample_weight: Any, **options: Any) -> None:
        variables = {count: getattr(self, variable) for variable, count in self._kept.items()}
        dtype = next(iter(variables.values())).dtype
        counts = count_decisions(
            self.name,
            y_true,
            y_pred,
            np.asarray(self.thresholds),
            dtype,
            sample_weight=sample_weight,
            **options,
        )
        for count, variable in variables.items():
            variable.assign_add(getattr(counts, count))

    def _share(self, part: str, rest: str) -> jax.Array:
        """Return part / (part + rest), 0 where there is neither."""
        yes, no = getattr(self, part).value, getattr(self, rest).value
        return divide_no_nan(yes, yes + no)


def _one_or_all(values: jax.Array) -> jax.Array:
    return values[0] if values.shape[0] == 1 else values


class _AtThresholds(CountingMetric):
    """A counting metric with one result for each of the user's thresholds."""

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.top_k = top_k
        self.class_id = class_id
        if thresholds is None:
            thresholds = 0.5 if top_k is None else NEVER_BELOW
        else:
            for t in np.atleast_1d(np.asarray(thresholds, dtype=object)):
                if t is None or not 0 <= t <= 1:
                    raise ValueError(
                        f"{type(self).__name__}: thresholds lie between 0 and 1; got {t!r}. "
                        "Are predictions logits? Then put a sigmoid after them."
                    )
        self.thresholds = [float(t) for t in np.atleast_1d(np.asarray(thresholds))]
        self._add_counts()

    def _config_argument(self, name: str) -> Any:
        return self.init_thresholds if name == "thresholds" else super()._config_argument(name)


class _Count(_AtThresholds):
    def __init__(
        self, thresholds: Any = None, name: str | None = None, dtype: DTypeLike | None = None
    ) -> None:
        super().__init__(thresholds, name=name, dtype=dtype)

    def result(self) -> jax.Array:
        """Return the count so far, one for each threshold."""
        return _one_or_all(self.accumulator.value)  # type: ignore[attr-defined]


@metric_class()
class TruePositives(_Count):
    """How many targets 1 have a prediction above a threshold.

    Args:
        thresholds: A number from 0 to 1 or a list of such; 0.5 where it is `None`.
        name: A name.
        dtype: As in `Metric`.

    Example:
        >>> float(TruePositives()([0, 1, 1, 1], [1, 0, 1, 1]))
        2.0
    """

    _kept: ClassVar[dict[str, str]] = {"accumulator": "true_positives"}


@metric_class()
class FalsePositives(_Count):
    """How many targets 0 have a prediction above a threshold.

    Args:
        thresholds: A number from 0 to 1 or a list of such; 0.5 where it is `None`.
        name: A name.
        dtype: As in `Metric`.

    Example:
        >>> float(FalsePositives()([0, 1, 0, 0], [1, 0, 1, 0]))
        2.0
    """

    _kept: ClassVar[dict[str, str]] = {"accumulator": "false_positives"}


@metric_class()
class TrueNegatives(_Count):
    """How many targets 0 have a prediction not above a threshold.

    Args:
        thresholds: A number from 0 to 1 or a list of such; 0.5 where it is `None`.
        name: A name.
        dtype: As in `Metric`.

    Example:
        >>> float(TrueNegatives()([0, 1, 0, 0], [1, 0, 0, 0]))
        2.0
    """

    _kept: ClassVar[dict[str, str]] = {"accumulator": "true_negatives"}


@metric_class()
class FalseNegatives(_Count):
    """How many targets 1 have a prediction not above a threshold.

    Args:
        thresholds: A number from 0 to 1 or a list of such; 0.5 where it is `None`.
        name: A name.
        dtype: As in `Metric`.

    Example:
        >>> float(FalseNegatives()([0, 1, 1, 1], [0, 1, 0, 0]))
        2.0
    """

    _kept: ClassVar[dict[str, str]] = {"accumulator": "false_negatives"}


class _Rate(_AtThresholds):
    """The share of true positives among them and what `_rest` names."""

    _direction = "up"
    _rest: ClassVar[str]

    def result(self) -> jax.Array:
        """Return the share so far, one for each threshold; 0 where nothing was counted."""
        return _one_or_all(self._share("true_positives", self._rest))


@metric_class()
class Precision(_Rate):
    """How many of the predictions above a threshold are right.

    Args:
        thresholds: A number from 0 to 1 or a list of such; 0.5 where it is `None`, none at all with
            `top_k`.
        top_k: How many of a row's predictions may say yes.
        class_id: The only class to look at.
        name: A name.
        dtype: As in `Metric`.

    Raises:
        ValueError: A threshold is not between 0 and 1.

    Example:
        >>> float(Precision()([0, 1, 1, 0], [1, 0, 1, 0]))
        0.5
    """

    _kept: ClassVar[dict[str, str]] = {
        "true_positives": "true_positives",
        "false_positives": "false_positives",
    }
    _rest = "false_positives"


@metric_class()
class Recall(_Rate):
    """How many of the targets 1 have a prediction above a threshold.

    Args:
        thresholds: A number from 0 to 1 or a list of such; 0.5 where it is `None`, none at all with
            `top_k`.
        top_k: How many of a row's predictions may say yes.
        class_id: The only class to look at.
        name: A name.
        dtype: As in `Metric`.

    Raises:
        ValueError: A threshold is not between 0 and 1.

    Example:
        >>> float(Recall()([0, 1, 1, 0], [1, 0, 1, 0]))
        0.5
    """

    _kept: ClassVar[dict[str, str]] = {
        "true_positives": "true_positives",
        "false_negatives": "false_negatives",
    }
    _rest = "false_negatives"


_RATES = {
    "precision": ("true_positives", "false_positives"),
    "recall": ("true_positives", "false_negatives"),
    "sensitivity": ("true_positives", "false_negatives"),
    "specificity": ("true_negatives", "false_positives"),
}


class _BestAt(CountingMetric):
    """The best value of one rate over all thresholds at which another is at least a given value."""

    _direction = "up"
    _given: ClassVar[str]
    _wanted: ClassVar[str]

    def __init__(
        self,
        value: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        place = type(self).__name__
        if not 0 <= value <= 1:
            raise ValueError(f"{place}: {self._given} lies between 0 and 1; got {value!r}.")
        if num_thresholds <= 0:
            raise ValueError(f"{place}: num_thresholds is at least 1; got {num_thresholds!r}.")
        super().__init__(name=name, dtype=dtype)
        self.value = value
        self.num_thresholds = num_thresholds
        self.class_id = class_id
        self.thresholds = (
            [0.5] if num_thresholds == 1 else np.linspace(0, 1, num_thresholds).tolist()
        )
        self._add_counts()

    def result(self) -> jax.Array:
        """Return the best value so far, 0 where no threshold does."""
        given, wanted = (self._share(*_RATES[rate]) for rate in (self._given, self._wanted))
        return jnp.max(jnp.where(given >= self.value, wanted, 0), initial=0)

    def _config_argument(self, name: str) -> Any:
        return self.value if name == self._given else super()._config_argument(name)


@metric_class()
class SensitivityAtSpecificity(_BestAt):
    """The best sensitivity over all thresholds whose specificity is at least a given one.

    Args:
        specificity: From 0 to 1.
        num_thresholds: How many thresholds to try, evenly from 0 to 1.
        class_id: The only class to look at.
        name: A name.
        dtype: As in `Metric`.

    Raises:
        ValueError: `specificity` or `num_thresholds` is out of range.

    Example:
        >>> float(SensitivityAtSpecificity(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]))
        0.5
    """

    _given, _wanted = "specificity", "sensitivity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)
        self.specificity = specificity


@metric_class()
class SpecificityAtSensitivity(_BestAt):
    """The best specificity over all thresholds whose sensitivity is at least a given one.

    Args:
        sensitivity: From 0 to 1.
        num_thresholds: How many thresholds to try, evenly from 0 to 1.
        class_id: The only class to look at.
        name: A name.
        dtype: As in `Metric`.

    Raises:
        ValueError: `sensitivity` or `num_thresholds` is out of range.

    Example:
        >>> value = SpecificityAtSensitivity(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])
        >>> round(float(value), 4)
        0.6667
    """

    _given, _wanted = "sensitivity", "specificity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)
        self.sensitivity = sensitivity


@metric_class()
class PrecisionAtRecall(_BestAt):
    """The best precision over all thresholds whose recall is at least a given one.

    Args:
        recall: From 0 to 1.
        num_thresholds: How many thresholds to try, evenly from 0 to 1.
        class_id: The only class to look at.
        name: A name.
        dtype: As in `Metric`.

    Raises:
        ValueError: `recall` or `num_thresholds` is out of range.

    Example:
        >>> float(PrecisionAtRecall(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]))
        0.5
    """

    _given, _wanted = "recall", "precision"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)
        self.recall = recall


@metric_class()
class RecallAtPrecision(_BestAt):
    """The best recall over all thresholds whose precision is at least a given one.

    Args:
        precision: From 0 to 1.
        num_thresholds: How many thresholds to try, evenly from 0 to 1.
        class_id: The only class to look at.
        name: A name.
        dtype: As in `Metric`.

    Raises:
        ValueError: `precision` or `num_thresholds` is out of range.

    Example:
        >>> float(RecallAtPrecision(0.8)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]))
        0.5
    """

    _given, _wanted = "precision", "recall"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)
        self.precision = precision
