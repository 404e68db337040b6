"""Styles: any model's graph, converted, written as a program, judged, compared."""

from trivium.styles.advice import Advice, advise
from trivium.styles.conversion import convert
from trivium.styles.differences import Diff, Difference, diff
from trivium.styles.modes import StyleError, graph_of
from trivium.styles.writing import source

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
