"""`tf.math` and TensorFlow's rarer array functions, where they are more than one op of ours."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from trivium import ops
from trivium.compat.errors import NotCovered
from trivium.compat.tensorflow.arrays import array_function
from trivium.compat.tensorflow.checks import check_divisor, check_exponent, check_indices
from trivium.compat.written import WRITTEN, covers
from trivium.graph.op import op as recorded
from trivium.ops.arrays import as_array

__all__: list[str] = []


def _of(path: str) -> Callable[..., Any]:
    function = array_function(f"tensorflow.{path}")
    assert function is not None, path
    return function


# -- mathematics ------------------------------------------------------------------------------------------------


@covers("tensorflow.complex", "tensorflow.dtypes.complex")
def _complex(real: Any, imag: Any, name: str | None = None) -> Any:
    return ops.view_as_complex(ops.stack([real, imag], axis=-1))


def _cover_division(path: str, divide: Callable[..., Any], meaning: str) -> None:
    def divided(x: Any, y: Any, name: str | None = None) -> Any:
        check_divisor(x, y, meaning)
        return divide(x, y)

    covers(f"tensorflow.{path}")(divided)


def _towards_zero(function: Callable[..., Any]) -> Callable[..., Any]:
    @recorded
    def divide(x: Any, y: Any) -> Any:
        return function(*jnp.broadcast_arrays(as_array(x), as_array(y)))

    return divide


for _path, _divide, _meaning in (
    ("math.floordiv", ops.floor_divide, "INVALID_ARGUMENT"), ("math.floormod", ops.mod, "INVALID_ARGUMENT"),
    # These two answer with another class in TensorFlow.
    ("truncatediv", _towards_zero(jax.lax.div), "INTERNAL"), ("truncatemod", _towards_zero(jax.lax.rem), "INTERNAL"),
):  # fmt: skip
    _cover_division(_path, _divide, _meaning)


@covers("tensorflow.pow")
def _pow(x: Any, y: Any, name: str | None = None) -> Any:
    check_exponent(x, y)
    return ops.power(x, y)


@covers("tensorflow.math.accumulate_n")
def _accumulate_n(
    inputs: Sequence[Any], shape: Any = None, tensor_dtype: Any = None, name: str | None = None
) -> Any:
    return sum(inputs[1:], ops.convert_to_tensor(inputs[0]))


@covers("tensorflow.math.cumulative_logsumexp")
def _cumulative_logsumexp(
    x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Any:
    if exclusive:
        raise NotCovered("tf.math.cumulative_logsumexp: exclusive=True is not covered; False is.")
    x = ops.flip(x, axis) if reverse else x
    total = ops.associative_scan(ops.logaddexp, x, axis=axis)
    return ops.flip(total, axis) if reverse else total


@covers("tensorflow.math.erfcinv")
def _erfcinv(x: Any, name: str | None = None) -> Any:
    return ops.erfinv(ops.subtract(1.0, x))


@covers("tensorflow.math.invert_permutation")
def _invert_permutation(x: Any, name: str | None = None) -> Any:
    return ops.argsort(x)


def _steps(x: Any) -> Any:
    flat = ops.ravel(x)
    return flat[1:] - flat[:-1]


@covers("tensorflow.math.is_non_decreasing")
def _is_non_decreasing(x: Any, name: str | None = None) -> Any:
    return ops.all(_steps(x) >= 0)


@covers("tensorflow.math.is_strictly_increasing")
def _is_strictly_increasing(x: Any, name: str | None = None) -> Any:
    return ops.all(_steps(x) > 0)


@covers("tensorflow.math.lbeta")
def _lbeta(x: Any, name: str | None = None) -> Any:
    log_gamma = _of("math.lgamma")
    return ops.sum(log_gamma(x), axis=-1) - log_gamma(ops.sum(x, axis=-1))


@covers("tensorflow.math.multiply_no_nan")
def _multiply_no_nan(x: Any, y: Any, name: str | None = None) -> Any:
    return ops.where(ops.equal(y, 0), ops.zeros_like(ops.convert_to_tensor(x)), ops.multiply(x, y))


@covers("tensorflow.math.reciprocal_no_nan")
def _reciprocal_no_nan(x: Any, name: str | None = None) -> Any:
    return ops.divide_no_nan(1.0, x)


@covers("tensorflow.math.xdivy")
def _xdivy(x: Any, y: Any, name: str | None = None) -> Any:
    x = ops.convert_to_tensor(x)
    return ops.where(
        ops.equal(x, 0), ops.zeros_like(x), ops.divide(x, ops.where(ops.equal(x, 0), 1.0, y))
    )


@covers("tensorflow.math.polygamma")
def _polygamma(a: Any, x: Any, name: str | None = None) -> Any:
    # By Hurwitz's zeta function, so that the order may come as a float: https://dlmf.nist.gov/5.15
    order = ops.add(a, 1.0)
    value = ops.exp(_of("math.lgamma")(order)) * _of("math.zeta")(order, x)
    signed = ops.where(ops.equal(ops.mod(order, 2.0), 0), value, -value)
    return ops.where(ops.equal(a, 0), _of("math.digamma")(x), signed)


@covers("tensorflow.math.polyval")
def _polyval(coeffs: Sequence[Any], x: Any, name: str | None = None) -> Any:
    value: Any = ops.zeros_like(ops.convert_to_tensor(x))
    for coefficient in coeffs:
        value = value * x + coefficient
    return value


@covers("tensorflow.histogram_fixed_width_bins")
def _bins(
    values: Any, value_range: Any, nbins: int = 100, dtype: Any = "int32", name: str | None = None
) -> Any:
    low, high = value_range
    places = ops.floor((ops.convert_to_tensor(values) - low) / (high - low) * nbins)
    return ops.cast(ops.clip(places, 0, nbins - 1), dtype)


@covers("tensorflow.histogram_fixed_width")
def _histogram(
    values: Any, value_range: Any, nbins: int = 100, dtype: Any = "int32", name: str | None = None
) -> Any:
    bins = ops.ravel(_bins(values, value_range, nbins))
    return ops.cast(ops.segment_sum(ops.ones_like(bins), bins, nbins), dtype)


# -- arrays -----------------------------------------------------------------------------------------------------


class _Unique(NamedTuple):
    y: Any
    idx: Any


class _UniqueWithCounts(NamedTuple):
    y: Any
    idx: Any
    count: Any


@covers("tensorflow.unique_with_counts")
def _unique_with_counts(x: Any, out_idx: Any = "int32", name: str | None = None) -> Any:
    # In the order in which they come, and not in that of their values.
    found, first, inverse, counts = np.unique(
        np.asarray(x), return_index=True, return_inverse=True, return_counts=True
    )
    order = np.argsort(first)
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    parts = (found[order], places[inverse].astype(str(out_idx)), counts[order].astype(str(out_idx)))
    return _UniqueWithCounts(*map(ops.convert_to_tensor, parts))


@covers("tensorflow.unique")
def _unique(x: Any, out_idx: Any = "int32", name: str | None = None) -> Any:
    return _Unique(*_unique_with_counts(x, out_idx)[:2])


@covers("tensorflow.unravel_index")
def _unravel_index(indices: Any, dims: Any, name: str | None = None) -> Any:
    return ops.stack(list(ops.unravel_index(indices, tuple(np.asarray(dims).tolist()))), axis=0)


@covers("tensorflow.strided_slice")
def _strided_slice(
    input_: Any,
    begin: Any,
    end: Any,
    strides: Any = None,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
    var: Any = None,
    name: str | None = None,
) -> Any:
    starts, ends = np.asarray(begin).tolist(), np.asarray(end).tolist()
    steps = [1] * len(starts) if strides is None else np.asarray(strides).tolist()
    key: list[Any] = []
    for i, (first, last, step) in enumerate(zip(starts, ends, steps, strict=True)):
        bit = 1 << i
        if ellipsis_mask & bit:
            key.append(...)
        elif new_axis_mask & bit:
            key.append(None)
        elif shrink_axis_mask & bit:
            key.append(first)
        else:
            key.append(
                slice(None if begin_mask & bit else first, None if end_mask & bit else last, step)
            )
    return ops.get_item(input_, tuple(key))


@covers("tensorflow.reverse_sequence")
def _reverse_sequence(
    input: Any,
    seq_lengths: Any,
    seq_axis: Any = None,
    batch_axis: Any = None,
    name: str | None = None,
) -> Any:
    axis, batch = seq_axis or 0, batch_axis or 0
    check_indices("tf.reverse_sequence, seq_lengths", seq_lengths, ops.shape(input)[axis] + 1)
    x = ops.moveaxis(input, (batch, axis), (0, 1))
    steps = ops.arange(ops.shape(x)[1])
    lengths = ops.expand_dims(ops.cast(seq_lengths, "int32"), -1)
    places = ops.where(steps < lengths, lengths - 1 - steps, steps)
    places = ops.reshape(places, (*ops.shape(places), *[1] * (ops.ndim(x) - 2)))
    return ops.moveaxis(ops.take_along_axis(x, places, axis=1), (0, 1), (batch, axis))


@covers("tensorflow.dynamic_stitch")
def _dynamic_stitch(indices: Sequence[Any], data: Sequence[Any], name: str | None = None) -> Any:
    places = [np.asarray(i) for i in indices]
    rest = np.shape(data[0])[places[0].ndim :]
    whole = np.zeros(
        (max(int(p.max()) for p in places if p.size) + 1, *rest), np.asarray(data[0]).dtype
    )
    for place, part in zip(places, data, strict=True):
        whole[place.ravel()] = np.reshape(np.asarray(part), (-1, *rest))
    return ops.convert_to_tensor(whole)


@covers("tensorflow.broadcast_static_shape", "tensorflow.broadcast_dynamic_shape")
def _broadcast_shape(shape_x: Any, shape_y: Any, name: str | None = None) -> Any:
    return np.broadcast_shapes(
        tuple(np.asarray(shape_x).tolist()), tuple(np.asarray(shape_y).tolist())
    )


@covers("tensorflow.shape_n")
def _shape_n(input: Sequence[Any], out_type: Any = None, name: str | None = None) -> Any:
    return [WRITTEN["tensorflow.shape"](x) for x in input]


covers("tensorflow.identity_n")(lambda input, name=None: [ops.copy(x) for x in input])
covers("tensorflow.tuple")(lambda tensors, control_inputs=None, name=None: list(tensors))
covers("tensorflow.parallel_stack")(lambda values, name=None: ops.stack(values, axis=0))
covers("tensorflow.timestamp")(lambda name=None: ops.convert_to_tensor(time.time()))
covers("tensorflow.guarantee_const")(lambda input, name=None: input)


@covers("tensorflow.space_to_batch", "tensorflow.space_to_batch_nd", "tensorflow.nn.space_to_batch")
def _space_to_batch(input: Any, block_shape: Any, paddings: Any, name: str | None = None) -> Any:
    blocks = np.atleast_1d(np.asarray(block_shape)).tolist()
    rest = ops.ndim(input) - 1 - len(blocks)
    x = ops.pad(input, [[0, 0], *np.asarray(paddings).tolist(), *[[0, 0]] * rest])
    batch, *sizes = ops.shape(x)
    split = [n for s, b in zip(sizes, blocks, strict=False) for n in (s // b, b)]
    channels = sizes[len(blocks) :]
    x = ops.reshape(x, (batch, *split, *channels))
    inner, outer = range(2, 2 * len(blocks) + 1, 2), range(1, 2 * len(blocks) + 1, 2)
    last = range(2 * len(blocks) + 1, ops.ndim(x))
    x = ops.transpose(x, (*inner, 0, *outer, *last))
    return ops.reshape(x, (-1, *[s // b for s, b in zip(sizes, blocks, strict=False)], *channels))


@covers("tensorflow.batch_to_space")
def _batch_to_space(input: Any, block_shape: Any, crops: Any, name: str | None = None) -> Any:
    blocks = np.atleast_1d(np.asarray(block_shape)).tolist()
    count = len(blocks)
    batch, *sizes = ops.shape(input)
    x = ops.reshape(input, (*blocks, batch // int(np.prod(blocks)), *sizes))
    order = [
        count,
        *[a for i in range(count) for a in (count + 1 + i, i)],
        *range(2 * count + 1, ops.ndim(x)),
    ]
    x = ops.transpose(x, order)
    grown = [s * b for s, b in zip(sizes, blocks, strict=False)]
    x = ops.reshape(x, (-1, *grown, *sizes[count:]))
    cut = [slice(a, n - b) for (a, b), n in zip(np.asarray(crops).tolist(), grown, strict=True)]
    return ops.get_item(x, (slice(None), *cut))


# -- structures --------------------------------------------------------------------------------------------------


@covers("tensorflow.nest.is_nested")
def _is_nested(structure: Any) -> bool:
    return isinstance(structure, list | tuple | dict)


@covers("tensorflow.nest.pack_sequence_as")
def _pack_sequence_as(structure: Any, flat_sequence: Any, expand_composites: bool = False) -> Any:
    return jax.tree.unflatten(jax.tree.structure(structure), list(flat_sequence))


@covers("tensorflow.nest.assert_same_structure")
def _assert_same_structure(
    nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False
) -> None:
    one, other = str(jax.tree.structure(nest1)), str(jax.tree.structure(nest2))
    if one != other:
        raise ValueError(f"The structures differ: {one} and {other}.")


@covers("tensorflow.get_static_value")
def _get_static_value(tensor: Any, partial: bool = False) -> Any:
    known = not isinstance(tensor, jax.core.Tracer) and hasattr(tensor, "__array__")
    return np.asarray(tensor) if known else None
