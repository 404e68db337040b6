"""The best of one rate where another one is good enough: points of the curves that thresholds draw."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from trivium.metrics.base import metric_class
from trivium.metrics.decisions import CountingMetric
from trivium.state.dtype_policies import DTypeLike

__all__ = [
    "PrecisionAtRecall",
    "RecallAtPrecision",
    "SensitivityAtSpecificity",
    "SpecificityAtSensitivity",
]


# What each rate counts, and what else there is beside it.
_RATES = {
    "precision": ("true_positives", "false_positives"),
    "recall": ("true_positives", "false_negatives"),
    "sensitivity": ("true_positives", "false_negatives"),
    "specificity": ("true_negatives", "false_positives"),
}


class _OperatingPoint(CountingMetric):
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
class SensitivityAtSpecificity(_OperatingPoint):
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
class SpecificityAtSensitivity(_OperatingPoint):
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
class PrecisionAtRecall(_OperatingPoint):
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
class RecallAtPrecision(_OperatingPoint):
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
