"""Counting right and wrong decisions at thresholds, for precision, recall and AUC."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from trivium.losses.arrays import align_weight, as_array, fits, match_ranks, shape_error
from trivium.state.dtypes import epsilon

__all__ = ["NEVER_BELOW", "Counts", "count_decisions"]

# A threshold below every score, and the score of classes outside the top k.
NEVER_BELOW = -1e10


class Counts(NamedTuple):
    """Weighted counts at each threshold, shape `(thresholds,)` or `(thresholds, labels)`."""

    true_positives: jax.Array
    false_positives: jax.Array
    true_negatives: jax.Array
    false_negatives: jax.Array


def count_decisions(
    place: str,
    y_true: Any,
    y_pred: Any,
    thresholds: np.ndarray,
    dtype: Any,
    *,
    sample_weight: Any = None,
    label_weights: Any = None,
    top_k: int | None = None,
    class_id: int | None = None,
    multi_label: bool = False,
) -> Counts:
    """Count decisions: a prediction above a threshold says yes.

    Args:
        place: The metric's name, for messages.
        y_true: Targets 0 or 1, shape `(batch, ...)`.
        y_pred: Predictions, the same shape.
        thresholds: In rising order, shape `(thresholds,)`.
        dtype: What to count in.
        sample_weight: Weights, shape `(batch,)` or more of the targets' axes.
        label_weights: Weights of the last axis, shape `(labels,)`.
        top_k: How many of a row's predictions may say yes; all where it is `None`.
        class_id: The only entry of the last axis to look at; all where it is `None`.
        multi_label: Whether to count each label of the last axis on its own.

    Returns:
        The counts.

    Raises:
        ValueError: The shapes do not go together.

    Example:
        >>> counts = count_decisions("docs", [0, 1, 1], [0.2, 0.4, 0.8], np.array([0.5]), "float32")
        >>> counts.true_positives.tolist(), counts.false_negatives.tolist()
        ([1.0], [1.0])
    """
    pred, true = match_ranks(as_array(y_pred, dtype), as_array(y_true, dtype))
    if not fits(true.shape, pred.shape):
        raise shape_error(place, true, pred)
    if sample_weight is not None:
        sample_weight = align_weight(place, as_array(sample_weight, dtype), tuple(pred.shape))
    if top_k is not None:
        pred = _keep_top(pred, top_k)
    if class_id is not None:
        if pred.ndim == 1:
            raise ValueError(
                f"{place}: class_id={class_id} needs predictions of shape (batch, classes); got "
                f"{tuple(pred.shape)}. Leave class_id out where there is one prediction a row."
            )
        true, pred = true[..., class_id, None], pred[..., class_id, None]
        if sample_weight is not None and sample_weight.shape[-1] != 1:
            sample_weight = sample_weight[..., class_id, None]
    weight = jnp.ones((), dtype)
    for factor in (sample_weight, label_weights):
        if factor is not None:
            weight = weight * as_array(factor, dtype)
    yes, weight = (jnp.broadcast_to(x, pred.shape) for x in (true.astype(bool), weight))
    pos, neg = jnp.where(yes, weight, 0), jnp.where(yes, 0, weight)
    if not multi_label:
        pred, pos, neg = (x.reshape(-1) for x in (pred, pos, neg))
    if _evenly_spaced(thresholds):
        return _count_in_buckets(pred, pos, neg, thresholds)
    above = pred > jnp.asarray(thresholds, dtype).reshape(-1, *[1] * pred.ndim)
    tp, fp = (jnp.sum(jnp.where(above, x, 0), axis=1) for x in (pos, neg))
    fn, tn = (jnp.sum(jnp.where(above, 0, x), axis=1) for x in (pos, neg))
    return Counts(tp, fp, tn, fn)


def _keep_top(pred: jax.Array, k: int) -> jax.Array:
    """Put all but the `k` largest entries of each row below every threshold."""
    _, places = jax.lax.top_k(pred, k)
    kept = jnp.any(places[..., None] == jnp.arange(pred.shape[-1]), axis=-2)
    return jnp.where(kept, pred, NEVER_BELOW)


def _evenly_spaced(thresholds: np.ndarray) -> bool:
    """Say whether thresholds part [0, 1] evenly; the outer ones may stand just outside of it."""
    if len(thresholds) < 3:
        return False
    even = np.linspace(0.0, 1.0, len(thresholds), dtype=np.float32)
    return np.allclose(np.clip(thresholds, 0.0, 1.0), even, atol=epsilon())


def _count_in_buckets(
    pred: jax.Array, pos: jax.Array, neg: jax.Array, thresholds: np.ndarray
) -> Counts:
    """Count at evenly spaced thresholds, however many: each prediction goes into one bucket."""
    last = len(thresholds) - 1
    bucket = jnp.ceil(jnp.clip(pred, 0.0, 1.0) * last).astype("int32") - 1
    if thresholds[0] < 0.0:
        bucket = jnp.maximum(bucket, 0)  # The first threshold lies below 0, so 0 is above it.
    bucket = jnp.where(bucket < 0, last + 1, bucket)  # Above no threshold: dropped.

    def above(weight: jax.Array) -> jax.Array:
        def fill(w: jax.Array, b: jax.Array) -> jax.Array:
            return jax.ops.segment_sum(w, b, num_segments=last + 1)

        filled = fill(weight, bucket) if pred.ndim == 1 else jax.vmap(fill, 1, 1)(weight, bucket)
        return jax.lax.cumsum(filled, axis=0, reverse=True)

    tp, fp = above(pos), above(neg)
    return Counts(tp, fp, jnp.sum(neg, axis=0) - fp, jnp.sum(pos, axis=0) - tp)
