"""Arrays of equal shape side by side as one array, and back: two operations that a program can see through.

What is stacked right after it was taken apart is the array that was there before. JAX knows no such rule; so a step in
which weights are stacked, used, changed and taken apart again would copy them each time. `carried` writes the rule into
a traced step: arrays of its state that it stacks come in stacked and leave stacked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax._src import core
from jax.interpreters import ad, batching, mlir

from trivium.state.jaxpr import Program, is_literal, part_of

__all__ = ["Stacks", "carried", "stacked", "unstacked"]

_stack = core.Primitive("trivium_stack")
_unstack = core.Primitive("trivium_unstack")
_unstack.multiple_results = True


def stacked(arrays: Sequence[Any]) -> jax.Array:
    """Return arrays of one shape and dtype as one array, with a new first axis.

    Args:
        arrays: The arrays.

    Example:
        >>> stacked([jnp.zeros(2), jnp.ones(2)]).tolist()
        [[0.0, 0.0], [1.0, 1.0]]
    """
    result: jax.Array = _stack.bind(*arrays)
    return result


def unstacked(array: jax.Array) -> list[jax.Array]:
    """Return the rows of an array, each without the first axis.

    Args:
        array: The array.

    Example:
        >>> [row.tolist() for row in unstacked(jnp.arange(4).reshape(2, 2))]
        [[0, 1], [2, 3]]
    """
    return list(_unstack.bind(array))


def _stack_plainly(*arrays: Any) -> Any:
    return jax.lax.concatenate([jax.lax.expand_dims(a, (0,)) for a in arrays], 0)


def _unstack_plainly(array: Any) -> list[Any]:
    return [jax.lax.index_in_dim(array, i, 0, keepdims=False) for i in range(array.shape[0])]


def _stack_back(cotangent: Any, *arrays: Any) -> list[Any]:
    parts = unstacked(cotangent)
    wanted = map(ad.is_undefined_primal, arrays)
    return [part if is_wanted else None for part, is_wanted in zip(parts, wanted, strict=True)]


def _unstack_back(cotangents: Sequence[Any], array: Any) -> list[Any]:
    if all(type(c) is ad.Zero for c in cotangents):
        return [ad.Zero(array.aval.to_ct_aval())]
    return [stacked([ad.instantiate_zeros(c) for c in cotangents])]


def _stack_batched(arrays: Sequence[Any], axes: Sequence[Any]) -> tuple[Any, int]:
    size = next(a.shape[axis] for a, axis in zip(arrays, axes, strict=True) if axis is not None)
    moved = [batching.bdim_at_front(a, axis, size) for a, axis in zip(arrays, axes, strict=True)]
    return stacked(moved), 1


def _unstack_batched(arrays: Sequence[Any], axes: Sequence[Any]) -> tuple[list[Any], list[int]]:
    parts = unstacked(jnp.moveaxis(arrays[0], axes[0], 1))
    return parts, [0] * len(parts)


for _primitive, _plain, _several in (
    (_stack, _stack_plainly, False),
    (_unstack, _unstack_plainly, True),
):
    _primitive.def_impl(jax.jit(_plain))
    mlir.register_lowering(_primitive, mlir.lower_fun(_plain, multiple_results=_several))
ad.deflinear2(_stack, _stack_back)
ad.deflinear2(_unstack, _unstack_back)
batching.primitive_batchers[_stack] = _stack_batched
batching.primitive_batchers[_unstack] = _unstack_batched


def _stack_type(*arrays: Any) -> Any:
    return arrays[0].update(shape=(len(arrays), *arrays[0].shape), weak_type=False)


def _unstack_type(array: Any) -> Any:
    return [array.update(shape=array.shape[1:], weak_type=False)] * array.shape[0]


_stack.def_abstract_eval(_stack_type)
_unstack.def_abstract_eval(_unstack_type)


class Stacks:
    """Which arrays of a list lie side by side as one.

    Args:
        columns: The places of the arrays of each stack.
        size: How long the list is.

    Example:
        >>> stacks = Stacks([(0, 2)], 3)
        >>> [a.tolist() for a in stacks.join([jnp.array(1), jnp.array(2), jnp.array(3)])]
        [[1, 3], 2]
    """

    def __init__(self, columns: Sequence[tuple[int, ...]], size: int) -> None:
        taken = {place for column in columns for place in column}
        self.columns = list(columns)
        self.alone = [place for place in range(size) if place not in taken]

    def __len__(self) -> int:
        return len(self.columns) + len(self.alone)

    def places(self, place: int) -> tuple[int, ...]:
        """Return the places in the list of what stands at a place of the joined one."""
        count = len(self.columns)
        return self.columns[place] if place < count else (self.alone[place - count],)

    def join(
        self,
        arrays: Sequence[Any],
        stack: Callable[[list[Any]], Any] = stacked,
        alone: Callable[[Any], Any] = lambda array: array,
    ) -> list[Any]:
        """Return the stacks, and after them the arrays that stand alone.

        Args:
            arrays: The arrays, or what stands for them.
            stack: Makes one of several.
            alone: What is done to the others.
        """
        together = [stack([arrays[place] for place in column]) for column in self.columns]
        return [*together, *(alone(arrays[place]) for place in self.alone)]


def carried(program: Program, states: int, results: int) -> tuple[Program, Stacks]:
    """Return a step whose state comes stacked and leaves stacked where the step stacks it anyway.

    Args:
        program: A program of a state and other inputs that gives results and the state's successor.
        states: How many inputs are the state.
        results: How many results there are before the state's successor.

    Returns:
        The program of the joined state, and how the state is joined.

    Example:
        >>> def step(a, b):
        ...     return unstacked(2 * stacked([a, b]))
        >>> program, stacks = carried(jax.make_jaxpr(step)(1.0, 2.0), 2, 0)
        >>> [e.primitive.name for e in program.eqns], [stacks.places(0)]
        (['mul'], [(0, 1)])
    """
    jaxpr = program.jaxpr
    place = {var: i for i, var in enumerate(jaxpr.invars[:states])}
    columns: dict[tuple[int, ...], Any] = {}
    taken: set[int] = set()
    for equation in jaxpr.eqns:
        if equation.primitive is _stack:
            column = tuple([place.get(v, -1) if not is_literal(v) else -1 for v in equation.invars])
            free = column in columns or not taken.intersection(column)
            if -1 not in column and free and len(set(column)) == len(column):
                columns.setdefault(column, equation.outvars[0])
                taken.update(column)
    stacks = Stacks(list(columns), states)
    if not columns:
        return program, stacks
    same: dict[Any, Any] = {}  # Values that are others under another name.
    rows: dict[Any, tuple[Any, ...]] = {}  # The rows of a stack, by the stack.
    whole: dict[tuple[int, ...], Any] = {}  # The stack that values make up, by their identities.
    made: list[Any] = []

    def known(v: Any) -> Any:
        return v if is_literal(v) else same.get(v, v)

    for column, var in columns.items():
        members = tuple([jaxpr.invars[i] for i in column])
        rows[var], whole[_key(members)] = members, var
        made.append(_equation(_unstack, [var], members))
    for equation in jaxpr.eqns:
        operands = [known(v) for v in equation.invars]
        if equation.primitive is _stack and _key(operands) in whole:
            same[equation.outvars[0]] = whole[_key(operands)]
            continue
        if equation.primitive is _unstack:
            members, var = tuple(equation.outvars), operands[0]
            if var in rows:
                same.update(zip(members, rows[var], strict=True))
                continue
            rows[var], whole[_key(members)] = members, var
        made.append(equation.replace(invars=operands))
    after = [known(v) for v in jaxpr.outvars[results:]]
    joined: list[Any] = []
    for i in range(len(stacks)):
        members = tuple([after[place] for place in stacks.places(i)])
        if i >= len(columns):
            joined += members
            continue
        if _key(members) not in whole:
            made.append(equation := _equation(_stack, members))
            whole[_key(members)] = equation.outvars[0]
        joined.append(whole[_key(members)])
    outputs = [*map(known, jaxpr.outvars[:results]), *joined]
    alone = [v for i, v in enumerate(jaxpr.invars[:states]) if i not in taken]
    inputs = [*columns.values(), *alone, *jaxpr.invars[states:]]
    return part_of(program, _needed(made, outputs), inputs, outputs), stacks


def _key(values: Sequence[Any]) -> tuple[int, ...]:
    return tuple(map(id, values))


def _equation(primitive: Any, inputs: Sequence[Any], outputs: Sequence[Any] | None = None) -> Any:
    """Return the equation that stacks values, or takes a stack apart."""
    specs = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in inputs]
    [equation] = jax.make_jaxpr(primitive.bind)(*specs).eqns
    named = {} if outputs is None else {"outvars": list(outputs)}
    return equation.replace(invars=list(inputs), **named)


def _needed(equations: list[Any], outputs: list[Any]) -> list[Any]:
    """Leave out what takes arrays apart for nobody."""
    used = {v for v in outputs if not is_literal(v)}
    kept = []
    for equation in reversed(equations):
        if equation.primitive in (_stack, _unstack) and not used.intersection(equation.outvars):
            continue
        used.update(v for v in equation.invars if not is_literal(v))
        kept.append(equation)
    return kept[::-1]
