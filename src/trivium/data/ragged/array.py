"""Rows of several lengths in one array."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.data.checks import DataError
from trivium.data.ragged.base import Rows
from trivium.data.ragged.indexing import indexed
from trivium.data.ragged.mapping import map_flat_values

__all__ = ["RaggedArray"]


class RaggedArray(Rows):
    """Rows of several lengths: the values of all rows one behind the other, and where each row begins and ends.

    The values are an array, of numbers on the device or of strings on the host, or ragged themselves. So what is done
    to each entry is done to all at once, and JAX sees dense arrays alone; where rows end is known to Python.

    Args:
        values: All rows, one behind the other on the first axis.
        row_splits: One number more than rows: row `i` is `values[row_splits[i]:row_splits[i + 1]]`.

    Raises:
        DataError: The numbers do not begin with 0, do not end with the number of values, or go down.

    Example:
        >>> rows = RaggedArray(np.array([3, 1, 4, 1, 5]), [0, 2, 2, 5])
        >>> rows, rows[0].tolist(), rows.to_tensor().tolist()
        (RaggedArray([[3, 1], [], [4, 1, 5]]), [3, 1], [[3, 1, 0], [0, 0, 0], [4, 1, 5]])
        >>> rows * 10 + 1
        RaggedArray([[31, 11], [], [41, 11, 51]])
    """

    # NumPy's operators give way to ours.
    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]  # Comparing gives an array, as for all arrays.

    def to_tensor(self, default_value: Any = None, shape: Any = None) -> Any:
        """Return a dense array: short rows filled up, long ones cut where a shape says so.

        Args:
            default_value: What they are filled up with: 0, or `""`, by default.
            shape: The sizes of the axes; `None` stands for the longest row.

        Example:
            >>> RaggedArray([1, 2, 3], [0, 1, 3]).to_tensor(-1).tolist()
            [[1, -1], [2, 3]]
        """
        bounds = self.bounds()
        wanted = [None] * len(bounds) if shape is None else list(shape)
        wanted += [None] * (len(bounds) - len(wanted))
        sizes = tuple(
            b if w is None or w < 0 else int(w) for w, b in zip(wanted, bounds, strict=True)
        )
        flat = self.flat_values
        places = self._places()
        inside = np.all([p < n for p, n in zip(places, sizes, strict=False)], axis=0)
        where = tuple(p[inside] for p in places)
        kept = flat if inside.all() else flat[np.flatnonzero(inside)]
        if not isinstance(flat, np.ndarray | jax.Array):  # strings
            dense = np.full(
                sizes, b"" if default_value is None else type(flat)(default_value).numpy(), object
            )
            dense[where] = np.asarray(kept)
            return type(flat)(dense)
        blank = jnp.full(sizes, 0 if default_value is None else default_value, flat.dtype)
        if tuple(sizes[len(places) :]) != flat.shape[1:]:
            raise DataError(
                f"to_tensor: the shape {sizes} does not end with {flat.shape[1:]}, the shape of the entries."
            )
        return blank.at[where].set(kept)

    def to_sparse(self) -> Any:
        """Return a sparse array of the entries, whose shape is that of the dense one.

        Example:
            >>> RaggedArray([1, 2, 3], [0, 1, 3]).to_sparse()
            SparseArray(indices=[[0, 0], [1, 0], [1, 1]], values=[1, 2, 3], dense_shape=[2, 2])
        """
        from trivium.data.sparse import (
            SparseArray,  # It stands above, since its values may be strings.
        )

        return SparseArray(np.stack(self._places(), axis=-1), self.flat_values, self.bounds())

    def to_list(self) -> list[Any]:
        """Return nested lists of numbers, or of `bytes`."""
        values = self._values.tolist()
        return [values[a:b] for a, b in zip(self.splits[:-1], self.splits[1:], strict=True)]

    tolist = to_list

    def decoded(self) -> list[Any]:
        """Return nested lists, with text in the place of `bytes`."""
        return [_decoded(row) for row in self.to_list()]

    def numpy(self) -> np.ndarray:
        """Return an array of arrays, one for each row; a dense array where all rows are of one length."""
        rows = [row.numpy() if hasattr(row, "numpy") else np.asarray(row) for row in self]
        if len({row.shape for row in rows}) == 1:
            return np.stack(rows)
        result = np.empty(len(rows), object)
        result[:] = rows
        return result

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> Any:
        return indexed(self, key)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.to_list()})"


def _decoded(rows: Any) -> Any:
    if isinstance(rows, list):
        return [_decoded(r) for r in rows]
    return rows.decode("utf-8", "backslashreplace") if isinstance(rows, bytes) else rows


def _operator(
    function: Callable[[Any, Any], Any], swapped: bool = False
) -> Callable[[Any, Any], Any]:
    def operate(self: RaggedArray, other: Any) -> Any:
        if other is None:
            return NotImplemented
        return (
            map_flat_values(function, other, self)
            if swapped
            else map_flat_values(function, self, other)
        )

    return operate


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and_", "or_", "xor"):
    _function = getattr(operator, _name)
    _bare = _name.rstrip("_")
    setattr(RaggedArray, f"__{_bare}__", _operator(_function))
    setattr(RaggedArray, f"__r{_bare}__", _operator(_function, swapped=True))
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(RaggedArray, f"__{_name}__", _operator(getattr(operator, _name)))


def _unary(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda self: self.map_flat(function)


for _name in ("neg", "abs", "invert"):
    setattr(RaggedArray, f"__{_name}__", _unary(getattr(operator, _name)))
