"""Batches of images in files for `ImageDataGenerator`: from a folder, from a table."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from trivium.preprocessing.image.files import (
    CHANNELS,
    check_color_mode,
    check_data_format,
    img_to_array,
    load_img,
)
from trivium.preprocessing.image.iterators import ChangedImages, Changes, split_of
from trivium.preprocessing.loaders.folders import files_in
from trivium.state import floatx, suggest

__all__ = ["DataFrameIterator", "DirectoryIterator"]

_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".tif", ".tiff")
_FOLDER_MODES = ("categorical", "binary", "sparse", "input", None)
_TABLE_MODES = (*_FOLDER_MODES, "multi_output", "raw")


class _ImageFiles(ChangedImages):
    """Files of images; `_answers` says what belongs to each."""

    filepaths: list[str]
    filenames: list[str]
    class_mode: str | None
    class_indices: dict[str, int]
    classes: Any
    sample_weight: np.ndarray | None = None
    target_size: tuple[int, int]
    color_mode: str
    interpolation: str
    keep_aspect_ratio: bool

    def _settle(
        self,
        generator: Changes | None,
        target_size: tuple[int, int],
        color_mode: str,
        data_format: str | None,
        save: tuple[str | None, str, str],
        resizing: tuple[str, bool],
        dtype: str | None,
    ) -> None:
        """Keep what says how a file becomes an image."""
        self.image_data_generator, self.dtype = generator, dtype or floatx()
        self.target_size = (int(target_size[0]), int(target_size[1]))
        self.color_mode = check_color_mode(color_mode)
        self.data_format = check_data_format(data_format)
        self.save_to_dir, self.save_prefix, self.save_format = save
        self.interpolation, self.keep_aspect_ratio = resizing
        size, channels = self.target_size, CHANNELS[color_mode]
        first = self.data_format == "channels_first"
        self.image_shape = (channels, *size) if first else (*size, channels)

    @property
    def samples(self) -> int:
        """How many images there are."""
        return len(self.filepaths)

    @property
    def num_classes(self) -> int:
        """How many classes there are."""
        return len(self.class_indices)

    @property
    def labels(self) -> Any:
        """What belongs to each image."""
        return self.classes

    def _read(self, path: str) -> np.ndarray:
        image = load_img(
            path, self.color_mode, self.target_size, self.interpolation, self.keep_aspect_ratio
        )
        return img_to_array(image, self.data_format)

    def _batch(self, numbers: np.ndarray) -> Any:
        images = self._changed([self._read(self.filepaths[i]) for i in numbers], numbers)
        if self.class_mode is None:
            return images
        batch = (images, images.copy() if self.class_mode == "input" else self._answers(numbers))
        return batch if self.sample_weight is None else (*batch, self.sample_weight[numbers])

    def _answers(self, numbers: np.ndarray) -> Any:
        if self.class_mode == "multi_output":
            return [output[numbers] for output in self.labels]
        if self.class_mode == "raw":
            return self.labels[numbers]
        classes = [self.classes[i] for i in numbers]
        if self.class_mode != "categorical":
            return np.array(classes, self.dtype)
        rows = np.zeros((len(numbers), self.num_classes), self.dtype)
        for row, label in zip(rows, classes, strict=True):
            row[label] = 1  # One class, or a list of several.
        return rows


class DirectoryIterator(_ImageFiles):
    """Batches of the images in a folder, whose subfolders are the classes.

    Args:
        directory: The folder.
        image_data_generator: Changes the images.
        target_size: The height and width that all are brought to.
        color_mode: `"rgb"`, `"rgba"` or `"grayscale"`.
        classes: The subfolders that count, in the order of their numbers; by default all, sorted.
        class_mode: How a label is written: `"categorical"`, `"binary"` or `"sparse"`; `"input"` gives the image
            itself; `None` gives images alone.
        batch_size: Images a batch.
        shuffle: Whether each epoch has another order.
        seed: What orders and changes are drawn from.
        data_format: Where the channels are.
        save_to_dir: A folder that the changed images are written into.
        save_prefix: What their names begin with.
        save_format: What their names end with.
        follow_links: Whether to go into folders that are links.
        subset: `"training"` or `"validation"`, where the generator has a `validation_split`.
        interpolation: How images are brought to their size, see `load_img`.
        keep_aspect_ratio: Whether to cut them rather than to squeeze them.
        dtype: The dtype of the images.

    Raises:
        ValueError: A word means nothing here.
        FileNotFoundError: There is no such folder.
    """

    def __init__(
        self,
        directory: str,
        image_data_generator: Changes | None,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: str | None = None,
    ) -> None:
        self._settle(
            image_data_generator, target_size, color_mode, data_format,
            (save_to_dir, save_prefix, save_format), (interpolation, keep_aspect_ratio), dtype,
        )  # fmt: skip
        self.directory, self.class_mode = directory, _mode(class_mode, _FOLDER_MODES)
        names = classes or sorted(e.name for e in os.scandir(directory) if e.is_dir())
        self.class_indices = {name: i for i, name in enumerate(names)}
        self.filepaths, numbers = [], []
        split = None if subset is None else split_of(image_data_generator, subset)
        for number, name in enumerate(names):
            paths = files_in(directory, name, _ENDINGS, follow_links)
            if split is not None:  # Of each class, so that both parts have all of them.
                cut = int(split * len(paths))
                paths = paths[:cut] if subset == "validation" else paths[cut:]
            self.filepaths += paths
            numbers += [number] * len(paths)
        self.classes = np.array(numbers, np.int32)
        self.filenames = [os.path.relpath(path, directory) for path in self.filepaths]
        print(f"Found {self.samples} images belonging to {self.num_classes} classes.")
        super().__init__(self.samples, batch_size, shuffle, seed)


class DataFrameIterator(_ImageFiles):
    """Batches of the images that a table of pandas names.

    Args:
        dataframe: The table.
        directory: The folder that the names of files are in.
        image_data_generator: Changes the images.
        x_col: The column of the files' names.
        y_col: The column of what belongs to each; several, in a list, for `"multi_output"` or `"raw"`.
        weight_col: The column of the weights.
        target_size: The height and width that all are brought to.
        color_mode: `"rgb"`, `"rgba"` or `"grayscale"`.
        classes: The classes that count, in the order of their numbers; by default all, sorted.
        class_mode: `"categorical"`, `"binary"`, `"sparse"`, `"input"`, `"raw"`, `"multi_output"` or `None`.
        batch_size: Images a batch.
        shuffle: Whether each epoch has another order.
        seed: What orders and changes are drawn from.
        data_format: Where the channels are.
        save_to_dir: A folder that the changed images are written into.
        save_prefix: What their names begin with.
        save_format: What their names end with.
        subset: `"training"` or `"validation"`, where the generator has a `validation_split`.
        interpolation: How images are brought to their size.
        keep_aspect_ratio: Whether to cut them rather than to squeeze them.
        dtype: The dtype of the images.
        validate_filenames: Whether to leave out files that are not there, with a warning.

    Raises:
        ValueError: A word means nothing here, a column is missing, or there are not two classes for `"binary"`.

    Warns:
        UserWarning: Files are left out.
    """

    def __init__(
        self,
        dataframe: Any,
        directory: str | None = None,
        image_data_generator: Changes | None = None,
        x_col: str = "filename",
        y_col: str | Sequence[str] = "class",
        weight_col: str | None = None,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: str | None = "channels_last",
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: str | None = "float32",
        validate_filenames: bool = True,
    ) -> None:
        self._settle(
            image_data_generator, target_size, color_mode, data_format,
            (save_to_dir, save_prefix, save_format), (interpolation, keep_aspect_ratio), dtype,
        )  # fmt: skip
        self.class_mode = _mode(class_mode, _TABLE_MODES)
        labeled = class_mode in ("categorical", "binary", "sparse")
        answers = labeled or class_mode in ("raw", "multi_output")
        columns = [y_col] if isinstance(y_col, str) else list(y_col)
        for column in (x_col, *(columns if answers else ()), *([weight_col] if weight_col else ())):
            if column not in dataframe:
                raise ValueError(
                    f"The table has no column {column!r}. {suggest(str(column), map(str, dataframe))}"
                )
        folder = directory or ""
        rows = list(range(len(dataframe)))
        names = dataframe[x_col].tolist()
        if validate_filenames:
            rows = _found(rows, [os.path.join(folder, name) for name in names], x_col)
        self.class_indices = {}
        numbers: dict[int, list[int]] = {}  # Of each row, those of its classes.
        if labeled:
            given = dataframe[columns[0]].tolist()
            self.class_indices, numbers = _numbered(given, rows, classes, class_mode)
            rows = list(numbers)
        if subset is not None:
            cut = int(split_of(image_data_generator, subset) * len(rows))
            rows = rows[:cut] if subset == "validation" else rows[cut:]
        if labeled:
            # Keras has one number a row, and lists of them where a row anywhere has several classes.
            single = not any(isinstance(given[i], tuple | list) for i in rows)
            self.classes = [numbers[i][0] if single else numbers[i] for i in rows]
        elif class_mode == "multi_output":
            self.classes = [np.array(dataframe[c].iloc[rows].tolist()) for c in columns]
        elif class_mode == "raw":
            self.classes = dataframe[y_col if isinstance(y_col, str) else columns].iloc[rows].values
        if weight_col:
            self.sample_weight = dataframe[weight_col].iloc[rows].to_numpy()
        self.filenames = [names[i] for i in rows]
        self.filepaths = [os.path.join(folder, name) for name in self.filenames]
        of_classes = f" belonging to {self.num_classes} classes" if labeled else ""
        kind = "validated" if validate_filenames else "non-validated"
        print(f"Found {self.samples} {kind} image filenames{of_classes}.")
        super().__init__(self.samples, batch_size, shuffle, seed)


def _mode(class_mode: str | None, known: tuple[str | None, ...]) -> str | None:
    if class_mode not in known:
        words = [word for word in known if word]
        raise ValueError(
            f"`class_mode` is one of {known}; got {class_mode!r}. {suggest(str(class_mode), words)}"
        )
    return class_mode


def _found(rows: list[int], paths: list[str], column: str) -> list[int]:
    """Return the rows whose files are there, with a warning where some are not."""
    there = [i for i in rows if _is_image(paths[i])]
    if len(there) < len(rows):
        warnings.warn(
            f"{len(rows) - len(there)} of the {len(rows)} files in the column {column!r} are not there or no "
            "images, and are left out.",
            UserWarning,
            stacklevel=4,  # Where `flow_from_dataframe` is called.
        )
    return there


def _numbered(
    given: list[Any], rows: list[int], classes: Sequence[str] | None, class_mode: str | None
) -> tuple[dict[str, int], dict[int, list[int]]]:
    """Return the classes' numbers, and those of each row that has a class which counts."""
    lists = [list(v) if isinstance(v, tuple | list) else [v] for v in given]
    known = list(classes or sorted({name for i in rows for name in lists[i]}))
    if class_mode == "binary" and len(known) != 2:
        raise ValueError(
            f"class_mode='binary' is for two classes; there are {len(known)}: {known[:8]}."
        )
    number = {name: i for i, name in enumerate(known)}
    found = {i: [number[name] for name in lists[i] if name in number] for i in rows}
    return number, {i: mine for i, mine in found.items() if mine}


def _is_image(path: str) -> bool:
    return path.lower().endswith(_ENDINGS) and os.path.isfile(path)
