"""What a graph cannot hold, said with the user's own file and line."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = [
    "CaptureError",
    "DisconnectedGraphError",
    "TextError",
    "error_location",
    "is_foreign",
    "raised_in",
    "user_location",
]

_PACKAGE = str(Path(__file__).resolve().parents[1])
# Besides libraries: Python's own modules that are frozen in it, and the function that NumPy makes for its dispatch.
_FOREIGN = (_PACKAGE, "site-packages", "<frozen", "<__array_function__")


def is_foreign(file: str) -> bool:
    """Say whether a file belongs to a library and not to the user.

    Example:
        >>> is_foreign("my_models.py"), is_foreign("lib/site-packages/jax/api.py")
        (False, True)
    """
    return any(part in file for part in _FOREIGN)


def user_location() -> str:
    """Return `file:line` of the innermost frame outside the libraries, or an empty string.

    Example:
        >>> ":" in user_location()
        True
    """
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if not is_foreign(name):
            return f"{name}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    return ""


def error_location(error: BaseException) -> str:
    """Return `file:line` of the innermost frame outside the libraries that an error passed, or an empty string."""
    location = ""
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if not is_foreign(name):
            location = f"{name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return location


def raised_in(error: BaseException) -> str:
    """Return the file whose code raised an error; an empty string where it was not raised yet."""
    trace, file = error.__traceback__, ""
    while trace is not None:
        file, trace = trace.tb_frame.f_code.co_filename, trace.tb_next
    return file


class CaptureError(RuntimeError):
    """A model's code did something with a symbolic tensor that no graph can hold.

    Args:
        message: What happened and what to do instead.
        location: The user's file and line, which are put before it; those of the running code where it is `None`.
    """

    # Whether real arrays, or JAX's tracers, would have done.
    wants_array = False

    def __init__(self, message: str, location: str | None = None) -> None:
        self.location = user_location() if location is None else location
        super().__init__(f"{self.location}: {message}" if self.location else message)


class TextError(TypeError):
    """Text came where only numbers can be computed with.

    Args:
        taker: What was called.
        text: The text's name.
        remedy: What to do.
    """

    def __init__(
        self,
        taker: object,
        text: str,
        remedy: str = "The layers StringLookup, TextVectorization and Hashing make numbers of text.",
    ) -> None:
        super().__init__(f"{taker!r} takes numbers, and {text!r} is text. {remedy}")


class DisconnectedGraphError(ValueError):
    """A graph's outputs cannot be computed from its inputs."""
