"""What goes wrong in a search: what ends it, and what ends one trial."""

from __future__ import annotations

from typing import Any

__all__ = [
    "FailedTrialError",
    "FatalError",
    "FatalRuntimeError",
    "FatalTypeError",
    "FatalValueError",
    "UnknownHyperParameterError",
]


class FatalError(Exception):
    """A mistake in the program: the search ends with it, since every trial would meet it."""


class FatalValueError(FatalError, ValueError):
    """A value that no search can go on with."""


class FatalTypeError(FatalError, TypeError):
    """Something of a type that no search can go on with."""


class FatalRuntimeError(FatalError, RuntimeError):
    """A state that no search can go on in."""


class UnknownHyperParameterError(FatalError, KeyError):
    """A hyperparameter's name that nothing has defined."""

    def __str__(self) -> str:
        # A KeyError shows the text in quotes otherwise.
        return str(self.args[0]) if self.args else ""


class FailedTrialError(Exception):
    """Raise it in `build`, `fit` or `run_trial` to give up a trial: it is noted as failed and not tried again.

    Args:
        message: Why.

    Example:
        >>> raise FailedTrialError("the network is too large")
        Traceback (most recent call last):
            ...
        trivium.tuning.errors.FailedTrialError: the network is too large
    """

    def __init__(self, message: Any = "") -> None:
        super().__init__(message)
