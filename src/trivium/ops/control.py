"""Control: branches, loops and gradients, as ops."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import as_array
from trivium.ops.closures import op_of_functions

__all__ = [
    "associative_scan", "cond", "custom_gradient", "fori_loop", "jvp", "map", "scan",
    "stop_gradient", "switch", "vectorize", "vectorized_map", "while_loop",
]  # fmt: skip

_Function = Callable[..., Any]


@op_of_functions
def cond(pred: Any, true_fn: _Function, false_fn: _Function) -> Any:
    """Call one of two functions, as a computed truth value says.

    Args:
        pred: A truth value.
        true_fn: A function without arguments, called where `pred` is true.
        false_fn: Another, called where it is false; its result has the same structure, shapes and dtypes.

    Returns:
        What the function that was called returned.

    Example:
        >>> cond(jnp.array(3) > 2, lambda: jnp.array(1.0), lambda: jnp.array(0.0)).item()
        1.0
    """
    if isinstance(pred, jax.core.Tracer):
        return jax.lax.cond(pred, true_fn, false_fn)
    return true_fn() if pred else false_fn()


@op_of_functions
def switch(index: Any, branches: Sequence[_Function], *operands: Any) -> Any:
    """Call one of several functions, as a computed index says.

    Args:
        index: Which function; it is clipped to the existing ones.
        branches: The functions; their results have the same structure, shapes and dtypes.
        operands: The arguments of each.

    Returns:
        What the function that was called returned.

    Example:
        >>> switch(1, [lambda x: x + 1, lambda x: x * 10], jnp.array(3)).item()
        30
    """
    return jax.lax.switch(index, list(branches), *operands)


@op_of_functions
def while_loop(
    cond: _Function, body: _Function, loop_vars: Any, maximum_iterations: int | None = None
) -> Any:
    """Repeat a function while another says so.

    Args:
        cond: A function of the variables that returns a truth value.
        body: A function of the variables that returns their new values, in the same structure.
        loop_vars: The variables' first values: a list or tuple (each is an argument of its own), or one alone.
        maximum_iterations: How often at most; `None` sets no limit.

    Returns:
        The variables' last values: a tuple, or one alone where `loop_vars` was.

    Example:
        >>> [part.item() for part in while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * 2), (0, 1))]
        [3, 8]
    """
    several = isinstance(loop_vars, list | tuple)
    first = tuple(loop_vars) if several else (loop_vars,)

    def check(state: Any) -> Any:
        count, values = state
        more = cond(*values)
        return more if maximum_iterations is None else (count < maximum_iterations) & more

    def step(state: Any) -> Any:
        count, values = state
        new = body(*values)
        return count + 1, tuple(new) if several else (new,)

    _, last = jax.lax.while_loop(check, step, (0, first))
    return last if several else last[0]


@op_of_functions
def fori_loop(lower: Any, upper: Any, body_fun: _Function, init_val: Any) -> Any:
    """Repeat a function for each whole number of a range.

    Args:
        lower: The first number.
        upper: The number before which to end.
        body_fun: A function `(number, value) -> value`.
        init_val: The first value.

    Returns:
        The last value.

    Example:
        >>> fori_loop(0, 4, lambda i, total: total + i, 0).item()
        6
    """
    return jax.lax.fori_loop(lower, upper, body_fun, init_val)


@op_of_functions
def scan(
    f: _Function,
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> Any:
    """Go along the first axis with a state.

    Args:
        f: A function `(state, x) -> (state, y)`.
        init: The first state.
        xs: Arrays with the same first axis, in any structure; `None` where there are none.
        length: How many steps; needed where `xs` is `None`.
        reverse: Whether to begin at the end.
        unroll: How many steps to write out in a row in the compiled loop; `True` for all.

    Returns:
        The last state, and the `y` of all steps stacked along a new first axis.

    Raises:
        ValueError: `unroll` is neither a truth value nor a whole number of at least 1.

    Example:
        >>> [part.tolist() for part in scan(lambda s, x: (s + x, s), 0, jnp.array([1, 2, 3]))]
        [6, [0, 1, 3]]
    """
    if not isinstance(unroll, bool | int) or (unroll is not False and unroll < 1):
        raise ValueError(
            f"scan: `unroll` is a whole number of at least 1 or a bool; got {unroll!r}."
        )
    return jax.lax.scan(f, init, xs, length, reverse, unroll)


@op_of_functions
def associative_scan(f: _Function, elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """Return all running results of an associative function, in parallel.

    Args:
        f: A function of two elements, `f(f(a, b), c) == f(a, f(b, c))`, that works on many at once.
        elems: Arrays in any structure.
        reverse: Whether to begin at the end.
        axis: The axis to go along.

    Example:
        >>> associative_scan(jnp.add, jnp.array([1, 2, 3])).tolist()
        [1, 3, 6]

    Reference:
        Blelloch, "Prefix Sums and Their Applications", 1990.
    """
    return jax.lax.associative_scan(f, elems, reverse, axis)


@op_of_functions
def map(f: _Function, xs: Any) -> Any:
    """Call a function with each slice along the first axis, one after the other.

    Args:
        f: A function of one slice.
        xs: Arrays with the same first axis, in any structure.

    Returns:
        The results, stacked along a new first axis.

    Example:
        >>> map(lambda x: x * 2, jnp.array([1, 2])).tolist()
        [2, 4]
    """
    return jax.lax.map(f, xs)


@op_of_functions
def vectorized_map(function: _Function, elements: Any) -> Any:
    """Call a function with each slice along the first axis, all at once.

    Args:
        function: A function of one slice.
        elements: Arrays with the same first axis, in any structure.

    Returns:
        The results, stacked along a new first axis.

    Example:
        >>> vectorized_map(lambda x: x * 2, jnp.array([1, 2])).tolist()
        [2, 4]
    """
    return jax.vmap(function)(elements)


def vectorize(
    pyfunc: _Function, *, excluded: set[int | str] | None = None, signature: str | None = None
) -> _Function:
    """Make a function of single elements one of arrays.

    Args:
        pyfunc: The function.
        excluded: Positions and names of the arguments to pass as they are.
        signature: The axes that it works on itself, such as `"(n),(n)->()"`; none where it is `None`.

    Returns:
        A function that broadcasts its arguments.

    Example:
        >>> vectorize(lambda a, b: a + b)(jnp.array([1, 2]), 10).tolist()
        [11, 12]
    """
    return op(jnp.vectorize(pyfunc, excluded=excluded or set(), signature=signature))


@op
def stop_gradient(variable: Any) -> Any:
    """Return the same values, taken for constants by gradients.

    Args:
        variable: An array or a variable.

    Example:
        >>> jax.grad(lambda x: stop_gradient(x) * x)(3.0).item()
        3.0
    """
    return jax.lax.stop_gradient(as_array(variable))


def custom_gradient(f: _Function) -> _Function:
    """Give a function a gradient of its own.

    Args:
        f: A function that returns its result and a function from the result's gradient to the arguments' gradients.

    Returns:
        An op that returns the result alone.

    Example:
        >>> @custom_gradient
        ... def clipped(x):
        ...     return x * x, lambda upstream: jnp.clip(upstream * 2 * x, -1.0, 1.0)
        >>> jax.grad(clipped)(3.0).item()
        1.0
    """
    return op(functools.wraps(f)(jax.custom_gradient(f)))


@op_of_functions
def jvp(fun: _Function, primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """Return a function's result and its change along a direction.

    Args:
        fun: A function of arrays.
        primals: A list or tuple of its arguments.
        tangents: The direction, in the structure of `primals`.
        has_aux: Whether the function returns a pair whose second part is not differentiated.

    Returns:
        The result, its change and, with `has_aux`, the second part.

    Example:
        >>> [part.item() for part in jvp(lambda x: x * x, (3.0,), (1.0,))]
        [9.0, 6.0]
    """
    return jax.jvp(fun, primals, tangents, has_aux=has_aux)
