"""Which elements of a pipeline come, in which order, and when they are made."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from trivium.data.checks import DataError, check_whole
from trivium.data.orders import OrderKey
from trivium.data.pipeline.base import Pipeline
from trivium.data.pipeline.elements import as_tensors, call_on
from trivium.data.pipeline.failures import Failed, place_of
from trivium.data.pipeline.filecache import SAVED, FileCache
from trivium.data.pipeline.functions import name_of
from trivium.data.pipeline.stages import UNKNOWN, skipping

__all__ = ["Ordered"]


class Ordered(Pipeline):
    """The methods that choose and order elements, and keep them."""

    def shuffle(
        self, buffer_size: int, seed: int | None = None, reshuffle_each_iteration: bool = True
    ) -> Self:
        """Draw the elements from a buffer by chance.

        Args:
            buffer_size: How many elements the buffer holds; the number of all mixes them all.
            seed: A seed of the shuffle's own, in place of the global one.
            reshuffle_each_iteration: Whether each pass has another order.

        Example:
            >>> from trivium.data import Dataset
            >>> sorted(e.item() for e in Dataset.range(4).shuffle(4))
            [0, 1, 2, 3]
        """
        reshuffle = bool(reshuffle_each_iteration)
        size = check_whole("buffer_size", buffer_size)
        return self._then(self._elements.shuffle(size, seed, reshuffle))

    def repeat(self, count: int | None = None) -> Self:
        """Go through the elements several times.

        Args:
            count: How often; `None` or -1 without end.

        Example:
            >>> from trivium.data import Dataset
            >>> [e.item() for e in Dataset.range(2).repeat(2)]
            [0, 1, 0, 1]
        """
        if count is not None:
            count = check_whole("count", count, -1, ", which means without end, as does None")
        return self._then(self._elements.repeat(count))

    def take(self, count: int) -> Self:
        """Keep the first elements.

        Args:
            count: How many; -1 for all.

        Example:
            >>> from trivium.data import Dataset
            >>> [e.item() for e in Dataset.range(5).take(2)]
            [0, 1]
        """
        count = check_whole("count", count, -1, ", which means all")
        return self if count < 0 else self._then(self._elements.take(count))

    def skip(self, count: int) -> Self:
        """Leave the first elements out.

        Args:
            count: How many; -1 for all.

        Example:
            >>> from trivium.data import Dataset
            >>> [e.item() for e in Dataset.range(5).skip(3)]
            [3, 4]
        """
        count = check_whole("count", count, -1, ", which means all")
        return self._then(self._elements.take(0) if count < 0 else self._elements.skip(count))

    def shard(self, num_shards: int, index: int) -> Self:
        """Keep every `num_shards`-th element.

        Args:
            num_shards: The distance between two elements that are kept.
            index: The number of the first, from 0.

        Raises:
            DataError: There are no shards, or there is none of that number.

        Example:
            >>> from trivium.data import Dataset
            >>> [e.item() for e in Dataset.range(7).shard(3, 1)]
            [1, 4]
        """
        shards, first = check_whole("num_shards", num_shards), check_whole("index", index, 0)
        if first >= shards:
            raise DataError(
                f"`index` is below `num_shards`: of {shards} shards the last is number {shards - 1}; got {first}."
            )
        return self._then(self._elements.shard(shards, first))

    def cache(self, filename: str | os.PathLike[str] = "") -> Self:
        """Keep the elements of the first whole pass, with what functions and chance made of them.

        Args:
            filename: A file to keep them in, for data that does not fit into memory or for later runs of the program;
                in memory by default. A file that is there is read, whatever it was made of: remove it when the data or
                the functions before have changed.

        Example:
            >>> from trivium.data import Dataset
            >>> ds = Dataset.range(3).map(lambda i: i + 1).cache()
            >>> len([e for e in ds])
            3
        """
        if filename:
            return self._then(self._elements.cached_in(FileCache(filename)))
        return self._then(self._elements.cache())

    def snapshot(self, path: str | os.PathLike[str]) -> Self:
        """Keep the elements of the first whole pass in a folder, for later passes and later runs of the program.

        Args:
            path: The folder; what `save` wrote into it is read, too.

        Example:
            >>> import tempfile
            >>> from trivium.data import Dataset
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     ds = Dataset.range(3).snapshot(folder)
            ...     [e.item() for e in ds], [e.item() for e in Dataset.load(folder)]
            ([0, 1, 2], [0, 1, 2])
        """
        return self._then(self._elements.cached_in(FileCache(Path(path) / SAVED)))

    def prefetch(self, buffer_size: int | None = None) -> Self:
        """Have elements made ahead in a thread, while whoever reads is at work on the ones before.

        `fit`, `evaluate` and `predict` read ahead of the device anyway, so at the end of a pipeline for them this
        changes nothing.

        Args:
            buffer_size: How many elements may wait; -1 or `None` for 2.

        Example:
            >>> from trivium.data import Dataset
            >>> [e.item() for e in Dataset.range(3).prefetch(1)]
            [0, 1, 2]
        """
        automatic = ", or -1 (AUTOTUNE) or None"
        size = -1 if buffer_size is None else buffer_size
        if isinstance(size, bool) or size != -1:
            size = check_whole("buffer_size", size, 1, automatic)
        return self._then(self._elements.prefetch(2 if size == -1 else size))

    def take_while(self, predicate: Callable[..., Any]) -> Self:
        """Keep the elements before the first one for which a function does not say so.

        Args:
            predicate: Takes an element and returns a truth value.

        Example:
            >>> from trivium.data import Dataset
            >>> [e.item() for e in Dataset.range(9).take_while(lambda i: i < 3)]
            [0, 1, 2]
        """

        def read(key: OrderKey) -> Iterator[Any]:
            for number, element in enumerate(self._elements.read(key)):
                if not isinstance(element, Failed):
                    try:
                        if not call_on(predicate, as_tensors(element)):
                            return
                    except Exception as error:
                        name = f"take_while({name_of(predicate)})"
                        element = Failed(error, place_of(number, element, name))
                yield element

        return self._then(self._elements.then(skipping(read), UNKNOWN))
