"""Files as elements of a pipeline, read by threads ahead of whoever asks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np

from trivium.data.checks import DataError
from trivium.data.pipeline import Dataset
from trivium.data.pipeline.base import Pipeline
from trivium.data.pipeline.failures import ErrorLog, Failed
from trivium.data.pipeline.stages import Elements
from trivium.data.workers import cpu_count
from trivium.preprocessing.loaders.folders import Files
from trivium.preprocessing.numbered import Columns, Numbered, numbers_of

__all__ = ["FolderDataset", "datasets_of"]


class FolderDataset(Dataset):
    """A `data.Dataset` of the files in a folder.

    Attributes:
        class_names: What the classes are called, by their numbers; `None` where there are no labels. What is made of
            the dataset by `map`, `take` and their like has it, too.
        file_paths: The files, in the order that they were found or first mixed in.
    """

    class_names: list[str] | None = None
    file_paths: list[str]

    def _then(self, elements: Elements, *others: Pipeline) -> Self:
        made = super()._then(elements, *others)
        made.class_names = self.class_names
        return made


class _Reader:
    """Reads files by their numbers.

    Args:
        files: All files.
        read: Reads one.
        log: Where a file is noted that cannot be read and is left out; without it, that is an error.
    """

    def __init__(self, files: Files, read: Callable[[str], Any], log: ErrorLog | None) -> None:
        self.files, self.read, self.log = files, read, log
        self._noted: set[str] = set()
        self._lock = threading.Lock()  # Files are read by several threads.

    def __call__(self, numbers: np.ndarray) -> Columns | None:
        """Return what the files say, and their labels; `None` where none of them could be read."""
        found, kept = [], []
        for number in numbers:
            try:
                found.append(self.read(self.files.paths[number]))
                kept.append(number)
            except DataError as error:
                if self.log is None:
                    raise
                self._note(self.log, self.files.paths[number], error)
        if not found:
            return None
        return [found] if self.files.labels is None else [found, self.files.labels[kept]]

    def _note(self, log: ErrorLog, path: str, error: DataError) -> None:
        with self._lock:
            # Said once, however many epochs come by.
            log.note(Failed(error, path), warn=path not in self._noted)
            self._noted.add(path)


def datasets_of(
    parts: Sequence[Files],
    read: Callable[[str], Any],
    join: Callable[[list[Any]], Any],
    *,
    batch_size: int | None,
    shuffle: bool,
    errors: str,
) -> Any:
    """Return a dataset of files; or, of two lots of files, a list of two, the second in one order always.

    Args:
        parts: The files and their labels.
        read: Reads one file; raises a `DataError` where that cannot be done.
        join: Puts what was read of several files into one batch.
        batch_size: How many files make a batch; `None` for files one by one.
        shuffle: Whether each pass over the first files has an order of its own.
        errors: What becomes of files that cannot be read: `"raise"` an error, or `"skip"` the file.
    """
    datasets = []
    for i, files in enumerate(parts):
        log = ErrorLog() if errors == "skip" else None
        elements = Numbered(
            numbers_of(len(files.paths), shuffle and i == 0, files.seed),
            _Reader(files, read, log),
            lambda columns: [join(columns[0]), *columns[1:]],
            batch_size,
            cpu_count(),
            files.folder,
        )
        dataset = FolderDataset(elements, () if log is None else (log,))
        dataset.class_names, dataset.file_paths = files.class_names, list(files.paths)
        datasets.append(dataset)
    return datasets if len(datasets) > 1 else datasets[0]
