"""Painting a scene with Matplotlib: PNG, PDF and whatever else it can write."""

from __future__ import annotations

import io
import math
import warnings
from typing import Any

from trivium.viz.diagrams.fonts import FAMILY, text_width
from trivium.viz.diagrams.shapes import FONTS, Path, Rectangle, Scene, Text, flat

__all__ = ["paint"]

_INCH = 96.0  # Pixels of a scene to the inch.
_POINT = 0.75  # Points to the pixel.
_LONGEST, _MOST = 60_000, 60_000_000  # Pixels on a side and in all, the limits of what is painted.


def paint(scene: Scene, form: str = "png", dpi: float = 200) -> bytes:
    """Return a scene as an image file's bytes.

    Args:
        scene: The scene.
        form: The format: `png`, `pdf`, `jpg`, …
        dpi: Pixels to the inch. An image that would have more than 60,000 pixels on a side, or 60 million, gets fewer.

    Example:
        >>> paint(Scene(48, 24, []), dpi=96)[:4]
        b'\\x89PNG'
    """
    from matplotlib import rc_context, rcdefaults, rcParams
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width, height = scene.width / _INCH, scene.height / _INCH
    dpi = min(dpi, _LONGEST / max(width, height), math.sqrt(_MOST / (width * height)))
    stream = io.BytesIO()
    with rc_context():
        # Settings of the user's own figures have no say here.
        rcdefaults()
        rcParams.update({"text.hinting": "none", "pdf.fonttype": 42})
        figure = Figure((width, height), dpi=dpi)
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0), xlim=(0, scene.width), ylim=(scene.height, 0))
        axes.set_axis_off()
        for shape in flat(scene.shapes):
            if isinstance(shape, Rectangle):
                _rectangle(axes, shape)
            elif isinstance(shape, Text):
                _text(axes, shape)
            else:
                _path(axes, shape)
        with warnings.catch_warnings():
            # Letters that the font lacks become empty squares, and the drawing stays.
            warnings.filterwarnings("ignore", "Glyph .* missing from")
            figure.savefig(stream, format=form, dpi=dpi, facecolor="white")
    return stream.getvalue()


def _rectangle(axes: Any, shape: Rectangle) -> None:
    from matplotlib.patches import FancyBboxPatch

    radius = min(shape.radius, shape.width / 2, shape.height / 2)
    axes.add_patch(
        FancyBboxPatch(
            (shape.x, shape.y),
            shape.width,
            shape.height,
            boxstyle=f"round,pad=0,rounding_size={radius}",
            facecolor=shape.fill,
            edgecolor=shape.stroke,
            linewidth=shape.line * _POINT,
        )
    )


def _text(axes: Any, shape: Text) -> None:
    x = shape.x
    for words, style in shape.pieces:
        size, color, bold = FONTS[style]
        if size * axes.figure.dpi < _INCH:
            break  # Less than a pixel high.
        axes.text(
            x, shape.y, words, fontsize=size * _POINT, color=color, family=FAMILY,
            weight="bold" if bold else "normal", va="baseline", ha="left", parse_math=False,
        )  # fmt: skip
        x += text_width(words, size, bold) + 7.0


def _path(axes: Any, shape: Path) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Outline

    points, codes = [shape.start], [Outline.MOVETO]
    for piece in shape.pieces:
        points += piece
        codes += [Outline.LINETO if len(piece) == 1 else Outline.CURVE4] * len(piece)
    if shape.filled:
        points.append(shape.start)
        codes.append(Outline.CLOSEPOLY)
    axes.add_patch(
        PathPatch(
            Outline(points, codes),
            facecolor=shape.color if shape.filled else "none",
            edgecolor="none" if shape.filled else shape.color,
            linewidth=1.3 * _POINT,
            linestyle=(0, (3.0, 2.3)) if shape.dashed else "-",
            capstyle="butt",
        )
    )
