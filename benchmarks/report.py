"""What was measured as a table, a plot and a page."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["page", "plot", "rows"]

# Where the results begin on a page.
MARK = "<!-- What follows is written by `python -m benchmarks --page`. -->"


def rows(results: dict[str, Any]) -> Iterator[tuple[str, str, str, float, float, float, float]]:
    """Yield case, measure, library, its median seconds, the peer's time over ours by clock and by cores, the loss."""
    for case, libraries in results["cases"].items():
        measures = dict.fromkeys(m for runs in libraries.values() for r in runs for m in r["times"])
        for measure in measures:
            middles = {
                library: [
                    statistics.median(run["times"][measure][i] for run in runs) for i in (0, 1)
                ]
                for library, runs in libraries.items()
                if runs
            }
            ours = middles.get("trivium")
            for library, (clock, cores) in middles.items():
                ratios = (clock / ours[0], cores / max(ours[1], 1e-9)) if ours else (1.0, 1.0)
                loss = libraries[library][-1]["loss"]
                yield case, measure, library, clock, *ratios, loss if loss else float("nan")


def page(results: dict[str, Any], before: str = "") -> str:
    """Return the results in Markdown, after what a page has before them."""
    head = f"""Measured on {results["machine"]}, {results["rounds"]} rounds. {results["note"]}

| case | measure | library | seconds | ratio by the clock | ratio of all cores | last loss |
|---|---|---|---|---|---|---|
"""
    lines = [
        f"| {case} | {measure} | {library} | {clock:.3g} | {by_clock:.2f} | {by_cores:.2f} | {loss:.4f} |"
        for case, measure, library, clock, by_clock, by_cores, loss in rows(results)
    ]
    return before.split(MARK)[0] + MARK + "\n\n" + head + "\n".join(lines) + "\n"


def plot(results: dict[str, Any], file: Path) -> None:
    """Write a plot of the ratios, a bar for each case, measure and peer."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    found = [(f"{c}, {m}, {lib}", r) for c, m, lib, _, r, _, _ in rows(results) if lib != "trivium"]
    figure, axes = pyplot.subplots(figsize=(8, 1 + 0.3 * len(found)), layout="constrained")
    labels, ratios = zip(*reversed(found), strict=True) if found else ((), ())
    axes.barh(labels, ratios)
    axes.axvline(1.0, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlabel("the peer's time over Trivium's (above 1 Trivium is faster)")
    figure.savefig(file)
    pyplot.close(figure)
