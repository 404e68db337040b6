"""Functions of angles, and their hyperbolic kin, of each element."""

from __future__ import annotations

import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import as_floats, as_wide_floats
from trivium.state.types import Array, ArrayLike

__all__ = [
    "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "cos", "cosh", "deg2rad",
    "rad2deg", "sin", "sinc", "sinh", "tan",
]  # fmt: skip


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
