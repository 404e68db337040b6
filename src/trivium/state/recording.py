"""Recording what JAX computes, as it computes it: the ground that gradient tapes stand on.

JAX hands each operation to the *trace* that is current: the one that computes at once, or one that builds a program or
takes derivatives. A `Recorder` is a trace that hands everything on to the one beneath it, and is told what went in and
what came out. It wraps no array: what comes out is what would have come out without it, so code inside may branch on
values, print them and keep them, and nothing has to be taken off them afterwards. Whether JAX computes at once,
compiles or differentiates around it, the recorder is the same.

This is JAX's inside, and stands in this file alone: `tests/state/test_recording.py` says what is relied on.

Reference:
    https://docs.jax.dev/en/latest/jax-primitives.html
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import jax
import jax.numpy as jnp
from jax._src import core

__all__ = [
    "OUTSIDE",
    "Backward",
    "Listener",
    "Recorder",
    "current_trace",
    "differentiable",
    "recorded_by",
    "without_recorders",
]

Backward = Callable[[Sequence[Any]], Sequence[Any]]
"""Given the gradients by an operation's results, `None` for those without, returns those by its inputs."""


class Listener(Protocol):
    """What a recorder tells of each operation."""

    def wanted(self, inputs: Sequence[Any]) -> tuple[int, ...]:
        """Return which of an operation's inputs it is to be differentiated by."""
        ...

    def heard(
        self, inputs: Sequence[Any], outputs: Sequence[Any], backward: Backward
    ) -> Sequence[Any]:
        """Take note of an operation and return its outputs.

        Args:
            inputs: Those that were wanted.
            outputs: All results.
            backward: Gives the gradients by `inputs`.
        """
        ...


@functools.cache
def differentiable(dtype: Any) -> bool:
    """Say whether arrays of a dtype have gradients: floats and complex numbers.

    Example:
        >>> differentiable(jnp.dtype("bfloat16")), differentiable(jnp.dtype("int32"))
        (True, False)
    """
    return bool(jnp.issubdtype(dtype, jnp.inexact))


class Recorder(jax.core.Trace):
    """A trace that hands operations on to the one beneath it, and tells a listener.

    Args:
        beneath: The trace that computes.
    """

    # JAX keeps what it knows of a function by the trace in which it was called: a recorder for each tape would fill
    # its memory, so those that stand on the trace that computes at once are kept, and used again.
    __slots__ = ("above", "beneath", "listener")

    def __init__(self, beneath: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.beneath = beneath
        self.listener: Listener | None = None
        self.above: Recorder | None = None

    def stage_value(self, val: Any) -> Any:
        """Hand a value on."""
        return self.beneath.stage_value(val)

    def process_primitive(self, primitive: Any, args: Any, params: Any, /) -> Any:
        """Do an operation."""
        wanted = self.listener.wanted(args) if self.listener is not None else ()
        program = params.get("jaxpr") if primitive.name == "jit" else None
        if (
            program is not None
            and self.listener is not None
            and self.listener.wanted(program.consts)
        ):
            # A compiled function that closes over watched arrays: they are none of its arguments, so it is taken apart.
            with core.set_current_trace(self):
                return jax.core.eval_jaxpr(program.jaxpr, program.consts, *args)
        with core.set_current_trace(self.beneath):
            if wanted and primitive.name == "stop_gradient":
                # A gradient that is stopped is none, and not zero; and JAX gives the array back as it came.
                wanted, args = (), [jnp.array(args[0], copy=True)]
            if not wanted:
                return primitive.bind(*args, **params)
            outputs = self._told(wanted, args, *_done(primitive, params, wanted, args))
        return outputs if primitive.multiple_results else outputs[0]

    def process_call(self, call_primitive: Any, f: Any, args: Any, params: Any, /) -> Any:
        """Do a call of a function as one operation."""
        return self._function(call_primitive, args, {**params, "subfuns": (f,)})

    def process_custom_jvp_call(
        self, primitive: Any, fun: Any, jvp: Any, args: Any, /, **params: Any
    ) -> Any:
        """Do a function with a derivative of its own as one operation."""
        return self._function(primitive, args, {**params, "subfuns": (fun, jvp)})

    def process_custom_vjp_call(
        self, primitive: Any, fun: Any, fwd: Any, bwd: Any, args: Any, /, **params: Any
    ) -> Any:
        """Do a function with a gradient of its own as one operation."""
        return self._function(primitive, args, {**params, "subfuns": (fun, fwd, bwd)})

    def _function(self, primitive: Any, args: Any, params: Any) -> Any:
        wanted = self.listener.wanted(args) if self.listener is not None else ()
        with core.set_current_trace(self.beneath):
            if not wanted:
                return primitive.bind(*args, **params)
            # Such a function runs once: it is made anew by each call, so there is nothing to keep for the next.
            return self._told(wanted, args, *_differentiated(primitive, params, wanted, args))

    def _told(self, wanted: Any, args: Any, outputs: Any, backward: Any) -> Sequence[Any]:
        assert self.listener is not None
        return self.listener.heard([args[i] for i in wanted], outputs, backward)


def _done(primitive: Any, params: Any, wanted: Any, args: Any) -> tuple[list[Any], Backward]:
    """Do an operation, and return its results and the gradient by some of its inputs."""
    try:
        compiled = _compiled(primitive, tuple(sorted(params.items())), wanted)
    except TypeError:  # Some setting cannot be hashed.
        return _differentiated(primitive, params, wanted, args)
    try:
        outputs, pull = compiled(*args)
    except (NotImplementedError, TypeError, ValueError) as error:
        # Loops whose length is not known, calls of Python: they have values, and no gradient.
        found = primitive.bind(*args, **params)
        return list(found) if primitive.multiple_results else [found], _refusing(error)
    return outputs, functools.partial(_pulled, _pull_compiled, pull, _forms(outputs))


# More than one step of a deep network has of operations that differ: with fewer, each step would compile those again
# that the step before had pushed out.
@functools.lru_cache(maxsize=2048)
def _compiled(primitive: Any, params: Any, wanted: tuple[int, ...]) -> Callable[..., Any]:
    """Return an operation with its gradient as one program: eager code runs the same ones again and again."""
    settings = dict(params)
    return jax.jit(lambda *args: _with_gradient(primitive, settings, wanted, args), inline=True)


def _differentiated(
    primitive: Any, params: Any, wanted: Any, args: Any
) -> tuple[list[Any], Backward]:
    outputs, pull = _with_gradient(primitive, params, wanted, args)
    return outputs, functools.partial(_pulled, _pull, pull, _forms(outputs))


def _with_gradient(primitive: Any, params: Any, wanted: Any, args: Any) -> tuple[Any, Any]:
    """Return the results of an operation, and the function from their gradients to those by some of its inputs."""

    def of(*given: Any) -> tuple[list[Any], list[Any]]:
        every = list(args)
        for i, value in zip(wanted, given, strict=True):
            every[i] = value
        found = primitive.bind(*every, **params)
        outputs = list(found) if primitive.multiple_results else [found]
        # Whole numbers have no gradient, and go past the derivative.
        return (
            [x for x in outputs if differentiable(x.dtype)],
            [None if differentiable(x.dtype) else x for x in outputs],
        )

    floats, pull, others = jax.vjp(of, *(args[i] for i in wanted), has_aux=True)
    left = iter(floats)
    return [next(left) if x is None else x for x in others], pull


def _forms(outputs: Sequence[Any]) -> tuple[Any, ...]:
    return tuple((x.shape, x.dtype) if differentiable(x.dtype) else None for x in outputs)


def _pulled(run: Any, pull: Any, forms: Any, gradients: Sequence[Any]) -> Sequence[Any]:
    """Return the gradients by an operation's inputs, given those by its results, `None` for zeros."""
    floats = [g for g, form in zip(gradients, forms, strict=True) if form]
    found: Sequence[Any] = run(pull, floats, tuple(form for form in forms if form))
    return found


def _pull(pull: Any, gradients: Any, forms: Any) -> Any:
    return pull(
        [
            jnp.zeros(shape, dtype) if gradient is None else gradient
            for gradient, (shape, dtype) in zip(gradients, forms, strict=True)
        ]
    )


_pull_compiled = jax.jit(_pull, static_argnums=2, inline=True)


def _refusing(error: Exception) -> Backward:
    def backward(gradients: Sequence[Any]) -> Sequence[Any]:
        raise error

    return backward


class _Kept(threading.local):
    """The recorder of each thread that stands on the trace that computes at once."""

    recorder: Recorder | None = None


_kept = _Kept()


@contextlib.contextmanager
def recorded_by(listener: Listener) -> Iterator[None]:
    """Tell a listener of all that JAX computes while the `with` block lasts.

    Args:
        listener: It is told of the operations whose inputs it wants.
    """
    recorder = _recorder_on(current_trace())
    recorder.listener = listener
    try:
        with core.set_current_trace(recorder):
            yield
    finally:
        recorder.listener = None


def _recorder_on(beneath: Any) -> Recorder:
    at_once = not isinstance(beneath, Recorder) and beneath is OUTSIDE
    if isinstance(beneath, Recorder):
        found = beneath.above
    elif at_once:
        found = _kept.recorder
    else:
        return Recorder(beneath)
    if found is None or found.listener is not None:  # It is at work further out.
        found = Recorder(beneath)
        if at_once:
            _kept.recorder = found
        else:
            beneath.above = found
    return found


def current_trace() -> Any:
    """Return the trace that JAX hands operations to."""
    # JAX gives it to who is about to replace it, and puts it back when the block is left: here at once.
    with core.take_current_trace() as trace:
        return trace


OUTSIDE = current_trace()  # The library is imported outside of any trace.


def computes_now() -> bool:
    """Say whether operations are computed at once and told to nobody: no trace of JAX's is under way, and no tape.

    Example:
        >>> seen = []
        >>> see = lambda x: seen.append(computes_now()) or x
        >>> _ = see(1.0), jax.grad(see)(1.0), jax.jit(see)(1.0)
        >>> seen
        [True, False, False]
    """
    # An attribute: this is asked in each call of a layer.
    now: bool = core.trace_ctx.trace is OUTSIDE
    return now


def without_recorders() -> contextlib.AbstractContextManager[Any]:
    """Compute without telling any listener while the `with` block lasts, under whatever JAX traces beneath them."""
    trace = current_trace()
    while isinstance(trace, Recorder):
        trace = trace.beneath
    within: contextlib.AbstractContextManager[Any] = core.set_current_trace(trace)
    return within
