"""Functions of each element by itself."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arithmetic import absolute
from trivium.ops.arrays import as_array, as_floats, as_wide_floats
from trivium.ops.edges import arctan2
from trivium.state.types import Array, ArrayLike

__all__ = [
    "abs", "angle", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "bitwise_invert",
    "bitwise_not", "cbrt", "ceil", "clip", "conj", "conjugate", "cos", "cosh", "deg2rad", "erf",
    "erfc", "erfinv", "exp", "exp2", "expm1", "fabs", "floor", "i0", "imag", "isfinite", "isinf",
    "isnan", "isneginf", "isposinf", "isreal", "log", "log1p", "log2", "log10", "nan_to_num",
    "rad2deg", "real", "reciprocal", "round", "rsqrt", "sign", "signbit", "sin", "sinc", "sinh",
    "sqrt", "square", "tan", "trunc",
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
def square(x: ArrayLike) -> Array:
    """Return the square.

    Example:
        >>> square([-2.0, 3.0]).tolist()
        [4.0, 9.0]
    """
    return jnp.square(as_array(x))


@op
def sqrt(x: ArrayLike) -> Array:
    """Return the square root.

    Example:
        >>> sqrt([4.0, 9.0]).tolist()
        [2.0, 3.0]
    """
    return jnp.sqrt(as_floats(x))


@op
def rsqrt(x: ArrayLike) -> Array:
    """Return 1 divided by the square root.

    Example:
        >>> rsqrt([4.0, 16.0]).tolist()
        [0.5, 0.25]
    """
    return jax.lax.rsqrt(as_floats(x))


@op
def cbrt(x: ArrayLike) -> Array:
    """Return the cube root.

    Example:
        >>> cbrt([-8.0, 27.0]).round(4).tolist()
        [-2.0, 3.0]
    """
    return jnp.cbrt(as_floats(x))


@op
def reciprocal(x: ArrayLike) -> Array:
    """Return 1 divided by the element.

    Example:
        >>> reciprocal([4.0, -2.0]).tolist()
        [0.25, -0.5]
    """
    return jnp.reciprocal(as_floats(x))


@op
def exp(x: ArrayLike) -> Array:
    """Return e to the power of the element.

    Example:
        >>> exp([0.0]).tolist()
        [1.0]
    """
    return jnp.exp(as_floats(x))


@op
def exp2(x: ArrayLike) -> Array:
    """Return 2 to the power of the element.

    Example:
        >>> exp2([3.0]).tolist()
        [8.0]
    """
    return jnp.exp2(as_floats(x))


@op
def expm1(x: ArrayLike) -> Array:
    """Return `exp(x) - 1`, exact also near 0.

    Example:
        >>> expm1([0.0]).tolist()
        [0.0]
    """
    return jnp.expm1(as_floats(x))


@op
def log(x: ArrayLike) -> Array:
    """Return the natural logarithm.

    Example:
        >>> log([1.0]).tolist()
        [0.0]
    """
    return jnp.log(as_floats(x))


@op
def log1p(x: ArrayLike) -> Array:
    """Return `log(1 + x)`, exact also near 0.

    Example:
        >>> log1p([0.0]).tolist()
        [0.0]
    """
    return jnp.log1p(as_floats(x))


@op
def log2(x: ArrayLike) -> Array:
    """Return the logarithm to base 2.

    Example:
        >>> log2([8.0]).tolist()
        [3.0]
    """
    return jnp.log2(as_floats(x))


@op
def log10(x: ArrayLike) -> Array:
    """Return the logarithm to base 10.

    Example:
        >>> log10([1000.0]).round(4).tolist()
        [3.0]
    """
    return jnp.log10(as_floats(x))


@op
def sin(x: ArrayLike) -> Array:
    """Return the sine of an angle in radians.

    Example:
        >>> sin([0.0]).tolist()
        [0.0]
    """
    return jnp.sin(as_floats(x))


@op
def cos(x: ArrayLike) -> Array:
    """Return the cosine of an angle in radians.

    Example:
        >>> cos([0.0]).tolist()
        [1.0]
    """
    return jnp.cos(as_floats(x))


@op
def tan(x: ArrayLike) -> Array:
    """Return the tangent of an angle in radians.

    Example:
        >>> tan([0.0]).tolist()
        [0.0]
    """
    return jnp.tan(as_floats(x))


@op
def arcsin(x: ArrayLike) -> Array:
    """Return the inverse sine, in radians.

    Example:
        >>> arcsin([0.0]).tolist()
        [0.0]
    """
    return jnp.arcsin(as_floats(x))


@op
def arccos(x: ArrayLike) -> Array:
    """Return the inverse cosine, in radians.

    Example:
        >>> arccos([1.0]).tolist()
        [0.0]
    """
    return jnp.arccos(as_floats(x))


@op
def arctan(x: ArrayLike) -> Array:
    """Return the inverse tangent, in radians.

    Example:
        >>> arctan([0.0]).tolist()
        [0.0]
    """
    return jnp.arctan(as_floats(x))


@op
def sinh(x: ArrayLike) -> Array:
    """Return the hyperbolic sine.

    Example:
        >>> sinh([0.0]).tolist()
        [0.0]
    """
    return jnp.sinh(as_floats(x))


@op
def cosh(x: ArrayLike) -> Array:
    """Return the hyperbolic cosine.

    Example:
        >>> cosh([0.0]).tolist()
        [1.0]
    """
    return jnp.cosh(as_floats(x))


@op
def arcsinh(x: ArrayLike) -> Array:
    """Return the inverse hyperbolic sine.

    Example:
        >>> arcsinh([0.0]).tolist()
        [0.0]
    """
    return jnp.arcsinh(as_floats(x))


@op
def arccosh(x: ArrayLike) -> Array:
    """Return the inverse hyperbolic cosine.

    Example:
        >>> arccosh([1.0]).tolist()
        [0.0]
    """
    return jnp.arccosh(as_floats(x))


@op
def arctanh(x: ArrayLike) -> Array:
    """Return the inverse hyperbolic tangent.

    Example:
        >>> arctanh([0.0]).tolist()
        [0.0]
    """
    return jnp.arctanh(as_floats(x))


@op
def sinc(x: ArrayLike) -> Array:
    """Return `sin(pi x) / (pi x)`, and 1 at 0.

    Example:
        >>> sinc([0.0]).tolist()
        [1.0]
    """
    return jnp.sinc(as_wide_floats(x)).astype(as_floats(x).dtype)


@op
def deg2rad(x: ArrayLike) -> Array:
    """Turn degrees into radians.

    Example:
        >>> deg2rad([180.0]).round(4).tolist()
        [3.1415998935699463]
    """
    return jnp.deg2rad(as_floats(x))


@op
def rad2deg(x: ArrayLike) -> Array:
    """Turn radians into degrees.

    Example:
        >>> rad2deg([0.0]).tolist()
        [0.0]
    """
    return jnp.rad2deg(as_floats(x))


@op
def i0(x: ArrayLike) -> Array:
    """Return the modified Bessel function of the first kind, order 0.

    Example:
        >>> i0([0.0]).tolist()
        [1.0000001192092896]
    """
    return jnp.i0(as_floats(x))


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
def erf(x: ArrayLike) -> Array:
    """Return the error function.

    Example:
        >>> erf([0.0]).tolist()
        [0.0]
    """
    return jax.lax.erf(as_floats(x))


@op
def erfc(x: ArrayLike) -> Array:
    """Return `1 - erf(x)`, exact also where that is tiny.

    Example:
        >>> erfc([0.0]).tolist()
        [1.0]
    """
    return jax.lax.erfc(as_floats(x))


@op
def erfinv(x: ArrayLike) -> Array:
    """Return the inverse error function.

    Example:
        >>> erfinv([0.0]).tolist()
        [0.0]
    """
    return jax.lax.erf_inv(as_floats(x))


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
