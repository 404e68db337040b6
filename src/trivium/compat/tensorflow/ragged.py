"""Rows of several lengths under `tf`: `tf.ragged`, `tf.RaggedTensor`, and the functions of arrays that take them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from trivium.compat.errors import NotCovered
from trivium.compat.tensorflow.kinds import serves, serves_by
from trivium.compat.written import covers
from trivium.data import ragged
from trivium.data.ragged import RaggedArray, map_flat_values, reduced
from trivium.data.sparse import SparseArray

__all__: list[str] = []


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
    def from_tensor(
        tensor: Any, lengths: Any = None, padding: Any = None, ragged_rank: int = 1, name: Any = None,
        row_splits_dtype: Any = None,
    ) -> Any:  # fmt: skip
        return ragged.from_tensor(tensor, lengths, padding, ragged_rank)

    @staticmethod
    def from_sparse(st_input: SparseArray, name: Any = None, row_splits_dtype: Any = None) -> Any:
        ordered = st_input.ordered()
        return RaggedArray(
            ordered.values, ragged.boundaries(ordered.places[:, 0], ordered.shape[0])
        )


@covers("tensorflow.ragged.constant")
def _constant(
    pylist: Any, dtype: Any = None, ragged_rank: Any = None, inner_shape: Any = None, name: Any = None,
    row_splits_dtype: Any = None,
) -> Any:  # fmt: skip
    return ragged.constant(pylist, dtype, ragged_rank, inner_shape)


@covers("tensorflow.ragged.stack")
def _stack(values: Any, axis: int = 0, name: Any = None) -> Any:
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


# -- functions of arrays ----------------------------------------------------------------------------------------


def _by_entries(dense: Any, *args: Any, **kwargs: Any) -> Any:
    return map_flat_values(dense, *args, **{k: v for k, v in kwargs.items() if k != "name"})


_ENTRYWISE = """
abs acos acosh add asin asinh atan atan2 atanh cast clip_by_value cos cosh divide equal exp floor greater
greater_equal identity less less_equal logical_and logical_not logical_or maximum minimum multiply negative
not_equal ones_like pow round saturate_cast scalar_mul sigmoid sign sin sinh sqrt square stop_gradient subtract
tan tanh truediv truncatediv truncatemod realdiv zeros_like one_hot as_string bitcast math.add_n math.angle
math.ceil math.conj math.digamma math.divide_no_nan math.erf math.erfc math.erfinv math.expm1 math.floordiv
math.floormod math.imag math.is_finite math.is_inf math.is_nan math.lgamma math.log math.log1p math.log_sigmoid
math.logical_xor math.multiply_no_nan math.real math.reciprocal math.rint math.rsqrt math.softplus
math.squared_difference math.xdivy math.xlogy math.xlog1py nn.dropout nn.elu nn.gelu nn.leaky_relu nn.relu
nn.relu6 nn.selu nn.sigmoid_cross_entropy_with_logits nn.silu nn.softsign bitwise.bitwise_and bitwise.bitwise_or
bitwise.bitwise_xor bitwise.invert bitwise.left_shift bitwise.right_shift
"""
for _name in _ENTRYWISE.split():
    serves_by(RaggedArray, f"tensorflow.{_name}", _by_entries)


def _reduces(kind: str) -> Callable[..., Any]:
    def reduce(
        input_tensor: Any, axis: Any = None, keepdims: bool = False, name: Any = None
    ) -> Any:
        return reduced(input_tensor, kind, axis, bool(keepdims))

    return reduce


for _path, _kind in {
    "reduce_sum": "sum", "reduce_mean": "mean", "reduce_max": "max", "reduce_min": "min", "reduce_prod": "prod",
    "reduce_any": "any", "reduce_all": "all", "math.reduce_std": "std", "math.reduce_variance": "var",
}.items():  # fmt: skip
    serves_by(RaggedArray, f"tensorflow.{_path}", _reduces(_kind))


@serves(RaggedArray, "tensorflow.concat")
def _concat(values: Any, axis: Any, name: Any = None) -> Any:
    return ragged.concat(list(values), int(axis))


serves_by(RaggedArray, "tensorflow.stack", _stack)


@serves(RaggedArray, "tensorflow.gather", "tensorflow.nn.embedding_lookup")
def _gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    axis: Any = None,
    batch_dims: int = 0,
    name: Any = None,
) -> Any:
    if batch_dims:
        raise NotCovered(
            f"tf.gather: batch_dims={batch_dims} of a ragged tensor is not covered; batch_dims=0 is."
        )
    params = params.value if hasattr(params, "value") else params
    return ragged.gather(params, indices, int(axis or 0))


@serves(RaggedArray, "tensorflow.expand_dims")
def _expand_dims(input: Any, axis: Any, name: Any = None) -> Any:
    return input.expand_dims(int(axis))


@serves(RaggedArray, "tensorflow.squeeze")
def _squeeze(input: Any, axis: Any = None, name: Any = None) -> Any:
    if axis is None:
        raise NotCovered("tf.squeeze of a ragged tensor needs its `axis`.")
    for one in sorted((a % input.ndim for a in np.ravel(axis).tolist()), reverse=True):
        input = (
            input[0]
            if one == 0
            else input.merge_dims(one - 1, one)
            if one == 1
            else input.with_values(
                _squeeze(input.values, one - 1)
                if isinstance(input.values, RaggedArray)
                else jnp.squeeze(input.values, one - 1)
            )
        )
    return input


@serves(RaggedArray, "tensorflow.reverse")
def _reverse(tensor: Any, axis: Any, name: Any = None) -> Any:
    return ragged.reverse(tensor, axis)


@serves(RaggedArray, "tensorflow.tile")
def _tile(input: Any, multiples: Any, name: Any = None) -> Any:
    return ragged.tile(input, multiples)


@serves(RaggedArray, "tensorflow.reshape")
def _reshape(tensor: Any, shape: Any, name: Any = None) -> Any:
    if np.asarray(shape).tolist() != [-1]:
        raise NotCovered(
            "tf.reshape of a ragged tensor is covered for shape=[-1]; `.to_tensor()` makes it dense."
        )
    return tensor.flat_values


@serves(RaggedArray, "tensorflow.boolean_mask")
def _masked(tensor: Any, mask: Any, axis: Any = None, name: Any = None) -> Any:
    return ragged.boolean_mask(tensor, mask)


@serves(RaggedArray, "tensorflow.where")
def _where(dense: Any, condition: Any, x: Any = None, y: Any = None, name: Any = None) -> Any:
    if x is None and y is None:
        return ragged.where(condition)
    return map_flat_values(dense, condition, x, y)


@serves(RaggedArray, "tensorflow.nn.softmax")
def _softmax(logits: Any, axis: Any = None, name: Any = None) -> Any:
    if axis not in (None, -1, logits.ndim - 1):
        raise NotCovered(
            f"tf.nn.softmax: axis={axis} of a ragged tensor is not covered; the last axis is."
        )
    return ragged.softmax(logits)


@serves(RaggedArray, "tensorflow.map_fn")
def _map_fn(fn: Any, elems: Any, *args: Any, **kwargs: Any) -> Any:
    return ragged.stack([fn(row) for row in elems])


@serves(RaggedArray, "tensorflow.size")
def _size(input: Any, out_type: Any = None, name: Any = None) -> Any:
    return jnp.asarray(input.size)


@serves(RaggedArray, "tensorflow.rank")
def _rank(input: Any, name: Any = None) -> Any:
    return jnp.asarray(input.ndim)


@serves(RaggedArray, "tensorflow.shape")
def _shape(input: Any, out_type: Any = None, name: Any = None) -> Any:
    raise NotCovered(
        "tf.shape of a ragged tensor is not covered: `.nrows()`, `.row_lengths()`, `.bounding_shape()` say its sizes."
    )


@serves(RaggedArray, "tensorflow.is_tensor")
def _is_tensor(x: Any) -> bool:
    return True


@serves(RaggedArray, "tensorflow.convert_to_tensor", "tensorflow.constant")
def _convert(value: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
    if isinstance(value, list | tuple):
        return ragged.stack(list(value))
    raise ValueError(
        "A ragged tensor is no dense one: `.to_tensor()` fills its rows up to one length."
    )
