"""Windows that slide over a series, cut when they are read: the series is never copied as a whole."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from trivium.data.checks import DataError, check_count
from trivium.preprocessing.loaders.folders import check_format

__all__ = ["timeseries_dataset_from_array"]


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",
) -> Any:
    """Make a dataset of the windows of a series, and of a target for each.

    The window number `i` begins at step `start_index + i * sequence_stride` and takes every `sampling_rate`-th step
    from there. Windows are cut out of `data` batch by batch, so a series may be larger than memory: a `numpy.memmap`, a
    dataset of an HDF5 file.

    Args:
        data: The series, with the steps on its first axis.
        targets: For each step, what belongs to the window that begins there; `None` for windows alone.
        sequence_length: Steps a window.
        sequence_stride: Steps from the beginning of a window to that of the next one.
        sampling_rate: Steps from one step of a window to the next one.
        batch_size: Windows a batch; `None` for windows one by one.
        shuffle: Whether to mix the windows, in another order each pass.
        seed: What the order is drawn from; by default the global seed.
        start_index: Steps before this one are not used.
        end_index: Steps from this one on are not used.
        format: `"tf"` or `"grain"`, as in Keras; the dataset is the same.

    Returns:
        A `data.Dataset` of `(windows, targets)`, or of windows alone. `windows` has the shape
        `(batch, sequence_length, ...)` and the dtype of `data`.

    Raises:
        ValueError: An argument makes no sense, or no window fits into the series.

    Example:
        >>> series = np.arange(6)
        >>> dataset = timeseries_dataset_from_array(series[:-3], series[3:], sequence_length=2)
        >>> [(x.tolist(), y.tolist()) for x, y in dataset]
        [([[0, 1], [1, 2]], [3, 4])]
    """
    from trivium.data.pipeline import Dataset
    from trivium.preprocessing.numbered import Numbered, numbers_of

    check_format(format)
    series = _sliceable("data", data)
    steps = len(series)
    for name, value in (
        ("sequence_length", sequence_length),
        ("sequence_stride", sequence_stride),
        ("sampling_rate", sampling_rate),
    ):
        if value is None or check_count(name, value) is None:
            raise DataError(f"`{name}` is a whole number of at least 1; got None.")
    size = check_count("batch_size", batch_size)
    first, stop = _span(start_index, end_index, steps)
    wanted = (sequence_length - 1) * sampling_rate + 1
    windows = stop - first - wanted + 1
    if windows < 1:
        raise ValueError(
            f"No window fits: {sequence_length} steps at a distance of {sampling_rate} take {wanted} steps, and the "
            f"series has {stop - first} from {first} to {stop}."
        )
    wanted_targets = None if targets is None else _sliceable("targets", targets)
    if wanted_targets is not None:
        windows = min(windows, len(wanted_targets) - first)
        if windows < 1:
            raise ValueError(
                f"`targets` has {len(wanted_targets)} entries, and the first window begins at step {first}: "
                "targets[i] belongs to the window that begins at step i."
            )
    starts = np.arange(first, first + windows, sequence_stride)
    reach = np.arange(sequence_length) * sampling_rate

    def cut(numbers: np.ndarray) -> list[Any]:
        begins = starts[numbers]
        columns = [_gathered(series, begins[:, None] + reach)]
        return columns if wanted_targets is None else [*columns, _gathered(wanted_targets, begins)]

    rows = numbers_of(len(starts), shuffle, seed)
    return Dataset(Numbered(rows, cut, list, size))


def _sliceable(name: str, data: Any) -> Any:
    """Return data that can be indexed by NumPy's arrays or by slices, as it is where it can."""
    if isinstance(data, np.ndarray):
        array: Any = data
    elif type(data).__module__.partition(".")[0] in ("h5py", "zarr"):
        array = data
    else:
        array = np.asarray(data)
    if not array.shape:
        raise DataError(f"`{name}` has its steps on the first axis; got a single value, {data!r}.")
    return array


def _span(start: Any, end: Any, steps: int) -> tuple[int, int]:
    first = 0 if start is None else operator.index(start)
    stop = steps if end is None else operator.index(end)
    if not 0 <= first < steps:
        raise ValueError(
            f"`start_index` is a step of the series, from 0 to {steps - 1}; got {start!r}."
        )
    if not first < stop <= steps:
        raise ValueError(
            f"`end_index` lies behind `start_index` ({first}) and is at most {steps}, the length of the series; got "
            f"{end!r}."
        )
    return first, stop


def _gathered(array: Any, index: np.ndarray) -> np.ndarray:
    """Return the entries of an array at some numbers, shape `(*index.shape, ...)`."""
    if isinstance(array, np.ndarray):
        return np.asarray(array[index])
    if index.ndim == 1:  # Files take slices: an array of numbers only if these go up.
        return np.stack([np.asarray(array[i]) for i in index])
    step = int(index[0, 1] - index[0, 0]) if index.shape[1] > 1 else 1
    return np.stack([np.asarray(array[row[0] : row[-1] + 1 : step]) for row in index])
