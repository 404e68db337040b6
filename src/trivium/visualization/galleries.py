"""Galleries: many images in one figure, with what is in them."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from trivium.visualization.drawing import (
    as_pixels,
    draw_bounding_boxes,
    draw_segmentation_masks,
)

__all__ = ["plot_bounding_box_gallery", "plot_image_gallery", "plot_segmentation_mask_gallery"]


def plot_image_gallery(
    images: Any,
    y_true: Any = None,
    y_pred: Any = None,
    label_map: Mapping[int, str] | None = None,
    rows: int | None = None,
    cols: int | None = None,
    value_range: Sequence[float] = (0, 255),
    scale: float = 2,
    path: str | os.PathLike[str] | None = None,
    show: bool | None = None,
    transparent: bool = True,
    dpi: float = 60,
    legend_handles: Sequence[Any] | None = None,
    data_format: str | None = None,
) -> Figure:
    """Show images in rows and columns, with their labels above them.

    Args:
        images: Images, shape `(batch, height, width, channels)`.
        y_true: The true labels, shape `(batch,)`.
        y_pred: Predicted ones.
        label_map: The name of each label.
        rows: How many rows there are; as many as are needed where it is `None`.
        cols: How many columns; so many that the gallery is about square where neither is given.
        value_range: What is black and what is white.
        scale: Width and height of an image, in inches.
        path: A file to save the figure to, in place of showing it.
        show: Whether to show it; where it is `None`, whether it is not saved.
        transparent: Whether the saved figure has no background.
        dpi: How many pixels an inch has there.
        legend_handles: What the legend explains, as matplotlib takes it.
        data_format: Where the channels are; last where it is `None`.

    Returns:
        The figure.

    Raises:
        ValueError: The figure is to be both saved and shown, there are labels without names, or shapes do not fit.

    Example:
        >>> figure = plot_image_gallery(np.zeros((3, 4, 4, 3)), [0, 1, 1], label_map={0: "cat", 1: "dog"}, show=False)
        >>> [axes.get_title() for axes in figure.axes]
        ['cat', 'dog', 'dog', '']
    """
    if path is not None and show:
        raise ValueError("the figure is saved (`path`) or shown (`show`), not both.")
    pixels = as_pixels(images, value_range, data_format)
    titles = _titles(len(pixels), y_true, y_pred, label_map)
    rows, cols = _layout(len(pixels), rows, cols)
    figure, axes = pyplot.subplots(
        rows, cols, squeeze=False, figsize=(cols * scale, rows * scale), layout="constrained"
    )
    for place in axes.flat:
        place.axis("off")
    for place, image, title in zip(axes.flat, pixels, titles, strict=False):
        place.imshow(image if image.shape[-1] == 3 else np.repeat(image, 3, -1))
        place.set_title(title)
    if legend_handles is not None:
        figure.legend(handles=list(legend_handles), loc="outside lower center")
    if path is not None:
        figure.savefig(path, transparent=transparent, dpi=dpi)
        pyplot.close(figure)
    elif show or show is None:
        pyplot.show()
    return figure


def _layout(count: int, rows: int | None, cols: int | None) -> tuple[int, int]:
    if cols is None:
        cols = math.ceil(math.sqrt(count) if rows is None else count / rows)
    return rows or math.ceil(count / cols), cols


def _titles(count: int, y_true: Any, y_pred: Any, label_map: Mapping[int, str] | None) -> list[str]:
    given = [("", y_true), ("predicted: ", y_pred)]
    lines: list[list[str]] = [[] for _ in range(count)]
    for before, labels in given:
        if labels is None:
            continue
        if label_map is None:
            raise ValueError("labels are shown by their names: give `label_map`.")
        numbers = np.asarray(labels).reshape(-1)
        if len(numbers) != count:
            raise ValueError(f"there are {count} images and {len(numbers)} labels.")
        for line, number in zip(lines, numbers, strict=True):
            line.append(before + str(label_map.get(int(number), int(number))))
    return ["\n".join(line) for line in lines]


def plot_bounding_box_gallery(
    images: Any,
    bounding_box_format: str,
    y_true: Mapping[str, Any] | None = None,
    y_pred: Mapping[str, Any] | None = None,
    value_range: Sequence[float] = (0, 255),
    true_color: Sequence[int] = (0, 188, 212),
    pred_color: Sequence[int] = (255, 235, 59),
    line_thickness: int = 2,
    font_scale: float = 1.0,
    text_thickness: int | None = None,
    class_mapping: Mapping[int, str] | None = None,
    ground_truth_mapping: Mapping[int, str] | None = None,
    prediction_mapping: Mapping[int, str] | None = None,
    legend: bool = False,
    legend_handles: Sequence[Any] | None = None,
    rows: int | None = None,
    cols: int | None = None,
    data_format: str | None = None,
    **kwargs: Any,
) -> Figure:
    """Show images with true and predicted boxes.

    Args:
        images: Images, shape `(batch, height, width, channels)`.
        bounding_box_format: The boxes' format; see `utils.bounding_boxes`.
        y_true: True boxes, as `draw_bounding_boxes` takes them.
        y_pred: Predicted ones.
        value_range: What is black and what is white in the images.
        true_color: The color of true boxes.
        pred_color: That of predicted ones.
        line_thickness: The width of a line, in pixels.
        font_scale: How large names are.
        text_thickness: How bold they are; as the lines where it is `None`.
        class_mapping: The name of each label.
        ground_truth_mapping: The names in true boxes, where they are others.
        prediction_mapping: Those in predicted ones.
        legend: Whether a legend explains the colors.
        legend_handles: What it explains instead.
        rows: As for `plot_image_gallery`.
        cols: Likewise.
        data_format: Where the channels are; last where it is `None`.
        kwargs: Further arguments of `plot_image_gallery`.

    Returns:
        The figure.

    Raises:
        ValueError: Both `legend` and `legend_handles` are given, or a shape does not fit.

    Example:
        >>> boxes = {"boxes": [[[1, 1, 6, 6]]], "labels": [[0]]}
        >>> figure = plot_bounding_box_gallery(np.zeros((1, 8, 8, 3)), "xyxy", boxes, legend=True, show=False)
        >>> [text.get_text() for text in figure.legends[0].get_texts()]
        ['true', 'predicted']
    """
    if legend and legend_handles is not None:
        raise ValueError("give `legend` or `legend_handles`, not both.")
    pixels = as_pixels(images, value_range, data_format)
    pixels = np.repeat(pixels, 3 // pixels.shape[-1], -1)
    for boxes, color, names in (
        (y_true, true_color, ground_truth_mapping),
        (y_pred, pred_color, prediction_mapping),
    ):
        if boxes is not None:
            pixels = draw_bounding_boxes(
                pixels, boxes, bounding_box_format, names or class_mapping, color, line_thickness,
                line_thickness if text_thickness is None else text_thickness, font_scale,
                "channels_last",
            )  # fmt: skip
    if legend:
        pairs = ((true_color, "true"), (pred_color, "predicted"))
        legend_handles = [Patch(color=tuple(n / 255 for n in c), label=text) for c, text in pairs]
    return plot_image_gallery(
        pixels, rows=rows, cols=cols, legend_handles=legend_handles, data_format="channels_last",
        **kwargs,
    )  # fmt: skip


def plot_segmentation_mask_gallery(
    images: Any,
    num_classes: int,
    value_range: Sequence[float] = (0, 255),
    y_true: Any = None,
    y_pred: Any = None,
    color_mapping: Mapping[int, Sequence[int]] | None = None,
    blend: bool = True,
    alpha: float = 0.8,
    ignore_index: int = -1,
    data_format: str | None = None,
    **kwargs: Any,
) -> Figure:
    """Show images beside what their pixels are and what a model takes them for.

    Args:
        images: Images, shape `(batch, height, width, channels)`.
        num_classes: How many classes there are besides the background.
        value_range: What is black and what is white in the images.
        y_true: True masks, as `draw_segmentation_masks` takes them.
        y_pred: Predicted ones.
        color_mapping: The color of each class.
        blend: Whether the image shines through.
        alpha: How much of the color covers it.
        ignore_index: A class that is not painted.
        data_format: Where the channels are; last where it is `None`.
        kwargs: Further arguments of `plot_image_gallery`.

    Returns:
        The figure: each cell has the image, and to its right the image with the true and with the predicted mask.

    Raises:
        ValueError: A shape does not fit, or a class has no color.

    Example:
        >>> masks = np.ones((1, 4, 4), int)
        >>> figure = plot_segmentation_mask_gallery(np.zeros((1, 4, 4, 3)), 1, y_true=masks, show=False)
        >>> figure.axes[0].images[0].get_array().shape
        (4, 8, 3)
    """
    pixels = as_pixels(images, value_range, data_format)
    pixels = np.repeat(pixels, 3 // pixels.shape[-1], -1)
    beside = [
        draw_segmentation_masks(
            pixels, masks, num_classes, color_mapping, alpha, blend, ignore_index, "channels_last"
        )
        for masks in (y_true, y_pred)
        if masks is not None
    ]
    together = np.concatenate([pixels, *beside], axis=2)
    return plot_image_gallery(together, data_format="channels_last", **kwargs)
