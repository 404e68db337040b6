"""Constraints: what a weight is put back to after each of the optimizer's updates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from trivium.state.configured import Configured
from trivium.state.dtypes import epsilon
from trivium.state.faces import faces
from trivium.state.registry import Registry

__all__ = [
    "CONSTRAINTS", "Constraint", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "deserialize",
    "get", "max_norm", "min_max_norm", "non_neg", "serialize", "unit_norm",
]  # fmt: skip

CONSTRAINTS: Registry[Any] = Registry("constraint", "keras.constraints")


@CONSTRAINTS.register("constraint")
class Constraint(Configured):
    """Base of constraints: override `__call__`. A plain function will do as well.

    Example:
        >>> class Binary(Constraint):
        ...     def __call__(self, w):
        ...         return jnp.sign(w)
        >>> Binary()(jnp.array([0.5, -2.0])).tolist()
        [1.0, -1.0]
    """

    def __call__(self, w: Any) -> Any:
        """Return the allowed weights that stand for `w`.

        Args:
            w: The weights after an update.

        Returns:
            An array of the same shape and dtype.
        """
        return w


@CONSTRAINTS.register("non_neg")
class NonNeg(Constraint):
    """Weights below 0 become 0.

    Example:
        >>> NonNeg()(jnp.array([1.0, -1.0])).tolist()
        [1.0, 0.0]
    """

    def __call__(self, w: Any) -> jax.Array:
        """Return `max(w, 0)`."""
        return jnp.maximum(jnp.asarray(w), 0)


@CONSTRAINTS.register("max_norm")
class MaxNorm(Constraint):
    """Weight vectors longer than `max_value` are shortened to it.

    Args:
        max_value: The greatest length.
        axis: The axes that a vector lies along: 0 for the units of a `Dense` kernel of shape
            `(inputs, units)`, `[0, 1, 2]` for the filters of a `Conv2D` kernel.

    Example:
        >>> MaxNorm(max_value=1.0)(jnp.array([[3.0], [4.0]])).round(3).tolist()
        [[0.6000000238418579], [0.800000011920929]]

    Reference:
        Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting",
        2014.
    """

    def __init__(self, max_value: float = 2, axis: int | Sequence[int] = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Any) -> jax.Array:
        """Return the weights with vectors of at most that length."""
        return _rescale(w, self.axis, lambda lengths: jnp.clip(lengths, 0, self.max_value))


@CONSTRAINTS.register("unit_norm")
class UnitNorm(Constraint):
    """Weight vectors get the length 1.

    Args:
        axis: As for `MaxNorm`.

    Example:
        >>> UnitNorm()(jnp.array([[0.0], [4.0]])).round(3).tolist()
        [[0.0], [1.0]]
    """

    def __init__(self, axis: int | Sequence[int] = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> jax.Array:
        """Return the weights with vectors of length 1."""
        return _rescale(w, self.axis, jnp.ones_like)


@CONSTRAINTS.register("min_max_norm")
class MinMaxNorm(Constraint):
    """Weight vectors get a length between two bounds, or a step towards it.

    Args:
        min_value: The least length.
        max_value: The greatest length.
        rate: How much of the way is made in each update; 1 is all of it.
        axis: As for `MaxNorm`.

    Example:
        >>> MinMaxNorm(min_value=2.0, max_value=3.0)(jnp.array([[0.0], [1.0]])).round(3).tolist()
        [[0.0], [2.0]]
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: int | Sequence[int] = 0,
    ) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Any) -> jax.Array:
        """Return the weights with vectors of such lengths."""

        def allowed(lengths: jax.Array) -> jax.Array:
            nearest = jnp.clip(lengths, self.min_value, self.max_value)
            return self.rate * nearest + (1 - self.rate) * lengths

        return _rescale(w, self.axis, allowed)


def _rescale(w: Any, axis: int | Sequence[int], allowed: Callable[..., jax.Array]) -> jax.Array:
    """Give each vector along `axis` the length that `allowed` makes of its own."""
    w = jnp.asarray(w)
    axes = axis if isinstance(axis, int) else tuple(axis)
    lengths = jnp.sqrt(jnp.sum(jnp.square(w), axis=axes, keepdims=True))
    return w * (allowed(lengths) / (epsilon() + lengths))


get, serialize, deserialize = faces(CONSTRAINTS, __name__)
max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm
