"""Recorded values as JSON, one line a case, and what differs between two of them."""

from __future__ import annotations

import base64
import inspect
import json
from typing import Any

import jax
import numpy as np

# What arithmetic in another order may change: of results of half precision, and of all others.
ROUNDING = {"float16": 5e-3, "bfloat16": 4e-2}
OTHERWISE = 2e-5


def encode(value: Any) -> Any:
    """Return a value as JSON holds it. Arrays of any library and variables become NumPy arrays."""
    if value is None or (
        isinstance(value, bool | int | float | str) and not isinstance(value, np.generic)
    ):
        return value
    if isinstance(value, dict) and all(isinstance(k, str) for k in value) and "!" not in value:
        return {k: encode(v) for k, v in value.items()}
    if isinstance(value, dict):
        return {"!": "dict", "data": [[encode(k), encode(v)] for k, v in value.items()]}
    if isinstance(value, list):
        return [encode(v) for v in value]
    if isinstance(value, tuple):
        return {"!": "tuple", "data": [encode(v) for v in value]}
    if isinstance(value, set | frozenset):
        return {"!": "set", "data": [encode(v) for v in sorted(value)]}
    if isinstance(value, bytes):
        return {"!": "bytes", "data": base64.b64encode(value).decode()}
    if value is inspect.Parameter.empty:
        return {"!": "empty"}
    if not isinstance(value, np.ndarray | np.generic | jax.Array) and not hasattr(value, "assign"):
        raise TypeError(
            f"oracle: {value!r} of type {type(value).__name__} cannot be recorded; return arrays, numbers, text, "
            "configs and lists, tuples and dicts of them."
        )
    array = np.ascontiguousarray(np.asarray(value)).reshape(np.shape(value))
    if array.dtype.kind in "SUO":
        raise TypeError(f"oracle: an array of {array.dtype} cannot be recorded; return a list.")
    data = base64.b64encode(array.tobytes()).decode()
    return {"!": str(array.dtype), "shape": list(array.shape), "data": data}


def decode(value: Any) -> Any:
    """Return what was encoded; arrays cannot be written to, since tests share them."""
    if isinstance(value, list):
        return [decode(v) for v in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("!")
    if kind is None:
        return {k: decode(v) for k, v in value.items()}
    if kind == "dict":
        return {decode(k): decode(v) for k, v in value["data"]}
    if kind in ("tuple", "set"):
        return {"tuple": tuple, "set": set}[kind](map(decode, value["data"]))
    if kind == "empty":
        return inspect.Parameter.empty
    data = base64.b64decode(value["data"])
    return data if kind == "bytes" else np.frombuffer(data, kind).reshape(value["shape"])


def line(entry: Any) -> str:
    """Return a case as a line of its file, the same bytes for the same value."""
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":"))


def difference(old: Any, new: Any, place: str = "") -> str | None:
    """Say where two encoded values differ by more than rounding; None where they do not."""
    arrays = [isinstance(v, dict) and {"!", "shape"} <= v.keys() for v in (old, new)]
    if all(arrays) or all(isinstance(v, float) for v in (old, new)):
        return _of_numbers(decode(old), decode(new), place)
    if type(old) is not type(new):
        return f"{place or 'value'}: {line(old)[:80]} → {line(new)[:80]}"
    if isinstance(old, dict) and list(old) == list(new):
        parts = [(f"{place}[{k!r}]" if k != "data" else place, old[k], new[k]) for k in old]
    elif isinstance(old, list) and len(old) == len(new):
        parts = [(f"{place}[{i}]", a, b) for i, (a, b) in enumerate(zip(old, new, strict=True))]
    else:
        said = line(old), line(new)
        return (
            None if said[0] == said[1] else f"{place or 'value'}: {said[0][:80]} → {said[1][:80]}"
        )
    return next(filter(None, (difference(a, b, p) for p, a, b in parts)), None)


def _of_numbers(old: Any, new: Any, place: str) -> str | None:
    old, new = np.asarray(old), np.asarray(new)
    if (old.dtype, old.shape) != (new.dtype, new.shape):
        return f"{place or 'value'}: {old.dtype}{old.shape} → {new.dtype}{new.shape}"
    if old.dtype.kind in "biu":
        count = int(np.sum(old != new))
        return f"{place or 'value'}: {count} of {old.size} numbers differ" if count else None
    tolerance = ROUNDING.get(str(old.dtype), OTHERWISE)
    old, new = old.astype("complex128"), new.astype("complex128")
    odd = ~(np.isfinite(old) & np.isfinite(new))
    if not np.array_equal(old[odd], new[odd], equal_nan=True):
        return f"{place or 'value'}: NaN or infinity at other places"
    old, new = np.where(odd, 0, old), np.where(odd, 0, new)
    largest = float(np.max(np.abs(old - new), initial=0.0))
    scale = float(np.max(np.abs(old), initial=0.0))
    rounded = largest <= tolerance * max(scale, 1e-3)
    return None if rounded else f"{place or 'value'}: differs by {largest:.3g}"
