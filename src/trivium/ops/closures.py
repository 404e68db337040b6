"""Functions as arguments of ops: which symbolic tensors from around them they use, made visible to the graph."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import jax
import jax.numpy as jnp

from trivium.graph.closure import Closure
from trivium.graph.errors import CaptureError
from trivium.graph.graph import Graph
from trivium.graph.infer import infer
from trivium.graph.node import record, recording
from trivium.graph.op import any_symbolic
from trivium.graph.tensor import SymbolicTensor, is_symbolic
from trivium.state.frame import current_frame
from trivium.state.variable import Variable

__all__ = ["op_of_functions"]

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
        plain, named = _replace(lambda f: f, (args, kwargs))
        if not any_symbolic(plain, named):
            guarded = _replace(_guard, (plain, named))
            try:
                return function(*guarded[0], **guarded[1])
            except (CaptureError, _SymbolicResult):
                if current_frame().binder is not None:
                    raise  # JAX traces the model, so nothing is symbolic.
                # Not its arguments but what it uses from around is symbolic.
        spies: dict[int, _Spy] = {}
        spied = _replace(lambda f: spies.setdefault(id(f), _Spy(f)), (plain, named))
        infer(function, *spied)
        plain, named = _replace(lambda f: spies[id(f)].closure or f, (plain, named))
        return cast(R, record(call, plain, named, function))

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

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.closure: Closure | None = None

    def __call__(self, *args: Any) -> Any:
        if self.closure is None:
            self.closure = _close(self.function, args)
        held = self.closure
        return held.over(*(jnp.zeros(t.dims, t.dtype) for t in held.tensors))(*args)


def _close(function: Callable[..., Any], args: Any) -> Closure:
    """Record the function on symbolic tensors like `args`, and make its recorded nodes the function."""
    leaves, tree = jax.tree_util.tree_flatten(args)
    stand_ins = [SymbolicTensor(jnp.shape(a), jnp.result_type(a)) for a in leaves]
    try:
        with recording() as nodes:
            result = function(*jax.tree_util.tree_unflatten(tree, stand_ins))
    except Exception:
        # Written with `jax.numpy`, say: it can run on arrays, if it uses nothing symbolic from around. What is wrong
        # with it otherwise, it says there again.
        return Closure(function, [])
    inner = {id(t) for t in stand_ins} | {id(t) for n in nodes for t in n.output_tensors}
    results = jax.tree_util.tree_leaves(result)
    used = [*(t for n in nodes for t in n.inputs), *filter(is_symbolic, results)]
    outer = list({id(t): t for t in used if id(t) not in inner}.values())
    graph = Graph([stand_ins, outer], [t for t in results if is_symbolic(t)])
    return Closure(graph, outer, result)


def _replace(change: Callable[[Any], Any], arguments: Any) -> Any:
    """Change every function in nested arguments, and put values in the variables' places."""

    def leaf(a: Any) -> Any:
        if callable(a):
            return change(a)
        return a.value if isinstance(a, Variable) else a

    return jax.tree_util.tree_map(leaf, arguments, is_leaf=callable)
