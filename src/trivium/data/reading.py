"""Reading the inputs alone, once and in order: for layers that learn from data by `adapt`."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from trivium.data.array_likes import to_numpy
from trivium.data.checks import DataError, check_count, placed
from trivium.data.convert import is_literal
from trivium.data.pydataset import PyDataset, fetch
from trivium.data.sparse import is_sparse
from trivium.data.texts import as_texts, holds_text

__all__ = ["input_batches"]

# How many rows of a sparse matrix are made dense at once.
_ROWS = 1024


def input_batches(data: Any, what: str, steps: int | None = None) -> Iterator[np.ndarray]:
    """Yield the inputs of data, batch by batch, in the dtype that they have; text as text.

    Args:
        data: An array, nested lists of numbers or text, a table of pandas, a sparse matrix of SciPy; or batches:
            anything that gives such things one after another, such as a list of arrays, a generator, a `Dataset` or a
            `PyDataset`. Of a batch that is a pair, `(x, y)`, the first counts.
        what: Where the data was given, for messages.
        steps: The most batches to read; all where it is `None`.

    Raises:
        DataError: The data is neither an array nor batches, or has no end.

    Example:
        >>> [batch.tolist() for batch in input_batches([(np.arange(2), None), (np.arange(3), None)], "adapt")]
        [[0, 1], [0, 1, 2]]
    """
    if _is_array(data):
        yield from _pieces(data, what)
    elif isinstance(data, str | bytes | Mapping) or not isinstance(data, Iterable):
        raise DataError(
            f"`{what}` takes an array, or batches one after another; got {type(data).__name__}."
        )
    else:
        for number, batch in _numbered(data, what, check_count("steps", steps)):
            pair = isinstance(batch, tuple | list) and len(batch) and not _is_array(batch)
            x = batch[0] if pair else batch
            if not (_is_array(x) or isinstance(x, str | bytes)):
                raise DataError(
                    f"`{what}` takes an array, or batches that are arrays; got one that is a {type(x).__name__}: "
                    f"{x!r:.80}. Make one array of the data with `numpy.asarray`."
                )
            with placed(f"{what}: batch {number}"):
                yield from _pieces(x, what)


def _is_array(x: Any) -> bool:
    """Say whether data is one array: nested lists of numbers or text are, tuples of such lists are pairs `(x, y)`."""
    if isinstance(x, tuple) and x and all(isinstance(part, list | tuple) for part in x):
        return False
    literal = isinstance(x, list | tuple) and len(x) > 0 and is_literal(x)
    return literal or is_sparse(x) or hasattr(x, "__array__")


def _pieces(x: Any, name: str) -> Iterator[np.ndarray]:
    """Yield an array, or the rows of a sparse matrix some at a time."""
    if holds_text(x):
        yield as_texts(x, name)
    elif not is_sparse(x):
        yield to_numpy(x, name)
    else:
        rows = x.tocsr()
        for start in range(0, max(rows.shape[0], 1), _ROWS):
            yield rows[start : start + _ROWS].toarray()


def _numbered(data: Iterable[Any], what: str, steps: int | None) -> Iterator[tuple[int, Any]]:
    """Yield batches with their numbers; those of a `PyDataset` are made by its workers."""
    if not isinstance(data, PyDataset):
        yield from enumerate(itertools.islice(data, steps))
        return
    count = data.num_batches
    if count is None and steps is None:
        raise DataError(
            f"`{what}` reads its data to the end, and the PyDataset {type(data).__name__} has none: its num_batches is "
            "None. Give it a number of batches, or say how many to read by `steps`."
        )
    data.on_epoch_begin()
    yield from fetch(data, range(min(n for n in (count, steps) if n is not None)))
    data.on_epoch_end()
