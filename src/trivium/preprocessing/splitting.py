"""A dataset in two parts."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trivium.data.checks import DataError
from trivium.state import global_seed, suggest

__all__ = ["split_dataset"]

_BACKENDS = ("jax", "numpy", "tensorflow")


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Any, Any]:
    """Part data in two, e.g. for training and testing.

    A `data.Dataset`, or a dataset or loader of PyTorch's, is read to its end once and kept in memory: so no sample is
    in both parts, whatever order each reading has. Of one in batches the samples are parted, and batched again.

    Args:
        dataset: An array; arrays with one number of rows in a tuple, list or dict; a `data.Dataset`; a
            `torch.utils.data.Dataset` or `DataLoader`.
        left_size: The size of the first part: a number of samples, or a fraction between 0 and 1. By default what
            `right_size` leaves.
        right_size: Likewise of the second part, which is taken from the end.
        shuffle: Whether to mix the samples before.
        seed: What the order is drawn from; by default the global seed.
        preferred_backend: As in Keras; what comes is a `data.Dataset` always.

    Returns:
        Two `data.Dataset`s.

    Raises:
        ValueError: A size is missing, does not lie within the data, or leaves nothing to the other; the data is empty.
        TypeError: `dataset` is none of these.

    Example:
        >>> left, right = split_dataset(np.arange(5), left_size=0.6)
        >>> [x.item() for x in left], [x.item() for x in right]
        ([0, 1, 2], [3, 4])
    """
    from trivium.data.pipeline import Dataset

    if preferred_backend not in (None, *_BACKENDS):
        raise ValueError(
            f"`preferred_backend` is one of {_BACKENDS} or None; got {preferred_backend!r}. What comes is a "
            f"`data.Dataset` always. {suggest(str(preferred_backend), _BACKENDS)}"
        )
    if left_size is None and right_size is None:
        raise ValueError(
            "`left_size` or `right_size` is needed: a number of samples, or a fraction."
        )
    arrays, samples, batch_size = _taken_apart(dataset)
    total = len(samples)
    left, right = _sizes(left_size, right_size, total)
    order = list(range(total))
    if shuffle:
        # Python's own shuffle, so that the same seed gives the parts that Keras gives.
        random.Random(global_seed() if seed is None else seed).shuffle(order)
    parts = []
    for chosen in (order[:left], order[total - right :]):
        if arrays is not None:
            # A slice is no copy.
            index: Any = chosen if shuffle else slice(chosen[0], chosen[-1] + 1)
            part = Dataset.from_tensor_slices(_each(lambda a, i=index: a[i], arrays))
        else:
            part = _of_samples([samples[i] for i in chosen])
        parts.append(part if batch_size is None else part.batch(batch_size))
    return parts[0], parts[1]


def _taken_apart(dataset: Any) -> tuple[Any, Sequence[Any], int | None]:
    """Return the arrays or else `None`, the samples, and the size of a batch, if the data came in batches."""
    from trivium.data.pipeline import Dataset

    if isinstance(dataset, Dataset):
        size = getattr(dataset._elements, "size", None)
        samples = list((dataset if size is None else dataset.unbatch()).as_numpy_iterator())
        return None, _some(samples), size
    root = type(dataset).__mro__[:-1]
    if any(cls.__module__.startswith("torch.utils.data") for cls in root):
        if hasattr(dataset, "batch_size"):  # A loader; what it gives are batches.
            batches = [_plain(batch) for batch in dataset]
            rows = [_each(lambda a, i=i: a[i], b) for b in batches for i in range(_count(b))]
            return None, _some(rows), dataset.batch_size
        return None, _some([_plain(dataset[i]) for i in range(len(dataset))]), None
    if isinstance(dataset, tuple | list | Mapping) or hasattr(dataset, "__array__"):
        arrays = _plain(dataset)
        return arrays, range(_count(arrays)), None
    raise TypeError(
        "`dataset` is an array, a tuple, list or dict of arrays, a `data.Dataset`, or a dataset of PyTorch's; got a "
        f"{type(dataset).__name__}."
    )


def _plain(element: Any) -> Any:
    """Return an element with NumPy's arrays; a list is a tuple of arrays."""
    if isinstance(element, Mapping):
        return {k: _plain(v) for k, v in element.items()}
    if isinstance(element, tuple | list):
        if not element:
            raise DataError("`dataset` is empty: there is nothing to part.")
        # Numbers in a list would each be an array, of no rows.
        if not all(np.ndim(part) or hasattr(part, "dtype") for part in element):
            return np.asarray(element)
        return tuple(_plain(part) for part in element)
    return np.asarray(element)


def _each(function: Any, arrays: Any) -> Any:
    if isinstance(arrays, Mapping):
        return {k: _each(function, v) for k, v in arrays.items()}
    return (
        tuple(_each(function, a) for a in arrays) if isinstance(arrays, tuple) else function(arrays)
    )


def _count(arrays: Any) -> int:
    lengths: list[int] = []
    _each(lambda a: lengths.append(len(a) if a.ndim else -1), arrays)
    if -1 in lengths or len(set(lengths)) != 1:
        raise DataError(
            f"`dataset` is made of arrays with one number of rows; theirs are {lengths} (-1: a single value)."
        )
    _some(range(lengths[0]))
    return lengths[0]


def _some(samples: Sequence[Any]) -> Sequence[Any]:
    if not len(samples):
        raise DataError("`dataset` is empty: there is nothing to part.")
    return samples


def _sizes(left: Any, right: Any, total: int) -> tuple[int, int]:
    def counted(name: str, value: Any) -> int | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | np.number):
            raise TypeError(
                f"`{name}` is a number of samples or a fraction; got a {type(value).__name__}."
            )
        whole = isinstance(value, int | np.integer)
        if not 0 < value < (total if whole else 1):
            raise ValueError(
                f"`{name}` is a whole number from 1 to {total - 1} (there are {total} samples), or a fraction between "
                f"0 and 1; got {value!r}."
            )
        return int(value) if whole else round(value * total)

    first, second = counted("left_size", left), counted("right_size", right)
    first = total - (second or 0) if first is None else first
    second = total - first if second is None else second
    if first + second > total:
        raise ValueError(
            f"`left_size` and `right_size` ask for {first} + {second} of {total} samples: more than there are."
        )
    if not first or not second:
        raise ValueError(
            f"Of {total} samples, left_size={left!r} and right_size={right!r} make parts of {first} and {second}: one "
            "is empty."
        )
    return first, second


def _of_samples(samples: list[Any]) -> Any:
    from trivium.data.pipeline import Dataset
    from trivium.data.pipeline.stages import Elements

    return Dataset(Elements(lambda key, skip: itertools.islice(samples, skip, None), len(samples)))
