"""Looking at things: tables, diagrams, curves and image grids."""

from trivium.viz.curves import learning_curves
from trivium.viz.images import image_grid
from trivium.viz.summary import print_summary

__all__ = ["image_grid", "learning_curves", "print_summary"]
