"""Creation: new arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import as_array, dtype_or_none
from trivium.state.dtypes import is_float, standardize_dtype
from trivium.state.symbolic_dimensions import is_unknown
from trivium.state.types import Array, ArrayLike, DType

__all__ = [
    "arange", "empty", "empty_like", "eye", "full", "full_like", "geomspace", "identity",
    "linspace", "logspace", "ones", "ones_like", "tri", "zeros", "zeros_like",
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
        types = [
            int if is_unknown(n) else n.dtype if hasattr(n, "dtype") else type(n) for n in given
        ]
        floats = any(t is float or (t is not int and is_float(t)) for t in types if t is not bool)
        dtype = standardize_dtype(None) if floats else "int32"
    # A size with symbols in it is as good as a number to JAX, and as an array it would be of no known length.
    numbers: list[Any] = [
        n if n is None or is_unknown(n) else as_array(n) for n in (start, stop, step)
    ]
    first, end, distance = numbers
    return jnp.arange(first, end, distance, standardize_dtype(dtype))


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


def _sizes(shape: Any) -> Any:
    if isinstance(shape, Sequence) and None in shape:
        raise ValueError(
            f"An array needs a size for each axis; got {tuple(shape)}. A symbolic tensor's unknown sizes are `None`: "
            "use `zeros_like`, `ones_like` or `full_like` of a tensor that has the shape, or `broadcast_to`."
        )
    return shape
