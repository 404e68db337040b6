"""Explain: the mathematics of a model as text and LaTeX, verified on data."""

from trivium.styles.explain.check import GradientCheck
from trivium.styles.explain.explanation import Explanation, Gradient, explain
from trivium.styles.explain.formulas import Call, register_formula, register_function

__all__ = [
    "Call",
    "Explanation",
    "Gradient",
    "GradientCheck",
    "explain",
    "register_formula",
    "register_function",
]
