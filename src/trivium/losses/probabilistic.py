"""Losses of distributions: the divergence of one from another, and counts under rates."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from trivium.losses.arrays import prepare
from trivium.losses.base import FunctionLoss
from trivium.losses.registry import LOSSES, loss_function
from trivium.ops.arrays import as_wide_floats
from trivium.state.dtypes import epsilon
from trivium.state.logits import logits_of

__all__ = ["KLDivergence", "Poisson", "kl_divergence", "poisson"]


@loss_function("kld", "KLD")
def kl_divergence(y_true: Any, y_pred: Any) -> jax.Array:
    """Return the sum over classes of target * log(target / probability), none below epsilon.

    Args:
        y_true: Probabilities, shape `(batch, ..., classes)`.
        y_pred: Probabilities, the same shape.

    Returns:
        Losses, shape `(batch, ...)`.

    Example:
        >>> round(float(kl_divergence([[0.5, 0.5]], [[0.25, 0.75]])[0]), 4)
        0.1438

    Reference:
        Kullback & Leibler, "On Information and Sufficiency", 1951,
        https://doi.org/10.1214/aoms/1177729694
    """
    y_true, y_pred = prepare("kl_divergence", y_true, y_pred)
    # In float32 at least: the reciprocal of epsilon is infinite in float16.
    logits, dtype = logits_of(y_pred), y_pred.dtype
    true, pred = (jnp.clip(as_wide_floats(y), epsilon(), 1) for y in (y_true, y_pred))
    log_probability = jnp.log(pred)
    if logits is not None:
        # What a target leaves out may be impossible: there the clipped logarithm stays.
        exact = logits.log_probabilities()
        log_probability = jnp.where(y_true > epsilon(), exact, log_probability)
    return jnp.sum(true * (jnp.log(true) - log_probability), axis=-1).astype(dtype)


@loss_function()
def poisson(y_true: Any, y_pred: Any) -> jax.Array:
    """Return the mean over the last axis of prediction - target * log(prediction + epsilon).

    Args:
        y_true: Counts, shape `(batch, ..., outputs)`.
        y_pred: Predicted rates, the same shape.

    Returns:
        Losses, shape `(batch, ...)`.

    Example:
        >>> round(float(poisson([[1.0, 2.0]], [[1.0, 2.0]])[0]), 4)
        0.8069
    """
    y_true, y_pred = prepare("poisson", y_true, y_pred)
    return jnp.mean(y_pred - y_true * jnp.log(y_pred + epsilon()), axis=-1)


@LOSSES.register()
class KLDivergence(FunctionLoss, fn=kl_divergence):
    """The divergence of predicted from true probabilities.

    Example:
        >>> round(float(KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]])), 4)
        0.1438

    Reference:
        Kullback & Leibler, "On Information and Sufficiency", 1951,
        https://doi.org/10.1214/aoms/1177729694
    """


@LOSSES.register()
class Poisson(FunctionLoss, fn=poisson):
    """The loss of counts under predicted rates.

    Example:
        >>> round(float(Poisson()([[1.0, 2.0]], [[1.0, 2.0]])), 4)
        0.8069
    """
