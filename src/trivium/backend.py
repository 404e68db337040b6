"""What Keras's users look for under `backend`: the engine is JAX, always."""

from typing import Any

import jax.numpy as jnp

from trivium.graph import is_symbolic as is_keras_tensor
from trivium.state.dtypes import (
    epsilon,
    floatx,
    set_epsilon,
    set_floatx,
    standardize_dtype,
)
from trivium.state.dtypes import is_float as is_float_dtype
from trivium.state.image_format import image_data_format, set_image_data_format
from trivium.state.session import session
from trivium.state.settings import backend
from trivium.training.executables import clear_session

__all__ = [
    "backend", "clear_session", "epsilon", "floatx", "get_uid", "image_data_format", "is_float_dtype", "is_int_dtype",
    "is_keras_tensor", "result_type", "set_epsilon", "set_floatx", "set_image_data_format", "standardize_dtype",
]  # fmt: skip


def is_int_dtype(dtype: Any) -> bool:
    """Say whether a dtype is of whole numbers; truth values are none.

    Args:
        dtype: A dtype.

    Example:
        >>> is_int_dtype("uint8"), is_int_dtype("bool"), is_int_dtype("float32")
        (True, False, False)
    """
    return bool(jnp.issubdtype(standardize_dtype(dtype), jnp.integer))


def result_type(*dtypes: Any) -> str:
    """Return the dtype that arrays of some dtypes become together.

    Args:
        dtypes: Dtypes. Python's `int` and `float` are numbers, which take the dtype of what they meet.

    Example:
        >>> result_type("bfloat16", int), result_type("int32", "float16"), result_type(int)
        ('bfloat16', 'float16', 'int32')
    """
    if not dtypes:
        return floatx()
    plain = [d if d in (bool, int, float, complex) else standardize_dtype(d) for d in dtypes]
    weak = all(d in (int, float) for d in plain)
    # Numbers alone are of the default types.
    given = [standardize_dtype(d) if weak else d for d in plain]
    return standardize_dtype(jnp.result_type(*given))


def get_uid(prefix: str = "") -> int:
    """Return how often a prefix has been asked for, this time included.

    Args:
        prefix: The prefix. Automatic names count the same.

    Example:
        >>> get_uid("doc_uid"), get_uid("doc_uid")
        (1, 2)
    """
    names = session().names
    names[prefix] += 1
    return names[prefix]
