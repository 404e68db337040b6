"""TensorFlow's strings as bytes: what files, records and messages hold."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from trivium.compat.errors import NotCovered
from trivium.compat.hints import hint_for
from trivium.compat.written import WRITTEN
from trivium.data.strings import StringArray

__all__ = ["as_strings", "bytes_in", "bytes_of", "kind_of_tensor", "path_of", "sparse", "tensor"]


def bytes_in(strings: Any) -> np.ndarray:
    """Return strings, in whatever form a program has them, as an array of bytes.

    Example:
        >>> bytes_in(["a", b"b"])
        array([b'a', b'b'], dtype=object)
    """
    if not isinstance(strings, np.ndarray) and hasattr(strings, "__array__"):
        strings = np.asarray(strings)
    array = np.asarray(strings, object)
    flat = [v.encode() if isinstance(v, str) else v for v in array.ravel().tolist()]
    wrong = next((v for v in flat if not isinstance(v, bytes)), None)
    if wrong is not None:
        raise TypeError(f"Wanted strings or bytes; got {wrong!r}.")
    made = np.empty(len(flat), object)
    made[:] = flat
    return made.reshape(array.shape)


def bytes_of(string: Any) -> bytes:
    """Return one string as bytes.

    Example:
        >>> bytes_of(np.array("é", object))
        b'\\xc3\\xa9'
    """
    array = bytes_in(string)
    if array.ndim:
        raise ValueError(f"Wanted one string; got an array of the shape {array.shape}.")
    found: bytes = array.item()
    return found


def path_of(string: Any) -> str:
    """Return one string as a path.

    Example:
        >>> path_of(b"a/b")
        'a/b'
    """
    return os.fspath(string) if isinstance(string, os.PathLike) else os.fsdecode(bytes_of(string))


def as_strings(values: Any) -> Any:
    """Return bytes as a program for TensorFlow gets them.

    Example:
        >>> as_strings(b"a").numpy()
        b'a'
    """
    return StringArray(bytes_in(values))


def tensor(values: np.ndarray) -> Any:
    """Return values as a tensor: whole numbers too large for int32 stay NumPy's.

    Example:
        >>> tensor(np.array([1, 2])).dtype
        dtype('int32')
    """
    import jax.numpy as jnp

    if values.dtype.kind == "O":
        return as_strings(values)
    wide = values.dtype.kind in "iu" and values.dtype.itemsize == 8 and values.size
    if wide and not -(2**31) <= values.min() <= values.max() < 2**31:
        return values
    return jnp.asarray(values)


def kind_of_tensor(name: str) -> Any:
    """Return TensorFlow's class of a kind of tensor that is no array."""
    found = WRITTEN.get(f"tensorflow.{name}")
    if found is None:
        raise NotCovered(f"tf.{name} is not covered. {hint_for(f'tensorflow.{name}')}")
    return found


def sparse(indices: Any, values: Any, shape: Any) -> Any:
    """Return a sparse tensor: values at places."""
    return kind_of_tensor("SparseTensor")(
        np.asarray(indices, np.int64).reshape(len(values), len(shape)), values, list(shape)
    )
