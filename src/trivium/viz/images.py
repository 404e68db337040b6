"""Grids of images with what they are, and what a model took them for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["image_captions", "image_grid"]

RIGHT, WRONG = "blue", "red"


def image_grid(
    images: Any,
    labels: Any = None,
    predictions: Any = None,
    class_names: Sequence[str] | None = None,
    columns: int = 5,
    *,
    cmap: str = "binary",
    size: float = 2.0,
    title: str | None = None,
    figure: Figure | None = None,
) -> Figure:
    """Draw images in rows, each with its label under it, or with `predicted (true)`.

    What was predicted right is blue, what was predicted wrong red.

    Args:
        images: Shape `(n, height, width)`, or `(n, height, width, channels)` with 1, 3 or 4
            channels.
        labels: The true classes: integers of shape `(n,)`, or one-hot rows of shape `(n, classes)`.
        predictions: What a model says: integers of shape `(n,)`, or rows of probabilities of shape
            `(n, classes)`; one column is the probability of class 1.
        class_names: A name for each class; without, the class's number is written.
        columns: How many images stand in a row.
        cmap: The matplotlib colormap of images that have one channel.
        size: Width and height of one image's cell, in inches.
        title: A line above the grid.
        figure: A figure to draw into; by default a new one that `plt.show()` shows.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: A shape does not fit, or a class has no name.

    Example:
        >>> import numpy as np
        >>> from matplotlib.figure import Figure
        >>> image, names = np.eye(4)[None], ["cat", "dog"]
        >>> figure = image_grid(image, [0], [[0.2, 0.8]], names, figure=Figure())
        >>> figure.axes[0].get_xlabel()
        'dog (cat)'
    """
    pixels = _pixels(images)
    if columns < 1:
        raise ValueError(f"`columns` is the number of images in a row, at least 1; got {columns}.")
    captions = image_captions(len(pixels), labels, predictions, class_names)
    columns = min(columns, len(pixels))
    rows = math.ceil(len(pixels) / columns)
    inches = (columns * size, rows * size)
    if figure is None:
        from matplotlib import pyplot

        figure = pyplot.figure(figsize=inches, layout="constrained")
    else:
        figure.set_size_inches(inches)
        figure.set_layout_engine("constrained")
    if title:
        figure.suptitle(title)
    low, high = np.nanmin(pixels), np.nanmax(pixels)
    for i, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
        if i >= len(pixels):
            axes.remove()
            continue
        axes.imshow(pixels[i], cmap=cmap, vmin=low, vmax=high)
        axes.set(xticks=[], yticks=[])
        text, right = captions[i]
        axes.set_xlabel(text, color={None: "black", True: RIGHT, False: WRONG}[right])
    return figure


def image_captions(
    count: int,
    labels: Any = None,
    predictions: Any = None,
    class_names: Sequence[str] | None = None,
) -> list[tuple[str, bool | None]]:
    """Say in words what each image is and what it was taken for.

    Args:
        count: The number of images.
        labels: As in `image_grid`.
        predictions: As in `image_grid`.
        class_names: As in `image_grid`.

    Returns:
        For each image its caption, and whether the prediction is right: `None` without both.

    Raises:
        ValueError: A shape does not fit, or a class has no name.

    Example:
        >>> image_captions(2, labels=[0, 1], predictions=[0, 0], class_names=["cat", "dog"])
        [('cat (cat)', True), ('cat (dog)', False)]
    """
    true = _classes(labels, count, "labels", class_names)
    guess = _classes(predictions, count, "predictions", class_names)

    def name(index: int) -> str:
        return str(index) if class_names is None else str(class_names[index])

    if true is not None and guess is not None:
        pairs = zip(guess, true, strict=True)
        return [(f"{name(g)} ({name(t)})", bool(g == t)) for g, t in pairs]
    known = true if true is not None else guess
    return [("", None)] * count if known is None else [(name(k), None) for k in known]


def _pixels(images: Any) -> np.ndarray:
    """Return images as matplotlib draws them: a lone channel dropped, colors within 0 and 1."""
    pixels = np.asarray(images)
    wanted = "(n, height, width) or (n, height, width, channels) with 1, 3 or 4 channels"
    if pixels.ndim == 2:
        raise ValueError(
            f"`images` of shape {pixels.shape} look like one image; wanted {wanted}: "
            "give `images[None]`."
        )
    if pixels.ndim not in (3, 4) or (pixels.ndim == 4 and pixels.shape[-1] not in (1, 3, 4)):
        raise ValueError(f"`images` have the shape {pixels.shape}; wanted {wanted}.")
    if 0 in pixels.shape:
        raise ValueError(f"`images` of shape {pixels.shape} hold no pixels: nothing to draw.")
    if pixels.ndim == 4 and pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    if pixels.dtype != np.uint8:
        pixels = pixels.astype("float32")
        if pixels.ndim == 4:
            top = np.nanmax(pixels)
            pixels = np.clip(pixels / 255.0 if top > 1.0 else pixels, 0.0, 1.0)
    return pixels


def _classes(
    values: Any, count: int, what: str, class_names: Sequence[str] | None
) -> np.ndarray | None:
    """Return labels or predictions as `count` class numbers."""
    if values is None:
        return None
    found = np.asarray(values)
    if found.ndim not in (1, 2) or len(found) != count:
        raise ValueError(
            f"`{what}` have the shape {found.shape}; wanted one for each of the {count} images: "
            f"integers of shape ({count},) or rows of probabilities of shape ({count}, classes)."
        )
    whole = np.issubdtype(found.dtype, np.integer) or found.dtype == bool
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0] if whole else (found[:, 0] > 0.5).astype("int64")
    elif found.ndim == 2:
        found = found.argmax(axis=1)
    elif not whole:
        raise ValueError(
            f"`{what}` of shape {found.shape} are {found.dtype}; wanted integers. Probabilities "
            f"come as rows of shape ({count}, classes)."
        )
    if (
        class_names is not None
        and found.size
        and not (found.min() >= 0 and found.max() < len(class_names))
    ):
        stray = int(found.max() if found.max() >= len(class_names) else found.min())
        raise ValueError(
            f"`{what}` hold the class {stray}, but `class_names` has names for 0 to "
            f"{len(class_names) - 1}."
        )
    return found
