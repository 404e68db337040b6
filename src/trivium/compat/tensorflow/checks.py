"""What TensorFlow's operations refuse on a CPU: places outside of a tensor, whole numbers divided by zero.

Values that are there are looked at now. In a `tf.function` the program says whether one of them is wrong, and that is
looked at when it has run; the variables are as they were then. Steps of `fit` are compiled without.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.compat.tensorflow.errors import as_tensorflow_s
from trivium.graph import SymbolicTensor
from trivium.graph.op import any_symbolic
from trivium.state.functions import look_after_call, tracing_function
from trivium.state.variable import Variable

__all__ = ["check_divisor", "check_exponent", "check_indices", "check_places", "refuse"]


def refuse(
    rows: Any, wrong: Callable[[Any], Any], error: Callable[[int, list[int]], Exception]
) -> None:
    """Raise an error where one of some whole numbers, or one of their rows, is wrong.

    Args:
        rows: An array of whole numbers.
        wrong: A function of them, in NumPy's words and JAX's alike, that says for each row whether it is wrong.
        error: The error for the number of the first wrong row, and for what is in it.

    Raises:
        Exception: That error, now or by the call of the function that is being traced.

    Example:
        >>> refuse([3, -1], lambda x: x < 0, lambda place, row: ValueError(f"{row} at {place}"))
        Traceback (most recent call last):
            ...
        ValueError: [-1] at 1
    """
    if isinstance(rows, SymbolicTensor):
        return
    if isinstance(rows, Variable):
        rows = rows.value

    def look(found: Any, rows: Any) -> None:
        if found:
            rows = np.asarray(rows)
            place = int(np.argmax(wrong(rows)))
            raise error(place, np.atleast_1d(rows[place]).tolist())

    if not isinstance(rows, jax.core.Tracer):
        rows = np.asarray(rows)
        if not np.any(wrong(rows)):
            return
        if not tracing_function():
            look(True, rows)
        # A branch with something wrong in it may be one that is never taken.
    elif not tracing_function() or not rows.size:
        return
    rows = jnp.asarray(rows)
    found = wrong(rows).any()
    look_after_call(look, found, rows, where=found)


def check_indices(name: str, indices: Any, size: Any, meaning: str = "INVALID_ARGUMENT") -> None:
    """Refuse an index outside of an axis.

    Args:
        name: What the error calls the function.
        indices: Whole numbers.
        size: The axis's; nothing is known of a symbolic one.
        meaning: The status that the error stands for.

    Raises:
        ValueError: An index is negative, or no less than the size.

    Example:
        >>> check_indices("tf.gather", [0, 3], 3)
        Traceback (most recent call last):
            ...
        trivium.compat.tensorflow.errors.InvalidArgumentError: tf.gather: indices[1] = 3 is not in [0, 3).
    """
    if not isinstance(size, int) or isinstance(indices, SymbolicTensor):
        return
    if type(indices) is int and 0 <= indices < size:
        return
    shape, flat = _shape_and_flat(indices)

    def error(place: int, row: list[int]) -> Exception:
        where = ",".join(str(int(i)) for i in np.unravel_index(place, shape))
        what = f"indices[{where}]" if where else "indices"
        said = ValueError(f"{name}: {what} = {row[0]} is not in [0, {size}).")
        return as_tensorflow_s(said, meaning)

    refuse(flat, lambda x: (x < 0) | (x >= size), error)


def check_places(name: str, indices: Any, shape: Any) -> None:
    """Refuse a place outside of an array.

    Args:
        name: What the error calls the function.
        indices: An array whose last axis holds places: a number for each of the array's first axes.
        shape: The array's shape.

    Raises:
        ValueError: One lies outside.

    Example:
        >>> check_places("tf.scatter_nd", [[0, 1], [2, 2]], (3, 2))
        Traceback (most recent call last):
            ...
        trivium.compat.tensorflow.errors.InvalidArgumentError: tf.scatter_nd: indices[1] = [2, 2] is not in the shape [3, 2].
    """  # noqa: E501
    if isinstance(indices, SymbolicTensor) or not all(isinstance(n, int) for n in shape):
        return
    if not isinstance(indices, jax.core.Tracer):
        indices = np.asarray(indices.value if isinstance(indices, Variable) else indices)
    outer, axes = indices.shape[:-1], indices.shape[-1]
    sizes = np.asarray(shape[:axes])
    if len(sizes) < axes or not axes or not indices.size:
        return  # The operation itself says that, or there is one place: the whole.

    def error(place: int, row: list[int]) -> Exception:
        where = ",".join(str(int(i)) for i in np.unravel_index(place, outer))
        what = f"indices[{where}]" if where else "indices"
        return as_tensorflow_s(
            ValueError(f"{name}: {what} = {row} is not in the shape {list(shape)}.")
        )

    refuse(indices.reshape(-1, axes), lambda x: ((x < 0) | (x >= sizes)).any(-1), error)


def check_divisor(x: Any, y: Any, meaning: str = "INVALID_ARGUMENT") -> None:
    """Refuse zeros where whole numbers are divided.

    Args:
        x: What is divided.
        y: By what.
        meaning: The status that the error stands for.

    Raises:
        ZeroDivisionError: There is one.

    Example:
        >>> check_divisor(7, jnp.array(0))
        Traceback (most recent call last):
            ...
        trivium.compat.tensorflow.errors.InvalidArgumentError: Integer division by zero.
    """
    if (type(y) is int and y) or any_symbolic((x, y)) or not (_is_whole(x) and _is_whole(y)):
        return

    def error(place: int, row: list[int]) -> Exception:
        return as_tensorflow_s(ZeroDivisionError("Integer division by zero."), meaning)

    if not _shape_and_flat(x)[1].size:
        return
    refuse(_shape_and_flat(y)[1], lambda d: d == 0, error)


def check_exponent(x: Any, y: Any) -> None:
    """Refuse negative powers of whole numbers that are to be whole numbers.

    Args:
        x: What is raised to the power.
        y: The exponents.

    Raises:
        ValueError: One is negative.

    Example:
        >>> check_exponent(jnp.array(2), -1)
        Traceback (most recent call last):
            ...
        trivium.compat.tensorflow.errors.InvalidArgumentError: Integers to negative integer powers are not allowed: -1.
    """
    if (type(y) is int and y >= 0) or any_symbolic((x, y)) or not (_is_whole(x) and _is_whole(y)):
        return

    def error(place: int, row: list[int]) -> Exception:
        message = f"Integers to negative integer powers are not allowed: {row[0]}."
        return as_tensorflow_s(ValueError(message))

    refuse(_shape_and_flat(y)[1], lambda d: d < 0, error)


def _is_whole(x: Any) -> bool:
    dtype = getattr(x, "dtype", None)
    if dtype is None:
        return type(x) is int or (isinstance(x, list | tuple) and np.asarray(x).dtype.kind in "iu")
    return str(dtype).startswith(("int", "uint"))


def _shape_and_flat(x: Any) -> tuple[tuple[int, ...], Any]:
    if isinstance(x, Variable):
        x = x.value
    array = x if isinstance(x, jax.core.Tracer) else np.asarray(x)
    return array.shape, array.reshape(-1)
