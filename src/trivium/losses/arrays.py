"""What losses and metrics do to their arguments first: convert, align and check them."""

from __future__ import annotations

import contextlib
from typing import Any

import jax
import jax.numpy as jnp

from trivium.data.convert import in_range
from trivium.state.dtypes import floatx
from trivium.state.logits import keep_logits
from trivium.state.types import DType

__all__ = [
    "align_weight",
    "as_array",
    "as_floats",
    "divide_no_nan",
    "fits",
    "map_arrays",
    "match_ranks",
    "power",
    "prepare",
    "returned",
    "shape_error",
]


def as_array(x: Any, dtype: DType | None = None) -> jax.Array:
    """Return `x` as a JAX array; Python's floats get the default float type.

    Example:
        >>> as_array([1, 2]).dtype, as_array([1, 2], "float32").dtype
        (dtype('int32'), dtype('float32'))
    """
    if dtype is None or not jnp.issubdtype(dtype, jnp.floating):
        x = in_range(x, "an array")
    array = jnp.asarray(x, dtype=dtype)
    if dtype is None and not hasattr(x, "dtype") and jnp.issubdtype(array.dtype, jnp.floating):
        return array.astype(floatx())
    if jnp.issubdtype(array.dtype, jnp.floating):
        keep_logits(x, array, lambda logits: logits.astype(array.dtype))
    return array


def as_floats(x: Any) -> jax.Array:
    """Return `x` as an array of floats: its own float type, or the default one.

    Example:
        >>> as_floats([1, 2]).dtype, as_floats(jnp.ones(2, "float16")).dtype
        (dtype('float32'), dtype('float16'))
    """
    array = as_array(x)
    return array if jnp.issubdtype(array.dtype, jnp.floating) else array.astype(floatx())


def map_arrays(x: Any, dtype: Any) -> Any:
    """Convert every array in a nested structure; a list of plain numbers is one array.

    Args:
        x: An array, or lists, tuples and dicts of arrays.
        dtype: What to convert to.

    Example:
        >>> structure = map_arrays({"a": [1, 2], "b": jnp.ones(2)}, "float32")
        >>> structure["a"].tolist(), structure["b"].tolist()
        ([1.0, 2.0], [1.0, 1.0])
    """
    if isinstance(x, dict):
        return {key: map_arrays(value, dtype) for key, value in x.items()}
    if isinstance(x, list | tuple) and any(hasattr(v, "dtype") for v in jax.tree.leaves(x)):
        parts = [map_arrays(value, dtype) for value in x]
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    return as_array(x, dtype)


def match_ranks(
    a: jax.Array, b: jax.Array, expand_rank_1: bool = True
) -> tuple[jax.Array, jax.Array]:
    """Make two ranks equal where they differ by a last axis of size 1.

    Args:
        a: An array, e.g. shape `(batch, 1)`.
        b: An array, e.g. shape `(batch,)`.
        expand_rank_1: Whether the smaller one, if of rank 1, gets the axis; otherwise the larger
            one loses it.

    Returns:
        Both, in the order given.

    Example:
        >>> a, b = match_ranks(jnp.ones((5, 1)), jnp.ones(5))
        >>> a.shape, b.shape
        ((5, 1), (5, 1))
    """
    if a.ndim == b.ndim + 1 and a.shape[-1] == 1:
        if b.ndim == 1 and expand_rank_1:
            return a, keep_logits(b, b[..., None], lambda logits: logits[..., None])
        return keep_logits(a, a[..., 0], lambda logits: logits[..., 0]), b
    if b.ndim == a.ndim + 1 and b.shape[-1] == 1:
        b, a = match_ranks(b, a, expand_rank_1)
    return a, b


def align_weight(place: str, weight: jax.Array, shape: tuple[Any, ...]) -> jax.Array:
    """Return weights with the axes of what they weigh, aligned from the front: the batch comes first.

    Broadcasting would align from the back, so that one weight a sample would silently weigh the
    steps of a sequence wherever there are as many of them.

    Args:
        place: What takes the weights, for the message.
        weight: One number, or a shape `(batch,)`, `(batch, 1)`, `(batch, steps)` and so on.
        shape: The shape of what they weigh.

    Raises:
        ValueError: They do not fit.

    Example:
        >>> align_weight("docs", jnp.ones(8), (8, 5, 3)).shape
        (8, 1, 1)
        >>> align_weight("docs", jnp.ones((8, 1)), (8,)).shape
        (8,)
    """
    given = tuple(weight.shape)
    while weight.ndim > len(shape) and weight.shape[-1] == 1:
        weight = weight[..., 0]
    if weight.ndim <= len(shape):
        weight = weight[(..., *[None] * (len(shape) - weight.ndim))]
        if fits(weight.shape, shape) and all(
            m == 1 or n != 1 for m, n in zip(weight.shape, shape, strict=True)
        ):
            return weight
    wanted = [f"one for each, shape {shape}"] if len(shape) != 1 else []
    raise ValueError(
        f"{place}: sample_weight or mask of shape {given} does not fit values of shape {shape}. "
        f"Give {' or '.join([f'one weight a sample, shape {shape[:1]}', *wanted])}."
    )


def divide_no_nan(a: Any, b: Any) -> jax.Array:
    """Return `a / b`, and 0 where `b` is 0, with a finite gradient there too.

    Example:
        >>> divide_no_nan(jnp.array([1.0, 1.0]), jnp.array([2.0, 0.0])).tolist()
        [0.5, 0.0]
    """
    zero = b == 0
    return jnp.where(zero, 0, a / jnp.where(zero, 1, b))


def power(base: jax.Array, exponent: float) -> jax.Array:
    """Return a power of numbers from 0 up, whose gradient is 0 and not infinite where the base is 0.

    Args:
        base: The numbers.
        exponent: The exponent, from 0 up.

    Example:
        >>> jax.grad(power)(0.0, 0.5).item(), power(jnp.array([0.0, 4.0]), 0.5).tolist()
        (0.0, [0.0, 2.0])
    """
    zero = base <= 0.0
    return jnp.where(
        zero, jnp.power(0.0, exponent), jnp.power(jnp.where(zero, 1.0, base), exponent)
    )


def fits(a: tuple[Any, ...], b: tuple[Any, ...], equal: bool = False) -> bool:
    """Say whether two shapes go together element by element; sizes not known yet always do.

    Args:
        a: A shape.
        b: Another.
        equal: Whether they have to be the same, with nothing repeated.

    Example:
        >>> fits((8, 3), (3,)), fits((8, 3), (8,))
        (True, False)
        >>> fits((8, 3), (8, 1)), fits((8, 3), (8, 1), equal=True)
        (True, False)
    """
    if equal and len(a) != len(b):
        return False
    return all(
        m == n or (not equal and 1 in (m, n)) or not (isinstance(m, int) and isinstance(n, int))
        for m, n in zip(reversed(a), reversed(b), strict=False)
    )


def prepare(
    place: str, y_true: Any, y_pred: Any, equal: bool = False, whole: bool = False
) -> tuple[jax.Array, jax.Array]:
    """Return targets and predictions as arrays of one dtype whose shapes go together.

    Args:
        place: The function's name, for the message.
        y_true: Targets, shape `(batch, ...)`.
        y_pred: Predictions, shape `(batch, ...)`; the targets are cast to their dtype if it is a
            float type.
        equal: Whether the shapes have to be the same, with nothing repeated.
        whole: Whether whole numbers stay such, to be compared exactly. Arithmetic wants floats:
            `uint8` differences wrap around at 0, booleans have none.

    Raises:
        ValueError: The shapes do not go together; the message has both and what to do.

    Example:
        >>> [x.shape for x in prepare("docs", [0, 1], [[0.5], [0.5]])]
        [(2, 1), (2, 1)]
    """
    y_pred = as_array(y_pred)
    if not jnp.issubdtype(y_pred.dtype, jnp.floating):
        y_true = as_array(y_true)
        y_pred = y_pred.astype(jnp.promote_types(y_true.dtype, y_pred.dtype))
        y_pred = y_pred if whole else as_floats(y_pred)
    y_true, y_pred = match_ranks(as_array(y_true, y_pred.dtype), y_pred)
    if not fits(y_true.shape, y_pred.shape, equal):
        raise shape_error(place, y_true, y_pred)
    return y_true, y_pred


def returned(function: str, value: Any, dtype: DType | None = None) -> jax.Array:
    """Return what a user's function gave as an array.

    Args:
        function: The function's name, for the message.
        value: What it returned: an array, a number, or a list of numbers.
        dtype: What to convert it to.

    Raises:
        ValueError: It is none of these; `None`, above all, where a `return` was forgotten.

    Example:
        >>> returned("loss", [1.0, 2]).tolist()
        [1.0, 2.0]
        >>> returned("loss", None)
        Traceback (most recent call last):
        ValueError: `loss` returned None: does it end in `return ...`?
    """
    if value is None:
        raise ValueError(f"`{function}` returned None: does it end in `return ...`?")
    several = isinstance(value, list | tuple)
    if not (several and any(getattr(v, "ndim", 0) for v in value)):
        with contextlib.suppress(TypeError, ValueError):
            return as_array(value, dtype)
    what = f"a {type(value).__name__}"
    if several:
        what += f" of {len(value)}: {[getattr(v, 'shape', v) for v in value]}"
    raise ValueError(
        f"`{function}` returned {what}; wanted: one array, a value for each sample or one for all."
    )


def shape_error(place: str, y_true: jax.Array, y_pred: jax.Array) -> ValueError:
    """Return the error for shapes that do not go together, with the likely remedy."""
    true, pred = tuple(y_true.shape), tuple(y_pred.shape)
    labels = len(true) < len(pred) or (true[-1:] == (1,) and pred[-1:] != (1,))
    if place.startswith("sparse_") or place == "categorical_generalized_cross_entropy":
        wanted = f"y_true holds one whole-number label for each row of classes: shape {pred[:-1]}"
        remedy = (
            f"For one-hot targets of y_pred's shape use {place.removeprefix('sparse_')!r}."
            if true == pred
            else "Check that targets and predictions have the same number of rows."
        )
    else:
        wanted = "they have the same shape, or differ by a last axis of size 1"
        if pred[-1:] == (1,):
            remedy = (
                f"Give the last layer {true[-1] if true else 1} units, or the targets one column."
            )
        elif not labels:
            remedy = "Check the last layer's number of units and the number of rows."
        elif "crossentropy" in place or "accuracy" in place:
            family = place.rpartition("_")[2]
            remedy = (
                f"For whole-number labels of {pred[-1]} classes use 'sparse_categorical_{family}'; "
                "for yes-or-no targets give the last layer 1 unit."
            )
        else:
            remedy = (
                "For one target a row give the last layer 1 unit; for whole-number class labels "
                "use 'sparse_categorical_crossentropy'."
            )
    return ValueError(
        f"{place}: y_true has shape {true} and y_pred has shape {pred}; wanted: {wanted}. {remedy}"
    )
