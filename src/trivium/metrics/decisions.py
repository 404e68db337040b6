"""The base of metrics of yes-or-no decisions at thresholds."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import numpy as np

from trivium.losses.arrays import divide_no_nan
from trivium.metrics.base import Metric
from trivium.metrics.counting import NEVER_BELOW, Counts, count_decisions
from trivium.state.dtype_policies import DTypeLike

__all__ = ["AtThresholds", "CountingMetric", "one_or_all"]


class CountingMetric(Metric):
    """A metric whose state is counts of decisions at `thresholds`, in rising order."""

    # The variables' names, and which counts they keep.
    _kept: ClassVar[dict[str, str]] = {count: count for count in Counts._fields}

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


def one_or_all(values: jax.Array) -> jax.Array:
    """Return the results at all thresholds; at the only one a number.

    Example:
        >>> one_or_all(jax.numpy.ones(1)).shape, one_or_all(jax.numpy.ones(2)).shape
        ((), (2,))
    """
    return values[0] if values.shape[0] == 1 else values


class AtThresholds(CountingMetric):
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
