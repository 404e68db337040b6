"""The shapes that a drawing is made of; every painter knows these and no others."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

__all__ = [
    "COLORS", "FONTS", "Group", "Path", "Point", "Rectangle", "Scene", "Shape", "Text", "flat", "moved",
]  # fmt: skip

Point = tuple[float, float]

# Fill and border by role. Ends are round where data comes in or goes out and for ops, so that color is not all.
COLORS = {
    "input": ("#e3f3e6", "#3c8d52"),
    "output": ("#fce8e4", "#c25a43"),
    "weights": ("#e4eefb", "#3f74b5"),
    "plain": ("#f1f3f5", "#8a94a1"),
    "merge": ("#fff0d2", "#c58a1d"),
    "model": ("#dcf2f1", "#2b8a87"),
    "op": ("#f2eaf9", "#8a62b3"),
}
# Size, color and weight by the style of a piece of text.
FONTS = {
    "title": (13.0, "#1c2733", True),
    "name": (12.0, "#4a5868", False),
    "detail": (11.0, "#4a5868", False),
    "code": (11.0, "#6a4594", False),
    "badge": (10.5, "#b0473a", True),
}


@dataclasses.dataclass(frozen=True)
class Rectangle:
    """A rectangle with round corners."""

    x: float
    y: float
    width: float
    height: float
    radius: float = 0.0
    fill: str = "none"
    stroke: str = "none"
    line: float = 1.2


@dataclasses.dataclass(frozen=True)
class Text:
    """A line of text in pieces of several styles; `x` is where it begins and `y` its baseline."""

    x: float
    y: float
    width: float
    pieces: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class Path:
    """A line: its start, then one point for each straight piece and three for each cubic curve."""

    start: Point
    pieces: tuple[tuple[Point, ...], ...]
    color: str
    dashed: bool = False
    filled: bool = False


@dataclasses.dataclass(frozen=True)
class Group:
    """Shapes that are one box, the box itself first, with what is known of it."""

    shapes: tuple[Shape, ...]
    about: str

    @property
    def frame(self) -> Rectangle:
        """The box itself."""
        first = self.shapes[0]
        assert isinstance(first, Rectangle)
        return first


Shape = Rectangle | Text | Path | Group


@dataclasses.dataclass
class Scene:
    """A drawing.

    Args:
        width: Its width in pixels, of which an inch has 96.
        height: Its height.
        shapes: What to draw, in this order.
        entries: Of a nested model: where on its border its inputs are.
        exits: Of a nested model: where its outputs are.
    """

    width: float
    height: float
    shapes: list[Shape]
    entries: list[Point] = dataclasses.field(default_factory=list)
    exits: list[Point] = dataclasses.field(default_factory=list)


def flat(shapes: Sequence[Shape]) -> Iterator[Rectangle | Text | Path]:
    """Iterate over shapes, with those of the groups in place of the groups.

    Args:
        shapes: The shapes.
    """
    for shape in shapes:
        if isinstance(shape, Group):
            yield from flat(shape.shapes)
        else:
            yield shape


def moved(shape: Shape, dx: float, dy: float) -> Shape:
    """Return a shape at another place.

    Args:
        shape: The shape.
        dx: How far to the right.
        dy: How far down.

    Example:
        >>> moved(Path((0, 0), (((1, 1),),), "black"), 2, 3).pieces
        (((3, 4),),)
    """
    if isinstance(shape, Group):
        return Group(tuple(moved(s, dx, dy) for s in shape.shapes), shape.about)
    if isinstance(shape, Path):
        x, y = shape.start
        pieces = tuple(tuple((px + dx, py + dy) for px, py in piece) for piece in shape.pieces)
        return dataclasses.replace(shape, start=(x + dx, y + dy), pieces=pieces)
    return dataclasses.replace(shape, x=shape.x + dx, y=shape.y + dy)
