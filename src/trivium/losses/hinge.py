"""Hinge losses: margins instead of probabilities."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from trivium.losses.arrays import prepare
from trivium.losses.base import FunctionLoss
from trivium.losses.registry import LOSSES, loss_function

__all__ = [
    "CategoricalHinge",
    "Hinge",
    "SquaredHinge",
    "categorical_hinge",
    "hinge",
    "squared_hinge",
]


def _margins(place: str, y_true: Any, y_pred: Any) -> jax.Array:
    """Return by how much each margin of 1 is missed; labels 0 and 1 are read as -1 and 1."""
    y_true, y_pred = prepare(place, y_true, y_pred)
    binary = jnp.all((y_true == 0) | (y_true == 1))
    return jnp.maximum(1.0 - jnp.where(binary, 2.0 * y_true - 1.0, y_true) * y_pred, 0.0)


@loss_function()
def hinge(y_true: Any, y_pred: Any) -> jax.Array:
    """Return the mean of max(1 - target * prediction, 0) over the last axis.

    Args:
        y_true: Targets -1 or 1 (or all of them 0 or 1), shape `(batch, ..., outputs)`.
        y_pred: Predictions, the same shape.

    Returns:
        Losses, shape `(batch, ...)`.

    Example:
        >>> hinge([[-1.0, 1.0]], [[0.5, 0.5]]).tolist(), hinge([[0, 1]], [[0.5, 0.5]]).tolist()
        ([1.0], [1.0])
    """
    return jnp.mean(_margins("hinge", y_true, y_pred), axis=-1)


@loss_function()
def squared_hinge(y_true: Any, y_pred: Any) -> jax.Array:
    """Return the mean of max(1 - target * prediction, 0)² over the last axis.

    Args:
        y_true: Targets -1 or 1 (or all of them 0 or 1), shape `(batch, ..., outputs)`.
        y_pred: Predictions, the same shape.

    Returns:
        Losses, shape `(batch, ...)`.

    Example:
        >>> squared_hinge([[-1.0, 1.0]], [[0.5, 0.5]]).tolist()
        [1.25]
    """
    return jnp.mean(jnp.square(_margins("squared_hinge", y_true, y_pred)), axis=-1)


@loss_function()
def categorical_hinge(y_true: Any, y_pred: Any) -> jax.Array:
    """Return max(best wrong score - right score + 1, 0).

    Args:
        y_true: One-hot targets, shape `(batch, ..., classes)`.
        y_pred: Scores, the same shape.

    Returns:
        Losses, shape `(batch, ...)`.

    Example:
        >>> categorical_hinge([[0, 1]], [[0.5, 1.0]]).tolist()
        [0.5]
    """
    y_true, y_pred = prepare("categorical_hinge", y_true, y_pred)
    right = jnp.sum(y_true * y_pred, axis=-1)
    wrong = jnp.max((1.0 - y_true) * y_pred, axis=-1)
    return jnp.maximum(wrong - right + 1.0, 0.0)


@LOSSES.register()
class Hinge(FunctionLoss, fn=hinge):
    """The mean of max(1 - target * prediction, 0), for targets -1 and 1 or 0 and 1.

    Example:
        >>> float(Hinge()([[-1.0, 1.0]], [[0.5, 0.5]]))
        1.0
    """


@LOSSES.register()
class SquaredHinge(FunctionLoss, fn=squared_hinge):
    """The mean of max(1 - target * prediction, 0)², for targets -1 and 1 or 0 and 1.

    Example:
        >>> float(SquaredHinge()([[-1.0, 1.0]], [[0.5, 0.5]]))
        1.25
    """


@LOSSES.register()
class CategoricalHinge(FunctionLoss, fn=categorical_hinge):
    """max(best wrong score - right score + 1, 0), for one-hot targets.

    Example:
        >>> float(CategoricalHinge()([[0, 1]], [[0.5, 1.0]]))
        0.5
    """
