"""What all initializers have in common: their names, arrays in the place of one, shapes and dtypes."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from trivium.state.configured import Configured
from trivium.state.dtypes import standardize_dtype
from trivium.state.registry import Registry
from trivium.state.types import DType
from trivium.state.variable import Variable

__all__ = ["INITIALIZERS", "Initializer", "dtype_of", "shape_of"]


class _Initializers(Registry[Any]):
    """Initializers by name; an array in the place of one is the very values."""

    def get(self, identifier: Any) -> Any:
        """Return the initializer that `identifier` means."""
        if isinstance(identifier, np.ndarray | np.generic | jax.Array | Variable):
            # It is registered here itself, so its file stands above this one.
            from trivium.initializers.constants import Given

            return Given(identifier)
        return super().get(identifier)


INITIALIZERS = _Initializers("initializer", "keras.initializers")


class Initializer(Configured):
    """Base of initializers: override `__call__`, and `get_config` where there are arguments.

    Example:
        >>> class Halves(Initializer):
        ...     def __call__(self, shape, dtype=None):
        ...         return np.full(shape, 0.5, dtype)
        >>> Halves()((2,), "float32").tolist()
        [0.5, 0.5]
    """

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> Any:
        """Return the first values of a variable.

        Args:
            shape: The variable's shape.
            dtype: Its dtype; the default float type where it is `None`.

        Returns:
            An array of that shape and dtype.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method `__call__(shape, dtype)`.")

    def clone(self) -> Self:
        """Return an equal initializer."""
        return self.from_config(self.get_config())


def shape_of(shape: Any) -> tuple[int, ...]:
    """Return a variable's shape as a tuple of whole numbers.

    Raises:
        ValueError: A size is not known, or is no whole number.
    """
    try:
        return tuple(map(operator.index, (shape,) if isinstance(shape, int) else shape))
    except TypeError:
        raise ValueError(
            f"A variable's shape is a sequence of whole numbers; got {shape!r}. Its sizes have "
            "to be known: give the layer an input shape without None where a weight depends on it."
        ) from None


def dtype_of(dtype: DType | None) -> np.dtype[Any]:
    """Return a variable's dtype; the default float type where it is `None`."""
    return jnp.dtype(standardize_dtype(dtype))
