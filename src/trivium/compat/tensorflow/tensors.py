"""TensorFlow's and Keras's older array functions that are more than one op of ours."""

from __future__ import annotations

import contextlib
import functools
import itertools
import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from trivium import ops, random
from trivium.compat.errors import NotCovered
from trivium.compat.written import covers
from trivium.graph import SymbolicTensor
from trivium.graph.op import any_symbolic
from trivium.state import SeedGenerator, set_random_seed
from trivium.state.dtypes import is_float
from trivium.state.frame import current_frame
from trivium.state.traces import outside_of_traces

__all__ = ["layer_seed", "set_shape"]

# -- making arrays ----------------------------------------------------------------------------------------------


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
    return ops.full(_sizes(dims), value, ops.convert_to_tensor(value).dtype)


@covers("tensorflow.meshgrid")
def _meshgrid(*args: Any, indexing: str = "xy", name: str = "") -> Any:
    return ops.meshgrid(*args, indexing=indexing)


@covers("tensorflow.linalg.diag")
def _diag(diagonal: Any, name: str = "", k: int = 0) -> Any:
    if k:
        raise NotCovered(f"tf.linalg.diag: k={k} is not covered; k=0 is.")
    diagonal = ops.convert_to_tensor(diagonal)
    size = diagonal.shape[-1]
    return ops.expand_dims(diagonal, -1) * ops.eye(size, dtype=diagonal.dtype)


# -- shapes -----------------------------------------------------------------------------------------------------


class _Number(int):
    """A whole number that is known while programs are compiled, and has what tensors have."""

    def numpy(self) -> Any:
        return np.int32(self)


class _Sizes(tuple[Any, ...]):
    """A shape: a tuple, so that it can be one to other functions, with what tensors have."""

    def numpy(self) -> Any:
        return np.array(self, np.int32)

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        if isinstance(key, slice):
            return _Sizes(part)
        return _Number(part) if type(part) is int else part

    def __neg__(self) -> Any:
        return self * -1


def _operate(of: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """Compute with sizes number by number, as with a tensor's; whole numbers are sizes again."""
    plain = all(isinstance(x, int | list | tuple) for x in (a, b))
    if not plain or of is operator.truediv:
        return of(*(ops.convert_to_tensor(x) for x in (a, b)))
    count = len(a if isinstance(a, _Sizes) else b)
    rows = [x if isinstance(x, list | tuple) else (x,) * count for x in (a, b)]
    return _Sizes(map(of, *rows)) if len(rows[0]) == len(rows[1]) else of(*map(np.array, rows))


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    _of = getattr(operator, _name)
    setattr(
        _Sizes, f"__{_name}__", functools.partialmethod(lambda a, of, b: _operate(of, a, b), _of)
    )
    setattr(
        _Sizes, f"__r{_name}__", functools.partialmethod(lambda a, of, b: _operate(of, b, a), _of)
    )


@covers("tensorflow.shape")
def _shape(input: Any, out_type: Any = None, name: str | None = None) -> Any:
    return _Sizes(ops.shape(input))


@covers("tensorflow.rank")
def _rank_of(input: Any, name: str | None = None) -> Any:
    return _Number(ops.ndim(input))


@covers("tensorflow.size")
def _size_of(input: Any, out_type: Any = None, name: str | None = None) -> Any:
    size = ops.size(input)
    return _Number(size) if type(size) is int else size


@covers("tensorflow.concat")
def _concat(values: Any, axis: int, name: str = "concat") -> Any:
    if any(isinstance(v, _Sizes) for v in values) and all(
        isinstance(v, tuple | list) for v in values
    ):
        return _Sizes(itertools.chain.from_iterable(values))  # a shape stays one
    return ops.concatenate(values, axis=axis)


@covers("tensorflow.ensure_shape")
def _ensure_shape(x: Any, shape: Any, name: str | None = None) -> Any:
    return _of_shape(x, shape, "tf.ensure_shape")


def set_shape(x: Any, shape: Any) -> None:
    """Hold a tensor to a shape: every tensor knows its own here, so nothing else is to be done.

    Args:
        x: The tensor.
        shape: The shape, with `None` for what may be of any size; `None` for any shape.

    Raises:
        ValueError: The tensor has another one.

    Example:
        >>> set_shape(ops.ones((2, 3)), [None, 3])
    """
    _of_shape(x, shape, "tf.Tensor.set_shape")


def _of_shape(x: Any, shape: Any, name: str) -> Any:
    if shape is None:
        return x
    come = ops.shape(x)
    fits = len(come) == len(shape) and all(
        None in (c, w) or c == w for c, w in zip(come, shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{name}: wanted the shape {tuple(shape)}, got {come}.")
    return x


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


# -- calculating ------------------------------------------------------------------------------------------------


@covers("tensorflow.where")
def _where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    if x is None and y is None:
        return ops.stack(list(ops.nonzero(condition)), axis=-1)
    return ops.where(condition, x, y)


@covers("tensorflow.reduce_mean", "tensorflow.math.reduce_mean")
def _reduce_mean(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Any:
    x = ops.convert_to_tensor(input_tensor)
    mean = ops.mean(x, axis=axis, keepdims=bool(keepdims))
    # TensorFlow's mean of whole numbers is one.
    return mean if is_float(x.dtype) or "complex" in str(x.dtype) else ops.cast(mean, x.dtype)


@covers("tensorflow.matmul")
def _matmul(
    a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, name: str | None = None
) -> Any:
    a = ops.swapaxes(a, -1, -2) if transpose_a else a
    b = ops.swapaxes(b, -1, -2) if transpose_b else b
    return ops.matmul(a, b)


@covers("tensorflow.linalg.matvec")
def _matvec(a: Any, b: Any, transpose_a: bool = False, name: str | None = None) -> Any:
    return ops.squeeze(_matmul(a, ops.expand_dims(b, -1), transpose_a), -1)


@covers("tensorflow.einsum")
def _einsum(equation: str, *inputs: Any, **kwargs: Any) -> Any:
    return ops.einsum(equation, *inputs)


@covers("tensorflow.linalg.svd")
def _svd(
    tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None
) -> Any:
    if not compute_uv:
        return ops.svd(tensor, full_matrices=full_matrices, compute_uv=False)
    u, s, vh = ops.svd(tensor, full_matrices=full_matrices)
    return s, u, ops.conj(ops.swapaxes(vh, -1, -2))


@covers("tensorflow.linalg.band_part")
def _band_part(input: Any, num_lower: int, num_upper: int, name: str | None = None) -> Any:
    lower = input if num_lower < 0 else ops.triu(input, k=-num_lower)
    return lower if num_upper < 0 else ops.tril(lower, k=num_upper)


@covers("tensorflow.norm")
def _norm(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: bool = False, name: str = ""
) -> Any:
    order = None if ord == "euclidean" else ord
    if axis is None and order is not None:
        tensor = ops.ravel(tensor)
    return ops.norm(tensor, ord=order, axis=axis, keepdims=bool(keepdims))


@covers("tensorflow.math.l2_normalize")
def _l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: str = "") -> Any:
    total = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return x * ops.rsqrt(ops.maximum(total, epsilon))


@covers("keras.backend.l2_normalize")
def _backend_l2_normalize(x: Any, axis: Any = None) -> Any:
    return _l2_normalize(x, axis)


@covers("tensorflow.clip_by_norm")
def _clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    length = ops.sqrt(ops.sum(ops.square(t), axis=axes, keepdims=True))
    return t * (clip_norm / ops.maximum(length, clip_norm))


@covers("tensorflow.linalg.global_norm")
def _global_norm(t_list: Sequence[Any], name: str | None = None) -> Any:
    return ops.sqrt(sum(ops.sum(ops.square(t)) for t in t_list if t is not None))


@covers("tensorflow.clip_by_global_norm")
def _clip_by_global_norm(
    t_list: Sequence[Any], clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> Any:
    length = _global_norm(t_list) if use_norm is None else use_norm
    scale = clip_norm / ops.maximum(length, clip_norm)
    return [None if t is None else t * scale for t in t_list], length


@covers("tensorflow.math.squared_difference")
def _squared_difference(x: Any, y: Any, name: str | None = None) -> Any:
    return ops.square(ops.subtract(x, y))


@covers("tensorflow.math.add_n")
def _add_n(inputs: Sequence[Any], name: str | None = None) -> Any:
    return sum(inputs[1:], ops.convert_to_tensor(inputs[0]))


@covers("tensorflow.cumsum")
def _cumsum(
    x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str = ""
) -> Any:
    x = ops.flip(x, axis) if reverse else ops.convert_to_tensor(x)
    total = ops.cumsum(x, axis=axis)
    total = total - x if exclusive else total
    return ops.flip(total, axis) if reverse else total


@covers("tensorflow.sort")
def _sort(values: Any, axis: int = -1, direction: str = "ASCENDING", name: str = "") -> Any:
    ordered = ops.sort(values, axis=axis)
    return ops.flip(ordered, axis) if direction == "DESCENDING" else ordered


@covers("tensorflow.argsort")
def _argsort(
    values: Any, axis: int = -1, direction: str = "ASCENDING", stable: bool = False, name: str = ""
) -> Any:
    down = direction == "DESCENDING"
    return ops.argsort(ops.negative(values) if down else values, axis=axis)


@covers("tensorflow.math.confusion_matrix")
def _confusion_matrix(
    labels: Any,
    predictions: Any,
    num_classes: int | None = None,
    weights: Any = None,
    dtype: Any = "int32",
    name: str | None = None,
) -> Any:
    size = num_classes or int(max(np.max(labels), np.max(predictions))) + 1
    rows = ops.one_hot(labels, size, dtype="float32")
    if weights is not None:
        rows = rows * ops.expand_dims(ops.cast(weights, "float32"), -1)
    return ops.cast(_matmul(rows, ops.one_hot(predictions, size), transpose_a=True), dtype)


class _TopK(NamedTuple):
    values: Any
    indices: Any


@covers("tensorflow.math.top_k")
def _top_k(
    input: Any, k: int = 1, sorted: bool = True, index_type: Any = None, name: str | None = None
) -> Any:
    return _TopK(*ops.top_k(input, k, sorted))


@covers("keras.backend.hard_sigmoid")
def _hard_sigmoid(x: Any) -> Any:
    # Steeper than the activation of this name in Keras 3, whose slope is 1/6.
    return ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def _zero_fraction(value: Any, name: str | None = None) -> Any:
    return ops.mean(ops.cast(ops.equal(value, 0), "float32"))


covers("tensorflow.math.zero_fraction", "tensorflow.nn.zero_fraction")(_zero_fraction)


@covers("keras.backend.switch")
def _switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    then, other = (e() if callable(e) else e for e in (then_expression, else_expression))
    return ops.where(condition, then, other)


@covers("keras.utils.is_keras_tensor", "keras.backend.is_keras_tensor")
def _is_keras_tensor(x: Any) -> bool:
    return isinstance(x, SymbolicTensor)


# -- random numbers ---------------------------------------------------------------------------------------------


def layer_seed(seed: Any) -> Any:
    """Return what our random functions take for `seed`.

    TensorFlow's draw new numbers at each call, inside compiled functions too. Here those need a state: the layer
    that is being called keeps it.
    """
    layers = current_frame().layers
    if seed is not None or not layers:
        return seed
    kept = vars(layers[-1])
    if "tf_random" not in kept:
        kept["tf_random"] = SeedGenerator()
    return kept["tf_random"]


covers("tensorflow.random.set_seed")(lambda seed: set_random_seed(int(seed)))


@covers("tensorflow.random.normal", "keras.backend.random_normal")
def _normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = "float32",
    seed: Any = None,
    name: str | None = None,
) -> Any:
    return random.normal(_sizes(shape), mean, stddev, dtype, seed=layer_seed(seed))


@covers("tensorflow.random.truncated_normal")
def _truncated_normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = "float32",
    seed: Any = None,
    name: str | None = None,
) -> Any:
    return random.truncated_normal(_sizes(shape), mean, stddev, dtype, seed=layer_seed(seed))


@covers("tensorflow.random.uniform", "keras.backend.random_uniform")
def _uniform(
    shape: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = "float32",
    seed: Any = None,
    name: str | None = None,
) -> Any:
    if "int" in str(dtype):
        return random.randint(_sizes(shape), minval, maxval, dtype, seed=layer_seed(seed))
    highest = 1.0 if maxval is None else maxval
    return random.uniform(_sizes(shape), minval, highest, dtype, seed=layer_seed(seed))


@covers("tensorflow.random.shuffle")
def _shuffle(value: Any, seed: Any = None, name: str | None = None) -> Any:
    return random.shuffle(value, seed=layer_seed(seed))


@covers("tensorflow.random.categorical")
def _categorical(
    logits: Any, num_samples: int, dtype: Any = None, seed: Any = None, name: str | None = None
) -> Any:
    return random.categorical(logits, num_samples, dtype=dtype or "int32", seed=layer_seed(seed))


def _sizes(shape: Any) -> tuple[Any, ...]:
    return tuple(shape.tolist()) if hasattr(shape, "tolist") else tuple(shape)
