"""How the elements of a pipeline are put together, and taken apart."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence
from typing import Any, Self

import jax.numpy as jnp

from trivium.data.checks import DataError, check_whole
from trivium.data.pipeline.base import Pipeline
from trivium.data.pipeline.grouping import grouped, in_rows, padded, to_boundary, windows
from trivium.data.pipeline.stages import Elements

__all__ = ["Batched"]


class Batched(Pipeline):
    """The methods that put elements together."""

    def batch(self, batch_size: int, drop_remainder: bool = False) -> Self:
        """Put elements together on a new first axis.

        Args:
            batch_size: How many.
            drop_remainder: Whether to leave a last partial batch out.

        Example:
            >>> from trivium.data import Dataset
            >>> [e.tolist() for e in Dataset.range(5).batch(2)]
            [[0, 1], [2, 3], [4]]
        """
        size = check_whole("batch_size", batch_size)
        return self._then(self._elements.batch(size, bool(drop_remainder)))

    def unbatch(self) -> Self:
        """Take elements apart along their first axis.

        Example:
            >>> from trivium.data import Dataset
            >>> [e.item() for e in Dataset.from_tensors([1, 2]).unbatch()]
            [1, 2]
        """
        return self._then(self._elements.unbatch())

    def rebatch(self, batch_size: int, drop_remainder: bool = False) -> Self:
        """Put the rows of batches together in batches of another size.

        Args:
            batch_size: How many.
            drop_remainder: Whether to leave a last partial batch out.

        Example:
            >>> from trivium.data import Dataset
            >>> [e.tolist() for e in Dataset.range(5).batch(2).rebatch(3)]
            [[0, 1, 2], [3, 4]]
        """
        return self.unbatch().batch(batch_size, drop_remainder)

    def padded_batch(
        self,
        batch_size: int,
        padded_shapes: Any = None,
        padding_values: Any = None,
        drop_remainder: bool = False,
    ) -> Self:
        """Put elements of different sizes together, each filled up to one shape.

        Args:
            batch_size: How many.
            padded_shapes: The shapes, nested as an element, each a tuple of sizes; `None` or -1 stands for the largest
                in the batch, and `None` in place of a shape for that on every axis.
            padding_values: What to fill up with, nested as an element, or one for all; by default 0, or empty text.
            drop_remainder: Whether to leave a last partial batch out.

        Example:
            >>> from trivium.data import Dataset
            >>> import numpy as np
            >>> ds = Dataset.range(1, 4).map(lambda i: np.full(int(i), int(i)))
            >>> next(iter(ds.padded_batch(3))).tolist()
            [[1, 0, 0], [2, 2, 0], [3, 3, 3]]
        """
        size = check_whole("batch_size", batch_size)
        return self._then(
            padded(self._elements, size, padded_shapes, padding_values, bool(drop_remainder))
        )

    def ragged_batch(self, batch_size: int, drop_remainder: bool = False) -> Self:
        """Put elements of different lengths together, each as long as it is: see `trivium.data.ragged`.

        Args:
            batch_size: How many.
            drop_remainder: Whether to leave a last partial batch out.

        Example:
            >>> from trivium.data import Dataset
            >>> import numpy as np
            >>> next(iter(Dataset.range(3).map(lambda i: np.arange(int(i))).ragged_batch(3)))
            RaggedArray([[], [0], [0, 1]])
        """
        size = check_whole("batch_size", batch_size)
        return self._then(in_rows(self._elements, size, bool(drop_remainder)))

    def window(
        self, size: int, shift: int | None = None, stride: int = 1, drop_remainder: bool = False
    ) -> Self:
        """Cut the elements into windows, each a dataset; of tuples and dicts, one dataset for each part.

        Args:
            size: How many elements a window has.
            shift: How far the next window begins behind; `size` by default.
            stride: How far apart the elements of a window are.
            drop_remainder: Whether to leave windows of fewer elements, at the end, out.

        Example:
            >>> from trivium.data import Dataset
            >>> windows = Dataset.range(5).window(3, shift=1, drop_remainder=True)
            >>> [e.tolist() for e in windows.flat_map(lambda w: w.batch(3))]
            [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
        """
        size = check_whole("size", size)
        shift = (
            size if shift is None else check_whole("shift", shift, or_else=", or None for `size`")
        )
        stride = check_whole("stride", stride)
        return self._then(
            windows(self._elements, type(self), size, shift, stride, bool(drop_remainder))
        )

    def group_by_window(
        self,
        key_func: Callable[..., Any],
        reduce_func: Callable[[Any, Any], Any],
        window_size: int | None = None,
        window_size_func: Callable[[Any], Any] | None = None,
    ) -> Self:
        """Gather elements by a key, and put what a function makes of each group one behind the other.

        Args:
            key_func: Takes an element and returns a whole number, its key.
            reduce_func: Takes a key and a dataset of elements that have it, and returns a dataset.
            window_size: How many elements make a group.
            window_size_func: In place of it: takes a key and returns how many.

        Raises:
            DataError: Both or none of the two are given.

        Example:
            >>> from trivium.data import Dataset
            >>> ds = Dataset.range(5).group_by_window(lambda i: i % 2, lambda key, group: group.batch(2), window_size=2)
            >>> [e.tolist() for e in ds]
            [[0, 2], [1, 3], [4]]
        """
        if (window_size is None) == (window_size_func is None):
            raise DataError("Give either `window_size` or `window_size_func`.")
        if window_size is not None:
            window_size = check_whole("window_size", window_size)

        def size_of(key: int) -> int:
            if window_size_func is None:
                return window_size or 1
            return check_whole("window_size_func(key)", window_size_func(jnp.asarray(key)))

        def reduce(key: int, group: Elements) -> Elements:
            made: Batched = reduce_func(jnp.asarray(key), type(self)(group))
            return made._elements

        return self._then(grouped(self._elements, key_func, size_of, reduce))

    def bucket_by_sequence_length(
        self,
        element_length_func: Callable[..., Any],
        bucket_boundaries: Sequence[int],
        bucket_batch_sizes: Sequence[int],
        padded_shapes: Any = None,
        padding_values: Any = None,
        pad_to_bucket_boundary: bool = False,
        no_padding: bool = False,
        drop_remainder: bool = False,
    ) -> Self:
        """Put elements of similar lengths together, so that little is filled up.

        Args:
            element_length_func: Takes an element and returns its length.
            bucket_boundaries: Where one bucket ends and the next begins, in ascending order.
            bucket_batch_sizes: How many elements a batch has, for each bucket: one more than boundaries.
            padded_shapes: As for `padded_batch`.
            padding_values: As for `padded_batch`.
            pad_to_bucket_boundary: Whether sizes that are not given become the largest that the bucket may hold, so
                that there are as many shapes as buckets. No element may then be longer than the last boundary allows.
            no_padding: Whether the elements of a bucket have one shape already.
            drop_remainder: Whether to leave partial batches out.

        Raises:
            DataError: The number of sizes does not fit the boundaries.

        Example:
            >>> from trivium.data import Dataset
            >>> import numpy as np
            >>> ds = Dataset.range(1, 7).map(lambda i: np.full(int(i), int(i)))
            >>> buckets = ds.bucket_by_sequence_length(lambda x: len(x), [3], [2, 4])
            >>> [batch.shape for batch in buckets]
            [(2, 2), (4, 6)]
        """
        edges = list(bucket_boundaries)
        sizes = [check_whole("bucket_batch_sizes", n) for n in bucket_batch_sizes]
        if len(sizes) != len(edges) + 1 or edges != sorted(set(edges)):
            raise DataError(
                f"`bucket_batch_sizes` has one number more than `bucket_boundaries`, which ascend; got {sizes} and "
                f"{edges}."
            )

        def bucket(*element: Any) -> int:
            length = int(element_length_func(*element))
            if pad_to_bucket_boundary and edges and length >= edges[-1]:
                raise DataError(
                    f"An element has the length {length}; with `pad_to_bucket_boundary` all are shorter than the last "
                    f"boundary, {edges[-1]}."
                )
            return bisect.bisect_right(edges, length)

        def put_together(number: Any, group: Batched) -> Batched:
            number = int(number)
            if no_padding:
                return group.batch(sizes[number], drop_remainder)
            shapes = padded_shapes
            if pad_to_bucket_boundary:
                first = next(iter(group))  # type: ignore[call-overload]
                shapes = to_boundary(first, padded_shapes, edges[number] - 1)
            return group.padded_batch(sizes[number], shapes, padding_values, drop_remainder)

        return self.group_by_window(bucket, put_together, window_size_func=lambda n: sizes[int(n)])
