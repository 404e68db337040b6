"""`tf.TensorShape`: tuples with TensorFlow's methods, which tensors have as their shapes while a program runs."""

from __future__ import annotations

import math
import operator
import sys
from typing import Any, Self, cast

import jax
import jax.numpy as jnp
import numpy as np

from trivium.compat.written import WRITTEN
from trivium.data.ragged.base import Rows
from trivium.data.strings import StringArray
from trivium.graph import SymbolicTensor
from trivium.graph.errors import is_foreign

__all__ = ["TensorShape", "install_shapes", "uninstall_shapes"]


class TensorShape(tuple[Any, ...]):
    """The shape of a tensor, with `None` for sizes that are not known.

    Args:
        dims: Its sizes: a list, a tuple, an array, or one size; `None` where not even their number is known.

    Raises:
        TypeError: A size is no whole number.
        ValueError: A size is negative.

    Example:
        >>> shape = TensorShape([None, 3])
        >>> shape.as_list(), shape.rank, shape[1:], str(shape), [7] + shape
        ([None, 3], 2, TensorShape([3]), '(None, 3)', TensorShape([7, None, 3]))
    """

    __slots__ = ()

    def __new__(cls, dims: Any) -> Self:
        """Make one of a list, a tuple, or one size."""
        if dims is None or isinstance(dims, _UnknownShape):
            return cast(Self, tuple.__new__(_UnknownShape))
        if isinstance(dims, TensorShape):
            return tuple.__new__(cls, dims)
        if isinstance(dims, str) or not (hasattr(dims, "__iter__") and np.ndim(dims)):
            dims = (dims,)
        return tuple.__new__(cls, map(_size, dims))

    def as_list(self) -> list[int | None]:
        """Return the sizes as a list."""
        return [d if isinstance(d, int) else None for d in self]

    @property
    def rank(self) -> int | None:
        """How many axes there are; `None` where that is not known."""
        return len(self)

    ndims = rank

    @property
    def dims(self) -> list[int | None] | None:
        """The sizes as a list; `None` where their number is not known."""
        return None if self.rank is None else self.as_list()

    def num_elements(self) -> int | None:
        """Return how many numbers a tensor of this shape has; `None` where that is not known."""
        return math.prod(self) if self.is_fully_defined() else None

    def is_fully_defined(self) -> bool:
        """Say whether all sizes are known."""
        return self.rank is not None and None not in self.as_list()

    def is_compatible_with(self, other: Any) -> bool:
        """Say whether a tensor may be of both shapes."""
        other = TensorShape(other)
        if None in (self.rank, other.rank):
            return True
        pairs = list(zip(self.as_list(), other.as_list(), strict=False))
        return len(self) == len(other) and all(None in pair or pair[0] == pair[1] for pair in pairs)

    def is_subtype_of(self, other: Any) -> bool:
        """Say whether each tensor of this shape is of the other one, too."""
        other = TensorShape(other)
        if None in (self.rank, other.rank):
            return other.rank is None
        pairs = list(zip(self.as_list(), other.as_list(), strict=False))
        return len(self) == len(other) and all(theirs in (None, own) for own, theirs in pairs)

    def most_specific_compatible_shape(self, other: Any) -> TensorShape:
        """Return what the shapes have in common: sizes that differ are not known."""
        other = TensorShape(other)
        if self.rank is None or self.rank != other.rank:
            return TensorShape(None)
        pairs = zip(self.as_list(), other.as_list(), strict=True)
        return TensorShape([a if a == b else None for a, b in pairs])

    def assert_is_compatible_with(self, other: Any) -> None:
        """Refuse a shape that no tensor of this shape has."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {TensorShape(other)} are incompatible.")

    def merge_with(self, other: Any) -> TensorShape:
        """Return what is known of a tensor that is of both shapes."""
        self.assert_is_compatible_with(other)
        other = TensorShape(other)
        if self.rank is None or other.rank is None:
            return other if self.rank is None else self
        pairs = zip(self.as_list(), other.as_list(), strict=True)
        return TensorShape([b if a is None else a for a, b in pairs])

    def with_rank(self, rank: int) -> TensorShape:
        """Return the shape; an error where it has another number of axes."""
        self.assert_has_rank(rank)
        return self if self.rank is not None else TensorShape([None] * rank)

    def with_rank_at_least(self, rank: int) -> TensorShape:
        """Return the shape; an error where it has fewer axes."""
        if self.rank is not None and self.rank < rank:
            raise ValueError(f"Shape {self} must have rank at least {rank}.")
        return self

    def with_rank_at_most(self, rank: int) -> TensorShape:
        """Return the shape; an error where it has more axes."""
        if self.rank is not None and self.rank > rank:
            raise ValueError(f"Shape {self} must have rank at most {rank}.")
        return self

    def assert_has_rank(self, rank: int) -> None:
        """Refuse another number of axes."""
        if self.rank not in (None, rank):
            raise ValueError(f"Shape {self} must have rank {rank}.")

    def assert_same_rank(self, other: Any) -> None:
        """Refuse a shape with another number of axes."""
        other = TensorShape(other)
        if None not in (self.rank, other.rank) and self.rank != other.rank:
            raise ValueError(f"Shapes {self} and {other} must have the same rank.")

    def assert_is_fully_defined(self) -> None:
        """Refuse a shape with sizes that are not known."""
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined.")

    def concatenate(self, other: Any) -> TensorShape:
        """Return this shape with further axes behind it."""
        other = TensorShape(other)
        if None in (self.rank, other.rank):
            return TensorShape(None)
        return tuple.__new__(type(self), (*self, *other))

    __add__ = concatenate

    def __radd__(self, other: Any) -> TensorShape:
        # JAX has `sizes += array.shape` for lists, which asks here first and wants a list.
        if isinstance(other, list) and is_foreign(sys._getframe(1).f_code.co_filename):
            return NotImplemented
        return tuple.__new__(type(self), TensorShape(other)).concatenate(self)

    def __bool__(self) -> bool:
        return self.rank is not None

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        return tuple.__new__(type(self), part) if isinstance(key, slice) else part

    def __eq__(self, other: object) -> bool:
        return tuple.__eq__(self, tuple(other) if isinstance(other, list) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = tuple.__hash__

    def __str__(self) -> str:
        return tuple.__repr__(self)

    def __repr__(self) -> str:
        return f"TensorShape({self.as_list()})"


def _size(dim: Any) -> Any:
    """Return a size of a shape: a whole number, or `None`; symbols of graphs stay what they are."""
    if dim is None or (type(dim) is int and dim >= 0):
        return dim
    try:
        number = operator.index(dim)
    except TypeError:
        if isinstance(dim, str | bytes | float) or np.ndim(dim):
            raise TypeError(
                f"tf.TensorShape: a size is a whole number or None, got {dim!r}."
            ) from None
        return dim
    if number < 0:
        raise ValueError(f"tf.TensorShape: a size is not negative, got {number}.")
    return number


class _UnknownShape(TensorShape):
    """A shape of which not even the number of axes is known."""

    __slots__ = ()

    @property
    def rank(self) -> None:
        return None

    ndims = rank

    def _refuse(self, *args: Any) -> Any:
        raise ValueError("tf.TensorShape(None): nothing is known of a shape of unknown rank.")

    as_list = __iter__ = __len__ = _refuse

    def __radd__(self, other: Any) -> TensorShape:
        return self

    def __getitem__(self, key: Any) -> Any:
        return self if isinstance(key, slice) else None

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, _UnknownShape)

    __hash__ = TensorShape.__hash__

    def __str__(self) -> str:
        return "<unknown>"

    def __repr__(self) -> str:
        return "TensorShape(None)"


class _ShapeOfTensor(TensorShape):
    """The shape of an array, which programs of Keras on JAX print in lists as the tuple that it is."""

    __slots__ = ()
    __repr__ = tuple.__repr__

    def __bool__(self) -> bool:
        return len(self) > 0  # The library asks so whether there are axes.


WRITTEN["tensorflow.TensorShape"] = TensorShape
# To JAX a tuple of numbers like any other, also where it stands something else in their place for a while.
for _cls in (TensorShape, _ShapeOfTensor):
    jax.tree_util.register_pytree_node(
        _cls, lambda s: (tuple(s), None), lambda _, parts: tuple.__new__(TensorShape, parts)
    )
jax.tree_util.register_pytree_node(
    _UnknownShape, lambda s: ((), None), lambda _, parts: tuple.__new__(_UnknownShape)
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
