"""Images from a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from trivium.preprocessing.image.files import (
    check_color_mode,
    check_data_format,
    decode,
)
from trivium.preprocessing.image.resampling import (
    check_method,
    crop_to_ratio,
    pad_to_ratio,
    resample,
)
from trivium.preprocessing.loaders.folders import (
    LabelMode,
    Labels,
    Subset,
    check_format,
    check_reading,
    find_files,
)

__all__ = ["image_dataset_from_directory"]

_ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")


def image_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Labels = "inferred",
    label_mode: LabelMode = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: int | Sequence[int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: Subset = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
    *,
    errors: str = "raise",
) -> Any:
    """Make a dataset of the images in a folder: each subfolder is a class.

    Files in PNG, JPEG, BMP and GIF count (of an animation the first image). They are read by threads, ahead of the
    training; with `shuffle` each pass has an order of its own, which follows from the seed.

    Args:
        directory: The folder.
        labels: `"inferred"` takes each subfolder for a class, numbered in alphabetical order; or the labels as a list
            of whole numbers, in the order of the sorted paths; or `None` for images alone.
        label_mode: How a label is written: `"int"`, a number; `"categorical"`, a one-hot row; `"binary"`, 0.0 or 1.0,
            of shape `(1,)`; `None` for images alone.
        class_names: The subfolders that count, in the order of their numbers; by default all.
        color_mode: `"rgb"`, `"rgba"` or `"grayscale"`.
        batch_size: Images a batch; `None` for images one by one.
        image_size: The height and width that all images are brought to.
        shuffle: Whether to mix the images; else they come in the order of their paths.
        seed: What the order is drawn from; by default the global seed, see `utils.set_random_seed`.
        validation_split: The part of the images that is kept for validation, between 0 and 1.
        subset: Which part to return: `"training"`, `"validation"`, or `"both"`, which returns the two in a list.
        interpolation: How images are brought to their size: `"bilinear"`, `"nearest"`, `"bicubic"`, `"area"`,
            `"lanczos3"`, `"lanczos5"`, `"gaussian"` or `"mitchellcubic"`.
        follow_links: Whether to go into folders that are links.
        crop_to_aspect_ratio: Whether to cut off what does not fit the new proportions, rather than to squeeze it.
        pad_to_aspect_ratio: Whether to fill up with black instead.
        data_format: Where the channels are: `"channels_last"` or `"channels_first"`; by default as it is set by
            `config.set_image_data_format`.
        format: `"tf"` or `"grain"`, as in Keras; the dataset is the same.
        verbose: Whether to say how many files and classes there are.
        errors: What becomes of a file that cannot be read: `"raise"` an error that names it, or `"skip"` it, which
            is logged and counted in the dataset's `errors`; its batch has one image less.

    Returns:
        A `data.Dataset` of `(images, labels)`, or of images alone. `images` is float32, from 0 to 255, of shape
        `(batch, height, width, channels)`. It has `class_names` and `file_paths`.

    Raises:
        ValueError: An argument makes no sense, or not with the files that are there. Nothing has been read then.
        FileNotFoundError: There is no such folder.
        DataError: While reading: a file is no image.

    Example:
        >>> import tempfile
        >>> from trivium.preprocessing.image import save_img
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("cat", "dog"):
        ...         os.mkdir(f"{folder}/{name}")
        ...         save_img(f"{folder}/{name}/1.png", np.zeros((4, 6, 3)))
        ...     dataset = image_dataset_from_directory(folder, image_size=(8, 8), shuffle=False, verbose=False)
        ...     [(x.shape, y.tolist()) for x, y in dataset], dataset.class_names
        ([((2, 8, 8, 3), [0, 1])], ['cat', 'dog'])
    """
    size = _size(image_size)
    method = check_method(interpolation)
    check_color_mode(color_mode)
    data_format = check_data_format(data_format)
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError(
            "An image is cut to its new proportions (`crop_to_aspect_ratio`) or filled up (`pad_to_aspect_ratio`), "
            "not both."
        )
    check_format(format)
    from trivium.preprocessing.loaders.reading import datasets_of

    size_of_batch = check_reading(batch_size, errors)
    parts = find_files(
        directory, labels, formats=_ENDINGS, what="images", label_mode=label_mode, class_names=class_names,
        shuffle=shuffle, seed=seed, validation_split=validation_split, subset=subset,
        follow_links=follow_links, verbose=verbose,
    )  # fmt: skip

    def read(path: str) -> np.ndarray:
        image = decode(path, color_mode)
        if crop_to_aspect_ratio:
            image = crop_to_ratio(image, size)
        elif pad_to_aspect_ratio:
            image = pad_to_ratio(image, size)
        image = resample(image, size, method)
        image = np.moveaxis(image, -1, 0) if data_format == "channels_first" else image
        # For a batch, `_batch` makes floats of bytes: in place, which saves a copy of each image.
        return image.astype(np.float32) if batch_size is None else image

    return datasets_of(
        parts, read, _batch, batch_size=size_of_batch, shuffle=shuffle, errors=errors
    )


def _batch(images: list[np.ndarray]) -> np.ndarray:
    """Return images side by side, as floats."""
    batch = np.empty((len(images), *images[0].shape), np.float32)
    for place, image in zip(batch, images, strict=True):
        place[...] = image
    return batch


def _size(image_size: Any) -> tuple[int, int]:
    pair = (image_size, image_size) if isinstance(image_size, int | np.integer) else image_size
    if (
        not isinstance(pair, tuple | list)
        or len(pair) != 2
        or not all(isinstance(n, int | np.integer) and n >= 1 for n in pair)
    ):
        raise ValueError(
            "`image_size` is the height and the width that all images are brought to, e.g. (180, 180); got "
            f"{image_size!r}."
        )
    return int(pair[0]), int(pair[1])
