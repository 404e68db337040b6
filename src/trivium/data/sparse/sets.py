"""Sets: the different entries along the last axis of arrays, with what two of them share and do not share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from trivium.data.checks import DataError
from trivium.data.ragged import as_values
from trivium.data.sparse.array import SparseArray

__all__ = ["difference", "intersection", "size", "union"]

_Sets = dict[tuple[int, ...], set[Any]]


def intersection(a: Any, b: Any) -> SparseArray:
    """Return what both sets of each row hold, in ascending order.

    Args:
        a: Sets, along the last axis of a dense or sparse array.
        b: Likewise, in as many rows.

    Example:
        >>> intersection([[1, 2, 3]], [[2, 3, 4]]).values.tolist()
        [2, 3]
    """
    return _combined(a, b, set.intersection)


def union(a: Any, b: Any) -> SparseArray:
    """Return what either set of each row holds, in ascending order.

    Args:
        a: Sets, along the last axis of a dense or sparse array.
        b: Likewise, in as many rows.

    Example:
        >>> union([["b", "a"]], [["c"]]).values
        StringArray([b'a', b'b', b'c'])
    """
    return _combined(a, b, set.union)


def difference(a: Any, b: Any, aminusb: bool = True) -> SparseArray:
    """Return what one set of each row holds and the other does not, in ascending order.

    Args:
        a: Sets, along the last axis of a dense or sparse array.
        b: Likewise, in as many rows.
        aminusb: Whether the first set's; else the second's.

    Example:
        >>> difference([[1, 2, 3]], [[2]]).values.tolist()
        [1, 3]
    """
    return _combined(a, b, set.difference) if aminusb else _combined(b, a, set.difference)


def size(a: SparseArray) -> Any:
    """Return how many different entries there are in each row.

    Args:
        a: Sets, in a sparse array.

    Example:
        >>> size(union([[1, 2]], [[2, 3]])).tolist()
        [3]
    """
    counts = np.zeros(a.shape[:-1], np.int32)
    for place, members in _sets(a)[0].items():
        counts[place] = len(members)
    return jnp.asarray(counts)


def _combined(a: Any, b: Any, combine: Callable[[Any, Any], set[Any]]) -> SparseArray:
    (first, shape, like), (second, other, _) = _sets(a), _sets(b)
    if shape != other:
        raise DataError(
            f"Sets are combined row by row, of as many rows; got rows of the shapes {shape} and {other}."
        )
    rows = [
        (p, sorted(combine(first.get(p, set()), second.get(p, set())))) for p in np.ndindex(shape)
    ]
    places = [(*p, i) for p, members in rows for i in range(len(members))]
    values = np.array([m for _, members in rows for m in members], object)
    made = type(like)(values) if not hasattr(like, "at") else jnp.asarray(values.astype(like.dtype))
    longest = max((len(members) for _, members in rows), default=0)
    return SparseArray(np.array(places, int).reshape(-1, len(shape) + 1), made, (*shape, longest))


def _sets(x: Any) -> tuple[_Sets, tuple[int, ...], Any]:
    """Return the sets of an array by their places, the shape of these, and an array that holds what the sets do."""
    if not isinstance(x, SparseArray):
        x = as_values(x)
        places = np.stack(np.unravel_index(np.arange(x.size), x.shape), axis=-1)
        flat = x.reshape(-1) if hasattr(x, "at") else x.moved(np.ravel)
        x = SparseArray(places, flat, x.shape)
    found: _Sets = {}
    for place, value in zip(x.places[:, :-1].tolist(), x.values.tolist(), strict=True):
        found.setdefault(tuple(place), set()).add(value)
    return found, x.shape[:-1], x.values
