"""`tf.data`, as far as training needs it: slices of arrays, generators, and the steps of a pipeline between them.

A pipeline over arrays is carried as numbers of rows until its rows are read. So `from_tensor_slices`, `shuffle` and
`batch` cost nothing but an order: the arrays lie on the device, and `fit` runs over them as if they had been given to
it directly, with the same order of samples from the same seed. Functions given to `map` before `batch` are
vectorized where they can be traced.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from trivium.compat.errors import NotCovered, NotCoveredError
from trivium.compat.written import WRITTEN, covers
from trivium.state import global_seed
from trivium.state.registry import suggest
from trivium.training.data.sources import ArraySource, Source, standardize
from trivium.training.data.streams import IterableSource

__all__ = ["Dataset"]

_UNKNOWN, _INFINITE = -2, -1
_BLOCK = 1024


class _Moment(NamedTuple):
    """What the order of one pass follows from: the seed, and the steps taken before (and the repetitions within)."""

    seed: int
    key: tuple[int, ...]

    def generator(self, seed: int | None, stage: int) -> np.random.Generator:
        """Return the numbers of a pipeline's shuffle; the first one's order is that of `fit` on arrays."""
        sequence = np.random.SeedSequence(
            self.seed if seed is None else seed, spawn_key=self.key + ((stage,) if stage else ())
        )
        return np.random.Generator(np.random.Philox(sequence))


# -- nested elements --------------------------------------------------------------------------------------------


def _map(function: Callable[..., Any], element: Any, *others: Any) -> Any:
    """Apply a function to the arrays of elements: tuples and dicts nest, lists are arrays."""
    if isinstance(element, Mapping):
        return {k: _map(function, v, *(o[k] for o in others)) for k, v in element.items()}
    if isinstance(element, tuple):
        parts = [_map(function, *e) for e in zip(element, *others, strict=True)]
        return type(element)(*parts) if hasattr(element, "_fields") else tuple(parts)
    return function(element, *others)


def _arrays(element: Any) -> Any:
    return _map(lambda x: x if isinstance(x, jax.Array) else np.asarray(x), element)


def _tensors(element: Any) -> Any:
    """Return an element as a program's own code gets it: JAX arrays; strings stay NumPy's."""
    return _map(lambda x: x if np.asarray(x).dtype.kind in "OSU" else jnp.asarray(x), element)


def _stack(elements: Sequence[Any]) -> Any:
    return _map(lambda *xs: np.stack([np.asarray(x) for x in xs]), *elements)


def _count(structure: Any) -> int:
    lengths = {len(a) for a in jax.tree.leaves(structure)}
    if len(lengths) != 1:
        raise ValueError(f"tf.data: the arrays have different numbers of rows, {sorted(lengths)}.")
    return lengths.pop()


def _apply(function: Callable[..., Any], element: Any) -> Any:
    return function(*element) if isinstance(element, tuple) else function(element)


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

    def __init__(self, iterate: Callable[[_Moment], Iterator[Any]], length: int, stage: int = 0):
        self._iterate = iterate
        self._length = length
        self._stage = stage  # how many shuffles came before
        self._passes = 0

    # -- where elements come from --

    @staticmethod
    def from_tensor_slices(tensors: Any, name: str | None = None) -> Dataset:
        """Make a dataset of the rows of arrays, nested in tuples and dicts."""
        arrays = _arrays(tensors)
        return _Rows(arrays, lambda moment: iter([np.arange(count)]), count := _count(arrays))

    @staticmethod
    def from_tensors(tensors: Any, name: str | None = None) -> Dataset:
        """Make a dataset of one element."""
        element = _arrays(tensors)
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

        def iterate(moment: _Moment) -> Iterator[Any]:
            for element in generator(*(args or ())):
                yield _arrays(element) if spec is None else _typed(element, spec)

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
        self, iterate: Callable[[_Moment], Iterator[Any]], length: int | None = None
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
            lambda moment: (_arrays(_apply(map_func, _tensors(e))) for e in self._iterate(moment))
        )

    def filter(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """Keep the elements for which a function says so."""
        return self._then(
            lambda moment: (e for e in self._iterate(moment) if _apply(predicate, _tensors(e))),
            _UNKNOWN,
        )

    def flat_map(self, map_func: Callable[..., Any], name: str | None = None) -> Dataset:
        """Put the datasets that a function makes of the elements one behind the other."""
        return self._then(
            lambda moment: (
                inner
                for e in self._iterate(moment)
                for inner in _apply(map_func, _tensors(e))._iterate(moment)
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
            lambda moment: _shuffled(
                self._iterate(moment), int(buffer_size), _again(moment, reshuffle_each_iteration),
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

        def iterate(moment: _Moment) -> Iterator[Any]:
            elements = self._iterate(moment)
            while chunk := list(itertools.islice(elements, size)):
                if len(chunk) == size or not drop_remainder:
                    yield _stack(chunk)

        return self._then(iterate, _batches(self._length, size, drop_remainder))

    def unbatch(self, name: str | None = None) -> Dataset:
        """Take elements apart along their first axis."""
        return self._then(
            lambda moment: (
                _map(lambda a, i=i: a[i], e)
                for e in self._iterate(moment)
                for i in range(_count(e))
            ),
            _UNKNOWN,
        )

    def repeat(self, count: int | None = None, name: str | None = None) -> Dataset:
        """Go through the elements several times; without end where `count` is None or -1."""
        length = _INFINITE if count in (None, -1) else _times(self._length, int(count or 0))
        return self._then(
            lambda moment: itertools.chain.from_iterable(
                self._iterate(m) for m in _repetitions(moment, count)
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

        def iterate(moment: _Moment) -> Iterator[Any]:
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

    def apply(self, transformation_func: Callable[[Dataset], Dataset]) -> Dataset:
        """Return what a function makes of the dataset."""
        return transformation_func(self)

    # -- reading it --

    def __iter__(self) -> Iterator[Any]:
        self._passes += 1
        moment = _Moment(global_seed(), (self._passes - 1,))
        return map(_tensors, self._iterate(moment))

    def as_numpy_iterator(self) -> Iterator[Any]:
        """Return an iterator over NumPy arrays."""
        return (_map(np.asarray, element) for element in self)

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
        return _map(lambda a: spec(a.shape, str(a.dtype)), next(iter(self)))

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
        blocks: Callable[[_Moment], Iterator[np.ndarray]],
        length: int,
        functions: tuple[_Vectorized, ...] = (),
        stage: int = 0,
        plain: bool = True,
    ) -> None:
        self.arrays = arrays
        self.blocks = blocks
        self.functions = functions
        self.plain = plain and not functions
        super().__init__(self._elements, length, stage)

    def _elements(self, moment: _Moment) -> Iterator[Any]:
        for block in self.blocks(moment):
            for i in block:
                element = _map(lambda a, i=i: a[i], self.arrays)
                for function in self.functions:
                    element = _arrays(_apply(function.function, _tensors(element)))
                yield element

    def _ordered(
        self, blocks: Callable[[_Moment], Iterator[np.ndarray]], length: int, stages: int = 0
    ) -> _Rows:
        stage = self._stage + stages
        return _Rows(self.arrays, blocks, length, self.functions, stage, plain=False)

    def map(self, map_func: Callable[..., Any], *args: Any, **kwargs: Any) -> Dataset:
        """Apply a function to each element, when it is read."""
        functions = (*self.functions, _Vectorized(map_func))
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

        def blocks(moment: _Moment) -> Iterator[np.ndarray]:
            now = _again(moment, reshuffle_each_iteration)
            if 0 <= length <= buffer_size:
                rows = _whole(self.blocks(moment))
                yield rows[now.generator(seed, stage).permutation(length)]
                return
            singles = (i for block in self.blocks(moment) for i in block)
            yield from _cut(_shuffled(singles, int(buffer_size), now, seed, stage), _BLOCK)

        return self._ordered(blocks, length, stages=1)

    def take(self, count: int, name: str | None = None) -> Dataset:
        """Keep the first rows."""
        if count < 0:
            return self
        length = count if self._length < 0 else min(count, self._length)
        return self._ordered(lambda moment: _window(self.blocks(moment), 0, count), length)

    def skip(self, count: int, name: str | None = None) -> Dataset:
        """Leave the first rows out."""
        if count < 0:
            return self.take(0)
        length = self._length if self._length < 0 else max(self._length - count, 0)
        return self._ordered(lambda moment: _window(self.blocks(moment), count, None), length)

    def repeat(self, count: int | None = None, name: str | None = None) -> Dataset:
        """Go through the rows several times."""
        length = _INFINITE if count in (None, -1) else _times(self._length, int(count or 0))
        return self._ordered(
            lambda moment: itertools.chain.from_iterable(
                self.blocks(m) for m in _repetitions(moment, count)
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

    def _read(self, moment: _Moment) -> Iterator[Any]:
        for index in _cut(self.rows.blocks(moment), self.size):
            if len(index) < self.size and self.drop:
                return
            batch = _map(lambda a, index=index: a[index], self.rows.arrays)
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
        rows = _whole(self._batches.rows.blocks(_Moment(seed, (began,))))
        order: np.ndarray = rows[first * self._batches.size : stop * self._batches.size]
        return order.astype(np.int32)


class _Feed:
    """A dataset as the stream of one source; `moment` is what its next pass draws its orders from."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.moment = _Moment(0, (0,))

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
        self._feed.moment = _Moment(seed, (step,))
        return super()._items(seed, step)


def _entries(element: Any) -> tuple[Any, ...]:
    return element if isinstance(element, tuple) else (element,)


# -- orders -----------------------------------------------------------------------------------------------------


def _again(moment: _Moment, reshuffle: bool) -> _Moment:
    return moment if reshuffle else _Moment(moment.seed, (0,))


def _repetitions(moment: _Moment, count: int | None) -> Iterator[_Moment]:
    times = itertools.count() if count in (None, -1) else range(int(count or 0))
    # The first repetition's orders are those of a pass without any.
    return (moment if i == 0 else _Moment(moment.seed, (*moment.key, i)) for i in times)


def _shuffled(
    elements: Iterator[Any], size: int, moment: _Moment, seed: int | None, stage: int
) -> Iterator[Any]:
    """Yield elements out of a buffer that the following ones fill up."""
    generator = moment.generator(seed, stage)
    buffer = list(itertools.islice(elements, size))
    for element in elements:
        i = int(generator.integers(len(buffer)))
        yield buffer[i]
        buffer[i] = element
    yield from (buffer[i] for i in generator.permutation(len(buffer)))


def _whole(blocks: Iterator[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.empty(0, int), *blocks])


def _cut(numbers: Iterator[Any], size: int) -> Iterator[np.ndarray]:
    """Yield numbers, which come one by one or in blocks, in blocks of one size."""
    waiting = np.empty(0, int)
    for block in numbers:
        waiting = np.concatenate([waiting, np.atleast_1d(block)])
        while len(waiting) >= size:
            yield waiting[:size]
            waiting = waiting[size:]
    if len(waiting):
        yield waiting


def _window(blocks: Iterator[np.ndarray], start: int, count: int | None) -> Iterator[np.ndarray]:
    """Yield blocks without the first `start` numbers, and at most `count` numbers."""
    for block in blocks:
        if count == 0:
            return
        kept = block[start:][:count]
        start = max(start - len(block), 0)
        count = None if count is None else count - len(kept)
        if len(kept):
            yield kept


def _batches(length: int, size: int, drop: bool) -> int:
    return length if length < 0 else length // size if drop else math.ceil(length / size)


def _times(length: int, count: int) -> int:
    return 0 if count == 0 else length if length < 0 else length * count


# -- functions --------------------------------------------------------------------------------------------------


class _Vectorized:
    """A function of a row as one of a batch: traced once where that works, else called for each row."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self._compiled: Any = jax.jit(jax.vmap(lambda row: _apply(function, row)))

    def __call__(self, batch: Any) -> Any:
        if self._compiled is not None:
            try:
                return self._compiled(_tensors(batch))
            except Exception:
                # Python's `if` on a value, NumPy, files, strings: what is wrong with the row itself shows below.
                self._compiled = None
        rows = [_map(lambda a, i=i: a[i], batch) for i in range(_count(batch))]
        return _stack([_arrays(_apply(self.function, _tensors(row))) for row in rows])


def _typed(element: Any, spec: Any) -> Any:
    """Return an element with the dtypes of a signature."""
    if isinstance(spec, Mapping):
        return {k: _typed(element[k], s) for k, s in spec.items()}
    if isinstance(spec, list) or (isinstance(spec, tuple) and not hasattr(spec, "dtype")):
        return tuple(_typed(e, s) for e, s in zip(element, spec, strict=True))
    return np.asarray(element, jnp.dtype(str(getattr(spec, "dtype", spec))))


for _path in ("data", "data.experimental"):
    WRITTEN[f"tensorflow.{_path}.AUTOTUNE"] = -1
    WRITTEN[f"tensorflow.{_path}.INFINITE_CARDINALITY"] = _INFINITE
    WRITTEN[f"tensorflow.{_path}.UNKNOWN_CARDINALITY"] = _UNKNOWN
covers("tensorflow.data.experimental.cardinality")(lambda dataset: dataset.cardinality())
