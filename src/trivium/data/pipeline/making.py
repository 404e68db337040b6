"""Where the elements of a pipeline come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

import numpy as np

from trivium.data.orders import OrderKey
from trivium.data.pipeline.base import Pipeline, together
from trivium.data.pipeline.elements import as_arrays, typed
from trivium.data.pipeline.rows import rows_of
from trivium.data.pipeline.stages import UNKNOWN, Elements, skipping

__all__ = ["Made"]


class Made(Pipeline):
    """The methods that make a dataset."""

    @classmethod
    def from_tensor_slices(cls, tensors: Any) -> Self:
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
    def from_tensors(cls, tensors: Any) -> Self:
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
            for element in generator(*(args or ())):
                yield as_arrays(element) if spec is None else typed(element, spec)

        return cls(Elements(skipping(read), UNKNOWN))

    @classmethod
    def range(cls, *args: int, output_type: Any = "int64") -> Self:
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
    def zip(cls, *args: Any, datasets: Any = None) -> Self:
        """Make a dataset of tuples, one element out of each dataset, as long as the shortest.

        Args:
            args: The datasets, or one tuple of them.
            datasets: The tuple by name.

        Example:
            >>> from trivium.data import Dataset
            >>> [(a.item(), b.item()) for a, b in Dataset.zip(Dataset.range(2), Dataset.range(5, 9))]
            [(0, 5), (1, 6)]
        """
        first, *others = datasets if datasets is not None else args[0] if len(args) == 1 else args
        zipped = first._elements.zip(*(other._elements for other in others))
        return cls(zipped, together(first, *others))
