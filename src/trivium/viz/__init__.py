"""Looking at things: tables, diagrams, curves and image grids."""

from typing import TYPE_CHECKING, Any

from trivium.viz.curves import learning_curves
from trivium.viz.images import image_grid
from trivium.viz.summary import print_summary

if TYPE_CHECKING:
    from trivium.viz.diagrams import Diagram, diagram

__all__ = ["Diagram", "diagram", "image_grid", "learning_curves", "print_summary"]


def __getattr__(name: str) -> Any:
    if name not in ("Diagram", "diagram"):
        raise AttributeError(f"module 'trivium.viz' has no attribute {name!r}.")
    from trivium.viz import diagrams

    return getattr(diagrams, name)
