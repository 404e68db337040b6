"""Sources: the data of one `fit`, `evaluate` or `predict`, cut into epochs and batches.

A source keeps no place of its own in the data: which samples an epoch shows, and in which order,
follows from the seed and the number of steps taken, so an interrupted training goes on as if it had
not stopped.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Generator, Iterator
from typing import Any

import jax
import numpy as np

from trivium.data.checks import (
    placed,
)
from trivium.data.files import FileRows
from trivium.data.lazy import LazyRows, dense
from trivium.data.orders import by_blocks, permutation
from trivium.data.workers import ahead_of
from trivium.state.session import session
from trivium.state.trees import map_leaves

__all__ = [
    "ArraySource",
    "BatchedSource",
    "steps_argument",
]

# The argument that limits an epoch's batches, by the place that the data was given at.
_STEPS = {"fit": "steps_per_epoch", "validation_data": "validation_steps"}


def steps_argument(what: str) -> str:
    """Return the name of the argument that limits the batches of an epoch.

    Example:
        >>> steps_argument("fit"), steps_argument("predict")
        ('steps_per_epoch', 'steps')
    """
    return _STEPS.get(what, "steps")


class BatchedSource:
    """What all sources of this room are: how many batches an epoch has, and which.

    Args:
        what: Where the data was given: `"fit"`, `"evaluate"`, `"predict"`, `"validation_data"`.
            Only in `"fit"` does an epoch of limited `steps` go on where the last one stopped;
            elsewhere each starts at the first batch.
        num_batches: Batches an epoch, a last partial one included; `None` if not known.
        num_samples: Samples in the data; `None` if not known.
        batch_size: Samples a batch; `None` if the data comes in batches.
        steps: The most batches that an epoch takes; `None` takes all.
        shuffle: Whether the order is drawn anew each epoch; `"batch"` keeps the samples of a batch
            together.

    Attributes:
        exhausted: Whether the data is at its end for good: no later epoch gets a batch.
    """

    exhausted = False

    def __init__(
        self,
        *,
        what: str,
        num_batches: int | None,
        num_samples: int | None = None,
        batch_size: int | None = None,
        steps: int | None = None,
        shuffle: bool | str = False,
    ) -> None:
        self.what = what
        self.steps = steps
        # The most batches that an epoch takes: what was asked for, and what all may take at most.
        limits = [n for n in (steps, session().max_steps) if n is not None]
        self.most: int | None = min(limits, default=None)
        self.num_batches = (
            num_batches if self.most is None else min(self.most, num_batches or self.most)
        )
        self.num_samples = num_samples
        self.batch_size = batch_size
        self.shuffle = shuffle
        self._reading: Generator[Any, None, None] | None = None

    def example(self) -> tuple:
        """Return a first batch, to build a model on; no epoch misses it."""
        raise NotImplementedError

    def require(self, check: Callable[[tuple], None]) -> None:
        """Have the data checked: arrays at once, batches as they come.

        Args:
            check: Raises an error for a batch, or for all data, that cannot be used.
        """
        raise NotImplementedError

    def map_inputs(self, function: Callable[[Any], Any]) -> None:
        """Have the inputs of rows, or of each batch as it comes, made into others; see `Source`."""
        raise NotImplementedError

    def place(self) -> dict[str, Any]:
        """Return where the source is before an epoch, as plain values; rows have no position, and nothing to say."""
        return {}

    def go_to(self, place: dict[str, Any]) -> None:
        """Go to where `place` said that another process's source of the same data was.

        Args:
            place: What it returned.
        """

    def read_ahead(
        self, make: Callable[[], Iterator[Any]], size: int = 2
    ) -> Generator[Any, None, None]:
        """Return what an iterator gives, read ahead by a thread that `close` ends.

        Args:
            make: Makes the iterator.
            size: How many items may wait.
        """
        self._reading = ahead_of(make, size)
        return self._reading

    def close(self) -> None:
        """End whatever makes batches ahead."""
        if self._reading is not None:
            self._reading.close()

    def _window(self, total: int, step: int) -> tuple[int, int, int]:
        """Return an epoch's first batch, the one after its last, the step this pass began at."""
        step = step if self.what == "fit" else 0
        first = step % total if self.steps is not None and self.steps < total else 0
        stop = total if self.most is None else min(first + self.most, total)
        return first, stop, step - first

    def _warn_if_short(self, given: int) -> None:
        """Warn of an epoch with fewer batches than were asked for."""
        if self.steps is not None and self.most is not None and given < self.most:
            name = steps_argument(self.what)
            warnings.warn(
                f"{self.what}: the data ran out after {given} of {self.steps} steps, which ends "
                f"the epoch early: an epoch does not reach beyond the last batch. Leave `{name}` "
                "out, or choose one that divides the number of batches.",
                UserWarning,
                stacklevel=4,
            )


class ArraySource(BatchedSource):
    """Data that lies in arrays as a whole.

    Args:
        data: `(x,)`, `(x, y)` or `(x, y, sample_weight)` as `standardize` returned it.
        batch_size: Samples a batch; `None` means 32, or what makes `steps` batches of the data.
        steps: The most batches that an epoch takes.
        shuffle: `True`, `False` or `"batch"`.
        what: Where the data was given.

    Attributes:
        data: Nested structures of NumPy or JAX arrays, or rows of sparse matrices, of one length.
        nbytes: The size of all of it as dense arrays.
        lazy: Whether some rows are made when they are asked for (sparse matrices, arrays in files): never all at once.

    Example:
        >>> source = ArraySource((np.zeros((10, 3), "float32"),), batch_size=4)
        >>> source.num_batches, source.num_samples, source.nbytes
        (3, 10, 120)
    """

    num_samples: int
    num_batches: int
    batch_size: int

    def __init__(
        self,
        data: tuple,
        *,
        batch_size: int | None = None,
        steps: int | None = None,
        shuffle: bool | str = False,
        what: str = "fit",
    ) -> None:
        self._hold(data)
        count = jax.tree.leaves(data)[0].shape[0]
        size = batch_size or (math.ceil(count / steps) if steps else 32)
        self._total = math.ceil(count / size)
        super().__init__(
            what=what,
            num_batches=self._total,
            num_samples=count,
            batch_size=size,
            steps=steps,
            shuffle=shuffle,
        )

    def _hold(self, data: tuple) -> None:
        self.data = data
        # An array that serves several outputs counts once.
        arrays = {id(a): a for a in jax.tree.leaves(data)}
        self.lazy = any(isinstance(a, LazyRows) for a in arrays.values())
        self.nbytes = sum(int(a.nbytes) for a in arrays.values())

    def map_inputs(self, function: Callable[[Any], Any]) -> None:
        """Make the inputs into others, once for all epochs: a row stays a row."""
        self._hold((function(map_leaves(dense, self.data[0])), *self.data[1:]))

    def example(self) -> tuple:
        """Return the first `batch_size` samples, without a copy where they lie in NumPy arrays."""
        batch: tuple = map_leaves(lambda array: array[: self.batch_size], self.data)
        return batch

    def require(self, check: Callable[[tuple], None]) -> None:
        """Check the arrays as a whole; see `Source`."""
        with placed(self.what):
            check(self.data)

    @property
    def in_order(self) -> bool:
        """Whether each pass shows the samples in the order of the arrays, from the first one on."""
        return self.what != "fit" and not self.shuffle

    def order(self, seed: int, step: int) -> np.ndarray:
        """Return which samples an epoch shows, in order: `batch_size` a batch, the last fewer.

        An epoch has `num_batches` batches; with `steps` it has fewer where the data ends first
        (Keras stops there too, with a warning), and the next one begins at the front again.

        Args:
            seed: The seed of the order.
            step: The number of steps taken before the epoch; the same (seed, step) gives the same
                order.

        Returns:
            Sample numbers, dtype int32, with a last partial batch where the data ends in one.

        Example:
            >>> ArraySource((np.zeros(5, "float32"),), batch_size=2).order(seed=0, step=0)
            array([0, 1, 2, 3, 4], dtype=int32)
        """
        first, stop, began = self._window(self._total, step)
        self._warn_if_short(stop - first)
        size, count = self.batch_size, self.num_samples
        if self.shuffle == "batch":
            # A partial batch stays last: elsewhere it would move the others' borders.
            whole = count // size
            blocks = np.arange(whole * size, dtype=np.int32).reshape(whole, size)
            rest = np.arange(whole * size, count, dtype=np.int32)
            order = np.concatenate([blocks[permutation(whole, seed, began)].ravel(), rest])
        elif self.shuffle:
            order = self._shuffled(seed, began)
        else:
            order = np.arange(count, dtype=np.int32)
        return order[first * size : stop * size]

    @property
    def runs(self) -> tuple[int, int] | None:
        """How many rows files are read by, and how many such blocks are mixed with each other; `None` without files."""
        files = [a for a in jax.tree.leaves(self.data) if isinstance(a, FileRows)]
        if not files:
            return None
        block = min(a.block for a in files)
        # Blocks of different arrays do not begin at the same rows: half of each buffer is left for that.
        return block, max(1, min(a.block * a.blocks for a in files) // 2 // block)

    def _shuffled(self, seed: int, step: int) -> np.ndarray:
        if self.runs is None:
            return permutation(self.num_samples, seed, step)
        return by_blocks(self.num_samples, *self.runs, seed, step)
