"""Rows of several lengths under `tf`: `tf.RaggedTensor` and `tf.ragged`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import jax.numpy as jnp
import numpy as np

from trivium.compat.written import covers
from trivium.data import ragged, strings
from trivium.data.kinds import AnyStrings
from trivium.data.ragged import RaggedArray
from trivium.data.sparse import SparseArray
from trivium.state.types import ArrayLike, DType, Shape

__all__ = ["rows_of_sparse", "stack_rows"]


Values: TypeAlias = RaggedArray | AnyStrings | ArrayLike
"""What rows are made of: numbers, strings, or rows."""


class _AnyRagged(type):
    """Makes each of our ragged arrays an instance of TensorFlow's."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, RaggedArray)


@covers("tensorflow.RaggedTensor")
class _RaggedTensor(metaclass=_AnyRagged):
    """The ways to make one."""

    @staticmethod
    def from_row_splits(
        values: Values, row_splits: ArrayLike, name: str | None = None, validate: bool = True
    ) -> RaggedArray:
        return RaggedArray(values, row_splits)

    @staticmethod
    def from_row_lengths(
        values: Values, row_lengths: ArrayLike, name: str | None = None, validate: bool = True
    ) -> RaggedArray:
        return RaggedArray.from_row_lengths(values, row_lengths)

    @staticmethod
    def from_value_rowids(
        values: Values,
        value_rowids: ArrayLike,
        nrows: int | None = None,
        name: str | None = None,
        validate: bool = True,
    ) -> RaggedArray:
        return RaggedArray(values, ragged.boundaries(value_rowids, nrows))

    @staticmethod
    def from_row_starts(
        values: Values, row_starts: ArrayLike, name: str | None = None, validate: bool = True
    ) -> RaggedArray:
        entries = ragged.as_values(values)
        return RaggedArray(entries, [*np.asarray(row_starts).tolist(), len(entries)])

    @staticmethod
    def from_row_limits(
        values: Values, row_limits: ArrayLike, name: str | None = None, validate: bool = True
    ) -> RaggedArray:
        return RaggedArray(values, [0, *np.asarray(row_limits).tolist()])

    @staticmethod
    def from_uniform_row_length(
        values: Values,
        uniform_row_length: int,
        nrows: int | None = None,
        validate: bool = True,
        name: str | None = None,
    ) -> RaggedArray:
        return RaggedArray.from_uniform_row_length(values, int(uniform_row_length))

    @staticmethod
    def from_nested_row_splits(
        flat_values: Values,
        nested_row_splits: Sequence[ArrayLike],
        name: str | None = None,
        validate: bool = True,
    ) -> RaggedArray:
        rows: Any = flat_values
        for splits in reversed(list(nested_row_splits)):
            rows = RaggedArray(rows, splits)
        return rows

    @staticmethod
    def from_nested_row_lengths(
        flat_values: Values,
        nested_row_lengths: Sequence[ArrayLike],
        name: str | None = None,
        validate: bool = True,
    ) -> RaggedArray:
        rows: Any = flat_values
        for lengths in reversed(list(nested_row_lengths)):
            rows = RaggedArray.from_row_lengths(rows, lengths)
        return rows

    @staticmethod
    def from_nested_value_rowids(
        flat_values: Values,
        nested_value_rowids: Sequence[ArrayLike],
        nested_nrows: Sequence[int] | None = None,
        name: str | None = None,
        validate: bool = True,
    ) -> RaggedArray:
        rows: Any = flat_values
        counts: Sequence[int | None] = nested_nrows or [None] * len(nested_value_rowids)
        for numbers, count in reversed([*zip(nested_value_rowids, counts, strict=True)]):
            rows = RaggedArray(rows, ragged.boundaries(numbers, count))
        return rows

    @staticmethod
    def from_tensor(
        tensor: ArrayLike,
        lengths: ArrayLike | None = None,
        padding: ArrayLike | str | bytes | None = None,
        ragged_rank: int = 1,
        name: str | None = None,
        row_splits_dtype: DType | None = None,
    ) -> RaggedArray:
        return ragged.from_tensor(tensor, lengths, padding, ragged_rank)

    @staticmethod
    def from_sparse(
        st_input: SparseArray, name: str | None = None, row_splits_dtype: DType | None = None
    ) -> RaggedArray:
        return rows_of_sparse(st_input)


def rows_of_sparse(sparse: SparseArray) -> RaggedArray:
    """Return the entries of a sparse array of two axes as rows."""
    ordered = sparse.ordered()
    return RaggedArray(ordered.values, ragged.boundaries(ordered.places[:, 0], ordered.shape[0]))


@covers("tensorflow.ragged.constant")
def _constant(
    pylist: Any,
    dtype: DType | None = None,
    ragged_rank: int | None = None,
    inner_shape: Shape | None = None,
    name: str | None = None,
    row_splits_dtype: DType | None = None,
) -> Any:
    return ragged.constant(pylist, dtype, ragged_rank, inner_shape)


@covers("tensorflow.ragged.stack")
def stack_rows(values: Iterable[Values], axis: int = 0, name: str | None = None) -> Any:
    """Put rows together along a new axis."""
    return ragged.stack(list(values), axis)


@covers("tensorflow.ragged.range")
def _range(
    starts: Any,
    limits: Any = None,
    deltas: Any = 1,
    dtype: DType | None = None,
    name: str | None = None,
    row_splits_dtype: DType | None = None,
) -> Any:
    return ragged.ranges(starts, limits, deltas, dtype)


@covers("tensorflow.ragged.boolean_mask")
def _boolean_mask(data: Any, mask: Any, name: str | None = None) -> Any:
    return ragged.boolean_mask(data, mask)


@covers("tensorflow.ragged.map_flat_values")
def _map_flat_values(op: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return ragged.on_flat_values(op)(*args, **kwargs)


@covers("tensorflow.ragged.row_splits_to_segment_ids")
def _row_splits_to_segment_ids(
    splits: ArrayLike, name: str | None = None, out_type: Any = None
) -> Any:
    return jnp.repeat(jnp.arange(np.size(np.asarray(splits)) - 1), np.diff(np.asarray(splits)))


@covers("tensorflow.ragged.segment_ids_to_row_splits")
def _segment_ids_to_row_splits(
    segment_ids: ArrayLike,
    num_segments: int | None = None,
    out_type: Any = None,
    name: str | None = None,
) -> Any:
    return jnp.asarray(ragged.boundaries(segment_ids, num_segments))


@covers("tensorflow.ragged.stack_dynamic_partitions")
def _stack_dynamic_partitions(
    data: Any, partitions: Any, num_partitions: int, name: str | None = None
) -> Any:
    numbers = np.asarray(partitions)
    order = np.argsort(numbers.ravel(), kind="stable")
    values = ragged.gather(data, order)
    return RaggedArray(values, ragged.boundaries(numbers.ravel()[order], int(num_partitions)))


@covers("tensorflow.ragged.cross")
def _cross(inputs: Sequence[Any], name: str | None = None) -> RaggedArray:
    return strings.cross(inputs)


@covers("tensorflow.ragged.cross_hashed")
def _cross_hashed(
    inputs: Sequence[Any],
    num_buckets: int = 0,
    hash_key: int | None = None,
    name: str | None = None,
) -> RaggedArray:
    return strings.cross_hashed(inputs, num_buckets, hash_key)
