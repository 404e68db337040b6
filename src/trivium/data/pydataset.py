"""`PyDataset`: batches made by Python code, one by one, in threads or in processes."""

from __future__ import annotations

import collections
import itertools
import multiprocessing
import pickle
import signal
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent import futures
from typing import Any

from trivium.data.checks import check_count, placed

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
    executor, get = _start(dataset)
    waiting: collections.deque[tuple[int, futures.Future]] = collections.deque()
    try:
        for index in indices:
            waiting.append((index, executor.submit(get, index)))
            if len(waiting) >= dataset.max_queue_size:
                yield _result(*waiting.popleft(), name)
        while waiting:
            yield _result(*waiting.popleft(), name)
    except futures.BrokenExecutor as error:
        raise RuntimeError(
            f"A worker process of {name} ended without a word. Either it was killed (out of "
            "memory?), or the script starts itself anew in each process: put its body under "
            "`if __name__ == '__main__':`, or leave use_multiprocessing out, which gives threads."
        ) from error
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _result(index: int, future: futures.Future, name: str) -> tuple[int, Any]:
    with placed(f"batch {index} of {name}"):
        return index, future.result()


def _start(dataset: PyDataset) -> tuple[futures.Executor, Callable[[int], Any]]:
    if not dataset.use_multiprocessing:
        return futures.ThreadPoolExecutor(dataset.workers, "dataset"), dataset.__getitem__
    # Fresh processes: a plain fork would copy JAX's locks without the threads that hold them.
    known = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in known else "spawn")
    try:
        pickled = pickle.dumps(dataset)
    except Exception as error:
        error.add_note(
            f"use_multiprocessing=True sends {type(dataset).__name__} to other processes, for "
            "which it must be possible to pickle it: define its class at the top of a module, open "
            "files in __getitem__, or use threads."
        )
        raise
    executor = futures.ProcessPoolExecutor(
        dataset.workers, context, initializer=_receive, initargs=(pickled,)
    )
    return executor, _get


_received: bytes | PyDataset = b""


def _receive(pickled: bytes) -> None:
    """Keep the dataset of a worker process; Ctrl-C is for the process that trains."""
    global _received
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _received = pickled


def _get(index: int) -> Any:
    """Make a batch in a worker; the first one unpickles the dataset: its errors get home."""
    global _received
    if isinstance(_received, bytes):
        try:
            _received = pickle.loads(_received)
        except (AttributeError, ImportError) as error:
            error.add_note(
                "use_multiprocessing=True needs a dataset class that other processes can import: "
                "define it in a module file, not in a notebook or a prompt, or use threads."
            )
            raise
    return _received[index]
