"""Taking elements out of arrays and putting them in, by their places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import as_array, need_values
from trivium.state.registry import suggest
from trivium.state.types import Array, ArrayLike

__all__ = [
    "nonzero", "scatter", "scatter_update", "select", "slice", "slice_update", "take",
    "take_along_axis", "unravel_index",
]  # fmt: skip


@op
def take(x: ArrayLike, indices: ArrayLike, axis: int | None = None) -> Array:
    """Take elements along an axis by their indices.

    Args:
        indices: Which elements; an array of whole numbers, negative ones from the end. Beyond either end comes NaN, or
            the lowest number of a type of whole numbers; gradients of such elements go nowhere.
        axis: The axis; the flattened array's where it is `None`.

    Example:
        >>> take([10, 20, 30], [2, 0]).tolist()
        [30, 10]
    """
    return jnp.take(as_array(x), jnp.asarray(indices), axis)


@op
def take_along_axis(x: ArrayLike, indices: ArrayLike, axis: int | None = None) -> Array:
    """Take elements along an axis, other ones at each place.

    Args:
        indices: Which element to take at each place; an array that broadcasts with `x` apart from `axis`. Out of
            range, as in `take`.
        axis: The axis; the flattened array's where it is `None`.

    Example:
        >>> take_along_axis([[1, 2], [3, 4]], [[1], [0]], axis=1).tolist()
        [[2], [3]]
    """
    return jnp.take_along_axis(jnp.asarray(as_array(x)), jnp.asarray(indices), axis)


@op
def slice(inputs: ArrayLike, start_indices: ArrayLike, shape: Sequence[int]) -> Array:
    """Take a block.

    Args:
        start_indices: Where the block begins along each axis; these may be computed.
        shape: The block's shape; -1 reaches to the end.

    Example:
        >>> slice([[1, 2], [3, 4]], (1, 0), (1, 2)).tolist()
        [[3, 4]]
    """
    inputs = jnp.asarray(as_array(inputs))
    starts = _starts(start_indices)
    sizes = [inputs.shape[i] - starts[i] if n == -1 else n for i, n in enumerate(shape)]
    return jax.lax.dynamic_slice(inputs, starts, sizes)


@op
def slice_update(inputs: ArrayLike, start_indices: ArrayLike, updates: ArrayLike) -> Array:
    """Replace a block.

    Args:
        start_indices: Where the block begins along each axis; these may be computed.
        updates: The block's new values.

    Example:
        >>> slice_update([1, 2, 3], [1], [20]).tolist()
        [1, 20, 3]
    """
    inputs = jnp.asarray(as_array(inputs))
    updates = jnp.asarray(as_array(updates), inputs.dtype)
    return jax.lax.dynamic_update_slice(inputs, updates, _starts(start_indices))


@op
def scatter(indices: ArrayLike, values: ArrayLike, shape: Sequence[int]) -> Array:
    """Put values into an array of zeros; values that meet add up.

    Args:
        indices: An array of shape `(..., axes)`: where each value goes.
        values: The values.
        shape: The result's shape.

    Example:
        >>> scatter([[0], [2]], [1.0, 2.0], (3,)).tolist()
        [1.0, 0.0, 2.0]
    """
    values = jnp.asarray(as_array(values))
    index = tuple(jnp.moveaxis(jnp.asarray(indices), -1, 0))
    return jnp.zeros(shape, values.dtype).at[index].add(values)


@op
def scatter_update(
    inputs: ArrayLike, indices: ArrayLike, updates: ArrayLike, reduction: str | None = None
) -> Array:
    """Write values into places of an array.

    Args:
        indices: An array of shape `(updates, axes)`: where each update goes.
        updates: The updates.
        reduction: What to do with the old value: `"add"`, `"max"`, `"min"` or `"mul"`; `None` replaces it.

    Raises:
        ValueError: There is no such reduction.

    Example:
        >>> scatter_update([1, 2, 3], [[0], [2]], [10, 30]).tolist()
        [10, 2, 30]
    """
    chosen = jnp.asarray(as_array(inputs)).at[tuple(jnp.moveaxis(jnp.asarray(indices), -1, 0))]
    write: dict[str | None, Callable[..., Any]] = {
        None: chosen.set,
        "add": chosen.add,
        "max": chosen.max,
        "min": chosen.min,
        "mul": chosen.multiply,
    }
    if reduction not in write:
        raise ValueError(
            f"unknown reduction {reduction!r}. {suggest(str(reduction), filter(None, write))}"
        )
    result: Array = write[reduction](as_array(updates))
    return result


@op
def nonzero(x: ArrayLike) -> tuple[Array, ...]:
    """Return the indices of the elements that are not zero, one array for each axis.

    Raises:
        ValueError: The array has no values yet, in a graph or a compiled program.

    Example:
        >>> nonzero([0, 3, 4])[0].tolist()
        [1, 2]
    """
    need_values(x, "Use `where` with three arguments, or count with `count_nonzero`.")
    return jnp.nonzero(as_array(x))


@op
def select(
    condlist: Sequence[ArrayLike], choicelist: Sequence[ArrayLike], default: ArrayLike = 0
) -> Array:
    """Choose element by element among several arrays.

    Args:
        condlist: Arrays of truth values.
        choicelist: What to take where each is the first true one.
        default: What to take where none is true.

    Example:
        >>> select([[True, False]], [[1, 2]], 9).tolist()
        [1, 9]
    """
    return jnp.select(
        [jnp.asarray(c) for c in condlist], [as_array(c) for c in choicelist], as_array(default)
    )


@op
def unravel_index(indices: ArrayLike, shape: Sequence[int]) -> tuple[Array, ...]:
    """Turn indices into a flattened array into one index for each axis.

    Args:
        indices: Indices into the flattened array.
        shape: The array's shape.

    Returns:
        A tuple of arrays, one for each axis.

    Example:
        >>> [part.tolist() for part in unravel_index([3], (2, 2))]
        [[1], [1]]
    """
    return jnp.unravel_index(jnp.asarray(indices), tuple(shape))


def _starts(indices: ArrayLike) -> Any:
    """Return the indices as `lax` takes them: a sequence of numbers."""
    return indices if isinstance(indices, list | tuple) else list(jnp.asarray(indices))
