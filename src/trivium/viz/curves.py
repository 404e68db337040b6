"""Learning curves: how the results went from epoch to epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from trivium.state import suggest

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["learning_curves"]

Curves = dict[str, tuple[Sequence[int], Sequence[float]]]

_VAL = "val_"
_RATE = "learning_rate"
# Okabe and Ito's palette, which the color-blind can tell apart too, but for its pale yellow.
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#555555")
_INK = "#444444"


def learning_curves(
    history: Any,
    metrics: str | Sequence[str] | None = None,
    ax: Axes | None = None,
    epochs: Mapping[str, Sequence[int]] | None = None,
    figure: Figure | None = None,
) -> Figure:
    """Draw the results of each epoch: training solid, validation dashed, one color for each metric.

    Losses, metrics between 0 and 1, the learning rate, and each metric of another scale have panels
    of their own. The figure is one of pyplot's, so that `plt.show()` shows it and a notebook
    displays it; `plt.close(figure)` frees it. With `ax`, pyplot is not touched.

    Args:
        history: Values by name, as in `History.history`, or the `History` itself. Of a value for
            each class, the mean is drawn.
        metrics: Which results to draw; all by default. A name without `val_` stands for its
            validation results too.
        ax: Matplotlib axes to draw everything in, instead of a new figure.
        epochs: The epoch numbers of each name's values, where they are not 1, 2, 3, …
        figure: An empty Matplotlib figure to draw in, instead of a new one of pyplot's.

    Returns:
        The figure.

    Raises:
        ValueError: There is no such result, or none at all.

    Example:
        >>> figure = learning_curves({"loss": [0.7, 0.5], "val_loss": [0.8, 0.6], "acc": [0.5, 1]})
        >>> [panel.get_ylabel() for panel in figure.axes]
        ['loss', 'acc']
    """
    values = {
        name: [float(np.mean(v)) for v in results]
        for name, results in getattr(history, "history", history).items()
    }
    curves: Curves = {
        name: ((epochs or {}).get(name) or range(1, len(values[name]) + 1), values[name])
        for name in _selected(values, metrics)
    }
    bases = list(dict.fromkeys(name.removeprefix(_VAL) for name in curves))
    panels = _panels(curves, bases)
    in_order = [base for panel in panels for base in panel]
    colors = {base: _COLORS[i % len(_COLORS)] for i, base in enumerate(in_order)}
    if ax is not None:
        _draw(ax, curves, bases, colors)
        whole: Any = ax.figure
        return whole
    columns = len(panels) if len(panels) <= 3 else math.ceil(math.sqrt(len(panels)))
    rows = math.ceil(len(panels) / columns)
    if figure is None:
        import matplotlib.pyplot as plt

        figure = plt.figure(layout="constrained")
    figure.set_size_inches(max(6.4, 5.2 * columns), 4.0 * rows)
    for i, members in enumerate(panels):
        _draw(figure.add_subplot(rows, columns, i + 1), curves, members, colors)
    return figure


def _selected(values: Mapping[str, Any], metrics: str | Sequence[str] | None) -> list[str]:
    if not values:
        raise ValueError("There are no learning curves to draw: the history has no epoch yet.")
    if metrics is None:
        return list(values)
    names: list[str] = []
    for metric in [metrics] if isinstance(metrics, str) else metrics:
        found = [name for name in (metric, _VAL + metric) if name in values]
        if not found:
            raise ValueError(f"The history has no {metric!r}. {suggest(metric, values)}")
        names += found
    return list(dict.fromkeys(names))


def _panels(curves: Curves, bases: Sequence[str]) -> list[list[str]]:
    """Sort the metrics into panels: what one scale can show goes together."""
    panels: dict[str, list[str]] = {}
    for base in bases:
        values = [v for name in (base, _VAL + base) if name in curves for v in curves[name][1]]
        if _is_loss(base):
            panel = "loss"
        elif base != _RATE and all(not abs(v) > 1 for v in values):
            panel = "between 0 and 1"
        else:
            panel = base
        panels.setdefault(panel, []).append(base)
    rank = {"loss": 0, "between 0 and 1": 1, _RATE: 3}
    return [panels[key] for key in sorted(panels, key=lambda key: rank.get(key, 2))]


def _draw(ax: Axes, curves: Curves, bases: Sequence[str], colors: Mapping[str, str]) -> None:
    """Draw some metrics' curves in one panel."""
    shown = [curves[name] for base in bases for name in (base, _VAL + base) if name in curves]
    epochs = sorted({epoch for x, _ in shown for epoch in x})
    for base in bases:
        for name, style, kind in ((base, "-", "training"), (_VAL + base, "--", "validation")):
            if name not in curves:
                continue
            x, y = curves[name]
            dots = len(epochs) <= 12 or len(x) < len(epochs)
            ax.plot(
                x,
                y,
                style,
                color=colors[base],
                linewidth=2,
                marker="o" if dots else "",
                markersize=5,
                markerfacecolor=colors[base] if kind == "training" else "white",
                drawstyle="steps-mid" if base == _RATE else "default",
                label=kind if len(bases) == 1 else name,
            )
    if list(bases) == [_RATE] and 0 < 10 * min(shown[0][1]) <= max(shown[0][1]):
        ax.set_yscale("log")
    _decorate(ax, bases, epochs, legend=len(bases) > 1 or _VAL + bases[0] in curves)


def _decorate(ax: Axes, bases: Sequence[str], epochs: Sequence[int], legend: bool) -> None:
    losses = all(_is_loss(base) for base in bases)
    ax.set_xlabel("epoch", color=_INK)
    ax.set_ylabel(bases[0] if len(bases) == 1 else "loss" if losses else "value", color=_INK)
    ax.set_xticks(_ticks(epochs[0], epochs[-1]))
    ax.grid(True, color="#dddddd", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color("#aaaaaa")
    ax.tick_params(colors=_INK, length=3)
    if legend:
        ax.legend(frameon=False, labelcolor=_INK)


def _ticks(first: int, last: int) -> list[int]:
    """Return at most nine epochs to number: the first, then round ones."""
    step = 1
    while (last - first) // step > 7:  # 1, 2, 5, 10, 20, 50, …
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    round_ones = range(-(-(first + 1) // step) * step, last + 1, step)
    return [first, *(tick for tick in round_ones if 2 * (tick - first) >= step)]


def _is_loss(base: str) -> bool:
    return base == "loss" or base.endswith("_loss")
