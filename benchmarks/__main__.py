"""Measure cases with several libraries, each in a process of its own, alternately.

pip install -e ".[bench]"
python -m benchmarks --rounds 5 --only cnn resnet --libraries trivium keras-jax
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.cases import CASES
from benchmarks.report import page, plot, rows
from benchmarks.worker import LIBRARIES

ROOT = Path(__file__).parents[1]


def run(python: str, case: str, library: str, epochs: int) -> dict[str, Any] | str:
    """Return what a case took with a library, or how its process failed."""
    words = [python, "-m", "benchmarks.worker", case, library, str(epochs)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no message"])[-1]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Return the runs of each library by case; a library that fails in a case is left out of it, and said to be."""
    runs: dict[str, dict[str, list[Any]]] = {
        case: {library: [] for library in given.libraries} for case in given.only
    }
    console = Console(stderr=True)
    with Progress(transient=True, console=console) as progress:
        task = progress.add_task("", total=given.rounds * len(given.only) * len(given.libraries))
        for _ in range(given.rounds):
            for case, libraries in runs.items():
                for library in list(libraries):
                    progress.update(task, description=f"{case} with {library}")
                    found = run(given.python, case, library, given.epochs)
                    if isinstance(found, str):
                        console.print(f"{case} with {library} failed: {found}", markup=False)
                        del libraries[library]
                    else:
                        libraries[library].append(found)
                    progress.advance(task)
    machine = f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"
    return {"machine": machine, "note": given.note, "rounds": given.rounds, "cases": runs}


def table(results: dict[str, Any]) -> Table:
    """Return the medians and the ratios."""
    shown = Table(title="Peer's time over Trivium's: above 1 Trivium is faster")
    for heading in ("case", "measure", "library"):
        shown.add_column(heading)
    for heading in ("seconds", "by the clock", "all cores", "last loss"):
        shown.add_column(heading, justify="right")
    for case, measure_, library, clock, by_clock, by_cores, loss in rows(results):
        numbers = f"{clock:.3g}", f"{by_clock:.2f}", f"{by_cores:.2f}", f"{loss:.4f}"
        shown.add_row(case, measure_, library, *numbers)
    return shown


def main() -> None:
    """Read the command line, measure, print and write."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--only", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--libraries", nargs="+", choices=list(LIBRARIES), default=list(LIBRARIES))
    parser.add_argument("--rounds", type=int, default=3, help="processes of each (default: 3)")
    parser.add_argument("--epochs", type=int, default=3, help="epochs after the first (default: 3)")
    parser.add_argument(
        "--python", default=sys.executable, help="a Python with the libraries (default: this one)"
    )
    parser.add_argument("--note", default="", help="a sentence on the machine, for the page")
    parser.add_argument("--json", type=Path, help="where to write what was measured")
    parser.add_argument("--plot", type=Path, help="where to draw the ratios")
    parser.add_argument(
        "--page", type=Path, help="a page to write the results on, after what it says"
    )
    given = parser.parse_args()
    results = measure(given)
    Console(width=120).print(table(results))
    if given.json:
        given.json.write_text(json.dumps(results, indent=1) + "\n")
    if given.page:
        before = given.page.read_text() if given.page.exists() else ""
        given.page.write_text(page(results, before))
    if given.plot:
        plot(results, given.plot)


if __name__ == "__main__":
    main()
