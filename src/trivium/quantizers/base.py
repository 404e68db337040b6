"""Quantizers: objects that write floats as whole numbers and a scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from trivium.quantizers.numbers import abs_max_quantize
from trivium.state.configured import Configured
from trivium.state.faces import faces
from trivium.state.registry import Registry
from trivium.state.types import Array, ArrayLike

__all__ = ["QUANTIZERS", "AbsMaxQuantizer", "Quantizer", "deserialize", "get", "serialize"]

QUANTIZERS: Registry[Any] = Registry("quantizer", "keras.quantizers")


@QUANTIZERS.register("quantizer")
class Quantizer(Configured):
    """Base of quantizers: override `__call__`, which returns whole numbers and the scale that was taken.

    Args:
        output_dtype: The dtype of the whole numbers.

    Example:
        >>> import numpy as np
        >>> class Halves(Quantizer):
        ...     def __call__(self, x, axis=None):
        ...         return np.round(x * 2).astype(self.output_dtype), np.float32(2)
        >>> Halves()(np.array([0.4, 1.0]))[0].tolist()
        [1, 2]
    """

    def __init__(self, output_dtype: str = "int8") -> None:
        self.output_dtype = output_dtype

    def __call__(self, x: Any) -> Any:
        """Return the array itself; subclasses return whole numbers and their scale.

        Args:
            x: An array of floats.
        """
        return x


@QUANTIZERS.register("abs_max_quantizer")
class AbsMaxQuantizer(Quantizer):
    """Writes floats so that the largest of those that share a scale comes to the end of the range.

    Args:
        axis: The axes along which numbers share a scale. Layers say their own where they call the quantizer.
        value_range: The least and the largest whole number.
        epsilon: Added to the largest size, which may be 0.
        output_dtype: The dtype of the whole numbers.

    Example:
        >>> import numpy as np
        >>> numbers, scale = AbsMaxQuantizer(axis=-1)(np.array([[0.6, -1.0]], "float32"))
        >>> numbers.tolist(), scale.tolist()
        ([[76, -127]], [[126.99998474121094]])
    """

    _left_out: ClassVar[dict[str, Any]] = {"axis": None}

    def __init__(
        self,
        axis: int | Sequence[int] | None = None,
        value_range: tuple[int, int] = (-127, 127),
        epsilon: float = 1e-7,
        output_dtype: str = "int8",
    ) -> None:
        super().__init__(output_dtype)
        self.axis = tuple(axis) if isinstance(axis, Sequence) else None if axis is None else (axis,)
        self.value_range = (value_range[0], value_range[1])
        self.epsilon = epsilon

    def __call__(
        self, x: ArrayLike, axis: int | Sequence[int] | None = None, to_numpy: bool = False
    ) -> tuple[Array, Array]:
        """Return the whole numbers, and the scale with size 1 on the axes.

        Args:
            x: An array of floats.
            axis: The axes, in place of the quantizer's own.
            to_numpy: Whether to compute on the host.

        Raises:
            ValueError: Nobody said the axes.
        """
        axes = self.axis if axis is None else axis
        if axes is None:
            raise ValueError(
                "AbsMaxQuantizer: say the axes along which numbers share a scale, `AbsMaxQuantizer(axis=-1)` or "
                "`quantizer(x, axis=-1)`."
            )
        return abs_max_quantize(
            x, axes, self.value_range, self.output_dtype, self.epsilon, to_numpy
        )


_get, serialize, deserialize = faces(QUANTIZERS, __name__)


def get(identifier: Any, **kwargs: Any) -> Any:
    """Return the quantizer that `identifier` means.

    Args:
        identifier: `None` (gives `None`), a name, a config, a class or a quantizer itself.
        kwargs: Arguments of the quantizer, for a name or a class.

    Raises:
        ValueError: There is none of that name; the message has the nearest known ones.
        TypeError: `identifier` is of another kind.

    Example:
        >>> get("abs_max_quantizer", axis=-1).axis
        (-1,)
    """
    if isinstance(identifier, str):
        identifier = QUANTIZERS.find(identifier)
    return identifier(**kwargs) if isinstance(identifier, type) else _get(identifier)
