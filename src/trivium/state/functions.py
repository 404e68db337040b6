"""Functions that read and assign variables, compiled: what they touch goes in and comes out by itself.

A function is traced once for each form of its arguments. A variable that it reads becomes an input of the program at
that moment, and one that it assigns a result, so nobody has to say beforehand what it touches.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from trivium.state.frame import current_frame, entered
from trivium.state.jaxpr import Program, as_function, marked_as_inputs, marker
from trivium.state.retracing import traces_apart
from trivium.state.scopes import Policy, StatelessScope
from trivium.state.seeds import SeedGenerator
from trivium.state.traces import on_trace, trace_state
from trivium.state.variable import Variable

__all__ = [
    "PlainRunNeeded",
    "StatefulFunction",
    "look_after_call",
    "needs_plain_run",
    "tracing_function",
]

_READ = marker("read_variable", lambda **settings: settings["form"])
_OUTSIDE = trace_state()  # The library is imported outside of any trace.


class PlainRunNeeded(Exception):
    """A function that is being traced does what only plain Python can do.

    Args:
        why: What it does.
        always: Whether it will do so in each call.
    """

    def __init__(self, why: str, always: bool = True) -> None:
        super().__init__(why)
        self.always = always


class _Reads(Policy):
    """Variables read as inputs of the program that is traced."""

    def __init__(self) -> None:
        self.variables: list[Variable] = []
        self.looks: list[tuple[Callable[..., None], tuple[jax.Array, ...]]] = []
        self.trace_state = trace_state()
        self._values: dict[int, Any] = {}
        self._on_trace = on_trace()

    def missing(self, variable: Variable) -> Any:
        if id(variable) not in self._values:
            shape, dtype = variable.form
            form = jax.ShapeDtypeStruct(shape, dtype)
            # Read in a loop's body, it comes from outside of the loop.
            with self._on_trace():
                self._values[id(variable)] = _READ.bind(number=len(self.variables), form=form)
            self.variables.append(variable)
        return self._values[id(variable)]


def _reads() -> _Reads | None:
    """Return what the function that is being traced reads; `None` where none is traced."""
    policies = (scope.policy for scope in current_frame().scopes)
    return next((p for p in policies if isinstance(p, _Reads)), None)


def tracing_function() -> bool:
    """Say whether the running code is traced as a `StatefulFunction`.

    Example:
        >>> StatefulFunction(tracing_function)(), tracing_function()
        (Array(True, dtype=bool), False)
    """
    return _reads() is not None


def needs_plain_run(why: str, always: bool = True) -> None:
    """Have the function that is being traced run as plain Python; nothing happens where none is traced.

    Args:
        why: What it does that needs that.
        always: Whether it will need it in each call.

    Raises:
        PlainRunNeeded: A function is being traced.
    """
    if tracing_function():
        raise PlainRunNeeded(why, always)


# What callbacks of the running call found to be wrong; they run in threads of XLA's.
_failures: list[Exception] = []


def look_after_call(
    look: Callable[..., None], *arrays: jax.Array, where: jax.Array | None = None
) -> None:
    """Have arrays' values looked at in each call of the function that is being traced, before it assigns variables.

    Arrays of the function itself become results of its program, of which the caller hears nothing; that costs next to
    nothing. What is computed in a loop or a branch has no value behind it, so the program calls Python there.

    Args:
        look: A function of the values; what it raises, the call raises.
        arrays: Arrays that the function computes.
        where: Whether there is anything to see. In a loop Python is called in those rounds only.

    Example:
        >>> @StatefulFunction
        ... def root(x):
        ...     look_after_call(lambda value: print("of", value), x)
        ...     return x**0.5
        >>> root(jnp.array(4.0)).item()
        of 4.0
        2.0
    """
    reads = _reads()
    if reads is not None and reads.trace_state == trace_state():
        reads.looks.append((look, arrays))
        return

    def seen(*values: Any) -> None:
        try:
            look(*map(np.asarray, values))
        except Exception as error:
            _failures.append(error)

    def call_back(*given: jax.Array) -> None:
        jax.debug.callback(seen, *given)

    if where is None:
        call_back(*arrays)
    else:
        jax.lax.cond(where, call_back, lambda *given: None, *arrays)


class _Traced(NamedTuple):
    """A function for one form of its arguments."""

    run: Callable[..., Any]
    reads: list[Variable]
    writes: list[Variable]
    unflatten: Callable[[list[Any]], Any]
    held: Any
    looks: list[tuple[Callable[..., None], int]]
    calls_back: bool


class StatefulFunction:
    """A function of arrays and other objects that is compiled, with all that it does to variables.

    Arrays may have other values in each call; for other arguments, and for arrays of other shapes and dtypes, it is
    traced anew. Python code in it runs while it is traced.

    Args:
        function: The function.

    Example:
        >>> total = Variable(0.0)
        >>> @StatefulFunction
        ... def add(x):
        ...     total.assign_add(x)
        ...     return 2 * x
        >>> add(jnp.array(3.0)).item(), add(jnp.array(4.0)).item(), total.numpy().item()
        (6.0, 8.0, 7.0)
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        # Where its code gives no seed, draws come from here, and each call draws anew.
        self._generator = SeedGenerator(name="function_generator")
        self._traced: dict[Any, _Traced] = {}

    @property
    def count(self) -> int:
        """For how many forms of arguments it has been traced."""
        return len(self._traced)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function.

        Args:
            args: Arrays, variables, numbers, any objects, in lists, tuples and dicts.
            kwargs: Likewise.

        Raises:
            PlainRunNeeded: It has to run as plain Python.
            Exception: What the function raises while it is traced.
        """
        leaves, tree = jax.tree_util.tree_flatten((args, kwargs))
        if not _alone() or any(getattr(x, "is_symbolic", False) for x in leaves):
            return self.function(*args, **kwargs)
        leaves = [np.asarray(x) if isinstance(x, np.generic) else x for x in leaves]
        places = [i for i, x in enumerate(leaves) if isinstance(x, jax.Array | np.ndarray)]
        arrays = [jnp.asarray(leaves[i]) for i in places]
        key = (tree, tuple(_form(x) for x in leaves))
        traced = self._traced.get(key)
        if traced is None:
            traced = self._traced[key] = self._trace(leaves, tree, places, arrays)
        results = traced.run(*[v.kept_value for v in traced.reads], *arrays)
        if traced.calls_back:
            jax.effects_barrier()
            if _failures:
                failed = _failures[0]
                _failures.clear()
                raise failed
        for look, count in reversed(traced.looks):
            look(*results[len(results) - count :])
            del results[len(results) - count :]
        split = len(results) - len(traced.writes)
        for variable, value in zip(traced.writes, results[split:], strict=True):
            variable.assign(value)
        return traced.unflatten(results[:split])

    def _trace(self, leaves: list[Any], tree: Any, places: list[int], arrays: list[Any]) -> _Traced:
        found: list[Any] = []
        looks: list[tuple[Callable[..., None], int]] = []

        def run(*given: Any) -> Any:
            filled = list(leaves)
            for place, array in zip(places, given, strict=True):
                filled[place] = array
            args, kwargs = jax.tree_util.tree_unflatten(tree, filled)
            policy = _Reads()
            around = entered(tapes=(), generator=self._generator)
            with StatelessScope(policy=policy, by_call=True) as scope, around, traces_apart():
                returned, structure = jax.tree_util.tree_flatten(self.function(*args, **kwargs))
                returned = [x.value if isinstance(x, Variable) else x for x in returned]
                outputs = [i for i, x in enumerate(returned) if _is_number(x)]
                values = [scope.get_current_value(v) for v in scope.variables]
            kept = [None if _is_number(x) else x for x in returned]
            found.extend([policy.variables, scope.variables, kept, structure, outputs])
            looked_at = [arrays for _, arrays in policy.looks]
            looks.extend((look, len(arrays)) for look, arrays in policy.looks)
            return [returned[i] for i in outputs], values, looked_at

        program = jax.make_jaxpr(run)(*arrays)
        reads, writes, kept, structure, outputs = found
        numbers, program = marked_as_inputs(program, _READ)

        def unflatten(values: list[Any]) -> Any:
            filled = list(kept)
            for place, value in zip(outputs, values, strict=True):
                filled[place] = value
            return jax.tree_util.tree_unflatten(structure, filled)

        read = [reads[i] for i in numbers]
        calls_back = bool(program.effects)
        run_compiled = _compiled(program)
        return _Traced(run_compiled, read, writes, unflatten, list(leaves), looks, calls_back)


def _compiled(program: Program) -> Callable[..., Any]:
    return jax.jit(as_function(program))


def _alone() -> bool:
    """Say whether nothing else is tracing, recording or being called around, of which the code is a part then."""
    frame = current_frame()
    return not (frame.scopes or frame.layers or frame.nodes is not None) and (
        trace_state() == _OUTSIDE
    )


def _form(x: Any) -> Any:
    """Return what a function is traced for of one argument."""
    if isinstance(x, jax.Array | np.ndarray):
        return tuple(x.shape), str(x.dtype), bool(getattr(x, "weak_type", False))
    if x is None or isinstance(x, bool | int | float | complex | str | bytes):
        return type(x), x
    return type(x), id(x)


def _is_number(x: Any) -> bool:
    return isinstance(x, jax.Array | np.ndarray | np.generic | bool | int | float | complex)
