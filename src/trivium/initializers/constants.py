"""First values that are not drawn: one number everywhere, or the identity matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from trivium.initializers.base import INITIALIZERS, Initializer, dtype_of, shape_of
from trivium.state.types import DType
from trivium.state.variable import Variable

__all__ = ["Constant", "Given", "Identity", "Ones", "Zeros"]


@INITIALIZERS.register("zeros", "zero")
class Zeros(Initializer):
    """All zeros.

    Example:
        >>> Zeros()((2,)).tolist()
        [0.0, 0.0]
    """

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> np.ndarray:
        """Return zeros of this shape and dtype."""
        return np.zeros(shape_of(shape), dtype_of(dtype))


@INITIALIZERS.register("ones", "one")
class Ones(Initializer):
    """All ones.

    Example:
        >>> Ones()((2,), "int32").tolist()
        [1, 1]
    """

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> np.ndarray:
        """Return ones of this shape and dtype."""
        return np.ones(shape_of(shape), dtype_of(dtype))


@INITIALIZERS.register("constant")
class Constant(Initializer):
    """One value everywhere.

    Args:
        value: A number, or an array that broadcasts to the variable's shape.

    Example:
        >>> Constant(3.0)((2,)).tolist()
        [3.0, 3.0]
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> np.ndarray:
        """Return the value in this shape and dtype."""
        return np.full(shape_of(shape), np.asarray(self.value), dtype_of(dtype))

    def _config_argument(self, name: str) -> Any:
        return self.value.value if isinstance(self.value, Variable) else self.value

    @classmethod
    def _config_read(cls, name: str, value: Any) -> Any:
        if isinstance(value, dict) and value.get("class_name") not in ("__numpy__", "__tensor__"):
            raise ValueError(
                f"Constant: the config's value is a number or an array; got {value!r}."
            )
        return super()._config_read(name, value)


class Given(Constant):
    """An array given in place of an initializer; broadcasting it would hide a wrong shape."""

    _written_as = Constant

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> np.ndarray:
        """Return the array, if it has this shape."""
        if shape_of(shape) != tuple(self.value.shape):
            raise ValueError(
                f"The array given as an initializer has shape {tuple(self.value.shape)}, but the "
                f"variable has shape {shape_of(shape)}. Give an array of that shape, or "
                "`Constant(array)`, which broadcasts."
            )
        return super().__call__(shape, dtype)


@INITIALIZERS.register("identity", "IdentityInitializer")
class Identity(Initializer):
    """The identity matrix; beyond the diagonal of a matrix that is not square there are zeros.

    Args:
        gain: What stands on the diagonal.

    Example:
        >>> Identity(2.0)((2, 3)).tolist()
        [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]
    """

    # Files of Keras have no gain.
    _left_out: ClassVar[dict[str, Any]] = {"gain": 1.0}

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> np.ndarray:
        """Return the matrix.

        Args:
            shape: Two sizes.
            dtype: The dtype.

        Raises:
            ValueError: The shape is not that of a matrix.
        """
        sizes = shape_of(shape)
        if len(sizes) != 2:
            raise ValueError(f"Identity gives matrices, so the shape has two sizes; got {sizes}.")
        return (self.gain * np.eye(*sizes)).astype(dtype_of(dtype))
