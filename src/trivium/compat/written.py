"""The functions, classes and values of TensorFlow's and Keras's older faces that are written by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["WRITTEN", "covers"]

# By path, from `tensorflow` or `keras` on.
WRITTEN: dict[str, Any] = {}

T = TypeVar("T")


def covers(*paths: str) -> Callable[[T], T]:
    """Return a decorator that makes a function or class what these paths mean.

    Args:
        paths: Dotted paths from `tensorflow` or `keras` on. Errors of Python about wrong arguments will have the last
            word of the first one.

    Example:
        >>> @covers("tensorflow.docs.double")
        ... def _double(x):
        ...     return 2 * x
        >>> WRITTEN.pop("tensorflow.docs.double").__name__
        'double'
    """

    def register(thing: T) -> T:
        WRITTEN.update(dict.fromkeys(paths, thing))
        name = paths[0].rpartition(".")[2]
        thing.__name__ = name  # type: ignore[attr-defined]
        if not isinstance(thing, type):  # the source of a class is found by it
            thing.__qualname__ = name  # type: ignore[attr-defined]
        return thing

    return register
