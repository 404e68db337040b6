"""Texts from a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trivium.data.checks import check_count
from trivium.preprocessing.errors import unreadable
from trivium.preprocessing.loaders.folders import (
    LabelMode,
    Labels,
    Subset,
    check_format,
    check_reading,
    find_files,
)

__all__ = ["text_dataset_from_directory"]


def text_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Labels = "inferred",
    label_mode: LabelMode = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: Subset = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
    *,
    errors: str = "raise",
) -> Any:
    """Make a dataset of the texts in a folder: each subfolder is a class, each `.txt` file in UTF-8 a text.

    The arguments that are not explained here are those of `image_dataset_from_directory`.

    Args:
        directory: The folder.
        labels: `"inferred"`, a list of whole numbers, or `None`.
        label_mode: `"int"`, `"categorical"`, `"binary"` or `None`.
        class_names: The subfolders that count, in the order of their numbers.
        batch_size: Texts a batch; `None` for texts one by one.
        max_length: How many characters of a text are kept, from its beginning; by default all.
        shuffle: Whether to mix the texts.
        seed: What the order is drawn from.
        validation_split: The part that is kept for validation.
        subset: `"training"`, `"validation"` or `"both"`.
        follow_links: Whether to go into folders that are links.
        format: `"tf"` or `"grain"`, as in Keras; the dataset is the same.
        verbose: Whether to say how many files and classes there are.
        errors: What becomes of a file that cannot be read: `"raise"` or `"skip"`.

    Returns:
        A `data.Dataset` of `(texts, labels)`, or of texts alone. `texts` is a NumPy array of Python's strings, of shape
        `(batch,)`. It has `class_names` and `file_paths`.

    Raises:
        ValueError: An argument makes no sense, or not with the files that are there. Nothing has been read then.
        FileNotFoundError: There is no such folder.
        DataError: While reading: a file is not in UTF-8.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("good", "bad"):
        ...         os.mkdir(f"{folder}/{name}")
        ...         _ = Path(folder, name, "1.txt").write_text(f"a {name} film")
        ...     dataset = text_dataset_from_directory(folder, shuffle=False, verbose=False)
        ...     [(x.tolist(), y.tolist()) for x, y in dataset]
        [(['a bad film', 'a good film'], [0, 1])]
    """
    length = check_count("max_length", max_length)
    check_format(format)
    from trivium.preprocessing.loaders.reading import datasets_of

    size_of_batch = check_reading(batch_size, errors)
    parts = find_files(
        directory, labels, formats=(".txt",), what="texts", label_mode=label_mode, class_names=class_names,
        shuffle=shuffle, seed=seed, validation_split=validation_split, subset=subset,
        follow_links=follow_links, verbose=verbose,
    )  # fmt: skip

    def read(path: str) -> np.ndarray:
        try:
            return np.array(Path(path).read_text("utf-8")[:length], dtype=object)
        except (OSError, UnicodeDecodeError) as error:
            raise unreadable(path, error, "text in UTF-8") from error

    return datasets_of(
        parts, read, np.stack, batch_size=size_of_batch, shuffle=shuffle, errors=errors
    )
