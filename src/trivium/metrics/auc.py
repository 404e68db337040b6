"""The area under a curve of rates over thresholds."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from trivium.losses.arrays import as_array, divide_no_nan
from trivium.metrics.base import metric_class
from trivium.metrics.decisions import CountingMetric
from trivium.state.dtype_policies import DTypeLike
from trivium.state.dtypes import epsilon
from trivium.state.registry import suggest

__all__ = ["AUC"]

_CURVES = ("ROC", "PR", "PRGAIN")
_SUMMATIONS = ("interpolation", "majoring", "minoring")


def _one_of(argument: str, value: str, known: tuple[str, ...]) -> str:
    for name in known:
        if str(value).lower() == name.lower():
            return name
    raise ValueError(f"AUC: {argument} is one of {known}; got {value!r}. {suggest(value, known)}")


@metric_class()
class AUC(CountingMetric):
    """The area under the ROC or precision-recall curve, from counts at thresholds.

    Args:
        num_thresholds: How many thresholds, the outer two just outside 0 and 1; more are more
            exact.
        curve: `"ROC"`, `"PR"` or `"PRGAIN"`.
        summation_method: `"interpolation"` (trapezoids; for PR the curve that Davis & Goadrich
            give), `"majoring"` or `"minoring"` (the higher or lower side of each step).
        name: A name.
        dtype: As in `Metric`.
        thresholds: The inner thresholds, numbers from 0 to 1, in place of `num_thresholds`.
        multi_label: Whether to take the mean of each label's area; otherwise labels are counted
            together.
        num_labels: How many labels; found on the first batch where it is `None`.
        label_weights: Weights of the labels, shape `(labels,)`.
        from_logits: Whether predictions are logits.

    Raises:
        ValueError: An argument is not one of the known values.

    Example:
        >>> float(AUC(num_thresholds=3)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]))
        0.75

    Reference:
        Davis & Goadrich, "The Relationship Between Precision-Recall and ROC Curves", ICML 2006,
        https://doi.org/10.1145/1143844.1143874;
        Flach & Kull, "Precision-Recall-Gain Curves: PR Analysis Done Right", NeurIPS 2015
    """

    _direction = "up"

    _left_out: ClassVar[dict[str, Any]] = {"thresholds": None}

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: DTypeLike | None = None,
        thresholds: Any = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        self.curve = _one_of("curve", curve, _CURVES)
        self.summation_method = _one_of("summation_method", summation_method, _SUMMATIONS)
        self._init_from_thresholds = thresholds is not None
        if thresholds is None and num_thresholds <= 1:
            raise ValueError(f"AUC: num_thresholds is at least 2; got {num_thresholds!r}.")
        if num_labels and not multi_label:
            raise ValueError(
                f"AUC: num_labels={num_labels} is for multi_label=True; set that or leave this out."
            )
        inner = np.linspace(0.0, 1.0, num_thresholds)[1:-1] if thresholds is None else thresholds
        outside = epsilon()
        super().__init__(name=name, dtype=dtype)
        self.thresholds = [0.0 - outside, *sorted(float(t) for t in inner), 1.0 + outside]
        self.num_thresholds = len(self.thresholds)
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = (
            None if label_weights is None else np.asarray(label_weights, self.dtype)
        )
        self.from_logits = from_logits
        self.built = False
        if num_labels or not multi_label:
            self.build((None, num_labels), (None, num_labels))

    def _build(self, y_true_shape: tuple[Any, ...], y_pred_shape: tuple[Any, ...]) -> None:
        if self.multi_label and len(y_pred_shape) != 2:
            raise ValueError(
                "AUC: with multi_label=True predictions have shape (batch, labels); "
                f"got {y_pred_shape}."
            )
        self._add_counts(*y_pred_shape[1:] if self.multi_label else ())

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch.

        Args:
            y_true: Targets 0 or 1, shape `(batch, ...)`.
            y_pred: Predictions, the same shape.
            sample_weight: Weights, shape `(batch,)` or more of the targets' axes.

        Raises:
            ValueError: The shapes do not go together.
        """
        y_pred = as_array(y_pred)
        self.build(np.shape(y_true), y_pred.shape)
        if self.from_logits:
            y_pred = jax.nn.sigmoid(y_pred)
        self._count(
            y_true,
            y_pred,
            sample_weight,
            multi_label=self.multi_label,
            label_weights=None if self.multi_label else self.label_weights,
        )

    def result(self) -> jax.Array:
        """Return the area under the curve so far."""
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self._over_labels(self._pr_pieces())
        x, y = self._curve()
        left, right = y[:-1], y[1:]
        heights = {
            "interpolation": (left + right) / 2.0,
            "minoring": jnp.minimum(left, right),
            "majoring": jnp.maximum(left, right),
        }
        return self._over_labels((x[:-1] - x[1:]) * heights[self.summation_method])

    def _curve(self) -> tuple[jax.Array, jax.Array]:
        """Return the curve's points at the thresholds."""
        recall = self._share("true_positives", "false_negatives")
        if self.curve == "ROC":
            return self._share("false_positives", "true_negatives"), recall
        if self.curve == "PR":
            return recall, self._share("true_positives", "false_positives")
        tp, fp, tn, fn = (getattr(self, v).value for v in self._kept)
        scale = divide_no_nan(tp + fn, tn + fp)
        recall_gain = jnp.where(tp == 0, 0.0, 1.0 - scale * divide_no_nan(fn, tp))
        precision_gain = jnp.where(tp == 0, 1.0, 1.0 - scale * divide_no_nan(fp, tp))
        return jnp.maximum(recall_gain, 0.0), precision_gain

    def _pr_pieces(self) -> jax.Array:
        """Return the areas between thresholds, true positives growing linearly with positives.

        Then precision is (slope * p + intercept) / p at p positives, and its integral has a
        logarithm.
        """
        tp, fp, _, fn = (getattr(self, v).value for v in self._kept)
        p = tp + fp
        d_tp, d_p = tp[:-1] - tp[1:], p[:-1] - p[1:]
        slope = divide_no_nan(d_tp, jnp.maximum(d_p, 0))
        intercept = tp[1:] - slope * p[1:]
        both = (p[:-1] > 0) & (p[1:] > 0)
        ratio = jnp.where(both, divide_no_nan(p[:-1], jnp.maximum(p[1:], 0)), 1.0)
        area = slope * (d_tp + intercept * jnp.log(ratio))
        return divide_no_nan(area, jnp.maximum(tp[1:] + fn[1:], 0))

    def _over_labels(self, pieces: jax.Array) -> jax.Array:
        areas = jnp.sum(pieces, axis=0)
        if not self.multi_label:
            return areas
        if self.label_weights is None:
            return jnp.mean(areas)
        return divide_no_nan(jnp.sum(areas * self.label_weights), np.sum(self.label_weights))

    def _config_argument(self, name: str) -> Any:
        if name == "thresholds":
            return self.thresholds[1:-1] if self._init_from_thresholds else None
        if name == "label_weights":
            return None if self.label_weights is None else self.label_weights.tolist()
        return super()._config_argument(name)
