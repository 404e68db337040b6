"""Functions of single entries, on rows of several lengths."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from trivium.data.checks import DataError
from trivium.data.ragged.base import Rows, as_values

__all__ = ["map_flat_values", "on_flat_values"]

F = TypeVar("F", bound=Callable[..., Any])


def map_flat_values(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Apply a function of entries to the entries of rows, all at once.

    Dense arrays beside the rows are brought into their form: one number for all, or one for each row in a column.

    Args:
        function: Gives as many entries as it takes.
        args: Its arguments, with rows of the same lengths among them, also inside lists.
        kwargs: Likewise.

    Returns:
        Rows of the same lengths.

    Raises:
        DataError: The lengths differ.

    Example:
        >>> import jax.numpy as jnp
        >>> from trivium.data.ragged import RaggedArray
        >>> rows = RaggedArray([1, 2, 3], [0, 1, 3])
        >>> map_flat_values(jnp.add, rows, jnp.array([[10], [20]]))
        RaggedArray([[11], [22, 23]])
    """
    found: list[Rows] = []
    _collect((args, kwargs), found)
    first = max(found, key=lambda r: r.ragged_rank)
    for other in found:
        same = other.ragged_rank == first.ragged_rank and all(
            map(np.array_equal, other._all_splits(), first._all_splits())
        )
        if not same:
            raise DataError(
                f"{getattr(function, '__name__', 'map_flat_values')}: the rows have different lengths, "
                f"{_lengths(first)} and {_lengths(other)}."
            )
    result = function(
        *(_flat(a, first) for a in args), **{k: _flat(v, first) for k, v in kwargs.items()}
    )
    return first.with_flat_values(result)


def on_flat_values(function: F) -> F:
    """Let a function of entries take rows of several lengths, too: see `map_flat_values`.

    Args:
        function: The function.

    Example:
        >>> import operator
        >>> from trivium.data.ragged import RaggedArray
        >>> on_flat_values(operator.neg)(RaggedArray([1, 2], [0, 0, 2]))
        RaggedArray([[], [-1, -2]])
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        found: list[Rows] = []
        _collect((args, kwargs), found)
        return map_flat_values(function, *args, **kwargs) if found else function(*args, **kwargs)

    return call  # type: ignore[return-value]


def _collect(value: Any, found: list[Rows]) -> None:
    if isinstance(value, Rows):
        found.append(value)
    elif isinstance(value, list | tuple):
        for v in value:
            _collect(v, found)
    elif isinstance(value, dict):
        _collect(tuple(value.values()), found)


def _lengths(rows: Rows) -> list[int]:
    return np.diff(rows.splits).tolist()


def _flat(value: Any, rows: Rows) -> Any:
    """Return an argument as it stands beside the entries of rows."""
    if isinstance(value, Rows):
        return value.flat_values
    if isinstance(value, list | tuple) and any(isinstance(v, Rows) for v in value):
        return type(value)(_flat(v, rows) for v in value)
    if getattr(value, "ndim", 0) > len(rows.flat_values.shape[1:]) and len(value.shape) > 1:
        return _beside(as_values(value), rows)
    return value


def _beside(dense: Any, rows: Rows) -> Any:
    """Return a dense array with an entry for each entry of the rows."""
    rank, places = rows.ragged_rank, rows._places()
    sizes = dense.shape[: rank + 1]
    short = rows.ndim - dense.ndim
    if short:
        raise DataError(
            f"An array of shape {tuple(dense.shape)} stands beside rows of {rows.ndim} axes; wanted as many axes, with "
            "size 1 where they are ragged, or one number."
        )
    wanted = rows.bounds()
    if any(
        n not in (1, w) or (n != 1 and i and not _uniform(rows, i))
        for i, (n, w) in enumerate(zip(sizes, wanted, strict=False))
    ):
        raise DataError(
            f"An array of shape {tuple(dense.shape)} does not fit rows of the lengths {_lengths(rows)}: it has size 1, "
            "or the rows' own, on each axis."
        )
    index = tuple(np.zeros_like(p) if n == 1 else p for p, n in zip(places, sizes, strict=False))
    return dense[index]


def _uniform(rows: Rows, axis: int) -> bool:
    splits = rows._all_splits()[axis - 1]
    return len(set(np.diff(splits).tolist())) <= 1
