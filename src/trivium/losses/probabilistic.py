"""Losses for probabilities: crossentropies and their kin."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from trivium.losses.arrays import as_array, fits, prepare, shape_error
from trivium.losses.base import FunctionLoss, LossFunctionWrapper
from trivium.losses.registry import LOSSES, loss_function
from trivium.ops.arrays import as_wide_floats
from trivium.ops.logarithms import log_odds, log_shares, weighed
from trivium.state.dtypes import epsilon
from trivium.state.logits import logits_of
from trivium.state.masks import set_mask

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "KLDivergence",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "kl_divergence",
    "poisson",
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
    weight = _power(missing, gamma) * as_array(alpha, y_pred.dtype) * y_true
    return -jnp.sum(weighed(weight, log_probability), axis=axis)


def _labels(place: str, y_true: Any, y_pred: Any, axis: int) -> tuple[jax.Array, jax.Array, int]:
    """Return labels without an axis of classes, predictions and that axis."""
    y_true, y_pred = as_array(y_true), as_array(y_pred)
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
    return (1.0 - _power(_pick(y_pred, labels, axis), q)) / q


def _power(base: jax.Array, exponent: float) -> jax.Array:
    """Return a power of numbers from 0 up, whose gradient is 0 and not infinite where the base is 0."""
    zero = base <= 0.0
    return jnp.where(
        zero, jnp.power(0.0, exponent), jnp.power(jnp.where(zero, 1.0, base), exponent)
    )


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
    losses = _power(wrong, gamma) * _binary_log_loss(y_true, yes, no)
    if apply_class_balancing:
        losses = losses * (y_true * alpha + (1.0 - y_true) * (1.0 - alpha))
    return jnp.mean(losses, axis=axis)


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
        dtype: Any = None,
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
        dtype: Any = None,
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
        dtype: Any = None,
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
        dtype: Any = None,
    ) -> None:
        if not 0 < q < 1:
            raise ValueError(
                f"CategoricalGeneralizedCrossEntropy: q lies between 0 and 1; got {q!r}. "
                "For q = 0 use SparseCategoricalCrossentropy."
            )
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)


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
        dtype: Any = None,
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
        dtype: Any = None,
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
