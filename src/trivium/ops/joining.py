"""Joining and splitting: several arrays as one, and one as several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import as_array, positive_axis
from trivium.state.types import Array, ArrayLike

__all__ = [
    "append", "array_split", "concatenate", "dsplit", "dstack", "hsplit", "hstack", "split",
    "stack", "unstack", "vsplit", "vstack",
]  # fmt: skip


@op
def concatenate(xs: Sequence[ArrayLike], axis: int = 0) -> Array:
    """Join arrays along an axis.

    Args:
        xs: Arrays.
        axis: The axis.

    Example:
        >>> concatenate([[1, 2], [3]]).tolist()
        [1, 2, 3]
    """
    return jnp.concatenate([as_array(x) for x in xs], axis)


@op
def append(x1: ArrayLike, x2: ArrayLike, axis: int | None = None) -> Array:
    """Put one array behind another.

    Args:
        x2: Another array.
        axis: The axis; both are flattened where it is `None`.

    Example:
        >>> append([1, 2], [3]).tolist()
        [1, 2, 3]
    """
    return jnp.append(as_array(x1), as_array(x2), axis)


@op
def stack(x: Sequence[ArrayLike], axis: int = 0) -> Array:
    """Join arrays along a new axis.

    Args:
        x: Arrays of one shape.
        axis: The axis.

    Example:
        >>> stack([[1, 2], [3, 4]], axis=1).tolist()
        [[1, 3], [2, 4]]
    """
    return jnp.stack([as_array(e) for e in x], axis)


@op
def hstack(xs: Sequence[ArrayLike]) -> Array:
    """Join arrays along the second axis, or the first where they have one.

    Args:
        xs: Arrays.

    Example:
        >>> hstack([[1, 2], [3]]).tolist()
        [1, 2, 3]
    """
    return jnp.hstack([as_array(x) for x in xs])


@op
def vstack(xs: Sequence[ArrayLike]) -> Array:
    """Join arrays along the first axis; an array with one axis counts as a row.

    Args:
        xs: Arrays.

    Example:
        >>> vstack([[1, 2], [3, 4]]).tolist()
        [[1, 2], [3, 4]]
    """
    return jnp.vstack([as_array(x) for x in xs])


@op
def dstack(xs: Sequence[ArrayLike]) -> Array:
    """Join arrays along the third axis.

    Args:
        xs: Arrays.

    Example:
        >>> dstack([[1, 2], [3, 4]]).tolist()
        [[[1, 3], [2, 4]]]
    """
    return jnp.dstack([as_array(x) for x in xs])


@op
def split(x: ArrayLike, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Array]:
    """Cut into parts.

    Args:
        indices_or_sections: How many equal parts, or the indices at which to cut.
        axis: The axis.

    Returns:
        A list of arrays.

    Example:
        >>> [part.tolist() for part in split(jnp.arange(4), 2)]
        [[0, 1], [2, 3]]
    """
    return jnp.split(as_array(x), _sections(indices_or_sections), axis)


@op
def array_split(
    x: ArrayLike, indices_or_sections: int | Sequence[int], axis: int = 0
) -> list[Array]:
    """Cut into parts of nearly equal size.

    Args:
        indices_or_sections: How many equal parts, or the indices at which to cut.
        axis: The axis.

    Returns:
        A list of arrays.

    Example:
        >>> [part.tolist() for part in array_split(jnp.arange(3), 2)]
        [[0, 1], [2]]
    """
    return jnp.array_split(as_array(x), _sections(indices_or_sections), axis)


@op
def hsplit(x: ArrayLike, indices_or_sections: int | Sequence[int]) -> list[Array]:
    """Cut into parts along the second axis, or the first where there is one.

    Args:
        indices_or_sections: How many equal parts, or the indices at which to cut.

    Returns:
        A list of arrays.

    Example:
        >>> len(hsplit(jnp.zeros((2, 2, 2)), 2))
        2
    """
    return jnp.hsplit(as_array(x), _sections(indices_or_sections))


@op
def vsplit(x: ArrayLike, indices_or_sections: int | Sequence[int]) -> list[Array]:
    """Cut into parts along the first axis.

    Args:
        indices_or_sections: How many equal parts, or the indices at which to cut.

    Returns:
        A list of arrays.

    Example:
        >>> len(vsplit(jnp.zeros((2, 2, 2)), 2))
        2
    """
    return jnp.vsplit(as_array(x), _sections(indices_or_sections))


@op
def dsplit(x: ArrayLike, indices_or_sections: int | Sequence[int]) -> list[Array]:
    """Cut into parts along the third axis.

    Args:
        indices_or_sections: How many equal parts, or the indices at which to cut.

    Returns:
        A list of arrays.

    Example:
        >>> len(dsplit(jnp.zeros((2, 2, 2)), 2))
        2
    """
    x = jnp.asarray(as_array(x))
    return jnp.split(x, _sections(indices_or_sections), positive_axis(2, x.ndim))


@op
def unstack(x: ArrayLike, num: int | None = None, axis: int = 0) -> list[Array]:
    """Take an axis apart.

    Args:
        num: How many there are; read off the shape where it is `None`.
        axis: The axis.

    Returns:
        A list of arrays without that axis.

    Raises:
        ValueError: There are not `num`, or it is not given and the size not known.

    Example:
        >>> [part.tolist() for part in unstack([[1, 2], [3, 4]])]
        [[1, 2], [3, 4]]
    """
    x = jnp.asarray(as_array(x))
    size = x.shape[positive_axis(axis, x.ndim)]
    if isinstance(size, int) and num not in (None, size):
        raise ValueError(f"axis {axis} has size {size}, not {num}.")
    if not isinstance(size, int):
        if num is None:
            raise ValueError(f"the size of axis {axis} is not known; give `num`.")
        x = jnp.take(x, jnp.arange(num), axis=axis)
    return list(jnp.unstack(x, axis=axis))


def _sections(indices_or_sections: Any) -> Any:
    return (
        indices_or_sections if isinstance(indices_or_sections, int) else tuple(indices_or_sections)
    )
