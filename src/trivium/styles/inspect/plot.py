"""A picture of what flows through a model: values, zeros and gradients, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trivium.styles.inspect.record import Row, WeightRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot"]

_INK, _BLUE, _ORANGE, _GREEN = "#444444", "#0072B2", "#D55E00", "#009E73"


def plot(rows: Sequence[Row], weights: Sequence[WeightRow], target: str) -> Figure:
    """Draw the values' ranges, their shares of zeros and the lengths of the gradients, one line for each layer.

    Args:
        rows: The values.
        weights: The weights.
        target: What the gradients are of, in words.

    Returns:
        The figure, one of pyplot's.
    """
    import matplotlib.pyplot as plt

    names = [row.name for row in rows]
    height = min(40.0, 1.6 + 0.26 * max(len(names), len(weights)))
    figure, axes = plt.subplots(1, 4, figsize=(15.0, height), layout="constrained")
    places = range(len(rows))
    _values(axes[0], rows)
    axes[1].barh(places, [100 * row.zeros for row in rows], color=_BLUE, height=0.6)
    axes[1].set(xlim=(0, 100), title="zeros in %")
    _logarithmic(axes[2], [row.gradient or 0.0 for row in rows], _ORANGE)
    axes[2].set_title(f"gradient of {target},\nits length at the output")
    _label(axes[0], names)
    for panel in axes[1:3]:
        _label(panel, [""] * len(names))
    moved = any(w.ratio for w in weights)
    _logarithmic(axes[3], [(w.ratio if moved else w.gradient) or 0.0 for w in weights], _GREEN)
    axes[3].set_title(
        "next step's length\nas a share of the weight's"
        if moved
        else "length of the\nweight's gradient"
    )
    _label(axes[3], [w.name for w in weights])
    return figure


def _values(ax: Axes, rows: Sequence[Row]) -> None:
    places = range(len(rows))
    drawn = [row if row.min <= row.max else None for row in rows]
    for place, row in enumerate(drawn):
        if row is not None:
            ax.plot([row.min, row.max], [place, place], color="#bbbbbb", linewidth=1.5)
            ax.plot(
                [row.mean - row.std, row.mean + row.std], [place, place], color=_BLUE, linewidth=4
            )
    ax.plot(
        [r.mean if r is not None else math.nan for r in drawn],
        list(places),
        "o",
        color=_INK,
        markersize=4,
    )
    ax.set_title("output: range,\nmean ± standard deviation")


def _logarithmic(ax: Axes, values: Sequence[float], color: str) -> None:
    positive = [v for v in values if v > 0]
    if positive:
        ax.set_xscale("log")
        ax.set_xlim(
            10 ** math.floor(math.log10(min(positive)) - 0.1),
            10 ** math.ceil(math.log10(max(positive)) + 0.1),
        )
        shown = [v if v > 0 else math.nan for v in values]
        ax.plot(shown, range(len(values)), "-o", color=color, markersize=5, linewidth=1)


def _label(ax: Axes, names: Sequence[str]) -> None:
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.grid(True, axis="x", color="#dddddd", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color("#aaaaaa")
    ax.tick_params(colors=_INK, length=0, labelsize=9)
    ax.title.set(color=_INK, fontsize=10)
