"""Keywords that a function does not have, answered with the nearest that it has."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from trivium.state.registry import suggest

__all__ = ["named_arguments"]

P = ParamSpec("P")
R = TypeVar("R")


def named_arguments(method: Callable[P, R]) -> Callable[P, R]:
    """Wrap a method so that a keyword it does not have is answered with the nearest one it has.

    Args:
        method: The method.

    Example:
        >>> class Oven:
        ...     @named_arguments
        ...     def bake(self, minutes):
        ...         return minutes
        >>> Oven().bake(minuts=3)
        Traceback (most recent call last):
            ...
        TypeError: `bake` has no argument 'minuts'. Did you mean 'minutes'?
    """
    known = list(inspect.signature(method).parameters)[1:]

    @functools.wraps(method)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        for key in kwargs:
            if key not in known:
                raise TypeError(
                    f"`{method.__name__}` has no argument {key!r}. {suggest(key, known)}"
                )
        return method(*args, **kwargs)

    return checked
