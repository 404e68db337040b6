"""What a source is: the data of one `fit`, `evaluate` or `predict`, as training reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, runtime_checkable

import numpy as np

from trivium.state.types import Tree

__all__ = ["Rows", "Source", "Stream"]


@runtime_checkable
class Source(Protocol):
    """Data in batches, epoch after epoch.

    Every source says what is known before the data is read, and gives a first batch to build a model on. Beside that it
    is one of two things: `Rows`, which training cuts into batches itself, or a `Stream`, which gives them.

    Example:
        >>> from trivium.data import make_source
        >>> isinstance(make_source([[1.0], [2.0]]), Source)
        True
    """

    @property
    def what(self) -> str:
        """Where the data was given, for messages: `"fit"`, `"evaluate"`, `"predict"`, `"validation_data"`."""
        ...

    @property
    def steps(self) -> int | None:
        """The most batches that an epoch takes; `None` takes all."""
        ...

    @property
    def num_batches(self) -> int | None:
        """Batches an epoch, a last partial one included; `None` if not known."""
        ...

    @property
    def num_samples(self) -> int | None:
        """Samples in the data; `None` if not known."""
        ...

    @property
    def batch_size(self) -> int | None:
        """Samples a batch; `None` where the data comes in batches."""
        ...

    @property
    def exhausted(self) -> bool:
        """Whether the data is at its end for good: no later epoch gets a batch."""
        ...

    def example(self) -> tuple[Tree, ...]:
        """Return a first batch: `(x,)`, `(x, y)` or `(x, y, sample_weight)`. No epoch misses it."""
        ...

    def require(self, check: Callable[[tuple[Tree, ...]], None]) -> None:
        """Have the data checked before it is used: rows as a whole and at once, a stream's batches as they come.

        Args:
            check: Raises an error for data that cannot be used.
        """
        ...

    def map_inputs(self, function: Callable[[Tree], Tree]) -> None:
        """Have the inputs made into others on the host: those of rows at once, a stream's batch by batch.

        Args:
            function: What it is to do: to the inputs of any number of samples, each for itself.
        """
        ...

    def place(self) -> dict[str, Any]:
        """Return where the source is before an epoch, as plain values, for a run that goes on in another process."""
        ...

    def go_to(self, place: dict[str, Any]) -> None:
        """Go to where `place` said that another process's source of the same data was.

        Args:
            place: What it returned.
        """
        ...

    def close(self) -> None:
        """End whatever makes batches ahead: nobody asks for more."""
        ...


@runtime_checkable
class Rows(Source, Protocol):
    """Data that lies in arrays, and the order in which an epoch shows their rows.

    A source of rows has no position: the order follows from the seed and the number of steps taken. So an epoch can be
    shown again, and an interrupted training goes on as if it had not stopped.
    """

    @property
    def data(self) -> tuple[Tree, ...]:
        """Arrays with the samples on their first axis, in the structure of a batch."""
        ...

    @property
    def nbytes(self) -> int:
        """Their size as dense arrays; what fits is laid on the device as a whole."""
        ...

    @property
    def lazy(self) -> bool:
        """Whether rows of some are made when they are asked for, a batch at a time."""
        ...

    @property
    def in_order(self) -> bool:
        """Whether each epoch shows the rows in their own order, from the first one on."""
        ...

    def order(self, seed: int, step: int) -> np.ndarray:
        """Return the numbers of the rows that an epoch shows, `batch_size` a batch, the last fewer.

        Args:
            seed: The seed.
            step: The number of steps taken before the epoch.
        """
        ...


@runtime_checkable
class Stream(Source, Protocol):
    """Data that comes batch by batch."""

    def batches(
        self, seed: int | None = None, step: int | None = None, skip: int = 0
    ) -> Iterator[tuple[Tree, ...]]:
        """Yield the batches of one epoch.

        Args:
            seed: The seed that the order of the batches follows from, where it is drawn.
            step: The number of steps taken before the epoch.
            skip: How many of the first batches to leave out: those that another process has used.
        """
        ...
