"""Styles: any model's graph, converted, written as a program, judged, compared."""

from trivium.styles.advise import Advice, advise
from trivium.styles.convert import convert
from trivium.styles.diff import Diff, Difference, diff
from trivium.styles.modes import StyleError, graph_of
from trivium.styles.source import source

__all__ = [
    "Advice",
    "Diff",
    "Difference",
    "StyleError",
    "advise",
    "convert",
    "diff",
    "graph_of",
    "source",
]
