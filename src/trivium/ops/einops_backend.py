"""What lets `einops` work on symbolic tensors and variables: its own interface for libraries of arrays."""

from __future__ import annotations

import dataclasses
import math
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
from einops._backends import AbstractBackend

from trivium.graph.op import op
from trivium.graph.tensor import SymbolicTensor
from trivium.ops import conversions, joining, products, reductions, shapes, statistics
from trivium.ops.arrays import as_array
from trivium.state.registry import register_keras_serializable
from trivium.state.types import Array, ArrayLike
from trivium.state.variable import Variable

__all__ = ["TriviumBackend"]


@dataclasses.dataclass(frozen=True)
class Size:
    """A size that is not known yet: some axes' sizes multiplied, times a number, divided by another.

    Args:
        axes: The tensors and the axes of theirs.
        times: The factor.
        over: The divisor.
    """

    axes: tuple[tuple[weakref.ref[SymbolicTensor], int], ...]
    times: int = 1
    over: int = 1

    def __mul__(self, other: Any) -> Size:
        if isinstance(other, Size):
            return Size(self.axes + other.axes, self.times * other.times, self.over * other.over)
        return Size(self.axes, self.times * other, self.over)

    __rmul__ = __mul__

    def __floordiv__(self, other: int) -> Size:
        return Size(self.axes, self.times, self.over * other)

    def __radd__(self, other: object) -> Size:
        raise ValueError(
            "einops.unpack cuts at places that follow from sizes, and one of these is not known yet: give `Input` a "
            "shape without None on the axes that are packed."
        )


@register_keras_serializable("trivium")
@op
def reshape_by(x: ArrayLike, others: Sequence[ArrayLike], shape: Sequence[Any]) -> Array:
    """Give `x` a shape whose sizes are numbers, or follow from the sizes of other arrays.

    Args:
        x: An array.
        others: The other arrays.
        shape: For each axis a number, or `(axes, times, over)`: the sizes of those axes, pairs of an array's place in
            `others` and an axis, multiplied with each other and with `times`, divided by `over`.

    Example:
        >>> reshape_by(jnp.ones((2, 6)), [jnp.ones((2, 6))], [(((0, 0),), 1, 1), (((0, 1),), 1, 3), 3]).shape
        (2, 2, 3)
    """
    known = [jnp.shape(as_array(other)) for other in others]

    def size(n: Any) -> Any:
        if isinstance(n, int):
            return n
        axes, times, over = n
        return math.prod([known[i][axis] for i, axis in axes]) * times // over

    return jnp.reshape(as_array(x), [size(n) for n in shape])


class TriviumBackend(AbstractBackend):  # type: ignore[misc]
    """Symbolic tensors and variables to einops; arrays are JAX's, which it knows.

    Example:
        >>> from einops import rearrange
        >>> rearrange(SymbolicTensor((None, None, 4)), "b t c -> (b t) c").shape
        (None, 4)
    """

    framework_name = "trivium"

    def is_appropriate_type(self, tensor: object) -> bool:
        """Say whether it is one of ours."""
        return isinstance(tensor, SymbolicTensor | Variable)

    def shape(self, x: Any) -> tuple[int | Size, ...]:
        """Return the shape, with a `Size` for each that is not known."""
        # By reference, for einops remembers shapes; and a size of one tensor may be used with another.
        return tuple(
            Size(((weakref.ref(x), i),)) if n is None else n for i, n in enumerate(x.shape)
        )

    def reshape(self, x: Any, shape: Sequence[Any]) -> Any:
        """Return the same elements in another shape."""
        unknown = [n for n in shape if not isinstance(n, int)]
        if len(unknown) < 2 and -1 not in shape:  # What is left over needs no name.
            return shapes.reshape(x, tuple(-1 if n in unknown else n for n in shape))
        others: list[Any] = []
        places: dict[int, int] = {}
        for tensor in (ref() for n in unknown for ref, _ in n.axes):
            assert tensor is not None
            if id(tensor) not in places:
                places[id(tensor)] = len(others)
                others.append(tensor)

        def written(n: Any) -> Any:
            if not isinstance(n, Size):
                return n
            return tuple((places[id(ref())], axis) for ref, axis in n.axes), n.times, n.over

        return reshape_by(x, others, tuple(map(written, shape)))

    def transpose(self, x: Any, axes: Sequence[int]) -> Any:
        """Return the axes in another order."""
        return shapes.transpose(x, tuple(axes))

    def reduce(self, x: Any, operation: str, axes: Sequence[int]) -> Any:
        """Return the sum, or another function named in einops's pattern, over axes."""
        function: Callable[..., Any] = getattr(
            statistics if operation == "mean" else reductions, operation
        )
        return function(x, axis=tuple(axes))

    def stack_on_zeroth_dimension(self, tensors: list[Any]) -> Any:
        """Return tensors on a new first axis."""
        return joining.stack(tensors)

    def add_axis(self, x: Any, new_position: int) -> Any:
        """Return the tensor with an axis of size 1 more."""
        return shapes.expand_dims(x, new_position)

    def tile(self, x: Any, repeats: Sequence[int]) -> Any:
        """Return the tensor several times along its axes."""
        return shapes.tile(x, tuple(repeats))

    def concat(self, tensors: list[Any], axis: int) -> Any:
        """Return tensors behind each other."""
        return joining.concatenate(tensors, axis)

    def is_float_type(self, x: Any) -> bool:
        """Say whether it holds floats."""
        return bool(jnp.issubdtype(x.dtype, jnp.inexact))

    def einsum(self, pattern: str, *x: Any) -> Any:
        """Return a sum of products."""
        return products.einsum(pattern, *x)

    def to_numpy(self, x: Any) -> Any:
        """Return a variable's values."""
        return conversions.convert_to_numpy(x)
