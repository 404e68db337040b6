"""What happens to the elements of a pipeline, one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

from trivium.data.pipeline.base import Pipeline
from trivium.data.pipeline.failures import ErrorLog
from trivium.data.pipeline.functions import MapFunction, worker_count

if TYPE_CHECKING:
    from trivium.data.pipeline.dataset import Dataset

__all__ = ["Mapped"]


class Mapped(Pipeline):
    """The methods that call functions on elements."""

    def map(
        self,
        map_func: Callable[..., Any],
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        *,
        processes: bool = False,
    ) -> Self:
        """Apply a function to each element.

        On rows of arrays, before `batch`, the function is traced once for a whole batch where that is possible.
        Elsewhere, and where it is not (files, text, NumPy, Python's `if` on a value), it is called for each element:
        in workers, ahead of whoever reads, if `num_parallel_calls` says so. Threads suit functions that read files,
        decode images or compute in NumPy, all of which let other threads run meanwhile; processes suit functions that
        compute in Python itself.

        An element whose function raises is reported when it is reached, with its number, the texts in it (its path)
        and the traceback of the function; `ignore_errors` leaves it out.

        Args:
            map_func: Takes an element, a tuple's entries as its arguments.
            num_parallel_calls: How many calls run at the same time; -1 for one on each processor; `None` makes each
                element when it is asked for.
            deterministic: Whether the elements keep their order, which is the default. With `False` those that are
                ready come first, and no seed repeats that.
            processes: Whether the workers are processes. The function is pickled to them, so it stands in a module,
                and elements and results are copied; starting them takes about a second a pass.

        Example:
            >>> from trivium.data import Dataset
            >>> [e.item() for e in Dataset.range(3).map(lambda i: i * 10, num_parallel_calls=2)]
            [0, 10, 20]
        """
        workers = worker_count(num_parallel_calls)
        if processes and not workers:
            workers = worker_count(-1)
        function = MapFunction(map_func, workers, deterministic is not False, processes)
        return self._then(self._elements.map(function))

    def ignore_errors(self, log_warning: bool = False) -> Self:
        """Leave out the elements that could not be made, and count them.

        `dataset.errors` says which these were, and why, in this dataset and all that are made of it.

        Args:
            log_warning: Whether to warn of each on the logger `trivium.data`, too.

        Example:
            >>> from trivium.data import Dataset
            >>> ds = Dataset.range(3).map(lambda i: 6 // int(i)).ignore_errors()
            >>> [e.item() for e in ds], ds.errors.count
            ([6, 3], 1)
        """
        log = ErrorLog()
        made = self._then(self._elements.ignore_errors(log, bool(log_warning)))
        made._logs += (log,)
        return made

    def filter(self, predicate: Callable[..., Any]) -> Self:
        """Keep the elements for which a function says so.

        Args:
            predicate: Takes an element and returns a truth value.

        Example:
            >>> from trivium.data import Dataset
            >>> [e.item() for e in Dataset.range(5).filter(lambda i: i % 2 == 1)]
            [1, 3]
        """
        return self._then(self._elements.filter(predicate))

    def flat_map(self, map_func: Callable[..., Dataset]) -> Self:
        """Put the datasets that a function makes of the elements one behind the other.

        Args:
            map_func: Takes an element and returns a dataset.

        Example:
            >>> from trivium.data import Dataset
            >>> [e.item() for e in Dataset.range(3).flat_map(lambda i: Dataset.range(int(i)))]
            [0, 0, 1]
        """
        return self._then(self._elements.flat_map(lambda *e: map_func(*e)._elements))

    def enumerate(self, start: int = 0) -> Self:
        """Put a number before each element.

        Args:
            start: The first number.

        Example:
            >>> from trivium.data import Dataset
            >>> [(i.item(), e.item()) for i, e in Dataset.range(5, 7).enumerate()]
            [(0, 5), (1, 6)]
        """
        return self._then(self._elements.enumerate(start))

    def apply(self, transformation_func: Callable[[Self], Dataset]) -> Dataset:
        """Return what a function makes of the dataset.

        Args:
            transformation_func: Takes a dataset and returns one.

        Example:
            >>> from trivium.data import Dataset
            >>> [e.item() for e in Dataset.range(5).apply(lambda ds: ds.take(1))]
            [0]
        """
        return transformation_func(self)
