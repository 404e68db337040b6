"""A lazy pipeline: rows of arrays or what a generator yields, and the steps between them and training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

import jax
import numpy as np

from trivium.data.elements import as_arrays, as_tensors, map_arrays, typed
from trivium.data.orders import OrderKey
from trivium.data.pipeline_sources import PipelineSource, RowsSource
from trivium.data.source import Source
from trivium.data.stages import INFINITE, UNKNOWN, Batches, Elements, rows_of
from trivium.state import global_seed

__all__ = ["Dataset"]


class Dataset:
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

    def __init__(self, elements: Elements) -> None:
        self._elements = elements
        self._passes = 0

    def _then(self, elements: Elements) -> Self:
        """Return a dataset of the same class with other elements."""
        return type(self)(elements)

    # -- where elements come from -------------------------------------------------------------------------------

    @classmethod
    def from_tensor_slices(cls, tensors: Any) -> Self:
        """Make a dataset of the rows of arrays.

        Args:
            tensors: Arrays with one number of rows, nested in tuples and dicts.

        Raises:
            ValueError: The arrays have different numbers of rows.

        Example:
            >>> [e["a"].item() for e in Dataset.from_tensor_slices({"a": [1, 2]})]
            [1, 2]
        """
        return cls(rows_of(as_arrays(tensors)))

    @classmethod
    def from_tensors(cls, tensors: Any) -> Self:
        """Make a dataset of one element.

        Args:
            tensors: The element.

        Example:
            >>> [e.tolist() for e in Dataset.from_tensors([1, 2])]
            [[1, 2]]
        """
        element = as_arrays(tensors)
        return cls(Elements(lambda key: iter([element]), 1))

    @classmethod
    def from_generator(
        cls,
        generator: Callable[..., Any],
        output_types: Any = None,
        output_shapes: Any = None,
        args: Sequence[Any] = (),
        output_signature: Any = None,
    ) -> Self:
        """Make a dataset of what a function yields.

        Args:
            generator: Called for each pass; returns what can be iterated.
            output_types: dtypes to give to the elements, nested as they are.
            output_shapes: Not looked at: arrays have their shapes.
            args: What `generator` is called with.
            output_signature: In place of `output_types`: objects with a `dtype`, such as `jax.ShapeDtypeStruct`.

        Example:
            >>> [e.item() for e in Dataset.from_generator(lambda n: iter(range(n)), "float32", args=(2,))]
            [0.0, 1.0]
        """
        spec = output_signature if output_signature is not None else output_types

        def read(key: OrderKey) -> Iterator[Any]:
            for element in generator(*(args or ())):
                yield as_arrays(element) if spec is None else typed(element, spec)

        return cls(Elements(read, UNKNOWN))

    @classmethod
    def range(cls, *args: int, output_type: Any = "int64") -> Self:
        """Make a dataset of numbers, like Python's `range`.

        Args:
            args: Start, stop and step, as for `range`.
            output_type: The numbers' dtype.

        Example:
            >>> [e.item() for e in Dataset.range(2, 8, 3)]
            [2, 5]
        """
        return cls.from_tensor_slices(np.arange(*args, dtype=str(output_type)))

    @classmethod
    def zip(cls, *args: Any, datasets: Any = None) -> Self:
        """Make a dataset of tuples, one element out of each dataset, as long as the shortest.

        Args:
            args: The datasets, or one tuple of them.
            datasets: The tuple by name.

        Example:
            >>> [(a.item(), b.item()) for a, b in Dataset.zip(Dataset.range(2), Dataset.range(5, 9))]
            [(0, 5), (1, 6)]
        """
        first, *others = datasets if datasets is not None else args[0] if len(args) == 1 else args
        return cls(first._elements.zip(*(other._elements for other in others)))

    # -- what happens to them -----------------------------------------------------------------------------------

    def map(self, map_func: Callable[..., Any]) -> Self:
        """Apply a function to each element.

        Before `batch`, on rows of arrays, it is traced once for a whole batch where that is possible.

        Args:
            map_func: Takes an element, a tuple's entries as its arguments.

        Example:
            >>> [e.item() for e in Dataset.range(3).map(lambda i: i * 10)]
            [0, 10, 20]
        """
        return self._then(self._elements.map(map_func))

    def filter(self, predicate: Callable[..., Any]) -> Self:
        """Keep the elements for which a function says so.

        Args:
            predicate: Takes an element and returns a truth value.

        Example:
            >>> [e.item() for e in Dataset.range(5).filter(lambda i: i % 2 == 1)]
            [1, 3]
        """
        return self._then(self._elements.filter(predicate))

    def flat_map(self, map_func: Callable[..., Dataset]) -> Self:
        """Put the datasets that a function makes of the elements one behind the other.

        Args:
            map_func: Takes an element and returns a dataset.

        Example:
            >>> [e.item() for e in Dataset.range(3).flat_map(lambda i: Dataset.range(int(i)))]
            [0, 0, 1]
        """
        return self._then(self._elements.flat_map(lambda *e: map_func(*e)._elements))

    def shuffle(
        self, buffer_size: int, seed: int | None = None, reshuffle_each_iteration: bool = True
    ) -> Self:
        """Draw the elements from a buffer by chance.

        Args:
            buffer_size: How many elements the buffer holds; the number of all mixes them all.
            seed: A seed of the shuffle's own, in place of the global one.
            reshuffle_each_iteration: Whether each pass has another order.

        Example:
            >>> sorted(e.item() for e in Dataset.range(4).shuffle(4))
            [0, 1, 2, 3]
        """
        reshuffle = bool(reshuffle_each_iteration)
        return self._then(self._elements.shuffle(int(buffer_size), seed, reshuffle))

    def batch(self, batch_size: int, drop_remainder: bool = False) -> Self:
        """Put elements together on a new first axis.

        Args:
            batch_size: How many.
            drop_remainder: Whether to leave a last partial batch out.

        Example:
            >>> [e.tolist() for e in Dataset.range(5).batch(2)]
            [[0, 1], [2, 3], [4]]
        """
        return self._then(self._elements.batch(int(batch_size), bool(drop_remainder)))

    def unbatch(self) -> Self:
        """Take elements apart along their first axis.

        Example:
            >>> [e.item() for e in Dataset.from_tensors([1, 2]).unbatch()]
            [1, 2]
        """
        return self._then(self._elements.unbatch())

    def repeat(self, count: int | None = None) -> Self:
        """Go through the elements several times.

        Args:
            count: How often; `None` or -1 without end.

        Example:
            >>> [e.item() for e in Dataset.range(2).repeat(2)]
            [0, 1, 0, 1]
        """
        return self._then(self._elements.repeat(count))

    def take(self, count: int) -> Self:
        """Keep the first elements.

        Args:
            count: How many; -1 for all.

        Example:
            >>> [e.item() for e in Dataset.range(5).take(2)]
            [0, 1]
        """
        return self if count < 0 else self._then(self._elements.take(count))

    def skip(self, count: int) -> Self:
        """Leave the first elements out.

        Args:
            count: How many; -1 for all.

        Example:
            >>> [e.item() for e in Dataset.range(5).skip(3)]
            [3, 4]
        """
        return self._then(self._elements.take(0) if count < 0 else self._elements.skip(count))

    def shard(self, num_shards: int, index: int) -> Self:
        """Keep every `num_shards`-th element.

        Args:
            num_shards: The distance between two elements that are kept.
            index: The number of the first.

        Example:
            >>> [e.item() for e in Dataset.range(7).shard(3, 1)]
            [1, 4]
        """
        return self._then(self._elements.shard(num_shards, index))

    def concatenate(self, dataset: Dataset) -> Self:
        """Put another dataset behind this one.

        Args:
            dataset: The other.

        Example:
            >>> [e.item() for e in Dataset.range(2).concatenate(Dataset.range(1))]
            [0, 1, 0]
        """
        return self._then(self._elements.concatenate(dataset._elements))

    def enumerate(self, start: int = 0) -> Self:
        """Put a number before each element.

        Args:
            start: The first number.

        Example:
            >>> [(i.item(), e.item()) for i, e in Dataset.range(5, 7).enumerate()]
            [(0, 5), (1, 6)]
        """
        return self._then(self._elements.enumerate(start))

    def cache(self) -> Self:
        """Keep the elements of the first whole pass in memory, with what functions and chance made of them.

        Example:
            >>> ds = Dataset.range(3).map(lambda i: i + 1).cache()
            >>> len([e for e in ds])
            3
        """
        return self._then(self._elements.cache())

    def prefetch(self, buffer_size: Any = None) -> Self:
        """Return the dataset itself: what `fit` needs next is made ready anyway.

        Args:
            buffer_size: Not looked at.
        """
        return self

    def apply(self, transformation_func: Callable[[Dataset], Dataset]) -> Dataset:
        """Return what a function makes of the dataset.

        Args:
            transformation_func: Takes a dataset and returns one.

        Example:
            >>> [e.item() for e in Dataset.range(5).apply(lambda ds: ds.take(1))]
            [0]
        """
        return transformation_func(self)

    # -- reading it ---------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Any]:
        self._passes += 1
        return map(as_tensors, self._elements.read(OrderKey(global_seed(), (self._passes - 1,))))

    def as_numpy_iterator(self) -> Iterator[Any]:
        """Return an iterator over NumPy arrays.

        Example:
            >>> list(Dataset.range(2).as_numpy_iterator())
            [np.int32(0), np.int32(1)]
        """
        # Indexing makes a number of an array without axes.
        return (map_arrays(lambda x: np.asarray(x)[()], element) for element in self)

    def reduce(self, initial_state: Any, reduce_func: Callable[[Any, Any], Any]) -> Any:
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
        first = next(self._elements.read(OrderKey(global_seed(), (0,))))
        return map_arrays(lambda a: self._spec(a.shape, str(a.dtype)), as_tensors(first))

    @staticmethod
    def _spec(shape: tuple[int, ...], dtype: str) -> Any:
        """Return what `element_spec` says of one array."""
        return jax.ShapeDtypeStruct(shape, dtype)

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
        if isinstance(batches, Batches) and not batches.rows.functions and batches.length > 0:
            return RowsSource(batches, what=what, steps=steps, class_weight=class_weight)
        return PipelineSource(batches, what=what, steps=steps, class_weight=class_weight)
