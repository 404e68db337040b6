"""Drawing first values: which position of the global seed the numbers come from."""

from __future__ import annotations

from trivium.state.frame import current_frame, entered

__all__ = ["Drawing", "Position", "current_drawing", "drawing_scope"]

# The generation of the global seed, the seed, and the number of the draw.
Position = tuple[int, int, int]


class Drawing:
    """The drawing of one variable's first value.

    Args:
        position: The position of the global seed that is the variable's own; `None` where it takes the next one when
            it draws.
    """

    def __init__(self, position: Position | None) -> None:
        self.position = position
        self.count = 0


def drawing_scope(drawing: Drawing) -> entered:
    """Let random numbers come from one variable's position while the `with` block lasts."""
    return entered(drawing=drawing)


def current_drawing() -> Drawing | None:
    """Return the drawing that is going on, or `None`."""
    drawing: Drawing | None = current_frame().drawing
    return drawing
