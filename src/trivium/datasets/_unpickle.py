"""Reader of pickled arrays that runs nothing: the pickle's classes are stand-ins that hold data.

A few classic datasets were published as Python pickles, a format that can name any function to
call. Here a pickle may name NumPy's array and dtype alone, and even these are not NumPy's own,
whose unpickling trusts the file: a forged dtype makes it take bytes for addresses.
"""

from __future__ import annotations

import pickle
from typing import IO, Any

import numpy as np

__all__ = ["unpickle"]


class _Dtype:
    """Stands in for `numpy.dtype`: plain numbers, and `object` for lists."""

    def __init__(self, code: str | bytes, *_: object) -> None:
        text = _text(code)
        if text[:1] not in set("biufO") or not text[1:].isdecimal():
            raise pickle.UnpicklingError(f"it holds an array of the type {text!r}")
        self.value = np.dtype(object if text[0] == "O" else text)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, order, *structure = state[:5]
        prefix = {"|": "", "=": "=", "<": "<", ">": ">"}[_text(order)]
        if any(part is not None for part in structure):
            raise pickle.UnpicklingError("it holds an array with fields")
        self.value = np.dtype(prefix + self.value.str[1:])


class _Array:
    """Stands in for `numpy.ndarray` and for the function that makes an empty one."""

    def __init__(self, *_: object) -> None:
        self.value: np.ndarray | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, content = state
        if dtype.value.char == "O":
            flat = np.fromiter((_plain(item) for item in content), object, len(content))
        else:
            flat = np.frombuffer(content, dtype.value)
        self.value = flat.reshape(shape, order="F" if fortran else "C")


_STAND_INS: dict[tuple[str, str], type] = {
    ("numpy", "dtype"): _Dtype,
    ("numpy", "ndarray"): _Array,
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type:
        if (module, name) not in _STAND_INS:
            raise pickle.UnpicklingError(f"it asks for `{module}.{name}`, which is not data")
        return _STAND_INS[module, name]


def unpickle(file: IO[bytes], name: str) -> Any:
    """Return the array, or the dict of arrays and lists, that a pickle holds.

    Args:
        file: The pickle.
        name: What to call it in messages.

    Returns:
        What is in it; strings written by Python 2 stay bytes.

    Raises:
        ValueError: It is damaged, or asks for more than arrays, numbers, strings, lists, dicts.
    """
    try:
        value = _Unpickler(file, encoding="bytes").load()
        if isinstance(value, dict):
            return {key: _plain(item) for key, item in value.items()}
        return _plain(value)
    except Exception as error:  # A forged pickle can fail in any way.
        raise ValueError(f"{name} was not loaded: {error}.") from error


def _plain(item: Any) -> Any:
    if not isinstance(item, _Array):
        return item
    if item.value is None:
        raise pickle.UnpicklingError("it holds an array without content")
    return item.value


def _text(code: str | bytes) -> str:
    return code.decode("ascii") if isinstance(code, bytes) else code
