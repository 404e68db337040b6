"""The rest of `tf.nn`: transposed, depthwise and general convolutions, local normalization, weighted losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium import ops
from trivium.compat.errors import NotCovered
from trivium.compat.networks import _padding, _spatial
from trivium.compat.tensorflow.distribute import replicas
from trivium.compat.written import WRITTEN, covers
from trivium.graph import SymbolicTensor

__all__: list[str] = []


def _rank(input: Any) -> int:
    return len(ops.shape(input)) - 2


@covers("tensorflow.nn.convolution")
def _convolution(
    input: Any,
    filters: Any,
    strides: Any = None,
    padding: str = "VALID",
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    padding, rank = _padding("convolution", padding, data_format), _rank(input)
    steps, holes = (
        _spatial("convolution", n, s, rank)
        for n, s in (("strides", strides), ("dilations", dilations))
    )
    return ops.conv(input, filters, steps, padding, "channels_last", holes)


@covers("tensorflow.nn.atrous_conv2d")
def _atrous_conv2d(
    value: Any, filters: Any, rate: int, padding: str, name: str | None = None
) -> Any:
    return _convolution(value, filters, 1, padding, None, rate)


def _spatial_sizes(output_shape: Any, rank: int) -> list[int] | None:
    """Return the spatial sizes in a shape; `None` where they are not known while programs are compiled."""
    if isinstance(output_shape, SymbolicTensor | jax.core.Tracer):
        return None
    sizes = list(output_shape)[-rank - 1 : -1]
    if any(isinstance(n, SymbolicTensor | jax.core.Tracer) for n in sizes):
        return None
    return [int(n) for n in sizes]


def _cover_transposed(function: str, rank: int | None) -> None:
    def transposed(
        input: Any,
        filters: Any,
        output_shape: Any,
        strides: Any,
        padding: str = "SAME",
        data_format: str | None = None,
        dilations: Any = None,
        name: str | None = None,
    ) -> Any:
        padding, axes = _padding(function, padding, data_format), rank or _rank(input)
        steps, holes = (
            _spatial(function, n, s, axes)
            for n, s in (("strides", strides), ("dilations", dilations))
        )
        sizes, windows = ops.shape(input)[1:-1], ops.shape(filters)[:axes]
        wanted = _spatial_sizes(output_shape, axes)
        if wanted is None or None in sizes or all(step == 1 for step in steps):
            return ops.conv_transpose(input, filters, steps, padding, None, "channels_last", holes)
        # What the forward convolution would round away, so that its input is as large as is said.
        extra = []
        for size, window, step, hole, want in zip(
            sizes, windows, steps, holes, wanted, strict=True
        ):
            window = hole * (window - 1) + 1
            least = window if padding == "valid" else window - 2 * (window // 2)
            extra.append(want - (size - 1) * step - least)
        return ops.conv_transpose(input, filters, steps, padding, extra, "channels_last", holes)

    covers(f"tensorflow.nn.{function}")(transposed)


for _name, _axes in (("conv1d", 1), ("conv2d", 2), ("conv3d", 3), ("conv", None)):
    _cover_transposed(f"{_name}_transpose", _axes)


@covers("tensorflow.nn.depthwise_conv2d")
def _depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Any,
    padding: str,
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    padding = _padding("depthwise_conv2d", padding, data_format)
    steps = _spatial("depthwise_conv2d", "strides", strides, 2)
    holes = _spatial("depthwise_conv2d", "dilations", dilations, 2)
    return ops.depthwise_conv(input, filter, steps, padding, "channels_last", holes)


@covers("tensorflow.nn.separable_conv2d")
def _separable_conv2d(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Any,
    padding: str,
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    deep = _depthwise_conv2d(input, depthwise_filter, strides, padding, data_format, dilations)
    return ops.conv(deep, pointwise_filter, 1, "valid", "channels_last")


@covers("tensorflow.nn.pool")
def _pool(
    input: Any,
    window_shape: Any,
    pooling_type: str,
    strides: Any = None,
    padding: str = "VALID",
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    if dilations is not None and set(np.ravel(dilations).tolist()) != {1}:
        raise NotCovered(f"tf.nn.pool: dilations={dilations!r} is not covered; 1 is.")
    op = ops.max_pool if pooling_type == "MAX" else ops.average_pool
    sizes = np.broadcast_to(window_shape, _rank(input)).tolist()
    steps = np.broadcast_to(1 if strides is None else strides, _rank(input)).tolist()
    return op(input, sizes, steps, _padding("pool", padding, data_format), "channels_last")


@covers("tensorflow.nn.crelu")
def _crelu(features: Any, axis: int = -1, name: str | None = None) -> Any:
    x = ops.convert_to_tensor(features)
    return ops.relu(ops.concatenate([x, ops.negative(x)], axis=axis))


@covers("tensorflow.nn.local_response_normalization")
def _local_response_normalization(
    input: Any,
    depth_radius: int = 5,
    bias: float = 1.0,
    alpha: float = 1.0,
    beta: float = 0.5,
    name: str | None = None,
) -> Any:
    squares = ops.square(input)
    channels = ops.shape(input)[-1]
    near = np.abs(np.subtract.outer(np.arange(channels), np.arange(channels))) <= depth_radius
    return ops.divide(
        input, ops.power(bias + alpha * ops.matmul(squares, near.astype("float32")), beta)
    )


# -- losses -----------------------------------------------------------------------------------------------------


@covers("tensorflow.nn.weighted_cross_entropy_with_logits")
def _weighted_cross_entropy(
    labels: Any, logits: Any, pos_weight: Any, name: str | None = None
) -> Any:
    weight = 1 + (ops.convert_to_tensor(pos_weight) - 1) * labels
    return ops.multiply(1 - ops.convert_to_tensor(labels), logits) + weight * ops.softplus(
        ops.negative(logits)
    )


@covers("tensorflow.nn.log_poisson_loss")
def _log_poisson_loss(
    targets: Any, log_input: Any, compute_full_loss: bool = False, name: str | None = None
) -> Any:
    loss = ops.exp(log_input) - ops.multiply(log_input, targets)
    if not compute_full_loss:
        return loss
    z = ops.convert_to_tensor(targets)
    # Stirling's formula, which TensorFlow takes where the target is at least 1.
    stirling = z * ops.log(ops.maximum(z, 1.0)) - z + 0.5 * ops.log(2 * np.pi * ops.maximum(z, 1.0))
    return loss + ops.where((z >= 0) & (z <= 1), ops.zeros_like(z), stirling)


@covers("tensorflow.nn.compute_average_loss")
def _compute_average_loss(
    per_example_loss: Any, sample_weight: Any = None, global_batch_size: Any = None
) -> Any:
    loss = ops.convert_to_tensor(per_example_loss)
    loss = loss if sample_weight is None else ops.multiply(loss, sample_weight)
    return ops.sum(loss) / (ops.shape(loss)[0] if global_batch_size is None else global_batch_size)


@covers("tensorflow.nn.scale_regularization_loss")
def _scale_regularization_loss(regularization_loss: Any) -> Any:
    return ops.sum(ops.convert_to_tensor(regularization_loss)) / replicas()


@covers("tensorflow.nn.ctc_loss")
def _ctc_loss(
    labels: Any,
    logits: Any,
    label_length: Any,
    logit_length: Any,
    logits_time_major: bool = True,
    unique: Any = None,
    blank_index: int | None = None,
    name: str | None = None,
) -> Any:
    logits = ops.swapaxes(logits, 0, 1) if logits_time_major else logits
    blank = (blank_index or 0) % ops.shape(logits)[-1]
    return ops.ctc_loss(labels, logits, label_length, logit_length, mask_index=blank)


@covers("tensorflow.nn.collapse_repeated")
def _collapse_repeated(labels: Any, seq_length: Any, name: str | None = None) -> Any:
    rows, lengths = np.asarray(labels), np.asarray(seq_length)
    kept = [
        row[:n][np.diff(row[:n], prepend=row[0] - 1 if n else 0) != 0]
        for row, n in zip(rows, lengths, strict=True)
    ]
    longest = max((len(r) for r in kept), default=0)
    padded = np.stack([np.pad(r, (0, longest - len(r))) for r in kept])
    return ops.convert_to_tensor(padded), ops.convert_to_tensor([len(r) for r in kept])


# -- moments ----------------------------------------------------------------------------------------------------


@covers("tensorflow.nn.sufficient_statistics")
def _sufficient_statistics(
    x: Any, axes: Sequence[int], shift: Any = None, keepdims: bool = False, name: str | None = None
) -> Any:
    x = ops.convert_to_tensor(x)
    count = jnp.asarray(float(np.prod([ops.shape(x)[a] for a in axes])))
    moved = x if shift is None else x - shift
    sums = [ops.sum(v, axis=list(axes), keepdims=keepdims) for v in (moved, ops.square(moved))]
    return count, *sums, shift


@covers("tensorflow.nn.normalize_moments")
def _normalize_moments(
    counts: Any, mean_ss: Any, variance_ss: Any, shift: Any, name: str | None = None
) -> Any:
    mean = ops.divide(mean_ss, counts)
    variance = ops.divide(variance_ss, counts) - ops.square(mean)
    return mean if shift is None else mean + shift, variance


@covers("tensorflow.nn.weighted_moments")
def _weighted_moments(
    x: Any, axes: Any, frequency_weights: Any, keepdims: bool = False, name: str | None = None
) -> Any:
    weights = ops.broadcast_to(frequency_weights, ops.shape(ops.convert_to_tensor(x)))
    total = ops.sum(weights, axis=axes, keepdims=True)
    mean = ops.sum(weights * x, axis=axes, keepdims=True) / total
    variance = ops.sum(weights * ops.square(x - mean), axis=axes, keepdims=True) / total
    return (mean, variance) if keepdims else (ops.squeeze(mean, axes), ops.squeeze(variance, axes))


@covers("tensorflow.nn.max_pool_with_argmax")
def _max_pool_with_argmax(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str = "NHWC",
    output_dtype: Any = "int64",
    include_batch_in_index: bool = False,
    name: str | None = None,
) -> Any:
    x = ops.convert_to_tensor(input)
    batch, *sizes = ops.shape(x)
    largest = WRITTEN["tensorflow.nn.max_pool"](x, ksize, strides, padding)
    # The place of each maximum is the largest number, counted from behind, among those that are equal to it.
    count = int(np.prod(sizes))
    places = ops.reshape(ops.arange(count), (1, *sizes))
    windows = _spatial("max_pool_with_argmax", "ksize", ksize, 2)
    steps = _spatial("max_pool_with_argmax", "strides", strides, 2)
    found = _places(x, places, largest, windows, steps, padding)
    if include_batch_in_index:
        found = found + ops.reshape(ops.arange(batch) * count, (-1, 1, 1, 1))
    return largest, found


def _places(x: Any, places: Any, largest: Any, windows: Any, steps: Any, padding: str) -> Any:
    """Return for each maximum the first place of its window that has it."""
    sizes, out = ops.shape(x)[1:3], ops.shape(largest)[1:3]
    before = [0, 0]
    after = [
        max((o - 1) * s + w - n, 0) for o, s, w, n in zip(out, steps, windows, sizes, strict=True)
    ]
    if padding.upper() == "SAME":
        before = [a // 2 for a in after]
        after = [a - b for a, b in zip(after, before, strict=True)]
    widths = [[0, 0], *map(list, zip(before, after, strict=True)), [0, 0]]
    x = ops.pad(x, widths, constant_values=-np.inf)
    places = ops.pad(places, widths)
    best = ops.full(ops.shape(largest), np.iinfo("int32").max, dtype="int32")
    for row in range(windows[0]):
        for column in range(windows[1]):
            key = tuple(
                slice(start, start + (o - 1) * s + 1, s)
                for start, o, s in zip((row, column), out, steps, strict=True)
            )
            here = x[(slice(None), *key)] == largest
            best = ops.minimum(best, ops.where(here, places[(slice(None), *key)], best))
    return best
