"""F scores: precision and recall in one number."""

from __future__ import annotations

import warnings
from typing import Any

import jax
import jax.numpy as jnp

from trivium.losses.arrays import align_weight, as_array, divide_no_nan, prepare
from trivium.metrics.base import Metric, metric_class
from trivium.state.dtype_policies import DTypeLike
from trivium.state.registry import suggest

__all__ = ["F1Score", "FBetaScore"]

_AVERAGES = ("micro", "macro", "weighted")


@metric_class()
class FBetaScore(Metric):
    """The weighted harmonic mean of precision and recall.

    Args:
        average: `None` for one score a class, `"micro"` to count all classes together, `"macro"`
            for the mean of the classes' scores, `"weighted"` for the mean weighted by how often
            they occur.
        beta: How many times as much recall counts as precision.
        threshold: Predictions above it say yes; where it is `None`, the largest of each row does,
            unless the whole row is 0.
        name: A name.
        dtype: As in `Metric`.

    Raises:
        ValueError: An argument is out of range.

    Example:
        >>> metric = FBetaScore(beta=2.0, threshold=0.5)
        >>> [round(float(x), 4) for x in metric([[1, 1], [1, 0]], [[0.2, 0.7], [0.9, 0.1]])]
        [0.5556, 1.0]

    Reference:
        https://en.wikipedia.org/wiki/F-score
    """

    _direction = "up"

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: DTypeLike | None = None,
    ) -> None:
        place = type(self).__name__
        if average is not None and average not in _AVERAGES:
            raise ValueError(
                f"{place}: average is one of {(*_AVERAGES, None)}; got {average!r}. "
                f"{suggest(str(average), _AVERAGES)}"
            )
        if not isinstance(beta, float) or beta <= 0.0:
            raise ValueError(f"{place}: beta is a float above 0; got {beta!r}.")
        if threshold is not None and (
            not isinstance(threshold, float) or not 0.0 < threshold <= 1.0
        ):
            raise ValueError(
                f"{place}: threshold is a float above 0 and at most 1, or None; got {threshold!r}."
            )
        super().__init__(name=name, dtype=dtype)
        self.average = average
        self.beta = beta
        self.threshold = threshold
        self.built = False

    def _build(self, y_true_shape: tuple[Any, ...], y_pred_shape: tuple[Any, ...]) -> None:
        if len(y_pred_shape) != 2 or len(y_true_shape) != 2:
            advice = (
                "Give the targets one column: y[:, None]."
                if len(y_true_shape) == 1 and y_pred_shape[1:] == (1,)
                else "Make whole-number labels one-hot first."
            )
            raise ValueError(
                f"{type(self).__name__}: targets and predictions have shape (batch, classes); "
                f"y_true has {y_true_shape} and y_pred has {y_pred_shape}. {advice}"
            )
        if y_pred_shape[-1] == 1 and self.threshold is None:
            warnings.warn(
                f"{self.name}: there is one output, which is always the largest of its row and so "
                "always says yes. Give threshold=0.5.",
                stacklevel=4,
            )
        shape = () if self.average == "micro" else (y_pred_shape[-1],)
        self.true_positives = self.add_variable(shape, dtype=self.dtype, name="true_positives")
        self.false_positives = self.add_variable(shape, dtype=self.dtype, name="false_positives")
        self.false_negatives = self.add_variable(shape, dtype=self.dtype, name="false_negatives")
        self.intermediate_weights = self.add_variable(
            shape, dtype=self.dtype, name="intermediate_weights"
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch.

        Args:
            y_true: Targets 0 or 1, shape `(batch, classes)`.
            y_pred: Predictions, the same shape.
            sample_weight: Weights: one number, or shape `(batch,)`, `(batch, 1)` or `(batch,
                classes)`.

        Raises:
            ValueError: The shapes are others.
        """
        y_true, y_pred = as_array(y_true, self.dtype), as_array(y_pred, self.dtype)
        self.build(y_true.shape, y_pred.shape)
        y_true, y_pred = prepare(self.name, y_true, y_pred, equal=True)
        if self.threshold is None:
            largest = y_pred >= jnp.max(y_pred, axis=-1, keepdims=True)
            yes = largest & jnp.any(jnp.abs(y_pred) > 1e-9, axis=-1, keepdims=True)
        else:
            yes = y_pred > self.threshold
        found = yes.astype(self.dtype)
        weight = as_array(1.0 if sample_weight is None else sample_weight, self.dtype)
        weight = align_weight(f"Metric {self.name!r}", weight, tuple(y_true.shape))

        def count(x: jax.Array) -> jax.Array:
            x = x * weight
            return jnp.sum(x, axis=None if self.average == "micro" else 0)

        self.true_positives.assign_add(count(found * y_true))
        self.false_positives.assign_add(count(found * (1 - y_true)))
        self.false_negatives.assign_add(count((1 - found) * y_true))
        self.intermediate_weights.assign_add(count(y_true))

    def result(self) -> jax.Array:
        """Return the score so far: one number, or one for each class."""
        right = self.true_positives.value
        missed, wrong = self.false_negatives.value, self.false_positives.value
        square = self.beta**2
        # (1 + b²) precision * recall / (b² precision + recall), in counts: there is no epsilon in
        # it, so that small sample weights do not change it.
        score = divide_no_nan((1 + square) * right, (1 + square) * right + square * missed + wrong)
        if self.average == "weighted":
            often = self.intermediate_weights.value
            return divide_no_nan(jnp.sum(score * often), jnp.sum(often))
        return score if self.average is None else jnp.mean(score)


@metric_class()
class F1Score(FBetaScore):
    """The harmonic mean of precision and recall.

    Args:
        average: As in `FBetaScore`.
        threshold: As in `FBetaScore`.
        name: A name.
        dtype: As in `Metric`.

    Raises:
        ValueError: An argument is out of range.

    Example:
        >>> metric = F1Score(average="macro", threshold=0.5)
        >>> round(float(metric([[1, 1], [1, 0]], [[0.2, 0.7], [0.9, 0.1]])), 4)
        0.8333
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)
