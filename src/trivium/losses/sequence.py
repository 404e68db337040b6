"""Losses for whole sequences and whole batches: CTC and Circle."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from trivium.losses.arrays import as_array, as_floats
from trivium.losses.base import FunctionLoss, LossFunctionWrapper
from trivium.losses.registry import LOSSES, loss_function
from trivium.ops.arrays import as_wide_floats
from trivium.state.dtype_policies import DTypeLike
from trivium.state.masks import set_mask

__all__ = ["CTC", "Circle", "circle", "ctc"]


@loss_function()
def ctc(y_true: Any, y_pred: Any) -> jax.Array:
    """Return minus the log probability of a label sequence, however it is aligned in time.

    Args:
        y_true: Whole-number labels, shape `(batch, labels)`; 0 is the blank and fills shorter
            sequences up.
        y_pred: Logits, shape `(batch, time, classes)`.

    Returns:
        Losses, shape `(batch,)`.

    Raises:
        ValueError: The ranks are others.

    Example:
        >>> round(float(ctc([[1]], [[[0.0, 0.0], [0.0, 0.0]]])[0]), 4)
        0.2877

    Reference:
        Graves et al., "Connectionist Temporal Classification", ICML 2006,
        https://www.cs.toronto.edu/~graves/icml_2006.pdf
    """
    import optax

    labels, logits = as_array(y_true, "int32"), as_floats(y_pred)
    if labels.ndim != 2 or logits.ndim != 3:
        raise ValueError(
            f"ctc: y_true has shape {tuple(labels.shape)} and y_pred has shape "
            f"{tuple(logits.shape)}; wanted: labels of shape (batch, labels), 0 where a sequence "
            "is shorter, and logits of shape (batch, time, classes)."
        )
    # As Keras counts: the labels that are not blank stand first, wherever the blanks are.
    length = jnp.sum(labels != 0, axis=-1, keepdims=True)
    # In float32 at least: the stand-in for minus infinity, -100,000, is infinite in float16.
    dtype, logits = logits.dtype, as_wide_floats(logits)
    padding = (jnp.arange(labels.shape[1]) >= length).astype(logits.dtype)
    losses: jax.Array = optax.ctc_loss(
        logits, jnp.zeros(logits.shape[:2], logits.dtype), labels, padding
    )
    return losses.astype(dtype)


@loss_function()
def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80.0,
    margin: float = 0.4,
) -> jax.Array:
    """Return how far apart samples of one class lie, and how close those of different classes.

    Args:
        y_true: Whole-number labels, shape `(batch,)` or `(batch, 1)`.
        y_pred: Embeddings of length 1, shape `(batch, features)`.
        ref_labels: Labels of the samples to compare with; the batch's own where it is `None`.
        ref_embeddings: Their embeddings, shape `(others, features)`; the batch's own where it is
            `None`.
        remove_diagonal: Whether sample i is not compared with sample i of the others.
        gamma: The scale.
        margin: How wide the border between near and far is.

    Returns:
        Losses, shape `(batch,)`; a mask beside them leaves those out that are 0.

    Example:
        >>> losses = circle([0, 0, 1], [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
        >>> [round(float(x), 2) for x in losses]
        [0.0, 38.4, 0.0]

    Reference:
        Sun et al., "Circle Loss: A Unified Perspective of Pair Similarity Optimization", 2020,
        https://arxiv.org/abs/2002.10857
    """
    y_pred, labels = as_floats(y_pred), as_array(y_true, "int32").reshape(-1)
    others = y_pred if ref_embeddings is None else as_floats(ref_embeddings)
    other_labels = labels if ref_labels is None else as_array(ref_labels, "int32").reshape(-1)
    distance = jnp.maximum(1.0 - y_pred @ others.T, 0.0)
    same = labels[:, None] == other_labels[None, :]
    different = ~same
    if remove_diagonal:
        same &= ~jnp.eye(same.shape[0], same.shape[1], dtype=bool)
    near = -gamma * jnp.maximum(margin + distance, 0.0) * (margin - distance)
    far = gamma * jnp.maximum(1.0 + margin - distance, 0.0) * (1.0 - margin - distance)
    losses = jax.nn.softplus(
        jax.nn.logsumexp(jnp.where(same, near, -jnp.inf), axis=1)
        + jax.nn.logsumexp(jnp.where(different, far, -jnp.inf), axis=1)
    )
    set_mask(losses, losses > 0)
    return losses


@LOSSES.register()
class CTC(FunctionLoss, fn=ctc):
    """Minus the log probability of label sequences, however they are aligned in time.

    Example:
        >>> round(float(CTC()([[1]], [[[0.0, 0.0], [0.0, 0.0]]])), 4)
        0.2877

    Reference:
        Graves et al., "Connectionist Temporal Classification", ICML 2006,
        https://www.cs.toronto.edu/~graves/icml_2006.pdf
    """


@LOSSES.register()
class Circle(LossFunctionWrapper):
    """How far apart samples of one class lie, and how close those of different classes.

    Args:
        gamma: The scale.
        margin: How wide the border between near and far is.
        remove_diagonal: Whether a sample is not compared with itself.
        reduction: As in `Loss`.
        name: As in `Loss`.
        dtype: As in `Loss`.

    Example:
        >>> round(float(Circle()([0, 0, 1], [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])), 2)
        19.2

    Reference:
        Sun et al., "Circle Loss: A Unified Perspective of Pair Similarity Optimization", 2020,
        https://arxiv.org/abs/2002.10857
    """

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "circle",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(
            circle,
            reduction,
            name,
            dtype,
            gamma=gamma,
            margin=margin,
            remove_diagonal=remove_diagonal,
        )
