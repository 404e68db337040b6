"""The ops behind Python's operators; they enter themselves into the table that symbolic tensors look up."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import as_array, wide_integer
from trivium.ops.lowering.products import product_of_sequences
from trivium.state.dtypes import is_float
from trivium.state.operators import OPERATORS
from trivium.state.types import Array, ArrayLike

__all__ = [
    "absolute", "add", "divide", "equal", "floor_divide", "get_item", "greater", "greater_equal", "less",
    "less_equal", "logical_and", "logical_not", "logical_or", "logical_xor", "matmul", "mod", "multiply", "negative",
    "not_equal", "power", "subtract",
]  # fmt: skip


@op
def add(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Add element by element.

    Example:
        >>> add(1.0, 2.0).item()
        3.0
    """
    return jnp.add(as_array(x1), as_array(x2))


@op
def subtract(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Subtract element by element.

    Example:
        >>> subtract(3.0, 2.0).item()
        1.0
    """
    return jnp.subtract(as_array(x1), as_array(x2))


@op
def multiply(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Multiply element by element.

    Example:
        >>> multiply(3.0, 2.0).item()
        6.0
    """
    return jnp.multiply(as_array(x1), as_array(x2))


@op
def divide(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Divide element by element; whole numbers give floats.

    Example:
        >>> divide(3, 2).item()
        1.5
    """
    return jnp.true_divide(as_array(x1), as_array(x2))


@op
def floor_divide(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Divide element by element and round down.

    Example:
        >>> floor_divide(-3, 2).item()
        -2
    """
    return jnp.floor_divide(as_array(x1), as_array(x2))


@op
def mod(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the remainder of the division, with the sign of the divisor.

    Example:
        >>> mod(-3, 2).item()
        1
    """
    return jnp.mod(as_array(x1), as_array(x2))


@op
def power(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Raise to a power element by element.

    Example:
        >>> power(3.0, 2).item()
        9.0
    """
    x1, x2 = as_array(x1), as_array(x2)
    if not isinstance(x2, int) and is_float(jnp.result_type(x1, x2)):
        # 0 ** 0 is 1 by agreement; the slopes there, 0 · ∞ and log(0), are 0 likewise.
        x1 = jnp.where((x1 == 0) & (x2 == 0), jnp.ones_like(x1), x1)
    return jnp.power(x1, x2)


@op
def matmul(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Multiply matrices; leading dimensions broadcast, and products of int8 add up in int32.

    Args:
        x1: An array of shape `(..., n, k)`, or `(k,)`.
        x2: An array of shape `(..., k, m)`, or `(k,)`.

    Returns:
        An array of shape `(..., n, m)`.

    Example:
        >>> matmul([[1.0, 2.0]], [[3.0], [4.0]]).tolist()
        [[11.0]]
    """
    x1, x2 = as_array(x1), as_array(x2)
    found = product_of_sequences(x1, x2)
    return (
        jnp.matmul(x1, x2, preferred_element_type=wide_integer(x1, x2)) if found is None else found
    )


@op
def equal(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Say where they are equal.

    Example:
        >>> equal([1, 2], [1, 3]).tolist()
        [True, False]
    """
    return jnp.equal(as_array(x1), as_array(x2))


@op
def not_equal(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Say where they differ.

    Example:
        >>> not_equal([1, 2], [1, 3]).tolist()
        [False, True]
    """
    return jnp.not_equal(as_array(x1), as_array(x2))


@op
def less(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Say where `x1 < x2`.

    Example:
        >>> less(1, 2).item()
        True
    """
    return jnp.less(as_array(x1), as_array(x2))


@op
def less_equal(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Say where `x1 <= x2`.

    Example:
        >>> less_equal(2, 2).item()
        True
    """
    return jnp.less_equal(as_array(x1), as_array(x2))


@op
def greater(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Say where `x1 > x2`.

    Example:
        >>> greater(1, 2).item()
        False
    """
    return jnp.greater(as_array(x1), as_array(x2))


@op
def greater_equal(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Say where `x1 >= x2`.

    Example:
        >>> greater_equal(2, 2).item()
        True
    """
    return jnp.greater_equal(as_array(x1), as_array(x2))


@op
def logical_and(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Say where both are true.

    Example:
        >>> logical_and(True, False).item()
        False
    """
    return jnp.logical_and(as_array(x1), as_array(x2))


@op
def logical_or(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Say where one of them is true.

    Example:
        >>> logical_or(True, False).item()
        True
    """
    return jnp.logical_or(as_array(x1), as_array(x2))


@op
def logical_xor(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Say where exactly one of them is true.

    Example:
        >>> logical_xor(True, True).item()
        False
    """
    return jnp.logical_xor(as_array(x1), as_array(x2))


@op
def logical_not(x: ArrayLike) -> Array:
    """Say where it is false.

    Example:
        >>> logical_not(False).item()
        True
    """
    return jnp.logical_not(as_array(x))


@op
def negative(x: ArrayLike) -> Array:
    """Change the sign.

    Example:
        >>> negative(2.0).item()
        -2.0
    """
    return jnp.negative(as_array(x))


@op
def absolute(x: ArrayLike) -> Array:
    """Return the absolute value.

    Example:
        >>> absolute(-2.0).item()
        2.0
    """
    return jnp.absolute(as_array(x))


@op
def get_item(x: ArrayLike, key: Any) -> Array:
    """Return `x[key]`.

    Args:
        key: What Python's brackets take: numbers, slices, `...`, `None`, arrays.

    Example:
        >>> import numpy as np
        >>> get_item(np.arange(5), slice(1, 3)).tolist()
        [1, 2]
    """
    return jnp.asarray(as_array(x))[key]


# Behind Python's operators on symbolic tensors, by the names of Python's `operator` module.
OPERATORS.update({
    "add": add, "sub": subtract, "mul": multiply, "truediv": divide, "floordiv": floor_divide,
    "mod": mod, "pow": power, "matmul": matmul, "eq": equal, "ne": not_equal, "lt": less,
    "le": less_equal, "gt": greater, "ge": greater_equal, "and_": logical_and, "or_": logical_or,
    "xor": logical_xor, "neg": negative, "abs": absolute, "invert": logical_not,
    "getitem": get_item,
})  # fmt: skip
