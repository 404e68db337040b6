"""What happens to the elements of a pipeline, one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Self

import jax
import numpy as np

from trivium.data.orders import OrderKey
from trivium.data.pipeline.base import Pipeline
from trivium.data.pipeline.elements import as_arrays, as_tensors, call_on
from trivium.data.pipeline.failures import ErrorLog, Failed, place_of
from trivium.data.pipeline.functions import MapFunction, name_of, worker_count
from trivium.data.pipeline.stages import UNKNOWN, skipping
from trivium.state.types import Tree

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

        On rows of arrays, before `batch`, the function is traced once for a whole batch where that is possible, and
        on their batches, or those of files, it is compiled.
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
        if not callable(map_func):
            raise TypeError(f"`map_func` is a function of an element; got {map_func!r}.")
        workers = worker_count(num_parallel_calls)
        if processes and not workers:
            workers = worker_count(-1)
        function = MapFunction(map_func, workers, deterministic is not False, processes)
        return self._then(self._elements.map(function))

    def random_map(
        self,
        map_func: Callable[..., Any],
        seed: int | None = None,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        *,
        processes: bool = False,
    ) -> Self:
        """Apply a function to each element and to a NumPy generator that is the element's own.

        The generator follows from the seed, the pass and the place of the element in it, so that the same elements
        come out whatever the workers do, each pass has others, and a resumed run goes on with those of the first.

        Args:
            map_func: Takes a `numpy.random.Generator` and an element, a tuple's entries as further arguments.
            seed: A seed of its own, in place of the global one.
            num_parallel_calls: As for `map`.
            deterministic: As for `map`.
            processes: As for `map`.

        Example:
            >>> from trivium.data import Dataset
            >>> ds = Dataset.range(3).random_map(lambda rng, i: i + rng.uniform(), seed=1, num_parallel_calls=2)
            >>> [int(e) for e in ds]
            [0, 1, 2]
        """
        workers = worker_count(num_parallel_calls)
        if processes and not workers:
            workers = worker_count(-1)
        function = MapFunction(
            map_func, workers, deterministic is not False, processes, random=True, seed=seed
        )
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

    def scan(self, initial_state: Tree, scan_func: Callable[[Any, Any], tuple[Any, Any]]) -> Self:
        """Apply a function that carries something on from element to element.

        Args:
            initial_state: What the first call gets.
            scan_func: Takes what is carried and an element; returns what is carried on, and the new element.

        Example:
            >>> from trivium.data import Dataset
            >>> [e.item() for e in Dataset.range(1, 5).scan(0, lambda total, i: (total + i, total + i))]
            [1, 3, 6, 10]
        """

        def read(key: OrderKey) -> Iterator[Any]:
            state = as_tensors(initial_state)
            for number, element in enumerate(self._elements.read(key)):
                if isinstance(element, Failed):
                    yield element
                    continue
                try:
                    state, made = scan_func(state, as_tensors(element))
                except Exception as error:
                    # What is carried would be missing from here on.
                    yield Failed(error, place_of(number, element, f"scan({name_of(scan_func)})"))
                    return
                yield as_arrays(made)

        return self._then(self._elements.then(skipping(read)))

    def unique(self) -> Self:
        """Leave out elements that have come before; what came is remembered, so all of it has to fit into memory.

        Example:
            >>> from trivium.data import Dataset
            >>> [e.item() for e in Dataset.from_tensor_slices([1, 2, 1, 3]).unique()]
            [1, 2, 3]
        """

        def read(key: OrderKey) -> Iterator[Any]:
            seen: set[Any] = set()
            for element in self._elements.read(key):
                if not isinstance(element, Failed):
                    mark = tuple(_mark(a) for a in jax.tree.leaves(element))
                    if mark in seen:
                        continue
                    seen.add(mark)
                yield element

        return self._then(self._elements.then(skipping(read), UNKNOWN))

    def rejection_resample(
        self,
        class_func: Callable[..., Any],
        target_dist: Any,
        initial_dist: Any = None,
        seed: int | None = None,
    ) -> Self:
        """Leave elements out by chance, so that classes come in given shares.

        Args:
            class_func: Takes an element and returns its class, a whole number.
            target_dist: The shares that are wanted, one a class.
            initial_dist: The shares that there are; where they are not given, those of the elements so far.
            seed: A seed of its own, in place of the global one.

        Returns:
            A dataset of pairs, the class and the element.

        Example:
            >>> from trivium.data import Dataset
            >>> ds = Dataset.range(1000).map(lambda i: i % 10 == 0).rejection_resample(int, [0.5, 0.5], [0.9, 0.1])
            >>> 0.35 < np.mean([int(c) for c, _ in ds]) < 0.65
            np.True_
        """
        target = np.asarray(target_dist, float)
        given = None if initial_dist is None else np.asarray(initial_dist, float)
        stage = self._elements.shuffles + 1

        def read(key: OrderKey) -> Iterator[Any]:
            draws = key.generator(seed, stage)
            seen = np.zeros(len(target))
            for element in self._elements.read(key):
                if isinstance(element, Failed):
                    yield element
                    continue
                number = int(call_on(class_func, as_tensors(element)))
                seen[number] += 1
                shares = seen / seen.sum() if given is None else given
                # How often each is kept, in proportion: the one that is rarest against its target always.
                wanted = np.divide(target, shares, out=np.zeros_like(target), where=shares > 0)
                if draws.random() * wanted.max() < wanted[number]:
                    yield np.int32(number), element

        return self._then(self._elements.then(skipping(read), UNKNOWN))


def _mark(array: Any) -> Any:
    """Return what two equal arrays have alike."""
    array = np.asarray(array)
    content = tuple(array.ravel().tolist()) if array.dtype.kind in "OUT" else array.tobytes()
    return array.shape, str(array.dtype), content
