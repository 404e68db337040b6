"""Functions of two arrays, element by element, but for those behind Python's operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops import edges
from trivium.ops.arithmetic import divide
from trivium.ops.arrays import (
    as_array,
    as_common_floats,
    as_complex,
    as_floats,
    as_wide_floats,
    need_values,
)
from trivium.state.types import Array, ArrayLike

__all__ = [
    "allclose", "arctan2", "bitwise_and", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift",
    "bitwise_xor", "divide_no_nan", "fmax", "fmin", "fmod", "gcd", "heaviside", "hypot",
    "isclose", "lcm", "ldexp", "left_shift", "logaddexp", "logaddexp2", "maximum", "minimum",
    "nextafter", "polar", "right_shift", "true_divide", "where",
]  # fmt: skip


@op
def maximum(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the larger of the two; NaN where one is NaN.

    Example:
        >>> maximum([1.0, 5.0], 3.0).tolist()
        [3.0, 5.0]
    """
    return jnp.maximum(as_array(x1), as_array(x2))


@op
def minimum(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the smaller of the two; NaN where one is NaN.

    Example:
        >>> minimum([1.0, 5.0], 3.0).tolist()
        [1.0, 3.0]
    """
    return jnp.minimum(as_array(x1), as_array(x2))


@op
def fmax(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the larger of the two, and the other where one is NaN.

    Example:
        >>> fmax([1.0, float('nan')], 3.0).tolist()
        [3.0, 3.0]
    """
    return jnp.fmax(as_array(x1), as_array(x2))


@op
def fmin(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the smaller of the two, and the other where one is NaN.

    Example:
        >>> fmin([1.0, float('nan')], 3.0).tolist()
        [1.0, 3.0]
    """
    return jnp.fmin(as_array(x1), as_array(x2))


@op
def isclose(
    x1: ArrayLike, x2: ArrayLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Array:
    """Say where they are nearly equal.

    Args:
        rtol: The difference allowed, relative to `x2`.
        atol: The difference allowed besides.
        equal_nan: Whether two NaNs are close.

    Example:
        >>> isclose([1.0, 2.0], [1.0, 2.1]).tolist()
        [True, False]
    """
    return jnp.isclose(as_array(x1), as_array(x2), rtol, atol, equal_nan)


@op
def allclose(
    x1: ArrayLike, x2: ArrayLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Array:
    """Say whether they are nearly equal everywhere.

    Args:
        rtol: The difference allowed, relative to `x2`.
        atol: The difference allowed besides.
        equal_nan: Whether two NaNs are close.

    Example:
        >>> allclose([1.0, 2.0], [1.0, 2.1]).item()
        False
    """
    return jnp.allclose(as_array(x1), as_array(x2), rtol, atol, equal_nan)


@op
def where(condition: ArrayLike, x1: ArrayLike | None = None, x2: ArrayLike | None = None) -> Any:
    """Choose element by element.

    Args:
        condition: An array of truth values.
        x1: What to take where it is true.
        x2: What to take elsewhere.

    Returns:
        The chosen elements; without `x1` and `x2` the indices of the true ones, one array for each axis.

    Raises:
        ValueError: One of `x1` and `x2` is missing, or both are and the array has no values yet.

    Example:
        >>> where([True, False], [1.0, 2.0], 0.0).tolist()
        [1.0, 0.0]
    """
    if (x1 is None) != (x2 is None):
        raise ValueError("`x1` and `x2` are given together or not at all.")
    if x1 is None or x2 is None:
        need_values(condition, "Give `x1` and `x2`.")
        return jnp.where(as_array(condition))
    return jnp.where(as_array(condition), as_array(x1), as_array(x2))


@op
def fmod(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the remainder of the division, with the sign of the dividend.

    Example:
        >>> fmod([-3], 2).tolist()
        [-1]
    """
    return jnp.fmod(as_array(x1), as_array(x2))


@op
def divide_no_nan(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Divide, with 0 where the divisor is 0.

    Example:
        >>> divide_no_nan([1.0, 2.0], [0.0, 4.0]).tolist()
        [0.0, 0.5]
    """
    x1, x2 = as_array(x1), as_array(x2)
    return jnp.where(x2 == 0, 0, jnp.divide(x1, jnp.where(x2 == 0, 1, x2)))


@op
def arctan2(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the angle of the point `(x2, x1)`, in radians; in the origin it is 0, and so is its gradient.

    Example:
        >>> arctan2([0.0], [1.0]).tolist()
        [0.0]
    """
    return _in_float32(edges.arctan2, x1, x2)


@op
def hypot(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return `sqrt(x1 ** 2 + x2 ** 2)`.

    Example:
        >>> hypot([3.0], [4.0]).tolist()
        [5.0]
    """
    return _in_float32(edges.hypot, x1, x2)


@op
def logaddexp(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return `log(exp(x1) + exp(x2))`, without overflow.

    Example:
        >>> logaddexp([1000.0], [0.0]).tolist()
        [1000.0]
    """
    return _of_powers(jnp.logaddexp, x1, x2)


@op
def logaddexp2(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return `log2(2 ** x1 + 2 ** x2)`, without overflow.

    Example:
        >>> logaddexp2([3.0], [3.0]).tolist()
        [4.0]
    """
    return _of_powers(jnp.logaddexp2, x1, x2)


@op
def heaviside(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return 0 where `x1` is negative, 1 where it is positive and `x2` where it is 0.

    Example:
        >>> heaviside([-1.0, 0.0, 2.0], 0.5).tolist()
        [0.0, 0.5, 1.0]
    """
    return jnp.heaviside(*as_common_floats(x1, x2))


@op
def nextafter(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the next number from `x1` in the direction of `x2`.

    Example:
        >>> nextafter([1.0], [2.0]).tolist()
        [1.0000001192092896]
    """
    return jnp.nextafter(*as_common_floats(x1, x2))


@op
def ldexp(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return `x1 * 2 ** x2`.

    Args:
        x2: An array of whole numbers.

    Example:
        >>> ldexp([1.5], [2]).tolist()
        [6.0]
    """
    return jnp.ldexp(as_floats(x1), as_array(x2))


@op
def gcd(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the greatest common divisor.

    Example:
        >>> gcd([12], [18]).tolist()
        [6]
    """
    return jnp.gcd(as_array(x1), as_array(x2))


@op
def lcm(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the least common multiple.

    Example:
        >>> lcm([4], [6]).tolist()
        [12]
    """
    return jnp.lcm(as_array(x1), as_array(x2))


@op
def polar(abs_: ArrayLike, angle: ArrayLike) -> Array:
    """Return the complex number of a length and an angle.

    Args:
        abs_: An array of lengths.
        angle: An array of angles, in radians.

    Example:
        >>> polar([2.0], [0.0]).tolist()
        [(2+0j)]
    """
    abs_, angle = as_common_floats(abs_, angle)
    return as_complex(abs_ * jnp.cos(angle), abs_ * jnp.sin(angle))


@op
def bitwise_and(x: ArrayLike, y: ArrayLike) -> Array:
    """Combine bits: 1 where both are 1.

    Args:
        x: An array of whole numbers or truth values.
        y: Another, whose shape broadcasts with that of `x`.

    Example:
        >>> bitwise_and([6], [3]).tolist()
        [2]
    """
    return jnp.bitwise_and(as_array(x), as_array(y))


@op
def bitwise_or(x: ArrayLike, y: ArrayLike) -> Array:
    """Combine bits: 1 where one is 1.

    Args:
        x: An array of whole numbers or truth values.
        y: Another, whose shape broadcasts with that of `x`.

    Example:
        >>> bitwise_or([6], [3]).tolist()
        [7]
    """
    return jnp.bitwise_or(as_array(x), as_array(y))


@op
def bitwise_xor(x: ArrayLike, y: ArrayLike) -> Array:
    """Combine bits: 1 where exactly one is 1.

    Args:
        x: An array of whole numbers or truth values.
        y: Another, whose shape broadcasts with that of `x`.

    Example:
        >>> bitwise_xor([6], [3]).tolist()
        [5]
    """
    return jnp.bitwise_xor(as_array(x), as_array(y))


@op
def bitwise_left_shift(x: ArrayLike, y: ArrayLike) -> Array:
    """Move the bits of `x` to the left by `y` places.

    Args:
        x: An array of whole numbers or truth values.
        y: Another, whose shape broadcasts with that of `x`.

    Example:
        >>> bitwise_left_shift([3], 2).tolist()
        [12]
    """
    return jnp.left_shift(as_array(x), as_array(y))


@op
def bitwise_right_shift(x: ArrayLike, y: ArrayLike) -> Array:
    """Move the bits of `x` to the right by `y` places.

    Args:
        x: An array of whole numbers or truth values.
        y: Another, whose shape broadcasts with that of `x`.

    Example:
        >>> bitwise_right_shift([12], 2).tolist()
        [3]
    """
    return jnp.right_shift(as_array(x), as_array(y))


def _in_float32(function: Callable[..., Array], x1: ArrayLike, x2: ArrayLike) -> Array:
    x1, x2 = as_common_floats(x1, x2)
    return function(as_wide_floats(x1), as_wide_floats(x2)).astype(x1.dtype)


def _of_powers(function: Callable[..., Array], x1: ArrayLike, x2: ArrayLike) -> Array:
    """Call a logarithm of a sum of powers; where both powers are 0 the gradient is 0, too."""
    x1, x2 = as_common_floats(x1, x2)
    nothing = (x1 == -jnp.inf) & (x2 == -jnp.inf)
    result = function(*(jnp.where(nothing, 0.0, x) for x in (x1, x2)))
    return jnp.where(nothing, -jnp.inf, result)


left_shift = bitwise_left_shift
right_shift = bitwise_right_shift
true_divide = divide
