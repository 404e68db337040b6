"""The loss: a function of targets and predictions, weighted and reduced to one number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from trivium.graph import any_symbolic, record
from trivium.losses.arrays import (
    align_weight,
    as_array,
    divide_no_nan,
    fits,
    map_arrays,
    match_ranks,
    returned,
)
from trivium.losses.registry import LOSSES, FunctionWrapper
from trivium.state.configured import Configured
from trivium.state.dtype_policies import DTypeLike, get_policy
from trivium.state.dtypes import floatx
from trivium.state.guarding import Guarded
from trivium.state.masks import get_mask
from trivium.state.names import auto_name, to_snake_case
from trivium.state.registry import suggest

__all__ = ["FunctionLoss", "Loss", "LossFunctionWrapper", "apply_mask"]

_REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none")


@LOSSES.register()
class Loss(Guarded, Configured):
    """A loss; subclass it and write `call` for one of your own.

    Args:
        name: A name; the class's, in snake case, where it is `None`.
        reduction: How the losses become one number: `"sum_over_batch_size"` or `"mean"` (sum over
            their number), `"sum"`, `"mean_with_sample_weight"` (sum over the sum of weights),
            `"none"` or `None` (not at all).
        dtype: What to compute in, a dtype or a policy; the default float type where it is `None`.

    Raises:
        ValueError: There is no such reduction.

    Example:
        >>> class Distance(Loss):
        ...     def call(self, y_true, y_pred):
        ...         return abs(y_true - y_pred)
        >>> float(Distance()([1.0, 2.0], [2.0, 4.0]))
        1.5
        >>> Distance(reduction="none")([1.0, 2.0], [2.0, 4.0]).tolist()
        [1.0, 2.0]
    """

    _left_out: ClassVar[dict[str, Any]] = {"dtype": None}

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: DTypeLike | None = None,
    ) -> None:
        if reduction is not None and reduction not in _REDUCTIONS:
            raise ValueError(
                f"{type(self).__name__}: reduction is one of {(*_REDUCTIONS, None)}; "
                f"got {reduction!r}. "
                f"{suggest(str(reduction), _REDUCTIONS)}"
            )
        self.name = name or auto_name(to_snake_case(type(self).__name__))
        self.reduction = reduction
        self.dtype = get_policy(dtype or floatx()).compute_dtype

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the losses before weights and reduction; yours to write.

        Args:
            y_true: Targets, shape `(batch, ...)`, in the loss's dtype, or a nested structure of
                such.
            y_pred: Predictions, likewise.

        Returns:
            Losses, shape `(batch, ...)`.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no `call(self, y_true, y_pred)`: write one that returns "
            "a loss for each sample."
        )

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> Any:
        """Return the weighted and reduced loss.

        Args:
            y_true: Targets, shape `(batch, ...)`, or a nested structure of such.
            y_pred: Predictions, likewise.
            sample_weight: Weights: one number, one a sample, or one for each of the first axes of
                the losses: `(batch,)`, `(batch, steps)` and so on, with 1 for an axis along which
                they are the same.
            mask: Booleans: which losses count; the mask that stands beside `y_pred` where it is
                `None`.

        Returns:
            A number, or the losses where the reduction is `"none"`.

        Raises:
            ValueError: The shapes do not go together.
        """
        if any_symbolic((y_true, y_pred, sample_weight)):
            return record(self, (y_true, y_pred, sample_weight, mask), {})
        mask = get_mask(y_pred) if mask is None else mask
        y_true, y_pred = map_arrays(y_true, self.dtype), map_arrays(y_pred, self.dtype)
        losses = self.call(y_true, y_pred)
        own_mask = get_mask(losses)  # A loss that ignores some targets says so beside its result.
        if own_mask is not None:
            mask = own_mask if mask is None else jnp.logical_and(mask, own_mask)
        return self._reduce(returned(self._formula, losses, self.dtype), sample_weight, mask)

    @property
    def _formula(self) -> str:
        """What computes the losses, for messages."""
        return f"{type(self).__name__}.call"

    def _reduce(self, losses: jax.Array, sample_weight: Any, mask: Any) -> jax.Array:
        weight = apply_mask(
            sample_weight,
            mask,
            self.dtype,
            rescale=self.reduction in ("sum_over_batch_size", "mean"),
        )
        if weight is not None:
            # One loss for the whole batch, such as Dice's over all axes, has no axis to align with.
            if losses.ndim:
                weight = align_weight(self.name, weight, tuple(losses.shape))
            losses = losses * weight
            weight = jnp.broadcast_to(weight, losses.shape)  # Each loss's, for the sum of weights.
        if self.reduction in (None, "none") or losses.shape in ((), (0,)):
            return losses
        total = jnp.sum(losses)
        if self.reduction == "sum":
            return total
        if self.reduction == "mean_with_sample_weight" and weight is not None:
            return divide_no_nan(total, jnp.sum(weight))
        return total if losses.size == 0 else total / losses.size

    def _config_argument(self, name: str) -> Any:
        if name == "dtype":  # Keras's configs of losses have none; written where it is no default.
            return None if self.dtype == floatx() else self.dtype
        return super()._config_argument(name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def apply_mask(sample_weight: Any, mask: Any, dtype: Any, rescale: bool) -> jax.Array | None:
    """Merge a mask into sample weights.

    Args:
        sample_weight: Weights, or `None`.
        mask: Booleans, or `None`.
        dtype: The weights' dtype.
        rescale: Whether to raise the weights that count by total / valid, so that a mean over
            everything that follows is the mean over what counts.

    Returns:
        Weights, or `None` where neither was given.

    Example:
        >>> apply_mask(None, [True, False], "float32", rescale=True).tolist()
        [2.0, 0.0]
    """
    weight = None if sample_weight is None else as_array(sample_weight, dtype)
    if mask is None:
        return weight
    mask_weight = as_array(mask, dtype)
    if rescale:
        mask_weight = mask_weight * divide_no_nan(mask_weight.size, jnp.sum(mask_weight))
    if weight is None:
        return mask_weight
    # The batch comes first in both: the one of fewer axes is the same along the other's further ones.
    rank = max(mask_weight.ndim, weight.ndim)
    mask_weight, weight = (
        x[(..., *[None] * (rank - x.ndim))] if x.ndim else x for x in (mask_weight, weight)
    )
    if not fits(mask_weight.shape, weight.shape):
        raise ValueError(
            f"sample_weight of shape {tuple(np.shape(sample_weight))} and a mask of shape "
            f"{tuple(np.shape(mask))} do not go together: give one weight a sample, shape "
            f"{tuple(np.shape(mask)[:1])}, or one for each entry of the mask."
        )
    return weight * mask_weight


@LOSSES.register(module="keras.src.losses.losses")
class LossFunctionWrapper(FunctionWrapper, Loss):
    """A loss made of a function.

    Args:
        fn: A function of `(y_true, y_pred, **kwargs)` that returns losses, shape `(batch, ...)`.
        reduction: As in `Loss`.
        name: As in `Loss`.
        dtype: As in `Loss`.
        **kwargs: Further arguments of the function.

    Example:
        >>> loss = LossFunctionWrapper(lambda t, p, power: abs(t - p) ** power, power=3)
        >>> float(loss([1.0, 2.0], [2.0, 4.0]))
        4.5
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: DTypeLike | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn = fn
        self._fn_kwargs = kwargs

    @property
    def _formula(self) -> str:
        return str(getattr(self.fn, "__name__", type(self.fn).__name__))

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the function's losses, shape `(batch, ...)`."""
        true, true_tree = jax.tree.flatten(y_true)
        pred, pred_tree = jax.tree.flatten(y_pred)
        if len(true) == len(pred):
            pairs = [match_ranks(t, p) for t, p in zip(true, pred, strict=True)]
            y_true = jax.tree.unflatten(true_tree, [t for t, _ in pairs])
            y_pred = jax.tree.unflatten(pred_tree, [p for _, p in pairs])
        return self.fn(y_true, y_pred, **self._fn_kwargs)


class FunctionLoss(LossFunctionWrapper):
    """The base of the losses that are one function and have no arguments but those of every loss.

    Args:
        reduction: As in `Loss`.
        name: As in `Loss`; the function's by default.
        dtype: As in `Loss`.

    Example:
        >>> def error(y_true, y_pred):
        ...     return abs(y_true - y_pred)
        >>> class Error(FunctionLoss, fn=error):
        ...     pass
        >>> Error(), float(Error(reduction="sum")([1.0, 2.0], [2.0, 4.0]))
        (<Error name=error>, 3.0)
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(type(self).function, reduction, name, dtype)
