"""`PyDataset`: batches made by Python code, one by one, in threads or in processes."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Generator, Iterable, Iterator
from typing import Any

from trivium.data.checks import check_count, placed
from trivium.data.workers import in_workers

__all__ = ["PyDataset", "fetch"]


class PyDataset:
    """A dataset whose batches your code makes: subclass it, write `__len__` and `__getitem__`.

    Write `num_batches` instead of `__len__` for a dataset without an end (`None`). `on_epoch_begin`
    and `on_epoch_end` are called around each epoch.

    Args:
        workers: How many batches are made at the same time; with 1, batches are made in turn, as
            they are needed.
        use_multiprocessing: Whether the workers are processes (for code that computes in Python)
            rather than threads (for code that reads files or computes in NumPy). Processes are
            started, and the dataset is pickled to them, anew for each epoch, which takes about a
            second.
        max_queue_size: How many batches may wait, or be in the making, ahead of the training.

    Raises:
        ValueError: A count is no whole number, or too small.

    Example:
        >>> import numpy as np
        >>> class Squares(PyDataset):
        ...     def __len__(self):
        ...         return 2
        ...     def __getitem__(self, index):
        ...         x = np.arange(3) + 3 * index
        ...         return x, x**2
        >>> [y.tolist() for x, y in Squares()]
        [[0, 1, 4], [9, 16, 25]]
    """

    # On the class, so that a subclass that does not call `super().__init__()` has them too.
    workers: int = 1
    use_multiprocessing: bool = False
    max_queue_size: int = 10

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        # 0 is Keras's other word for "in turn".
        self.workers = 0 if workers == 0 else check_count("workers", workers) or 1
        self.use_multiprocessing = bool(use_multiprocessing)
        self.max_queue_size = check_count("max_queue_size", max_queue_size) or 10

    def __getitem__(self, index: int) -> Any:
        """Return the batch number `index`: `(x,)`, `(x, y)` or `(x, y, sample_weight)`."""
        raise NotImplementedError(f"{type(self).__name__} needs a method __getitem__(self, index).")

    @property
    def num_batches(self) -> int | None:
        """The number of batches of an epoch; `None` for no end."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(
            f"{type(self).__name__} needs a method __len__(self), or a property num_batches that "
            "is None for a dataset without an end."
        )

    def __iter__(self) -> Iterator[Any]:
        count = self.num_batches
        for index in itertools.count() if count is None else range(count):
            yield self[index]

    def on_epoch_begin(self) -> None:
        """Called before each epoch."""

    def on_epoch_end(self) -> None:
        """Called after each epoch."""


def fetch(dataset: PyDataset, indices: Iterable[int]) -> Generator[tuple[int, Any], None, None]:
    """Yield batches in the order asked for, made ahead by the dataset's workers.

    The workers are gone when the iteration ends, whichever way it ends.

    Args:
        dataset: The dataset.
        indices: The batches' numbers.

    Yields:
        `(index, batch)`.

    Raises:
        Exception: What `__getitem__` raised, with the batch's number as a note.
        RuntimeError: A worker process died.

    Example:
        >>> import numpy as np
        >>> class Tens(PyDataset):
        ...     def __getitem__(self, index):
        ...         return (np.full(2, 10 * index),)
        >>> [batch[0].tolist() for _, batch in fetch(Tens(workers=2), [2, 0])]
        [[20, 20], [0, 0]]
    """
    name = type(dataset).__name__
    if dataset.workers <= 1 and not (dataset.workers and dataset.use_multiprocessing):
        for index in indices:
            with placed(f"batch {index} of {name}"):
                batch = dataset[index]
            yield index, batch
        return
    work = in_workers(
        dataset.__getitem__, indices, max(dataset.workers, 1), ahead=dataset.max_queue_size,
        processes=dataset.use_multiprocessing, name=name,
    )  # fmt: skip
    with contextlib.closing(work):
        for index, batch, error in work:
            with placed(f"batch {index} of {name}"):
                if error is not None:
                    raise error
            yield index, batch
