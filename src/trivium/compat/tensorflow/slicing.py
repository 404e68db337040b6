"""TensorFlow's functions that cut, repeat and pad tensors."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from trivium import ops
from trivium.compat.written import covers
from trivium.graph.op import any_symbolic

__all__: list[str] = []


@covers("tensorflow.split")
def _split(
    value: Any, num_or_size_splits: Any, axis: int = 0, num: int | None = None, name: str = ""
) -> Any:
    if isinstance(num_or_size_splits, int):
        return ops.split(value, num_or_size_splits, axis=axis)
    sizes = [int(s) for s in num_or_size_splits]
    if -1 in sizes:
        rest = ops.shape(value)[axis] - sum(s for s in sizes if s != -1)
        sizes = [rest if s == -1 else s for s in sizes]
    return ops.split(value, list(itertools.accumulate(sizes[:-1])), axis=axis)


@covers("tensorflow.tile")
def _tile(input: Any, multiples: Any, name: str | None = None) -> Any:
    if not any_symbolic((multiples,)) and ops.size(multiples) != ops.ndim(input):
        raise ValueError(
            f"tf.tile: `multiples` has a number for each axis; got {multiples} for the shape {ops.shape(input)}."
        )
    return ops.tile(input, multiples)


@covers("tensorflow.pad")
def _pad(
    tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0, name: str = ""
) -> Any:
    widths = np.asarray(paddings).tolist()
    if np.shape(widths) != (ops.ndim(tensor), 2):
        raise ValueError(
            f"tf.pad: `paddings` has a pair of numbers for each axis; got {widths} for the shape {ops.shape(tensor)}."
        )
    if mode.lower() != "constant":
        return ops.pad(tensor, widths, mode=mode.lower())
    return ops.pad(tensor, widths, mode="constant", constant_values=constant_values)


@covers("tensorflow.slice")
def _slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Any:
    sizes, starts = np.asarray(size).tolist(), np.asarray(begin).tolist()
    ends = [None if s == -1 else b + s for b, s in zip(starts, sizes, strict=True)]
    shape = ops.shape(input_)
    for axis, (start, end, here) in enumerate(zip(starts, ends, shape, strict=True)):
        if start < 0 or (isinstance(here, int) and max(start, end or 0) > here):
            raise ValueError(
                f"tf.slice: begin={starts} and size={sizes} reach outside of axis {axis} of the shape {shape}."
            )
    return ops.get_item(input_, tuple(map(slice, starts, ends)))


@covers("keras.backend.batch_flatten")
def _batch_flatten(x: Any) -> Any:
    return ops.reshape(x, (-1, int(np.prod(ops.shape(x)[1:]))))
