"""The main job: one network written three ways, trained side by side, and the report on it."""

from __future__ import annotations

from trivium.compare.programs import Program, find_programs
from trivium.compare.report import write_report
from trivium.compare.result import Comparison, Result, first_difference
from trivium.compare.run import compare
from trivium.compare.settings import STYLES, CompareError, Settings

__all__ = [
    "STYLES",
    "CompareError",
    "Comparison",
    "Program",
    "Result",
    "Settings",
    "compare",
    "find_programs",
    "first_difference",
    "write_report",
]
