"""Control: branches and loops, as ops.

The functions that these ops take may call layers. What layers do besides computing (new values of variables, draws of
random numbers, losses) is carried through: a Dropout draws afresh at each step of a loop, moving statistics move,
losses add up, as if the loop were written out. `state/effects.py` runs the functions as pure ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from trivium.ops.closures import op_of_functions
from trivium.ops.lowering.scanning import lower_scan, thrifty
from trivium.state.effects import Pure, finding, purely, put_back
from trivium.state.scopes import EffectError

__all__ = [
    "associative_scan", "cond", "fori_loop", "map", "scan", "switch", "while_loop",
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
    # A value that is there decides by itself, and only the function that it chooses is run. Who looks for effects wants
    # those of both, whatever the value.
    if not isinstance(pred, jax.core.Tracer) and not finding():
        return true_fn() if pred else false_fn()
    return _one_of(
        lambda branches, *operands: jax.lax.cond(pred, *branches, *operands), (true_fn, false_fn)
    )


def _one_of(
    choose: Callable[..., Any], functions: Sequence[_Function], operands: Sequence[Any] = ()
) -> Any:
    """Run one of several functions; the variables that any of them writes go into all and come out of all."""
    if finding():
        results = [f(*operands) for f in functions]
        return results[0]
    branches = purely(*functions, args=tuple(operands))
    result, values, loss = choose(branches, branches[0].now(), *operands)
    put_back(branches[0], values, loss)
    return result


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
    if not isinstance(index, jax.core.Tracer) and not finding():
        return branches[min(max(int(index), 0), len(branches) - 1)](*operands)
    return _one_of(
        lambda pures, *given: jax.lax.switch(index, pures, *given), list(branches), operands
    )


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

    def body_of(values: Any) -> tuple[Any, ...]:
        new = body(*values)
        return tuple(new) if several else (new,)

    if finding():  # One round touches what all rounds touch, and the state keeps its shapes.
        cond(*first)
        body_of(first)
        return loop_vars
    first = jax.tree_util.tree_map(jnp.asarray, first)
    check, step = purely(lambda values: cond(*values), args=(first,))[0], pure_form(body_of, first)
    if check.writes:
        raise EffectError(
            f"while_loop: `cond` gives the variable {check.writes[0].path!r} a new value, and a condition only asks. "
            "Do it in `body`."
        )

    def more(state: Any) -> Any:
        count, values, written, _ = state
        [verdict, _, _] = Pure(lambda v: cond(*v), step.writes, False)(written, values)
        return verdict if maximum_iterations is None else (count < maximum_iterations) & verdict

    def again(state: Any) -> Any:
        count, values, written, total = state
        new, written, loss = step(written, values)
        return count + 1, new, written, _plus(total, loss)

    start = (0, first, step.now(), step.no_loss())
    _, last, written, total = jax.lax.while_loop(more, again, start)
    put_back(step, written, total)
    return last if several else last[0]


def pure_form(function: _Function, *args: Any) -> Pure:
    """Return a function as a pure one of the values that it writes, which one run on shapes finds out."""
    return purely(function, args=args)[0]


def _plus(total: Any, loss: Any) -> Any:
    return None if total is None else total + loss


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
    if finding():
        body_fun(jnp.asarray(lower), init_val)
        return init_val
    number = jnp.asarray(lower)
    step = pure_form(body_fun, number, jax.tree_util.tree_map(jnp.asarray, init_val))

    def again(i: Any, state: Any) -> Any:
        value, written, total = state
        new, written, loss = step(written, i, value)
        return new, written, _plus(total, loss)

    start = (init_val, step.now(), step.no_loss())
    last, written, total = jax.lax.fori_loop(lower, upper, again, start)
    put_back(step, written, total)
    return last


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
    return scan_in_chunks(f, init, xs, length, reverse, unroll)


def scan_in_chunks(
    f: _Function,
    init: Any,
    xs: Any,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
    chunk: int | None = None,
    thrift: bool = False,
) -> Any:
    """Do what `scan` does, on arrays, and remember for gradients no more than the state every `chunk` steps.

    Args:
        f: As for `scan`, and so are the others.
        init: The first state.
        xs: Arrays with the same first axis.
        length: How many steps.
        reverse: Whether to begin at the end.
        unroll: How many steps to write out in a row.
        chunk: How many steps to forget and compute anew at a time; `None` to remember all of them.
        thrift: Whether each step is to remember its products alone, where that is faster.
    """
    # What the step writes and the losses that it adds go along in JAX's loop state, beside the user's.
    first = slice_of(xs)
    if finding():
        state, y = f(init, zeros_of(first))
        steps = length if xs is None else jax.tree_util.tree_leaves(xs)[0].shape[0]
        return state, stacked(y, steps or 0)
    step = pure_form(f, jax.tree_util.tree_map(jnp.asarray, init), first)

    def again(carry: Any, x: Any) -> Any:
        state, written, total = carry
        (state, y), written, loss = step(written, state, x)
        return (state, written, _plus(total, loss)), y

    if thrift and chunk is None:
        again = thrifty(again)
    start = (init, step.now(), step.no_loss())
    (last, written, total), ys = lower_scan(again, start, xs, length, reverse, unroll, chunk)
    put_back(step, written, total)
    return last, ys


def stacked(structure: Any, count: Any) -> Any:
    """Return arrays like the steps' results one after the other, where only their shapes matter."""
    return jax.tree_util.tree_map(
        lambda y: jnp.broadcast_to(jnp.asarray(y), (count, *jnp.shape(y))), structure
    )


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
    if finding():
        return stacked(f(zeros_of(slice_of(xs))), length_of(xs))
    return scan_in_chunks(lambda _, x: (None, f(x)), None, xs)[1]


def slice_of(xs: Any) -> Any:
    """Return what one slice along the first axis is like: shapes and dtypes."""

    def part(x: Any) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(jnp.shape(x)[1:], jnp.result_type(x))

    return jax.tree_util.tree_map(part, xs)


def zeros_of(specs: Any) -> Any:
    """Return arrays of given shapes and dtypes, where their values do not matter."""
    return jax.tree_util.tree_map(lambda s: jnp.zeros(s.shape, s.dtype), specs)


def length_of(xs: Any) -> Any:
    """Return how many slices arrays have along their first axes."""
    return jax.tree_util.tree_leaves(xs)[0].shape[0]
