"""Rows of several lengths in one array, and functions of them.

Example:
    >>> rows = constant([[3, 1], [], [4, 1, 5]])
    >>> concat([rows, rows[:, :1]], axis=1), reduced(rows, "max", axis=0).tolist()
    (RaggedArray([[3, 1, 3], [], [4, 1, 5, 4]]), [4, 1, 5])
"""

from trivium.data.ragged.array import RaggedArray
from trivium.data.ragged.base import as_values
from trivium.data.ragged.joining import (
    boolean_mask,
    concat,
    gather,
    gather_within,
    reverse,
    stack,
    tile,
    where,
)
from trivium.data.ragged.making import as_ragged, boundaries, constant, from_tensor, ranges
from trivium.data.ragged.mapping import map_flat_values, on_flat_values
from trivium.data.ragged.reducing import reduced, softmax

__all__ = [
    "RaggedArray",
    "as_ragged",
    "as_values",
    "boolean_mask",
    "boundaries",
    "concat",
    "constant",
    "from_tensor",
    "gather",
    "gather_within",
    "map_flat_values",
    "on_flat_values",
    "ranges",
    "reduced",
    "reverse",
    "softmax",
    "stack",
    "tile",
    "where",
]
