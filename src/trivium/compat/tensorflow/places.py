"""Parts of tensors at some places: taken, written, and summed up by segments."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium import ops
from trivium.compat.errors import NotCovered
from trivium.compat.tensorflow.checks import check_indices, check_places, refuse
from trivium.compat.tensorflow.errors import as_tensorflow_s
from trivium.compat.written import covers
from trivium.graph.op import op
from trivium.ops.arrays import as_array
from trivium.state.dtypes import is_float

__all__: list[str] = []

# -- taken ------------------------------------------------------------------------------------------------------


@op
def _of_each(params: Any, indices: Any, axis: int, batch_dims: int) -> Any:
    """Return what is at some places of each of the tensors that lie along the first axes."""

    def take(x: Any, i: Any) -> Any:
        if axis < 0:
            return x[tuple(jnp.moveaxis(i, -1, 0))]
        return jnp.take(x, i, axis=axis - batch_dims)

    for _ in range(batch_dims):
        take = jax.vmap(take)
    return take(as_array(params), as_array(indices))


@covers("tensorflow.gather")
def _gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    axis: int | None = None,
    batch_dims: int = 0,
    name: str | None = None,
) -> Any:
    rank, batch_dims = ops.ndim(params), int(batch_dims)
    batch_dims += ops.ndim(indices) if batch_dims < 0 else 0
    axis = batch_dims if axis is None else int(axis)
    if not -rank <= axis < rank:
        raise ValueError(f"tf.gather: wanted an axis of the shape {ops.shape(params)}, got {axis}.")
    axis %= rank
    if not 0 <= batch_dims <= min(ops.ndim(indices), axis):
        raise ValueError(
            f"tf.gather: batch_dims={batch_dims} is more than the axes of `indices`, {ops.shape(indices)}, or more "
            f"than axis={axis}."
        )
    check_indices("tf.gather", indices, ops.shape(params)[axis])
    if batch_dims:
        return _of_each(params, indices, axis, batch_dims)
    return ops.take(params, indices, axis=axis)


@covers("tensorflow.gather_nd")
def _gather_nd(params: Any, indices: Any, batch_dims: int = 0, name: str | None = None) -> Any:
    check_places("tf.gather_nd", indices, ops.shape(params)[batch_dims:])
    if batch_dims:
        return _of_each(params, indices, -1, batch_dims)
    if ops.shape(indices)[-1] == 0:  # Each place is all of it.
        return ops.broadcast_to(params, (*ops.shape(indices)[:-1], *ops.shape(params)))
    return ops.get_item(params, tuple(ops.unstack(indices, axis=-1)))


@covers("tensorflow.boolean_mask")
def _boolean_mask(tensor: Any, mask: Any, axis: int | None = None, name: str = "") -> Any:
    if axis not in (None, 0):
        raise NotCovered(f"tf.boolean_mask: axis={axis} is not covered; axis=0 is.")
    return ops.convert_to_tensor(tensor)[np.asarray(mask)]


# -- written ----------------------------------------------------------------------------------------------------


@covers("tensorflow.scatter_nd")
def _scatter_nd(indices: Any, updates: Any, shape: Any, name: str | None = None) -> Any:
    sizes = tuple(np.asarray(shape).tolist())
    check_places("tf.scatter_nd", indices, sizes)
    return ops.scatter(indices, updates, sizes)


def _cover_writes(kind: str, reduction: str | None) -> None:
    def write(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Any:
        check_places(f"tf.tensor_scatter_nd_{kind}", indices, ops.shape(tensor))
        updates = ops.negative(updates) if kind == "sub" else updates
        return ops.scatter_update(tensor, indices, updates, reduction)

    covers(f"tensorflow.tensor_scatter_nd_{kind}")(write)


for _kind, _reduction in (
    ("update", None), ("add", "add"), ("sub", "add"), ("max", "max"), ("min", "min"),
):  # fmt: skip
    _cover_writes(_kind, _reduction)


# -- segments ---------------------------------------------------------------------------------------------------


def _cover_segments(kind: str) -> None:
    def segments(data: Any, segment_ids: Any, name: str | None = None) -> Any:
        ids = np.asarray(segment_ids)
        if (np.diff(ids) < 0).any() or (ids < 0).any():
            raise ValueError(
                f"tf.math.segment_{kind}: segment ids are not increasing; "
                f"`tf.math.unsorted_segment_{kind}` takes them in any order."
            )
        return getattr(ops, f"segment_{kind}")(data, ids, int(ids.max()) + 1, sorted=True)

    covers(f"tensorflow.math.segment_{kind}")(segments)


for _kind in ("max", "min", "prod", "sum"):
    _cover_segments(_kind)


def _check_segments(kind: str, segment_ids: Any, count: Any) -> None:
    """Refuse ids beyond the last; what has a negative one belongs to no segment."""

    def error(place: int, row: list[int]) -> Exception:
        return as_tensorflow_s(
            ValueError(
                f"tf.math.unsorted_segment_{kind}: segment id {row[0]} is not below {count}."
            )
        )

    if isinstance(count, int | np.integer):
        refuse(ops.ravel(segment_ids), lambda x: x >= count, error)


def _cover_unsorted(kind: str) -> None:
    def segments(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
        _check_segments(kind, segment_ids, num_segments)
        found = getattr(ops, f"segment_{kind}")(data, segment_ids, num_segments)
        if kind in ("prod", "sum") or not is_float(found.dtype):
            return found
        # A segment without members has the extreme finite number, not an infinity.
        limits = jnp.finfo(found.dtype)
        return ops.maximum(found, limits.min) if kind == "max" else ops.minimum(found, limits.max)

    covers(f"tensorflow.math.unsorted_segment_{kind}")(segments)


for _kind in ("max", "min", "prod", "sum"):
    _cover_unsorted(_kind)


def _members(segment_ids: Any, count: Any, data: Any) -> Any:
    ones = ops.ones_like(ops.convert_to_tensor(segment_ids), dtype="float32")
    counts = ops.maximum(ops.segment_sum(ones, segment_ids, count), 1.0)
    return ops.reshape(counts, (-1, *[1] * (ops.ndim(data) - 1)))


@covers("tensorflow.math.unsorted_segment_mean")
def _unsorted_segment_mean(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Any:
    _check_segments("mean", segment_ids, num_segments)
    return ops.segment_sum(data, segment_ids, num_segments) / _members(
        segment_ids, num_segments, data
    )


@covers("tensorflow.math.unsorted_segment_sqrt_n")
def _unsorted_segment_sqrt_n(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Any:
    _check_segments("sqrt_n", segment_ids, num_segments)
    counts = _members(segment_ids, num_segments, data)
    return ops.segment_sum(data, segment_ids, num_segments) / ops.sqrt(counts)


@covers("tensorflow.math.segment_mean")
def _segment_mean(data: Any, segment_ids: Any, name: str | None = None) -> Any:
    return _unsorted_segment_mean(data, segment_ids, int(np.max(segment_ids)) + 1)


@covers("tensorflow.dynamic_partition")
def _dynamic_partition(
    data: Any, partitions: Any, num_partitions: int, name: str | None = None
) -> Any:
    which = np.asarray(partitions)
    check_indices("tf.dynamic_partition: partitions", which, num_partitions)
    return [ops.convert_to_tensor(data)[which == i] for i in range(num_partitions)]


@covers("tensorflow.math.bincount")
def _bincount(
    arr: Any,
    weights: Any = None,
    minlength: Any = None,
    maxlength: Any = None,
    dtype: Any = None,
    name: str | None = None,
) -> Any:
    if maxlength is not None:
        raise NotCovered(f"tf.math.bincount: maxlength={maxlength!r} is not covered; None is.")

    def error(place: int, row: list[int]) -> Exception:
        return as_tensorflow_s(
            ValueError(f"tf.math.bincount: wanted no negative number, got {row[0]}.")
        )

    refuse(ops.ravel(arr), lambda x: x < 0, error)
    return ops.bincount(arr, weights, minlength or 0)
