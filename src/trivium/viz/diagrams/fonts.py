"""How wide text is: measured in the font that Matplotlib ships, so that it is the same on every machine."""

from __future__ import annotations

import functools
import warnings
from pathlib import Path
from typing import Any

__all__ = ["FAMILY", "text_width"]

FAMILY = "DejaVu Sans"
_UNITS = 1000


@functools.cache
def _font(bold: bool) -> Any:
    import matplotlib
    from matplotlib.ft2font import FT2Font

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    font = FT2Font(str(Path(matplotlib.get_data_path(), "fonts", "ttf", name)))
    font.set_size(_UNITS, 72)
    return font


@functools.lru_cache(maxsize=4096)
def _advance(character: str, bold: bool) -> float:
    font = _font(bold)
    if not font.get_char_index(ord(character)):
        return (
            1.0  # Another font will have it; most scripts that this one lacks are as wide as high.
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(font.load_char(ord(character)).linearHoriAdvance) / 65536 / _UNITS


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Return how wide a line of text is.

    Args:
        text: The text.
        size: The font's size.
        bold: Whether it is bold.

    Example:
        >>> round(text_width("Dense", 10), 1), text_width("Dense", 20) == 2 * text_width("Dense", 10)
        (31.6, True)
    """
    return size * sum(_advance(character, bold) for character in text)
