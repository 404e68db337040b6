"""Cross-entropies: how far predicted chances are from what came."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import as_array, as_common_floats, as_floats, positive_axis
from trivium.ops.logarithms import log_odds, log_shares, weighed
from trivium.state.logits import keep_logits
from trivium.state.types import Array, ArrayLike

__all__ = [
    "binary_crossentropy", "categorical_crossentropy", "ctc_loss", "psnr",
    "sparse_categorical_crossentropy",
]  # fmt: skip


@op
def binary_crossentropy(target: ArrayLike, output: ArrayLike, from_logits: bool = False) -> Array:
    """Return the cross-entropy of yes-or-no predictions, one for each element.

    Args:
        target: The truth: 0 or 1, or a chance between.
        output: The predicted chances, in the shape of `target`.
        from_logits: Whether `output` is the argument of the sigmoid or softmax and not its value.

    Raises:
        ValueError: The shapes differ.

    Example:
        >>> binary_crossentropy([1.0, 0.0], [0.5, 0.5]).round(4).tolist()
        [0.6930999755859375, 0.6930999755859375]
    """
    given = output
    target, output = as_common_floats(target, output)
    keep_logits(given, output, lambda logits: logits.astype(output.dtype))
    _same_shape(target, output)
    yes, no = log_odds(output, from_logits)
    return -(weighed(target, yes) + weighed(1.0 - target, no))


@op
def categorical_crossentropy(
    target: ArrayLike, output: ArrayLike, from_logits: bool = False, axis: int = -1
) -> Array:
    """Return the cross-entropy of predictions among several classes.

    Args:
        target: The truth, chances that add up to 1 along `axis`.
        output: The predicted chances, in the shape of `target`.
        from_logits: Whether `output` is the argument of the sigmoid or softmax and not its value.
        axis: The classes' axis.

    Returns:
        An array without the axis of the classes.

    Raises:
        ValueError: The shapes differ.

    Example:
        >>> categorical_crossentropy([[1.0, 0.0]], [[0.5, 0.5]]).round(4).tolist()
        [0.6930999755859375]
    """
    target, output = jnp.asarray(as_array(target)), as_floats(output)
    _same_shape(target, output)
    return -jnp.sum(weighed(target, log_shares(output, axis, from_logits)), axis=axis)


@op
def sparse_categorical_crossentropy(
    target: ArrayLike, output: ArrayLike, from_logits: bool = False, axis: int = -1
) -> Array:
    """Return the cross-entropy of predictions among several classes, the truth given by indices.

    Args:
        target: The true classes' indices, without the axis of the classes (or with size 1 there).
        output: The predicted chances.
        from_logits: Whether `output` is the argument of the sigmoid or softmax and not its value.
        axis: The classes' axis.

    Returns:
        An array without the axis of the classes.

    Raises:
        ValueError: The shapes do not fit.

    Example:
        >>> sparse_categorical_crossentropy([0], [[0.5, 0.5]]).round(4).tolist()
        [0.6930999755859375]
    """
    target, output = jnp.asarray(as_array(target)), as_floats(output)
    axis = positive_axis(axis, output.ndim)
    if target.ndim == output.ndim and target.shape[axis] == 1:
        target = jnp.squeeze(target, axis)
    if target.shape != (*output.shape[:axis], *output.shape[axis + 1 :]):
        raise ValueError(
            f"`target` holds class indices, in the shape of `output` without its axis {axis}; got shapes "
            f"{target.shape} and {output.shape}. With one-hot targets use `categorical_crossentropy`."
        )
    # A product with a one-hot array and not a lookup: an index out of range counts as no class at all.
    chosen = jax.nn.one_hot(target.astype("int32"), output.shape[axis], axis=axis)
    return -jnp.sum(weighed(chosen, log_shares(output, axis, from_logits)), axis=axis)


@op
def ctc_loss(
    target: ArrayLike,
    output: ArrayLike,
    target_length: ArrayLike,
    output_length: ArrayLike,
    mask_index: int = 0,
) -> Array:
    """Return the connectionist temporal classification loss: labels whose times are not known.

    Args:
        target: Label indices, shape `(batch, labels)`.
        output: Logits, shape `(batch, time, classes)`.
        target_length: How many labels count, shape `(batch,)`.
        output_length: How many time steps count, shape `(batch,)`.
        mask_index: The index of the blank.

    Returns:
        An array of shape `(batch,)`.

    Raises:
        ValueError: The shapes do not fit.

    Example:
        >>> ctc_loss([[1]], jnp.zeros((1, 2, 3)), [1], [2]).round(4).tolist()
        [1.0986000299453735]

    Reference:
        Graves et al., "Connectionist Temporal Classification", ICML 2006.
    """
    import optax

    target, output = jnp.asarray(target, "int32"), as_floats(output)
    if target.ndim != 2 or output.ndim != 3:
        raise ValueError(
            "`target` has shape (batch, labels) and `output` shape (batch, time, classes); "
            f"got {target.shape} and {output.shape}."
        )
    output = output.astype(jnp.promote_types(output.dtype, "float32"))

    def beyond(lengths: ArrayLike, size: int) -> Array:
        return (jnp.arange(size) >= jnp.asarray(lengths)[:, None]).astype(output.dtype)

    losses: Array = optax.ctc_loss(
        output,
        beyond(output_length, output.shape[1]),
        target,
        beyond(target_length, target.shape[1]),
        blank_id=mask_index,
    )
    return losses


@op
def psnr(x1: ArrayLike, x2: ArrayLike, max_val: float) -> Array:
    """Return the peak signal-to-noise ratio of two arrays, in decibels.

    Args:
        x1: An array, usually an image.
        x2: Another of the same shape.
        max_val: The largest value that can occur.

    Raises:
        ValueError: The shapes differ.

    Example:
        >>> psnr([0.0, 0.0], [0.1, 0.1], 1.0).round(2).item()
        20.0
    """
    x1, x2 = as_common_floats(x1, x2)
    _same_shape(x1, x2)
    return 10 * jnp.log10(jnp.asarray(max_val, x2.dtype) ** 2 / jnp.mean((x1 - x2) ** 2))


def _same_shape(one: Array, other: Array) -> None:
    if one.shape != other.shape:
        raise ValueError(f"both arrays have one shape; got {one.shape} and {other.shape}.")
