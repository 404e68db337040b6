"""Conversions: the same values in another form, and what is known of an array without its values."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.data.convert import in_range
from trivium.graph.op import op
from trivium.graph.tensor import is_symbolic
from trivium.ops.arrays import as_array, as_complex, dtype_or_none, placed
from trivium.state.dtypes import is_float, standardize_dtype
from trivium.state.placing import to_device
from trivium.state.types import Array, ArrayLike, DType
from trivium.state.variable import Variable

__all__ = [
    "array", "cast", "convert_to_numpy", "convert_to_tensor", "copy", "dtype", "is_tensor",
    "ndim", "saturate_cast", "shape", "size", "view", "view_as_complex", "view_as_real",
]  # fmt: skip


@op
def array(x: ArrayLike, dtype: DType | None = None) -> Array:
    """Return a new array of the values.

    Args:
        dtype: The dtype; that of the values where it is `None`.

    Example:
        >>> array([1.0, 2.0]).dtype.name
        'float32'
    """
    return jnp.array(as_array(x), dtype=dtype_or_none(dtype))


@op
def copy(x: ArrayLike) -> Array:
    """Return a copy.

    Example:
        >>> copy([1.0, 2.0]).tolist()
        [1.0, 2.0]
    """
    return jnp.array(as_array(x), copy=True)


@op
def convert_to_tensor(
    x: ArrayLike, dtype: DType | None = None, sparse: bool | None = None, ragged: bool | None = None
) -> Array:
    """Return the values as an array.

    Args:
        x: An array, a list, a number or a variable.
        dtype: The dtype; that of the values where it is `None`.
        sparse: Kept for Keras's signature; only dense arrays are supported.
        ragged: Kept for Keras's signature; only dense arrays are supported.

    Raises:
        ValueError: A sparse or ragged tensor is asked for, or `x` holds whole numbers that do not fit.

    Example:
        >>> convert_to_tensor([1, 2], 'float32').tolist()
        [1.0, 2.0]
    """
    if sparse or ragged:
        raise ValueError(
            "Sparse and ragged tensors are not supported; leave `sparse` and `ragged` out."
        )
    to = dtype_or_none(dtype)
    x = x if to is not None and is_float(to) else in_range(x, "x")
    # Of 64 bits JAX keeps 32, and would warn of it; what does not fit has been refused.
    kept, array = to and jax.dtypes.canonicalize_dtype(to), as_array(x)
    if isinstance(array, np.ndarray) and kept in (None, jax.dtypes.canonicalize_dtype(array.dtype)):
        return to_device(array)
    return jnp.asarray(array, dtype=kept)


def convert_to_numpy(x: Array) -> np.ndarray:
    """Return the values as a NumPy array that nothing else writes to.

    Example:
        >>> convert_to_numpy(convert_to_tensor([1.0, 1.0]))
        array([1., 1.], dtype=float32)
    """
    return np.array(x.value if isinstance(x, Variable) else x)


@op
def cast(x: ArrayLike, dtype: DType | None) -> Array:
    """Change the dtype.

    Args:
        dtype: The dtype.

    Example:
        >>> cast([1.7], 'int32').tolist()
        [1]
    """
    return placed(as_array(x)).astype(standardize_dtype(dtype))


@op
def saturate_cast(x: ArrayLike, dtype: DType | None) -> Array:
    """Change the dtype, and replace what it cannot hold by the nearest value that it can.

    Args:
        dtype: The dtype.

    Example:
        >>> saturate_cast([-1, 300], 'uint8').tolist()
        [0, 255]
    """
    x, target = jnp.asarray(as_array(x)), jnp.dtype(standardize_dtype(dtype))
    if x.dtype != bool:
        own, wanted = _limits(x.dtype), _limits(target)
        low, high = max(own[0], wanted[0]), min(own[1], wanted[1])
        x = jnp.clip(x, np.asarray(low).astype(x.dtype), np.asarray(high).astype(x.dtype))
    return x.astype(target)


@op
def view(x: ArrayLike, dtype: DType | None = None) -> Array:
    """Read the same bytes as another dtype.

    Args:
        dtype: The dtype.

    Example:
        >>> view([1.0], 'int32').tolist()
        [1065353216]
    """
    return jnp.asarray(as_array(x)).view(dtype_or_none(dtype))


@op
def view_as_complex(x: ArrayLike) -> Array:
    """Make complex numbers of pairs.

    Args:
        x: An array of shape `(..., 2)`: real and imaginary parts.

    Raises:
        ValueError: The last axis has another size.

    Example:
        >>> view_as_complex([[1.0, 2.0]]).tolist()
        [(1+2j)]
    """
    x = jnp.asarray(as_array(x))
    if x.shape[-1:] != (2,):
        raise ValueError(f"the last axis has size 2: real and imaginary part; got shape {x.shape}.")
    return as_complex(x[..., 0], x[..., 1])


@op
def view_as_real(x: ArrayLike) -> Array:
    """Make pairs of complex numbers.

    Args:
        x: An array of complex numbers.

    Returns:
        An array of shape `(..., 2)`: real and imaginary parts.

    Example:
        >>> view_as_real([1 + 2j]).tolist()
        [[1.0, 2.0]]
    """
    x = jnp.asarray(as_array(x))
    return jnp.stack([x.real, x.imag], axis=-1)


def shape(x: Array) -> tuple[Any, ...]:
    """Return the shape, with `None` for a symbolic tensor's unknown sizes.

    Example:
        >>> from trivium.graph import SymbolicTensor
        >>> shape(SymbolicTensor((None, 3)))
        (None, 3)
    """
    return tuple(x.shape) if hasattr(x, "shape") else jnp.shape(as_array(x))


def ndim(x: Array) -> int:
    """Return the number of axes.

    Example:
        >>> ndim([[1, 2]])
        2
    """
    return len(shape(x))


@op
def size(x: ArrayLike) -> int:
    """Return the number of elements.

    Example:
        >>> size([[1, 2]])
        2
    """
    return jnp.size(as_array(x))


def dtype(x: Array) -> str:
    """Return the dtype's name.

    Example:
        >>> dtype([1.0])
        'float32'
    """
    return str(x.dtype) if hasattr(x, "dtype") else str(jnp.asarray(as_array(x)).dtype)


def is_tensor(x: Array) -> bool:
    """Say whether it is an array of JAX or a symbolic tensor.

    Example:
        >>> is_tensor(convert_to_tensor([1.0])), is_tensor([1.0])
        (True, False)
    """
    return isinstance(x, jax.Array) or is_symbolic(x)


def _limits(dtype: DType) -> tuple[Any, Any]:
    """Return the lowest and the largest number of a dtype."""
    if dtype == np.bool_:
        return 0, 1
    if is_float(dtype):
        return float(jnp.finfo(dtype).min), float(jnp.finfo(dtype).max)
    return int(jnp.iinfo(dtype).min), int(jnp.iinfo(dtype).max)
