"""`diagram`: a model as a drawing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trivium.state import suggest
from trivium.viz.diagrams.markup import to_dot, to_mermaid
from trivium.viz.diagrams.raster import paint
from trivium.viz.diagrams.reading import Chart, read
from trivium.viz.diagrams.scene import RANKDIRS, compose
from trivium.viz.diagrams.shapes import Scene
from trivium.viz.diagrams.svg import to_svg
from trivium.viz.diagrams.wording import Show

__all__ = ["Diagram", "diagram"]

_PAINTED = ("png", "pdf", "jpg", "jpeg")


class Diagram:
    """A drawing of a model; `diagram` makes one. Notebooks show it by themselves.

    Args:
        chart: What to draw.
        show: What to write into the boxes.
        rankdir: Where the data flows.
        title: What the drawing shows.

    Example:
        >>> import trivium as tv
        >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)])
        >>> diagram(model)
        <Diagram of 'sequential...': 3 boxes, 2 edges>
    """

    def __init__(self, chart: Chart, show: Show, rankdir: str = "TB", title: str = "") -> None:
        self.chart = chart
        self.show = show
        self.rankdir = rankdir
        self.title = title
        self.splines = "spline"

    @property
    def scene(self) -> Scene:
        """The drawing as shapes with their places."""
        if not hasattr(self, "_scene"):
            self._scene = compose(self.chart, self.show, self.rankdir)
        return self._scene

    def to_svg(self) -> str:
        """Return the drawing as an SVG document."""
        return to_svg(self.scene, self.title)

    def to_png(self, path: Any = None, dpi: float = 200) -> bytes:
        """Return the drawing as a PNG image, and write it to a file if there is a path.

        Args:
            path: The file.
            dpi: Pixels to the inch; an image of more than 60,000 on a side, or 60 million, gets fewer.
        """
        data = paint(self.scene, "png", dpi)
        if path is not None:
            Path(path).write_bytes(data)
        return data

    def to_dot(self, dpi: float = 200, subgraph: bool = False) -> str:
        """Return the graph in Graphviz's language.

        Args:
            dpi: Pixels to the inch, for images that Graphviz makes of it.
            subgraph: Whether to write a cluster in place of a whole graph.
        """
        attributes = {"rankdir": self.rankdir, "dpi": f"{dpi:g}", "splines": self.splines}
        return to_dot(self.chart, self.show, attributes, subgraph)

    def to_mermaid(self) -> str:
        """Return the graph in Mermaid's language, which Markdown pages on many sites show as a drawing."""
        return to_mermaid(self.chart, self.show, self.rankdir)

    def save(self, path: Any, dpi: float = 200) -> Path:
        """Write the drawing to a file, in the format that its suffix names.

        Args:
            path: A file that ends in `.svg`, `.png`, `.pdf`, `.jpg`, `.html`, `.dot`, `.gv`, `.mmd` or `.mermaid`.
            dpi: Pixels to the inch, for images.

        Returns:
            The path.

        Raises:
            ValueError: The suffix is none of these.
        """
        path = Path(path)
        form = path.suffix.lstrip(".").lower()
        if form in _PAINTED:
            path.write_bytes(paint(self.scene, form, dpi))
            return path
        writers = {
            "svg": self.to_svg, "html": self._repr_html_, "dot": self.to_dot, "gv": self.to_dot,
            "mmd": self.to_mermaid, "mermaid": self.to_mermaid,
        }  # fmt: skip
        if form not in writers:
            known = [f".{name}" for name in (*_PAINTED, *writers)]
            raise ValueError(
                f"A diagram's file says its format by its suffix; {path.name!r} has "
                f"{path.suffix or 'none'!r}. {suggest(path.suffix, known)}"
            )
        path.write_text(writers[form](), encoding="utf-8")
        return path

    def _repr_svg_(self) -> str:
        return self.to_svg()

    def _repr_html_(self) -> str:
        # A tall drawing scrolls in a notebook, and a wide one shrinks to the page.
        svg = self.to_svg().replace("<svg ", '<svg style="max-width:100%;height:auto" ', 1)
        return f'<div style="max-height:720px;overflow:auto">{svg}</div>'

    def __repr__(self) -> str:
        boxes, edges = len(self.chart.boxes), len(self.chart.edges)
        return f"<Diagram of {self.title!r}: {boxes} boxes, {edges} edges>"


def diagram(
    model: Any,
    show_shapes: bool = True,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    show_params: bool = True,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    expand_nested: bool = False,
    rankdir: str = "TB",
) -> Diagram:
    """Draw a model, in whichever style it was written.

    Each call of a layer or op is a box. A layer that is called several times is drawn at each call, with a double
    border and which call it is; its parameters are counted at the first. Dashed edges are masks.

    Args:
        model: The model, or a graph.
        show_shapes: Whether to write the shapes of what comes in and goes out.
        show_dtype: Whether to write the dtypes.
        show_layer_names: Whether to write the layers' names.
        show_params: Whether to write the numbers of parameters.
        show_layer_activations: Whether to write the activations.
        show_trainable: Whether to write which weights are trained.
        expand_nested: Whether to draw the models inside as frames with their own layers.
        rankdir: Where the data flows: `"TB"` down, `"BT"` up, `"LR"` right, `"RL"` left.

    Returns:
        The drawing: `save` it, or let a notebook show it.

    Raises:
        ValueError: The model is not built, or there is no such `rankdir`.
        TypeError: It is no model.
        CaptureError: No graph can hold the model's code, and it calls no layers either.

    Example:
        >>> import trivium as tv
        >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2, name="out")])
        >>> print(diagram(model, show_shapes=False).to_mermaid().split("classDef")[0].rstrip())
        %%{init: {"flowchart": {"wrappingWidth": 600}}}%%
        flowchart TB
          n0(["Input input#95;layer..."]):::input
          n1["Dense out<br/>10 params"]:::weights
          n2(["Output"]):::output
          n0 --> n1
          n1 --> n2
    """
    if rankdir not in RANKDIRS:
        raise ValueError(
            f"`rankdir` says where the data flows: TB (down), BT (up), LR (right) or RL (left); got {rankdir!r}. "
            + suggest(str(rankdir), RANKDIRS)
        )
    show = Show(
        show_shapes, show_dtype, show_layer_names, show_params, show_layer_activations, show_trainable
    )  # fmt: skip
    title = str(getattr(model, "name", "graph"))
    return Diagram(read(model, expand_nested), show, rankdir, title)
