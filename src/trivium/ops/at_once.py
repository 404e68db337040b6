"""Functions that are called by themselves, on arrays that are there, without what JAX spends on traces nobody takes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import jax

from trivium.state.recording import computes_now

__all__ = ["at_once", "exact"]

P = ParamSpec("P")
R = TypeVar("R")


def at_once(function: Callable[P, R], alone: Callable[..., Any]) -> Callable[P, R]:
    """Return a function that is another one where operations are computed at once, and nobody notes them.

    Args:
        function: What is traced, noted on tapes and differentiated.
        alone: What gives the same bits, sooner.

    Example:
        >>> relu = at_once(jax.nn.relu, jax.nn.relu.fun)
        >>> relu(-2.0).item(), jax.grad(relu)(2.0).item()
        (0.0, 1.0)
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        chosen: Any = alone if computes_now() else function
        found: R = chosen(*args, **kwargs)
        return found

    return call


def exact(function: Callable[P, R], static: tuple[str, ...] = ()) -> Callable[P, R]:
    """Return a function that is one program where it is called by itself, and not one for each of its operations.

    Only for operations that do not round (comparing, choosing, moving): others may come out otherwise in one program.

    Args:
        function: The function.
        static: The arguments that are no arrays.

    Example:
        >>> clamp = exact(lambda x: jax.numpy.where(x > 1, 1.0, x))
        >>> clamp(2.0).item()
        1.0
    """
    alone = functools.wraps(function)(lambda *args, **kwargs: function(*args, **kwargs))
    alone.is_operation = True  # type: ignore[attr-defined] # See `quick_compilation`.
    return at_once(function, jax.jit(alone, static_argnames=static))
