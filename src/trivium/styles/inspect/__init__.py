"""Inspect: what flows through a model and what flows back, from one compiled pass."""

from trivium.styles.inspect.findings import Finding
from trivium.styles.inspect.inspection import Inspection, inspect
from trivium.styles.inspect.record import Row, WeightRow

__all__ = ["Finding", "Inspection", "Row", "WeightRow", "inspect"]
