"""Crossentropies of several classes, one of which is right, and their kin."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from trivium.losses.arrays import as_array, as_floats, fits, power, prepare, shape_error
from trivium.losses.base import LossFunctionWrapper
from trivium.losses.registry import LOSSES, loss_function
from trivium.ops.logarithms import log_shares, weighed
from trivium.state.dtype_policies import DTypeLike
from trivium.state.logits import logits_of
from trivium.state.masks import set_mask

__all__ = [
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "SparseCategoricalCrossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "sparse_categorical_crossentropy",
]


def _one_hot(
    place: str, y_true: Any, y_pred: Any, label_smoothing: float, axis: int
) -> tuple[jax.Array, jax.Array, int]:
    """Return one-hot targets, smoothed, and predictions of one shape, and the axis of classes."""
    y_true, y_pred = prepare(place, y_true, y_pred, equal=True)
    axis = _class_axis(place, y_pred, axis)
    classes = y_pred.shape[axis]
    if classes == 1:
        warnings.warn(
            f"{place}: y_pred has shape {tuple(y_pred.shape)}, so there is one class only, its "
            "probability is always 1 and the loss always 0. For yes-or-no targets use "
            "'binary_crossentropy' after a sigmoid.",
            SyntaxWarning,
            stacklevel=5,  # Past the op, to the line that calls it.
        )
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / classes
    return y_true, y_pred, axis


def _class_axis(place: str, y_pred: jax.Array, axis: int) -> int:
    """Return the axis of classes counted from 0."""
    if (
        isinstance(axis, bool)
        or not isinstance(axis, int)
        or not -y_pred.ndim <= axis < y_pred.ndim
    ):
        raise ValueError(
            f"{place}: axis is the whole number of y_pred's axis of classes, and y_pred has shape "
            f"{tuple(y_pred.shape)}; got axis={axis!r}. Classes usually lie along the last, -1."
        )
    return axis % y_pred.ndim


@loss_function()
def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> jax.Array:
    """Return minus the sum over classes of target * log(probability).

    Args:
        y_true: One-hot targets or probabilities, shape `(batch, ..., classes)`.
        y_pred: Probabilities, the same shape; rows are scaled to sum to 1.
        from_logits: Whether `y_pred` holds logits instead.
        label_smoothing: How much of each target is spread evenly over the classes.
        axis: The axis of classes.

    Returns:
        Losses, shape `(batch, ...)`.

    Raises:
        ValueError: The shapes differ.

    Example:
        >>> loss = categorical_crossentropy([[0, 1, 0]], [[0.05, 0.9, 0.05]])
        >>> round(float(loss[0]), 4)
        0.1054
    """
    place = "categorical_crossentropy"
    y_true, y_pred, axis = _one_hot(place, y_true, y_pred, label_smoothing, axis)
    return -jnp.sum(weighed(y_true, log_shares(y_pred, axis, from_logits)), axis=axis)


@loss_function()
def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> jax.Array:
    """Return the crossentropy with each class's part scaled by alpha * (1 - probability)^gamma.

    Args:
        y_true: One-hot targets, shape `(batch, ..., classes)`.
        y_pred: Probabilities, the same shape; rows are scaled to sum to 1.
        alpha: A weight, or one for each class.
        gamma: How much less the easy samples count.
        from_logits: Whether `y_pred` holds logits instead.
        label_smoothing: How much of each target is spread evenly over the classes.
        axis: The axis of classes.

    Returns:
        Losses, shape `(batch, ...)`.

    Raises:
        ValueError: The shapes differ.

    Example:
        >>> loss = categorical_focal_crossentropy([[0, 1, 0]], [[0.25, 0.5, 0.25]])
        >>> round(float(loss[0]), 4)
        0.0433

    Reference:
        Lin et al., "Focal Loss for Dense Object Detection", 2017, https://arxiv.org/abs/1708.02002
    """
    place = "categorical_focal_crossentropy"
    y_true, y_pred, axis = _one_hot(place, y_true, y_pred, label_smoothing, axis)
    log_probability = log_shares(y_pred, axis, from_logits)
    missing = -jnp.expm1(log_probability)  # 1 - probability, exact also for one near 1.
    weight = power(missing, gamma) * as_array(alpha, y_pred.dtype) * y_true
    return -jnp.sum(weighed(weight, log_probability), axis=axis)


def _labels(place: str, y_true: Any, y_pred: Any, axis: int) -> tuple[jax.Array, jax.Array, int]:
    """Return labels without an axis of classes, predictions and that axis."""
    y_true, y_pred = as_array(y_true), as_floats(y_pred)
    axis = _class_axis(place, y_pred, axis)
    if y_true.ndim == y_pred.ndim and y_true.shape[axis] == 1:
        y_true = jnp.squeeze(y_true, axis=axis)
    wanted = y_pred.shape[:axis] + y_pred.shape[axis + 1 :]
    if not fits(y_true.shape, wanted, equal=True):
        raise shape_error(place, y_true, y_pred)
    return y_true.astype("int32"), y_pred, axis


def _pick(x: jax.Array, labels: jax.Array, axis: int) -> jax.Array:
    """Return the entry of each row that its label names, 0 for labels out of range.

    A comparison and a sum, which XLA fuses with what stands around them, and whose gradient is not
    a scatter.
    """
    classes = jax.lax.broadcasted_iota("int32", x.shape, axis)
    hit = classes == jnp.expand_dims(labels, axis)
    return jnp.sum(jnp.where(hit, x, 0), axis=axis)


@loss_function()
def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> jax.Array:
    """Return minus the log of the probability of each sample's class.

    Args:
        y_true: Whole-number labels, shape `(batch, ...)` or `(batch, ..., 1)`. A label that is none
            of the classes has the loss 0.
        y_pred: Probabilities, shape `(batch, ..., classes)`; rows are scaled to sum to 1.
        from_logits: Whether `y_pred` holds logits instead.
        ignore_class: A label whose samples do not count.
        axis: The axis of classes.

    Returns:
        Losses, shape `(batch, ...)`; with `ignore_class` a mask stands beside them.

    Raises:
        ValueError: The shapes do not go together.

    Example:
        >>> loss = sparse_categorical_crossentropy([1, 2], [[0.05, 0.9, 0.05], [0.1, 0.1, 0.8]])
        >>> [round(float(x), 4) for x in loss]
        [0.1054, 0.2231]
    """
    labels, y_pred, axis = _labels("sparse_categorical_crossentropy", y_true, y_pred, axis)
    counts = (labels >= 0) & (labels < y_pred.shape[axis])
    logits = None if from_logits else logits_of(y_pred)
    if logits is not None:
        # Now, since the rows that follow are of another array, of which nothing is known.
        y_pred = logits.value if logits.axes == (axis,) else logits.log_probabilities()
        from_logits = True
    if ignore_class is not None:
        valid = labels != ignore_class
        counts &= valid
        # Whatever stands in an ignored row, not-a-number included, stays out of the gradient.
        y_pred = jnp.where(jnp.expand_dims(valid, axis), y_pred, 0 if from_logits else 1)
    log_probability = _pick(log_shares(y_pred, axis, from_logits), labels, axis)
    losses = jnp.where(counts, -log_probability, 0.0)
    if ignore_class is not None:
        set_mask(losses, valid)
    return losses


@loss_function()
def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> jax.Array:
    """Return (1 - p^q) / q for the probability p of each sample's class.

    Args:
        y_true: Whole-number labels, shape `(batch, ...)` or `(batch, ..., 1)`.
        y_pred: Probabilities, shape `(batch, ..., classes)`.
        q: Between 0 (the crossentropy) and 1 (the absolute error).

    Returns:
        Losses, shape `(batch, ...)`.

    Raises:
        ValueError: The shapes do not go together.

    Example:
        >>> categorical_generalized_cross_entropy([1], [[0.0, 0.25]], q=0.5).tolist()
        [1.0]

    Reference:
        Zhang & Sabuncu, "Generalized Cross Entropy Loss for Training Deep Neural Networks with
        Noisy Labels", 2018, https://arxiv.org/abs/1805.07836
    """
    labels, y_pred, axis = _labels("categorical_generalized_cross_entropy", y_true, y_pred, -1)
    return (1.0 - power(_pick(y_pred, labels, axis), q)) / q


@LOSSES.register()
class CategoricalCrossentropy(LossFunctionWrapper):
    """The crossentropy between one-hot targets and probabilities.

    Args:
        from_logits: Whether predictions are logits instead.
        label_smoothing: How much of each target is spread evenly over the classes.
        axis: The axis of classes.
        reduction: As in `Loss`.
        name: As in `Loss`.
        dtype: As in `Loss`.

    Example:
        >>> round(float(CategoricalCrossentropy()([[0, 1, 0]], [[0.05, 0.9, 0.05]])), 4)
        0.1054
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(
            categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


@LOSSES.register()
class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """The crossentropy with each class's part scaled by alpha * (1 - probability)^gamma.

    Args:
        alpha: A weight, or one for each class.
        gamma: How much less the easy samples count.
        from_logits: Whether predictions are logits instead.
        label_smoothing: How much of each target is spread evenly over the classes.
        axis: The axis of classes.
        reduction: As in `Loss`.
        name: As in `Loss`.
        dtype: As in `Loss`.

    Example:
        >>> round(float(CategoricalFocalCrossentropy()([[0, 1, 0]], [[0.25, 0.5, 0.25]])), 4)
        0.0433

    Reference:
        Lin et al., "Focal Loss for Dense Object Detection", 2017, https://arxiv.org/abs/1708.02002
    """

    def __init__(
        self,
        alpha: Any = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(
            categorical_focal_crossentropy,
            reduction,
            name,
            dtype,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


@LOSSES.register()
class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """The crossentropy between whole-number labels and probabilities.

    Args:
        from_logits: Whether predictions are logits instead.
        ignore_class: A label whose samples do not count.
        reduction: As in `Loss`.
        axis: The axis of classes.
        name: As in `Loss`.
        dtype: As in `Loss`.

    Example:
        >>> round(float(SparseCategoricalCrossentropy()([1], [[0.05, 0.9, 0.05]])), 4)
        0.1054
    """

    _left_out: ClassVar[dict[str, Any]] = {**LossFunctionWrapper._left_out, "axis": -1}

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(
            sparse_categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )


@LOSSES.register()
class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    """(1 - p^q) / q for the probability p of the label: less led astray by wrong labels.

    Args:
        q: Between 0 (the crossentropy) and 1 (the absolute error).
        reduction: As in `Loss`.
        name: As in `Loss`.
        dtype: As in `Loss`.

    Raises:
        ValueError: `q` is not between 0 and 1.

    Example:
        >>> float(CategoricalGeneralizedCrossEntropy()([1], [[0.0, 0.25]]))
        1.0

    Reference:
        Zhang & Sabuncu, "Generalized Cross Entropy Loss for Training Deep Neural Networks with
        Noisy Labels", 2018, https://arxiv.org/abs/1805.07836
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: DTypeLike | None = None,
    ) -> None:
        if not 0 < q < 1:
            raise ValueError(
                f"CategoricalGeneralizedCrossEntropy: q lies between 0 and 1; got {q!r}. "
                "For q = 0 use SparseCategoricalCrossentropy."
            )
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)
