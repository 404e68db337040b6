"""Losses for segmentation: how much predicted and true regions overlap."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from trivium.losses.arrays import prepare
from trivium.losses.base import LossFunctionWrapper
from trivium.losses.registry import LOSSES, loss_function
from trivium.state.dtype_policies import DTypeLike
from trivium.state.dtypes import epsilon

__all__ = ["Dice", "Tversky", "dice", "tversky"]


@loss_function()
def dice(y_true: Any, y_pred: Any, axis: Any = None) -> jax.Array:
    """Return 1 - 2 * overlap / (size of the targets + size of the predictions).

    Args:
        y_true: Targets from 0 to 1, shape `(batch, ...)`.
        y_pred: Predictions from 0 to 1, the same shape.
        axis: The axes of one region; all of them where it is `None`.

    Returns:
        Losses, the shape less `axis`.

    Example:
        >>> round(float(dice([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]])), 4)
        0.3333

    Reference:
        Sudre et al., "Generalised Dice Overlap as a Deep Learning Loss Function for Highly
        Unbalanced Segmentations", 2017, https://arxiv.org/abs/1707.03237 (equation 3)
    """
    y_true, y_pred = prepare("dice", y_true, y_pred)
    overlap = jnp.sum(y_true * y_pred, axis=axis)
    size = jnp.sum(y_true, axis=axis) + jnp.sum(y_pred, axis=axis)
    return 1.0 - 2.0 * overlap / (size + epsilon())


@loss_function()
def tversky(
    y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Any = None
) -> jax.Array:
    """Return 1 - overlap / (overlap + alpha * wrongly found + beta * missed).

    Args:
        y_true: Targets from 0 to 1, shape `(batch, ...)`.
        y_pred: Predictions from 0 to 1, the same shape.
        alpha: The weight of what the predictions find wrongly, the false positives.
        beta: The weight of what they miss, the false negatives.
        axis: The axes of one region; all of them where it is `None`.

    Returns:
        Losses, the shape less `axis`.

    Example:
        >>> round(float(tversky([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]], beta=1.0)), 4)
        0.5

    Reference:
        Salehi et al., "Tversky Loss Function for Image Segmentation Using 3D Fully Convolutional
        Deep Networks", 2017, https://arxiv.org/abs/1706.05721
    """
    y_true, y_pred = prepare("tversky", y_true, y_pred)
    overlap = jnp.sum(y_true * y_pred, axis=axis)
    missed = jnp.sum(y_true * (1.0 - y_pred), axis=axis)
    wrong = jnp.sum((1.0 - y_true) * y_pred, axis=axis)
    return 1.0 - overlap / (overlap + alpha * wrong + beta * missed + epsilon())


@LOSSES.register()
class Dice(LossFunctionWrapper):
    """1 - 2 * overlap / (size of the targets + size of the predictions).

    Args:
        reduction: As in `Loss`.
        name: As in `Loss`.
        axis: The axes of one region; all of them where it is `None`.
        dtype: As in `Loss`.

    Example:
        >>> round(float(Dice()([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]])), 4)
        0.3333

    Reference:
        Sudre et al., "Generalised Dice Overlap as a Deep Learning Loss Function for Highly
        Unbalanced Segmentations", 2017, https://arxiv.org/abs/1707.03237 (equation 3)
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "dice",
        axis: Any = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(dice, reduction, name, dtype, axis=axis)


@LOSSES.register()
class Tversky(LossFunctionWrapper):
    """1 - overlap / (overlap + alpha * wrongly found + beta * missed).

    Args:
        alpha: The weight of what the predictions find wrongly, the false positives.
        beta: The weight of what they miss, the false negatives.
        reduction: As in `Loss`.
        name: As in `Loss`.
        axis: The axes of one region; all of them where it is `None`.
        dtype: As in `Loss`.

    Example:
        >>> round(float(Tversky(beta=1.0)([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]])), 4)
        0.5

    Reference:
        Salehi et al., "Tversky Loss Function for Image Segmentation Using 3D Fully Convolutional
        Deep Networks", 2017, https://arxiv.org/abs/1706.05721
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: Any = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)
