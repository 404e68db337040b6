"""What was measured, as rows, a table, a plot and a page."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cases import CASES

__all__ = ["Row", "odd_losses", "page", "plot", "rows"]

# Where the results begin on a page.
MARK = "<!-- What follows is written by `python -m benchmarks --page`. -->"
OURS = "trivium"


@dataclass(frozen=True)
class Row:
    """What one library took for one measure of one case.

    Args:
        case: The case.
        measure: The measure.
        library: The library.
        clock: The median by the clock, in seconds, or in megabytes for memory.
        ratio: The library's time over Trivium's.
        by_cores: The same ratio of the time that all cores worked; NaN where that is not known.
        goal: What the ratio should be, if anything.
    """

    case: str
    measure: str
    library: str
    clock: float
    ratio: float
    by_cores: float
    goal: float | None

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; `None` where there is none."""
        return None if self.goal is None else self.ratio >= self.goal

    @property
    def shown(self) -> str:
        """The time in its unit."""
        if self.measure == "memory":
            return f"{self.clock:.0f} MB"
        return f"{self.clock:.3g} s" if self.clock >= 0.1 else f"{self.clock * 1e3:.3g} ms"


def rows(results: dict[str, Any]) -> Iterator[Row]:
    """Yield a row for each case, measure and library.

    Args:
        results: What `benchmarks.__main__.measure` returned.
    """
    for name, libraries in results["cases"].items():
        case = CASES[name]
        for measure in case.measures:
            middles = {
                library: [statistics.median(column) for column in zip(*taken, strict=True)]
                for library, found in libraries.items()
                if (taken := found.get("times", {}).get(measure))
            }
            clock, cores = middles.get(OURS, (math.nan, math.nan))
            for library, (by_clock, by_cores) in middles.items():
                goal = case.goals.get(measure, {}).get(library)
                ratio = by_clock / clock
                yield Row(
                    name, measure, library, by_clock, ratio, by_cores / (cores or math.nan), goal
                )


def odd_losses(results: dict[str, Any]) -> list[str]:
    """Return a sentence for each loss, after as many epochs, that is far from Trivium's: somebody does other work.

    Args:
        results: As for `rows`.
    """
    said = []
    for name, libraries in results["cases"].items():
        ours = libraries.get(OURS, {}).get("losses", [])
        for library, found in libraries.items():
            both = min(len(ours), len(theirs := found.get("losses", [])))
            if not both or math.isnan(theirs[both - 1]):
                continue
            a, b = ours[both - 1], theirs[both - 1]
            # First weights, orders and dropped units are others in each library.
            if not abs(a - b) <= 0.15 * max(abs(a), abs(b)) + 0.02:
                said.append(
                    f"{name}: after {both} epochs the loss of {library} is {b:.4f}, that of {OURS} {a:.4f}"
                )
    return said


def page(results: dict[str, Any], before: str = "") -> str:
    """Return the results in Markdown, after what a page has before them.

    Args:
        results: As for `rows`.
        before: The page as it is; what it says from `MARK` on is replaced.
    """
    found: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows(results):
        found.setdefault((row.case, row.measure), {})[row.library] = row
    peers = [
        name
        for name in results["libraries"]
        if any(name in f for f in found.values()) and name != OURS
    ]
    with_goals = [row for row in rows(results) if row.met is not None]
    met = sum(bool(row.met) for row in with_goals)
    head = [
        f"Measured on {results['machine']}; {results['rounds']} rounds, {results['scale']:g} of the samples; "
        f"load average {results['load'][0]:.1f} before and {results['load'][1]:.1f} after. {results['note']}".strip(),
        "",
        "; ".join(f"{name}: {versions}" for name, versions in results["libraries"].items()),
        "",
        f"{met} of {len(with_goals)} goals are met. A cell has the peer's time over Trivium's, and the goal where "
        "there is one: ✓ it is met, ✗ it is not.",
        "",
        f"| case | measure | Trivium | {' | '.join(peers)} |",
        "|---|---|---|" + "---|" * len(peers),
    ]
    lines = []
    for (case, measure), of_case in found.items():
        ours = of_case[OURS].shown if OURS in of_case else "–"
        cells = [_cell(of_case.get(peer)) for peer in peers]
        lines.append(f"| {case} | {measure} | {ours} | {' | '.join(cells)} |")
    odd = [f"- {sentence}." for sentence in odd_losses(results)]
    last = ["", "Losses that differ:", "", *odd] if odd else ["", "No loss differs."]
    return (
        before.split(MARK)[0]
        + "\n".join([MARK, "", "## Beside other libraries", "", *head, *lines, *last])
        + "\n"
    )


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    goal = "" if row.goal is None else f" ({'✓' if row.met else '✗'} {row.goal:.2g})"
    return f"{row.ratio:.2f}{goal}"


def plot(results: dict[str, Any], file: Path) -> None:
    """Write a plot of the ratios: a line for each case and measure, a dot for each peer, and a tick where its goal is.

    Args:
        results: As for `rows`.
        file: Where to write it.
    """
    import matplotlib

    matplotlib.use("agg")
    matplotlib.rcParams["svg.hashsalt"] = "trivium"  # The same file for the same numbers.
    from matplotlib import pyplot

    found = [row for row in rows(results) if row.library != OURS and row.ratio > 0]
    lines = list(dict.fromkeys((row.case, row.measure) for row in found))[::-1]
    peers = [name for name in results["libraries"] if any(row.library == name for row in found)]
    figure, axes = pyplot.subplots(figsize=(9, 1.4 + 0.21 * len(lines)), layout="constrained")
    axes.axvspan(0, 1, color="#f3ece6", zorder=0)
    axes.axvline(1.0, color="black", linewidth=0.8, zorder=1)
    for place, line in enumerate(lines):
        if place and line[0] != lines[place - 1][0]:
            axes.axhline(place - 0.5, color="#dddddd", linewidth=0.6, zorder=1)
    for number, peer in enumerate(peers):
        mine = [row for row in found if row.library == peer]
        places = [lines.index((row.case, row.measure)) for row in mine]
        color = f"C{number}"
        axes.scatter([row.ratio for row in mine], places, s=26, color=color, label=peer, zorder=3)
        goals = [(row.goal, place) for row, place in zip(mine, places, strict=True) if row.goal]
        if goals:
            axes.scatter(*zip(*goals, strict=True), marker="|", s=80, color=color, zorder=2)
    axes.set_yticks(
        range(len(lines)), [f"{case}, {measure}" for case, measure in lines], fontsize=7
    )
    axes.set_ylim(-0.7, len(lines) - 0.3)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel(
        "the peer's time over Trivium's: to the right of 1 Trivium is faster; a tick is a goal"
    )
    if peers:
        figure.legend(loc="outside upper center", ncols=4, fontsize=8)
    figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)
    pyplot.close(figure)
