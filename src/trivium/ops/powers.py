"""Powers, roots, exponentials and logarithms of each element, and integrals of exponentials."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import as_array, as_floats
from trivium.state.types import Array, ArrayLike

__all__ = [
    "cbrt", "erf", "erfc", "erfinv", "exp", "exp2", "expm1", "i0", "log", "log1p", "log2", "log10",
    "reciprocal", "rsqrt", "sqrt", "square",
]  # fmt: skip


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
def i0(x: ArrayLike) -> Array:
    """Return the modified Bessel function of the first kind, order 0.

    Example:
        >>> i0([0.0]).tolist()
        [1.0000001192092896]
    """
    return jnp.i0(as_floats(x))
