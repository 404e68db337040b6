"""Precision and recall of yes-or-no decisions."""

from __future__ import annotations

from typing import ClassVar

import jax

from trivium.metrics.base import metric_class
from trivium.metrics.decisions import AtThresholds, one_or_all

__all__ = ["Precision", "Recall"]


class _Rate(AtThresholds):
    """The share of the first of the two counts that it keeps."""

    _direction = "up"

    def result(self) -> jax.Array:
        """Return the share so far, one for each threshold; 0 where nothing was counted."""
        return one_or_all(self._share(*self._kept))


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
