"""`tf.DType`: dtypes as the strings that Keras has for them, with the properties of TensorFlow's."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from trivium.compat.written import WRITTEN, covers
from trivium.state.types import DType as AnyDType

__all__ = ["DType", "as_dtype"]


class DType(str):
    """A dtype: its name, with what TensorFlow's dtypes have.

    Example:
        >>> DType("uint8").is_integer, DType("uint8").max, DType("complex64").real_dtype
        (True, 255, 'float32')
    """

    @property
    def name(self) -> str:
        """Its name."""
        return str(self)

    @property
    def as_numpy_dtype(self) -> type:
        """NumPy's type of it; `object` for strings."""
        return object if self == "string" else jnp.dtype(str(self)).type

    @property
    def is_floating(self) -> bool:
        """Whether its numbers are real and not whole."""
        return self._is(jnp.floating)

    @property
    def is_integer(self) -> bool:
        """Whether its numbers are whole."""
        return self._is(jnp.integer)

    @property
    def is_unsigned(self) -> bool:
        """Whether its numbers are whole and never below zero."""
        return self._is(jnp.unsignedinteger)

    @property
    def is_complex(self) -> bool:
        """Whether its numbers are complex."""
        return self._is(jnp.complexfloating)

    @property
    def is_bool(self) -> bool:
        """Whether it is that of truth values."""
        return self == "bool"

    @property
    def base_dtype(self) -> DType:
        """Itself: there are no references to variables here."""
        return self

    @property
    def real_dtype(self) -> DType:
        """The dtype of the parts of complex numbers; itself where it is another."""
        return DType({"complex64": "float32", "complex128": "float64"}.get(self, self))

    @property
    def size(self) -> int:
        """How many bytes a number takes; 1 for strings, as there."""
        return 1 if self == "string" else jnp.dtype(str(self)).itemsize

    @property
    def min(self) -> Any:
        """The least number."""
        return self._bounds().min

    @property
    def max(self) -> Any:
        """The greatest number."""
        return self._bounds().max

    @property
    def limits(self) -> tuple[Any, Any]:
        """The least and the greatest number."""
        return self.min, self.max

    def _is(self, kind: type) -> bool:
        return self != "string" and bool(jnp.issubdtype(str(self), kind))

    def _bounds(self) -> Any:
        bounds: Any = jnp.finfo if self.is_floating else jnp.iinfo
        return bounds(str(self))


for _name in (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "bfloat16", "float32", "float64", "complex64", "complex128", "string",
):  # fmt: skip
    WRITTEN[f"tensorflow.{_name}"] = WRITTEN[f"tensorflow.dtypes.{_name}"] = DType(_name)
for _name, _of in {"half": "float16", "double": "float64"}.items():
    WRITTEN[f"tensorflow.{_name}"] = WRITTEN[f"tensorflow.dtypes.{_name}"] = DType(_of)
for _name in ("e4m3fn", "e5m2", "e4m3fnuz", "e5m2fnuz", "e4m3b11fnuz"):
    WRITTEN[f"tensorflow.dtypes.experimental.float8_{_name}"] = DType(f"float8_{_name}")
for _name in ("int4", "uint4", "int2", "uint2"):
    WRITTEN[f"tensorflow.dtypes.experimental.{_name}"] = DType(_name)
WRITTEN["tensorflow.DType"] = DType


@covers("tensorflow.as_dtype")
def as_dtype(type_value: AnyDType) -> DType:
    """Return a dtype as TensorFlow's programs know it.

    Args:
        type_value: Its name, or a type of Python, NumPy or JAX that means it.

    Example:
        >>> as_dtype(float).size, as_dtype(bytes).name
        (8, 'string')
    """
    if str(type_value) == "string" or type_value in (str, bytes, object):
        return DType("string")
    return DType(jnp.dtype(type_value))
