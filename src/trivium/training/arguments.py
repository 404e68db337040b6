"""Arguments of the trainer's methods: which there are, and what they may be."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

from trivium.state import suggest

__all__ = ["check_epochs", "named_arguments"]

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


def check_epochs(epochs: Any, initial_epoch: Any, validation_freq: Any) -> None:
    """Check the arguments of `fit` that count epochs.

    Args:
        epochs: The number of the last epoch.
        initial_epoch: The number of epochs already done.
        validation_freq: A number of epochs, or a list of their numbers.

    Raises:
        ValueError: One of them is something else.
    """
    whole = isinstance(validation_freq, int) and validation_freq > 0
    if not whole and not isinstance(validation_freq, list | tuple | set):
        raise ValueError(
            f"`validation_freq` is a number above zero or a list of epochs; got {validation_freq!r}."
        )
    for name, value in (("epochs", epochs), ("initial_epoch", initial_epoch)):
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or value < 0:
            raise ValueError(f"`{name}` is a whole number of at least 0; got {value!r}.")
