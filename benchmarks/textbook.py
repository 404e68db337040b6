"""Measure whole programs in the manner of text books: under Python with TensorFlow, and under `trivium run`.

They are those of `tests/compat/tensorflow/programs`, which print the same under both. Each run is a process of its own,
imports and all; they take turns, so that what else the machine does falls on both.

    python benchmarks/textbook.py --python PYTHON-WITH-TENSORFLOW --rounds 3 [NAME …]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from pathlib import Path

from rich.console import Console
from scripts import measure, table

PROGRAMS = Path(__file__).parents[1] / "tests" / "compat" / "tensorflow" / "programs"


def ratios(times: dict[Path, dict[str, list[float]]], ours: str) -> list[float]:
    """Return how many times as long each program takes with TensorFlow, by the medians of its runs."""
    return sorted(
        statistics.median(engines["tensorflow"]) / statistics.median(engines[ours])
        for engines in times.values()
    )


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("names", nargs="*", help="programs (default: all)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each (default: 3)")
    parser.add_argument(
        "--python", default=sys.executable, help="a Python with TensorFlow (default: this one)"
    )
    given = parser.parse_args()
    names = given.names or sorted(path.stem for path in PROGRAMS.glob("*.py"))
    before = os.getloadavg()
    times = measure([PROGRAMS / f"{name}.py" for name in names], [], given.rounds, given.python)
    console = Console(width=120)
    console.print(table(times))
    for ours in ("trivium", "trivium again"):
        found = ratios(times, ours)
        console.print(
            f"tensorflow / {ours}: median {statistics.median(found):.2f}, from {found[0]:.2f} to {found[-1]:.2f}"
        )
    console.print(
        f"{len(times)} programs; load of the machine {before[0]:.1f} before and {os.getloadavg()[0]:.1f} after, on "
        f"{os.cpu_count()} cores."
    )


if __name__ == "__main__":
    main()
