"""What an array holds instead of numbers, and what to do about it."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

__all__ = ["not_numbers", "ragged"]


def not_numbers(array: Any, name: str) -> str:
    """Say what an array holds instead of numbers, and what to do about it."""
    kind = getattr(array.dtype, "kind", "V")  # JAX's keys have none
    if kind == "O":
        for position, value in np.ndenumerate(array):
            if value is None:
                return _none(name, position)
            if isinstance(value, list | tuple | np.ndarray):
                return ragged(name, array)
            if isinstance(value, str | bytes):
                return _text(name, value, position)
            if not isinstance(value, numbers.Real | np.generic):
                kind = type(value).__name__
                return f"`{name}` holds a {kind} at {_place(position)}; wanted numbers."
        return f"`{name}` holds numbers as objects (dtype object); wanted .astype('float32')."
    if kind in "UST":
        first = (0,) * array.ndim
        return _text(name, array[first] if array.size else "", first)
    if kind in "mM":
        return (
            f"`{name}` holds dates or times ({array.dtype}); wanted numbers. Count from a date of "
            "yours, e.g. (x - x.min()) / np.timedelta64(1, 'D')."
        )
    return f"`{name}` has dtype {array.dtype}; wanted floats, whole numbers or booleans."


def _place(position: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, position))}]"


def _none(name: str, position: tuple[int, ...]) -> str:
    return (
        f"`{name}` holds None at {_place(position)}; wanted numbers. Drop that sample, or put a "
        "number in its place."
    )


def _text(name: str, value: str | bytes, position: tuple[int, ...]) -> str:
    shown = repr(bytes(value) if isinstance(value, bytes) else str(value))
    return (
        f"`{name}` holds text ({shown}{f' at {_place(position)}' if position else ''}); wanted "
        "numbers. Number the words or categories first, e.g. with "
        "np.unique(words, return_inverse=True), or by a StringLookup or TextVectorization in the model."
    )


def ragged(name: str, rows: Any) -> str:
    """Say which of the rows, lists or arrays, does not have the first one's length."""
    none = next((i for i, row in enumerate(rows) if row is None), None)
    if none is not None:
        return _none(name, (none,))
    sizes = [np.shape(row)[:1] if isinstance(row, np.ndarray) else _length(row) for row in rows]
    odd = next((i for i, size in enumerate(sizes) if size != sizes[0]), None)
    if odd is None and isinstance(rows, np.ndarray):
        return (
            f"`{name}` holds {type(rows[0]).__name__}s as objects; wanted one array of numbers, "
            "which np.stack makes of arrays of one shape."
        )
    where = "its rows are of one length, but what they hold is not"
    if odd is not None:
        counts = [f"{s[0]} entries" if s else "a single value" for s in (sizes[0], sizes[odd])]
        where = f"row 0 has {counts[0]}, row {odd} has {counts[1]}"
    return (
        f"`{name}` is ragged: {where}. Wanted one shape for all samples; "
        "trivium.utils.pad_sequences fills short rows up."
    )


def _length(row: Any) -> tuple[int, ...]:
    return (len(row),) if isinstance(row, list | tuple) else ()
