"""Strings under `tf`: `tf.strings`, and the functions of arrays that take strings."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from trivium.compat.tensorflow.kinds import serves, serves_by
from trivium.compat.written import covers
from trivium.data import strings
from trivium.data.strings import StringArray, as_strings
from trivium.data.strings.moving import numbered

__all__: list[str] = []

# -- tf.strings -------------------------------------------------------------------------------------------------


def _named(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that takes a node's name as well, and has no use for it."""
    signature = inspect.signature(function)
    name = inspect.Parameter("name", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None)

    def call(*args: Any, **kwargs: Any) -> Any:
        bound = taken.bind(*args, **kwargs)
        bound.arguments.pop("name", None)
        return function(*bound.args, **bound.kwargs)

    taken = signature.replace(parameters=[*signature.parameters.values(), name])
    functools.update_wrapper(call, function)
    call.__signature__ = taken  # type: ignore[attr-defined]
    return call


for _name in (
    "bytes_split", "format", "join", "length", "lower", "ngrams", "reduce_join", "regex_full_match", "regex_replace",
    "split", "strip", "substr", "to_hash_bucket", "to_hash_bucket_fast", "to_hash_bucket_strong", "to_number",
    "unicode_decode", "unicode_decode_with_offsets", "unicode_encode", "unicode_script", "unicode_split",
    "unicode_split_with_offsets", "unicode_transcode", "upper",
):  # fmt: skip
    covers(f"tensorflow.strings.{_name}")(_named(getattr(strings, _name)))
covers("tensorflow.as_string")(_named(strings.as_string))


@covers("tensorflow.strings.unsorted_segment_join")
def _unsorted_segment_join(
    inputs: Any, segment_ids: Any, num_segments: Any, separator: str = "", name: str | None = None
) -> Any:
    rows, numbers = as_strings(inputs).numpy(), np.asarray(segment_ids)
    segments = [rows[numbers == i] for i in range(int(num_segments))]
    return StringArray([as_strings(separator).numpy().join(s.ravel().tolist()) for s in segments])


# -- functions of arrays ----------------------------------------------------------------------------------------


def _moves(dense: Any, *args: Any, **kwargs: Any) -> Any:
    return numbered(dense, args, kwargs)


def _asks(dense: Any, *args: Any, **kwargs: Any) -> Any:
    return numbered(dense, args, kwargs, back=lambda i: False)


def _lists_and_tells(dense: Any, *args: Any, **kwargs: Any) -> Any:
    return numbered(dense, args, kwargs, back=lambda i: i == 0)


for _name in (
    "boolean_mask", "broadcast_to", "concat", "dynamic_partition", "ensure_shape", "expand_dims", "gather", "gather_nd",
    "identity", "pad", "random.shuffle", "repeat", "reshape", "reverse", "reverse_sequence", "roll", "slice", "split",
    "squeeze", "stack", "strided_slice", "tile", "transpose", "unstack", "zeros_like",
):  # fmt: skip
    serves_by(StringArray, f"tensorflow.{_name}", _moves)
for _name in ("rank", "shape", "size", "shape_n"):
    serves_by(StringArray, f"tensorflow.{_name}", _asks)
for _name in ("equal", "not_equal"):
    serves_by(StringArray, f"tensorflow.{_name}", _asks, texts=(0, 1))
for _name in ("unique", "unique_with_counts"):
    serves_by(StringArray, f"tensorflow.{_name}", _lists_and_tells)
serves_by(StringArray, "tensorflow.where", _moves, texts=(1, 2))
serves_by(StringArray, "tensorflow.tensor_scatter_nd_update", _moves, texts=(0, 2))
serves_by(StringArray, "tensorflow.scatter_nd", _moves, texts=(1,))


@serves(StringArray, "tensorflow.is_tensor", texts=())
def _is_tensor(x: Any) -> bool:
    return isinstance(x, StringArray)


@serves(StringArray, "tensorflow.add", texts=(0, 1))
def _add(x: Any, y: Any, name: str | None = None) -> StringArray:
    return as_strings(x) + as_strings(y)


@serves(StringArray, "tensorflow.constant", "tensorflow.convert_to_tensor")
def _constant(value: Any, dtype: Any = None, shape: Any = None, name: str = "") -> StringArray:
    if dtype is not None and str(dtype) != "string":
        raise TypeError(f"tf.constant: strings have the dtype tf.string; got dtype={str(dtype)!r}.")
    made = as_strings(value)
    if shape is None or not isinstance(shape, tuple | list):
        return made
    if made.ndim == 0:
        return made.moved(lambda a: np.broadcast_to(a, tuple(shape)))
    return made.moved(lambda a: a.reshape(tuple(shape)))


@serves(StringArray, "tensorflow.cast")
def _cast(x: Any, dtype: Any, name: str | None = None) -> StringArray:
    if str(dtype) != "string":
        raise TypeError(
            f"tf.cast: strings are not cast to {dtype}; `tf.strings.to_number` reads numbers."
        )
    if not isinstance(x, StringArray):
        raise TypeError(
            "tf.cast: numbers are not cast to strings; `tf.strings.as_string` writes them."
        )
    return x


@serves(StringArray, "tensorflow.fill", texts=(1,))
def _fill(dims: Any, value: Any, name: str | None = None, layout: Any = None) -> StringArray:
    return as_strings(value).moved(lambda a: np.broadcast_to(a, np.asarray(dims).tolist()))


@serves(StringArray, "tensorflow.zeros", texts=())
def _zeros(shape: Any, dtype: Any, name: str | None = None, layout: Any = None) -> StringArray:
    return StringArray(np.full(np.asarray(shape, int).tolist(), b"", object))


@serves(StringArray, "tensorflow.map_fn", texts=(1,))
def _map_fn(fn: Any, elems: Any, *args: Any, **kwargs: Any) -> Any:
    from trivium.data.ragged import stack

    return stack([fn(s) for s in as_strings(elems)])
