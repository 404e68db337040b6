"""Dtypes: their names, the default float type, and epsilon."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from trivium.state.registry import suggest
from trivium.state.session import own_session, session
from trivium.state.types import DType

__all__ = [
    "epsilon",
    "floatx",
    "is_float",
    "is_half",
    "set_epsilon",
    "set_floatx",
    "standardize_dtype",
]

_FLOATS = ("float16", "bfloat16", "float32", "float64")
_OTHERS = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "complex64",
)  # fmt: skip
_NAMES: dict[Any, str] = {
    form: name for name in _FLOATS + _OTHERS for form in (name, jnp.dtype(name))
}
_PYTHON = {bool: "bool", int: "int32", float: "float32", "int": "int32", str: "string"}


def floatx() -> str:
    """Return the default float type, `"float32"` unless set otherwise.

    Example:
        >>> floatx()
        'float32'
    """
    return session().floatx


def set_floatx(value: str) -> None:
    """Set the default float type.

    Args:
        value: `"float16"`, `"bfloat16"`, `"float32"` or `"float64"` (the last needs JAX's 64-bit mode).

    Raises:
        ValueError: It is none of these.

    Example:
        >>> set_floatx("float32")
    """
    if value not in _FLOATS:
        raise ValueError(
            f"floatx must be one of {_FLOATS}; got {value!r}. {suggest(value, _FLOATS)}"
        )
    own_session().floatx = value


def epsilon() -> float:
    """Return the small number that keeps divisions and logarithms finite, `1e-7` unless set otherwise.

    Example:
        >>> epsilon()
        1e-07
    """
    return session().epsilon


def set_epsilon(value: float) -> None:
    """Set the small number that `epsilon` returns.

    Example:
        >>> set_epsilon(1e-7)
    """
    own_session().epsilon = float(value)


def standardize_dtype(dtype: DType | None) -> str:
    """Return the name of a dtype; `None` gives the default float type.

    Args:
        dtype: A name, a NumPy or JAX dtype, a Python type or `None`.

    Raises:
        ValueError: There is no such dtype.

    Example:
        >>> standardize_dtype(None), standardize_dtype(int), standardize_dtype(np.uint8)
        ('float32', 'int32', 'uint8')
    """
    if dtype is None:
        return session().floatx
    if isinstance(dtype, str | np.dtype) and dtype in _NAMES:
        return _NAMES[dtype]  # As nearly always.
    if dtype in _PYTHON:
        return _PYTHON[dtype]
    if getattr(dtype, "kind", None) in ("T", "U", "S"):
        return "string"  # NumPy's kinds of text: one to us.
    try:
        # A text is a name as it stands: NumPy's own names for 64 bits and bytes are not.
        name = dtype if isinstance(dtype, str) else str(jnp.dtype(dtype))
    except TypeError:
        name = str(dtype)
    if name not in _FLOATS and name not in _OTHERS and name != "string":
        raise ValueError(f"Unknown dtype {dtype!r}. {suggest(name, _FLOATS + _OTHERS)}")
    return name


def is_float(dtype: DType) -> bool:
    """Say whether a dtype is a floating-point one, bfloat16 included.

    Example:
        >>> is_float("bfloat16"), is_float(np.int32)
        (True, False)
    """
    return dtype != "string" and bool(jnp.issubdtype(jnp.dtype(dtype), np.floating))


def is_half(dtype: DType) -> bool:
    """Say whether a dtype is a floating-point one of 16 bits, whose sums overflow or lose digits.

    Example:
        >>> is_half("bfloat16"), is_half("float32")
        (True, False)
    """
    return str(dtype) in ("float16", "bfloat16")
