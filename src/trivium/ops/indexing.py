"""Indexing: taking, writing, sorting, searching and counting elements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import as_array, need_values
from trivium.state.dtypes import standardize_dtype
from trivium.state.registry import suggest
from trivium.state.types import Array, ArrayLike, DType

__all__ = [
    "argpartition", "argsort", "bincount", "digitize", "histogram", "in_top_k", "isin", "multi_hot",
    "nonzero", "one_hot", "scatter", "scatter_update", "searchsorted", "select", "slice",
    "slice_update", "sort", "take", "take_along_axis", "top_k", "unique", "unravel_index",
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
def sort(x: ArrayLike, axis: int = -1) -> Array:
    """Sort, the smallest first.

    Args:
        axis: The axis.

    Example:
        >>> sort([3, 1, 2]).tolist()
        [1, 2, 3]
    """
    return jnp.sort(as_array(x), axis)


@op
def argsort(x: ArrayLike, axis: int = -1) -> Array:
    """Return the indices that sort; equal elements keep their order.

    Args:
        axis: The axis.

    Example:
        >>> argsort([3, 1, 2]).tolist()
        [1, 2, 0]
    """
    x = jnp.asarray(as_array(x))
    return jnp.argsort(x, axis if x.ndim else None)


@op
def argpartition(x: ArrayLike, kth: int, axis: int | None = -1) -> Array:
    """Return indices that put one element to its place, the smaller before it and the larger behind.

    Args:
        kth: The element that comes to its place.
        axis: The axis; the flattened array's where it is `None`.

    Example:
        >>> argpartition([3, 1, 2], 0).tolist()
        [1, 0, 2]
    """
    x = jnp.asarray(as_array(x))
    return jnp.argpartition(x.ravel(), kth) if axis is None else jnp.argpartition(x, kth, axis)


@op
def top_k(x: ArrayLike, k: int, sorted: bool = True) -> tuple[Array, ...]:
    """Return the largest elements along the last axis and their indices.

    Args:
        k: How many.
        sorted: Whether the largest must come first; it does in any case.

    Returns:
        A pair of arrays of shape `(..., k)`.

    Example:
        >>> [part.tolist() for part in top_k([1, 3, 2], 2)]
        [[3, 2], [1, 2]]
    """
    return tuple(jax.lax.top_k(jnp.asarray(as_array(x)), k))


@op
def in_top_k(targets: ArrayLike, predictions: ArrayLike, k: int) -> Array:
    """Say whether each target is among the `k` best predictions.

    Args:
        targets: Class indices, shape `(batch,)`.
        predictions: Scores, shape `(batch, classes)`.
        k: How many.

    Raises:
        ValueError: The shapes do not fit.

    Example:
        >>> in_top_k([1, 0], [[0.1, 0.9], [0.2, 0.8]], 1).tolist()
        [True, False]
    """
    targets, predictions = jnp.asarray(targets), jnp.asarray(as_array(predictions))
    if targets.shape != predictions.shape[:-1]:
        raise ValueError(
            f"each target needs a row of predictions; got shapes {targets.shape} and {predictions.shape}."
        )
    score = jnp.take_along_axis(predictions, targets[..., None], axis=-1)
    score = jnp.where(jnp.isnan(score), -jnp.inf, score)
    return jnp.sum(predictions > score, axis=-1) < k


@op
def searchsorted(sorted_sequence: ArrayLike, values: ArrayLike, side: str = "left") -> Array:
    """Return where values would have to be put in to keep a sequence sorted.

    Args:
        sorted_sequence: A sorted array with one axis.
        side: Before (`"left"`) or behind (`"right"`) equal elements.

    Raises:
        ValueError: The sequence has another number of axes.

    Example:
        >>> searchsorted([1, 3, 5], [3, 4]).tolist()
        [1, 2]
    """
    sequence = jnp.asarray(as_array(sorted_sequence))
    if sequence.ndim != 1:
        raise ValueError(
            f"the sequence has one axis; got shape {sequence.shape}. Use `vectorized_map` over the others."
        )
    return jnp.searchsorted(sequence, as_array(values), side=side)


@op
def digitize(x: ArrayLike, bins: ArrayLike) -> Array:
    """Return how many borders each element has reached.

    Args:
        bins: Sorted borders, shape `(borders,)`.

    Example:
        >>> digitize([0.5, 1.5], [1.0, 2.0]).tolist()
        [0, 1]
    """
    return jnp.digitize(as_array(x), jnp.asarray(as_array(bins)))


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
def isin(x1: ArrayLike, x2: ArrayLike, assume_unique: bool = False, invert: bool = False) -> Array:
    """Say which elements are among others.

    Args:
        x2: The elements to look for.
        assume_unique: Whether neither array holds an element twice.
        invert: Whether to say the opposite.

    Example:
        >>> isin([1, 2, 3], [2, 4]).tolist()
        [False, True, False]
    """
    return jnp.isin(as_array(x1), as_array(x2), assume_unique=assume_unique, invert=invert)


@op
def unique(
    x: ArrayLike,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: float | None = None,
) -> Any:
    """Return each element once.

    Args:
        sorted: Whether the smallest must come first.
        return_index: Whether to return where each is first met.
        return_inverse: Whether to return which of them each element is.
        return_counts: Whether to return how often each is met.
        axis: The axis whose slices to compare; single elements where it is `None`.
        size: How many to return; needed in compiled code.
        fill_value: What to fill up to `size` with; the smallest element where it is `None`.

    Raises:
        ValueError: The array has no values yet, in a graph or a compiled program, and `size` is not given.

    Example:
        >>> unique([3, 1, 3]).tolist()
        [1, 3]
    """
    if size is None:
        need_values(x, "Give `size`.")
    return jnp.unique(
        as_array(x),
        return_index,
        return_inverse,
        return_counts,
        axis,
        equal_nan=False,
        size=size,
        fill_value=fill_value,
        sorted=sorted,
    )


@op
def bincount(
    x: ArrayLike, weights: ArrayLike | None = None, minlength: int = 0, sparse: bool = False
) -> Array:
    """Count how often each whole number is met, in each row where there are two axes.

    Args:
        weights: How much each element counts; 1 where it is `None`.
        minlength: How long the result is at least.
        sparse: Kept for Keras's signature; only `False` is supported.

    Raises:
        ValueError: `sparse` is asked for, or the array has no values yet, in a graph or a compiled program.

    Example:
        >>> bincount([0, 2, 2]).tolist()
        [1, 0, 2]
    """
    _dense(sparse)
    need_values(x, "Sum a `one_hot` array over its first axis.")
    x = jnp.asarray(as_array(x))
    weights = None if weights is None else jnp.asarray(as_array(weights))
    if x.ndim < 2:
        return jnp.bincount(x, weights, minlength)
    longest = max(minlength, int(x.max()) + 1)
    rows = [None] * len(x) if weights is None else list(weights)
    return jnp.stack([jnp.bincount(r, w, longest) for r, w in zip(x, rows, strict=True)])


@op
def histogram(
    x: ArrayLike, bins: int = 10, range: tuple[float, float] | None = None
) -> tuple[Array, Array]:
    """Count elements in bins of equal width.

    Args:
        bins: How many bins.
        range: The outer borders; the smallest and the largest element where it is `None`.

    Returns:
        The counts, shape `(bins,)`, and the borders, shape `(bins + 1,)`.

    Example:
        >>> [part.tolist() for part in histogram([1.0, 2.0, 2.0], 2)]
        [[1.0, 2.0], [1.0, 1.5, 2.0]]
    """
    return jnp.histogram(as_array(x), bins, range)


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


@op
def one_hot(
    x: ArrayLike, num_classes: int, axis: int = -1, dtype: DType | None = None, sparse: bool = False
) -> Array:
    """Turn class indices into vectors with a 1 at the index and 0 elsewhere; an index out of range gives zeros.

    Args:
        num_classes: How many classes.
        axis: Where the classes' axis stands.
        dtype: The result's dtype.
        sparse: Kept for Keras's signature; only `False` is supported.

    Raises:
        ValueError: `sparse` is asked for.

    Example:
        >>> one_hot([0, 2], 3).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    _dense(sparse)
    return jax.nn.one_hot(jnp.asarray(x), num_classes, dtype=standardize_dtype(dtype), axis=axis)


@op
def multi_hot(
    inputs: ArrayLike,
    num_classes: int,
    axis: int = -1,
    dtype: DType | None = None,
    sparse: bool = False,
) -> Array:
    """Turn sets of class indices into vectors with a 1 at each of the indices and 0 elsewhere.

    An index out of range adds nothing.

    Args:
        inputs: Class indices, shape `(..., labels)`.
        num_classes: How many classes.
        axis: Where the classes' axis stands.
        dtype: The result's dtype.
        sparse: Kept for Keras's signature; only `False` is supported.

    Raises:
        ValueError: `sparse` is asked for.

    Example:
        >>> multi_hot([[0, 2]], 3).tolist()
        [[1.0, 0.0, 1.0]]
    """
    _dense(sparse)
    x = jnp.asarray(inputs)
    return jnp.max(
        one_hot(x.astype("int32"), num_classes, axis, dtype), axis=1 if x.ndim > 1 else 0
    )


def _dense(sparse: bool) -> None:
    if sparse:
        raise ValueError("Sparse arrays are not supported; leave `sparse` at False.")


def _starts(indices: ArrayLike) -> Any:
    """Return the indices as `lax` takes them: a sequence of numbers."""
    return indices if isinstance(indices, list | tuple) else list(jnp.asarray(indices))
