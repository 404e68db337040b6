"""From a chart to a drawing: boxes get words, sizes and places, and everything becomes shapes."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Callable

from trivium.viz.diagrams.fonts import text_width
from trivium.viz.diagrams.layout import Layout, Link, Stop, layered
from trivium.viz.diagrams.reading import Box, Chart
from trivium.viz.diagrams.shapes import (
    COLORS,
    FONTS,
    Group,
    Path,
    Point,
    Rectangle,
    Scene,
    Shape,
    Text,
    moved,
)
from trivium.viz.diagrams.wording import Line, Show, lines, tooltip

__all__ = ["RANKDIRS", "compose"]

RANKDIRS = ("TB", "BT", "LR", "RL")

_MARGIN = 18.0
_LINE_HEIGHT, _PAD_X, _PAD_Y = 17.0, 13.0, 7.0
_SPACE = 7.0  # Between a layer's class and its name.
_ARROW = 8.0
_DOT = 8.0
_CURVE_END = 3.0  # Curves begin and end straight.
_FRAME_PAD = 16.0
_NOTE_WIDTH = 460.0
_WIRE = "#66717e"


def compose(chart: Chart, show: Show, rankdir: str = "TB") -> Scene:
    """Draw a chart.

    Args:
        chart: The chart.
        show: What to write into the boxes.
        rankdir: Where the data flows: `TB` down, `BT` up, `LR` right, `RL` left.

    Example:
        >>> chart = Chart([Box("Dense", "a", "weights"), Box("Dense", "b", "weights")])
        >>> compose(chart, Show()).width > compose(chart, Show(names=False)).width
        True
    """
    inside = _Drawing(chart, show, rankdir, []).scene
    width, height = inside.width + 2 * _MARGIN, inside.height + 2 * _MARGIN
    note: list[Shape] = []
    if chart.note:
        width = max(width, _NOTE_WIDTH)
        wide = int((width - 2 * _MARGIN) / text_width("n", FONTS["detail"][0]))
        for words in textwrap.wrap(chart.note, wide):
            note.append(_text(_MARGIN, height, [(words, "detail")]))
            height += _LINE_HEIGHT
    card = Rectangle(0.5, 0.5, width - 1, height - 1, 10.0, "#ffffff", "#d9dee4", 1.0)
    shift = (width - inside.width) / 2
    return Scene(width, height, [card, *(moved(s, shift, _MARGIN) for s in inside.shapes), *note])


@dataclasses.dataclass
class _Part:
    """A box on its way to a place.

    Args:
        box: The box.
        words: What stands in it.
        width: Its width.
        height: Its height.
        inside: What lies inside it.
        dot: Whether it is an input or output on the border of a nested model.
    """

    box: Box
    words: list[Line]
    width: float
    height: float
    inside: Scene | None = None
    dot: bool = False


class _Drawing:
    """One level of a chart; that of a nested model has a header."""

    def __init__(self, chart: Chart, show: Show, rankdir: str, header: list[Line]) -> None:
        self.chart, self.rankdir, self.header = chart, rankdir, header
        self.upright = rankdir in ("TB", "BT")
        self.backward = rankdir in ("BT", "RL")
        self.parts = [_part(box, show, rankdir) for box in chart.boxes]
        first = list(dict.fromkeys(chart.inputs)) if header else []
        last = chart.outputs if header else []
        for places, on_top in ((first, rankdir == "TB"), (last, rankdir == "BT")):
            for i in places:
                self.parts[i] = self._dot(chart.boxes[i], on_top)
        sizes = [(p.width, p.height) if self.upright else (p.height, p.width) for p in self.parts]
        self.layout: Layout = layered(sizes, self._links(), first, last)
        self.scene = self._draw()
        if header:
            self._frame()

    def _dot(self, box: Box, on_top: bool) -> _Part:
        """Return an input or output on the border; those beside the header keep clear of it."""
        long = len(self.header) * _LINE_HEIGHT if on_top else _DOT / 2
        size = (_DOT, long) if self.upright else (long, _DOT)
        return _Part(box, [], *size, dot=True)

    def _place(self, across: float, along: float) -> Point:
        """Return where something is on the screen."""
        along = self.layout.length - along if self.backward else along
        return (across, along) if self.upright else (along, across)

    def _links(self) -> list[Link]:
        links = []
        for edge in self.chart.edges:
            source, target = self.parts[edge.source], self.parts[edge.target]
            if source.inside is not None:
                leaves = self._offset(source, source.inside.exits[edge.port])
            else:
                count = len(source.box.outputs)
                leaves = (edge.port - (count - 1) / 2) * min(16.0, source.width / (count + 1))
            enters = 0.0 if target.dot else None
            if target.inside is not None and edge.entry is not None:
                enters = self._offset(target, target.inside.entries[edge.entry])
            links.append(Link(edge.source, edge.target, leaves, enters, edge.tensor))
        return links

    def _offset(self, part: _Part, point: Point) -> float:
        """Return how far across a point of a part is from its middle."""
        return point[0] - part.width / 2 if self.upright else point[1] - part.height / 2

    def _draw(self) -> Scene:
        layout = self.layout
        shapes: list[Shape] = []
        for edge, route in zip(self.chart.edges, layout.routes, strict=True):
            target = self.parts[edge.target]
            arrow = not target.dot and target.inside is None
            shapes += _wire(route, self._place, edge.dashed, arrow)
        for part, across, along in zip(self.parts, layout.across, layout.along, strict=True):
            x, y = self._place(across, along)
            if not part.dot:
                shapes += _drawn(part, x - part.width / 2, y - part.height / 2)
        size = (layout.breadth, layout.length)
        return Scene(*(size if self.upright else size[::-1]), shapes)

    def _frame(self) -> None:
        """Put the inputs and outputs on the border, and room for the header inside it."""
        scene, layout = self.scene, self.layout
        wide = max(_width(line) for line in self.header) + 2 * _PAD_X
        tall = len(self.header) * _LINE_HEIGHT + _PAD_Y
        for ends, places in ((scene.entries, self.chart.inputs), (scene.exits, self.chart.outputs)):
            for i in places:
                part, across = self.parts[i], layout.across[i]
                far = layout.length if ends is scene.exits else 0.0
                inner = abs(far - (part.height if self.upright else part.width))
                point = self._place(across, far)
                ends.append(point)
                scene.shapes.append(Path(point, ((self._place(across, inner),),), _WIRE))
        if self.upright:
            top = scene.entries if self.rankdir == "TB" else scene.exits
            # The header stands left of every line that comes in beside it.
            dx, dy = max(_FRAME_PAD, wide - min(x for x, _ in top) + _DOT / 2), 0.0
            size = scene.width + 2 * dx, scene.height
        else:
            size = max(scene.width, wide), scene.height + tall + 2 * _FRAME_PAD
            dx, dy = 0.0, tall + _FRAME_PAD
        self.scene = _shifted(scene, dx, dy, *size)


def _shifted(scene: Scene, dx: float, dy: float, width: float, height: float) -> Scene:
    return Scene(
        width,
        height,
        [moved(shape, dx, dy) for shape in scene.shapes],
        [(x + dx, y + dy) for x, y in scene.entries],
        [(x + dx, y + dy) for x, y in scene.exits],
    )


def _part(box: Box, show: Show, rankdir: str) -> _Part:
    words = lines(box, show)
    if box.inner is not None:
        inside = _Drawing(box.inner, show, rankdir, words).scene
        return _Part(box, words, inside.width, inside.height, inside)
    width = max(_width(line) for line in words) + 2 * _PAD_X
    height = len(words) * _LINE_HEIGHT + 2 * _PAD_Y
    if box.calls > 1:
        width, height = width + 6.0, height + 6.0
    return _Part(box, words, width, height)


def _width(line: Line) -> float:
    sizes = [text_width(text, FONTS[style][0], FONTS[style][2]) for text, style in line]
    return sum(sizes) + _SPACE * (len(sizes) - 1)


def _text(x: float, y: float, line: Line) -> Text:
    return Text(x, y, _width(line), tuple(line))


def _drawn(part: _Part, x: float, y: float) -> list[Shape]:
    """Draw a box with its words; of a nested model what lies inside, too."""
    fill, stroke = COLORS[part.box.role]
    if part.inside is not None:
        body = Rectangle(x, y, part.width, part.height, 12.0, "#f6fbfb", stroke, 1.4)
        head: list[Shape] = [
            _text(x + _PAD_X, y + _PAD_Y + (i + 0.5) * _LINE_HEIGHT + 4.5, line)
            for i, line in enumerate(part.words)
        ]
        dots = [
            Rectangle(
                x + px - _DOT / 2, y + py - _DOT / 2, _DOT, _DOT, _DOT / 2, "#ffffff", stroke, 1.6
            )
            for px, py in (*part.inside.entries, *part.inside.exits)
        ]
        content = [moved(shape, x, y) for shape in part.inside.shapes]
        return [Group((body, *head), tooltip(part.box)), *content, *dots]
    round_ends = part.box.role in ("input", "output", "op")
    radius = part.height / 2 if round_ends and len(part.words) == 1 else 14.0 if round_ends else 6.0
    shapes: list[Shape] = [Rectangle(x, y, part.width, part.height, radius, fill, stroke, 1.3)]
    if part.box.calls > 1:
        inner = Rectangle(
            x + 3.5, y + 3.5, part.width - 7, part.height - 7, radius - 2.5, "none", stroke, 0.8
        )
        shapes.append(inner)
    top = y + (part.height - len(part.words) * _LINE_HEIGHT) / 2
    for i, line in enumerate(part.words):
        left = x + (part.width - _width(line)) / 2
        shapes.append(_text(left, top + (i + 0.5) * _LINE_HEIGHT + 4.5, line))
    return [Group(tuple(shapes), tooltip(part.box))]


def _wire(
    route: list[Stop], place: Callable[[float, float], Point], dashed: bool, arrow: bool
) -> list[Shape]:
    """Draw an edge: straight beside boxes, curved between the ranks."""
    across, start, end = route[0]
    begin = place(across, start)
    pieces: list[tuple[Point, ...]] = [(place(across, end + _CURVE_END),)]
    for i, (here, near, far) in enumerate(route[1:], 1):
        reserve = _CURVE_END + (_ARROW if i == len(route) - 1 and arrow else 0.0)
        low, high = end + _CURVE_END, near - reserve
        if abs(here - across) > 0.01:
            middle = (low + high) / 2
            pieces.append((place(across, middle), place(here, middle), place(here, high)))
        across, end = here, far
        last = i == len(route) - 1
        tip = far - (_ARROW - 1.0 if arrow else 0.0) if last else far + _CURVE_END
        pieces.append((place(here, tip),))
    shapes: list[Shape] = [Path(begin, tuple(pieces), _WIRE, dashed=dashed)]
    if arrow:
        base = end - _ARROW
        corners = ((place(across - 3.6, base),), (place(across + 3.6, base),))
        shapes.append(Path(place(across, end - 0.5), corners, _WIRE, filled=True))
    return shapes
