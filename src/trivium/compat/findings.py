"""What was found in a program that is read: one use of a name, and whether it is covered."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Finding"]


@dataclass(frozen=True)
class Finding:
    """One use of a name of Keras or TensorFlow.

    Args:
        file: The file.
        line: The line.
        name: What is used there.
        covered: Whether Trivium covers it.
        note: What is to be said where it does not.

    Example:
        >>> Finding("model.py", 3, "keras.layers.Dense", True).covered
        True
    """

    file: str
    line: int
    name: str
    covered: bool
    note: str = ""
