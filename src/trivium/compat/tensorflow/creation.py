"""TensorFlow's functions that make tensors of numbers, sizes and indices."""

from __future__ import annotations

import contextlib
from typing import Any

import jax

from trivium import ops
from trivium.compat.tensorflow.static_shapes import as_sizes
from trivium.compat.written import covers
from trivium.state.traces import outside_of_traces

__all__: list[str] = []


@covers("tensorflow.constant")
def _constant(value: Any, dtype: Any = None, shape: Any = None, name: str = "Const") -> Any:
    # What is known is known in compiled functions, too: nothing is to be looked at when they run.
    traced = any(isinstance(v, jax.core.Tracer) for v in jax.tree_util.tree_leaves(value))
    with contextlib.nullcontext() if traced else outside_of_traces():
        x = ops.convert_to_tensor(value, dtype)
        if shape is None:
            return x
        return ops.full(shape, value, dtype or x.dtype) if x.ndim == 0 else ops.reshape(x, shape)


@covers("tensorflow.range")
def _range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str = "") -> Any:
    first, stop = (0, start) if limit is None else (start, limit)
    return ops.arange(first, stop, delta, dtype=dtype)


@covers("tensorflow.one_hot")
def _one_hot(
    indices: Any,
    depth: int,
    on_value: Any = None,
    off_value: Any = None,
    axis: int | None = None,
    dtype: Any = None,
    name: str | None = None,
) -> Any:
    axis = -1 if axis is None else axis
    hot = ops.one_hot(indices, int(depth), axis=axis, dtype="bool")
    on, off = 1 if on_value is None else on_value, 0 if off_value is None else off_value
    return ops.cast(ops.where(hot, on, off), dtype or "float32")


@covers("tensorflow.sequence_mask")
def _sequence_mask(
    lengths: Any, maxlen: Any = None, dtype: Any = "bool", name: str | None = None
) -> Any:
    lengths = ops.convert_to_tensor(lengths)
    longest = int(ops.max(lengths)) if maxlen is None else maxlen
    return ops.cast(ops.arange(longest) < ops.expand_dims(lengths, -1), dtype)


@covers("tensorflow.fill")
def _fill(dims: Any, value: Any, name: str | None = None, layout: Any = None) -> Any:
    return ops.full(as_sizes(dims), value, ops.convert_to_tensor(value).dtype)


@covers("tensorflow.meshgrid")
def _meshgrid(*args: Any, indexing: str = "xy", name: str = "") -> Any:
    return ops.meshgrid(*args, indexing=indexing)
