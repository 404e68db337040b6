"""Where the elements of a pipeline come from."""

from __future__ import annotations

import glob
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from trivium.data.orders import OrderKey
from trivium.data.paths import MissingFileError
from trivium.data.pipeline.base import Pipeline
from trivium.data.pipeline.elements import as_arrays, typed
from trivium.data.pipeline.failures import Failed, place_of
from trivium.data.pipeline.filecache import SAVED, FileCache
from trivium.data.pipeline.functions import name_of
from trivium.data.pipeline.rows import rows_of
from trivium.data.pipeline.stages import INFINITE, UNKNOWN, Elements, skipping
from trivium.state.types import DType, Tree

__all__ = ["Made"]


class Made(Pipeline):
    """The methods that make a dataset."""

    @classmethod
    def from_tensor_slices(cls, tensors: Tree) -> Self:
        """Make a dataset of the rows of arrays.

        Args:
            tensors: Arrays with one number of rows, nested in tuples and dicts.

        Raises:
            ValueError: The arrays have different numbers of rows.

        Example:
            >>> from trivium.data import Dataset
            >>> [e["a"].item() for e in Dataset.from_tensor_slices({"a": [1, 2]})]
            [1, 2]
        """
        return cls(rows_of(as_arrays(tensors)))

    @classmethod
    def from_tensors(cls, tensors: Tree) -> Self:
        """Make a dataset of one element.

        Args:
            tensors: The element.

        Example:
            >>> from trivium.data import Dataset
            >>> [e.tolist() for e in Dataset.from_tensors([1, 2])]
            [[1, 2]]
        """
        element = as_arrays(tensors)
        return cls(Elements(skipping(lambda key: iter([element])), 1))

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
            >>> from trivium.data import Dataset
            >>> [e.item() for e in Dataset.from_generator(lambda n: iter(range(n)), "float32", args=(2,))]
            [0.0, 1.0]
        """
        spec = output_signature if output_signature is not None else output_types

        def read(key: OrderKey) -> Iterator[Any]:
            number = 0
            try:
                for element in generator(*(args or ())):
                    made = as_arrays(element) if spec is None else typed(element, spec)
                    yield cls._fitting(made, output_signature, output_shapes)
                    number += 1
            except (
                Exception
            ) as error:  # Behind it nothing comes: a generator that raised has ended.
                yield Failed(error, place_of(number, None, f"from_generator({name_of(generator)})"))

        return cls(Elements(skipping(read), UNKNOWN))

    @staticmethod
    def _fitting(element: Any, signature: Any, shapes: Any) -> Any:
        """Return what a generator yielded, if it is of the shapes that were said; a face may look at them."""
        return element

    @classmethod
    def range(cls, *args: int, output_type: DType = "int64") -> Self:
        """Make a dataset of numbers, like Python's `range`.

        Args:
            args: Start, stop and step, as for `range`.
            output_type: The numbers' dtype.

        Example:
            >>> from trivium.data import Dataset
            >>> [e.item() for e in Dataset.range(2, 8, 3)]
            [2, 5]
        """
        return cls.from_tensor_slices(np.arange(*args, dtype=str(output_type)))

    @classmethod
    def list_files(
        cls, file_pattern: Any, shuffle: bool | None = None, seed: int | None = None
    ) -> Self:
        """Make a dataset of the paths of files.

        Args:
            file_pattern: A pattern such as `"images/*/*.jpg"`, or several; `**` stands for any folders.
            shuffle: Whether each pass has them in another order, which is the default; else they are sorted.
            seed: A seed of the order's own, in place of the global one.

        Raises:
            DataError: There is no such file.

        Example:
            >>> import os, trivium
            >>> from trivium.data import Dataset
            >>> paths = Dataset.list_files(os.path.dirname(trivium.__file__) + "/__init__.py")
            >>> [os.path.basename(str(path)) for path in paths]
            ['__init__.py']
        """
        patterns = np.atleast_1d(np.asarray(file_pattern, object)).tolist()
        found = sorted({f for p in patterns for f in glob.glob(os.fsdecode(p), recursive=True)})
        if not found:
            shown = ", ".join(repr(os.fsdecode(p)) for p in patterns)
            raise MissingFileError(
                f"`list_files` found no file for {shown}, seen from {os.getcwd()!r}."
            )
        rows = rows_of(np.array(found, object))
        return cls(rows.shuffle(len(found), seed, True) if shuffle is not False else rows)

    @classmethod
    def counter(cls, start: int = 0, step: int = 1, dtype: DType = "int64") -> Self:
        """Make a dataset of numbers that go on without end.

        Args:
            start: The first number.
            step: How far the next one lies behind.
            dtype: Their dtype.

        Example:
            >>> from trivium.data import Dataset
            >>> [e.item() for e in Dataset.counter(3, 2).take(3)]
            [3, 5, 7]
        """
        made = np.dtype(str(dtype)).type
        return cls(
            Elements(
                lambda key, skip: (made(i) for i in itertools.count(start + skip * step, step)),
                INFINITE,
            )
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Make a dataset of what `save` or `snapshot` wrote.

        Args:
            path: The folder.

        Raises:
            DataError: There is no such dataset, or it is damaged.

        Example:
            >>> import tempfile
            >>> from trivium.data import Dataset
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     Dataset.range(3).save(folder)
            ...     [e.item() for e in Dataset.load(folder)]
            [0, 1, 2]
        """
        cache = FileCache(Path(path) / SAVED)
        if not cache.whole:
            raise MissingFileError(f"There is no saved dataset in the folder {os.fspath(path)!r}.")
        return cls(Elements(lambda key, skip: cache.read(skip), len(cache)))

    @classmethod
    def random(cls, seed: int | None = None, rerandomize_each_iteration: bool = False) -> Self:
        """Make a dataset of random whole numbers from 0 to 2**32 - 1, without end.

        Args:
            seed: A seed of its own, in place of the global one.
            rerandomize_each_iteration: Whether each pass has other numbers; else all have those of the first.

        Example:
            >>> from trivium.data import Dataset
            >>> one, other = (list(Dataset.random(seed=4).take(3)) for _ in range(2))
            >>> one == other
            True
        """

        def read(key: OrderKey) -> Iterator[Any]:
            draws = key.for_shuffle(bool(rerandomize_each_iteration)).generator(seed, 1)
            # Many at a time, since a call costs more than a number.
            while True:
                yield from draws.integers(0, 2**32, 1024, np.uint32)

        return cls(Elements(skipping(read), INFINITE))
