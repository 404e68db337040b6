"""Reading the inputs alone, once and in order: for layers that learn from data by `adapt`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from trivium.data.checks import DataError, placed
from trivium.data.convert import to_numpy
from trivium.data.pydataset import PyDataset, fetch
from trivium.data.sparse import is_sparse

__all__ = ["input_batches"]

# How many rows of a sparse matrix are made dense at once.
_ROWS = 1024


def input_batches(data: Any, what: str) -> Iterator[np.ndarray]:
    """Yield the inputs of data, batch by batch, in the dtype that they have.

    Args:
        data: An array, a table of pandas, a sparse matrix of SciPy; or batches: anything that gives arrays one after
            another, such as a list, a generator, a `Dataset` or a `PyDataset`. Of a batch that is a pair, `(x, y)`,
            the first counts.
        what: Where the data was given, for messages.

    Raises:
        DataError: The data is neither an array nor batches, or has no end.

    Example:
        >>> [batch.tolist() for batch in input_batches([(np.arange(2), None), (np.arange(3), None)], "adapt")]
        [[0, 1], [0, 1, 2]]
    """
    if is_sparse(data) or hasattr(data, "__array__"):
        yield from _pieces(data, what)
    elif isinstance(data, str | bytes | Mapping) or not isinstance(data, Iterable):
        raise DataError(
            f"`{what}` takes an array, or batches one after another; got {type(data).__name__}."
        )
    else:
        for number, batch in _numbered(data, what):
            x = batch[0] if isinstance(batch, tuple | list) and len(batch) else batch
            if not (is_sparse(x) or hasattr(x, "__array__")):
                raise DataError(
                    f"`{what}` takes an array, or batches that are arrays; got one that is a {type(x).__name__}: "
                    f"{x!r:.80}. Make one array of the data with `numpy.asarray`."
                )
            with placed(f"{what}: batch {number}"):
                yield from _pieces(x, what)


def _pieces(x: Any, name: str) -> Iterator[np.ndarray]:
    """Yield an array, or the rows of a sparse matrix some at a time."""
    if not is_sparse(x):
        yield to_numpy(x, name)
        return
    rows = x.tocsr()
    for start in range(0, max(rows.shape[0], 1), _ROWS):
        yield rows[start : start + _ROWS].toarray()


def _numbered(data: Iterable[Any], what: str) -> Iterator[tuple[int, Any]]:
    """Yield batches with their numbers; those of a `PyDataset` are made by its workers."""
    if not isinstance(data, PyDataset):
        yield from enumerate(data)
        return
    count = data.num_batches
    if count is None:
        raise DataError(
            f"`{what}` reads its data to the end, and the PyDataset {type(data).__name__} has none: its num_batches is "
            "None. Give it a number of batches."
        )
    data.on_epoch_begin()
    yield from fetch(data, range(count))
    data.on_epoch_end()
