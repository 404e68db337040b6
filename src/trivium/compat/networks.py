"""`tf.nn`: convolutions, pooling, normalization and losses under TensorFlow's names, arguments and meaning.

What TensorFlow's own functions cannot do (a stride over the batch, say) and what ours cannot is refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trivium import ops, random
from trivium.compat.errors import NotCovered
from trivium.compat.tensorflow.checks import check_indices
from trivium.compat.tensorflow.plain_draws import layer_seed
from trivium.compat.written import covers
from trivium.state.dtypes import is_float

__all__: list[str] = []


def _windows(name: str, what: str, sizes: Any, rank: int) -> list[int]:
    """Return one size for each spatial axis and the channels, out of one, `rank` or `rank + 2` numbers.

    Raises:
        NotCovered: It is another number of numbers, or one for the batch that is not 1, which TensorFlow cannot do.
    """
    numbers = [1 if sizes is None else sizes] if np.ndim(sizes) == 0 else list(sizes)
    numbers = [int(n) for n in numbers]
    if len(numbers) == 1 or len(numbers) == rank:
        return [*(numbers * rank)[:rank], 1]
    if len(numbers) != rank + 2 or numbers[0] != 1:
        raise NotCovered(
            f"tf.nn.{name}: {what}={sizes!r} is not covered; covered are a number, {rank} for the spatial axes, and "
            f"{rank + 2} whose first, for the batch, is 1."
        )
    return numbers[1:]


def _spatial(name: str, what: str, sizes: Any, rank: int) -> list[int]:
    """Return the sizes of the spatial axes alone, where that of the channels is 1 as the call must have it."""
    *spatial, channels = _windows(name, what, sizes, rank)
    if channels != 1:
        raise NotCovered(
            f"tf.nn.{name}: {what}={sizes!r} is not covered; that of the channels is 1."
        )
    return spatial


def _padding(name: str, padding: Any, data_format: str | None) -> str:
    if not isinstance(padding, str):
        raise NotCovered(f'tf.nn.{name}: padding={padding!r} is not covered; "SAME", "VALID" are.')
    if data_format and not data_format.endswith("C"):
        raise NotCovered(f"tf.nn.{name}: data_format={data_format!r} is not covered; NHWC is.")
    return padding.lower()


def _check_rank(name: str, x: Any, rank: int) -> None:
    if len(shape := ops.shape(x)) != rank + 2:
        raise NotCovered(
            f"tf.nn.{name} takes an array of rank {rank + 2} (batch, {rank} spatial axes, channels); got shape {shape}."
        )


def _cover_convolution(function: str, rank: int) -> None:
    def convolution(
        input: Any,
        filters: Any,
        strides: Any = None,
        padding: Any = None,
        data_format: str | None = None,
        dilations: Any = None,
        name: str | None = None,
        *,
        stride: Any = None,
    ) -> Any:
        padding = _padding(function, padding, data_format)
        _check_rank(function, input, rank)
        steps = _spatial(function, "strides", stride if strides is None else strides, rank)
        dilations = _spatial(function, "dilations", dilations, rank)
        return ops.conv(input, filters, steps, padding, "channels_last", dilations)

    covers(f"tensorflow.nn.{function}")(convolution)


def _cover_pooling(function: str, op: Any, reduce: Any, rank: int | None) -> None:
    def pooling(
        input: Any,
        ksize: Any,
        strides: Any,
        padding: Any,
        data_format: str | None = None,
        name: str | None = None,
    ) -> Any:
        axes = rank or len(ops.shape(input)) - 2
        padding = _padding(function, padding, data_format)
        _check_rank(function, input, axes)
        sizes = _windows(function, "ksize", ksize, axes)
        steps = _windows(function, "strides", strides, axes)
        if sizes[-1] == steps[-1] == 1:
            return op(input, sizes[:-1], steps[:-1], padding, "channels_last")
        # Over channels it goes as TensorFlow has it: in groups that do not overlap, and over nothing else.
        *rest, channels = ops.shape(input)
        whole = channels % sizes[-1] == 0 and sizes[-1] == steps[-1]
        if not whole or {*sizes[:-1], *steps[:-1]} != {1}:
            raise NotCovered(
                f"tf.nn.{function}: ksize={ksize!r}, strides={strides!r} is not covered for {channels} channels; over "
                "channels, size and stride are one divisor of their number, and all others are 1."
            )
        groups = ops.reshape(input, (*rest, channels // sizes[-1], sizes[-1]))
        return reduce(groups, axis=-1)

    covers(f"tensorflow.nn.{function}")(pooling)


for _rank in (1, 2, 3):
    _cover_convolution(f"conv{_rank}d", _rank)
for _name, _op, _reduce in (
    ("max", ops.max_pool, ops.max),
    ("avg", ops.average_pool, ops.mean),
):
    for _suffix, _axes in (("", None), ("1d", 1), ("2d", 2), ("3d", 3)):
        _cover_pooling(f"{_name}_pool{_suffix}", _op, _reduce, _axes)


@covers("tensorflow.nn.batch_normalization")
def _batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    offset: Any,
    scale: Any,
    variance_epsilon: Any,
    name: str | None = None,
) -> Any:
    inverse = ops.rsqrt(ops.add(variance, variance_epsilon))
    inverse = inverse if scale is None else inverse * scale
    moved = ops.subtract(x, mean) * inverse
    return moved if offset is None else moved + offset


@covers("tensorflow.nn.bias_add")
def _bias_add(
    value: Any, bias: Any, data_format: str | None = None, name: str | None = None
) -> Any:
    first = data_format is not None and data_format.startswith("NC")
    channels = ops.shape(value)[1 if first else -1]
    if ops.shape(bias) != (channels,):
        raise ValueError(
            f"tf.nn.bias_add: the bias has one number for each of the {channels} channels; got shape {ops.shape(bias)}."
        )
    return ops.add(value, ops.reshape(bias, (-1, *[1] * (ops.ndim(value) - 2))) if first else bias)


def _cover_softmax(function: str) -> None:
    def softmax(logits: Any, axis: Any = None, name: str | None = None) -> Any:
        return getattr(ops, function)(logits, axis=-1 if axis is None else axis)

    covers(f"tensorflow.nn.{function}", f"tensorflow.math.{function}")(softmax)


_cover_softmax("softmax")
_cover_softmax("log_softmax")


@covers("tensorflow.nn.embedding_lookup")
def _embedding_lookup(params: Any, ids: Any, max_norm: Any = None, name: str | None = None) -> Any:
    if max_norm is not None:
        raise NotCovered(
            f"tf.nn.embedding_lookup: max_norm={max_norm!r} is not covered; max_norm=None is."
        )
    check_indices("tf.nn.embedding_lookup", ids, ops.shape(params)[0])
    return ops.take(params, ids, axis=0)


@covers("tensorflow.nn.sparse_softmax_cross_entropy_with_logits")
def _sparse_cross_entropy(labels: Any, logits: Any, name: str | None = None) -> Any:
    check_indices(
        "tf.nn.sparse_softmax_cross_entropy_with_logits: labels", labels, ops.shape(logits)[-1]
    )
    return ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)


@covers("keras.backend.dropout")
def _backend_dropout(x: Any, level: float, noise_shape: Any = None, seed: Any = None) -> Any:
    return _dropout(x, level, noise_shape, seed)


@covers("tensorflow.nn.dropout")
def _dropout(
    x: Any, rate: float, noise_shape: Any = None, seed: Any = None, name: str | None = None
) -> Any:
    x = ops.convert_to_tensor(x)
    if not is_float(x.dtype):
        raise ValueError(
            f"tf.nn.dropout takes floating point numbers, which it scales; got {x.dtype}."
        )
    if isinstance(rate, int | float) and not 0 <= rate < 1:
        raise ValueError(f"tf.nn.dropout: `rate` is in [0, 1); got {rate}.")
    return random.dropout(x, rate, noise_shape=noise_shape, seed=layer_seed(seed))


@covers("tensorflow.nn.l2_loss")
def _l2_loss(t: Any, name: str | None = None) -> Any:
    return ops.sum(ops.square(t)) / 2
