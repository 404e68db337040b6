"""What JAX is tracing at this moment, and which of its functions is asking for an array.

JAX hands each operation to the trace that is current, and traces stand on each other: `jax.jit` of `jax.grad` is one
that writes programs down, and on top of it one that takes derivatives. Which they are JAX does not document, so this is
one of the files that look inside of it: `tests/state/test_jaxpr.py` says what is relied on.

Reference:
    https://docs.jax.dev/en/latest/autodidax.html (traces, and how they stand on each other)
"""

from __future__ import annotations

import contextlib
import enum
import sys
from collections.abc import Callable
from typing import Any

import jax
from jax._src import core

from trivium.state.recording import OUTSIDE, Recorder, current_trace, without_recorders

__all__ = [
    "NOTHING",
    "Tracing",
    "asked_by_operator",
    "on_trace",
    "outside_of_traces",
    "refuses_variables",
    "trace_state",
    "tracing",
]


NOTHING: contextlib.AbstractContextManager[Any] = contextlib.nullcontext()
"""A context that does nothing; one for all, since layers enter it in each call."""


def trace_state() -> Any:
    """Return what tells the JAX function being traced from others: equal only within the same one."""
    with without_recorders():  # They wrap nothing, so code inside of them is in the same function.
        return core.get_opaque_trace_state(convention="flax")


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
    trace = current_trace()
    while isinstance(trace, Recorder):  # They wrap nothing.
        trace = trace.beneath
    if trace is OUTSIDE:
        return Tracing.NOTHING
    # Derivatives alone are computed as the code runs: what stands beneath all of them says whether it is a program.
    while isinstance(trace, Recorder) or type(trace).__name__ in _HANDS_ON:
        trace = trace.beneath if isinstance(trace, Recorder) else trace.parent_trace
    return Tracing.AT_ONCE if trace is OUTSIDE else Tracing.A_PROGRAM


def on_trace() -> Callable[[], contextlib.AbstractContextManager[Any]]:
    """Return a function that steps into what JAX is tracing now, out of whatever is traced inside of it by then."""
    trace = current_trace()
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
    # 0 is this function, 1 the `__jax_array__` that calls it, 2 the function of JAX's that looks for that.
    return sys._getframe(2).f_code.co_name.startswith("_operator_")


def refuses_variables(error: Exception) -> bool:
    """Say whether an error is JAX's for something in the place of an array that is none, though it has one.

    Example:
        >>> refuses_variables(ValueError("Triggering __jax_array__() during abstractification is no longer supported."))
        True
    """
    return isinstance(error, ValueError | TypeError) and "__jax_array__" in str(error)
