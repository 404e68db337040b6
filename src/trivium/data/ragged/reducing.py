"""Sums, means and the like of rows of several lengths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.data.checks import DataError
from trivium.data.ragged.array import RaggedArray
from trivium.data.ragged.base import Rows
from trivium.data.ragged.joining import stack

__all__ = ["reduced", "softmax"]

_Segments = Callable[[Any, np.ndarray, int], Any]


def _extreme(segments: Any, finite: str, bound: Any) -> _Segments:
    def function(values: Any, numbers: np.ndarray, count: int) -> Any:
        found = segments(values, numbers, count)
        if not jnp.issubdtype(found.dtype, jnp.floating):
            return found
        # A row without entries has the extreme number, which is no infinity.
        return bound(found, getattr(jnp.finfo(found.dtype), finite))

    return function


def _sum(values: Any, numbers: np.ndarray, count: int) -> Any:
    return jax.ops.segment_sum(values, numbers, count)


def _mean(values: Any, numbers: np.ndarray, count: int) -> Any:
    sizes = np.bincount(numbers, minlength=count).reshape(-1, *[1] * (values.ndim - 1))
    return _sum(values, numbers, count) / jnp.asarray(sizes)


def _variance(values: Any, numbers: np.ndarray, count: int) -> Any:
    return _mean(jnp.square(values - _mean(values, numbers, count)[numbers]), numbers, count)


_SEGMENTS: dict[str, _Segments] = {
    "sum": _sum,
    "prod": jax.ops.segment_prod,
    "max": _extreme(jax.ops.segment_max, "min", jnp.maximum),
    "min": _extreme(jax.ops.segment_min, "max", jnp.minimum),
    "any": lambda v, n, count: jax.ops.segment_max(v.astype("int32"), n, count) > 0,
    "all": lambda v, n, count: jax.ops.segment_min(v.astype("int32"), n, count) > 0,
    "mean": _mean,
    "var": _variance,
    "std": lambda v, n, count: jnp.sqrt(_variance(v, n, count)),
}  # fmt: skip


def reduced(rows: RaggedArray, kind: str, axis: Any = None, keepdims: bool = False) -> Any:
    """Return sums, means and the like along axes of rows.

    Args:
        rows: The rows.
        kind: `"sum"`, `"prod"`, `"max"`, `"min"`, `"any"`, `"all"`, `"mean"`, `"var"` or `"std"`.
        axis: The axis, or several; `None` for all.
        keepdims: Whether the axes stay, with the size 1.

    Returns:
        A dense array, or a ragged one where axes that remain are ragged. The mean of a row without entries is NaN, its
        largest number the smallest of the dtype.

    Example:
        >>> rows = RaggedArray(jnp.array([1.0, 2.0, 6.0]), [0, 2, 2, 3])
        >>> reduced(rows, "sum", 1).tolist(), reduced(rows, "mean", 0).tolist()
        ([3.0, 0.0, 6.0], [3.5, 2.0])
    """
    if axis is None:
        whole = getattr(jnp, kind)(rows.flat_values)
        return whole.reshape((1,) * rows.ndim) if keepdims else whole
    axes = sorted({a + rows.ndim if a < 0 else a for a in map(int, np.ravel(axis))}, reverse=True)
    if len(axes) > 1:
        adjacent = axes == list(range(axes[0], axes[0] - len(axes), -1))
        if not adjacent or keepdims:
            raise DataError(
                f"Rows are reduced along neighboring axes, and these do not stay; got axis={axes[::-1]}."
            )
        if axes[-1] == 0:
            return reduced(RaggedArray(rows.merge_dims(0, axes[0]), [0, rows.size]), kind, 1)[0]
        return reduced(rows.merge_dims(axes[-1], axes[0]), kind, axes[-1])
    result = _along(rows, kind, axes[0])
    if not keepdims:
        return result
    return (
        result.expand_dims(axes[0])
        if isinstance(result, Rows)
        else jnp.expand_dims(result, axes[0])
    )


def _along(rows: RaggedArray, kind: str, axis: int) -> Any:
    values = rows.values
    if axis > 1:
        if isinstance(values, Rows):
            return rows.with_values(_along(values, kind, axis - 1))  # type: ignore[arg-type]
        return rows.with_values(getattr(jnp, kind)(values, axis=axis - 1))
    if isinstance(values, Rows):
        if axis == 1:
            return stack([_along(row, kind, 0) for row in rows])
        raise DataError(
            f"Along the first axis rows of numbers are reduced; these hold {rows.ragged_rank - 1} ragged axes more."
        )
    if axis == 1:
        return _SEGMENTS[kind](values, rows.row_numbers(), len(rows))
    return _SEGMENTS[kind](values, rows._places()[1], rows.bounds()[1])


def softmax(rows: RaggedArray) -> RaggedArray:
    """Return rows of numbers that add up to 1 in each row: the exponentials, divided by their sum.

    Args:
        rows: The rows.

    Example:
        >>> softmax(RaggedArray(jnp.array([1.0, 1.0, 5.0]), [0, 2, 3]))
        RaggedArray([[0.5, 0.5], [1.0]])
    """

    def innermost(inner: RaggedArray) -> RaggedArray:
        if inner.values.ndim > 1:
            return inner.with_values(jax.nn.softmax(inner.values))
        numbers, count = inner.row_numbers(), len(inner)
        powers = jnp.exp(inner.values - _SEGMENTS["max"](inner.values, numbers, count)[numbers])
        return inner.with_values(powers / _sum(powers, numbers, count)[numbers])

    softened: RaggedArray = rows.map_innermost(innermost)
    return softened
