"""What the library knows of JAX beyond its documented interface: it stands here, with tests of its own.

Symbols for sizes, programs as JAX traces them (jaxprs), where their lines come from, and what JAX says as text. JAX may
change any of it from one version to the next, so `pyproject.toml` names the versions that were tried, and
`tests/state/test_jaxpr.py` says what is relied on: a version that passes it will do. Nothing else in the library but
`bilinear` and `stacking`, which make operations, `recording`, a trace of its own, and `lookups` and `row_independence`,
which follow programs, looks into a jaxpr or reads a text of JAX's. What `jax.extend.core` offers is imported from where
JAX has it: `jax.extend` brings Pallas along, which takes as long to import as all of our layers.

Reference:
    https://docs.jax.dev/en/latest/export/shape_poly.html (symbols)
    https://docs.jax.dev/en/latest/jaxpr.html (programs)
"""

from __future__ import annotations

import contextlib
import enum
import re
import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import jax
import numpy as np
from jax import export
from jax._src import core

from trivium.state.recording import OUTSIDE, Recorder, without_recorders

__all__ = [
    "NOTHING",
    "Dimension",
    "Equation",
    "Program",
    "Tracing",
    "Value",
    "as_function",
    "asked_by_operator",
    "blames_sizes",
    "called",
    "calls_python",
    "changed",
    "frames",
    "inner_programs",
    "is_literal",
    "is_unknown",
    "marked_as_inputs",
    "marker",
    "on_trace",
    "operation_name",
    "outside_of_traces",
    "parse_sizes",
    "part_of",
    "program_text",
    "refuses_variables",
    "replace_symbols",
    "rewritten",
    "symbols_in",
    "symbols_of",
    "trace_state",
    "tracing",
]

Dimension: TypeAlias = Any
"""A size: a whole number, or an expression in symbols, such as `2*d1 + 1`, with Python's operators."""

Program: TypeAlias = core.ClosedJaxpr
Equation: TypeAlias = core.JaxprEqn
Value: TypeAlias = core.Var

# All graphs of a process share one scope, so that their unknown sizes can meet in one expression.
_scope = export.SymbolicScope()
# How JAX says that a size is not known, without saying which.
_BLAMES = re.compile(r"_DimExpr|polymorphi|[Ss]ymbolic dim|non-constant (?:size|shape|dim)")
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


# -- sizes ------------------------------------------------------------------------------------------------------


def parse_sizes(texts: Iterable[str]) -> tuple[Dimension, ...]:
    """Return the sizes that texts such as `3`, `d1` or `2*d1 + 1` stand for; `str` gives the text of a size.

    Example:
        >>> parse_sizes(["3", "2*d1 + 1"])
        (3, 2*d1 + 1)
    """
    return tuple(export.symbolic_shape(", ".join(texts), scope=_scope))


def is_unknown(value: Any) -> bool:
    """Say whether a value is a size that holds symbols.

    Example:
        >>> is_unknown(parse_sizes(["2*b"])[0]), is_unknown(3), is_unknown("b")
        (True, False, False)
    """
    return bool(export.is_symbolic_dim(value))


def symbols_of(size: Dimension) -> list[str]:
    """Return the names of the symbols in a size, shorter ones first: `d2` before `d10`, as they were given.

    Example:
        >>> symbols_of(parse_sizes(["d10*d2 + d2"])[0]), symbols_of(3)
        (['d2', 'd10'], [])
    """
    if isinstance(size, int):
        return []
    return sorted(size._get_vars(), key=lambda name: (len(name), name))


def replace_symbols(size: Dimension, replacement: Callable[[str], Dimension]) -> Dimension:
    """Return a size with another symbol, or a number, in the place of each symbol in it.

    Args:
        size: The size.
        replacement: Given the name of a symbol; asked once for each, in the order of `symbols_of`.

    Example:
        >>> replace_symbols(parse_sizes(["2*d1 + 1"])[0], lambda name: 10)
        21
    """
    names = symbols_of(size)
    if not names:
        return size
    result = size._evaluate({name: replacement(name) for name in names})
    return result if export.is_symbolic_dim(result) else int(result)


def blames_sizes(error: Exception, names: Iterable[str]) -> bool:
    """Say whether an error's text is about sizes that are not known; JAX says in no other way which they are.

    Args:
        error: What JAX, or code of ours that it ran, raised.
        names: The names of the symbols that it was traced with.

    Example:
        >>> blames_sizes(TypeError("got (b, 3) and (b, 4)"), ["b"]), blames_sizes(KeyError("a"), ["b"])
        (True, False)
    """
    text = str(error)
    return bool(_BLAMES.search(text)) or bool({*names} & {*re.findall(r"\w+", text)})


def refuses_variables(error: Exception) -> bool:
    """Say whether an error is JAX's for something in the place of an array that is none, though it has one.

    Example:
        >>> refuses_variables(ValueError("Triggering __jax_array__() during abstractification is no longer supported."))
        True
    """
    return isinstance(error, ValueError | TypeError) and "__jax_array__" in str(error)


# -- programs ---------------------------------------------------------------------------------------------------


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


def as_function(program: Program) -> Callable[..., list[Any]]:
    """Return a program as a function of its inputs that returns a list of its results.

    Example:
        >>> as_function(jax.make_jaxpr(lambda x: x + 1)(1.0))(2.0)[0].item()
        3.0
    """
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
    inputs = [*(equation.outvars[0] for equation in given), *jaxpr.invars]
    debug = jaxpr.debug_info._replace(arg_names=None, result_paths=None)
    whole = core.Jaxpr(jaxpr.constvars, inputs, jaxpr.outvars, others, jaxpr.effects, debug)
    return [equation.params["number"] for equation in given], core.ClosedJaxpr(
        whole, program.consts
    )


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
    jaxpr = program.jaxpr
    # Names of arguments belong to the whole; JAX checks that there are as many as inputs.
    debug = jaxpr.debug_info._replace(arg_names=None, result_paths=None)
    part = core.Jaxpr(
        jaxpr.constvars, list(inputs), list(results), list(equations), jaxpr.effects, debug
    )
    return core.ClosedJaxpr(part, program.consts)


def lifted(program: Program, which: Container[int] | None = None) -> tuple[Program, list[Any]]:
    """Return a program in which float numbers that stand in it are inputs, ahead of the others, and these numbers.

    Such as a dropout rate or the strength of a regularizer. Those in loops and branches stay where they are.

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
    fresh = jax.make_jaxpr(lambda *x: x)(*numbers).jaxpr.invars
    made = [
        equation.replace(invars=[fresh[v] if isinstance(v, int) else v for v in operands])
        for equation, operands in zip(jaxpr.eqns, equations, strict=True)
    ]
    debug = jaxpr.debug_info._replace(arg_names=None, result_paths=None)
    inputs = [*fresh, *jaxpr.invars]
    whole = core.Jaxpr(jaxpr.constvars, inputs, jaxpr.outvars, made, jaxpr.effects, debug)
    return core.ClosedJaxpr(whole, program.consts), numbers


def _is_float(value: Any) -> bool:
    return np.ndim(value) == 0 and jax.numpy.issubdtype(jax.numpy.result_type(value), np.floating)


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
    pairs = zip(program.jaxpr.invars[:states], program.jaxpr.outvars[results:], strict=True)
    return [i for i, (before, after) in enumerate(pairs) if after is not before]


def rewritten(
    program: Program, rules: Mapping[str, Callable[..., Any]]
) -> Callable[..., list[Any]]:
    """Return a program as a function of its inputs in which some operations are done in another way.

    Args:
        program: The program, as `jax.make_jaxpr` gives it.
        rules: By an operation's name, what is computed in its place, given its operands by position and its settings by
            name. The programs among the settings come as functions that are rewritten, too. Calls are opened up.

    Example:
        >>> double = rewritten(jax.make_jaxpr(lambda x: x + x)(1.0), {"add": lambda x, y: 10 * x})
        >>> double(2.0)
        [20.0]
    """

    def run(*inputs: Any) -> list[Any]:
        jaxpr = program.jaxpr
        values: dict[Any, Any] = dict(zip(jaxpr.constvars, program.consts, strict=True))
        values.update(zip(jaxpr.invars, inputs, strict=True))

        def value(var: Any) -> Any:
            return var.val if is_literal(var) else values[var]

        for equation in jaxpr.eqns:
            operands = [value(v) for v in equation.invars]
            outputs = _done(equation, operands, rules)
            several = equation.primitive.multiple_results
            values.update(zip(equation.outvars, outputs if several else [outputs], strict=True))
        return [value(v) for v in jaxpr.outvars]

    return run


def _done(equation: Equation, operands: list[Any], rules: Mapping[str, Callable[..., Any]]) -> Any:
    name, params, program = equation.primitive.name, dict(equation.params), called(equation)
    if program is not None:
        return rewritten(_closed(program), rules)(*operands)
    if name in rules:
        inner = {k: _rewritten_parts(v, rules) for k, v in params.items()}
        return rules[name](*operands, **inner)
    return equation.primitive.bind(*operands, **params)


# What only says that its program is run: whole, or with derivatives of its own.
_CALLS = (
    "jit",
    "pjit",
    "closed_call",
    "custom_jvp_call",
    "custom_vjp_call",
    "remat2",
    "checkpoint",
)


def called(equation: Equation) -> Any:
    """Return the program that an operation only runs; `None` of an operation that does anything else."""
    if equation.primitive.name not in _CALLS:
        return None
    return next((equation.params[k] for k in ("jaxpr", "call_jaxpr") if k in equation.params), None)


def _closed(program: Any) -> Program:
    return program if isinstance(program, core.ClosedJaxpr) else core.ClosedJaxpr(program, ())


def _rewritten_parts(setting: Any, rules: Mapping[str, Callable[..., Any]]) -> Any:
    if isinstance(setting, tuple) and any(hasattr(x, "eqns") for x in setting):
        return tuple(rewritten(_closed(x), rules) for x in setting)
    return rewritten(_closed(setting), rules) if hasattr(setting, "eqns") else setting


def calls_python(program: Any) -> bool:
    """Say whether anything in a program, or in one inside it, calls a Python function while it runs.

    Example:
        >>> calls_python(jax.make_jaxpr(lambda x: x + 1)(1.0))
        False
    """
    return any(
        equation.primitive.name.endswith("callback")
        or any(map(calls_python, inner_programs(equation)))
        for equation in program.eqns
    )


def inner_programs(equation: Equation) -> list[Any]:
    """Return the programs among an equation's settings: of loops, branches and calls."""
    found = jax.tree_util.tree_leaves(
        list(equation.params.values()), is_leaf=lambda p: hasattr(p, "eqns")
    )
    return [x for x in found if hasattr(x, "eqns")]


def is_literal(value: Any) -> bool:
    """Say whether an equation's operand is a number that stands in the program itself."""
    return isinstance(value, core.Literal)


def operation_name(equation: Equation) -> str:
    """Return what an equation does: the name of the function that it calls, or of its operation.

    Example:
        >>> [operation_name(e) for e in jax.make_jaxpr(lambda x: jax.numpy.where(True, jax.numpy.sin(x), x))(1.0).eqns]
        ['sin', 'where']
    """
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
        >>> spec = jax.ShapeDtypeStruct(parse_sizes(["d1", "3"]), "float32")
        >>> symbols_in(jax.make_jaxpr(lambda x: x.reshape(-1))(spec).eqns)
        {'d1'}
    """
    return {name for size in _sizes(list(equations)) for name in symbols_of(size)}


def _sizes(x: Any) -> Iterator[Dimension]:
    """Yield the sizes with symbols anywhere in equations, programs, types and the settings of operations."""
    if export.is_symbolic_dim(x):
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


# -- texts ------------------------------------------------------------------------------------------------------


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


# -- who is asking ----------------------------------------------------------------------------------------------


def trace_state() -> Any:
    """Return what tells the JAX function being traced from others: equal only within the same one."""
    with without_recorders():  # They wrap nothing, so code inside of them is in the same function.
        return core.get_opaque_trace_state(convention="flax")


NOTHING: contextlib.AbstractContextManager[Any] = contextlib.nullcontext()


class Tracing(enum.Enum):
    """What JAX does with operations."""

    NOTHING = "computes them"
    AT_ONCE = "computes them, and their derivatives or those of many samples with them"
    A_PROGRAM = "writes them down"


# The traces that hand operations on to the one beneath them, by their names, since JAX does not export all of them.
_HANDS_ON = frozenset({"JVPTrace", "LinearizeTrace", "BatchTrace", "JaxprTrace"})


def tracing() -> Tracing:
    """Say what JAX does now with operations; of a trace that is not known, that it writes them down.

    Example:
        >>> seen = []
        >>> see = lambda x: seen.append(tracing().name) or x
        >>> _ = see(1.0), jax.grad(see)(1.0), jax.jit(see)(1.0), jax.jit(jax.grad(see))(1.0)
        >>> seen
        ['NOTHING', 'AT_ONCE', 'A_PROGRAM', 'A_PROGRAM']
    """
    with core.take_current_trace() as trace:
        pass
    while isinstance(trace, Recorder):  # They wrap nothing.
        trace = trace.beneath
    if trace is OUTSIDE:
        return Tracing.NOTHING
    while isinstance(trace, Recorder) or type(trace).__name__ in _HANDS_ON:
        trace = trace.beneath if isinstance(trace, Recorder) else trace.parent_trace
    return Tracing.AT_ONCE if trace is OUTSIDE else Tracing.A_PROGRAM


def on_trace() -> Callable[[], contextlib.AbstractContextManager[Any]]:
    """Return a function that steps into what JAX is tracing now, out of whatever is traced inside of it by then."""
    with core.take_current_trace() as trace:
        pass
    return lambda: core.set_current_trace(trace)


def outside_of_traces() -> contextlib.AbstractContextManager[Any]:
    """Step out of what JAX is tracing while the `with` block lasts: an array that is made there is a real one.

    Unlike `jax.ensure_compile_time_eval` it leaves traces that begin inside of it as they are.
    """
    within: contextlib.AbstractContextManager[Any] = jax.core.eval_context()
    return within


def asked_by_operator() -> bool:
    """Say whether the function that calls this was called by an operator of JAX's own arrays, as in `array + x`.

    Those functions are named after the operator. Should JAX name them otherwise, the answer is no, and whoever asks
    says what to write instead: nothing goes wrong in silence.

    Example:
        >>> asked_by_operator()
        False
    """
    return sys._getframe(2).f_code.co_name.startswith("_operator_")
