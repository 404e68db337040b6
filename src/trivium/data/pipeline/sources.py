"""How `fit` reads a pipeline: batches of rows as arrays with an order, all else as a stream."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import Any

import jax
import numpy as np

from trivium.data.checks import DataError
from trivium.data.orders import OrderKey, gathered
from trivium.data.packing import standardize
from trivium.data.pipeline.failures import raising
from trivium.data.pipeline.rows import Batches, Rows
from trivium.data.pipeline.stages import INFINITE, Elements
from trivium.data.sources import ArraySource, BatchedSource
from trivium.data.streams import IterableSource
from trivium.data.workers import close
from trivium.state.plain import host_randomness, same
from trivium.state.types import Tree

__all__ = ["PipelineSource", "RowsSource"]

# How many batches, and how many bytes of them, are read ahead of the device: about what one chunk takes.
_AHEAD, _AHEAD_BYTES = 64, 1 << 25


class RowsSource(ArraySource):
    """Batches of rows as arrays with an order, which the engine takes as a whole.

    Args:
        batches: The batches, without functions between them and the arrays.
        what: Where the data was given.
        steps: The most batches that an epoch takes.
        class_weight: Weights of classes.
    """

    in_order = False  # The order is the pipeline's.

    def __init__(
        self,
        batches: Batches,
        *,
        what: str,
        steps: int | None,
        class_weight: Mapping[int, float] | None,
    ) -> None:
        x, y, weight = (*_entries(batches.rows.arrays), None, None)[:3]
        self._hold(standardize(x, y, weight, class_weight))
        self._batches = batches
        self._total = batches.length
        rows = min(batches.rows.length, self._total * batches.size)
        BatchedSource.__init__(
            self, what=what, num_batches=self._total, num_samples=rows,
            batch_size=batches.size, steps=steps,
        )  # fmt: skip

    def order(self, seed: int, step: int) -> np.ndarray:
        """Return which rows an epoch shows, in order."""
        first, stop, began = self._window(self._total, step)
        self._warn_if_short(stop - first)
        rows = gathered(self._batches.rows.blocks(OrderKey(seed, (began,))))
        order: np.ndarray = rows[first * self._batches.size : stop * self._batches.size]
        return order.astype(np.int32)


class _Feed:
    """Elements as the stream of one source.

    Attributes:
        key: What its next pass draws its orders from.
        skip: How many elements the next pass leaves out.
    """

    def __init__(self, elements: Elements) -> None:
        self.elements = elements
        self.key = OrderKey(0, (0,))
        self.skip = 0

    def __iter__(self) -> Iterator[Any]:
        skip, self.skip = self.skip, 0
        return (_entries(e) for e in raising(self.elements.read(self.key, skip)))

    def __len__(self) -> int:
        if self.elements.length < 0:
            raise TypeError("These elements have no length.")
        return self.elements.length


class PipelineSource(IterableSource):
    """A pipeline as a stream of batches, which a thread reads ahead of the device, epoch by epoch.

    Between two epochs there is no thread, and nothing has been read beyond the epoch: where the stream is, and where
    the process's randomness, is the same in each run.

    Args:
        elements: The batches.
        **kwargs: As `StreamSource` takes them.
    """

    def __init__(self, elements: Elements, **kwargs: Any) -> None:
        self._feed = _Feed(elements)
        self._ahead = 2
        super().__init__(self._feed, **kwargs)
        self._name = "the Dataset"

    def example(self) -> tuple:
        """Return a first batch; see `Source`."""
        batch = super().example()
        nbytes = sum(a.nbytes for a in jax.tree.leaves(batch))
        self._ahead = max(2, min(_AHEAD, _AHEAD_BYTES // max(1, nbytes)))
        return batch

    def _peek(self) -> tuple[int, Any] | None:
        entries = iter(self._feed)
        entry = next(entries, None)
        close(entries)
        return None if entry is None else (0, entry)

    def _standardize(self, index: int, item: Any) -> tuple:
        try:
            return super()._standardize(index, item)
        except DataError as error:
            if not isinstance(self._feed.elements, Rows):
                raise
            hint = "This Dataset gives its rows one by one; `.batch(32)` puts them together."
            raise DataError(f"{error}\n{hint}") from None

    def _items(self, seed: int, step: int, skip: int) -> Generator[tuple[int, Any], None, None]:
        self._feed.key = OrderKey(seed, (step,))
        epoch = super()._items
        return self.read_ahead(lambda: epoch(seed, step, skip), self._ahead)

    def _passed(self, count: int) -> Iterator[tuple[int, Any]]:
        before = host_randomness()
        first = self._next() if count else None
        if first is None:
            return
        yield first
        # Functions that draw from NumPy or Python have to draw for each batch, as they did in the other process.
        if count > 1 and self._can_leave_out(count - 1) and same(before, host_randomness()):
            assert self._iterator is not None
            close(self._iterator)
            key, self._feed.key = self._feed.key, OrderKey(*self._begun[:2])
            self._position += count - 1
            self._feed.skip = self._position
            self._iterator, self._feed.key = iter(self._feed), key
            yield from ((number, ()) for number in range(1, count))

    def _can_leave_out(self, count: int) -> bool:
        """Say whether so many batches more belong to the pass that is being read."""
        length = self._feed.elements.length
        return not self._goes_on or length == INFINITE or self._position + count <= length

    def _beginning(self) -> Any:
        return self._feed.key.seed, self._feed.key.steps, super()._beginning()

    def _begin_as(self, beginning: Any) -> None:
        seed, steps, randomness = beginning
        self._feed.key = OrderKey(seed, steps)
        super()._begin_as(randomness)


def _entries(element: Tree) -> tuple[Any, ...]:
    return element if isinstance(element, tuple) else (element,)
