"""Functions of each element by itself: signs, rounding, questions, and parts of complex numbers.

Powers and logarithms stand in `powers`, functions of angles in `trigonometry`.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arithmetic import absolute
from trivium.ops.arrays import as_array, as_floats
from trivium.ops.edges import arctan2
from trivium.state.types import Array, ArrayLike

__all__ = [
    "abs", "angle", "bitwise_invert", "bitwise_not", "ceil", "clip", "conj", "conjugate", "fabs",
    "floor", "imag", "isfinite", "isinf", "isnan", "isneginf", "isposinf", "isreal", "nan_to_num",
    "real", "round", "sign", "signbit", "trunc",
]  # fmt: skip


@op
def fabs(x: ArrayLike) -> Array:
    """Return the absolute value as a float.

    Example:
        >>> fabs([-2, 3]).tolist()
        [2.0, 3.0]
    """
    return jnp.fabs(as_array(x))


@op
def sign(x: ArrayLike) -> Array:
    """Return -1, 0 or 1, as the sign says.

    Example:
        >>> sign([-2.0, 0.0, 3.0]).tolist()
        [-1.0, 0.0, 1.0]
    """
    return jnp.sign(as_array(x))


@op
def signbit(x: ArrayLike) -> Array:
    """Say where the sign bit is set; it also is for -0.0.

    Example:
        >>> signbit([-2.0, 0.0]).tolist()
        [True, False]
    """
    return jnp.signbit(as_array(x))


@op
def floor(x: ArrayLike) -> Array:
    """Round down.

    Example:
        >>> floor([-1.5, 1.5]).tolist()
        [-2.0, 1.0]
    """
    return jnp.floor(as_floats(x))


@op
def ceil(x: ArrayLike) -> Array:
    """Round up.

    Example:
        >>> ceil([-1.5, 1.5]).tolist()
        [-1.0, 2.0]
    """
    return jnp.ceil(as_floats(x))


@op
def trunc(x: ArrayLike) -> Array:
    """Round towards zero.

    Example:
        >>> trunc([-1.5, 1.5]).tolist()
        [-1.0, 1.0]
    """
    return jnp.trunc(as_array(x))


@op
def round(x: ArrayLike, decimals: int = 0) -> Array:
    """Round to the nearest, and halves to the even neighbor.

    Args:
        decimals: Digits to keep behind the point; before it, if negative.

    Example:
        >>> round([0.5, 1.5, 2.25], 0).tolist()
        [0.0, 2.0, 2.0]
    """
    x = jnp.asarray(as_array(x))
    if decimals < 0 and jnp.issubdtype(x.dtype, jnp.integer):
        return jnp.round(as_floats(x), decimals).astype(x.dtype)
    return jnp.round(x, decimals)


@op
def clip(x: ArrayLike, x_min: ArrayLike, x_max: ArrayLike) -> Array:
    """Replace what lies outside a range by its nearer end.

    Args:
        x_min: The smallest result.
        x_max: The largest result.

    Example:
        >>> clip([-1.0, 0.5, 2.0], 0.0, 1.0).tolist()
        [0.0, 0.5, 1.0]
    """
    x = jnp.asarray(as_array(x))
    if x.dtype == bool:
        x = x.astype("int32")
    return jnp.clip(x, as_array(x_min), as_array(x_max))


@op
def nan_to_num(
    x: ArrayLike, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Array:
    """Replace what is not finite.

    Args:
        nan: What replaces NaN.
        posinf: What replaces infinity; the dtype's largest number where it is `None`.
        neginf: What replaces minus infinity; the dtype's lowest number where it is `None`.

    Example:
        >>> nan_to_num([1.0, float('nan')]).tolist()
        [1.0, 0.0]
    """
    return jnp.nan_to_num(as_array(x), nan=nan, posinf=posinf, neginf=neginf)


@op
def isnan(x: ArrayLike) -> Array:
    """Say where it is NaN.

    Example:
        >>> isnan([1.0, float('nan')]).tolist()
        [False, True]
    """
    return jnp.isnan(as_array(x))


@op
def isinf(x: ArrayLike) -> Array:
    """Say where it is infinite.

    Example:
        >>> isinf([1.0, float('inf')]).tolist()
        [False, True]
    """
    return jnp.isinf(as_array(x))


@op
def isfinite(x: ArrayLike) -> Array:
    """Say where it is neither infinite nor NaN.

    Example:
        >>> isfinite([1.0, float('inf')]).tolist()
        [True, False]
    """
    return jnp.isfinite(as_array(x))


@op
def isposinf(x: ArrayLike) -> Array:
    """Say where it is infinity.

    Example:
        >>> isposinf([float('-inf'), float('inf')]).tolist()
        [False, True]
    """
    return jnp.isposinf(as_array(x))


@op
def isneginf(x: ArrayLike) -> Array:
    """Say where it is minus infinity.

    Example:
        >>> isneginf([float('-inf'), float('inf')]).tolist()
        [True, False]
    """
    return jnp.isneginf(as_array(x))


@op
def isreal(x: ArrayLike) -> Array:
    """Say where the imaginary part is 0.

    Example:
        >>> isreal([1.0]).tolist()
        [True]
    """
    return jnp.isreal(as_array(x))


@op
def real(x: ArrayLike) -> Array:
    """Return the real part.

    Example:
        >>> real([1 + 2j]).tolist()
        [1.0]
    """
    return jnp.real(as_array(x))


@op
def imag(x: ArrayLike) -> Array:
    """Return the imaginary part.

    Example:
        >>> imag([1 + 2j]).tolist()
        [2.0]
    """
    return jnp.imag(as_array(x))


@op
def conjugate(x: ArrayLike) -> Array:
    """Change the sign of the imaginary part.

    Example:
        >>> conjugate([1 + 2j]).tolist()
        [(1-2j)]
    """
    return jnp.conjugate(as_array(x))


@op
def angle(x: ArrayLike) -> Array:
    """Return the angle of a complex number, in radians; at 0 it is 0, and so is its gradient.

    Example:
        >>> angle([1.0 + 0.0j]).tolist()
        [0.0]
    """
    x = as_floats(x)
    if jnp.iscomplexobj(x):
        return arctan2(x.imag, x.real)
    return jnp.angle(jax.lax.stop_gradient(x))  # Of real numbers 0 or π: a step, whose slope is 0.


@op
def bitwise_invert(x: ArrayLike) -> Array:
    """Turn every bit over.

    Example:
        >>> bitwise_invert([0, 1]).tolist()
        [-1, -2]
    """
    return jnp.invert(as_array(x))


abs = absolute
bitwise_not = bitwise_invert
conj = conjugate
