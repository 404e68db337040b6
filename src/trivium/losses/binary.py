"""Crossentropies of yes-or-no targets."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from trivium.losses.arrays import power, prepare
from trivium.losses.base import LossFunctionWrapper
from trivium.losses.registry import LOSSES, loss_function
from trivium.ops.logarithms import log_odds, weighed
from trivium.state.dtype_policies import DTypeLike

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
]


def _binary(
    place: str, y_true: Any, y_pred: Any, label_smoothing: float
) -> tuple[jax.Array, jax.Array]:
    """Return targets, smoothed, and predictions of one shape."""
    y_true, y_pred = prepare(place, y_true, y_pred, equal=True)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    return y_true, y_pred


def _binary_log_loss(y_true: jax.Array, yes: jax.Array, no: jax.Array) -> jax.Array:
    return -(weighed(y_true, yes) + weighed(1.0 - y_true, no))


@loss_function("bce", "BCE")
def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> jax.Array:
    """Return the mean over an axis of the crossentropy between yes-or-no targets and probabilities.

    Args:
        y_true: Targets 0 or 1, shape `(batch, ..., outputs)`.
        y_pred: Probabilities, the same shape.
        from_logits: Whether `y_pred` holds logits instead.
        label_smoothing: How far targets are drawn towards a half.
        axis: The axis to take the mean over.

    Returns:
        Losses, shape `(batch, ...)`.

    Raises:
        ValueError: The shapes differ.

    Example:
        >>> round(float(binary_crossentropy([[0, 1]], [[0.5, 0.5]])[0]), 4)
        0.6931
    """
    y_true, y_pred = _binary("binary_crossentropy", y_true, y_pred, label_smoothing)
    return jnp.mean(_binary_log_loss(y_true, *log_odds(y_pred, from_logits)), axis=axis)


@loss_function()
def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> jax.Array:
    """Return the binary crossentropy scaled by (1 - p)^gamma, with p the probability of the target.

    Args:
        y_true: Targets 0 or 1, shape `(batch, ..., outputs)`.
        y_pred: Probabilities, the same shape.
        apply_class_balancing: Whether to weigh the targets 1 by `alpha` and 0 by 1 - `alpha`.
        alpha: That weight.
        gamma: How much less the easy samples count.
        from_logits: Whether `y_pred` holds logits instead.
        label_smoothing: How far targets are drawn towards a half.
        axis: The axis to take the mean over.

    Returns:
        Losses, shape `(batch, ...)`.

    Raises:
        ValueError: The shapes differ.

    Example:
        >>> round(float(binary_focal_crossentropy([[0, 1]], [[0.5, 0.5]])[0]), 4)
        0.1733

    Reference:
        Lin et al., "Focal Loss for Dense Object Detection", 2017, https://arxiv.org/abs/1708.02002
    """
    y_true, y_pred = _binary("binary_focal_crossentropy", y_true, y_pred, label_smoothing)
    yes, no = log_odds(y_pred, from_logits)
    wrong = y_true * jnp.exp(no) + (1.0 - y_true) * jnp.exp(yes)
    losses = power(wrong, gamma) * _binary_log_loss(y_true, yes, no)
    if apply_class_balancing:
        losses = losses * (y_true * alpha + (1.0 - y_true) * (1.0 - alpha))
    return jnp.mean(losses, axis=axis)


@LOSSES.register()
class BinaryCrossentropy(LossFunctionWrapper):
    """The crossentropy between yes-or-no targets and probabilities.

    Args:
        from_logits: Whether predictions are logits instead.
        label_smoothing: How far targets are drawn towards a half.
        axis: The axis to take the mean over.
        reduction: As in `Loss`.
        name: As in `Loss`.
        dtype: As in `Loss`.

    Example:
        >>> round(float(BinaryCrossentropy(from_logits=True)([0, 1], [0.0, 0.0])), 4)
        0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(
            binary_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


@LOSSES.register()
class BinaryFocalCrossentropy(LossFunctionWrapper):
    """The binary crossentropy scaled by (1 - p)^gamma, with p the probability of the target.

    Args:
        apply_class_balancing: Whether to weigh the targets 1 by `alpha` and 0 by 1 - `alpha`.
        alpha: That weight.
        gamma: How much less the easy samples count.
        from_logits: Whether predictions are logits instead.
        label_smoothing: How far targets are drawn towards a half.
        axis: The axis to take the mean over.
        reduction: As in `Loss`.
        name: As in `Loss`.
        dtype: As in `Loss`.

    Example:
        >>> round(float(BinaryFocalCrossentropy()([[0, 1]], [[0.5, 0.5]])), 4)
        0.1733

    Reference:
        Lin et al., "Focal Loss for Dense Object Detection", 2017, https://arxiv.org/abs/1708.02002
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(
            binary_focal_crossentropy,
            reduction,
            name,
            dtype,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
