"""`TimeseriesGenerator`: windows of a series as older programs make them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from trivium.data.checks import DataError
from trivium.data.pydataset import PyDataset

__all__ = ["TimeseriesGenerator"]


class TimeseriesGenerator(PyDataset):
    """Batches of windows of a series; the target of a window is that of the step behind it.

    New programs take `utils.timeseries_dataset_from_array`, where `targets[i]` belongs to the window that *begins* at
    step `i`.

    Args:
        data: The series, with the steps on its first axis.
        targets: What belongs to each step.
        length: Steps from the beginning of a window to its target.
        sampling_rate: Steps from one step of a window to the next one.
        stride: Steps from one window to the next one.
        start_index: Steps before this one are not used.
        end_index: The last step that may be a target.
        shuffle: Whether each batch takes windows at random (from NumPy's global generator).
        reverse: Whether a window's steps come last to first.
        batch_size: Windows a batch.
        **kwargs: As `PyDataset` takes them.

    Raises:
        DataError: `data` and `targets` have different lengths, or no window fits.

    Example:
        >>> x = np.arange(5)
        >>> windows, targets = TimeseriesGenerator(x, x * 10, length=2)[0]
        >>> windows.tolist(), targets.tolist()
        ([[0, 1], [1, 2], [2, 3]], [20, 30, 40])
    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        length: int,
        sampling_rate: int = 1,
        stride: int = 1,
        start_index: int = 0,
        end_index: int | None = None,
        shuffle: bool = False,
        reverse: bool = False,
        batch_size: int = 128,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if len(data) != len(targets):
            raise DataError(
                f"TimeseriesGenerator: `data` has {len(data)} steps and `targets` {len(targets)}: one for each."
            )
        self.data, self.targets = data, targets
        self.length, self.sampling_rate, self.stride = length, sampling_rate, stride
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle, self.reverse, self.batch_size = shuffle, reverse, batch_size
        if self.start_index > self.end_index:
            raise DataError(
                f"TimeseriesGenerator: no window fits: the first target is the step {self.start_index} (`start_index` "
                f"+ `length`), the last one {self.end_index} (`end_index`)."
            )

    def __len__(self) -> int:
        span = self.batch_size * self.stride
        return (self.end_index - self.start_index + span) // span

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        if self.shuffle:
            ends = np.random.randint(self.start_index, self.end_index + 1, size=self.batch_size)
        else:
            first = self.start_index + self.batch_size * self.stride * index
            stop = min(first + self.batch_size * self.stride, self.end_index + 1)
            ends = np.arange(first, stop, self.stride)
        windows = np.array([self.data[e - self.length : e : self.sampling_rate] for e in ends])
        targets = np.array([self.targets[end] for end in ends])
        return windows[:, ::-1] if self.reverse else windows, targets

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, data and targets as JSON."""
        names = ("length", "sampling_rate", "stride", "start_index", "end_index", "shuffle", "reverse",
                 "batch_size")  # fmt: skip
        arrays = {
            name: json.dumps(np.asarray(getattr(self, name)).tolist())
            for name in ("data", "targets")
        }
        return arrays | {name: getattr(self, name) for name in names}

    def to_json(self, **kwargs: Any) -> str:
        """Return the generator as JSON.

        Args:
            **kwargs: As `json.dumps` takes them.
        """
        config = {"class_name": type(self).__name__, "config": self.get_config()}
        return json.dumps(config, **kwargs)
