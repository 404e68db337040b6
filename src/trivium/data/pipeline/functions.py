"""Users' functions over elements: called one by one, in workers, or traced once for a whole batch."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from trivium.data.checks import DataError
from trivium.data.orders import OrderKey
from trivium.data.pipeline.elements import (
    as_arrays,
    as_tensors,
    call_on,
    map_arrays,
    row,
    stack,
)
from trivium.data.pipeline.failures import Failed, failed_in
from trivium.data.workers import cpu_count, in_workers

__all__ = ["MapFunction", "Spot", "stacked", "text_of", "worker_count"]


class Spot(NamedTuple):
    """Where an element is: its place in the pass, and its number in what it comes from."""

    place: int
    number: int


# A spot or, for a batch of rows, the spots of all; and the element.
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


def _apply(function: Callable[..., Any], element: Any) -> Any:
    return as_arrays(call_on(function, as_tensors(element)))


def _apply_numbered(function: Callable[..., Any], numbered: Numbered) -> Any:
    return _apply(function, numbered[1])


def _has_failed(numbered: Numbered) -> bool:
    return isinstance(numbered[1], Failed)


class MapFunction:
    """A function that is applied to each element.

    Args:
        function: The function.
        workers: How many calls run at the same time, ahead of whoever reads; 0 calls it when its result is asked for.
        ordered: Whether the workers' results come in the order of the elements.
        processes: Whether the workers are processes.

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
    ) -> None:
        self.function = function
        self.workers, self.ordered, self.processes = workers, ordered, processes
        self.name = f"map({getattr(function, '__name__', type(function).__name__)})"
        self._fresh = True
        self._compiled: Any = jax.jit(jax.vmap(lambda element: call_on(function, element)))

    def results(
        self,
        numbered: Iterable[Numbered],
        key: OrderKey,
        stage: int,
        origin: Callable[[int], Any] | None = None,
    ) -> Iterator[Numbered]:
        """Yield what the function makes of elements, each with its spot; a `Failed` stays what it is.

        Args:
            numbered: Spots and elements.
            key: What the orders of this pass follow from.
            stage: How many functions come before.
            origin: Gives what the element of a number was at the beginning, for messages.
        """

        def failed(spot: Spot, element: Any, error: Exception) -> Failed:
            element = element if origin is None else origin(spot.number)
            return Failed(error, self._place(spot.number, element))

        numbered = iter(numbered)
        # The very first element is made alone: layers in the function are built by it, in this thread.
        here = 1 if self._fresh and not self.processes else 0
        self._fresh = False
        for spot, element in itertools.islice(numbered, here if self.workers else None):
            if not isinstance(element, Failed):
                try:
                    element = _apply(self.function, element)
                except Exception as error:
                    element = failed(spot, element, error)
            yield spot, element
        if not self.workers:
            return
        work = in_workers(
            partial(_apply_numbered, self.function), numbered, self.workers, unless=_has_failed,
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
        origin: Callable[[int], Any],
    ) -> Iterator[Numbered]:
        """Yield what the function of a row makes of batches: traced once for all rows, where that works.

        Args:
            batches: The spots of the rows and the rows, side by side.
            key: As for `results`.
            stage: As for `results`.
            origin: As for `results`.
        """
        batches = iter(batches)
        for spots, batch in batches:
            result = batch if isinstance(batch, Failed) else self._traced(batch)
            if result is None:
                # Python's `if` on a value, NumPy, files, text: what is wrong with a row itself shows there.
                batches = itertools.chain([(spots, batch)], batches)
                yield from self._row_by_row(batches, key, stage, origin)
                return
            yield spots, result

    def _traced(self, batch: Any) -> Any:
        if self._compiled is not None:
            try:
                return self._compiled(as_tensors(batch))
            except Exception:
                self._compiled = None
        return None

    def _row_by_row(
        self,
        batches: Iterable[Numbered],
        key: OrderKey,
        stage: int,
        origin: Callable[[int], Any],
    ) -> Iterator[Numbered]:
        # The batches whose rows are on their way, with the number of these; workers are ahead of who reads.
        waiting: collections.deque[tuple[Any, int]] = collections.deque()

        def rows() -> Iterator[Numbered]:
            for spots, batch in batches:
                if isinstance(batch, Failed):
                    waiting.append((spots, 1))
                    yield spots, batch
                else:
                    waiting.append((spots, len(spots)))
                    yield from ((spot, row(batch, i)) for i, spot in enumerate(spots))

        results = (result for _, result in self.results(rows(), key, stage, origin))
        for first in results:
            spots, count = waiting.popleft()
            batch = [first, *itertools.islice(results, count - 1)]
            yield spots, stacked(batch, [spot.number for spot in spots])

    def _place(self, number: Any, element: Any) -> str:
        text = text_of(element)
        return f"element {number}{f' ({text})' if text else ''} of the Dataset, in {self.name}"


def text_of(element: Any) -> str:
    """Return the texts in an element, such as the path that it is read from, for messages.

    Example:
        >>> text_of((np.array("cats/3.jpg"), 1))
        "'cats/3.jpg'"
    """
    found: list[str] = []

    def look(value: Any) -> None:
        if (
            getattr(value, "ndim", 0) == 0
            and getattr(getattr(value, "dtype", None), "kind", "") in "OSUT"
        ):
            value = np.asarray(value).item()
        if isinstance(value, str | bytes):
            found.append(repr(value if len(value) <= 200 else value[:200]))

    if not isinstance(element, Failed):
        map_arrays(look, element)
    return ", ".join(found)


def stacked(elements: list[Any], numbers: Any) -> Any:
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
