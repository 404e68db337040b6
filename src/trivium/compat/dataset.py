"""`tf.data`, as far as training needs it: slices of arrays, generators, and the steps of a pipeline between them.

A pipeline over arrays is carried as numbers of rows until its rows are read. So `from_tensor_slices`, `shuffle` and
`batch` cost nothing but an order: the arrays lie on the device, and `fit` runs over them as if they had been given to
it directly, with the same order of samples from the same seed. Functions given to `map` before `batch` are
vectorized where they can be traced.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.compat._elements import (
    Moment,
    Vectorized,
    as_arrays,
    as_tensors,
    call_on,
    count_rows,
    gathered,
    in_blocks,
    map_arrays,
    moment_for,
    part_of,
    repetitions,
    stack,
    through_buffer,
    typed,
)
from trivium.compat.errors import NotCovered, NotCoveredError
from trivium.compat.written import WRITTEN, covers
from trivium.data.sources import ArraySource, Source, standardize
from trivium.data.streams import IterableSource
from trivium.state import global_seed
from trivium.state.registry import suggest

__all__ = ["Dataset"]

_UNKNOWN, _INFINITE = -2, -1
_BLOCK = 1024


# -- pipelines --------------------------------------------------------------------------------------------------


@covers("tensorflow.data.Dataset")
class Dataset:
    """A pipeline of elements, which can be read again and again.

    Args:
        iterate: Reads it once: a function of the moment that orders follow from.
        length: How many elements it has; -1 without end, -2 not known.

    Example:
        >>> import numpy as np
        >>> ds = Dataset.from_tensor_slices((np.arange(5), np.arange(5) * 10)).skip(1).batch(2)
        >>> [(x.tolist(), y.tolist()) for x, y in ds]
        [([1, 2], [10, 20]), ([3, 4], [30, 40])]
    """

    def __init__(self, iterate: Callable[[Moment], Iterator[Any]], length: int, stage: int = 0):
        self._iterate = iterate
        self._length = length
        self._stage = stage  # how many shuffles came before
        self._passes = 0

    # -- where elements come from --

    @staticmethod
    def from_tensor_slices(tensors: Any, name: str | None = None) -> Dataset:
        """Make a dataset of the rows of arrays, nested in tuples and dicts."""
        arrays = as_arrays(tensors)
        return _Rows(arrays, lambda moment: iter([np.arange(count)]), count := count_rows(arrays))

    @staticmethod
    def from_tensors(tensors: Any, name: str | None = None) -> Dataset:
        """Make a dataset of one element."""
        element = as_arrays(tensors)
        return Dataset(lambda moment: iter([element]), 1)

    @staticmethod
    def from_generator(
        generator: Callable[..., Any],
        output_types: Any = None,
        output_shapes: Any = None,
        args: Sequence[Any] = (),
        output_signature: Any = None,
        name: str | None = None,
    ) -> Dataset:
        """Make a dataset of what a function yields; the types of a signature are given to the elements."""
        spec = output_signature if output_signature is not None else output_types

        def iterate(moment: Moment) -> Iterator[Any]:
            for element in generator(*(args or ())):
                yield as_arrays(element) if spec is None else typed(element, spec)

        return Dataset(iterate, _UNKNOWN)

    @staticmethod
    def range(*args: int, output_type: Any = "int64", name: str | None = None) -> Dataset:
        """Make a dataset of numbers, like Python's `range`."""
        return Dataset.from_tensor_slices(np.arange(*args, dtype=str(output_type)))

    @staticmethod
    def zip(*args: Any, datasets: Any = None, name: str | None = None) -> Dataset:
        """Make a dataset of tuples, one element out of each."""
        given = datasets if datasets is not None else args[0] if len(args) == 1 else args
        parts = tuple(given)
        if all(isinstance(p, _Rows) and p.plain and p._length == parts[0]._length for p in parts):
            return Dataset.from_tensor_slices(tuple(p.arrays for p in parts))
        lengths = [p._length for p in parts if p._length != _INFINITE]
        length = _UNKNOWN if _UNKNOWN in lengths else min(lengths, default=_INFINITE)
        return Dataset(
            lambda moment: zip(*(p._iterate(moment) for p in parts), strict=False),
            length,
            max(p._stage for p in parts),
        )

    # -- what happens to them --

    def _then(
        self, iterate: Callable[[Moment], Iterator[Any]], length: int | None = None
    ) -> Dataset:
        return Dataset(iterate, self._length if length is None else length, self._stage)

    def map(
        self,
        map_func: Callable[..., Any],
        num_parallel_calls: Any = None,
        deterministic: Any = None,
        name: str | None = None,
    ) -> Dataset:
        """Apply a function to each element."""
        return self._then(
            lambda moment: (
                as_arrays(call_on(map_func, as_tensors(e))) for e in self._iterate(moment)
            )
        )

    def filter(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """Keep the elements for which a function says so."""
        return self._then(
            lambda moment: (e for e in self._iterate(moment) if call_on(predicate, as_tensors(e))),
            _UNKNOWN,
        )

    def flat_map(self, map_func: Callable[..., Any], name: str | None = None) -> Dataset:
        """Put the datasets that a function makes of the elements one behind the other."""
        return self._then(
            lambda moment: (
                inner
                for e in self._iterate(moment)
                for inner in call_on(map_func, as_tensors(e))._iterate(moment)
            ),
            _UNKNOWN,
        )

    def shuffle(
        self,
        buffer_size: int,
        seed: int | None = None,
        reshuffle_each_iteration: bool = True,
        name: str | None = None,
    ) -> Dataset:
        """Draw the elements from a buffer by chance, in another order at each pass."""
        shuffled = self._then(
            lambda moment: through_buffer(
                self._iterate(moment), int(buffer_size), moment_for(moment, reshuffle_each_iteration),
                seed, self._stage,
            )
        )  # fmt: skip
        shuffled._stage += 1
        return shuffled

    def batch(
        self,
        batch_size: int,
        drop_remainder: bool = False,
        num_parallel_calls: Any = None,
        deterministic: Any = None,
        name: str | None = None,
    ) -> Dataset:
        """Put elements together on a new first axis."""
        size = int(batch_size)

        def iterate(moment: Moment) -> Iterator[Any]:
            elements = self._iterate(moment)
            while chunk := list(itertools.islice(elements, size)):
                if len(chunk) == size or not drop_remainder:
                    yield stack(chunk)

        return self._then(iterate, _batches(self._length, size, drop_remainder))

    def unbatch(self, name: str | None = None) -> Dataset:
        """Take elements apart along their first axis."""
        return self._then(
            lambda moment: (
                map_arrays(lambda a, i=i: a[i], e)
                for e in self._iterate(moment)
                for i in range(count_rows(e))
            ),
            _UNKNOWN,
        )

    def repeat(self, count: int | None = None, name: str | None = None) -> Dataset:
        """Go through the elements several times; without end where `count` is None or -1."""
        length = _INFINITE if count in (None, -1) else _times(self._length, int(count or 0))
        return self._then(
            lambda moment: itertools.chain.from_iterable(
                self._iterate(m) for m in repetitions(moment, count)
            ),
            length,
        )

    def take(self, count: int, name: str | None = None) -> Dataset:
        """Keep the first elements; all where `count` is -1."""
        if count < 0:
            return self
        length = count if self._length == _INFINITE else min(count, self._length)
        return self._then(lambda moment: itertools.islice(self._iterate(moment), count), length)

    def skip(self, count: int, name: str | None = None) -> Dataset:
        """Leave the first elements out; all where `count` is -1."""
        start = count if count >= 0 else None
        length = self._length if self._length < 0 else max(self._length - count, 0)
        if start is None:
            return self.take(0)
        return self._then(
            lambda moment: itertools.islice(self._iterate(moment), start, None), length
        )

    def shard(self, num_shards: int, index: int, name: str | None = None) -> Dataset:
        """Keep every `num_shards`-th element, from the one numbered `index` on."""
        known = self._length >= 0
        length = len(range(index, self._length, num_shards)) if known else self._length
        return self._then(
            lambda moment: itertools.islice(self._iterate(moment), index, None, num_shards), length
        )

    def concatenate(self, dataset: Dataset, name: str | None = None) -> Dataset:
        """Put another dataset behind this one."""
        lengths = (self._length, dataset._length)
        length = min(lengths) if min(lengths) < 0 else sum(lengths)
        return self._then(
            lambda moment: itertools.chain(self._iterate(moment), dataset._iterate(moment)), length
        )

    def enumerate(self, start: int = 0, name: str | None = None) -> Dataset:
        """Put a number before each element."""
        return self._then(lambda moment: enumerate(self._iterate(moment), start))

    def cache(self, filename: str = "", name: str | None = None) -> Dataset:
        """Keep the elements of the first whole pass in memory."""
        if filename:
            raise NotCovered(f"Dataset.cache({filename!r}) is not covered: the cache is in memory.")
        kept: list[Any] = []
        whole = False

        def iterate(moment: Moment) -> Iterator[Any]:
            nonlocal whole
            if not whole:
                kept.clear()
                for element in self._iterate(moment):
                    kept.append(element)
                    yield element
                whole = True
            else:
                yield from kept

        return self._then(iterate)

    def prefetch(self, buffer_size: Any = None, name: str | None = None) -> Dataset:
        """Return the dataset itself: what `fit` needs next is made ready anyway."""
        return self

    def with_options(self, options: Any, name: str | None = None) -> Dataset:
        """Return the dataset itself: options are about TensorFlow's threads and devices."""
        return self

    def apply(self, transformation_func: Callable[[Dataset], Dataset]) -> Dataset:
        """Return what a function makes of the dataset."""
        return transformation_func(self)

    # -- reading it --

    def __iter__(self) -> Iterator[Any]:
        self._passes += 1
        moment = Moment(global_seed(), (self._passes - 1,))
        return map(as_tensors, self._iterate(moment))

    def as_numpy_iterator(self) -> Iterator[Any]:
        """Return an iterator over NumPy arrays."""
        # Indexing makes a number of an array without axes.
        return (map_arrays(lambda x: np.asarray(x)[()], element) for element in self)

    def reduce(
        self, initial_state: Any, reduce_func: Callable[..., Any], name: str | None = None
    ) -> Any:
        """Put all elements together by a function of (what there is so far, the next element)."""
        state = initial_state
        for element in self:
            state = reduce_func(state, element)
        return state

    def cardinality(self, name: str | None = None) -> Any:
        """Return the number of elements: -1 where there is no end, -2 where it is not known."""
        return jnp.asarray(self._length)

    def __len__(self) -> int:
        if self._length < 0:
            what = "has no end" if self._length == _INFINITE else "is not known before it was read"
            raise TypeError(f"The length of this dataset {what}.")
        return self._length

    def __bool__(self) -> bool:
        return True

    @property
    def element_spec(self) -> Any:
        """The shapes and dtypes of the first element."""
        spec = WRITTEN["tensorflow.TensorSpec"]
        # Looking is no pass: the orders of those to come stay what they are.
        first = next(self._iterate(Moment(global_seed(), (0,))))
        return map_arrays(lambda a: spec(a.shape, str(a.dtype)), as_tensors(first))

    def __repr__(self) -> str:
        count = {_UNKNOWN: "an unknown number of", _INFINITE: "endless"}.get(self._length)
        return f"<Dataset of {self._length if count is None else count} elements>"

    def __getattr__(self, name: str) -> Any:
        from trivium.compat.vocabulary import member_absence

        methods = [n for n in dir(Dataset) if not n.startswith("_")]
        unknown = f"tf.data.Dataset has no {name!r}. {suggest(name, methods)}"
        raise NotCoveredError(member_absence(type(self), name) or unknown)

    def as_source(self, *, what: str, steps: int | None, class_weight: Any) -> Source:
        """Return the source that `fit`, `evaluate` and `predict` read.

        Args:
            what: Where the data was given, e.g. `"fit"`.
            steps: The most batches an epoch takes.
            class_weight: Weights of classes.
        """
        return _Stream(self, what=what, steps=steps, class_weight=class_weight)


class _Rows(Dataset):
    """Rows of arrays, as their numbers, and functions to be applied to them.

    Args:
        arrays: The arrays.
        blocks: Gives the numbers of the rows in order, some at a time.
        length: How many there are.
        functions: What is applied to a row, in order.
        stage: How many shuffles came before.
        plain: Whether all rows come in their order.
    """

    def __init__(
        self,
        arrays: Any,
        blocks: Callable[[Moment], Iterator[np.ndarray]],
        length: int,
        functions: tuple[Vectorized, ...] = (),
        stage: int = 0,
        plain: bool = True,
    ) -> None:
        self.arrays = arrays
        self.blocks = blocks
        self.functions = functions
        self.plain = plain and not functions
        super().__init__(self._elements, length, stage)

    def _elements(self, moment: Moment) -> Iterator[Any]:
        for block in self.blocks(moment):
            for i in block:
                element = map_arrays(lambda a, i=i: a[i], self.arrays)
                for function in self.functions:
                    element = as_arrays(call_on(function.function, as_tensors(element)))
                yield element

    def _ordered(
        self, blocks: Callable[[Moment], Iterator[np.ndarray]], length: int, stages: int = 0
    ) -> _Rows:
        stage = self._stage + stages
        return _Rows(self.arrays, blocks, length, self.functions, stage, plain=False)

    def map(self, map_func: Callable[..., Any], *args: Any, **kwargs: Any) -> Dataset:
        """Apply a function to each element, when it is read."""
        functions = (*self.functions, Vectorized(map_func))
        return _Rows(self.arrays, self.blocks, self._length, functions, self._stage, self.plain)

    def shuffle(
        self,
        buffer_size: int,
        seed: int | None = None,
        reshuffle_each_iteration: bool = True,
        name: str | None = None,
    ) -> Dataset:
        """Draw the rows from a buffer by chance."""
        stage, length = self._stage, self._length

        def blocks(moment: Moment) -> Iterator[np.ndarray]:
            now = moment_for(moment, reshuffle_each_iteration)
            if 0 <= length <= buffer_size:
                rows = gathered(self.blocks(moment))
                yield rows[now.generator(seed, stage).permutation(length)]
                return
            singles = (i for block in self.blocks(moment) for i in block)
            yield from in_blocks(
                through_buffer(singles, int(buffer_size), now, seed, stage), _BLOCK
            )

        return self._ordered(blocks, length, stages=1)

    def take(self, count: int, name: str | None = None) -> Dataset:
        """Keep the first rows."""
        if count < 0:
            return self
        length = count if self._length < 0 else min(count, self._length)
        return self._ordered(lambda moment: part_of(self.blocks(moment), 0, count), length)

    def skip(self, count: int, name: str | None = None) -> Dataset:
        """Leave the first rows out."""
        if count < 0:
            return self.take(0)
        length = self._length if self._length < 0 else max(self._length - count, 0)
        return self._ordered(lambda moment: part_of(self.blocks(moment), count, None), length)

    def repeat(self, count: int | None = None, name: str | None = None) -> Dataset:
        """Go through the rows several times."""
        length = _INFINITE if count in (None, -1) else _times(self._length, int(count or 0))
        return self._ordered(
            lambda moment: itertools.chain.from_iterable(
                self.blocks(m) for m in repetitions(moment, count)
            ),
            length,
        )

    def cache(self, filename: str = "", name: str | None = None) -> Dataset:
        """Keep what the functions make of the rows in memory."""
        if filename or not self.functions:
            return self if not filename else super().cache(filename)
        return super().cache()

    def batch(
        self, batch_size: int, drop_remainder: bool = False, *args: Any, **kwargs: Any
    ) -> Dataset:
        """Put rows together on a new first axis."""
        return _Batches(self, int(batch_size), drop_remainder)


class _Batches(Dataset):
    """Batches of rows: read with one indexing each, and without any where they go to `fit`."""

    def __init__(self, rows: _Rows, size: int, drop: bool) -> None:
        self.rows, self.size, self.drop = rows, size, drop
        super().__init__(self._read, _batches(rows._length, size, drop), rows._stage)

    def _read(self, moment: Moment) -> Iterator[Any]:
        for index in in_blocks(self.rows.blocks(moment), self.size):
            if len(index) < self.size and self.drop:
                return
            batch = map_arrays(lambda a, index=index: a[index], self.rows.arrays)
            for function in self.rows.functions:
                batch = function(batch)
            yield batch

    def take(self, count: int, name: str | None = None) -> Dataset:
        """Keep the first batches."""
        rows = self.rows.take(count * self.size)
        assert isinstance(rows, _Rows)
        return self if count < 0 else _Batches(rows, self.size, self.drop)

    def skip(self, count: int, name: str | None = None) -> Dataset:
        """Leave the first batches out."""
        rows = self.rows.skip(count * self.size)
        assert isinstance(rows, _Rows)
        return _Batches(rows, self.size, self.drop)

    def cache(self, filename: str = "", name: str | None = None) -> Dataset:
        """Keep the batches in memory; arrays are there already."""
        return self if self.rows.plain and not filename else super().cache(filename)

    def as_source(self, *, what: str, steps: int | None, class_weight: Any) -> Source:
        """Return the arrays and the order of their rows, where that is all there is to it."""
        if self.rows.functions or self._length < 1:
            return super().as_source(what=what, steps=steps, class_weight=class_weight)
        return _Arrays(self, what=what, steps=steps, class_weight=class_weight)


# -- how `fit` reads one ----------------------------------------------------------------------------------------


class _Arrays(ArraySource):
    """Batches of rows as arrays with an order, which the engine takes as a whole."""

    in_order = False  # The order is the pipeline's.

    def __init__(
        self, batches: _Batches, *, what: str, steps: int | None, class_weight: Any
    ) -> None:
        x, y, weight = (*_entries(batches.rows.arrays), None, None)[:3]
        self.data = standardize(x, y, weight, class_weight)
        self.nbytes = sum(int(a.nbytes) for a in jax.tree.leaves(self.data))
        self._batches = batches
        self._total = len(batches)
        rows = min(batches.rows._length, self._total * batches.size)
        Source.__init__(
            self, what=what, num_batches=self._total, num_samples=rows,
            batch_size=batches.size, steps=steps,
        )  # fmt: skip

    def order(self, seed: int, step: int) -> np.ndarray:
        """Return which rows an epoch shows, in order."""
        first, stop, began = self._window(self._total, step)
        self._warn_if_short(stop - first)
        rows = gathered(self._batches.rows.blocks(Moment(seed, (began,))))
        order: np.ndarray = rows[first * self._batches.size : stop * self._batches.size]
        return order.astype(np.int32)


class _Feed:
    """A dataset as the stream of one source; `moment` is what its next pass draws its orders from."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.moment = Moment(0, (0,))

    def __iter__(self) -> Iterator[Any]:
        return map(_entries, self.dataset._iterate(self.moment))

    def __len__(self) -> int:
        return len(self.dataset)


class _Stream(IterableSource):
    """A dataset as a stream of batches."""

    def __init__(self, dataset: Dataset, **kwargs: Any) -> None:
        self._feed = _Feed(dataset)
        super().__init__(self._feed, **kwargs)
        self._name = "the Dataset"

    def _peek(self) -> tuple[int, Any] | None:
        entry = next(iter(self._feed), None)
        return None if entry is None else (0, entry)

    def _items(self, seed: int, step: int) -> Any:
        self._feed.moment = Moment(seed, (step,))
        return super()._items(seed, step)


def _entries(element: Any) -> tuple[Any, ...]:
    return element if isinstance(element, tuple) else (element,)


def _batches(length: int, size: int, drop: bool) -> int:
    return length if length < 0 else length // size if drop else math.ceil(length / size)


def _times(length: int, count: int) -> int:
    return 0 if count == 0 else length if length < 0 else length * count


@covers(
    "tensorflow.data.Options",
    "tensorflow.data.ThreadingOptions",
    "tensorflow.data.experimental.AutoShardPolicy",
    "tensorflow.data.experimental.DistributeOptions",
    "tensorflow.data.experimental.OptimizationOptions",
    "tensorflow.data.experimental.ThreadingOptions",
)
class _Options(SimpleNamespace):
    """Settings without a meaning here: whatever they are called, they can be read and set."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        setattr(self, name, _Options())
        return vars(self)[name]


for _policy in ("AUTO", "DATA", "FILE", "HINT", "OFF"):
    setattr(_Options, _policy, _policy)
for _path in ("data", "data.experimental"):
    WRITTEN[f"tensorflow.{_path}.AUTOTUNE"] = -1
    WRITTEN[f"tensorflow.{_path}.INFINITE_CARDINALITY"] = _INFINITE
    WRITTEN[f"tensorflow.{_path}.UNKNOWN_CARDINALITY"] = _UNKNOWN
covers("tensorflow.data.experimental.cardinality")(lambda dataset: dataset.cardinality())
