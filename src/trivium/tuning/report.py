"""A search as a page: what was best, all trials, figures, and what failed and why."""

from __future__ import annotations

import html
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from trivium.tuning.figures import KINDS, draw
from trivium.tuning.screen import columns, duration, shown_value
from trivium.tuning.trial import Trial, TrialStatus

if TYPE_CHECKING:
    from trivium.tuning.showing import Shown

__all__ = ["notebook_html", "write_report"]

_TITLES = {
    "history": "The way to the best",
    "parallel": "All hyperparameters at once",
    "slices": "One hyperparameter at a time",
    "curves": "Epoch by epoch",
}
_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #24303c; background: #fff; max-width: 1000px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.6em; margin-bottom: 0; } h2 { font-size: 1.15em; margin-top: 2em; }
table { border-collapse: collapse; font-size: 14px; } .wide { overflow-x: auto; }
td, th { padding: 3px 14px 3px 0; text-align: right; border-bottom: 1px solid #e3e8ee; white-space: nowrap; }
td:first-child, th:first-child, td.said { text-align: left; } td.said { white-space: normal; }
tr.best td { font-weight: 700; color: #00694c; } tr.failed td { color: #a8330f; }
svg { max-width: 100%; height: auto; } .dim { color: #66727e; } pre { overflow: auto; background: #f6f8fa; padding: 10px; font-size: 12px; }
"""  # noqa: E501
_NOTEBOOK_ROWS = 10


def write_report(tuner: Shown, path: str | os.PathLike[str]) -> str:
    """Write a page of a search.

    Args:
        tuner: The tuner.
        path: The file, or a folder.

    Returns:
        The file's path.
    """
    place = Path(path)
    if place.suffix.lower() not in (".html", ".htm"):
        place = place / "index.html"
    text = _page(tuner)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, "utf-8")
    return str(place)


def notebook_html(tuner: Shown) -> str:
    """Return what a notebook shows of a search.

    Args:
        tuner: The tuner.
    """
    trials = list(tuner.oracle.trials.values())
    if not trials:
        return f"<p><b>{html.escape(tuner.project_name)}</b>: no trials yet.</p>"
    best = tuner.oracle.get_best_trials(_NOTEBOOK_ROWS)
    scored = any(t.score is not None for t in trials)
    picture = _picture(tuner, "history") if scored else ""
    return f"<div>{_said(tuner, trials)}{_table(tuner, best or trials[-_NOTEBOOK_ROWS:])}{picture}</div>"


def _page(tuner: Shown) -> str:
    trials = list(tuner.oracle.trials.values())
    name = html.escape(tuner.project_name)
    parts = [f"<h1>{name}</h1>", _said(tuner, trials)]
    if any(t.score is not None for t in trials):
        shown = [k for k in KINDS if k != "curves" or any(t.histories for t in trials)]
        if len(trials) < 2:
            shown = [k for k in shown if k == "curves"]
        parts += [f"<h2>{_TITLES[kind]}</h2>{_picture(tuner, kind)}" for kind in shown]
    sign = -1 if tuner.oracle.objective.direction == "max" else 1
    ranked = sorted(trials, key=lambda t: (t.score is None, sign * (t.score or 0.0)))
    parts.append(f"<h2>Trials</h2>{_table(tuner, ranked)}")
    failed = [t for t in trials if t.reason]
    if failed:
        parts.append("<h2>What failed</h2>")
        parts += [
            f"<details><summary>Trial {t.trial_id}: {html.escape(t.reason)}</summary>"
            f"<pre>{html.escape(t.message or t.reason)}</pre></details>"
            for t in failed
        ]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _said(tuner: Shown, trials: list[Trial]) -> str:
    objective = tuner.oracle.objective
    best = tuner.oracle.get_best_trials(1)
    done = sum(t.status != TrialStatus.RUNNING for t in trials)
    failed = sum(bool(t.reason) for t in trials)
    took = sum(t.seconds or 0.0 for t in trials)
    said = f"{done} trials, {failed} of them failed" if failed else f"{done} trials"
    line = f"{type(tuner).__name__}: {said}, {duration(took)} in all."
    if not best:
        return f'<p class="dim">{html.escape(line)}</p>'
    values = ", ".join(
        f"{k} = {shown_value(v)}"
        for k, v in best[0].hyperparameters.values.items()
        if not k.startswith("tuner/")
    )
    wanted = "largest" if objective.direction == "max" else "smallest"
    top = f"The {wanted} {objective.name}, {shown_value(best[0].score)}, has trial {best[0].trial_id}: {values}."
    return f'<p>{html.escape(top)}</p><p class="dim">{html.escape(line)}</p>'


def _table(tuner: Shown, trials: list[Trial]) -> str:
    names = columns(trials)
    best = {t.trial_id for t in tuner.oracle.get_best_trials(1)}
    head = ["trial", tuner.oracle.objective.name, *names, "time", ""]
    rows = [_row("th", head)]
    for trial in trials:
        values = trial.hyperparameters.values
        took = "" if trial.seconds is None else f"{trial.seconds:.1f} s"
        score = "" if trial.score is None else shown_value(trial.score)
        word = trial.reason or ("" if trial.score is not None else trial.status.lower())
        if trial.status == TrialStatus.PRUNED:
            word = "ended early"
        kind = "best" if trial.trial_id in best else "failed" if trial.reason else ""
        cells = [shown_value(values[n]) if n in values else "" for n in names]
        rows.append(_row("td", [trial.trial_id, score, *cells, took, word], kind))
    return f'<div class="wide"><table>{"".join(rows)}</table></div>'


def _row(tag: str, cells: list[str], kind: str = "") -> str:
    *plain, said = (html.escape(cell) for cell in cells)
    text = "".join(f"<{tag}>{cell}</{tag}>" for cell in plain)
    return f'<tr class="{kind}">{text}<{tag} class="said">{said}</{tag}></tr>'


def _picture(tuner: Shown, kind: str) -> str:
    from matplotlib.figure import Figure

    # A figure of its own: one of pyplot's would be shown a second time by a notebook.
    figure = draw(tuner, kind, Figure(layout="constrained"))
    text = io.StringIO()
    figure.savefig(text, format="svg")
    svg = text.getvalue()
    return svg[svg.index("<svg") :]
