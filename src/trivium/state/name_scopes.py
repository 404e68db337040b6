"""Name scopes: names that stand before those of variables."""

from __future__ import annotations

from typing import Any

from trivium.state.frame import FrameScope, current_frame

__all__ = ["name_scope", "scopes_around"]


class name_scope(FrameScope):
    """Put a name into the paths of the variables that are made while a `with` block lasts.

    Around the call of a layer it stands before the layer's name; in a layer's own code it does nothing. Paths are for
    readers: neither files nor graphs go by them.

    Args:
        name: The name.
        kwargs: `override_parent`: a path in the place of all scopes around this one. The rest does nothing.

    Raises:
        ValueError: The name is no text, or has a `/` in it.

    Example:
        >>> from trivium import Variable
        >>> with name_scope("encoder"), name_scope("first"):
        ...     kept = Variable(1.0, name="scale")
        >>> kept.path
        'encoder/first/scale'
    """

    def __init__(self, name: str, **kwargs: Any) -> None:
        if not isinstance(name, str) or "/" in name or not name:
            raise ValueError(f"A scope's name is a text without '/'; got {name!r}.")
        self.name = name
        self._instead: str | None = kwargs.get("override_parent")

    def _changes(self) -> dict[str, Any]:
        frame = current_frame()
        around = frame.name_scopes
        if self._instead is not None:
            around = ((0, self._instead),) if self._instead else ()
        return {"name_scopes": (*around, (len(frame.layers), self.name))}


def scopes_around() -> tuple[str, ...]:
    """Return the names of the scopes that were entered before the layer that is being called, or of all outside of one.

    Example:
        >>> with name_scope("encoder"):
        ...     scopes_around()
        ('encoder',)
    """
    frame = current_frame()
    depth = len(frame.layers)
    return tuple(name for at, name in frame.name_scopes if at < depth or not depth)
