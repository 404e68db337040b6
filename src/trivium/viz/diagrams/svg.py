"""Painting a scene as SVG."""

from __future__ import annotations

from xml.sax.saxutils import escape

from trivium.viz.diagrams.fonts import FAMILY
from trivium.viz.diagrams.shapes import FONTS, Group, Path, Rectangle, Scene, Shape, Text

__all__ = ["to_svg"]

# Verdana and its kin are as wide as the font that was measured; anything else is narrower.
_FAMILIES = f"'{FAMILY}', Verdana, 'Bitstream Vera Sans', Geneva, sans-serif"


def to_svg(scene: Scene, title: str) -> str:
    """Return a scene as an SVG document, which needs nothing from outside and may stand inside a page.

    Args:
        scene: The scene.
        title: What it shows, for readers who cannot see it.

    Example:
        >>> to_svg(Scene(20, 10, []), "a < b").splitlines()[1]
        '<title>a &lt; b</title>'
    """
    width, height = _number(scene.width), _number(scene.height)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" font-family="{_FAMILIES}">'
    )
    return "\n".join(
        [head, f"<title>{_clean(title)}</title>", *map(_shape, scene.shapes), "</svg>\n"]
    )


def _shape(shape: Shape) -> str:
    if isinstance(shape, Group):
        inside = "".join(map(_shape, shape.shapes))
        return f"<g><title>{_clean(shape.about)}</title>{inside}</g>"
    if isinstance(shape, Rectangle):
        return _rectangle(shape)
    return _text(shape) if isinstance(shape, Text) else _path(shape)


def _rectangle(shape: Rectangle) -> str:
    place = zip(
        ("x", "y", "width", "height", "rx"),
        (shape.x, shape.y, shape.width, shape.height, shape.radius),
        strict=True,
    )
    numbers = " ".join(f'{name}="{_number(value)}"' for name, value in place)
    return (
        f'<rect {numbers} fill="{shape.fill}" stroke="{shape.stroke}" '
        f'stroke-width="{_number(shape.line)}"/>'
    )


def _text(shape: Text) -> str:
    spans = []
    for i, (words, style) in enumerate(shape.pieces):
        size, color, bold = FONTS[style]
        gap = ' dx="7"' if i else ""
        weight = ' font-weight="bold"' if bold else ""
        spans.append(
            f'<tspan{gap} font-size="{_number(size)}"{weight} fill="{color}">{_clean(words)}</tspan>'
        )
    x, y = _number(shape.x + shape.width / 2), _number(shape.y)
    return f'<text x="{x}" y="{y}" text-anchor="middle">{"".join(spans)}</text>'


def _path(shape: Path) -> str:
    steps = [f"M{_point(shape.start)}"]
    for piece in shape.pieces:
        steps.append(("L" if len(piece) == 1 else "C") + " ".join(map(_point, piece)))
    if shape.filled:
        return f'<path d="{"".join(steps)}Z" fill="{shape.color}"/>'
    dashes = ' stroke-dasharray="4 3"' if shape.dashed else ""
    return f'<path d="{"".join(steps)}" fill="none" stroke="{shape.color}" stroke-width="1.3"{dashes}/>'


def _point(point: tuple[float, float]) -> str:
    return f"{_number(point[0])},{_number(point[1])}"


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _clean(text: str) -> str:
    """Escape text, and drop the characters that XML has no way to write."""
    return escape("".join(c if c.isprintable() or c in "\n\t" else "�" for c in text))
