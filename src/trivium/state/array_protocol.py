"""What a variable does where an array is wanted: operators, indices, and what NumPy, JAX and Python ask of arrays."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.state.dtypes import is_float, standardize_dtype
from trivium.state.operators import ArrayOperators
from trivium.state.placing import to_device
from trivium.state.types import ArrayLike, DType

__all__ = ["ReadAsArray", "as_value"]

_OPERATORS: dict[str, Callable[..., Any]] = {"abs": abs}


class ReadAsArray(ArrayOperators):
    """The part of a variable that stands for its value."""

    # The array that it holds itself, whatever scope is open, or `None`.
    _value: Any

    @property
    def value(self) -> Any:
        """The value, for somebody who may keep it."""
        raise NotImplementedError

    def _read(self) -> Any:
        """Return the value to somebody who looks at it and does not keep it."""
        raise NotImplementedError

    def assign(self, value: ArrayLike) -> Any:
        """Give it a new value."""
        raise NotImplementedError

    def numpy(self) -> np.ndarray:
        """Return the value as a NumPy array that nothing else writes to."""
        return np.array(self._read())

    def __array__(self, dtype: DType | None = None, copy: bool | None = None) -> np.ndarray:
        # A view where that is possible; JAX reuses no memory that NumPy has a view of.
        return np.asarray(self._read(), dtype=dtype)

    def __jax_array__(self) -> Any:
        return self.value

    def _operate(self, name: str, *operands: Any) -> Any:
        # A symbolic tensor on the other side has the operator record a node; Python asks it next.
        if any(getattr(o, "is_symbolic", False) for o in operands):
            return NotImplemented
        function = _OPERATORS.get(name) or getattr(operator, name)
        if name != "getitem":  # An index may be a list.
            operands = tuple(jnp.asarray(o) if isinstance(o, list | tuple) else o for o in operands)
        result = function(*(o.value if isinstance(o, ReadAsArray) else o for o in operands))
        return self._part(result, operands[1]) if name == "getitem" else result

    def _part(self, part: Any, key: Any) -> Any:
        """Let a part of the variable be given new values, as in `v[0].assign(...)`; it stays a plain array.

        In compiled code write `v.assign(v.value.at[0].set(...))`.
        """

        def changed(how: str) -> Callable[[Any], Any]:
            return lambda value: self.assign(
                getattr(self.value.at[key], how)(as_value(value, None))
            )

        if part is self._value:  # It would know the variable, and the variable it.
            part = jnp.copy(part)
        # Arrays that are being traced take no attributes.
        with contextlib.suppress(AttributeError):
            part.assign, part.assign_add, part.assign_sub = map(changed, ("set", "add", "subtract"))
        return part

    def __pos__(self) -> Any:
        return self.value

    def __round__(self, ndigits: int | None = None) -> Any:
        return jnp.round(self.value, ndigits or 0)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.value)

    def __len__(self) -> int:
        return len(self.value)

    def __float__(self) -> float:
        return float(self._read())

    def __int__(self) -> int:
        return int(self._read())

    def __bool__(self) -> bool:
        return bool(self._read())


def as_value(value: ArrayLike, dtype: DType | None) -> jax.Array:
    """Return what a variable is given as an array on the device.

    Args:
        value: An array, a number, nested lists of such, or a variable.
        dtype: The dtype; the value's own, and the default float type for Python's floats, where it is `None`.

    Raises:
        ValueError: The value is a text.
    """
    if isinstance(value, ReadAsArray):
        value = value.value
    if isinstance(value, str):
        raise ValueError(
            f"A variable's value is an array; got {value!r}. Where it is an initializer's name, write "
            f"`trivium.initializers.get({value!r})`."
        )
    if dtype is None and not hasattr(value, "dtype"):
        value = np.asarray(value)
        dtype = None if value.dtype.kind != "f" else standardize_dtype(None)
    elif dtype is not None and type(value) is float and is_float(dtype):
        # Such as a rate that is set before each step: in NumPy's form JAX takes it in half the time.
        return jnp.asarray(np.asarray(value, standardize_dtype(dtype)))
    return to_device(value, None if dtype is None else standardize_dtype(dtype))
