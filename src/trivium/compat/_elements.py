"""What `dataset` is made of: nested elements, the orders of shuffles, functions of rows."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class Moment(NamedTuple):
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


def map_arrays(function: Callable[..., Any], element: Any, *others: Any) -> Any:
    """Apply a function to the arrays of elements: tuples and dicts nest, lists are arrays."""
    if isinstance(element, Mapping):
        return {k: map_arrays(function, v, *(o[k] for o in others)) for k, v in element.items()}
    if isinstance(element, tuple):
        parts = [map_arrays(function, *e) for e in zip(element, *others, strict=True)]
        return type(element)(*parts) if hasattr(element, "_fields") else tuple(parts)
    return function(element, *others)


def as_arrays(element: Any) -> Any:
    return map_arrays(lambda x: x if isinstance(x, jax.Array) else np.asarray(x), element)


def as_tensors(element: Any) -> Any:
    """Return an element as a program's own code gets it: JAX arrays; strings stay NumPy's."""

    def convert(x: Any) -> Any:
        x = x if hasattr(x, "dtype") else np.asarray(x)
        return x if x.dtype.kind in "OSU" else jnp.asarray(x)

    return map_arrays(convert, element)


def stack(elements: Sequence[Any]) -> Any:
    return map_arrays(lambda *xs: np.stack([np.asarray(x) for x in xs]), *elements)


def count_rows(structure: Any) -> int:
    lengths = {len(a) for a in jax.tree.leaves(structure)}
    if len(lengths) != 1:
        raise ValueError(f"tf.data: the arrays have different numbers of rows, {sorted(lengths)}.")
    return lengths.pop()


def call_on(function: Callable[..., Any], element: Any) -> Any:
    return function(*element) if isinstance(element, tuple) else function(element)


# -- orders -----------------------------------------------------------------------------------------------------


def moment_for(moment: Moment, reshuffle: bool) -> Moment:
    return moment if reshuffle else Moment(moment.seed, (0,))


def repetitions(moment: Moment, count: int | None) -> Iterator[Moment]:
    times = itertools.count() if count in (None, -1) else range(int(count or 0))
    # The first repetition's orders are those of a pass without any.
    return (moment if i == 0 else Moment(moment.seed, (*moment.key, i)) for i in times)


def through_buffer(
    elements: Iterator[Any], size: int, moment: Moment, seed: int | None, stage: int
) -> Iterator[Any]:
    """Yield elements out of a buffer that the following ones fill up."""
    generator = moment.generator(seed, stage)
    buffer = list(itertools.islice(elements, size))
    for element in elements:
        i = int(generator.integers(len(buffer)))
        yield buffer[i]
        buffer[i] = element
    yield from (buffer[i] for i in generator.permutation(len(buffer)))


def gathered(blocks: Iterator[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.empty(0, int), *blocks])


def in_blocks(numbers: Iterator[Any], size: int) -> Iterator[np.ndarray]:
    """Yield numbers, which come one by one or in blocks, in blocks of one size."""
    waiting = np.empty(0, int)
    for block in numbers:
        waiting = np.concatenate([waiting, np.atleast_1d(block)])
        while len(waiting) >= size:
            yield waiting[:size]
            waiting = waiting[size:]
    if len(waiting):
        yield waiting


def part_of(blocks: Iterator[np.ndarray], start: int, count: int | None) -> Iterator[np.ndarray]:
    """Yield blocks without the first `start` numbers, and at most `count` numbers."""
    for block in blocks:
        if count == 0:
            return
        kept = block[start:][:count]
        start = max(start - len(block), 0)
        count = None if count is None else count - len(kept)
        if len(kept):
            yield kept


# -- functions --------------------------------------------------------------------------------------------------


class Vectorized:
    """A function of a row as one of a batch: traced once where that works, else called for each row."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self._compiled: Any = jax.jit(jax.vmap(lambda row: call_on(function, row)))

    def __call__(self, batch: Any) -> Any:
        if self._compiled is not None:
            try:
                return self._compiled(as_tensors(batch))
            except Exception:
                # Python's `if` on a value, NumPy, files, strings: what is wrong with the row itself shows below.
                self._compiled = None
        rows = [map_arrays(lambda a, i=i: a[i], batch) for i in range(count_rows(batch))]
        return stack([as_arrays(call_on(self.function, as_tensors(row))) for row in rows])


def typed(element: Any, spec: Any) -> Any:
    """Return an element with the dtypes of a signature."""
    if isinstance(spec, Mapping):
        return {k: typed(element[k], s) for k, s in spec.items()}
    if isinstance(spec, list) or (isinstance(spec, tuple) and not hasattr(spec, "dtype")):
        return tuple(typed(e, s) for e, s in zip(element, spec, strict=True))
    return np.asarray(element, jnp.dtype(str(getattr(spec, "dtype", spec))))
