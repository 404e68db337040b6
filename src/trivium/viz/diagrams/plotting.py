"""The drawing under the names and arguments that Keras's users know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trivium.viz.diagrams.drawing import Diagram, diagram

__all__ = ["model_to_dot", "plot_model"]


def plot_model(
    model: Any,
    to_file: Any = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: float = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
) -> Diagram:
    """Draw a model and write the drawing to a file; no system program is needed.

    Args:
        model: The model, in any style.
        to_file: The file, of the format that its suffix names (PNG without one), or `None` for no file.
        show_shapes: Whether to write the shapes.
        show_dtype: Whether to write the dtypes.
        show_layer_names: Whether to write the layers' names.
        rankdir: Where the data flows: `"TB"` down, `"BT"` up, `"LR"` right, `"RL"` left.
        expand_nested: Whether to draw the models inside as frames with their own layers.
        dpi: Pixels to the inch.
        show_layer_activations: Whether to write the activations.
        show_trainable: Whether to write which weights are trained.
        splines: How Graphviz shall bend the edges of a `.dot` file; the drawing itself has its own curves.

    Returns:
        The drawing, which a notebook shows.

    Raises:
        ValueError: The model is not built, or there is no such format or `rankdir`.

    Example:
        >>> import trivium as tv
        >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)], name="tiny")
        >>> plot_model(model, to_file=None, show_shapes=True)
        <Diagram of 'tiny': 3 boxes, 2 edges>
    """
    drawing = diagram(
        model, show_shapes, show_dtype, show_layer_names, False, show_layer_activations, show_trainable,
        expand_nested, rankdir,
    )  # fmt: skip
    drawing.splines = splines
    if to_file is not None:
        if Path(to_file).suffix:
            drawing.save(to_file, dpi)
        else:
            drawing.to_png(to_file, dpi)
    return drawing


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: float = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
) -> str:
    """Return a model's graph as text in Graphviz's language.

    Args:
        model: The model, in any style.
        show_shapes: Whether to write the shapes.
        show_dtype: Whether to write the dtypes.
        show_layer_names: Whether to write the layers' names.
        rankdir: Where the data flows: `"TB"` down, `"BT"` up, `"LR"` right, `"RL"` left.
        expand_nested: Whether to draw the models inside as clusters.
        dpi: Pixels to the inch, for images that Graphviz makes of it.
        subgraph: Whether to write a cluster, to be put into a graph of your own, in place of a whole graph.
        show_layer_activations: Whether to write the activations.
        show_trainable: Whether to write which weights are trained.
        splines: How Graphviz shall bend the edges.

    Returns:
        The text.

    Raises:
        ValueError: The model is not built, or there is no such `rankdir`.

    Example:
        >>> import trivium as tv
        >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2, name="out")])
        >>> "n0 -> n1;" in model_to_dot(model)
        True
    """
    drawing = plot_model(
        model, None, show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi,
        show_layer_activations, show_trainable, splines,
    )  # fmt: skip
    return drawing.to_dot(dpi, subgraph)
