"""Creation: new arrays, and what is known of an array without its values."""

from __future__ import annotations

from collections.abc import Sequence
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
    "arange", "array", "cast", "convert_to_numpy", "convert_to_tensor", "copy", "dtype", "empty",
    "empty_like", "eye", "full", "full_like", "geomspace", "identity", "is_tensor", "linspace",
    "logspace", "ndim", "ones", "ones_like", "saturate_cast", "shape", "size", "tri", "view",
    "view_as_complex", "view_as_real", "zeros", "zeros_like",
]  # fmt: skip


def zeros(shape: int | Sequence[int], dtype: DType | None = None) -> Any:
    """Return an array of zeros.

    Args:
        shape: The shape.
        dtype: The dtype; the default float type where it is `None`.

    Example:
        >>> zeros((2,)).tolist()
        [0.0, 0.0]
    """
    return jnp.zeros(_sizes(shape), standardize_dtype(dtype))


def ones(shape: int | Sequence[int], dtype: DType | None = None) -> Any:
    """Return an array of ones.

    Args:
        shape: The shape.
        dtype: The dtype; the default float type where it is `None`.

    Example:
        >>> ones((2,)).tolist()
        [1.0, 1.0]
    """
    return jnp.ones(_sizes(shape), standardize_dtype(dtype))


def empty(shape: int | Sequence[int], dtype: DType | None = None) -> Any:
    """Return an array that is to be filled; it holds zeros.

    Args:
        shape: The shape.
        dtype: The dtype; the default float type where it is `None`.

    Example:
        >>> empty((2,)).shape
        (2,)
    """
    return jnp.zeros(_sizes(shape), standardize_dtype(dtype))


@op
def full(shape: int | Sequence[int], fill_value: ArrayLike, dtype: DType | None = None) -> Array:
    """Return an array with one value everywhere.

    Args:
        shape: The shape.
        fill_value: The value.
        dtype: The dtype; the default float type where it is `None`.

    Example:
        >>> full((2,), 7).tolist()
        [7.0, 7.0]
    """
    return jnp.full(_sizes(shape), as_array(fill_value), standardize_dtype(dtype))


@op
def zeros_like(x: ArrayLike, dtype: DType | None = None) -> Array:
    """Return zeros in the shape of `x`.

    Args:
        dtype: The dtype; that of `x` where it is `None`.

    Example:
        >>> zeros_like([1, 2]).tolist()
        [0, 0]
    """
    return jnp.zeros_like(as_array(x), dtype_or_none(dtype))


@op
def ones_like(x: ArrayLike, dtype: DType | None = None) -> Array:
    """Return ones in the shape of `x`.

    Args:
        dtype: The dtype; that of `x` where it is `None`.

    Example:
        >>> ones_like([1, 2]).tolist()
        [1, 1]
    """
    return jnp.ones_like(as_array(x), dtype_or_none(dtype))


@op
def empty_like(x: ArrayLike, dtype: DType | None = None) -> Array:
    """Return an array in the shape of `x` that is to be filled; it holds zeros.

    Args:
        dtype: The dtype; that of `x` where it is `None`.

    Example:
        >>> empty_like([1, 2]).shape
        (2,)
    """
    return jnp.zeros_like(as_array(x), dtype_or_none(dtype))


@op
def full_like(x: ArrayLike, fill_value: ArrayLike, dtype: DType | None = None) -> Array:
    """Return an array in the shape of `x` with one value everywhere.

    Args:
        fill_value: The value.
        dtype: The dtype; that of `x` where it is `None`.

    Example:
        >>> full_like([1, 2], 7).tolist()
        [7, 7]
    """
    return jnp.full_like(as_array(x), as_array(fill_value), dtype_or_none(dtype))


def eye(N: int, M: int | None = None, k: int = 0, dtype: DType | None = None) -> Any:
    """Return a matrix with ones on a diagonal and zeros elsewhere.

    Args:
        N: How many rows.
        M: How many columns; `N` where it is `None`.
        k: The diagonal: 0 the main one, above it positive, below it negative.
        dtype: The dtype; the default float type where it is `None`.

    Example:
        >>> eye(2).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    return jnp.eye(N, M, k, standardize_dtype(dtype))


def identity(n: int, dtype: DType | None = None) -> Any:
    """Return the identity matrix.

    Args:
        n: How many rows and columns.
        dtype: The dtype; the default float type where it is `None`.

    Example:
        >>> identity(2).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    return jnp.identity(n, standardize_dtype(dtype))


def tri(N: int, M: int | None = None, k: int = 0, dtype: DType | None = None) -> Any:
    """Return a matrix with ones on and below a diagonal and zeros above.

    Args:
        N: How many rows.
        M: How many columns; `N` where it is `None`.
        k: The diagonal: 0 the main one, above it positive, below it negative.
        dtype: The dtype; the default float type where it is `None`.

    Example:
        >>> tri(2).tolist()
        [[1.0, 0.0], [1.0, 1.0]]
    """
    return jnp.tri(N, M, k, standardize_dtype(dtype))


def arange(
    start: ArrayLike,
    stop: ArrayLike | None = None,
    step: ArrayLike | None = None,
    dtype: DType | None = None,
) -> Array:
    """Return evenly spaced numbers, with a given distance.

    Args:
        start: The first number; or, given alone, `stop`, and 0 is the first.
        stop: The number before which to end.
        step: The distance of two numbers, 1 where it is `None`.
        dtype: The dtype; int32, or the default float type where one of the numbers is a float.

    Example:
        >>> arange(3).tolist()
        [0, 1, 2]
    """
    if dtype is None:
        given = [n for n in (start, stop, step) if n is not None]
        types = [n.dtype if hasattr(n, "dtype") else type(n) for n in given]
        floats = any(t is float or (t is not int and is_float(t)) for t in types if t is not bool)
        dtype = standardize_dtype(None) if floats else "int32"
    end, distance = (None if n is None else as_array(n) for n in (stop, step))
    return jnp.arange(as_array(start), end, distance, standardize_dtype(dtype))


@op
def linspace(
    start: ArrayLike,
    stop: ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: DType | None = None,
    axis: int = 0,
) -> Any:
    """Return evenly spaced numbers, of a given count.

    Args:
        start: The first number; may be an array.
        stop: The last number; may be an array.
        num: How many.
        endpoint: Whether `stop` is among them.
        retstep: Whether to return the distance too.
        dtype: The dtype; a float type where it is `None`.
        axis: Where the new axis stands, for arrays.

    Example:
        >>> linspace(0.0, 1.0, 3).tolist()
        [0.0, 0.5, 1.0]
    """
    return jnp.linspace(
        as_array(start), as_array(stop), num, endpoint, retstep, dtype_or_none(dtype), axis
    )


@op
def logspace(
    start: ArrayLike,
    stop: ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    base: float = 10,
    dtype: DType | None = None,
    axis: int = 0,
) -> Array:
    """Return numbers evenly spaced on a logarithmic scale.

    Args:
        start: The first number; may be an array.
        stop: The last number; may be an array.
        num: How many.
        endpoint: Whether `stop` is among them.
        base: The base; `start` and `stop` are its exponents.
        dtype: The dtype; a float type where it is `None`.
        axis: Where the new axis stands, for arrays.

    Example:
        >>> logspace(0.0, 2.0, 3).round(3).tolist()
        [1.0, 10.0, 100.00000762939453]
    """
    return jnp.logspace(
        as_array(start), as_array(stop), num, endpoint, base, dtype_or_none(dtype), axis
    )


@op
def geomspace(
    start: ArrayLike,
    stop: ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    dtype: DType | None = None,
    axis: int = 0,
) -> Array:
    """Return numbers each of which is the same multiple of the one before.

    Args:
        start: The first number; may be an array.
        stop: The last number; may be an array.
        num: How many.
        endpoint: Whether `stop` is among them.
        dtype: The dtype; a float type where it is `None`.
        axis: Where the new axis stands, for arrays.

    Example:
        >>> geomspace(1.0, 100.0, 3).round(3).tolist()
        [1.0, 10.0, 100.00000762939453]
    """
    return jnp.geomspace(as_array(start), as_array(stop), num, endpoint, dtype_or_none(dtype), axis)


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
        >>> convert_to_numpy(ones((2,)))
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
        >>> view(ones((1,)), 'int32').tolist()
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
        >>> is_tensor(ones((2,))), is_tensor([1.0])
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


def _sizes(shape: Any) -> Any:
    if isinstance(shape, Sequence) and None in shape:
        raise ValueError(
            f"An array needs a size for each axis; got {tuple(shape)}. A symbolic tensor's unknown sizes are `None`: "
            "use `zeros_like`, `ones_like` or `full_like` of a tensor that has the shape, or `broadcast_to`."
        )
    return shape
