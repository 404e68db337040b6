"""Functions as arguments of ops: which symbolic tensors from around them they use, made visible to the graph."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import jax
import jax.numpy as jnp
import numpy as np

from trivium.data.kinds import AnyStrings
from trivium.graph.closure import Closure
from trivium.graph.errors import CaptureError, TextError, user_location
from trivium.graph.graph import Graph
from trivium.graph.infer import infer
from trivium.graph.node import is_recording, record, recording
from trivium.graph.op import any_symbolic
from trivium.graph.tensor import SymbolicTensor, is_symbolic
from trivium.state.frame import current_frame
from trivium.state.variable import Variable

__all__ = ["op_of_functions"]

# NumPy's kinds of arrays that hold text.
_TEXT = ("O", "S", "T", "U")
_REMEDY = (
    "Loops and branches are compiled, and text stays on the host. Make numbers of it before, with StringLookup, "
    "TextVectorization or Hashing, and give the op these."
)

P = ParamSpec("P")
R = TypeVar("R")


def op_of_functions(function: Callable[P, R]) -> Callable[P, R]:
    """Make an op of a function that takes functions, which may use symbolic tensors from around them.

    Args:
        function: A pure function of arrays and functions; the functions stand among its arguments, or in a list there.

    Returns:
        The op.

    Example:
        >>> @op_of_functions
        ... def twice(f, x):
        ...     return f(f(x))
        >>> shift = SymbolicTensor((None, 3))
        >>> twice(lambda x: x + shift, jnp.ones(3)).node.inputs == [shift]
        True
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        _refuse_text(function.__name__, (args, kwargs))
        plain, named = _replace(lambda f: f, (args, kwargs), _value)
        if not any_symbolic(plain, named):
            guarded = _replace(_guard, (plain, named), _value)
            try:
                return function(*guarded[0], **guarded[1])
            except (CaptureError, _SymbolicResult):
                if current_frame().binder is not None:
                    raise  # JAX traces the model, so nothing is symbolic.
                # Not its arguments but what it uses from around is symbolic.
        spies: dict[int, _Spy] = {}
        # While a model's code is captured, its variables read as symbolic tensors; else a node holds them themselves.
        of_variable = _value if is_recording() else _itself
        name = function.__name__
        spied = _replace(
            lambda f: spies.setdefault(id(f), _Spy(f, name)), (args, kwargs), of_variable
        )
        infer(run, *spied)
        held, named = _replace(lambda f: spies[id(f)].closure or f, (args, kwargs), of_variable)
        return cast(R, record(call, held, named, run))

    def run(*args: Any, **kwargs: Any) -> Any:
        plain, named = _replace(lambda f: f, (args, kwargs), _value)
        return function(*plain, **named)

    call.is_op = True  # type: ignore[attr-defined]
    return call


class _SymbolicResult(Exception):
    """A function called with arrays gave a symbolic tensor."""


def _guard(function: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(*args: Any) -> Any:
        result = function(*args)
        if any(map(is_symbolic, jax.tree_util.tree_leaves(result))):
            raise _SymbolicResult
        return result

    return guarded


class _Spy:
    """Stands in for a function while shapes are inferred, and makes a closure of it at its first call."""

    def __init__(self, function: Callable[..., Any], op: str) -> None:
        self.function, self.op = function, op
        self.closure: Closure | None = None

    def __call__(self, *args: Any) -> Any:
        if self.closure is None:
            self.closure = _close(self.function, args)
            _refuse_text(self.op, self.closure.tensors)
        held = self.closure
        return held.over(*(jnp.zeros(t.dims, t.dtype) for t in held.tensors))(*args)


def _close(function: Callable[..., Any], args: Any) -> Closure:
    """Record the function on symbolic tensors like `args`, and make its recorded nodes the function."""
    leaves, tree = jax.tree_util.tree_flatten(args)
    stand_ins = [SymbolicTensor(jnp.shape(a), jnp.result_type(a)) for a in leaves]
    arguments = jax.tree_util.tree_unflatten(tree, stand_ins)
    try:
        with recording() as nodes:
            result = function(*arguments)
    except Exception:
        # Written with `jax.numpy`, say: it can run on arrays, if it uses nothing symbolic from around. What is wrong
        # with it otherwise, it says there again.
        return Closure(function, [])
    inner = {id(t) for t in stand_ins} | {id(t) for n in nodes for t in n.output_tensors}
    results = jax.tree_util.tree_leaves(result)
    used = [*(t for n in nodes for t in n.inputs), *filter(is_symbolic, results)]
    outer = list({id(t): t for t in used if id(t) not in inner}.values())
    graph = Graph([arguments, outer], [t for t in results if is_symbolic(t)])
    return Closure(graph, outer, result)


def _refuse_text(op: str, arguments: Any) -> None:
    """Raise an error where there is text among arguments, or among what a function uses from around it."""
    for x in jax.tree_util.tree_leaves(arguments, is_leaf=callable):
        kind = getattr(getattr(x, "dtype", None), "kind", None)
        if isinstance(x, AnyStrings) or getattr(x, "is_text", False) or kind in _TEXT:
            place = user_location()
            where = f" The call stands in {place}." if place else ""
            raise TextError(op, getattr(x, "name", "an array"), _REMEDY + where)


def _value(variable: Variable) -> Any:
    return variable.value


def _itself(variable: Variable) -> Any:
    return variable


def _replace(
    change: Callable[[Any], Any], arguments: Any, of_variable: Callable[[Variable], Any]
) -> Any:
    """Change every function and variable in nested arguments, and put JAX's arrays in the places of NumPy's.

    A loop's first state is part of its program, and the same number is the same program whoever made the array.
    """

    def leaf(a: Any) -> Any:
        if callable(a):
            return change(a)
        if isinstance(a, np.ndarray | np.generic):
            with jax.ensure_compile_time_eval():
                return jnp.asarray(a)
        return of_variable(a) if isinstance(a, Variable) else a

    return jax.tree_util.tree_map(leaf, arguments, is_leaf=callable)
