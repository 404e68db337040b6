"""Whether a program works on each row of its data by itself: a proof, from the program as JAX traced it.

A program is followed as it was traced for two numbers of rows at once. So a size that follows from the number of rows
is told from one that equals it by chance: it differs between the two. What stands for the rows goes from operation to
operation by the rules below. All numbers and settings must be the same in both; those that say sizes may differ along
the rows alone. So `x / x.shape[0]` is found, in which the number of rows is a number like any other. An operation
without a rule mixes rows, and so does one whose result has the rows' size anywhere but where the rule says: what is not
known is not proven, and an error in a rule would have to hit the one right place by chance.

Reference:
    https://docs.jax.dev/en/latest/jaxpr.html (programs)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import jax

from trivium.state.bilinear import program_of
from trivium.state.jaxpr import Equation, Program, Value, called, inner_programs, is_literal
from trivium.state.row_rules import MIXED, RULES, Differs, Line, Rows, State, equal, uses_of_kernel

__all__ = ["Apart", "largest_result", "rows_apart"]


class Apart(NamedTuple):
    """What is known of the rows in a program.

    Args:
        results: For each result whether its rows, on its first axis, are proven to follow each from the same row of the
            data alone.
        widest: The most bytes that one row takes in any value.
        uses: How often a row takes a number of the kernels of products, all of them taken together: once in a dense
            layer on rows, once for each position in a convolution.
    """

    results: list[bool]
    widest: int
    uses: float


class _Pair:
    """The two numbers of rows, and what was seen of the rows so far.

    Args:
        sizes: The numbers.
    """

    def __init__(self, sizes: tuple[int, int]) -> None:
        self.sizes, self.widest = sizes, 0
        # How many numbers of kernels there are, and how many of them a row takes.
        self.kernels, self.taken = 0, 0

    def checked(self, state: State, one: Any, two: Any) -> State:
        """Return what a rule says of a value, if the value's types in the two programs do not say otherwise."""
        if not _fits(state, one, two, self.sizes):
            return MIXED
        if isinstance(state, Rows):
            nbytes = math.prod(one.shape) * one.dtype.itemsize
            self.widest = max(self.widest, nbytes // self.sizes[0])
        return state


def rows_apart(
    programs: tuple[Program, Program], rows: Sequence[bool], sizes: tuple[int, int]
) -> Apart:
    """Find which results of a function have rows that each follow from the same row of the data alone.

    Args:
        programs: What the function was traced as for two numbers of rows.
        rows: Which of its inputs are data, with the rows on their first axis; the others are the same for all rows.
        sizes: The two numbers of rows. Nothing is proven where they are equal.

    Returns:
        What is proven: nothing of a program with side effects, or of two that do not do the same.

    Example:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> def traced(function):
        ...     specs = [jax.ShapeDtypeStruct((rows, 4), "float32") for rows in (5, 8)]
        ...     return tuple(jax.make_jaxpr(function)(spec) for spec in specs)
        >>> both = traced(lambda x: (jnp.tanh(x) / x.sum(1, keepdims=True), x - x.mean(0), x / x.shape[0]))
        >>> rows_apart(both, [True], (5, 8))
        Apart(results=[True, False, False], widest=16, uses=0.0)
    """
    one, two = programs
    nothing = Apart([False] * len(one.jaxpr.outvars), 0, 0.0)
    if sizes[0] == sizes[1] or one.effects or two.effects:
        return nothing
    pair = _Pair(sizes)
    try:
        found = _followed(one, two, [Rows(0) if has else None for has in rows], pair)
    except Differs:
        return nothing
    uses = pair.taken / max(1, pair.kernels)
    return Apart([state == Rows(0) for state in found], pair.widest, uses)


def largest_result(program: Any) -> int:
    """Return the most bytes that a result of any operation of a program takes, with those in loops and branches.

    Args:
        program: The program.

    Example:
        >>> import jax
        >>> largest_result(jax.make_jaxpr(lambda x: (x + x.T).sum(0))(jax.numpy.ones((4, 4))))
        64
    """
    own = [math.prod(v.aval.shape) * v.aval.dtype.itemsize for e in program.eqns for v in e.outvars]
    return max(
        [*own, *(largest_result(p) for e in program.eqns for p in inner_programs(e))], default=0
    )


# -- along a program ----------------------------------------------------------------------------------------------


def _followed(one: Any, two: Any, given: Sequence[State], pair: _Pair) -> list[State]:
    """Return what is known of a program's results, given what is known of its inputs."""
    a, b = (getattr(p, "jaxpr", p) for p in (one, two))
    consts, others = (getattr(p, "consts", ()) for p in (one, two))
    if len(consts) != len(others) or len(a.eqns) != len(b.eqns):
        raise Differs
    known: dict[Value, tuple[Value, State]] = {}

    def learn(mine: Sequence[Value], theirs: Sequence[Value], states: Iterable[State]) -> None:
        if len(mine) != len(theirs):
            raise Differs
        for x, y, state in zip(mine, theirs, states, strict=True):
            known[x] = y, pair.checked(state, x.aval, y.aval)

    def ask(x: Any, y: Any) -> State:
        if is_literal(x) and is_literal(y):
            return (
                None if equal(x.val, y.val) and _fits(None, x.aval, y.aval, pair.sizes) else MIXED
            )
        if is_literal(x) or is_literal(y) or known[x][0] is not y:
            raise Differs
        return known[x][1]

    same = [None if equal(x, y) else MIXED for x, y in zip(consts, others, strict=True)]
    learn(a.constvars, b.constvars, same)
    learn(a.invars, b.invars, given)
    for mine, theirs in zip(a.eqns, b.eqns, strict=True):
        if mine.primitive is not theirs.primitive or len(mine.invars) != len(theirs.invars):
            raise Differs
        states = [ask(x, y) for x, y in zip(mine.invars, theirs.invars, strict=True)]
        found = (
            [MIXED] * len(mine.outvars) if MIXED in states else _done(mine, theirs, states, pair)
        )
        learn(mine.outvars, theirs.outvars, found)
    return [ask(x, y) for x, y in zip(a.outvars, b.outvars, strict=True)]


def _done(mine: Equation, theirs: Equation, states: list[State], pair: _Pair) -> list[State]:
    """Return what is known of an operation's results, given what is known of its operands."""
    if (one := _opened(mine)) is not None and equal(
        mine.params.get("how"), theirs.params.get("how")
    ):
        return _followed(one, _opened(theirs), states, pair)
    results = _shapes(mine.outvars), _shapes(theirs.outvars)
    params = mine.params, theirs.params
    line = Line(states, params, _shapes(mine.invars), results, pair.sizes)
    name = mine.primitive.name
    try:
        if name in _INSIDE:
            return _INSIDE[name](line, pair)
        if not any(states) and results[0] == results[1]:
            return [None if line.same() else MIXED] * len(mine.outvars)
        size, uses = uses_of_kernel(name, line)
        pair.kernels, pair.taken = pair.kernels + size, pair.taken + size * uses
        found = RULES[name](line)
        return found if isinstance(found, list) else [found]
    except (Differs, KeyError):  # There is no rule, or it says nothing of this.
        return [MIXED] * len(mine.outvars)


def _opened(equation: Equation) -> Any:
    """Return the program that an operation runs, `None` where it is one of JAX's that does anything itself."""
    if (program := called(equation)) is not None:
        return program
    operands: list[Any] = list(equation.invars)
    specs = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in operands]
    return program_of(equation.primitive, equation.params.get("how"), *specs)


def _shapes(values: Iterable[Any]) -> list[tuple[int, ...]]:
    return [value.aval.shape for value in values]


def _scan(line: Line, pair: _Pair) -> list[State]:
    params = line.params[0]
    steady, turning = params["num_consts"], params["num_carry"]
    consts, carry = line.states[:steady], line.states[steady : steady + turning]
    rows = [s if s is None else _moved(s, -1) for s in line.states[steady + turning :]]
    if not line.same({"jaxpr", "linear"}) or MIXED in rows:
        raise Differs
    body = [p["jaxpr"] for p in line.params]
    carry, rest = _settled(body, consts, carry, rows, pair)
    return [*carry, *(_moved(s, 1) for s in rest)]


def _moved(state: State, by: int) -> State:
    """Return what is known of a value that has one axis more, or less, in front."""
    if not isinstance(state, Rows):
        return state
    return state._replace(axis=state.axis + by) if state.axis + by >= 0 else MIXED


def _settled(
    body: Any, consts: list[State], carry: list[State], rows: list[State], pair: _Pair
) -> tuple[list[State], list[State]]:
    """Return what stays true of what a loop hands on from turn to turn, and what is known of its other results."""
    while True:
        found = _followed(body[0], body[1], [*consts, *carry, *rows], pair)
        joined = _joined(carry, found[: len(carry)])
        if joined == carry:
            return carry, found[len(carry) :]
        carry = joined


def _joined(one: Sequence[State], two: Sequence[State]) -> list[State]:
    return [a if a == b else MIXED for a, b in zip(one, two, strict=True)]


def _while(line: Line, pair: _Pair) -> list[State]:
    asked, steady = (line.params[0][f"{part}_nconsts"] for part in ("cond", "body"))
    if not line.same({"cond_jaxpr", "body_jaxpr"}):
        raise Differs
    consts, carry = line.states[asked : asked + steady], line.states[asked + steady :]
    body, condition = ([p[f"{part}_jaxpr"] for p in line.params] for part in ("body", "cond"))
    carry, _ = _settled(body, consts, carry, [], pair)
    if _followed(condition[0], condition[1], [*line.states[:asked], *carry], pair) != [None]:
        raise Differs  # How often it turns follows from the rows.
    return carry


def _cond(line: Line, pair: _Pair) -> list[State]:
    branches = [p["branches"] for p in line.params]
    if line.states[0] is not None or not line.same({"branches"}) or len({*map(len, branches)}) > 1:
        raise Differs
    found = [_followed(one, two, line.states[1:], pair) for one, two in zip(*branches, strict=True)]
    first = found[0]
    for other in found[1:]:
        first = _joined(first, other)
    return first


_INSIDE = {"scan": _scan, "while": _while, "cond": _cond}


# -- what is the same in both ---------------------------------------------------------------------------------------


def _typed(x: Any) -> tuple[Any, Any]:
    return x.aval.shape, x.aval.dtype


def _fits(state: State, one: Any, two: Any, sizes: tuple[int, int]) -> bool:
    """Say whether types in the two programs are alike but for the rows, and these are where they should be."""
    if one.dtype != two.dtype or len(one.shape) != len(two.shape):
        return False
    if not isinstance(state, Rows):
        return state is None and one.shape == two.shape
    if state.axis >= len(one.shape):
        return False
    for axis, (a, b) in enumerate(zip(one.shape, two.shape, strict=True)):
        wanted = tuple(n * state.each for n in sizes) if axis == state.axis else (a, a)
        if (a, b) != wanted:
            return False
    return True
