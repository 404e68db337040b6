"""Means and sums over batches, and the metrics that are the mean of a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from trivium.losses.arrays import align_weight, as_array, divide_no_nan, returned
from trivium.losses.base import Loss, apply_mask
from trivium.losses.registry import LOSSES, FunctionWrapper
from trivium.metrics.base import Metric, metric_class
from trivium.state.dtype_policies import DTypeLike
from trivium.state.logits import forget_logits
from trivium.state.masks import get_mask, set_mask

__all__ = ["FunctionMean", "Mean", "MeanMetricWrapper", "Sum"]


def _by_sample(
    name: str, values: Any, sample_weight: Any, reduce: Callable[..., jax.Array], dtype: Any
) -> tuple[jax.Array, jax.Array | None]:
    """Return weighted values and weights, one a sample.

    Axes that the weights do not have are reduced first, so that a weight means the same whatever
    they are.
    """
    mask = get_mask(values)
    values = as_array(values, dtype)
    weight = apply_mask(sample_weight, mask, dtype, rescale=False)
    if weight is not None:
        if values.ndim:
            # One number weighs each sample alike: a batch of more samples counts more.
            weight = jnp.broadcast_to(weight, values.shape[:1]) if not weight.ndim else weight
            aligned = align_weight(f"Metric {name!r}", weight, tuple(values.shape))
            values = _reduce_from(values, weight.ndim, reduce)
            weight = jnp.broadcast_to(aligned.reshape(aligned.shape[: values.ndim]), values.shape)
        values = values * weight
        weight = _reduce_from(weight, 1, reduce)
    return _reduce_from(values, 1, reduce), weight


def _reduce_from(x: jax.Array, axis: int, reduce: Callable[..., jax.Array]) -> jax.Array:
    return reduce(x, axis=tuple(range(axis, x.ndim))) if x.ndim > axis else x


@metric_class()
class Sum(Metric):
    """The weighted sum of values.

    Args:
        name: A name.
        dtype: As in `Metric`.

    Example:
        >>> metric = Sum()
        >>> metric.update_state([1, 3, 5, 7])
        >>> float(metric([2.0], sample_weight=[0.5]))
        17.0
    """

    def __init__(self, name: str | None = "sum", dtype: DTypeLike | None = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), dtype=self.dtype, name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Add values.

        Args:
            values: Shape `(batch, ...)`.
            sample_weight: Weights, shape `(batch,)` or more of the values' axes.

        Raises:
            ValueError: The weights do not fit the values.
        """
        values, _ = _by_sample(self.name, values, sample_weight, jnp.sum, self.dtype)
        self.total.assign_add(jnp.sum(values))

    def result(self) -> jax.Array:
        """Return the sum so far."""
        total: jax.Array = self.total.value
        return total


@metric_class()
class Mean(Metric):
    """The weighted mean of values.

    Args:
        name: A name.
        dtype: As in `Metric`.

    Example:
        >>> metric = Mean()
        >>> metric.update_state([1, 3])
        >>> float(metric([7.0], sample_weight=[2.0]))
        4.5
    """

    def __init__(self, name: str | None = "mean", dtype: DTypeLike | None = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), dtype=self.dtype, name="total")
        self.count = self.add_variable((), dtype=self.dtype, name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Take values into the mean.

        Args:
            values: Shape `(batch, ...)`.
            sample_weight: Weights, shape `(batch,)` or more of the values' axes.

        Raises:
            ValueError: The weights do not fit the values.
        """
        values, weight = _by_sample(self.name, values, sample_weight, jnp.mean, self.dtype)
        self.total.assign_add(jnp.sum(values))
        if weight is not None:
            self.count.assign_add(jnp.sum(weight))
        else:
            self.count.assign_add(as_array(values.shape[0] if values.ndim else 1, self.dtype))

    def result(self) -> jax.Array:
        """Return the mean so far, 0 before the first value."""
        return divide_no_nan(self.total.value, self.count.value)


@metric_class()
class MeanMetricWrapper(FunctionWrapper, Mean):
    """The mean of a function of targets and predictions.

    Args:
        fn: A function of `(y_true, y_pred, **kwargs)` that returns values, shape `(batch, ...)`.
        name: As in `Metric`.
        dtype: As in `Metric`.
        **kwargs: Further arguments of the function.

    Example:
        >>> metric = MeanMetricWrapper(lambda t, p, scale: scale * abs(t - p), scale=2.0)
        >>> float(metric(jnp.array([1.0, 2.0]), jnp.array([2.0, 4.0])))
        3.0
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        name: str | None = None,
        dtype: DTypeLike | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.fn = fn
        self._fn_kwargs = kwargs
        if self._direction is None and (LOSSES.owns(fn) or isinstance(fn, Loss)):
            self._direction = "down"

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> None:
        """Take a batch into the mean.

        Args:
            y_true: Targets, shape `(batch, ...)`.
            y_pred: Predictions, shape `(batch, ...)`.
            sample_weight: Weights, shape `(batch,)` or more of the values' axes.
            mask: Booleans: which values count; the mask that stands beside `y_pred` where it is
                `None`.

        Raises:
            ValueError: The shapes do not go together.
        """
        mask = get_mask(y_pred) if mask is None else mask
        y_true, y_pred = (_widened(y, self.dtype) for y in (y_true, forget_logits(y_pred)))
        values = self.fn(y_true, y_pred, **self._fn_kwargs)
        own_mask = get_mask(values)  # Of a loss that ignores some targets.
        values = returned(getattr(self.fn, "__name__", type(self.fn).__name__), values, self.dtype)
        set_mask(values, own_mask)
        weight = apply_mask(sample_weight, mask, self.dtype, rescale=False)
        super().update_state(values, sample_weight=weight)


def _widened(structure: Any, dtype: Any) -> Any:
    """Return half floats, the outputs in mixed precision, as what the metric computes in.

    In `float16`, 300² is infinite and 1 - 1e-7 is 1.
    """

    def one(x: Any) -> Any:
        if hasattr(x, "dtype") and jnp.issubdtype(x.dtype, jnp.floating):
            wide = jnp.promote_types(x.dtype, dtype)
            return x if wide == x.dtype else x.astype(wide)
        return x

    return jax.tree.map(one, structure)


class FunctionMean(MeanMetricWrapper):
    """The base of the metrics that are the mean of one function without arguments of its own.

    Args:
        name: A name; the function's by default.
        dtype: As in `Metric`.

    Example:
        >>> def error(y_true, y_pred):
        ...     return abs(y_true - y_pred)
        >>> class Error(FunctionMean, fn=error):
        ...     pass
        >>> Error(), float(Error()(jnp.array([1.0, 2.0]), jnp.array([2.0, 4.0])))
        (<Error name=error>, 1.5)
    """

    def __init__(self, name: str | None = None, dtype: DTypeLike | None = None) -> None:
        super().__init__(type(self).function, name, dtype)
