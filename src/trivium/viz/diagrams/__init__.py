"""Drawings of models: read from the graph, laid out and painted without any system program.

The way of a drawing: `reading` (a model's graph as boxes and edges) → `wording` (what stands in a box) → `layout`
(where everything goes) → `scene` (shapes) → `svg` or `raster`. `markup` writes DOT and Mermaid, for other programs.
"""

from trivium.viz.diagrams.drawing import Diagram, diagram
from trivium.viz.diagrams.plotting import model_to_dot, plot_model

__all__ = ["Diagram", "diagram", "model_to_dot", "plot_model"]
