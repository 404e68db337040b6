"""One batch whose arrays differ in length: a graph's nodes and edges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from trivium.data.checks import placed
from trivium.data.lazy import dense
from trivium.data.sources import BatchedSource
from trivium.state.trees import map_leaves, named_leaves

__all__ = ["SingleBatch", "is_uneven"]


def is_uneven(data: tuple) -> bool:
    """Say whether the arrays of a batch differ in length, so that it has no rows that could be taken one by one.

    Args:
        data: The batch, as `standardize` returned it.

    Example:
        >>> import numpy as np
        >>> is_uneven(([np.zeros(3), np.zeros(5)],))
        True
    """
    return len({leaf.shape[0] for _, leaf in named_leaves(data, "data") if leaf is not None}) > 1


class SingleBatch(BatchedSource):
    """A stream of one batch, which each epoch shows whole.

    Args:
        data: `(x,)`, `(x, y)` or `(x, y, sample_weight)` as `standardize` returned it.
        what: Where the data was given.

    Example:
        >>> import numpy as np
        >>> source = SingleBatch(([np.zeros(3), np.zeros(5)],), "predict_on_batch")
        >>> [[len(array) for array in x] for x, in source.batches()]
        [[3, 5]]
    """

    def __init__(self, data: tuple, what: str) -> None:
        super().__init__(what=what, num_batches=1)
        self._data = map_leaves(dense, data)

    def map_inputs(self, function: Callable[[Any], Any]) -> None:
        """Make the inputs into others."""
        self._data = function(self._data[0]), *self._data[1:]

    def example(self) -> tuple:
        """Return the batch."""
        return self._data

    def require(self, check: Callable[[tuple], None]) -> None:
        """Check the batch; see `Source`."""
        with placed(self.what):
            check(self._data)

    def batches(
        self, seed: int | None = None, step: int | None = None, skip: int = 0
    ) -> Iterator[tuple]:
        """Yield the batch.

        Args:
            seed: Nothing follows from it, as from the others.
            step: The number of steps taken before.
            skip: How many batches another process has used; none, since nothing is kept between two calls.
        """
        yield self._data
