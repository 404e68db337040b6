"""What a search shows while it runs: a live table in a terminal or notebook, lines elsewhere."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from trivium.tuning.trial import Trial, TrialStatus

if TYPE_CHECKING:
    from rich.table import Table

    from trivium.tuning.showing import Shown

__all__ = ["Screen", "duration", "shown_value", "trial_table"]

# How many trials the live table has: the best, the latest, and the running ones.
_ROWS = 12
# How many hyperparameters a table has columns for.
_COLUMNS = 8


class Screen:
    """Shows a search.

    Args:
        tuner: Its tuner.
    """

    def __init__(self, tuner: Shown) -> None:
        self._tuner = tuner
        self._mode: Any = 0
        self._live: Any = None
        self._began = self._trial_began = 0.0
        # Of each trial that this process runs, the epochs done and to do, and the last results.
        self._running: dict[str, str] = {}
        self._lock = threading.RLock()

    @contextlib.contextmanager
    def shown(self, verbose: Any) -> Iterator[None]:
        """Show the search while the `with` block lasts.

        Args:
            verbose: 0 nothing, `"auto"` a live table in a terminal or a notebook and a line a trial elsewhere, 1
                KerasTuner's lines around the bars of `fit`, 2 a line a trial.
        """
        self._began = time.perf_counter()
        self._mode = verbose
        if verbose != "auto":
            yield
            return
        from rich.console import Console
        from rich.live import Live

        console = Console()
        if not (console.is_terminal or console.is_jupyter):
            self._mode = 2
            yield
            return
        with Live(console=console, refresh_per_second=4, get_renderable=self._table) as self._live:
            try:
                yield
            finally:
                self._live.refresh()
                self._live = None

    def fit_kwargs(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return arguments of `fit` with a `verbose` that leaves the screen to the search."""
        if kwargs.get("verbose", "auto") == "auto" or kwargs["verbose"] == 2:
            kwargs["verbose"] = 0
        return kwargs

    # -- what happens ----------------------------------------------------------------------------------------------

    def begin(self, trial: Trial) -> None:
        """Show that a trial begins."""
        self._trial_began = time.perf_counter()
        with self._lock:
            self._running[trial.trial_id] = ""
        if self._mode == 1:
            print(f"\nSearch: Running Trial #{trial.number + 1}\n")
            self._side_by_side(trial)

    def epoch(self, trial: Trial, done: int, epochs: Any, logs: Mapping[str, Any]) -> None:
        """Show that a trial has done an epoch."""
        objective = self._tuner.oracle.objective
        value = f"  {shown_value(objective.get_value(logs))}" if objective.has_value(logs) else ""
        with self._lock:
            self._running[trial.trial_id] = f"epoch {done}/{epochs or '?'}{value}"

    def end(self, trial: Trial) -> None:
        """Show what became of a trial."""
        with self._lock:
            self._running.pop(trial.trial_id, None)
        name = self._tuner.oracle.objective.name
        if self._mode == 2:
            print(self._line(trial, name), flush=True)
        elif self._mode == 1:
            took = duration(time.perf_counter() - self._trial_began)
            if trial.score is None:
                print(f"\nTrial {trial.number + 1} {trial.status.title()} [{took}]\n{trial.reason}")
            else:
                print(f"\nTrial {trial.number + 1} Complete [{took}]\n{name}: {trial.score}")
            best = self._tuner.oracle.get_best_trials()
            print(f"\nBest {name} So Far: {best[0].score if best else None}")
            print(f"Total elapsed time: {duration(time.perf_counter() - self._began)}")

    def _line(self, trial: Trial, name: str) -> str:
        values = ", ".join(f"{k}={shown_value(v)}" for k, v in _plain(trial).items())
        if trial.score is None:
            return f"trial {trial.trial_id}  {trial.status.lower()}: {trial.reason}  ({values})"
        best = self._tuner.oracle.get_best_trials()
        leader = f"best {shown_value(best[0].score)} ({best[0].trial_id})" if best else ""
        return f"trial {trial.trial_id}  {name} {shown_value(trial.score)}  {leader}  {values}"

    def _side_by_side(self, trial: Trial) -> None:
        """Print the trial's values beside the best trial's, as KerasTuner does."""
        best = self._tuner.oracle.get_best_trials()
        leader = best[0].hyperparameters.values if best else {}
        rows = [("Value", "Best Value So Far", "Hyperparameter")]
        for key, value in trial.hyperparameters.values.items():
            rows.append((shown_value(value), shown_value(leader.get(key, "?")), key))
        for a, b, c in rows:
            print(f"{a:<18}|{b:<18}|{c}")
        print()

    def _table(self) -> Table:
        with self._lock:
            running = dict(self._running)
        return trial_table(self._tuner, running, _ROWS)


def trial_table(tuner: Shown, running: Mapping[str, str], rows: int) -> Table:
    """Make a table of trials, the best marked; where there are too many, the best and the latest.

    Args:
        tuner: The tuner.
        running: What there is to say of trials that this process runs.
        rows: How many rows it has at most.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    oracle = tuner.oracle
    trials = list(oracle.trials.values())
    best = {t.trial_id for t in oracle.get_best_trials(1)}
    names = columns(trials)
    done = sum(t.status != TrialStatus.RUNNING for t in trials)
    most = oracle.max_trials
    failed = sum(t.status in (TrialStatus.FAILED, TrialStatus.INVALID) for t in trials)
    note = f", {failed} failed" if failed else ""
    table = Table(
        box=box.SIMPLE_HEAD,
        title=f"{tuner.project_name}: {done}{f' of {most}' if most else ''} trials{note}",
        title_justify="left",
        pad_edge=False,
    )
    table.add_column("trial")
    table.add_column(oracle.objective.name, justify="right")
    for name in names:
        table.add_column(name, justify="right", overflow="fold")
    table.add_column("", overflow="ellipsis")
    for trial in _selected(trials, best, rows):
        state = running.get(trial.trial_id)
        word = state if state is not None else _word(trial)
        style = "bold green" if trial.trial_id in best else "red" if trial.reason else ""
        values = trial.hyperparameters.values
        cells = [shown_value(values[n]) if n in values else "" for n in names]
        score = "" if trial.score is None else shown_value(trial.score)
        table.add_row(*(Text(c) for c in (trial.trial_id, score, *cells, word)), style=style)
    return table


def _word(trial: Trial) -> str:
    if trial.status == TrialStatus.RUNNING:
        return f"running on {trial.host}" if trial.host else "waiting"
    if trial.reason:
        return trial.reason
    took = "" if trial.seconds is None else duration(trial.seconds)
    return f"{took}, ended early" if trial.status == TrialStatus.PRUNED else took


def _selected(trials: list[Trial], best: set[str], rows: int) -> list[Trial]:
    if len(trials) <= rows:
        return trials
    latest = trials[-(rows - 1) :]
    return [t for t in trials[: -(rows - 1)] if t.trial_id in best] + latest


def columns(trials: list[Trial]) -> list[str]:
    """Return the hyperparameters that a table of trials shows: those that differ between trials, first of all."""
    seen: dict[str, set[str]] = {}
    for trial in trials:
        for name, value in _plain(trial).items():
            seen.setdefault(name, set()).add(repr(value))
    ranked = sorted(seen, key=lambda name: len(seen[name]) < 2)
    chosen = set(ranked[:_COLUMNS])
    return [name for name in seen if name in chosen]


def _plain(trial: Trial) -> dict[str, Any]:
    values = trial.hyperparameters.values
    own = {k: v for k, v in values.items() if not k.startswith("tuner/")}
    return own | ({"epochs": values["tuner/epochs"]} if "tuner/epochs" in values else {})


def shown_value(value: Any) -> str:
    """Return a value as people read it.

    Example:
        >>> shown_value(0.00311334), shown_value(64), shown_value("relu")
        ('0.0031133', '64', 'relu')
    """
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def duration(seconds: float) -> str:
    """Return a time as KerasTuner prints it.

    Example:
        >>> duration(3725)
        '01h 02m 05s'
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}h {minutes:02d}m {rest:02d}s"
