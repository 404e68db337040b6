"""The `op` decorator: it turns a function of arrays into one that records itself on symbolic tensors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from trivium.graph.node import is_recording, record
from trivium.graph.tensor import SymbolicTensor
from trivium.state.variable import Variable

__all__ = ["any_symbolic", "op"]

P = ParamSpec("P")
R = TypeVar("R")

_NESTS = (list, tuple)


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


def _values(x: Any) -> Any:
    """Replace variables, at most one list deep, by their values."""
    if isinstance(x, Variable):
        return x.value
    if isinstance(x, _NESTS) and any(isinstance(e, Variable) for e in x):
        return type(x)(_values(e) for e in x)
    return x


def op(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function of arrays an op: called with arrays it runs, with a symbolic tensor it records a node.

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
            return record(call, plain, named, function)
        return function(*plain, **named)

    call.is_op = True  # type: ignore[attr-defined]
    return call
