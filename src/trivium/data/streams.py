"""Streams: data that comes batch by batch, from generators and data loaders."""

from __future__ import annotations

import contextlib
import warnings
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

import numpy as np

from trivium.data.checks import DataError, placed
from trivium.data.lazy import dense
from trivium.data.packing import standardize, warn_nonfinite
from trivium.data.sources import BatchedSource
from trivium.data.sparse import is_sparse
from trivium.data.workers import close
from trivium.state import global_seed
from trivium.state.plain import host_randomness, set_host_randomness
from trivium.state.trees import map_leaves, named_leaves

__all__ = ["IterableSource", "StreamSource"]

# So many values of an array are looked at to tell a batch from another one.
_LOOKED_AT = 64


class StreamSource(BatchedSource):
    """Data that comes in batches.

    Args:
        name: What the data is, for messages.
        class_weight: Weights of classes, which become sample weights.
        **kwargs: As `BatchedSource` takes them.

    """

    def __init__(
        self, name: str, *, class_weight: Mapping[int, float] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._name = name
        self._class_weight = class_weight
        self._given = 0
        self._look_for_nan = True
        self._check: Callable[[tuple], None] | None = None
        self._example: tuple | None = None
        self._function: Callable[[Any], Any] | None = None

    def map_inputs(self, function: Callable[[Any], Any]) -> None:
        """Make the inputs of each batch into others as it comes, in the thread that reads it."""
        self._function = function
        if self._example is not None:
            self._example = self._mapped(self._example)

    def _mapped(self, batch: tuple) -> tuple:
        assert self._function is not None
        return (self._function(map_leaves(dense, batch[0])), *batch[1:])

    def batches(
        self, seed: int | None = None, step: int | None = None, skip: int = 0
    ) -> Iterator[tuple]:
        """Yield the batches of one epoch.

        Args:
            seed: The seed of a `PyDataset`'s order; the global seed by default.
            step: The number of steps taken before the epoch; by default, the batches that this
                source has given.
            skip: How many of the first batches to leave out: those that another process has used.

        Yields:
            `(x,)`, `(x, y)` or `(x, y, sample_weight)`, nested structures of NumPy arrays.

        Raises:
            DataError: A batch is not of this form, or the stream gives none at all.
        """
        seed = global_seed() if seed is None else seed
        step = self._given if step is None else step
        count, self._example = 0, None
        with contextlib.closing(self._items(seed, step, skip)) as items:
            self._reading = items
            for index, item in items:
                count += 1
                self._given += 1
                if count > skip:
                    yield self._standardize(index, item)
        if self._given == 0:
            raise self._no_batch()
        self._finish(count)

    def require(self, check: Callable[[tuple], None]) -> None:
        """Have each batch checked as it comes; see `Source`."""
        self._check = check

    def example(self) -> tuple:
        """Return a first batch, to build a model on; no epoch misses it.

        Raises:
            DataError: The batch is not of the right form, or there is none.
        """
        if self._example is None:
            entry = self._peek()
            if entry is None:
                raise self._no_batch()
            self._example = self._standardize(*entry)
        return self._example

    def _no_batch(self) -> DataError:
        return DataError(f"{self.what}: {self._name} gave no batch. Wanted at least one.")

    def _peek(self) -> tuple[int, Any] | None:
        """Return a batch as the user's code made it, with its number; `None` if there is none."""
        raise NotImplementedError

    def _items(self, seed: int, step: int, skip: int) -> Generator[tuple[int, Any], None, None]:
        """Yield an epoch's batches as the user's code made them, with their numbers.

        Of the first `skip` of them nothing is used, so that a source may give anything in their places.
        """
        raise NotImplementedError

    def _finish(self, count: int) -> None:
        """Close an epoch of `count` batches."""
        self._warn_if_short(count)

    def _standardize(self, index: int, item: Any) -> tuple:
        with placed(f"{self.what}: batch {index} of {self._name}"):
            issues: list[str] | None = [] if self._look_for_nan else None
            x, y, weight = (*self._entries(item), None, None)[:3]
            batch = standardize(x, y, weight, self._class_weight, issues=issues, batch=True)
            if self._function is not None:
                batch = self._mapped(batch)
            if self._check is not None:
                self._check(batch)
        if issues:
            self._look_for_nan = False
            warn_nonfinite(f"{self.what}: batch {index} of {self._name}", issues)
        return map_leaves(dense, batch)

    def _entries(self, item: Any) -> tuple:
        """Return a batch as a tuple of one to three entries."""
        if isinstance(item, Mapping) or hasattr(item, "__array__") or is_sparse(item):
            return (item,)
        if isinstance(item, tuple) and 1 <= len(item) <= 3:
            return item
        came = f"a {type(item).__name__}" + (
            f" of {len(item)}" if isinstance(item, list | tuple) else ""
        )
        raise DataError(
            f"got {came}; wanted a tuple: (x,), (x, y) or (x, y, sample_weight), each an array "
            "whose first dimension counts the batch's samples. Several inputs go into one list: "
            "([a, b], y)."
        )


class IterableSource(StreamSource):
    """A stream from an iterator, or from an object that can be iterated again for each epoch.

    Args:
        iterable: A generator, a data loader, anything with `__iter__`.
        **kwargs: As `StreamSource` takes them.

    Example:
        >>> def generate():
        ...     for i in range(3):
        ...         yield np.full((2, 1), i), np.zeros(2)
        >>> source = IterableSource(generate(), what="fit", steps=2)
        >>> [x.ravel().tolist() for x, y in source.batches()]
        [[0, 0], [1, 1]]
    """

    def __init__(self, iterable: Any, **kwargs: Any) -> None:
        super().__init__(f"the {type(iterable).__name__}", num_batches=_length(iterable), **kwargs)
        self._iterable = iterable
        self._once = hasattr(iterable, "__next__")
        self._iterator: Iterator[Any] | None = None
        self._position = 0
        self._kept: tuple[int, Any] | None = None
        self._begun: Any = None  # Where the randomness of the process was when the iterator began.
        self._first: int | None = None  # What the first batch of an iterator looks like.

    @property
    def _goes_on(self) -> bool:
        """Whether an epoch begins where the last one ended, being a part of the data; all else begins at the front."""
        return self._once or (self.what == "fit" and self.steps is not None)

    def place(self) -> dict[str, Any]:
        """Return how far into its data the stream is, and where the randomness was when it began with it."""
        if self._iterator is None or not (self._goes_on or self._kept is not None):
            return {"given": self._given, "position": 0, "begun": self._beginning()}
        position = self._position - (self._kept is not None)
        place = {"given": self._given, "position": position, "begun": self._begun}
        return place | ({} if self._first is None else {"first": self._first})

    def go_to(self, place: dict[str, Any]) -> None:
        """Read as far as `place` says; what has no place to seek to has to be read again."""
        self._given = place["given"]
        # An iterator of the user's has begun already, and goes on from what it began with.
        if not self._once:
            self._iterator = self._kept = None
            self._begin_as(place["begun"])
            for _ in self._passed(place["position"]):
                pass
        # What is not begun is left so where nothing was read: the first epoch begins it, with the randomness of then.
        while self._position < place["position"] or self._iterator is None:
            if self._iterator is None and not place["position"]:
                break
            if self._next() is None:
                raise DataError(
                    f"{self.what}: {self._name} ended after {self._position} batches; the run that is to go on had "
                    f"read {place['position']}. Give it the same data."
                )
        if place.get("first", self._first) != self._first:
            warnings.warn(
                f"{self.what}: {self._name} begins with another batch than in the run that is to go on, so the run "
                "will not end with the bits that it would have had. Let it draw from a seed that is the same in each "
                "process.",
                UserWarning,
                stacklevel=3,
            )
        if self._once and self._kept is None and self._position > place["position"]:
            raise DataError(f"{self.what}: {self._name} has been read from before; make it anew.")

    def close(self) -> None:
        """End what is being read; an iterator of the user's goes on to be theirs."""
        super().close()
        if not self._once and self._iterator is not None:
            close(self._iterator)
            self._iterator = None

    def _beginning(self) -> Any:
        """Return what a pass over the data follows from, when it begins now."""
        return host_randomness()

    def _begin_as(self, beginning: Any) -> None:
        set_host_randomness(beginning)

    def _items(self, seed: int, step: int, skip: int) -> Generator[tuple[int, Any], None, None]:
        # Unless `example` has begun this epoch with the batch that it keeps.
        if not self._goes_on and self._kept is None:
            self._iterator = None
        count = 0
        for passed in self._passed(skip):
            count += 1
            yield passed
        while self.most is None or count < self.most:
            fresh = self._iterator is None
            entry = self._next()
            # An epoch that finds the data at its end begins with it anew; one that has just begun it has no data, and
            # one with batches already does not reach beyond the last.
            if entry is None and (self._once or fresh or count):
                break
            if entry is not None:
                count += 1
                yield entry

    def _passed(self, count: int) -> Iterator[tuple[int, Any]]:
        """Go by batches that another process has used, some of the next `count`, and yield anything for each."""
        return iter(())

    def _peek(self) -> tuple[int, Any] | None:
        if self._kept is None:
            self._kept = self._next()
        return self._kept

    def _next(self) -> tuple[int, Any] | None:
        """Return the next batch with its number, or `None` at the end, to start anew next time."""
        if self._kept is not None:
            entry, self._kept = self._kept, None
            return entry
        if self._iterator is None:
            self._begun = self._beginning()
            self._iterator, self._position = iter(self._iterable), 0
        with placed(f"{self.what}: batch {self._position} of {self._name}"):
            try:
                item = next(self._iterator)
            except StopIteration:
                self.exhausted = self._once
                if not self._once:
                    self._iterator = None
                return None
        self._position += 1
        return self._position - 1, item

    def _entries(self, item: Any) -> tuple:
        # A generator's list may be a list of inputs as well as a pair; other libraries' loaders
        # mean the pair.
        if isinstance(item, list) and not self._once:
            item = tuple(item)
        return super()._entries(item)

    def _standardize(self, index: int, item: Any) -> tuple:
        batch = super()._standardize(index, item)
        # All others begin anew with the randomness that they had.
        if self._once and index == 0:
            self._first = _looks(batch)
        return batch

    def _finish(self, count: int) -> None:
        if count and not self._once:
            if self.steps is None:
                self.num_batches = count
            super()._finish(count)
        elif count == 0 or (self.steps is not None and self.most is not None and count < self.most):
            self.exhausted = True
            wanted = "" if self.steps is None else f" of {self.steps}"
            warnings.warn(
                f"{self.what}: {self._name} ran out of data after {count}{wanted} steps of this "
                "epoch, and cannot be started anew: there is nothing for later epochs. Let it give "
                "enough batches for all epochs, or pass what can be iterated again: a PyDataset, a "
                "data loader, an object whose __iter__ is a generator.",
                UserWarning,
                stacklevel=3,
            )


def _looks(batch: tuple) -> int:
    """Return a number that is another one for another batch: of shapes and first values, which cost nothing."""
    told = [
        (array.shape, array.reshape(-1)[:_LOOKED_AT].tolist())
        for _, leaf in named_leaves(batch, "batch")
        for array in [np.asarray(leaf)]
    ]
    return zlib.crc32(repr(told).encode())


def _length(iterable: Any) -> int | None:
    """Return how many batches an object says it has; some refuse to say, each in its own way."""
    try:
        return len(iterable)
    except (TypeError, AttributeError, NotImplementedError):
        return None
