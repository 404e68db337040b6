"""Formulas at their edges: values and gradients where the plain formula gives 0/0 or ∞·0 and the function has better.

A derivative computed by the chain rule is a product, and a product with an infinite factor is lost: √ has an infinite
slope at 0, so the norm of a zero vector gets 0·∞ = NaN for a gradient, although 0 is one of its subgradients. The
remedy is the same everywhere: a *second* `where` inside, so that the formula never sees the point itself. One around
the result alone would choose the right value, and still hand the NaN on, since both branches are differentiated.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from trivium.ops.at_once import at_once
from trivium.state.types import Array

__all__ = ["absolute", "arctan2", "hypot", "power_norm", "relu", "root", "saturating"]

# JAX reads the signature of a function with a derivative of its own in each call: 130 of 135 µs, if it is called alone.
relu = at_once(jax.nn.relu, jax.nn.relu.fun)  # type: ignore[attr-defined]


def absolute(x: Array) -> Array:
    """Return `|x|` with the gradient 0 at 0, where that of `jnp.abs` is 1: what is right, or is zero, stays.

    For real numbers, in penalties and errors: 0 is the one subgradient that favors neither side.

    Example:
        >>> jax.grad(absolute)(0.0).item(), jax.grad(jnp.abs)(0.0).item(), absolute(jnp.array(-2.0)).item()
        (0.0, 1.0, 2.0)
    """
    return x * jnp.sign(x)


def root(x: Array) -> Array:
    """Return the square root of a sum of squares: as `sqrt`, with the gradient 0 at 0.

    Only for what is a root of *squares*: there 0 is a subgradient. The slope of √x itself is infinite at 0.

    Example:
        >>> jax.grad(lambda x: root(jnp.sum(x**2)))(jnp.zeros(2)).tolist()
        [0.0, 0.0]
    """
    zero = x == 0
    return jnp.where(zero, jnp.zeros_like(x), jnp.sqrt(jnp.where(zero, jnp.ones_like(x), x)))


def power_norm(x: Array, order: float, axis: int | tuple[int, ...] | None, keepdims: bool) -> Array:
    """Return `sum(abs(x) ** order) ** (1 / order)`, with gradient 0 where `x`, or all of it, is 0.

    Args:
        x: Floats.
        order: Which norm; neither 0 nor infinite.
        axis: The axes to sum over.
        keepdims: Whether they stay, with size 1.

    Example:
        >>> power_norm(jnp.array([3.0, 4.0, 5.0]), 3, None, False).round(4).item()
        6.0
    """
    size = jnp.abs(x)
    zero = size == 0
    least = 0.0 if order > 0 else jnp.inf  # 0 ** order
    powers = jnp.where(zero, least, jnp.where(zero, 1.0, size) ** order)
    total = jnp.sum(powers, axis=axis, keepdims=keepdims)
    end = (total == 0) | jnp.isinf(total)
    safe = jnp.where(end, 1.0, total) ** (1 / order)
    # At an end the power is 0 or infinite, and its slope is no use to anybody.
    return jnp.where(end, jax.lax.stop_gradient(total) ** (1 / order), safe)


def saturating(function: Callable[[Array], Array], x: Array, bound: float) -> Array:
    """Return `function(x)` for one that is 0 far below 0 and `x` itself far above, also at the infinities.

    Such a function is `x` times a gate from 0 to 1, which gives ∞·0 at the far ends, and whose inner powers overflow
    long before: GELU's x³ does in float16 from 41 on.

    Args:
        function: The function.
        x: Its argument.
        bound: Where it has arrived at both, to the last bit.

    Example:
        >>> saturating(jax.nn.silu, jnp.array([-jnp.inf, 0.0, jnp.inf]), 200.0).tolist()
        [-0.0, 0.0, inf]
    """
    # Not `clip`, which halves the slope at the bounds themselves.
    inside = jnp.where(x < -bound, -bound, jnp.where(x > bound, bound, x))
    return jnp.where(x > bound, x, function(inside))


@jax.custom_jvp
def hypot(x1: Array, x2: Array) -> Array:
    """Return `sqrt(x1 ** 2 + x2 ** 2)`; its gradient is the direction of the point `(x1, x2)`, and 0 where it has none.

    Example:
        >>> jax.grad(hypot)(1e-30, 0.0).item(), jax.grad(hypot)(0.0, 0.0).item()
        (1.0, 0.0)
    """
    return jnp.hypot(x1, x2)


@hypot.defjvp
def _hypot_slope(
    at: tuple[Array, Array], by: tuple[Array, Array]
) -> tuple[
    Array, Array
]:  # By the quotients, which neither overflow nor underflow as the squares do.
    length = hypot(*at)
    end = (length == 0) | jnp.isinf(length)
    safe = jnp.where(end, 1.0, length)
    steps = [jnp.where(end, 0.0, x / safe) * step for x, step in zip(at, by, strict=True)]
    return length, steps[0] + steps[1]


@jax.custom_jvp
def arctan2(x1: Array, x2: Array) -> Array:
    """Return the angle of the point `(x2, x1)`; its gradient is 0 in the origin, where there is no angle.

    Example:
        >>> jax.grad(arctan2)(0.0, 1e-30).item(), jax.grad(arctan2)(0.0, 0.0).item()
        (1.0000000150474662e+30, 0.0)
    """
    return jnp.arctan2(x1, x2)


@arctan2.defjvp
def _arctan2_slope(at: tuple[Array, Array], by: tuple[Array, Array]) -> tuple[Array, Array]:
    x1, x2 = at
    length = jnp.hypot(x1, x2)
    end = (length == 0) | jnp.isinf(length)
    safe = jnp.where(end, 1.0, length)
    across, along = (jnp.where(end, 0.0, x / safe) / safe for x in (x1, x2))
    return arctan2(x1, x2), along * by[0] - across * by[1]
