"""Sparse arrays under `tf`: `tf.SparseTensor`, `tf.sparse`, `tf.sets`, and the functions of arrays that take them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.compat.tensorflow.kinds import serves, serves_by
from trivium.compat.tensorflow.ragged import rows_of_sparse as ragged_rows
from trivium.compat.written import WRITTEN, covers
from trivium.data import strings
from trivium.data.sparse import SparseArray, functions, sets
from trivium.data.sparse.array import as_sparse
from trivium.graph.op import op

__all__: list[str] = []

WRITTEN["tensorflow.SparseTensor"] = SparseArray


@covers("tensorflow.sparse.from_dense")
def _from_dense(tensor: Any, name: str | None = None) -> Any:
    return as_sparse(tensor)


@covers("tensorflow.sparse.to_dense")
def _to_dense(
    sp_input: SparseArray,
    default_value: Any = None,
    validate_indices: bool = True,
    name: str | None = None,
) -> Any:
    return sp_input.to_dense(default_value)


@covers("tensorflow.sparse.reorder")
def _reorder(sp_input: SparseArray, name: str | None = None) -> Any:
    return sp_input.ordered()


@covers("tensorflow.sparse.add")
def _add(a: Any, b: Any, threshold: Any = 0) -> Any:
    return functions.add(a, b, threshold)


@covers("tensorflow.sparse.sparse_dense_matmul")
def _matmul(
    sp_a: Any, b: Any, adjoint_a: bool = False, adjoint_b: bool = False, name: str | None = None
) -> Any:
    return functions.matmul(sp_a, b, adjoint_a, adjoint_b)


def _reduces(kind: str) -> None:
    def reduce(
        sp_input: SparseArray,
        axis: Any = None,
        keepdims: bool = False,
        output_is_sparse: bool = False,
        name: str | None = None,
    ) -> Any:
        found = functions.reduced(sp_input, kind, axis, bool(keepdims))
        return as_sparse(found) if output_is_sparse else found

    covers(f"tensorflow.sparse.reduce_{kind}")(reduce)


_reduces("sum")
_reduces("max")


@covers("tensorflow.sparse.slice")
def _slice(sp_input: SparseArray, start: Any, size: Any, name: str | None = None) -> Any:
    return functions.cut(sp_input, start, size)


@covers("tensorflow.sparse.split")
def _split(
    sp_input: Any = None, num_split: Any = None, axis: Any = None, name: str | None = None
) -> Any:
    return functions.split(sp_input, int(num_split), int(axis))


@covers("tensorflow.sparse.concat")
def _concat(
    axis: int,
    sp_inputs: Sequence[SparseArray],
    expand_nonconcat_dims: bool = False,
    name: str | None = None,
) -> Any:
    return functions.concat(sp_inputs, int(axis), expand_nonconcat_dims)


@covers("tensorflow.sparse.reshape")
def _reshape(sp_input: SparseArray, shape: Any, name: str | None = None) -> Any:
    return functions.reshape(sp_input, shape)


@covers("tensorflow.sparse.transpose")
def _transpose(sp_input: SparseArray, perm: Any = None, name: str | None = None) -> Any:
    return functions.transpose(sp_input, perm)


@covers("tensorflow.sparse.expand_dims")
def _expand_dims(sp_input: SparseArray, axis: Any = None, name: str | None = None) -> Any:
    return functions.expand_dims(sp_input, -1 if axis is None else int(axis))


@covers("tensorflow.sparse.fill_empty_rows")
def _fill_empty_rows(sp_input: SparseArray, default_value: Any, name: str | None = None) -> Any:
    return functions.fill_empty_rows(sp_input, default_value)


@covers("tensorflow.sparse.softmax")
def _softmax(sp_input: SparseArray, name: str | None = None) -> Any:
    return functions.softmax(sp_input)


@covers("tensorflow.sparse.retain")
def _retain(sp_input: SparseArray, to_retain: Any) -> Any:
    return functions.retain(sp_input, to_retain)


@covers("tensorflow.sparse.eye")
def _eye(
    num_rows: int, num_columns: Any = None, dtype: Any = "float32", name: str | None = None
) -> Any:
    return functions.eye(int(num_rows), num_columns, dtype)


@covers("tensorflow.sparse.reset_shape")
def _reset_shape(sp_input: SparseArray, new_shape: Any = None) -> Any:
    return functions.reset_shape(sp_input, new_shape)


@covers("tensorflow.sparse.maximum")
def _maximum(sp_a: SparseArray, sp_b: SparseArray, name: str | None = None) -> Any:
    return functions.merged(sp_a, sp_b, jnp.maximum)


@covers("tensorflow.sparse.minimum")
def _minimum(sp_a: SparseArray, sp_b: SparseArray, name: str | None = None) -> Any:
    return functions.merged(sp_a, sp_b, jnp.minimum)


@covers("tensorflow.sparse.map_values")
def _map_values(op: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    def values(x: Any) -> Any:
        return x.values if isinstance(x, SparseArray) else x

    first = next(a for a in (*args, *kwargs.values()) if isinstance(a, SparseArray))
    return first.with_values(op(*map(values, args), **{k: values(v) for k, v in kwargs.items()}))


@covers("tensorflow.sparse.to_indicator")
def _to_indicator(sp_input: SparseArray, vocab_size: int, name: str | None = None) -> Any:
    dense = np.zeros((*sp_input.shape[:-1], int(vocab_size)), bool)
    dense[(*sp_input.places[:, :-1].T, np.asarray(sp_input.values))] = True
    return jnp.asarray(dense)


@covers("tensorflow.sparse.bincount")
def _bincount(
    values: Any, weights: Any = None, axis: Any = 0, minlength: Any = None, maxlength: Any = None,
    binary_output: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    counts = np.bincount(
        np.ravel(values), None if weights is None else np.ravel(weights), int(minlength or 0)
    )
    counts = (counts > 0).astype(int) if binary_output else counts
    return as_sparse(counts if maxlength is None else counts[: int(maxlength)])


def _columns(inputs: Sequence[Any]) -> list[Any]:
    return [ragged_rows(x) if isinstance(x, SparseArray) else x for x in inputs]


@covers("tensorflow.sparse.cross")
def _cross(
    inputs: Sequence[Any], name: str | None = None, separator: str | None = None
) -> SparseArray:
    made = strings.cross(_columns(inputs), "_X_" if separator is None else separator)
    return made.to_sparse()


@covers("tensorflow.sparse.cross_hashed")
def _cross_hashed(
    inputs: Sequence[Any],
    num_buckets: int = 0,
    hash_key: int | None = None,
    name: str | None = None,
) -> SparseArray:
    made = strings.cross_hashed(_columns(inputs), num_buckets, hash_key)
    return made.to_sparse()


def _covers_segments(kind: str) -> None:
    def segments(
        data: Any, indices: Any, segment_ids: Any, num_segments: Any = None, name: str | None = None,
        sparse_gradient: bool = False,
    ) -> Any:  # fmt: skip
        """Reduce some of the rows of an array, those of one segment to one; `num_segments` counts empty ones."""
        picked, numbers = jnp.asarray(data)[jnp.asarray(indices)], np.asarray(segment_ids)
        count = int(numbers.max(initial=-1)) + 1 if num_segments is None else int(num_segments)
        total = jax.ops.segment_sum(picked, numbers, count)
        sizes = np.maximum(np.bincount(numbers, minlength=count), 1).astype("float32")
        sizes = {"sum": np.ones_like(sizes), "mean": sizes, "sqrt_n": np.sqrt(sizes)}[kind]
        return total / sizes.reshape(-1, *[1] * (picked.ndim - 1)).astype(total.dtype)

    covers(f"tensorflow.sparse.segment_{kind}")(op(segments))


for _kind in ("sum", "mean", "sqrt_n"):
    _covers_segments(_kind)
for _name in ("intersection", "union", "size", "difference"):
    WRITTEN[f"tensorflow.sets.{_name}"] = getattr(sets, _name)

# -- functions of arrays ----------------------------------------------------------------------------------------


def _by_values(dense: Any, x: SparseArray, *args: Any, **kwargs: Any) -> Any:
    return x.with_values(dense(x.values, *args, **kwargs))


_ENTRYWISE = "abs cast negative sign sqrt square tanh identity math.sign zeros_like ones_like"
for _name in _ENTRYWISE.split():
    serves_by(SparseArray, f"tensorflow.{_name}", _by_values)


@serves(SparseArray, "tensorflow.shape")
def _shape(input: SparseArray, out_type: Any = None, name: str | None = None) -> Any:
    return WRITTEN["tensorflow.shape"](np.broadcast_to(0, input.shape))


@serves(SparseArray, "tensorflow.size")
def _size(input: SparseArray, out_type: Any = None, name: str | None = None) -> Any:
    return jnp.asarray(int(np.prod(input.shape)))


@serves(SparseArray, "tensorflow.rank")
def _rank(input: SparseArray, name: str | None = None) -> Any:
    return jnp.asarray(input.ndim)


@serves(SparseArray, "tensorflow.is_tensor")
def _is_tensor(x: Any) -> bool:
    return True
