"""The functions, classes and values of TensorFlow's and Keras's older faces that are written by hand."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar

from trivium.compat.tensorflow.arrays import bind

__all__ = ["WRITTEN", "covers"]

# By path, from `tensorflow` or `keras` on.
WRITTEN: dict[str, Any] = {}

T = TypeVar("T")


def covers(*paths: str) -> Callable[[T], T]:
    """Return a decorator that makes a function or class what these paths mean.

    Args:
        paths: Dotted paths from `tensorflow` or `keras` on. Errors about wrong arguments will have the first one.

    Example:
        >>> @covers("tensorflow.docs.double")
        ... def _double(x):
        ...     return 2 * x
        >>> WRITTEN.pop("tensorflow.docs.double").__name__
        'double'
    """

    def register(thing: T) -> T:
        name = paths[0].rpartition(".")[2]
        thing.__name__ = name  # type: ignore[attr-defined]
        if not isinstance(thing, type):  # the source of a class is found by it
            thing.__qualname__ = name  # type: ignore[attr-defined]
        shown = _checked(paths[0], thing) if isinstance(thing, FunctionType) else thing
        WRITTEN.update(dict.fromkeys(paths, shown))
        return thing

    return register


def _checked(path: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that refuses wrong arguments as the rows of `arrays` do."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        bind(path, signature, args, kwargs)
        return function(*args, **kwargs)

    return call
