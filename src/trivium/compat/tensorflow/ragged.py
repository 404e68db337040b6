"""Rows of several lengths under `tf`: `tf.RaggedTensor` and `tf.ragged`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from trivium.compat.written import covers
from trivium.data import ragged, strings
from trivium.data.ragged import RaggedArray
from trivium.data.sparse import SparseArray

__all__ = ["rows_of_sparse", "stack_rows"]


class _AnyRagged(type):
    """Makes each of our ragged arrays an instance of TensorFlow's."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, RaggedArray)


@covers("tensorflow.RaggedTensor")
class _RaggedTensor(metaclass=_AnyRagged):
    """The ways to make one."""

    @staticmethod
    def from_row_splits(
        values: Any, row_splits: Any, name: Any = None, validate: bool = True
    ) -> Any:
        return RaggedArray(values, row_splits)

    @staticmethod
    def from_row_lengths(
        values: Any, row_lengths: Any, name: Any = None, validate: bool = True
    ) -> Any:
        return RaggedArray.from_row_lengths(values, row_lengths)

    @staticmethod
    def from_value_rowids(
        values: Any, value_rowids: Any, nrows: Any = None, name: Any = None, validate: bool = True
    ) -> Any:
        return RaggedArray(values, ragged.boundaries(value_rowids, nrows))

    @staticmethod
    def from_row_starts(
        values: Any, row_starts: Any, name: Any = None, validate: bool = True
    ) -> Any:
        values = ragged.as_values(values)
        return RaggedArray(values, [*np.asarray(row_starts).tolist(), len(values)])

    @staticmethod
    def from_row_limits(
        values: Any, row_limits: Any, name: Any = None, validate: bool = True
    ) -> Any:
        return RaggedArray(values, [0, *np.asarray(row_limits).tolist()])

    @staticmethod
    def from_uniform_row_length(
        values: Any,
        uniform_row_length: Any,
        nrows: Any = None,
        validate: bool = True,
        name: Any = None,
    ) -> Any:
        return RaggedArray.from_uniform_row_length(values, int(uniform_row_length))

    @staticmethod
    def from_nested_row_splits(
        flat_values: Any, nested_row_splits: Any, name: Any = None, validate: bool = True
    ) -> Any:
        for splits in reversed(list(nested_row_splits)):
            flat_values = RaggedArray(flat_values, splits)
        return flat_values

    @staticmethod
    def from_nested_row_lengths(
        flat_values: Any, nested_row_lengths: Any, name: Any = None, validate: bool = True
    ) -> Any:
        for lengths in reversed(list(nested_row_lengths)):
            flat_values = RaggedArray.from_row_lengths(flat_values, lengths)
        return flat_values

    @staticmethod
    def from_nested_value_rowids(
        flat_values: Any,
        nested_value_rowids: Any,
        nested_nrows: Any = None,
        name: Any = None,
        validate: bool = True,
    ) -> Any:
        counts = nested_nrows or [None] * len(nested_value_rowids)
        for numbers, count in reversed([*zip(nested_value_rowids, counts, strict=True)]):
            flat_values = RaggedArray(flat_values, ragged.boundaries(numbers, count))
        return flat_values

    @staticmethod
    def from_tensor(
        tensor: Any, lengths: Any = None, padding: Any = None, ragged_rank: int = 1, name: Any = None,
        row_splits_dtype: Any = None,
    ) -> Any:  # fmt: skip
        return ragged.from_tensor(tensor, lengths, padding, ragged_rank)

    @staticmethod
    def from_sparse(st_input: SparseArray, name: Any = None, row_splits_dtype: Any = None) -> Any:
        return rows_of_sparse(st_input)


def rows_of_sparse(sparse: SparseArray) -> RaggedArray:
    """Return the entries of a sparse array of two axes as rows."""
    ordered = sparse.ordered()
    return RaggedArray(ordered.values, ragged.boundaries(ordered.places[:, 0], ordered.shape[0]))


@covers("tensorflow.ragged.constant")
def _constant(
    pylist: Any, dtype: Any = None, ragged_rank: Any = None, inner_shape: Any = None, name: Any = None,
    row_splits_dtype: Any = None,
) -> Any:  # fmt: skip
    return ragged.constant(pylist, dtype, ragged_rank, inner_shape)


@covers("tensorflow.ragged.stack")
def stack_rows(values: Any, axis: int = 0, name: Any = None) -> Any:
    """Put rows together along a new axis."""
    return ragged.stack(list(values), axis)


@covers("tensorflow.ragged.range")
def _range(
    starts: Any,
    limits: Any = None,
    deltas: Any = 1,
    dtype: Any = None,
    name: Any = None,
    row_splits_dtype: Any = None,
) -> Any:
    return ragged.ranges(starts, limits, deltas, dtype)


@covers("tensorflow.ragged.boolean_mask")
def _boolean_mask(data: Any, mask: Any, name: Any = None) -> Any:
    return ragged.boolean_mask(data, mask)


@covers("tensorflow.ragged.map_flat_values")
def _map_flat_values(op: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return ragged.on_flat_values(op)(*args, **kwargs)


@covers("tensorflow.ragged.row_splits_to_segment_ids")
def _row_splits_to_segment_ids(splits: Any, name: Any = None, out_type: Any = None) -> Any:
    return jnp.repeat(jnp.arange(len(splits) - 1), np.diff(np.asarray(splits)))


@covers("tensorflow.ragged.segment_ids_to_row_splits")
def _segment_ids_to_row_splits(
    segment_ids: Any, num_segments: Any = None, out_type: Any = None, name: Any = None
) -> Any:
    return jnp.asarray(ragged.boundaries(segment_ids, num_segments))


@covers("tensorflow.ragged.stack_dynamic_partitions")
def _stack_dynamic_partitions(
    data: Any, partitions: Any, num_partitions: Any, name: Any = None
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
