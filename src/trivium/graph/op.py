"""The `op` decorator: it turns a function of arrays into one that records itself on symbolic tensors."""

from __future__ import annotations

import functools
import inspect
import reprlib
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import jax

from trivium.graph.node import is_recording, record
from trivium.graph.tensor import SymbolicTensor
from trivium.state.frame import current_frame
from trivium.state.registry import suggest
from trivium.state.variable import Variable

__all__ = ["any_symbolic", "op"]

P = ParamSpec("P")
R = TypeVar("R")

_NESTS = (list, tuple)
_EXPLAINED = (ArithmeticError, IndexError, NotImplementedError, TypeError, ValueError)


def any_symbolic(args: Any, kwargs: Any = None) -> bool:
    """Say whether a symbolic tensor is anywhere in nested arguments.

    Example:
        >>> any_symbolic(([SymbolicTensor((2,))], 1)), any_symbolic((1, [2]))
        (True, False)
    """
    for a in args:
        if isinstance(a, SymbolicTensor):
            return True
        if isinstance(a, _NESTS):
            if any_symbolic(a):
                return True
        elif isinstance(a, dict) and any_symbolic(a.values()):
            return True
    return bool(kwargs) and any_symbolic(kwargs.values())


def _any_array(structure: Any) -> bool:
    return any(isinstance(leaf, jax.Array) for leaf in jax.tree_util.tree_leaves(structure))


def _values(x: Any) -> Any:
    """Replace variables, at most one list deep, by their values."""
    if isinstance(x, Variable):
        return x.value
    if isinstance(x, _NESTS) and any(isinstance(e, Variable) for e in x):
        return type(x)(_values(e) for e in x)
    return x


def op(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function of arrays an op: called with arrays it runs, with a symbolic tensor it records a node.

    What goes wrong inside is raised with the call before it: the op's name and what each argument was.

    Args:
        function: A pure function of arrays, written with `jax.numpy` or `jax.lax`. Variables among its arguments
            reach it as their values.

    Returns:
        The op; its `__wrapped__` is the function.

    Example:
        >>> @op
        ... def halve(x):
        ...     return x / 2
        >>> halve(3.0), halve(SymbolicTensor((None, 5))).shape
        (1.5, (None, 5))
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if any_symbolic(args, kwargs):
            return record(call, args, kwargs, run)
        return run(*args, **kwargs)

    def run(*args: Any, **kwargs: Any) -> Any:
        plain = tuple(map(_values, args))
        named = {k: _values(v) for k, v in kwargs.items()}
        # While a model is captured its own variables read as symbolic tensors.
        if is_recording() and any_symbolic(plain, named):
            return record(call, plain, named, run)
        binder = current_frame().binder
        if binder is not None and _any_array((plain, named)):
            return binder(call, plain, named, function)
        try:
            return function(*plain, **named)
        except _EXPLAINED as error:
            _put_call_before(error, function, plain, named)
            raise

    call.is_op = True  # type: ignore[attr-defined]
    call.name = function.__name__  # type: ignore[attr-defined]
    return call


def _put_call_before(
    error: Exception, function: Callable[..., Any], args: Any, kwargs: Any
) -> None:
    """Put an op's call before an error's message, in the place of the call of an op inside of it."""
    name, signature = function.__name__, inspect.signature(function)
    try:
        given = signature.bind(*args, **kwargs).arguments
    except TypeError as mismatch:
        unknown = [k for k in kwargs if k not in signature.parameters]
        hint = f" {suggest(unknown[0], signature.parameters)}" if unknown else ""
        error.args = (f"{name}: {mismatch}.{hint}",)
        return
    bare = (getattr(error, "_bare", None) or str(error)).removeprefix(f"{name}: ")
    call = ", ".join(f"{k}={_describe(v)}" for k, v in given.items())
    error.args = (f"{name}({call}): {bare}",)
    error._bare = bare  # type: ignore[attr-defined]


def _describe(value: Any) -> str:
    """Describe an argument: arrays by their dtype and shape."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{value.dtype}{tuple(n if isinstance(n, int) else None for n in value.shape)}"
    if isinstance(value, _NESTS) and any(hasattr(v, "shape") for v in value):
        return f"[{', '.join(map(_describe, value))}]"
    return reprlib.repr(value)
