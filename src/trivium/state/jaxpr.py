"""Programs as JAX traces them (jaxprs): what stands in one, and how another is made of it.

JAX documents what a jaxpr is, but hardly how to take one apart. What is used of its inside for that stands here, with
tests of its own: JAX may change it from one version to the next, so `pyproject.toml` names the versions that were
tried, and `tests/state/test_jaxpr.py` says what is relied on and in which other files (`symbolic_dimensions`, `traces`
and those that make operations or follow programs): a version that passes it will do. What `jax.extend.core` offers is
imported from where JAX has it: `jax.extend` brings Pallas along, which takes as long to import as all of our layers.

Reference:
    https://docs.jax.dev/en/latest/jaxpr.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import jax
import numpy as np
from jax._src import core

from trivium.state.symbolic_dimensions import Dimension, is_unknown, symbols_of

__all__ = [
    "AnyProgram",
    "Equation",
    "Program",
    "Value",
    "as_function",
    "called",
    "calls_python",
    "changed",
    "closed",
    "frames",
    "inner_programs",
    "is_literal",
    "lifted",
    "marked_as_inputs",
    "marker",
    "operation_name",
    "part_of",
    "program_text",
    "symbols_in",
]

Program: TypeAlias = core.ClosedJaxpr
Equation: TypeAlias = core.JaxprEqn
Value: TypeAlias = core.Var
AnyProgram: TypeAlias = core.ClosedJaxpr | core.Jaxpr
"""A program with its constants, or one whose constants come with its inputs, as it stands inside of another."""

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


# -- making a program of another --------------------------------------------------------------------------------


def marker(name: str, results: Callable[..., Any], several: bool = False) -> core.Primitive:
    """Return an operation that JAX can trace and nothing can run: it marks a place in a program.

    Args:
        name: Its name in the program.
        results: Given what `bind` gets, says what comes out, as `jax.ShapeDtypeStruct`; a list where `several`.
        several: Whether it has several results.

    Example:
        >>> mark = marker("here", lambda x: x)
        >>> jax.make_jaxpr(mark.bind)(1.0).eqns[0].primitive is mark
        True
    """

    def typed(spec: Any) -> jax.core.ShapedArray:
        return jax.core.ShapedArray(spec.shape, jax.numpy.dtype(spec.dtype))

    def abstract(*args: Any, **params: Any) -> Any:
        specs = results(*args, **params)
        return [typed(s) for s in specs] if several else typed(specs)

    primitive = core.Primitive(name)
    primitive.multiple_results = several
    primitive.def_abstract_eval(abstract)
    return primitive


def _remade(
    program: Program,
    inputs: Sequence[Value],
    results: Sequence[Any],
    equations: Sequence[Equation],
) -> Program:
    """Return a program with the constants and effects of another, and inputs, results and equations of its own."""
    jaxpr = program.jaxpr
    # Names of arguments and results belong to the other; JAX checks that there are as many as inputs and results.
    debug = jaxpr.debug_info._replace(arg_names=None, result_paths=None)
    made = core.Jaxpr(
        jaxpr.constvars, list(inputs), list(results), list(equations), jaxpr.effects, debug
    )
    return core.ClosedJaxpr(made, program.consts)


def as_function(program: Program) -> Callable[..., list[Any]]:
    """Return a program as a function of its inputs that returns a list of its results.

    Example:
        >>> as_function(jax.make_jaxpr(lambda x: x + 1)(1.0))(2.0)[0].item()
        3.0
    """
    # JAX does not annotate it.
    function: Callable[..., list[Any]] = core.jaxpr_as_fun(program)
    return function


def marked_as_inputs(program: Program, mark: core.Primitive) -> tuple[list[int], Program]:
    """Return a program in which what some places in it are marked as giving are inputs, ahead of the others.

    Args:
        program: The program.
        mark: The operation of these places, with the setting `number`.

    Returns:
        The places' numbers in the order of the new inputs, and the program.

    Example:
        >>> mark = marker("given", lambda number: jax.ShapeDtypeStruct((), "float32"))
        >>> numbers, program = marked_as_inputs(jax.make_jaxpr(lambda x: x + mark.bind(number=7))(1.0), mark)
        >>> numbers, as_function(program)(10.0, 1.0)[0].item()
        ([7], 11.0)
    """
    jaxpr = program.jaxpr
    given = [equation for equation in jaxpr.eqns if equation.primitive is mark]
    others = [equation for equation in jaxpr.eqns if equation.primitive is not mark]
    # What a mark gives is a variable already, so as an input it needs no other name: the equations stay as they are.
    inputs = [*(equation.outvars[0] for equation in given), *jaxpr.invars]
    numbers = [equation.params["number"] for equation in given]
    return numbers, _remade(program, inputs, jaxpr.outvars, others)


def part_of(
    program: Program,
    equations: Sequence[Equation],
    inputs: Sequence[Value],
    results: Sequence[Value],
) -> Program:
    """Return some equations of a program as a program of their own.

    Args:
        program: The program.
        equations: Some of its equations, in its order.
        inputs: The values that go into them.
        results: The values of theirs that come out.

    Example:
        >>> whole = jax.make_jaxpr(lambda x: (x + 1) * 2)(1.0)
        >>> line = whole.eqns[1]
        >>> as_function(part_of(whole, [line], line.invars[:1], line.outvars))(3.0)[0].item()
        6.0
    """
    return _remade(program, inputs, results, equations)


def lifted(program: Program, which: Container[int] | None = None) -> tuple[Program, list[Any]]:
    """Return a program in which float numbers that stand in it are inputs, ahead of the others, and these numbers.

    Such as a dropout rate or the strength of a regularizer: programs that differ in these alone become one, which is
    compiled once. Those in loops and branches stay where they are.

    Args:
        program: The program.
        which: Which of its numbers, by their places; all of them where it is `None`.

    Example:
        >>> program, numbers = lifted(jax.make_jaxpr(lambda x: 3.0 * x + 1.0)(1.0))
        >>> [float(n) for n in numbers], as_function(program)(5.0, 0.5, 2.0)[0].item()
        ([3.0, 1.0], 10.5)
    """
    jaxpr, place = program.jaxpr, -1
    numbers: list[Any] = []
    equations: list[list[Any]] = []
    for equation in jaxpr.eqns:
        operands = list(equation.invars)
        for i, operand in enumerate(operands):
            if is_literal(operand) and _is_float(operand.val):
                place += 1
                if which is None or place in which:
                    operands[i] = len(numbers)
                    numbers.append(np.asarray(operand.val, operand.aval.dtype))
        equations.append(operands)
    # Variables are JAX's to make: those of a program that is traced for such numbers have their types.
    fresh = jax.make_jaxpr(lambda *x: x)(*numbers).jaxpr.invars
    made = [
        equation.replace(invars=[fresh[v] if isinstance(v, int) else v for v in operands])
        for equation, operands in zip(jaxpr.eqns, equations, strict=True)
    ]
    return _remade(program, [*fresh, *jaxpr.invars], jaxpr.outvars, made), numbers


def _is_float(value: Any) -> bool:
    return np.ndim(value) == 0 and jax.numpy.issubdtype(jax.numpy.result_type(value), np.floating)


def closed(program: AnyProgram) -> Program:
    """Return a program together with its constants; `jax.checkpoint` keeps its program by itself, and it has none."""
    return program if isinstance(program, core.ClosedJaxpr) else core.ClosedJaxpr(program, ())


# -- what stands in a program ----------------------------------------------------------------------------------


def changed(program: Program, states: int, results: int) -> list[int]:
    """Return which of its first inputs, a state, a program gives back as others than it was given.

    Args:
        program: A program that gives results and then the state's successor.
        states: How many inputs are the state.
        results: How many results there are before the state's successor.

    Example:
        >>> changed(jax.make_jaxpr(lambda a, b, x: (x, a, b + x))(1.0, 1.0, 1.0), 2, 1)
        [1]
    """
    # What a function returns as it came is the same variable in the program. A copy is another: it counts as changed,
    # which costs a result and is never wrong.
    pairs = zip(program.jaxpr.invars[:states], program.jaxpr.outvars[results:], strict=True)
    return [i for i, (before, after) in enumerate(pairs) if after is not before]


# What only says that its program is run: whole, or with derivatives of its own. By name, in the spellings of all
# versions of JAX that are tried. One that is missing here is taken for an operation of its own, for which there is no
# rule: an export says so, a proof about rows is not had, and nothing is wrong in silence.
_CALLS = (
    "jit",
    "pjit",
    "closed_call",
    "custom_jvp_call",
    "custom_vjp_call",
    "remat2",
    "checkpoint",
)


def called(equation: Equation) -> AnyProgram | None:
    """Return the program that an operation only runs; `None` of an operation that does anything else."""
    if equation.primitive.name not in _CALLS:
        return None
    return next((equation.params[k] for k in ("jaxpr", "call_jaxpr") if k in equation.params), None)


def calls_python(program: AnyProgram) -> bool:
    """Say whether anything in a program, or in one inside it, calls a Python function while it runs.

    Example:
        >>> calls_python(jax.make_jaxpr(lambda x: x + 1)(1.0))
        False
    """
    # `pure_callback`, `io_callback`, `debug_callback`.
    return any(
        equation.primitive.name.endswith("callback")
        or any(map(calls_python, inner_programs(equation)))
        for equation in program.eqns
    )


def inner_programs(equation: Equation) -> list[AnyProgram]:
    """Return the programs among an equation's settings: of loops, branches and calls."""
    # A setting may hold several, as the branches of a `cond`. Told by what they have: JAX knows further kinds of them.
    found = jax.tree_util.tree_leaves(
        list(equation.params.values()), is_leaf=lambda p: hasattr(p, "eqns")
    )
    return [x for x in found if hasattr(x, "eqns")]


def is_literal(value: object) -> bool:
    """Say whether an equation's operand is a number that stands in the program itself."""
    return isinstance(value, core.Literal)


def operation_name(equation: Equation) -> str:
    """Return what an equation does: the name of the function that it calls, or of its operation.

    Example:
        >>> [operation_name(e) for e in jax.make_jaxpr(lambda x: jax.numpy.where(True, jax.numpy.sin(x), x))(1.0).eqns]
        ['sin', 'where']
    """
    # Functions of `jax.numpy` are compiled under the names of their private bodies: `_where`.
    return str(equation.params.get("name", equation.primitive.name)).strip("_")


def frames(equation: Equation) -> list[tuple[str, int]]:
    """Return the files and lines that were running when an equation was traced, the innermost first.

    Example:
        >>> [line for file, line in frames(jax.make_jaxpr(lambda x: x + 1)(1.0).eqns[0]) if "doctest" in file][0]
        1
    """
    traceback = equation.source_info.traceback
    return [] if traceback is None else [(f.file_name, f.line_num) for f in traceback.frames]


def symbols_in(equations: Iterable[Equation]) -> set[str]:
    """Return the names of the symbols in the sizes that equations use or give, inner programs included.

    Example:
        >>> from trivium.state.symbolic_dimensions import parse_sizes
        >>> spec = jax.ShapeDtypeStruct(parse_sizes(["d1", "3"]), "float32")
        >>> symbols_in(jax.make_jaxpr(lambda x: x.reshape(-1))(spec).eqns)
        {'d1'}
    """
    return {name for size in _sizes(list(equations)) for name in symbols_of(size)}


def _sizes(x: Any) -> Iterator[Dimension]:
    """Yield the sizes with symbols anywhere in equations, programs, types and the settings of operations.

    A size may stand in a setting alone: what `jax.numpy.zeros(x.shape)` is given, though `x` is no operand of it.
    """
    if is_unknown(x):
        yield x
    elif isinstance(x, list | tuple):
        for item in x:
            yield from _sizes(item)
    elif isinstance(x, dict):
        yield from _sizes(list(x.values()))
    elif isinstance(x, core.JaxprEqn):
        yield from _sizes([x.params, [v.aval for v in x.outvars]])
    elif isinstance(x, core.ClosedJaxpr):
        yield from _sizes(x.jaxpr)
    elif isinstance(x, core.Jaxpr):
        yield from _sizes([x.eqns, [v.aval for v in x.invars]])
    elif isinstance(x, jax.core.ShapedArray | jax.ShapeDtypeStruct):
        yield from _sizes(list(x.shape))


def program_text(program: Program) -> str:
    """Return a program as text in which values are named in their order: what does the same reads the same.

    JAX offers no comparison of programs but this. Functions in it, the rules of derivatives say, are written with their
    addresses, which are left out.

    Example:
        >>> one, two = (jax.make_jaxpr(jax.nn.relu)(1.0) for _ in range(2))
        >>> program_text(one) == program_text(two)
        True
    """
    return _ADDRESS.sub("", str(program))
