"""The functions, classes and values of TensorFlow's and Keras's older faces that are written by hand."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar

from trivium.compat.tensorflow.arrays import bind

__all__ = ["OLDER", "WRITTEN", "covers", "covers_older"]

# By path, from `tensorflow` or `keras` on.
WRITTEN: dict[str, Any] = {}

# Those that Keras 1 and 2 had, or TensorFlow 1, and their successors have not: no list of names knows them.
OLDER: set[str] = set()

T = TypeVar("T")


def covers(*paths: str) -> Callable[[T], T]:
    """Return a decorator that makes a function or class what these paths mean.

    Args:
        paths: Dotted paths from `tensorflow` or `keras` on. Errors about wrong arguments will have the first one.

    Raises:
        ValueError: Something else is written under one of the paths: which of them counted would be chance.

    Example:
        >>> @covers("tensorflow.docs.double")
        ... def _double(x):
        ...     return 2 * x
        >>> WRITTEN.pop("tensorflow.docs.double").__name__
        'double'
    """

    def register(thing: T) -> T:
        if known := [path for path in paths if path in WRITTEN]:
            raise ValueError(f"{known[0]} is written already, as {WRITTEN[known[0]].__module__}.")
        name = paths[0].rpartition(".")[2]
        thing.__name__ = name  # type: ignore[attr-defined]
        if not isinstance(thing, type):  # the source of a class is found by it
            thing.__qualname__ = name  # type: ignore[attr-defined]
        shown = _checked(paths[0], thing) if isinstance(thing, FunctionType) else thing
        WRITTEN.update(dict.fromkeys(paths, shown))
        return thing

    return register


def covers_older(*paths: str) -> Callable[[T], T]:
    """Return what `covers` returns, for names that the versions at hand of Keras and TensorFlow have no more.

    Args:
        paths: Dotted paths from `tensorflow` or `keras` on.

    Example:
        >>> covers_older("keras.docs.half")(lambda x: x / 2)(4)
        2.0
        >>> WRITTEN.pop("keras.docs.half").__name__, OLDER.remove("keras.docs.half")
        ('half', None)
    """
    OLDER.update(paths)
    return covers(*paths)


def _checked(path: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that refuses wrong arguments as the rows of `arrays` do."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        bind(path, signature, args, kwargs)
        return function(*args, **kwargs)

    return call
