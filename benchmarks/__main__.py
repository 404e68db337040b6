"""Measure cases with several libraries, each in a process of its own, alternately.

pip install -e ".[bench]"
python -m benchmarks --quick
python -m benchmarks --only cnn resnet --libraries trivium keras-tensorflow --python tensorflow=other/bin/python
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.cases import CASES
from benchmarks.drivers import LIBRARIES
from benchmarks.match import Settings, installed, play
from benchmarks.report import odd_losses, page, plot, rows

# About a quarter of an hour on two cores.
QUICK = {"rounds": 2, "scale": 0.25, "budget": 5.0}
FULL = {"rounds": 5, "scale": 1.0, "budget": 60.0}


def measure(
    names: list[str],
    libraries: list[str],
    settings: Settings,
    note: str = "",
    minutes: float = math.inf,
) -> Iterator[dict[str, Any]]:
    """Yield what was measured, of what, and where, after each case.

    Args:
        names: The cases.
        libraries: The libraries; those that are not installed are left out, and said to be.
        settings: How to measure.
        note: A sentence for the page.
        minutes: After so long no case is begun; those left out are said.
    """
    console = Console(stderr=True)
    versions = {name: installed(name, settings) for name in libraries}
    for name in [name for name, found in versions.items() if found is None]:
        needs = " or ".join(LIBRARIES[name].needs)
        console.print(f"{name} is left out: {needs} is not installed", soft_wrap=True)
        del versions[name]
    machine = f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"
    cases: dict[str, Any] = {}
    results = {
        "machine": machine, "load": [os.getloadavg()[0]] * 2, "note": note, "rounds": settings.rounds,
        "scale": settings.scale, "libraries": versions, "cases": cases,
    }  # fmt: skip
    began = time.monotonic()
    with Progress(transient=True, console=console) as progress:
        task = progress.add_task("", total=len(names))
        show = lambda text: progress.update(task, description=text)  # noqa: E731
        for i, name in enumerate(names):
            if time.monotonic() - began > minutes * 60:
                console.print(f"No time was left for {', '.join(names[i:])}", soft_wrap=True)
                return
            cases[name] = play(name, list(versions), settings, show)
            for library, one in cases[name].items():
                if "failed" in one:
                    text = f"{name} with {library} failed: {one['failed']}"
                    console.print(text, markup=False, soft_wrap=True)
            results["load"][1] = os.getloadavg()[0]
            progress.advance(task)
            yield results


def table(results: dict[str, Any]) -> Table:
    """Return the medians, the ratios and what is reached."""
    shown = Table(title="Peer's time over Trivium's: above 1 Trivium is faster")
    for heading in ("case", "measure", "library"):
        shown.add_column(heading)
    for heading in ("median", "by the clock", "all cores", "goal"):
        shown.add_column(heading, justify="right")
    for row in rows(results):
        goal = "" if row.goal is None else f"{row.goal:.2f} {'met' if row.met else 'not met'}"
        style = "red" if row.met is False else None
        numbers = row.shown, f"{row.ratio:.2f}", f"{row.by_cores:.2f}", goal
        shown.add_row(row.case, row.measure, row.library, *numbers, style=style)
    return shown


def pair(text: str) -> tuple[str, str]:
    """Return a package and its Python from `PACKAGE=PYTHON`."""
    package, _, python = text.partition("=")
    if not python:
        raise argparse.ArgumentTypeError(f"{text!r} is not PACKAGE=PYTHON")
    if shutil.which(python) is None:
        raise argparse.ArgumentTypeError(f"there is no program {python!r}")
    return package, python


def parsed(words: list[str] | None = None) -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument(
        "--only", nargs="+", choices=list(CASES), default=list(CASES), metavar="CASE"
    )
    parser.add_argument("--libraries", nargs="+", choices=list(LIBRARIES), default=list(LIBRARIES))
    parser.add_argument("--list", action="store_true", help="say what the cases are, and end")
    parser.add_argument("--quick", action="store_true", help="few rounds of few samples")
    parser.add_argument("--rounds", type=int, help="how often each is measured (default: 5)")
    parser.add_argument("--scale", type=float, help="the part of the samples taken (default: 1)")
    parser.add_argument(
        "--budget",
        type=float,
        help="seconds after which a library sits out further rounds of a measure (default: 60)",
    )
    parser.add_argument(
        "--python", type=pair, action="append", default=[], metavar="PACKAGE=PYTHON",
        help="the Python of what needs this package, such as tensorflow=other/bin/python (default: this Python)",
    )  # fmt: skip
    parser.add_argument(
        "--minutes", type=float, default=math.inf, help="begin no case after so long"
    )
    parser.add_argument("--note", default="", help="a sentence on the machine, for the page")
    parser.add_argument("--json", type=Path, help="where to write what was measured")
    parser.add_argument("--plot", type=Path, help="where to draw the ratios")
    parser.add_argument(
        "--page", type=Path, help="a page to write the results on, after what it says"
    )
    return parser.parse_args(words)


def main() -> None:
    """Read the command line, measure, print and write."""
    given = parsed()
    if given.list:
        for name, case in CASES.items():
            print(f"{name:<16} {case.about}")
        return
    profile = QUICK if given.quick else FULL
    chosen = {key: getattr(given, key) or value for key, value in profile.items()}
    settings = Settings(**chosen, pythons=dict(given.python))
    results: dict[str, Any] = {}
    for results in measure(given.only, given.libraries, settings, given.note, given.minutes):
        # After each case, so that nothing is lost that was measured.
        if given.json:
            given.json.write_text(json.dumps(results, indent=1) + "\n")
    Console(width=120).print(table(results))
    for sentence in odd_losses(results):
        print(f"A loss differs: {sentence}.")
    if given.page:
        before = given.page.read_text() if given.page.exists() else ""
        given.page.write_text(page(results, before))
    if given.plot:
        plot(results, given.plot)


if __name__ == "__main__":
    sys.exit(main())
