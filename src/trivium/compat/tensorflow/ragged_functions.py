"""TensorFlow's functions of arrays, on rows of several lengths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.compat.errors import NotCovered
from trivium.compat.tensorflow.kinds import serves, serves_by
from trivium.compat.tensorflow.ragged import stack_rows
from trivium.compat.tensorflow.specs import RaggedTensorSpec
from trivium.data import ragged
from trivium.data.ragged import RaggedArray, map_flat_values, reduced

__all__: list[str] = []


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
        input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
    ) -> Any:
        return reduced(input_tensor, kind, axis, bool(keepdims))

    return reduce


for _path, _kind in {
    "reduce_sum": "sum", "reduce_mean": "mean", "reduce_max": "max", "reduce_min": "min", "reduce_prod": "prod",
    "reduce_any": "any", "reduce_all": "all", "math.reduce_std": "std", "math.reduce_variance": "var",
}.items():  # fmt: skip
    serves_by(RaggedArray, f"tensorflow.{_path}", _reduces(_kind))


@serves(RaggedArray, "tensorflow.concat")
def _concat(values: Any, axis: Any, name: str | None = None) -> Any:
    return ragged.concat(list(values), int(axis))


serves_by(RaggedArray, "tensorflow.stack", stack_rows)


@serves(RaggedArray, "tensorflow.gather", "tensorflow.nn.embedding_lookup")
def _gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    axis: Any = None,
    batch_dims: int = 0,
    name: str | None = None,
) -> Any:
    params = params.value if hasattr(params, "value") else params
    if batch_dims == 0:
        return ragged.gather(params, indices, int(axis or 0))
    if batch_dims != 1 or axis not in (None, 1):
        raise NotCovered(
            f"tf.gather: batch_dims={batch_dims}, axis={axis} of a ragged tensor is not covered; batch_dims=0 is, and "
            "batch_dims=1 along axis 1."
        )
    return ragged.gather_within(params, indices)


@serves(RaggedArray, "tensorflow.expand_dims")
def _expand_dims(input: Any, axis: Any, name: str | None = None) -> Any:
    return input.expand_dims(int(axis))


@serves(RaggedArray, "tensorflow.squeeze")
def _squeeze(input: Any, axis: Any = None, name: str | None = None) -> Any:
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
def _reverse(tensor: Any, axis: Any, name: str | None = None) -> Any:
    return ragged.reverse(tensor, axis)


@serves(RaggedArray, "tensorflow.tile")
def _tile(input: Any, multiples: Any, name: str | None = None) -> Any:
    return ragged.tile(input, multiples)


@serves(RaggedArray, "tensorflow.reshape")
def _reshape(tensor: Any, shape: Any, name: str | None = None) -> Any:
    if np.asarray(shape).tolist() != [-1]:
        raise NotCovered(
            "tf.reshape of a ragged tensor is covered for shape=[-1]; `.to_tensor()` makes it dense."
        )
    return tensor.flat_values


@serves(RaggedArray, "tensorflow.boolean_mask")
def _masked(tensor: Any, mask: Any, axis: Any = None, name: str | None = None) -> Any:
    return ragged.boolean_mask(tensor, mask)


@serves(RaggedArray, "tensorflow.where")
def _where(
    dense: Any, condition: Any, x: Any = None, y: Any = None, name: str | None = None
) -> Any:
    if x is None and y is None:
        return ragged.where(condition)
    return map_flat_values(dense, condition, x, y)


@serves(RaggedArray, "tensorflow.nn.softmax")
def _softmax(logits: Any, axis: Any = None, name: str | None = None) -> Any:
    if axis not in (None, -1, logits.ndim - 1):
        raise NotCovered(
            f"tf.nn.softmax: axis={axis} of a ragged tensor is not covered; the last axis is."
        )
    return ragged.softmax(logits)


@serves(RaggedArray, "tensorflow.cumsum")
def _cumsum(dense: Any, x: RaggedArray, axis: int = 0, *args: Any, **kwargs: Any) -> RaggedArray:
    # What short rows are filled up with adds nothing.
    if axis % x.ndim == 0:
        raise NotCovered(
            "tf.cumsum of a ragged tensor is covered along its rows: axis=1 and further."
        )
    return x.taken_from(dense(x.to_tensor(), axis, *args, **kwargs))


@serves(RaggedArray, "tensorflow.matmul")
def _matmul(dense: Any, a: Any, b: Any, *args: Any, **kwargs: Any) -> RaggedArray:
    plain = isinstance(a, RaggedArray) and not isinstance(b, RaggedArray) and a.ragged_rank == 1
    if not plain or a.ndim != 3 or args or any(kwargs.values()):
        raise NotCovered(
            "tf.matmul with a ragged tensor is covered for one of the shape (batch, None, n), times a dense one of the "
            "shape (batch, n, m); `.to_tensor()` makes others dense."
        )
    return RaggedArray.from_row_lengths(
        a.taken_from(dense(a.to_tensor(), b)).flat_values, np.diff(a.splits)
    )


@serves(RaggedArray, "tensorflow.split")
def _split(
    value: RaggedArray, num_or_size_splits: Any, axis: int = 0, *args: Any, **kwargs: Any
) -> Any:
    if axis % value.ndim:
        raise NotCovered(f"tf.split: axis={axis} of a ragged tensor is not covered; axis=0 is.")
    sizes = np.asarray(num_or_size_splits)
    if not sizes.ndim:
        if len(value) % int(sizes):
            raise ValueError(f"tf.split: {len(value)} rows do not make {int(sizes)} equal parts.")
        sizes = np.full(int(sizes), len(value) // int(sizes))
    ends = np.cumsum(sizes).tolist()
    return [value[end - size : end] for end, size in zip(ends, sizes.tolist(), strict=True)]


@serves(RaggedArray, "tensorflow.map_fn")
def _map_fn(
    fn: Callable[[Any], Any],
    elems: Any,
    dtype: Any = None,
    parallel_iterations: Any = None,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    name: str | None = None,
    fn_output_signature: Any = None,
) -> Any:
    leaves = jax.tree_util.tree_leaves(elems)
    made = [fn(jax.tree.map(lambda x: x[i], elems)) for i in range(len(leaves[0]))]  # noqa: B023
    wanted = dtype if fn_output_signature is None else fn_output_signature
    ragged_out = isinstance(wanted, RaggedTensorSpec)

    def together(*parts: Any) -> Any:
        rows = ragged_out or any(isinstance(p, RaggedArray) for p in parts)
        return ragged.stack(parts) if rows else jnp.stack([jnp.asarray(p) for p in parts])

    return jax.tree.map(together, *made)


@serves(RaggedArray, "tensorflow.size")
def _size(input: Any, out_type: Any = None, name: str | None = None) -> Any:
    return jnp.asarray(input.size)


@serves(RaggedArray, "tensorflow.rank")
def _rank(input: Any, name: str | None = None) -> Any:
    return jnp.asarray(input.ndim)


class _RaggedShape:
    """`tf.experimental.DynamicRaggedShape`: the sizes of rows, the lengths of each for axes that are ragged."""

    def __init__(self, rows: RaggedArray) -> None:
        self._rows = rows
        self.rank, self.num_row_partitions = rows.ndim, rows.ragged_rank

    def static_lengths(self, ragged_lengths: bool = True) -> list[Any]:
        """Return the sizes of the axes: a tuple of lengths for those that are ragged, or `None`."""
        lengths = [tuple(n.tolist()) for n in map(np.diff, self._rows._all_splits())]
        inner = self._rows.flat_values.shape[1:]
        return [len(self._rows), *(lengths if ragged_lengths else [None] * len(lengths)), *inner]

    def is_uniform(self, axis: int) -> bool:
        """Say whether an axis has one size for all."""
        return not isinstance(self.static_lengths()[axis], tuple)

    def __getitem__(self, axis: int) -> Any:
        size = self.static_lengths()[axis]
        if isinstance(size, tuple):
            raise ValueError(
                f"tf.shape: axis {axis} is ragged, its rows are {list(size)} long; `.row_lengths()` says so, and "
                "`.bounding_shape()` how long the longest are."
            )
        return size

    def __repr__(self) -> str:
        shown = ", ".join(map(str, self.static_lengths()))
        return (
            f"<DynamicRaggedShape lengths=[{shown}] num_row_partitions={self.num_row_partitions}>"
        )


@serves(RaggedArray, "tensorflow.shape")
def _shape(input: RaggedArray, out_type: Any = None, name: str | None = None) -> _RaggedShape:
    return _RaggedShape(input)


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
