"""How strings, rows of several lengths and sparse arrays look under `tf`: as TensorFlow's do."""

from __future__ import annotations

from typing import Any

import numpy as np

from trivium.data.ragged import RaggedArray
from trivium.data.sparse import SparseArray
from trivium.data.strings import StringArray

__all__ = ["install_printing", "uninstall_printing"]


def as_tensor(value: Any, dtype: str = "") -> str:
    """Return how an array is printed.

    Args:
        value: An array of numbers or strings.
        dtype: Its dtype there, where it is another than ours.

    Example:
        >>> as_tensor(StringArray("hi")), as_tensor(np.arange(2), "int64")
        ("tf.Tensor(b'hi', shape=(), dtype=string)", 'tf.Tensor([0 1], shape=(2,), dtype=int64)')
    """
    array = np.asarray(value)
    text = repr(array[()]) if array.dtype == object and not array.ndim else str(array)
    line = "\n" if "\n" in text else ""
    return f"tf.Tensor({line}{text}, shape={_shape(array.shape)}, dtype={dtype or _dtype(value)})"


def _dtype(value: Any) -> str:
    return str(value.dtype)


def _shape(sizes: tuple[int, ...]) -> str:
    return str(tuple(map(int, sizes)))


def _described(strings: StringArray) -> str:
    value = np.asarray(strings)
    shown = repr(value) if value.ndim else repr(value[()])
    line = "\n" if "\n" in shown else ""
    return f"<tf.Tensor: shape={_shape(strings.shape)}, dtype=string, numpy={line}{shown}>"


def _rows(rows: RaggedArray) -> str:
    return f"<tf.RaggedTensor {_entry(rows.numpy()) if rows.size else rows.to_list()}>"


def _entry(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size:
        return np.array2string(value, separator=", ", formatter={"all": _entry})
    return str(value)


def _sparse(array: SparseArray) -> str:
    parts = (
        f"indices={as_tensor(array.places, 'int64')}",
        f"values={as_tensor(array.values)}",
        f"dense_shape={as_tensor(np.array(array.shape), 'int64')}",
    )
    return f"SparseTensor({', '.join(parts)})"


_FORMS: dict[type, dict[str, Any]] = {
    StringArray: {"__str__": as_tensor, "__repr__": _described},
    RaggedArray: {"__repr__": _rows},
    SparseArray: {"__repr__": _sparse},
}
_before: dict[tuple[type, str], Any] = {}


def install_printing() -> None:
    """Let them look as TensorFlow's, until `uninstall_printing`.

    Example:
        >>> install_printing()
        >>> StringArray("hi")
        <tf.Tensor: shape=(), dtype=string, numpy=b'hi'>
        >>> uninstall_printing()
    """
    for cls, forms in _FORMS.items():
        for name, form in forms.items():
            _before[cls, name] = cls.__dict__.get(name)
            setattr(cls, name, form)


def uninstall_printing() -> None:
    """Let them look as ours again.

    Example:
        >>> uninstall_printing()  # nothing, where they do
    """
    while _before:
        (cls, name), form = _before.popitem()
        if form is None:
            delattr(cls, name)
        else:
            setattr(cls, name, form)
