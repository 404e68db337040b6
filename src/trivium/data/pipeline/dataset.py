"""A lazy pipeline: rows of arrays or what a generator yields, and the steps between them and training."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from trivium.data.orders import OrderKey
from trivium.data.pipeline.batching import Batched
from trivium.data.pipeline.elements import as_tensors, map_arrays
from trivium.data.pipeline.failures import ErrorLog, raising
from trivium.data.pipeline.filecache import SAVED, FileCache
from trivium.data.pipeline.making import Made
from trivium.data.pipeline.mapping import Mapped
from trivium.data.pipeline.mixing import Mixed
from trivium.data.pipeline.ordering import Ordered
from trivium.data.pipeline.rows import Batches
from trivium.data.pipeline.sources import PipelineSource, RowsSource
from trivium.data.pipeline.stages import INFINITE, UNKNOWN, Prefetched
from trivium.data.source import Source
from trivium.state import global_seed
from trivium.state.types import Tree

__all__ = ["Dataset"]


class Dataset(Made, Mapped, Ordered, Batched, Mixed):
    """A pipeline of elements, which can be read again and again: by a `for` loop, `fit`, `evaluate` or `predict`.

    Elements are arrays, nested in tuples and dicts. They begin at `from_tensor_slices`, `from_tensors`,
    `from_generator` or `range`; each step returns a new dataset and computes nothing until it is read. `fit` on
    `from_tensor_slices((x, y)).shuffle(len(x)).batch(32)` trains as on the arrays themselves, to the bit.

    The names are those of TensorFlow's `tf.data.Dataset`, for which it stands in programs run by `trivium run`.

    Args:
        elements: Where the elements come from; use one of the methods above.

    Example:
        >>> ds = Dataset.from_tensor_slices((np.arange(5), np.arange(5) * 10)).skip(1).batch(2)
        >>> [(x.tolist(), y.tolist()) for x, y in ds]
        [([1, 2], [10, 20]), ([3, 4], [30, 40])]
    """

    def __iter__(self) -> Iterator[Any]:
        return self.elements_from(self._passes, 0)

    def elements_from(self, number: int, passed: int) -> Iterator[Any]:
        """Return an iterator over the elements of one pass, from one of them on.

        Args:
            number: Which pass it is: orders may be other ones in each.
            passed: How many elements lie before.

        Example:
            >>> [int(i) for i in Dataset.range(5).elements_from(0, 3)]
            [3, 4]
        """
        self._passes = max(self._passes, number + 1)
        elements = self._elements.read(OrderKey(global_seed(), (number,)), passed)
        return (as_tensors(element) for element in raising(elements))

    def _pass(self) -> OrderKey:
        """Return what the orders of the next pass follow from."""
        self._passes += 1
        return OrderKey(global_seed(), (self._passes - 1,))

    def as_numpy_iterator(self) -> Iterator[Any]:
        """Return an iterator over NumPy arrays.

        Example:
            >>> list(Dataset.range(2).as_numpy_iterator())
            [np.int32(0), np.int32(1)]
        """
        # Indexing makes a number of an array without axes.
        return (map_arrays(lambda x: np.asarray(x)[()], element) for element in self)

    def reduce(self, initial_state: Tree, reduce_func: Callable[[Any, Any], Any]) -> Any:
        """Put all elements together.

        Args:
            initial_state: What there is before the first element.
            reduce_func: Takes what there is so far and the next element.

        Example:
            >>> Dataset.range(4).reduce(0, lambda total, i: total + int(i))
            6
        """
        state = initial_state
        for element in self:
            state = reduce_func(state, element)
        return state

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all elements into a folder, which `load` reads; what was there before is written over.

        Args:
            path: The folder.

        Raises:
            DataError: An element holds something else than numbers and text.

        Example:
            >>> import tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     Dataset.range(3).batch(2).save(folder)
            ...     [e.tolist() for e in Dataset.load(folder)]
            [[0, 1], [2]]
        """
        cache = FileCache(Path(path) / SAVED)
        for _ in cache.write(raising(self._elements.read(self._pass()))):
            pass

    def get_single_element(self) -> Any:
        """Return the element of a dataset that has one.

        Raises:
            ValueError: It has none, or more.

        Example:
            >>> Dataset.range(3).batch(3).get_single_element().tolist()
            [0, 1, 2]
        """
        elements = [*self.take(2)]
        if len(elements) != 1:
            some = "more than one element" if elements else "none"
            raise ValueError(f"get_single_element wants a dataset of one element; it has {some}.")
        return elements[0]

    def cardinality(self) -> Any:
        """Return the number of elements as an array: -1 where there is no end, -2 where it is not known.

        Example:
            >>> Dataset.range(3).repeat().cardinality().item()
            -1
        """
        return jax.numpy.asarray(self._elements.length)

    def __len__(self) -> int:
        if self._elements.length < 0:
            endless = self._elements.length == INFINITE
            what = "has no end" if endless else "is not known before it was read"
            raise TypeError(f"The length of this dataset {what}.")
        return self._elements.length

    def __bool__(self) -> bool:
        return True

    @property
    def element_spec(self) -> Any:
        """The shapes and dtypes of the first element."""
        # Looking is no pass: the orders of those to come stay what they are.
        first = next(raising(self._elements.read(OrderKey(global_seed(), (0,)))))
        return map_arrays(self._spec, as_tensors(first))

    @staticmethod
    def _spec(array: Any) -> Any:
        """Return what `element_spec` says of one array."""
        return jax.ShapeDtypeStruct(array.shape, str(array.dtype))

    @property
    def errors(self) -> ErrorLog:
        """What `ignore_errors` left out here and in the datasets that this one is made of, so far.

        Example:
            >>> ds = Dataset.range(4).map(lambda i: 6 // int(i)).ignore_errors().batch(2)
            >>> [e.tolist() for e in ds]
            [[6, 3], [2]]
            >>> ds.errors
            <ErrorLog: 1 elements, left out 1 times>
            element 0 of the Dataset, in map(<lambda>): ZeroDivisionError: ...
        """
        return ErrorLog.of(self._logs)

    def __repr__(self) -> str:
        length = self._elements.length
        count = {UNKNOWN: "an unknown number of", INFINITE: "endless"}.get(length, length)
        return f"<Dataset of {count} elements>"

    def as_source(
        self, *, what: str, steps: int | None, class_weight: Mapping[int, float] | None
    ) -> Source:
        """Return the source that `fit`, `evaluate` and `predict` read.

        Args:
            what: Where the data was given, e.g. `"fit"`.
            steps: The most batches an epoch takes.
            class_weight: Weights of classes.
        """
        batches = self._elements
        while isinstance(batches, Prefetched):
            batches = batches.elements  # What `fit` needs next is read ahead anyway.
        if isinstance(batches, Batches) and not batches.rows.functions and batches.length > 0:
            return RowsSource(batches, what=what, steps=steps, class_weight=class_weight)
        return PipelineSource(batches, what=what, steps=steps, class_weight=class_weight)
