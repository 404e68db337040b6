"""Rows of several lengths: their values one behind the other, and where each begins and ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from trivium.data.checks import DataError
from trivium.data.kinds import AnyRows, AnyStrings
from trivium.data.texts import holds_text

__all__ = ["Rows", "as_values"]


class Rows(AnyRows):
    """What `RaggedArray` is made of: how it is put together and taken apart, without operators and indices.

    Args:
        values: All rows, one behind the other on the first axis.
        row_splits: One number more than rows: row `i` is `values[row_splits[i]:row_splits[i + 1]]`.

    Raises:
        DataError: The numbers do not begin with 0, do not end with the number of values, or go down.

    Example:
        >>> Rows(np.arange(3), [0, 2, 3]).bounds()
        (2, 2)
    """

    def __init__(self, values: Any, row_splits: Any) -> None:
        self._values = as_values(values)
        self.splits = np.asarray(row_splits).astype(np.int64)
        splits, count = self.splits, len(self._values)
        if (
            splits.ndim != 1
            or not len(splits)
            or splits[0]
            or splits[-1] != count
            or (np.diff(splits) < 0).any()
        ):
            raise DataError(
                f"Rows of {count} values begin at 0, end at {count}, and each begins where the one before ends; "
                f"got row_splits={splits.tolist()}."
            )

    # -- what they are ------------------------------------------------------------------------------------------

    @property
    def values(self) -> Any:
        """All rows, one behind the other: an array with one axis less."""
        return self._values

    @property
    def flat_values(self) -> Any:
        """All entries, one behind the other, in an array that is not ragged."""
        return self._values.flat_values if isinstance(self._values, Rows) else self._values

    @property
    def row_splits(self) -> jax.Array:
        """Where rows begin and end."""
        return jnp.asarray(self.splits)

    @property
    def nested_row_splits(self) -> tuple[jax.Array, ...]:
        """`row_splits` of all ragged axes, the outermost first."""
        return tuple(jnp.asarray(s) for s in self._all_splits())

    def _all_splits(self) -> list[np.ndarray]:
        inner = self._values._all_splits() if isinstance(self._values, Rows) else []
        return [self.splits, *inner]

    @property
    def ragged_rank(self) -> int:
        """How many axes are ragged; they stand behind the first."""
        return len(self._all_splits())

    @property
    def dtype(self) -> Any:
        """The dtype of the entries."""
        return self.flat_values.dtype

    @property
    def ndim(self) -> int:
        """The number of axes, ragged or not."""
        return 1 + len(self._values.shape)

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The sizes of the axes, `None` for ragged ones."""
        return (len(self), None, *self._values.shape[1:])

    @property
    def size(self) -> int:
        """The number of entries."""
        return int(self.flat_values.size)

    @property
    def uniform_row_length(self) -> int | None:
        """How long each row is; `None` where they are of several lengths."""
        lengths = np.diff(self.splits)
        return int(lengths[0]) if len(lengths) and (lengths == lengths[0]).all() else None

    def nrows(self) -> jax.Array:
        """Return the number of rows, as an array; `len` gives it as a number."""
        return jnp.asarray(len(self), "int32")

    def row_lengths(self, axis: int = 1) -> Any:
        """Return how long the rows are.

        Args:
            axis: Which axis is measured: 1 for the rows, 2 for the rows in them, and so on.
        """
        if axis > 1:
            return self.with_values(self._values.row_lengths(axis - 1))
        return jnp.asarray(np.diff(self.splits))

    def nested_row_lengths(self) -> tuple[jax.Array, ...]:
        """Return how long the rows of all ragged axes are, the outermost first."""
        return tuple(jnp.asarray(np.diff(s)) for s in self._all_splits())

    def nested_value_rowids(self) -> tuple[jax.Array, ...]:
        """Return the number of the row that each value is in, for all ragged axes, the outermost first."""
        lengths = map(np.diff, self._all_splits())
        return tuple(jnp.asarray(np.repeat(np.arange(len(n)), n)) for n in lengths)

    def row_starts(self) -> jax.Array:
        """Return where rows begin."""
        return jnp.asarray(self.splits[:-1])

    def row_limits(self) -> jax.Array:
        """Return where rows end."""
        return jnp.asarray(self.splits[1:])

    def value_rowids(self) -> jax.Array:
        """Return the number of the row that each value is in."""
        return jnp.asarray(self.row_numbers())

    def row_numbers(self) -> np.ndarray:
        """Return the number of the row that each value is in, on the host."""
        return np.repeat(np.arange(len(self)), np.diff(self.splits))

    def bounding_shape(self, axis: int | None = None) -> Any:
        """Return the smallest shape that all rows fit into.

        Args:
            axis: The axis whose size alone is wanted.
        """
        sizes = self.bounds()
        return jnp.asarray(sizes if axis is None else sizes[axis])

    def bounds(self) -> tuple[int, ...]:
        """Return the smallest shape that all rows fit into, on the host."""
        longest = int(np.diff(self.splits).max(initial=0))
        inner = self._values.bounds() if isinstance(self._values, Rows) else self._values.shape
        return (len(self), longest, *inner[1:])

    # -- others of the kind -------------------------------------------------------------------------------------

    @classmethod
    def from_row_lengths(cls, values: Any, row_lengths: Any) -> Self:
        """Return rows of given lengths.

        Args:
            values: All rows, one behind the other.
            row_lengths: How long each is.

        Raises:
            DataError: There are more or fewer values.

        Example:
            >>> from trivium.data.ragged import RaggedArray
            >>> RaggedArray.from_row_lengths([1, 2, 3], [1, 0, 2])
            RaggedArray([[1], [], [2, 3]])
        """
        return cls(values, np.cumsum([0, *np.asarray(row_lengths).tolist()]))

    @classmethod
    def from_uniform_row_length(cls, values: Any, length: int) -> Self:
        """Return rows of one length.

        Args:
            values: All rows, one behind the other.
            length: How long each is.

        Example:
            >>> from trivium.data.ragged import RaggedArray
            >>> RaggedArray.from_uniform_row_length([1, 2, 3, 4], 2)
            RaggedArray([[1, 2], [3, 4]])
        """
        values = as_values(values)
        return cls(values, np.arange(0, len(values) + 1, int(length)))

    def with_values(self, values: Any) -> Self:
        """Return rows of the same lengths with other values.

        Args:
            values: As many as these.
        """
        return type(self)(values, self.splits)

    def with_flat_values(self, values: Any) -> Self:
        """Return rows of the same lengths, on all ragged axes, with other entries.

        Args:
            values: As many as these.
        """
        inner = self._values
        return self.with_values(
            inner.with_flat_values(values) if isinstance(inner, Rows) else values
        )

    def taken_from(self, dense: Any) -> Self:
        """Return rows of the same lengths, whose entries stand in a dense array where `to_tensor` puts these.

        Args:
            dense: An array with the sizes of the bounding shape on its first and its ragged axes.

        Example:
            >>> from trivium.data.ragged import RaggedArray
            >>> rows = RaggedArray([1, 2, 3], [0, 1, 3])
            >>> rows.taken_from(rows.to_tensor() * 10)
            RaggedArray([[10], [20, 30]])
        """
        return self.with_flat_values(dense[tuple(self._places())])

    def map_innermost(self, function: Callable[[Any], Any]) -> Any:
        """Return what a function makes of the rows of the innermost ragged axis, in the places of these rows.

        Args:
            function: Takes rows that hold no further ones, and gives one entry for each.
        """
        if isinstance(self._values, Rows):
            return self.with_values(self._values.map_innermost(function))
        return function(self)

    def take(self, rows: Any) -> Self:
        """Return some of the rows.

        Args:
            rows: Their numbers, in the order wanted.
        """
        rows = np.asarray(rows)
        starts, lengths = self.splits[:-1][rows], np.diff(self.splits)[rows]
        splits = np.cumsum([0, *lengths.tolist()])
        places = np.arange(splits[-1]) + np.repeat(starts - splits[:-1], lengths)
        return type(self)(_taken(self._values, places), splits)

    def merge_dims(self, outer_axis: int, inner_axis: int) -> Any:
        """Return rows with several axes made one.

        Args:
            outer_axis: The first of them.
            inner_axis: The last of them.

        Example:
            >>> from trivium.data.ragged import RaggedArray
            >>> RaggedArray(RaggedArray([1, 2, 3], [0, 1, 3]), [0, 2]).merge_dims(1, 2)
            RaggedArray([[1, 2, 3]])
        """
        outer, inner = outer_axis % self.ndim, inner_axis % self.ndim
        if outer == inner:
            return self
        if outer > 0:
            if outer == 1 and isinstance(self._values, Rows):
                merged = type(self)(self._values._values, self._values.splits[self.splits])
                return merged.merge_dims(1, inner - 1)
            if isinstance(self._values, Rows):
                return self.with_values(self._values.merge_dims(outer - 1, inner - 1))
            return self.map_flat(lambda v: _merged(v, outer - 1, inner - 1))
        if inner == 1:
            return self._values
        if isinstance(self._values, Rows):
            return self._values.merge_dims(0, inner - 1)
        return _merged(self._values, 0, inner - 1)

    def map_flat(self, function: Callable[[Any], Any]) -> Self:
        """Return rows whose entries are what a function makes of all of them at once.

        Args:
            function: Takes and gives an array with one entry for each on its first axis.
        """
        return self.with_flat_values(function(self.flat_values))

    def expand_dims(self, axis: int) -> Any:
        """Return rows with a further axis of size 1.

        Args:
            axis: Where it stands.
        """
        axis = int(axis) + (self.ndim + 1 if int(axis) < 0 else 0)
        if axis == 0:
            return type(self)(self, [0, len(self)])
        if axis == 1:
            return type(self).from_uniform_row_length(self, 1)
        inner = self._values
        if isinstance(inner, Rows):
            return self.with_values(inner.expand_dims(axis - 1))
        shape = (*inner.shape[: axis - 1], 1, *inner.shape[axis - 1 :])
        return self.with_values(_reshaped(inner, shape))

    def _places(self) -> list[np.ndarray]:
        """Return the places of all entries, an array for the first axis and for each ragged one."""
        numbers = self.row_numbers()
        within = np.arange(len(numbers)) - self.splits[:-1][numbers]
        if not isinstance(self._values, Rows):
            return [numbers, within]
        row, *deeper = self._values._places()
        return [numbers[row], within[row], *deeper]

    def __len__(self) -> int:
        return len(self.splits) - 1

    def __reduce__(self) -> Any:
        return type(self), (self._values, self.splits)


def as_values(values: Any, dtype: Any = None) -> Any:
    """Return what rows may consist of: a JAX array for numbers; strings and rows as they are.

    Args:
        values: Numbers or strings.
        dtype: The dtype of numbers, or what JAX has for it; their own by default.

    Example:
        >>> as_values([1, 2]).dtype
        dtype('int32')
    """
    if isinstance(values, Rows | AnyStrings):
        return values
    if str(dtype) == "string" or holds_text(values):
        # The functions of strings stand on rows, which they give; so rows may know strings in here only.
        from trivium.data.strings.array import as_strings

        return as_strings(values)
    wanted = None if dtype is None else jax.dtypes.canonicalize_dtype(str(dtype))
    return jnp.asarray(values, wanted)


def _taken(values: Any, places: np.ndarray) -> Any:
    if isinstance(values, Rows):
        return values.take(places)
    return values[places]


def _reshaped(values: Any, shape: Sequence[int]) -> Any:
    if isinstance(values, jax.Array):
        return values.reshape(shape)
    return values.moved(lambda a: a.reshape(shape))


def _merged(values: Any, outer: int, inner: int) -> Any:
    sizes = values.shape
    return _reshaped(
        values, (*sizes[:outer], int(np.prod(sizes[outer : inner + 1])), *sizes[inner + 1 :])
    )
