"""The elements of a pipeline: arrays nested in tuples and dicts.

A list is an array here, where `nested` takes it for a structure: `from_tensor_slices([1, 2])` has two rows.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.data.files import FileRows, is_in_file
from trivium.data.kinds import AnyRows, AnySparse, AnyStrings
from trivium.data.lazy import LazyRows
from trivium.data.sparse import is_sparse, rows_of
from trivium.data.texts import given_out
from trivium.state.placing import to_device
from trivium.state.types import Tree

__all__ = [
    "Nested",
    "as_arrays",
    "as_element",
    "as_tensors",
    "call_on",
    "count_rows",
    "map_arrays",
    "on_host",
    "row",
    "stack",
    "typed",
]


class Nested:
    """Base of datasets, which may be elements themselves: `window` gives such."""


def map_arrays(function: Callable[..., Any], element: Tree, *others: Any) -> Tree:
    """Apply a function to the arrays of elements, which nest alike.

    Example:
        >>> map_arrays(max, {"a": (1, 5)}, {"a": (2, 4)})
        {'a': (2, 5)}
    """
    if isinstance(element, Mapping):
        return {k: map_arrays(function, v, *(o[k] for o in others)) for k, v in element.items()}
    if isinstance(element, tuple):
        parts = [map_arrays(function, *e) for e in zip(element, *others, strict=True)]
        return type(element)(*parts) if hasattr(element, "_fields") else tuple(parts)
    return function(element, *others)


def as_arrays(element: Tree) -> Tree:
    """Return an element of NumPy's and JAX's arrays; a sparse matrix becomes its rows.

    Example:
        >>> as_arrays([1, 2])
        array([1, 2])
    """

    def convert(x: Any) -> Any:
        if is_sparse(x) and not isinstance(x, AnySparse):
            return rows_of(x, "Dataset")
        if is_in_file(x):
            return FileRows(x, x.dtype)
        kept = jax.Array | LazyRows | Nested | AnyRows | AnySparse
        return x if isinstance(x, kept) else _array_of(x)

    return map_arrays(convert, element)


def _array_of(x: Any) -> np.ndarray:
    array = np.asarray(x)
    # NumPy's own kind of bytes loses zeros at the end; arrays of it are the user's choice.
    own = array.dtype.kind == "S" and not isinstance(x, np.ndarray)
    return np.asarray(x, object) if own else array


def on_host() -> contextlib.AbstractContextManager[Any]:
    """Let JAX make arrays in the host's memory while the `with` block lasts: an accelerator is for training.

    Example:
        >>> with on_host():
        ...     jnp.zeros(()).devices()
        {CpuDevice(id=0)}
    """
    if jax.default_backend() == "cpu":
        return contextlib.nullcontext()
    try:
        host = jax.local_devices(backend="cpu")[0]
    except RuntimeError:  # JAX was told to know no other device than its accelerator.
        return contextlib.nullcontext()
    within: contextlib.AbstractContextManager[Any] = jax.default_device(host)
    return within


def as_tensors(element: Tree) -> Tree:
    """Return an element as a user's code gets it: JAX arrays; text stays NumPy's.

    Example:
        >>> as_tensors((np.arange(2), np.array("a")))
        (Array([0, 1], dtype=int32), array('a', dtype='<U1'))
    """

    def convert(x: Any) -> Any:
        if isinstance(x, Nested | AnyRows | AnySparse | AnyStrings):
            return x
        x = x if hasattr(x, "dtype") else _array_of(x)
        return given_out(x) if x.dtype.kind in "OSTU" else to_device(x)

    return map_arrays(convert, element)


def stack(elements: Sequence[Any]) -> Any:
    """Return elements side by side on a new first axis.

    Example:
        >>> stack([(1, 2), (3, 4)])
        (array([1, 3]), array([2, 4]))
    """
    return map_arrays(_side_by_side, *elements)


def _side_by_side(*xs: Any) -> Any:
    if any(isinstance(x, AnyRows) for x in xs):
        from trivium.data.ragged import stack as stack_rows  # who has rows has imported it

        return stack_rows(xs)
    if isinstance(xs[0], AnySparse):
        from trivium.data.sparse.functions import stack as stack_sparse

        return stack_sparse(xs)
    return np.stack([_array_of(x) for x in xs])


def row(arrays: Tree, i: Any) -> Tree:
    """Return one row of each array, or several by an array of numbers.

    Example:
        >>> row({"a": np.arange(3), "b": np.eye(3)}, 1)["a"]
        np.int64(1)
    """
    return map_arrays(lambda a: a[i], arrays)


def count_rows(arrays: Tree) -> int:
    """Return how many rows arrays have.

    Raises:
        ValueError: They have different numbers of rows.

    Example:
        >>> count_rows((np.zeros(3), np.zeros((3, 2))))
        3
    """
    lengths = {len(a) for a in jax.tree.leaves(arrays)}
    if len(lengths) != 1:
        raise ValueError(f"Dataset: the arrays have different numbers of rows, {sorted(lengths)}.")
    return lengths.pop()


def call_on(function: Callable[..., Any], element: Tree) -> Tree:
    """Call a function on an element; a tuple's entries are its arguments.

    Example:
        >>> call_on(max, (1, 2))
        2
    """
    return function(*element) if isinstance(element, tuple) else function(element)


def as_element(made: Any) -> Tree:
    """Return what a function made as an element: a list of its entries is a tuple, as in `tf.data`.

    Example:
        >>> as_element([1, 2]), as_element({"a": [1, 2]})
        ((1, 2), {'a': [1, 2]})
    """
    return tuple(made) if isinstance(made, list) else made


def typed(element: Tree, spec: Any) -> Tree:
    """Return an element with the dtypes of a signature.

    Args:
        element: The element.
        spec: dtypes, or what has a `dtype`, nested as the element.

    Example:
        >>> typed((1, 2), ("float32", "int32"))
        (array(1., dtype=float32), array(2, dtype=int32))
    """
    if isinstance(spec, Mapping):
        return {k: typed(element[k], s) for k, s in spec.items()}
    if isinstance(spec, list) or (isinstance(spec, tuple) and not hasattr(spec, "dtype")):
        return tuple(typed(e, s) for e, s in zip(element, spec, strict=True))
    dtype = str(getattr(spec, "dtype", spec))
    if isinstance(element, AnyRows | AnySparse):
        return element
    return np.asarray(element, object if dtype == "string" else jnp.dtype(dtype))
