"""`tf.TensorShape`: tuples with TensorFlow's methods, which tensors have as their shapes while a program runs."""

from __future__ import annotations

import math
from typing import Any, Self

import jax
import jax.numpy as jnp

from trivium.compat.errors import NotCovered
from trivium.compat.written import WRITTEN
from trivium.data.ragged.base import Rows
from trivium.data.strings import StringArray
from trivium.graph import SymbolicTensor

__all__ = ["TensorShape", "install_shapes", "uninstall_shapes"]


class TensorShape(tuple[Any, ...]):
    """The shape of a tensor, with `None` for sizes that are not known.

    Args:
        dims: Its sizes.

    Example:
        >>> shape = TensorShape([None, 3])
        >>> shape.as_list(), shape.rank, shape[1:], str(shape)
        ([None, 3], 2, TensorShape([3]), '(None, 3)')
    """

    __slots__ = ()

    def __new__(cls, dims: Any) -> Self:
        """Make one of a list, a tuple, or one size."""
        if dims is None:
            raise NotCovered(
                "tf.TensorShape(None) is not covered: every tensor's rank is known here."
            )
        return super().__new__(cls, (dims,) if isinstance(dims, int) else dims)

    def as_list(self) -> list[int | None]:
        """Return the sizes as a list."""
        return [d if isinstance(d, int) else None for d in self]

    @property
    def rank(self) -> int:
        """How many axes there are."""
        return len(self)

    ndims = rank

    @property
    def dims(self) -> list[int | None]:
        """The sizes as a list."""
        return self.as_list()

    def num_elements(self) -> int | None:
        """Return how many numbers a tensor of this shape has; `None` where that is not known."""
        return math.prod(self) if self.is_fully_defined() else None

    def is_fully_defined(self) -> bool:
        """Say whether all sizes are known."""
        return None not in self.as_list()

    def is_compatible_with(self, other: Any) -> bool:
        """Say whether a tensor may be of both shapes."""
        other = TensorShape(other).as_list()
        pairs = zip(self.as_list(), other, strict=False)
        return len(self) == len(other) and all(None in pair or pair[0] == pair[1] for pair in pairs)

    def assert_is_compatible_with(self, other: Any) -> None:
        """Refuse a shape that no tensor of this shape has."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {TensorShape(other)} are incompatible.")

    def merge_with(self, other: Any) -> TensorShape:
        """Return what is known of a tensor that is of both shapes."""
        self.assert_is_compatible_with(other)
        return TensorShape(
            [b if a is None else a for a, b in zip(self.as_list(), other, strict=True)]
        )

    def with_rank(self, rank: int) -> TensorShape:
        """Return the shape; an error where it has another number of axes."""
        self.assert_has_rank(rank)
        return self

    def assert_has_rank(self, rank: int) -> None:
        """Refuse another number of axes."""
        if len(self) != rank:
            raise ValueError(f"Shape {self} must have rank {rank}.")

    def assert_is_fully_defined(self) -> None:
        """Refuse a shape with sizes that are not known."""
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined.")

    def concatenate(self, other: Any) -> TensorShape:
        """Return this shape with further axes behind it."""
        return self + TensorShape(other)

    def __add__(self, other: Any) -> TensorShape:
        return TensorShape((*self, *other))

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        return type(self)(part) if isinstance(key, slice) else part

    def __eq__(self, other: object) -> bool:
        return tuple.__eq__(self, tuple(other) if isinstance(other, list) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = tuple.__hash__

    def __str__(self) -> str:
        return tuple.__repr__(self)

    def __repr__(self) -> str:
        return f"TensorShape({self.as_list()})"


class _ShapeOfTensor(TensorShape):
    """The shape of an array, which programs of Keras on JAX print in lists as the tuple that it is."""

    __slots__ = ()
    __repr__ = tuple.__repr__


WRITTEN["tensorflow.TensorShape"] = TensorShape
# To JAX a tuple of numbers like any other, also where it stands something else in their place for a while.
for _cls in (TensorShape, _ShapeOfTensor):
    jax.tree_util.register_pytree_node(
        _cls, lambda s: (tuple(s), None), lambda _, parts: tuple.__new__(TensorShape, parts)
    )

_TENSORS: tuple[Any, ...] = (
    type(jnp.zeros(())),
    jax.core.Tracer,
    SymbolicTensor,
    StringArray,
    Rows,
)
_before: dict[Any, Any] = {}


def _with_methods(read: Any) -> Any:
    make = tuple.__new__

    def shape(self: Any) -> TensorShape:
        return make(_ShapeOfTensor, read(self))

    return property(shape)


def install_shapes() -> None:
    """Let tensors' shapes have TensorFlow's methods, until `uninstall_shapes`.

    Example:
        >>> install_shapes()
        >>> jnp.ones((2, 3)).shape.as_list(), jnp.ones(3).get_shape().rank
        ([2, 3], 1)
        >>> uninstall_shapes()
    """
    for cls in _TENSORS:
        _before[cls] = vars(cls)["shape"]
        cls.shape = _with_methods(_before[cls].__get__)
        cls.get_shape = lambda self: self.shape


def uninstall_shapes() -> None:
    """Let them be tuples again.

    Example:
        >>> uninstall_shapes()  # nothing, where they are
    """
    while _before:
        cls, shape = _before.popitem()
        cls.shape = shape
        del cls.get_shape
