"""`adapt`: learning from data in one pass, before training and without gradients."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from trivium.data.reading import input_batches
from trivium.layers.base import Layer

__all__ = ["Adaptive", "finite_numbers"]


class Adaptive(Layer):
    """A layer that learns its numbers or its words from data by `adapt`.

    A subclass says in `_gathered` what is known after one more batch, which may be put into what was known before, and
    in `_learn` what it makes of it all. Whatever is wrong with the data is met while it is gathered; so a layer is as
    it was until all of the data has been read.

    Args:
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Example:
        >>> class Centered(Adaptive):
        ...     mean = 0.0
        ...     def _gathered(self, before, batch):
        ...         total, count = before or (0.0, 0)
        ...         return total + batch.sum(), count + batch.size
        ...     def _learn(self, gathered):
        ...         self.mean = gathered[0] / gathered[1]
        ...     def call(self, inputs):
        ...         return inputs - self.mean
        >>> layer = Centered()
        >>> layer.adapt(np.full((2, 3), float(i)) for i in range(3))
        >>> layer.mean.item()
        1.0
    """

    # Training leaves its variables as they are, so that the host may use what it gives ahead of the device.
    changed_by_adapt_alone: ClassVar[bool] = True
    # What `update_state` has gathered so far lies in no list of attributes to look through for layers.
    _untracked = Layer._untracked | {"_so_far"}
    _so_far: Any = None

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learn from data, in place of what was learned before.

        Args:
            data: An array, nested lists of numbers or text, a table or a sparse matrix; or batches: anything that gives
                such things one after another, such as a list of arrays, a generator, a `Dataset` or a `PyDataset`. Of
                a batch that is a pair, `(x, y)`, the first counts. Batches give what the whole would.
            steps: The most batches to read; all where it is `None`.

        Raises:
            ValueError: The layer was given what it would learn, there is no data, or it does not fit. The layer is as
                it was.
            TypeError: The data is of a kind that the layer does not take.
        """
        self._check_adaptive()
        gathered = None
        for batch in input_batches(data, "adapt", steps):
            gathered = self._gathered(gathered, batch)
        if gathered is None:
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}): `adapt` was given no data."
            )
        self._learn(gathered)
        self._so_far = None

    def update_state(self, data: Any) -> None:
        """Gather from a batch; `finalize_state` learns from all that was gathered. `adapt` does both by itself.

        Args:
            data: The batch.

        Raises:
            ValueError: As for `adapt`; what was gathered before is kept.
        """
        self._check_adaptive()
        for batch in input_batches(data, "update_state"):
            self._so_far = self._gathered(self._so_far, batch)

    def finalize_state(self) -> None:
        """Learn from what `update_state` has gathered, if it has anything."""
        if self._so_far is not None:
            self._learn(self._so_far)
            self._so_far = None

    def reset_state(self) -> None:
        """Forget what `update_state` has gathered; what was learned from it stays."""
        self._so_far = None

    def learned_arguments(self) -> dict[str, Any]:
        """Return what was learned, as arguments that make a layer which knows it; nothing where weights hold it."""
        return {}

    def _check_adaptive(self) -> None:
        """Raise an error where there is nothing to learn, since it was given to the layer."""

    def _gathered(self, before: Any, batch: np.ndarray) -> Any:
        """Return what is known with one more batch.

        Args:
            before: What was known before; `None` at first.
            batch: The batch.
        """
        raise NotImplementedError

    def _learn(self, gathered: Any) -> None:
        """Take over what the data says.

        Args:
            gathered: What `_gathered` returned for the last batch.
        """
        raise NotImplementedError


def finite_numbers(layer: Layer, batch: np.ndarray) -> np.ndarray:
    """Return a batch that a layer is to learn from, if it is one of numbers that are all finite.

    Args:
        layer: The layer, for the message.
        batch: The batch.

    Raises:
        TypeError: It is not of numbers.
        ValueError: A number is NaN or infinite: nothing that is learned from it would be a number.
    """
    where = f"Layer {layer.path!r} ({type(layer).__name__}): `adapt`"
    if batch.dtype.kind not in "biuf" and batch.dtype.name != "bfloat16":
        raise TypeError(f"{where} takes arrays of numbers; got one of dtype {batch.dtype}.")
    missing = ~np.isfinite(batch)
    if missing.any():
        place = tuple(map(int, np.argwhere(missing)[0]))
        raise ValueError(
            f"{where} was given {int(missing.sum())} numbers that are NaN or infinite, of {batch.size} in a batch; the "
            f"first is {batch[place]} at {list(place)}. Put a number in their place, or leave their rows out."
        )
    return batch
