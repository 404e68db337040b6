"""`tf.shape` and its kin: sizes that are known while programs are compiled, with what tensors have."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from trivium import ops
from trivium.compat.written import covers

__all__ = ["as_sizes", "set_shape"]


class _Number(int):
    """A whole number that is known while programs are compiled, and has what tensors have."""

    def numpy(self) -> Any:
        return np.int32(self)


class _Sizes(tuple[Any, ...]):
    """A shape: a tuple, so that it can be one to other functions, with what tensors have."""

    def numpy(self) -> Any:
        return np.array(self, np.int32)

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        if isinstance(key, slice):
            return _Sizes(part)
        return _Number(part) if type(part) is int else part

    def __neg__(self) -> Any:
        return self * -1


def _operate(of: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """Compute with sizes number by number, as with a tensor's; whole numbers are sizes again."""
    plain = all(isinstance(x, int | list | tuple) for x in (a, b))
    if not plain or of is operator.truediv:
        return of(*(ops.convert_to_tensor(x) for x in (a, b)))
    count = len(a if isinstance(a, _Sizes) else b)
    rows = [x if isinstance(x, list | tuple) else (x,) * count for x in (a, b)]
    return _Sizes(map(of, *rows)) if len(rows[0]) == len(rows[1]) else of(*map(np.array, rows))


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    _of = getattr(operator, _name)
    setattr(
        _Sizes, f"__{_name}__", functools.partialmethod(lambda a, of, b: _operate(of, a, b), _of)
    )
    setattr(
        _Sizes, f"__r{_name}__", functools.partialmethod(lambda a, of, b: _operate(of, b, a), _of)
    )


@covers("tensorflow.shape")
def _shape(input: Any, out_type: Any = None, name: str | None = None) -> Any:
    return _Sizes(ops.shape(input))


@covers("tensorflow.rank")
def _rank_of(input: Any, name: str | None = None) -> Any:
    return _Number(ops.ndim(input))


@covers("tensorflow.size")
def _size_of(input: Any, out_type: Any = None, name: str | None = None) -> Any:
    size = ops.size(input)
    return _Number(size) if type(size) is int else size


@covers("tensorflow.concat")
def _concat(values: Any, axis: int, name: str = "concat") -> Any:
    if any(isinstance(v, _Sizes) for v in values) and all(
        isinstance(v, tuple | list) for v in values
    ):
        return _Sizes(itertools.chain.from_iterable(values))  # a shape stays one
    return ops.concatenate(values, axis=axis)


@covers("tensorflow.ensure_shape")
def _ensure_shape(x: Any, shape: Any, name: str | None = None) -> Any:
    return _of_shape(x, shape, "tf.ensure_shape")


def set_shape(x: Any, shape: Any) -> None:
    """Hold a tensor to a shape: every tensor knows its own here, so nothing else is to be done.

    Args:
        x: The tensor.
        shape: The shape, with `None` for what may be of any size; `None` for any shape.

    Raises:
        ValueError: The tensor has another one.

    Example:
        >>> set_shape(ops.ones((2, 3)), [None, 3])
    """
    _of_shape(x, shape, "tf.Tensor.set_shape")


def _of_shape(x: Any, shape: Any, name: str) -> Any:
    if shape is None:
        return x
    come = ops.shape(x)
    fits = len(come) == len(shape) and all(
        None in (c, w) or c == w for c, w in zip(come, shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{name}: wanted the shape {tuple(shape)}, got {come}.")
    return x


def as_sizes(shape: Any) -> tuple[Any, ...]:
    """Return a shape, which may be a tensor, as a tuple.

    Example:
        >>> as_sizes(np.array([2, 3]))
        (2, 3)
    """
    return tuple(shape.tolist()) if hasattr(shape, "tolist") else tuple(shape)
