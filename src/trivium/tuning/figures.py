"""A search as figures: the way to the best trial, and what the hyperparameters have to do with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from trivium.state import suggest
from trivium.tuning.hyperparameter import HyperParameter
from trivium.tuning.screen import shown_value
from trivium.tuning.trial import Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from trivium.tuning.showing import Shown

__all__ = ["KINDS", "draw"]

# Okabe and Ito's colors, which the color-blind can tell apart.
_BLUE, _ORANGE, _INK, _PALE = "#0072B2", "#D55E00", "#444444", "#9aa5b1"


def draw(tuner: Shown, kind: str, figure: Figure | None = None) -> Figure:
    """Draw a search.

    Args:
        tuner: The tuner.
        kind: One of `KINDS`.
        figure: An empty figure to draw in; by default a new one of pyplot's, which `plt.show()` shows.

    Raises:
        ValueError: There is no such kind, or there is nothing to draw.
    """
    if kind not in KINDS:
        raise ValueError(f"There is no plot {kind!r} of a search. {suggest(kind, KINDS)}")
    trials = [t for t in tuner.oracle.trials.values() if t.score is not None]
    if not trials:
        raise ValueError("No trial of the search has a score yet, so there is nothing to draw.")
    if figure is None:
        import matplotlib.pyplot as plt

        figure = plt.figure(layout="constrained")
    KINDS[kind](tuner, trials, figure)
    return figure


def _history(tuner: Shown, trials: list[Trial], figure: Figure) -> None:
    """Draw each trial's score, and the best so far as a line of steps."""
    objective = tuner.oracle.objective
    figure.set_size_inches(7.0, 3.8)
    axes = figure.subplots()
    numbers, scores = [t.number for t in trials], [float(t.score or 0.0) for t in trials]
    best = (np.maximum if objective.direction == "max" else np.minimum).accumulate(scores)
    pruned = [t.status == "PRUNED" for t in trials]
    axes.scatter(
        numbers,
        scores,
        color=[_PALE if p else _BLUE for p in pruned],
        s=26,
        zorder=3,
        label="trial",
    )
    axes.step(numbers, best, where="post", color=_ORANGE, linewidth=2, label="best so far")
    top = int(np.argmax(scores) if objective.direction == "max" else np.argmin(scores))
    axes.annotate(
        shown_value(scores[top]), (numbers[top], scores[top]), xytext=(0, 8 if objective.direction == "max" else -14),
        textcoords="offset points", ha="center", color=_ORANGE, fontsize=9,
    )  # fmt: skip
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.margins(y=0.15)
    _plain(axes, "trial", objective.name)
    axes.legend(frameon=False, labelcolor=_INK)


def _searched(tuner: Shown, trials: list[Trial]) -> list[HyperParameter]:
    """Return the hyperparameters that differ between trials."""
    found: dict[str, HyperParameter] = {}
    for one in tuner.oracle.get_space().space:
        values = {repr(t.hyperparameters.values.get(one.name)) for t in trials}
        if len(values) > 1:
            found.setdefault(one.name, one)
    return list(found.values())


class _Axis:
    """A hyperparameter as an axis from 0 to 1.

    Args:
        one: The hyperparameter.
        trials: The trials, whose values it covers.
    """

    def __init__(self, one: HyperParameter, trials: list[Trial]) -> None:
        self.name = one.name
        self.values = [t.hyperparameters.values.get(one.name) for t in trials]
        known = [v for v in self.values if v is not None]
        numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in known)
        self.log = numeric and getattr(one, "sampling", "") == "log"
        self.categories: list[Any] = [] if numeric else sorted(set(known), key=str)
        if numeric:
            self._low, self._high = (self._scaled(f(known)) for f in (min, max))

    def _scaled(self, value: float) -> float:
        return float(np.log10(value)) if self.log else float(value)

    def place(self, value: Any) -> float:
        """Return where a value lies."""
        if self.categories:
            return self.categories.index(value) / max(1, len(self.categories) - 1)
        span = self._high - self._low
        return (self._scaled(value) - self._low) / span if span else 0.5

    def ticks(self) -> list[tuple[float, str]]:
        """Return a few places and what stands there."""
        if self.categories:
            return [(self.place(c), str(c)) for c in self.categories]
        ends = [self._low, (self._low + self._high) / 2, self._high]
        values = [10**e if self.log else e for e in ends]
        return [(self.place(v), f"{v:.3g}") for v in values]


def _parallel(tuner: Shown, trials: list[Trial], figure: Figure) -> None:
    """Draw a line for each trial across the axes of all hyperparameters, the better the darker and the later."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    objective = tuner.oracle.objective
    axes_of = [_Axis(one, trials) for one in _searched(tuner, trials)]
    figure.set_size_inches(max(7.0, 1.5 * (len(axes_of) + 1)), 4.2)
    axes = figure.subplots()
    scores = np.array([float(t.score or 0.0) for t in trials])
    norm = Normalize(float(scores.min()), float(scores.max()) or 1.0)
    colors = colormaps["viridis_r" if objective.direction == "max" else "viridis"]
    order = np.argsort(scores if objective.direction == "max" else -scores)
    span = float(np.ptp(scores)) or 1.0
    for i in order:
        places = [
            (x, axis.place(axis.values[i]))
            for x, axis in enumerate(axes_of)
            if axis.values[i] is not None
        ]
        places.append((len(axes_of), (scores[i] - scores.min()) / span))
        axes.plot(
            *zip(*places, strict=True), color=colors(norm(scores[i])), alpha=0.75, linewidth=1.6
        )
    ends = [(0.0, shown_value(float(scores.min()))), (1.0, shown_value(float(scores.max())))]
    for x, ticks in enumerate([*(axis.ticks() for axis in axes_of), ends]):
        axes.axvline(x, color=_INK, linewidth=0.8)
        for y, text in ticks:
            axes.text(
                x + 0.03, y, text, fontsize=8, color=_INK, va="center",
                bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.6},
            )  # fmt: skip
    names = [*(axis.name for axis in axes_of), objective.name]
    axes.set_xticks(range(len(names)), names, color=_INK, rotation=20 if len(names) > 5 else 0)
    axes.set_yticks([])
    axes.set_xlim(-0.1, len(names) - 1 + 0.45)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(ScalarMappable(norm, colors), ax=axes, pad=0.01)
    bar.set_label(objective.name, color=_INK)
    bar.outline.set_visible(False)


def _slices(tuner: Shown, trials: list[Trial], figure: Figure) -> None:
    """Draw the score over each hyperparameter."""
    ones = _searched(tuner, trials)
    objective = tuner.oracle.objective
    count = max(1, len(ones))
    columns = min(count, 3)
    rows = -(-count // columns)
    figure.set_size_inches(3.2 * columns + 0.6, 2.7 * rows + 0.4)
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).flat
    scores = [t.score for t in trials]
    for panel, one in zip(panels, ones, strict=False):
        axis = _Axis(one, trials)
        pairs = [(v, s) for v, s in zip(axis.values, scores, strict=True) if v is not None]
        if axis.categories:
            xs: Sequence[Any] = [axis.categories.index(v) for v, _ in pairs]
            panel.set_xticks(range(len(axis.categories)), [str(c) for c in axis.categories])
            panel.set_xlim(-0.5, len(axis.categories) - 0.5)
        else:
            xs = [v for v, _ in pairs]
            if axis.log:
                panel.set_xscale("log")
        panel.scatter(xs, [s for _, s in pairs], color=_BLUE, s=22, alpha=0.8)
        _plain(panel, one.name, objective.name if panel.get_subplotspec().is_first_col() else "")
    for panel in list(figure.axes)[len(ones) :]:
        panel.set_visible(False)


def _curves(tuner: Shown, trials: list[Trial], figure: Figure) -> None:
    """Draw the objective over the epochs of each trial, the best one's in color."""
    name = tuner.oracle.objective.name
    figure.set_size_inches(7.0, 3.8)
    axes = figure.subplots()
    best = {t.trial_id for t in tuner.oracle.get_best_trials(1)}
    for trial in sorted(trials, key=lambda t: t.trial_id in best):
        first = int(trial.hyperparameters.values.get("tuner/initial_epoch", 0)) + 1
        for history in trial.histories:
            values = history.get(name, [])
            mine = trial.trial_id in best
            axes.plot(
                range(first, first + len(values)), values, color=_ORANGE if mine else _PALE,
                linewidth=2 if mine else 1, marker="o" if len(values) == 1 else "", markersize=4,
                label=f"trial {trial.trial_id}, the best" if mine and history is trial.histories[0] else None,
            )  # fmt: skip
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _plain(axes, "epoch", name)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(frameon=False, labelcolor=_INK)


def _plain(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x, color=_INK)
    axes.set_ylabel(y, color=_INK)
    axes.tick_params(colors=_INK)
    axes.grid(color=_INK, alpha=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_INK)


KINDS = {"history": _history, "parallel": _parallel, "slices": _slices, "curves": _curves}
