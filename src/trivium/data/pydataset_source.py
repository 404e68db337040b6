"""A `PyDataset` as a stream of batches."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Generator, Iterator
from typing import Any

import numpy as np

from trivium.data.checks import placed
from trivium.data.orders import permutation
from trivium.data.pydataset import PyDataset, fetch
from trivium.data.streams import StreamSource
from trivium.state.plain import OwnState, host_randomness, same, set_host_randomness

__all__ = ["PyDatasetSource"]


class PyDatasetSource(StreamSource):
    """A stream from a `PyDataset`.

    Args:
        dataset: The dataset.
        **kwargs: As `StreamSource` takes them.

    Example:
        >>> class Tens(PyDataset):
        ...     def __len__(self):
        ...         return 2
        ...     def __getitem__(self, index):
        ...         return (np.full(2, 10 * index),)
        >>> [x.tolist() for x, in PyDatasetSource(Tens(), what="fit").batches()]
        [[0, 0], [10, 10]]
    """

    def __init__(self, dataset: PyDataset, **kwargs: Any) -> None:
        super().__init__(
            f"the PyDataset {type(dataset).__name__}", num_batches=dataset.num_batches, **kwargs
        )
        self._dataset = dataset
        self._begun = False
        # What the dataset's own code may change from epoch to epoch.
        self._own = OwnState(dataset, most=1 << 24)

    def place(self) -> dict[str, Any]:
        """Return what the dataset has noted for itself, and where the randomness is."""
        return {
            "given": self._given, "begun": self._begun, "own": self._changed(),
            "randomness": host_randomness(),
        }  # fmt: skip

    def go_to(self, place: dict[str, Any]) -> None:
        """Give the dataset what it had noted for itself."""
        self._given, self._begun = place["given"], place["begun"]
        if hasattr(self._dataset, "set_state"):
            self._dataset.set_state(place["own"])
        else:
            vars(self._dataset).update(place["own"])
        set_host_randomness(place["randomness"])

    def _changed(self) -> Any:
        get = getattr(self._dataset, "get_state", None)
        return self._own.changed() if get is None else get()

    def _begin(self) -> None:
        """Tell the dataset, once, that an epoch begins."""
        if not self._begun:
            self._begun = True
            self._dataset.on_epoch_begin()

    def _peek(self) -> tuple[int, Any] | None:
        self._begin()
        if self._dataset.num_batches == 0:
            return None
        with placed(f"batch 0 of {type(self._dataset).__name__}"):
            return 0, self._dataset[0]

    def _items(self, seed: int, step: int, skip: int) -> Generator[tuple[int, Any], None, None]:
        self._begin()
        indices = iter(self._indices(seed, step))
        try:
            if skip:
                yield from self._skipped(indices, skip)
            with contextlib.closing(fetch(self._dataset, indices)) as batches:
                yield from batches
        finally:
            self._begun = False
            self._dataset.on_epoch_end()

    def _skipped(self, indices: Iterator[int], skip: int) -> Iterator[tuple[int, Any]]:
        """Yield batches that nobody wants, made only if making one changes what later ones follow from."""
        before = host_randomness(), self._changed()
        for index in itertools.islice(indices, 1):
            with placed(f"batch {index} of {type(self._dataset).__name__}"):
                yield index, self._dataset[index]
        if same(before, (host_randomness(), self._changed())):
            yield from ((index, ()) for index in itertools.islice(indices, skip - 1))

    def _indices(self, seed: int, step: int) -> Any:
        """Return the numbers of an epoch's batches."""
        total = self._dataset.num_batches
        if total is None:
            return itertools.islice(itertools.count(step if self.what == "fit" else 0), self.most)
        if total == 0:
            return []
        first, stop, began = self._window(total, step)
        order = permutation(total, seed, began) if self.shuffle else np.arange(total)
        return [int(i) for i in order[first:stop]]

    def _entries(self, item: Any) -> tuple:
        return super()._entries(tuple(item) if isinstance(item, list) else item)
