"""The gradient of a table that rows were looked up in: which rows it has, without the zeros of all others.

JAX derives a lookup as zeros of the table's size, to which the rows' gradients are added. While a step is traced, the
array knows the operation that it comes from; so what is added can be had, and the zeros need never be made.

Reference:
    https://docs.jax.dev/en/latest/_autosummary/jax.lax.scatter_add.html
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from trivium.state.jaxpr import is_literal, operation_name

__all__ = ["RowGradient", "lookups_of", "row_gradient"]

# What is no row is added to none; or else it is promised that there is no such number.
_DROPPING = (
    jax.lax.GatherScatterMode.FILL_OR_DROP,
    jax.lax.GatherScatterMode.PROMISE_IN_BOUNDS,
)

_Lookup: TypeAlias = tuple[Any, Any]


class RowGradient(NamedTuple):
    """A gradient that is zero but in some rows.

    Args:
        places: The rows' numbers, shape `(rows,)`, none of them twice. Such as are no rows of the table stand for none.
        values: The rows, shape `(rows, ...)`.
    """

    places: Any
    values: Any


def lookups_of(gradient: Any) -> list[_Lookup] | None:
    """Return the numbers of rows, and what is added to these, that a gradient being traced is the sum of.

    Args:
        gradient: Any array.

    Returns:
        A pair of arrays, of shapes `(count,)` and `(count, ...)`, for each lookup, in the order in which they are
        added; `None` where anything else is in the gradient, or where nobody knows.

    Example:
        >>> def step(table, numbers):
        ...     gradient = jax.grad(lambda t: jnp.sum(t[numbers] ** 2))(table)
        ...     [(places, rows)] = lookups_of(gradient)
        ...     return places, rows
        >>> [a.shape for a in jax.jit(step)(jnp.ones((9, 2)), jnp.arange(4))]
        [(4,), (4, 2)]
    """
    equation = getattr(gradient, "parent", None)
    if not isinstance(gradient, jax.core.Tracer) or equation is None:
        return None
    operands = equation.in_tracers
    name = equation.primitive.name
    if name == "add_any":
        both = [lookups_of(x) for x in operands]
        return None if None in both else [pair for pairs in both for pair in pairs or ()]
    if name == "scatter-add" and _is_zeros(getattr(operands[0], "parent", None)):
        return _pair(equation.params, gradient.shape, *operands[1:])
    if name in ("jit", "pjit"):
        inner = equation.params["jaxpr"].jaxpr
        added = _made_by(inner, inner.outvars[0]) if len(inner.outvars) == 1 else None
        if added is not None and operation_name(added) == "scatter-add":
            given = dict(zip(inner.invars, operands, strict=True))
            operand, *rest = added.invars
            known = not any(is_literal(x) or x not in given for x in rest)
            if known and not is_literal(operand) and _is_zeros(_made_by(inner, operand)):
                return _pair(added.params, gradient.shape, *(given[x] for x in rest))
    return None


def row_gradient(lookups: list[_Lookup], rows: int) -> RowGradient:
    """Return the sum of lookups' gradients with each row once, added up in the order in which JAX would.

    Args:
        lookups: What `lookups_of` returns.
        rows: How many rows the table has.

    Example:
        >>> twice = [(jnp.array([7, 2, 7]), jnp.array([[1.0], [2.0], [3.0]]))]
        >>> places, values = row_gradient(twice, 9)
        >>> places.tolist(), values.tolist()
        ([2, 7, 9], [[2.0], [4.0], [0.0]])
    """
    # What is no row of the table changes none: it gets the number after the last, which small integers may not hold.
    numbers = jnp.concatenate(
        [p if p.dtype.itemsize >= 4 else p.astype("int32") for p, _ in lookups]
    )
    numbers = jnp.where((numbers < 0) | (numbers >= rows), rows, numbers)
    order = jnp.argsort(numbers)
    ascending = numbers[order]
    first = jnp.concatenate([jnp.ones(1, bool), ascending[1:] != ascending[:-1]])
    group = jnp.cumsum(first) - 1
    places = jnp.full(numbers.shape, rows, numbers.dtype).at[group].set(ascending)
    groups = jnp.zeros(numbers.shape, group.dtype).at[order].set(group)
    values, begin = None, 0
    for _, added in lookups:
        mine = groups[begin : begin + len(added)]
        begin += len(added)
        sums = jnp.zeros((len(numbers), *added.shape[1:]), added.dtype).at[mine].add(added)
        # Each lookup's rows are added up by themselves, and the sums then.
        values = sums if values is None else values + sums
    return RowGradient(places, values)


def _is_zeros(equation: Any) -> bool:
    if equation is None or equation.primitive.name != "broadcast_in_dim":
        return False
    filled = equation.invars[0]
    if isinstance(filled, jax.core.Tracer):  # One that stands for a number has the literal in it.
        filled = getattr(filled, "val", None)
    return is_literal(filled) and bool(filled.val == 0)


def _made_by(program: Any, value: Any) -> Any:
    return next((e for e in program.eqns if value in e.outvars), None)


def _pair(settings: Any, shape: tuple[int, ...], numbers: Any, added: Any) -> list[_Lookup] | None:
    """Return the numbers and rows of `zeros(shape).at[numbers].add(added)`; `None` where it adds something else."""
    d = settings["dimension_numbers"]
    lead = added.ndim - len(shape) + 1
    whole_rows = (
        tuple(d.update_window_dims) == tuple(range(lead, added.ndim))
        and tuple(d.inserted_window_dims) == tuple(d.scatter_dims_to_operand_dims) == (0,)
        and not d.operand_batching_dims
        and not d.scatter_indices_batching_dims
        and numbers.shape == (*added.shape[:lead], 1)
        and added.shape[lead:] == shape[1:]
        and settings["mode"] in _DROPPING
    )
    return [(numbers.reshape(-1), added.reshape(-1, *shape[1:]))] if whole_rows else None
