"""The one message for what a script uses and Trivium does not cover."""

from __future__ import annotations

from trivium.graph.errors import user_location

__all__ = ["NotCovered", "NotCoveredError", "NotCoveredImportError"]


class NotCovered(Exception):
    """Something of Keras or TensorFlow that Trivium does not cover.

    Args:
        message: What it is, and the nearest way to do it.
        location: The file and line of the program that uses it; those of the running code where it is `None`.

    Attributes:
        message: The message without the place.
        location: The place; empty where no program runs.

    Example:
        >>> raise NotCovered("tf.distribute is not covered")
        Traceback (most recent call last):
            ...
        trivium.compat.errors.NotCovered: ...tf.distribute is not covered
    """

    def __init__(self, message: str, location: str | None = None) -> None:
        self.message = message
        self.location = user_location() if location is None else location
        super().__init__(f"{self.location}: {message}" if self.location else message)


class NotCoveredError(NotCovered, AttributeError):
    """The use of a name, as an attribute or in a call; an `AttributeError`, so that `hasattr` can ask."""


class NotCoveredImportError(NotCovered, ImportError):
    """The import of a name; an `ImportError`, so that a script can try."""
