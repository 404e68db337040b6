"""Regularizers: penalties on weights or outputs that are added to the loss."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

from trivium.ops.edges import absolute
from trivium.ops.normalization import normalize
from trivium.state.configured import Configured
from trivium.state.dtypes import epsilon
from trivium.state.faces import faces
from trivium.state.registry import Registry

__all__ = [
    "L1", "L1L2", "L2", "REGULARIZERS", "OrthogonalRegularizer", "Regularizer", "deserialize",
    "get", "l1", "l1_l2", "l2", "orthogonal_regularizer", "serialize",
]  # fmt: skip

REGULARIZERS: Registry[Any] = Registry("regularizer", "keras.regularizers")


class Regularizer(Configured):
    """Base of regularizers: override `__call__`. A plain function will do as well.

    Example:
        >>> class Sum(Regularizer):
        ...     def __call__(self, x):
        ...         return jnp.sum(x)
        >>> Sum()(jnp.ones((2, 2))).item()
        4.0
    """

    def __call__(self, x: Any) -> Any:
        """Return the penalty on an array, a scalar.

        Args:
            x: The weights or outputs.
        """
        return 0.0

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the regularizer.

        Raises:
            NotImplementedError: It is this class itself, or one of its arguments is nothing that a config can hold.
        """
        if type(self) is Regularizer:
            raise NotImplementedError(
                "Regularizer has no `get_config` of its own; its subclasses have, by their arguments."
            )
        return super().get_config()


@REGULARIZERS.register("l1l2", "l1_l2")
class L1L2(Regularizer):
    """The penalty `l1 * sum(|x|) + l2 * sum(x**2)`.

    Args:
        l1: The first factor, at least 0; `None` is 0.
        l2: The second factor, at least 0; `None` is 0.

    Raises:
        ValueError: A factor is no such number.

    Example:
        >>> L1L2(l1=1.0, l2=2.0)(jnp.array([1.0, -3.0])).item()
        24.0

    Reference:
        Zou and Hastie, "Regularization and variable selection via the elastic net", 2005.
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = _factor(0.0 if l1 is None else l1, f"{type(self).__name__}: `l1`")
        self.l2 = _factor(0.0 if l2 is None else l2, f"{type(self).__name__}: `l2`")

    def __call__(self, x: Any) -> jax.Array:
        """Return the penalty on `x`, a scalar."""
        x = jnp.asarray(x)
        penalty = jnp.zeros((), x.dtype)
        if self.l1:
            penalty += self.l1 * jnp.sum(absolute(x))
        if self.l2:
            penalty += self.l2 * jnp.sum(jnp.square(x))
        return penalty


@REGULARIZERS.register("l1")
class L1(L1L2):
    """The penalty `l1 * sum(|x|)`, which makes weights zero.

    Args:
        l1: The factor, at least 0; `None` is 0.01.

    Raises:
        ValueError: It is no such number.

    Example:
        >>> L1(2.0)(jnp.array([1.0, -3.0])).item()
        8.0

    Reference:
        Tibshirani, "Regression Shrinkage and Selection via the Lasso", 1996.
    """

    def __init__(self, l1: float | None = 0.01) -> None:
        super().__init__(l1=0.01 if l1 is None else l1)


@REGULARIZERS.register("l2")
class L2(L1L2):
    """The penalty `l2 * sum(x**2)`, which makes weights small.

    Args:
        l2: The factor, at least 0; `None` is 0.01.

    Raises:
        ValueError: It is no such number.

    Example:
        >>> L2(2.0)(jnp.array([1.0, -3.0])).item()
        20.0

    Reference:
        Hoerl and Kennard, "Ridge Regression: Biased Estimation for Nonorthogonal Problems", 1970.
    """

    def __init__(self, l2: float | None = 0.01) -> None:
        super().__init__(l2=0.01 if l2 is None else l2)


@REGULARIZERS.register("orthogonal_regularizer")
class OrthogonalRegularizer(Regularizer):
    """The factor times the mean of `|cos|` over all pairs of a matrix's rows, or columns.

    Args:
        factor: The factor, at least 0.
        mode: `"rows"` or `"columns"`: which are to be orthogonal to each other.

    Raises:
        ValueError: An argument is none of these.

    Example:
        >>> regularizer = OrthogonalRegularizer(factor=1.0)
        >>> regularizer(jnp.eye(3)).item(), regularizer(jnp.ones((3, 4))).item()
        (0.0, 1.0)
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = _factor(factor, "OrthogonalRegularizer: `factor`")
        if mode not in ("rows", "columns"):
            raise ValueError(f"OrthogonalRegularizer: `mode` is 'rows' or 'columns'; got {mode!r}.")
        self.mode = mode

    def __call__(self, inputs: Any) -> jax.Array:
        """Return the penalty, a scalar.

        Args:
            inputs: A matrix, shape `(rows, columns)`.

        Raises:
            ValueError: It is no matrix.
        """
        x = jnp.asarray(inputs)
        if x.ndim != 2:
            raise ValueError(
                f"OrthogonalRegularizer: the input is a matrix; got the shape {x.shape}. Reshape a "
                "convolution's kernel to two sizes first."
            )
        x = x if self.mode == "rows" else x.T
        x = normalize(x, axis=1, epsilon=epsilon())
        size = x.shape[0]
        cosines = absolute(x @ x.T) * (1 - jnp.eye(size, dtype=x.dtype))
        # A single row has no pair: its penalty is 0.
        return self.factor * jnp.sum(cosines) / max(size * (size - 1), 1)


def _factor(value: Any, what: str) -> float:
    if not isinstance(value, float | int) or not math.isfinite(value) or value < 0:
        raise ValueError(f"{what} is a finite number of at least 0; got {value!r}.")
    return float(value)


get, serialize, deserialize = faces(REGULARIZERS, __name__)
l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer
