"""Running a traced program operation by operation, with rules for some operations.

Reference:
    https://docs.jax.dev/en/latest/notebooks/Writing_custom_interpreters_in_Jax.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from trivium.state.jaxpr import Equation, Program, called, closed, is_literal

__all__ = ["rewritten"]

_Rules: TypeAlias = Mapping[str, Callable[..., Any]]


def rewritten(program: Program, rules: _Rules) -> Callable[..., list[Any]]:
    """Return a program as a function of its inputs in which some operations are done in another way.

    Args:
        program: The program, as `jax.make_jaxpr` gives it.
        rules: By an operation's name, what is computed in its place, given its operands by position and its settings by
            name. The programs among the settings come as functions that are rewritten, too. Calls are opened up.

    Example:
        >>> import jax
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


def _done(equation: Equation, operands: list[Any], rules: _Rules) -> Any:
    name, params, program = equation.primitive.name, dict(equation.params), called(equation)
    if program is not None:
        return rewritten(closed(program), rules)(*operands)
    if name in rules:
        inner = {k: _rewritten_parts(v, rules) for k, v in params.items()}
        return rules[name](*operands, **inner)
    return equation.primitive.bind(*operands, **params)


def _rewritten_parts(setting: Any, rules: _Rules) -> Any:
    if isinstance(setting, tuple) and any(hasattr(x, "eqns") for x in setting):
        return tuple(rewritten(closed(x), rules) for x in setting)
    return rewritten(closed(setting), rules) if hasattr(setting, "eqns") else setting
