"""Logarithms of probabilities, for whatever is a crossentropy: from logits where these are known."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from trivium.ops.arrays import as_wide_floats
from trivium.state.dtypes import epsilon
from trivium.state.logits import logits_of

__all__ = ["clip_probability", "log_odds", "log_shares", "weighed"]


def clip_probability(probability: jax.Array) -> jax.Array:
    """Keep probabilities away from 0 and 1 by epsilon, so that their logarithms stay finite.

    Example:
        >>> [round(x, 8) for x in clip_probability(jnp.array([0.0, 0.5])).tolist()]
        [1e-07, 0.5]
    """
    return jnp.clip(probability, epsilon(), 1.0 - epsilon())


def log_odds(output: jax.Array, from_logits: bool = False) -> tuple[jax.Array, jax.Array]:
    """Return the logarithms of the probabilities of yes and of no.

    Args:
        output: Probabilities of yes, or logits. Where a sigmoid gave them its argument is used;
            otherwise they are kept away from 0 and 1 by epsilon.
        from_logits: Whether they are logits.

    Example:
        >>> [x.tolist() for x in log_odds(jnp.array([-100.0, 100.0]), from_logits=True)]
        [[-100.0, -0.0], [-0.0, -100.0]]
    """
    logits = None if from_logits else logits_of(output)
    if logits is not None and logits.axes is None:
        output, from_logits = logits.value, True
    if from_logits:
        return jax.nn.log_sigmoid(output), jax.nn.log_sigmoid(-output)
    # In float32 at least: float16 knows no number between 0.9995 and 1, and 1 - 1 has no logarithm.
    probability = clip_probability(as_wide_floats(output))
    yes, no = jnp.log(probability), jnp.log(1.0 - probability)
    return yes.astype(output.dtype), no.astype(output.dtype)


def log_shares(output: jax.Array, axis: int, from_logits: bool = False) -> jax.Array:
    """Return the logarithms of probabilities scaled to add up to 1 along an axis.

    Args:
        output: Probabilities, or logits. Where a softmax or sigmoid gave them its argument is used;
            otherwise they are kept away from 0 and 1 by epsilon.
        axis: The axis of classes.
        from_logits: Whether they are logits.

    Example:
        >>> log_shares(jnp.array([-100.0, 100.0]), axis=-1, from_logits=True).tolist()
        [-200.0, 0.0]
    """
    if from_logits:
        return jax.nn.log_softmax(output, axis=axis)
    logits = logits_of(output)
    if logits is None:
        wide = as_wide_floats(output)
        total = jnp.sum(wide, axis, keepdims=True)
        # Nothing has no shares; 0/0 has no value.
        shares = wide / jnp.where(total == 0, 1.0, total)
        return jnp.log(clip_probability(shares)).astype(output.dtype)
    logarithms = logits.log_probabilities()
    if logits.axes == (axis % output.ndim,):
        return logarithms
    return jax.nn.log_softmax(logarithms, axis=axis)


def weighed(weight: jax.Array, logarithm: jax.Array) -> jax.Array:
    """Return the product, 0 where the weight is 0: what does not count may be impossible.

    Only there the logarithm is replaced, for its value and the gradients of both. Elsewhere a weight
    of 0 has the gradient that it should, which matters where targets are learned too.

    Args:
        weight: Weights.
        logarithm: Logarithms, minus infinity for what is impossible.

    Example:
        >>> weighed(jnp.array([0.0, 2.0]), jnp.array([-jnp.inf, -1.0])).tolist()
        [0.0, -2.0]
    """
    impossible = (weight == 0) & jnp.isneginf(logarithm)
    return weight * jnp.where(impossible, 0.0, logarithm)
