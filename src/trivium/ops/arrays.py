"""Arrays from what people pass: lists, numbers, NumPy arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np

from trivium.state.dtypes import is_float, standardize_dtype
from trivium.state.image_format import image_data_format
from trivium.state.placing import to_device
from trivium.state.types import Array, ArrayLike, Axes, DType

__all__ = [
    "as_array", "as_axes", "as_common_floats", "as_complex", "as_floats", "as_wide_floats", "channels_are_last",
    "dtype_or_none", "need_values", "per_axis", "placed", "positive_axes", "positive_axis", "wide_integer",
]  # fmt: skip


_READY = (bool, int, float, complex)


def as_array(x: ArrayLike) -> Array:
    """Return `x` if it is an array or a number, else an array of it.

    A number stays one, so that it takes the dtype of what it meets.

    Example:
        >>> as_array([1.0, 2.0]).dtype, as_array(1.0)
        (dtype('float32'), 1.0)
    """
    if hasattr(x, "dtype") or isinstance(x, _READY):
        # A number has what of an array `jax.numpy` asks of it, a variable or symbolic tensor has all.
        return cast(Array, x)
    if (known := _of_numbers(x)) is not None:
        return known
    array = jnp.asarray(x)
    return array.astype(standardize_dtype(None)) if is_float(array.dtype) else array


def _of_numbers(x: object) -> Array | None:
    """Return the array of nested lists of Python's numbers, without a program for each shape; `None` for all else."""
    if not _holds_numbers_alone(x):
        return None
    try:
        array = np.asarray(x)
    except ValueError:  # Rows of several lengths, which JAX has the words for.
        return None
    kept = jax.dtypes.canonicalize_dtype(array.dtype)
    if is_float(kept):
        # As JAX takes it: its own width first.
        return to_device(array.astype(kept), standardize_dtype(None))
    kind = array.dtype.kind
    fits = kind == "b" or (kind == "i" and np.array_equal(array, array.astype(kept)))
    return to_device(array, kept) if fits else None


def _holds_numbers_alone(x: object) -> bool:
    if type(x) in (list, tuple):
        return all(map(_holds_numbers_alone, cast("Sequence[object]", x)))
    return type(x) in (int, float, bool)


def placed(x: Array) -> Array:
    """Return an array of the host on the device, and any other as `jax.numpy` takes it.

    Example:
        >>> placed(np.ones(2)).dtype
        dtype('float32')
    """
    if isinstance(
        x, jax.Array
    ):  # It would be what comes back, from a look at all that it might have been.
        return x
    return to_device(x) if isinstance(x, np.ndarray) else jnp.asarray(x)


def wide_integer(*arrays: ArrayLike) -> str | None:
    """Return the dtype to add up products in where it is not the arrays' own: int32 where all are int8.

    Example:
        >>> wide_integer(jnp.ones(1, "int8"), jnp.ones(1, "int8")), wide_integer(jnp.ones(1))
        ('int32', None)
    """
    return "int32" if all(getattr(x, "dtype", None) == "int8" for x in arrays) else None


def as_floats(x: ArrayLike) -> Array:
    """Return `as_array(x)` in a float type: the default one where `x` holds whole numbers.

    Example:
        >>> as_floats([1, 2]).dtype
        dtype('float32')
    """
    x = placed(as_array(x))
    return x if jnp.issubdtype(x.dtype, jnp.inexact) else x.astype(standardize_dtype(None))


def as_wide_floats(x: ArrayLike) -> Array:
    """Return `as_floats(x)` in float32 at least: in half types squares overflow from 256 on, and vanish below 0.0003.

    Example:
        >>> as_wide_floats(np.ones(1, "float16")).dtype, as_wide_floats(np.ones(1, "complex64")).dtype
        (dtype('float32'), dtype('complex64'))
    """
    x = as_floats(x)
    return x.astype(jnp.promote_types(x.dtype, "float32"))


def as_common_floats(*xs: ArrayLike) -> tuple[Array, ...]:
    """Return arrays in the float type that they promote to: the default one where all hold whole numbers.

    Example:
        >>> [x.dtype.name for x in as_common_floats(np.zeros(1, "float16"), np.ones(1, "int32"))]
        ['float16', 'float16']
    """
    arrays = [as_array(x) for x in xs]
    dtype = jnp.result_type(*arrays)
    if not jnp.issubdtype(dtype, jnp.inexact):
        dtype = jnp.dtype(standardize_dtype(None))
    return tuple(jnp.asarray(x, dtype) for x in arrays)


def as_complex(real: ArrayLike, imaginary: ArrayLike) -> Array:
    """Return the complex numbers of their two parts.

    Example:
        >>> as_complex([1], [2.0]).tolist()
        [(1+2j)]
    """
    real, imaginary = as_common_floats(real, imaginary)
    wide = jnp.promote_types(real.dtype, "float32")  # There are no complex half types.
    return jax.lax.complex(real.astype(wide), imaginary.astype(wide))


def dtype_or_none(dtype: DType | None) -> str | None:
    """Return a dtype's name, or `None` for `None`: the op chooses.

    Example:
        >>> dtype_or_none(float), dtype_or_none(None)
        ('float32', None)
    """
    return None if dtype is None else standardize_dtype(dtype)


def per_axis(value: int | Sequence[int], axes: int, name: str, least: int = 1) -> tuple[int, ...]:
    """Return one number for each spatial axis.

    Args:
        value: A number for all axes or a sequence with one for each.
        axes: How many axes there are.
        name: The argument's name, for the message.
        least: What each must be at least.

    Raises:
        ValueError: The sequence has another length, or a number is too small.

    Example:
        >>> per_axis(2, 2, "strides"), per_axis([1, 2], 2, "strides")
        ((2, 2), (1, 2))
    """
    values = (value,) * axes if isinstance(value, int | np.integer) else tuple(value)
    if len(values) == 1:
        values *= axes
    if len(values) != axes or any(v < least for v in values):
        raise ValueError(
            f"`{name}` is one whole number or {axes}, one for each spatial axis, of at least {least}; got {value!r}."
        )
    return tuple(map(int, values))


def channels_are_last(data_format: str | None) -> bool:
    """Say whether the channels come last; `None` means that they do.

    Raises:
        ValueError: It is neither `"channels_last"` nor `"channels_first"`; or it is `None` while
            `config.image_data_format()` says otherwise.

    Example:
        >>> channels_are_last("channels_first")
        False
    """
    if data_format not in (None, "channels_last", "channels_first"):
        raise ValueError(
            f"`data_format` is 'channels_last' or 'channels_first'; got {data_format!r}."
        )
    if data_format is None and image_data_format() == "channels_first":
        # A graph holds the call as it was written: what it means must not change with a setting.
        raise ValueError(
            "`config.image_data_format()` is 'channels_first', which layers follow when they are made and ops do not; "
            "say data_format='channels_first' (or 'channels_last') in this call."
        )
    return data_format != "channels_first"


def as_axes(axis: Axes) -> int | tuple[int, ...] | None:
    """Return the axes as JAX takes them, a tuple in place of a list.

    Example:
        >>> as_axes([0, 1]), as_axes(None)
        ((0, 1), None)
    """
    return tuple(axis) if isinstance(axis, Sequence) else axis


def positive_axis(axis: int, ndim: int) -> int:
    """Return an axis counted from the front.

    Args:
        axis: The axis; if negative, counted from the end.
        ndim: How many axes there are.

    Raises:
        ValueError: There is no such axis.

    Example:
        >>> positive_axis(-1, 3)
        2
    """
    if not -ndim <= axis < ndim:
        raise ValueError(f"axis {axis} is out of bounds for array of dimension {ndim}")
    return axis % ndim


def positive_axes(axes: Axes, ndim: int) -> tuple[int, ...]:
    """Return one axis, several or (for `None`) all as `positive_axis` does, in rising order.

    Example:
        >>> positive_axes((-1, 0), 3), positive_axes(1, 3), positive_axes(None, 2)
        ((0, 2), (1,), (0, 1))
    """
    if axes is None:
        return tuple(range(ndim))
    several = [axes] if isinstance(axes, int) else axes
    return tuple(sorted(positive_axis(axis, ndim) for axis in several))


def need_values(x: ArrayLike, instead: str) -> None:
    """Refuse an array without values, for an op whose result's shape follows from them.

    Args:
        instead: What to do instead.

    Raises:
        ValueError: The array has no values yet, because a program is being compiled or a graph recorded.

    Example:
        >>> need_values(jnp.ones(2), "")
    """
    if isinstance(x, jax.core.Tracer):
        raise ValueError(
            "the shape of the result depends on values, which no graph or compiled program knows beforehand. "
            + instead
        )


def dense_only(sparse: bool) -> None:
    """Refuse the `sparse` of Keras's signatures: the arrays of ops are dense.

    Raises:
        ValueError: It is asked for.

    Example:
        >>> dense_only(False)
    """
    if sparse:
        raise ValueError("Sparse arrays are not supported; leave `sparse` at False.")
