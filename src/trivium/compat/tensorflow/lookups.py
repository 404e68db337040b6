"""`tf.nn`: rows of a table, looked up by the numbers in a sparse tensor, and pooled for each of its rows."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np

from trivium.compat.written import covers
from trivium.data.sparse import SparseArray
from trivium.graph.op import op
from trivium.state.types import Array, ArrayLike

__all__: list[str] = []


@covers("tensorflow.nn.embedding_lookup_sparse")
def _embedding_lookup_sparse(
    params: ArrayLike,
    sp_ids: SparseArray,
    sp_weights: SparseArray | None = None,
    combiner: str | None = None,
    max_norm: float | None = None,
    name: str | None = None,
    allow_fast_lookup: bool = False,
) -> Array:
    weights = None if sp_weights is None else sp_weights.values
    rows, count = sp_ids.places[:, 0], sp_ids.shape[0]
    return _pooled(params, sp_ids.values, weights, rows, count, combiner or "mean", max_norm)


@covers("tensorflow.nn.safe_embedding_lookup_sparse")
def _safe_embedding_lookup_sparse(
    embedding_weights: ArrayLike,
    sparse_ids: SparseArray,
    sparse_weights: SparseArray | None = None,
    combiner: str = "mean",
    default_id: int | None = None,
    max_norm: float | None = None,
    name: str | None = None,
    allow_fast_lookup: bool = False,
) -> Array:
    """Leave out numbers below 0 and weights of 0; rows without any are zeros, or the row of `default_id`."""
    outer = sparse_ids.shape[:-1]
    rows = np.ravel_multi_index(tuple(sparse_ids.places[:, :-1].T), outer)
    numbers = jnp.asarray(sparse_ids.values)
    weights = jnp.ones(len(rows)) if sparse_weights is None else sparse_weights.values
    # What is left out weighs nothing, so that no size depends on values and the function can be compiled.
    kept = numbers >= 0
    if combiner != "sum":
        kept &= weights > 0
    count, numbers, weights = (
        math.prod(outer),
        jnp.where(kept, numbers, 0),
        jnp.where(kept, weights, 0),
    )
    made = _pooled(embedding_weights, numbers, weights, rows, count, combiner, max_norm)
    if default_id is not None:
        filled = jax.ops.segment_max(kept.astype("int32"), rows, count) > 0
        made = _instead(made, filled, embedding_weights, int(default_id), max_norm)
    return made.reshape(*outer, *made.shape[1:])


@op
def _pooled(
    table: ArrayLike,
    numbers: ArrayLike,
    weights: ArrayLike | None,
    rows: np.ndarray,
    count: int,
    combiner: str,
    max_norm: float | None,
) -> Array:
    """Return the sum, the mean, or the sum over the root of the summed squared weights, for each row of numbers."""
    if combiner not in ("sum", "mean", "sqrtn"):
        raise ValueError(f"`combiner` is 'sum', 'mean' or 'sqrtn'; got {combiner!r}.")
    found = _within_norm(jnp.asarray(table)[jnp.asarray(numbers)], max_norm)
    each = (
        jnp.ones(len(rows), found.dtype) if weights is None else jnp.asarray(weights, found.dtype)
    )
    each = each.reshape(-1, *[1] * (found.ndim - 1))
    total = jax.ops.segment_sum(each * found, rows, count)
    if combiner == "sum":
        return total
    size = jax.ops.segment_sum(each if combiner == "mean" else each**2, rows, count)
    size = jnp.where(size == 0, 1, size)
    return total / (size if combiner == "mean" else jnp.sqrt(size))


@op
def _instead(
    pooled: Array, filled: Array, table: ArrayLike, number: int, max_norm: float | None
) -> Array:
    """Return pooled rows with one of the table in the place of those that are not filled."""
    row = _within_norm(jnp.asarray(table)[number : number + 1], max_norm)
    return jnp.where(filled.reshape(-1, *[1] * (row.ndim - 1)), pooled, row)


def _within_norm(rows: Array, most: float | None) -> Array:
    """Return rows, those that are longer than a bound made as long as it."""
    if most is None:
        return rows
    squares = jnp.sum(jnp.square(rows), tuple(range(1, rows.ndim)), keepdims=True)
    return rows * jnp.minimum(1, most * jax.lax.rsqrt(jnp.maximum(squares, 1e-30)))
