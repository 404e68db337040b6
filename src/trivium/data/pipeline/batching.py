"""How the elements of a pipeline are put together, and taken apart."""

from __future__ import annotations

from typing import Self

from trivium.data.pipeline.base import Pipeline

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
        return self._then(self._elements.batch(int(batch_size), bool(drop_remainder)))

    def unbatch(self) -> Self:
        """Take elements apart along their first axis.

        Example:
            >>> from trivium.data import Dataset
            >>> [e.item() for e in Dataset.from_tensors([1, 2]).unbatch()]
            [1, 2]
        """
        return self._then(self._elements.unbatch())
