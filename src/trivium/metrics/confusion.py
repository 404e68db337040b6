"""The four counts of a confusion matrix of yes-or-no decisions."""

from __future__ import annotations

from typing import Any, ClassVar

import jax

from trivium.metrics.base import metric_class
from trivium.metrics.decisions import AtThresholds, one_or_all
from trivium.state import Variable
from trivium.state.dtype_policies import DTypeLike

__all__ = ["FalseNegatives", "FalsePositives", "TrueNegatives", "TruePositives"]


class _Count(AtThresholds):
    accumulator: Variable

    def __init__(
        self, thresholds: Any = None, name: str | None = None, dtype: DTypeLike | None = None
    ) -> None:
        super().__init__(thresholds, name=name, dtype=dtype)

    def result(self) -> jax.Array:
        """Return the count so far, one for each threshold."""
        return one_or_all(self.accumulator.value)


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
