"""Several datasets as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from trivium.data.checks import DataError, check_count
from trivium.data.orders import OrderKey
from trivium.data.pipeline.base import Pipeline, together
from trivium.data.pipeline.elements import as_tensors, call_on, map_arrays
from trivium.data.pipeline.functions import worker_count
from trivium.data.pipeline.stages import UNKNOWN, Elements
from trivium.data.pipeline.weaving import chosen, flattened, interleaved, summed
from trivium.state.types import Tree

if TYPE_CHECKING:
    from trivium.data.pipeline.dataset import Dataset

__all__ = ["Mixed"]

# How many datasets `interleave` has open where nobody says: a number of its own, so that the order is the same on every
# machine.
_CYCLE = 4


def _inner(function: Callable[..., Any]) -> Callable[[Any], Elements]:
    """Return a function from an element to the elements of the dataset that `function` makes of it."""

    def make(element: Tree) -> Elements:
        made = call_on(function, as_tensors(element))
        if not isinstance(made, Pipeline):
            raise DataError(
                f"The function gave a {type(made).__name__}; wanted a Dataset, such as from_tensor_slices makes."
            )
        return made._elements

    return make


class Mixed(Pipeline):
    """The methods that put datasets together."""

    @classmethod
    def zip(cls, *args: Any, datasets: Any = None) -> Self:
        """Make a dataset of tuples or dicts, one element out of each dataset, as long as the shortest.

        Args:
            args: The datasets, or one tuple or dict of them, nested as the elements are to be.
            datasets: That one by name.

        Example:
            >>> from trivium.data import Dataset
            >>> [(a.item(), b.item()) for a, b in Dataset.zip(Dataset.range(2), Dataset.range(5, 9))]
            [(0, 5), (1, 6)]
        """
        given = datasets if datasets is not None else args[0] if len(args) == 1 else args
        parts: list[Pipeline] = []
        map_arrays(parts.append, given)
        first, *others = parts
        zipped = first._elements.zip(*(other._elements for other in others))
        if not isinstance(given, tuple) or len(given) != len(parts):
            zipped = zipped.arranged(given)
        return cls(zipped, together(*parts))

    def concatenate(self, dataset: Dataset) -> Self:
        """Put another dataset behind this one.

        Args:
            dataset: The other.

        Example:
            >>> from trivium.data import Dataset
            >>> [e.item() for e in Dataset.range(2).concatenate(Dataset.range(1))]
            [0, 1, 0]
        """
        return self._then(self._elements.concatenate(dataset._elements), dataset)

    def flat_map(self, map_func: Callable[..., Dataset]) -> Self:
        """Put the datasets that a function makes of the elements one behind the other.

        Args:
            map_func: Takes an element and returns a dataset.

        Example:
            >>> from trivium.data import Dataset
            >>> [e.item() for e in Dataset.range(3).flat_map(lambda i: Dataset.range(int(i)))]
            [0, 0, 1]
        """
        return self._then(flattened(self._elements, _inner(map_func)))

    def interleave(
        self,
        map_func: Callable[..., Dataset],
        cycle_length: int | None = None,
        block_length: int | None = None,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
    ) -> Self:
        """Read several of the datasets that a function makes of the elements in turn, such as one for each file.

        Args:
            map_func: Takes an element and returns a dataset.
            cycle_length: How many are open at a time; 4 where it is `None`.
            block_length: How many elements are read of one before it is the next one's turn; 1 where it is `None`.
            num_parallel_calls: Any number has each open dataset read ahead by a thread of its own.
            deterministic: Not looked at: the order is the same in any case.

        Example:
            >>> from trivium.data import Dataset
            >>> ds = Dataset.range(1, 4).interleave(lambda i: Dataset.from_tensors(i).repeat(int(i)), cycle_length=2)
            >>> [e.item() for e in ds]
            [1, 2, 2, 3, 3, 3]
        """
        cycle = _CYCLE if cycle_length in (None, -1) else check_count("cycle_length", cycle_length)
        block = check_count("block_length", block_length)
        ahead = worker_count(num_parallel_calls) > 0
        return self._then(
            interleaved(self._elements, _inner(map_func), cycle or _CYCLE, block or 1, ahead)
        )

    @classmethod
    def sample_from_datasets(
        cls,
        datasets: Sequence[Dataset],
        weights: Sequence[float] | None = None,
        seed: int | None = None,
        stop_on_empty_dataset: bool = False,
        rerandomize_each_iteration: bool = False,
    ) -> Self:
        """Make a dataset whose elements come from others, drawn by chance.

        Args:
            datasets: The others.
            weights: How likely each is, in any unit; all alike by default.
            seed: A seed of its own, in place of the global one.
            stop_on_empty_dataset: Whether the end of one is the end of all, so that the shares stay what they are.
            rerandomize_each_iteration: Whether each pass draws anew; else all draw as the first one.

        Example:
            >>> from trivium.data import Dataset
            >>> ds = Dataset.sample_from_datasets([Dataset.range(3), Dataset.range(10, 13)], seed=1)
            >>> sorted(e.item() for e in ds)
            [0, 1, 2, 10, 11, 12]
        """
        parts = [d._elements for d in datasets]
        shares = np.ones(len(parts)) if weights is None else np.asarray(weights, float)
        if not parts or shares.shape != (len(parts),) or (shares < 0).any() or not shares.sum():
            raise DataError(
                f"`weights` has one number of at least 0 for each of the {len(parts)} datasets, not all of them 0; got "
                f"{weights!r}."
            )
        stage = max((p.shuffles for p in parts), default=0)

        def choices(key: OrderKey) -> Iterator[int]:
            draws = key.for_shuffle(bool(rerandomize_each_iteration)).generator(seed, stage + 1)
            edges = np.cumsum(shares / shares.sum())
            # Many at a time, since a call costs more than a number.
            while True:
                yield from (
                    np.searchsorted(edges, draws.random(1024), side="right")
                    .clip(max=len(parts) - 1)
                    .tolist()
                )

        # One that is never drawn is never read.
        length = (
            UNKNOWN
            if stop_on_empty_dataset or (shares == 0).any()
            else (summed([p.length for p in parts]))
        )
        return cls(chosen(parts, choices, stop_on_empty_dataset, length), together(*datasets))

    @classmethod
    def choose_from_datasets(
        cls,
        datasets: Sequence[Dataset],
        choice_dataset: Dataset,
        stop_on_empty_dataset: bool = True,
    ) -> Self:
        """Make a dataset whose elements come from others, in an order that is given.

        Args:
            datasets: The others.
            choice_dataset: Numbers: which of them each element comes from.
            stop_on_empty_dataset: Whether the end of one is the end of all; else a choice of it is passed over.

        Example:
            >>> from trivium.data import Dataset
            >>> choice = Dataset.range(2).repeat(2)
            >>> [e.item() for e in Dataset.choose_from_datasets([Dataset.range(2), Dataset.range(5, 7)], choice)]
            [0, 5, 1, 6]
        """
        parts = [d._elements for d in datasets]

        def choices(key: OrderKey) -> Iterator[int]:
            return (int(np.asarray(n)) for n in choice_dataset._elements.read(key))

        return cls(
            chosen(parts, choices, stop_on_empty_dataset, UNKNOWN),
            together(*datasets, choice_dataset),
        )
