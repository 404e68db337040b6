"""The figures of a report: as PNG files, and as pictures inside the page."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from trivium.compare.result import Comparison, Result
from trivium.compare.settings import SHOWN
from trivium.compare.words import names
from trivium.viz.images import image_captions, image_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["curve_figures", "curve_picture", "grid_captions", "grid_figure", "image_pictures"]

# What is drawn in these colors takes the page's light or dark ones in the SVG.
INK, TRAIN, VALIDATION = "#24303c", "#1f6feb", "#d9480f"
DARK = {INK: "#c9d3de", TRAIN: "#6cb0ff", VALIDATION: "#ff9f5f"}
DASHES = ("-", "--", ":")


def curve_figures(comparison: Comparison) -> dict[str, Figure]:
    """Draw each metric over the epochs, in training and in validation.

    Args:
        comparison: The results. Styles that agree to the last bit share their lines.

    Returns:
        A figure for each metric.

    Example:
        >>> from trivium.compare import Comparison, Result, Settings
        >>> history = {"loss": [0.5, 0.4], "val_loss": [0.6, 0.5]}
        >>> list(curve_figures(Comparison(Settings(), [Result("subclass", history=history)])))
        ['loss']
    """
    groups = comparison.groups
    metrics = dict.fromkeys(k.removeprefix("val_") for group in groups for k in group[0].history)
    # A stable sort: the loss first, the others as they came.
    return {metric: _curve(metric, groups) for metric in sorted(metrics, key=lambda m: m != "loss")}


def _curve(metric: str, groups: list[list[Result]]) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(6.0, 3.8), layout="constrained")
    axes = figure.subplots()
    for group, dashes in zip(groups, DASHES, strict=False):
        for part, prefix, color in (("training", "", TRAIN), ("validation", "val_", VALIDATION)):
            values = group[0].history.get(prefix + metric, [])
            if not values:
                continue
            label = part if len(groups) == 1 else f"{part}: {names(group)}"
            marker = "o" if len(values) <= 10 else ""
            axes.plot(
                range(1, len(values) + 1),
                values,
                linestyle=dashes,
                color=color,
                label=label,
                marker=marker,
                markersize=4,
            )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(left=0.5)  # there is no epoch 0
    axes.set_title(metric, color=INK, loc="left", fontsize=12, fontweight="bold")
    axes.set_xlabel("epoch", color=INK, fontsize=11)
    axes.tick_params(colors=INK, labelsize=11)
    axes.grid(color=INK, alpha=0.15)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    axes.legend(frameon=False, labelcolor=INK, fontsize=11 if len(groups) == 1 else 9)
    return figure


def curve_picture(figure: Figure) -> str:
    """Turn a figure of `curve_figures` into the data URI of an SVG.

    Its colors follow the reader's light or dark.


    Example:
        >>> from matplotlib.figure import Figure
        >>> curve_picture(Figure())[:26]
        'data:image/svg+xml;base64,'
    """
    from matplotlib import rc_context

    buffer = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "trivium"}):
        metadata = {"Date": None, "Creator": None}
        figure.savefig(buffer, format="svg", transparent=True, metadata=metadata)
    svg = buffer.getvalue()
    for i, color in enumerate(DARK):
        svg = svg.replace(color, f"var(--c{i})")
    light = "".join(f"--c{i}:{color};" for i, color in enumerate(DARK))
    dark = "".join(f"--c{i}:{color};" for i, color in enumerate(DARK.values()))
    style = (
        f"<style>:root{{{light}}}text{{font-family:system-ui,sans-serif!important}}"
        f"@media(prefers-color-scheme:dark){{:root{{{dark}}}}}</style>"
    )
    start = svg.index("<svg")
    inside = svg.index(">", start) + 1
    return _data_uri("image/svg+xml", (svg[start:inside] + style + svg[inside:]).encode())


def image_pictures(images: np.ndarray) -> list[str]:
    """Turn images into data URIs of small PNGs.

    Args:
        images: Shape `(n, height, width)`.

    Returns:
        A data URI for each image.

    Example:
        >>> [uri[:22] for uri in image_pictures(np.eye(3)[None])]
        ['data:image/png;base64,']
    """
    from matplotlib.image import imsave

    pictures = []
    for image in images:
        buffer = io.BytesIO()
        imsave(buffer, image, cmap="binary", vmin=images.min(), vmax=images.max(), format="png")
        pictures.append(_data_uri("image/png", buffer.getvalue()))
    return pictures


def grid_figure(comparison: Comparison, result: Result | None = None) -> Figure:
    """Draw the samples with their labels, or what a model took the first test images for.

    Args:
        comparison: The results.
        result: Whose predictions to draw; the training samples when there is none.

    Example:
        >>> from trivium.compare import Comparison, Settings
        >>> data = {"samples": np.zeros((2, 3, 3)), "sample_labels": np.array([0, 1])}
        >>> figure = grid_figure(Comparison(Settings(), [], class_names=("cat", "dog"), **data))
        >>> [axes.get_xlabel() for axes in figure.axes]
        ['cat', 'dog']
    """
    from matplotlib.figure import Figure

    images, options = _grid_content(comparison, result)
    return image_grid(images, **options, class_names=comparison.class_names, figure=Figure())


def grid_captions(
    comparison: Comparison, result: Result | None = None
) -> list[tuple[str, bool | None]]:
    """Return the captions of `grid_figure`, and which predictions are right.

    Example:
        >>> from trivium.compare import Comparison, Settings
        >>> data = {"samples": np.zeros((1, 3, 3)), "sample_labels": np.array([1])}
        >>> grid_captions(Comparison(Settings(), [], class_names=("cat", "dog"), **data))
        [('dog', None)]
    """
    images, options = _grid_content(comparison, result)
    return image_captions(len(images), **options, class_names=comparison.class_names)


def _grid_content(
    comparison: Comparison, result: Result | None
) -> tuple[np.ndarray, dict[str, Any]]:
    if result is None:
        return comparison.samples[:SHOWN], {"labels": comparison.sample_labels[:SHOWN]}
    labels, predictions = comparison.test_labels[:SHOWN], result.predictions[:SHOWN]
    return comparison.test_samples[:SHOWN], {"labels": labels, "predictions": predictions}


def _data_uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
