"""Users' functions over elements: called one by one, in workers, or traced once for a whole batch."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np

from trivium.data.checks import DataError
from trivium.data.orders import OrderKey
from trivium.data.pipeline.draws import (
    Root,
    drawing_for,
    generator_for,
    root_of,
)
from trivium.data.pipeline.elements import (
    as_arrays,
    as_element,
    as_tensors,
    call_on,
    on_host,
    row,
    stack,
)
from trivium.data.pipeline.failures import Failed, failed_in, place_of
from trivium.data.pipeline.traced import Traced
from trivium.data.workers import cpu_count, in_workers
from trivium.state.types import Tree

__all__ = ["MapFunction", "Spot", "Spots", "name_of", "stacked", "worker_count"]


def name_of(function: Callable[..., Any]) -> str:
    """Return what a function is called, for messages.

    Example:
        >>> name_of(max)
        'max'
    """
    return str(getattr(function, "__name__", type(function).__name__))


class Spot(NamedTuple):
    """Where an element is: its place in the pass, and its number in what it comes from."""

    place: int
    number: int


class Spots(NamedTuple):
    """Where the rows of a batch are: the place of the first, and their numbers."""

    first: int
    numbers: np.ndarray


# A spot, or for a batch of rows the spots of all, and the element.
Numbered = tuple[Any, Any]


def worker_count(calls: Any) -> int:
    """Return how many workers `num_parallel_calls` means: none for `None`, one a processor for -1.

    Raises:
        DataError: It is no such number.

    Example:
        >>> worker_count(None), worker_count(3)
        (0, 3)
    """
    if calls is None:
        return 0
    if (
        isinstance(calls, bool)
        or not isinstance(calls, int | np.integer)
        or calls < -1
        or calls == 0
    ):
        raise DataError(
            "`num_parallel_calls` is a whole number of at least 1, -1 (AUTOTUNE) for one call on each processor, or "
            f"None; got {calls!r}."
        )
    return cpu_count() if calls == -1 else int(calls)


class _Call:
    """A function as workers call it: on one element, with random numbers that are the element's own.

    Args:
        function: The function.
        root: What its random numbers follow from.
        random: Whether it takes a generator before the element.
        traced: The function traced, where that is to be tried.
    """

    def __init__(
        self, function: Callable[..., Any], root: Root, random: bool, traced: Traced | None
    ) -> None:
        self.function, self.root, self.random, self.traced = function, root, random, traced

    def __call__(self, numbered: Numbered) -> Any:
        (place, _), element = numbered
        if self.traced is not None:
            made = self.traced(element, self.root, np.asarray(place, np.uint32))
            if made is not None:
                return made
        with on_host(), drawing_for(self.root, place):
            element = as_tensors(element)
            if self.random:
                entries = element if isinstance(element, tuple) else (element,)
                result = self.function(generator_for(self.root, place), *entries)
            else:
                result = call_on(self.function, element)
            return as_arrays(as_element(result))


def _has_failed(numbered: Numbered) -> bool:
    return isinstance(numbered[1], Failed)


class MapFunction:
    """A function that is applied to each element.

    Args:
        function: The function.
        workers: How many calls run at the same time, ahead of whoever reads; 0 calls it when its result is asked for.
        ordered: Whether the workers' results come in the order of the elements.
        processes: Whether the workers are processes.
        random: Whether the function takes a NumPy generator before the element.
        seed: A seed of its own for what it draws, in place of the global one.

    Example:
        >>> numbered = [(Spot(0, 0), np.int32(-2))]
        >>> [e for _, e in MapFunction(abs, workers=2).results(numbered, OrderKey(0, (0,)), 0)]
        [Array(2, dtype=int32)]
    """

    def __init__(
        self,
        function: Callable[..., Any],
        workers: int = 0,
        ordered: bool = True,
        processes: bool = False,
        random: bool = False,
        seed: int | None = None,
    ) -> None:
        self.function = function
        self.random, self.seed = random, seed
        self.workers, self.ordered, self.processes = workers, ordered, processes
        self.name = f"map({name_of(function)})"
        self._fresh = True
        plain = random or processes
        self._rows = None if plain else Traced(function, rows=True)
        self._batches = None if plain else Traced(function, rows=False)

    def results(
        self,
        numbered: Iterable[Numbered],
        key: OrderKey,
        stage: int,
        origin: Callable[[int], Any] | None = None,
        alike: bool = False,
    ) -> Iterator[Numbered]:
        """Yield what the function makes of elements, each with its spot; a `Failed` stays what it is.

        Args:
            numbered: Spots and elements.
            key: What the orders of this pass follow from.
            stage: How many functions come before.
            origin: Gives what the element of a number was at the beginning, for messages.
            alike: Whether the elements have few shapes, as batches do: then the function is compiled if it can be.
        """

        def failed(spot: Spot, element: Tree, error: Exception) -> Failed:
            element = element if origin is None else origin(spot.number)
            return Failed(error, place_of(spot.number, element, self.name))

        numbered = iter(numbered)
        traced = self._batches if alike else None
        call = _Call(self.function, root_of(key, stage, self.seed), self.random, traced)
        # The very first element is made alone: layers in the function are built by it, in this thread.
        here = 1 if self._fresh and not self.processes else 0
        self._fresh = False
        for spot, element in itertools.islice(numbered, here if self.workers else None):
            if not isinstance(element, Failed):
                try:
                    element = call((spot, element))
                except Exception as error:
                    element = failed(spot, element, error)
            yield spot, element
        if not self.workers:
            return
        work = in_workers(
            call, numbered, self.workers, unless=_has_failed,
            ordered=self.ordered, processes=self.processes, name=self.name,
        )  # fmt: skip
        for (spot, element), result, problem in work:
            if isinstance(element, Failed):
                result = element
            yield spot, result if problem is None else failed(spot, element, problem)

    def over(
        self,
        batches: Iterable[Numbered],
        key: OrderKey,
        stage: int,
        origin: Callable[[int], Any] | None = None,
    ) -> Iterator[Numbered]:
        """Yield what the function of a row makes of batches: traced once for all rows, where that works.

        Args:
            batches: The spots of the rows and the rows, side by side.
            key: As for `results`.
            stage: As for `results`.
            origin: As for `results`.
        """
        batches = iter(batches)
        root = root_of(key, stage, self.seed)
        for spots, batch in batches:
            result = batch if isinstance(batch, Failed) else self._of_rows(batch, spots, root)
            if result is None:
                # Python's `if` on a value, NumPy, files, text: what is wrong with a row itself shows there.
                batches = itertools.chain([(spots, batch)], batches)
                yield from self._row_by_row(batches, key, stage, origin)
                return
            yield spots, result

    def _of_rows(self, batch: Tree, spots: Spots, root: Root) -> Any:
        """Return what the function makes of all rows at once; `None` where it has to be called on each."""
        places = np.arange(spots.first, spots.first + len(spots.numbers), dtype=np.uint32)
        return self._rows(batch, root, places) if self._rows is not None else None

    def _row_by_row(
        self,
        batches: Iterable[Numbered],
        key: OrderKey,
        stage: int,
        origin: Callable[[int], Any] | None = None,
    ) -> Iterator[Numbered]:
        # The batches whose rows are on their way, with the number of these; workers are ahead of who reads.
        waiting: collections.deque[tuple[Any, int]] = collections.deque()

        def rows() -> Iterator[Numbered]:
            for spots, batch in batches:
                if isinstance(batch, Failed):
                    waiting.append((spots, 1))
                    yield spots, batch
                else:
                    waiting.append((spots, len(spots.numbers)))
                    for i, number in enumerate(spots.numbers):
                        yield Spot(spots.first + i, number), row(batch, i)

        results = (result for _, result in self.results(rows(), key, stage, origin))
        for first in results:
            spots, count = waiting.popleft()
            batch = [first, *itertools.islice(results, count - 1)]
            yield spots, stacked(batch, spots.numbers)


def stacked(elements: list[Any], numbers: Any) -> Tree:
    """Return elements side by side on a new first axis, or what failed among them.

    Args:
        elements: The elements.
        numbers: Their numbers, for messages.
    """
    failed = failed_in(elements)
    if failed is not None:
        return failed
    try:
        return stack(elements)
    except ValueError as error:
        shapes = [jax.tree.map(np.shape, e) for e in elements]
        odd = next((i for i, s in enumerate(shapes) if s != shapes[0]), None)
        if odd is None:
            return Failed(error, f"the batch of the elements {numbers}")
        return Failed(
            DataError(
                f"Elements of one batch have different shapes: element {numbers[0]} has {shapes[0]}, element "
                f"{numbers[odd]} has {shapes[odd]}. Give them one shape in `map`, or use `padded_batch`."
            ),
            "a batch of the Dataset",
        )
