"""What the functions of images share: one image or a batch, channels last or first."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp

from trivium.ops.arrays import as_array, channels_are_last
from trivium.state.types import Array, ArrayLike

__all__ = ["in_dtype_of", "on_batch"]


def on_batch(
    function: Callable[[Array], Array],
    images: ArrayLike,
    data_format: str | None,
    rank: int = 2,
    new_axis: bool = False,
) -> Array:
    """Call a function of a batch with the channels last, and give back what was given: one image, or channels first.

    Args:
        function: A function of an array of shape `(batch, *spatial, channels)`.
        images: An array of that shape, without the batch, or with the channels before the spatial axes.
        data_format: Where the channels are.
        rank: How many spatial axes there are.
        new_axis: Whether the function adds an axis behind the channels.

    Raises:
        ValueError: The array has another number of axes.

    Example:
        >>> on_batch(lambda x: x[:, :1], jnp.ones((3, 4, 5)), "channels_first").shape
        (3, 1, 5)
    """
    x = jnp.asarray(as_array(images))
    if x.ndim not in (rank + 1, rank + 2):
        of = {2: "an image", 3: "a volume"}[rank]
        raise ValueError(
            f"{of} has {rank + 1} axes, and a batch of them {rank + 2}; got an array of shape {x.shape}."
        )
    first = not channels_are_last(data_format)
    single = x.ndim == rank + 1
    batch = x[None] if single else x
    results = function(jnp.moveaxis(batch, 1, -1) if first else batch)
    if first:
        results = jnp.moveaxis(results, rank + 1, 1)
    assert results.ndim == rank + 2 + new_axis
    return results[0] if single else results


def in_dtype_of(x: Array, results: Array) -> Array:
    """Return floats in the dtype of `x`: rounded, and no further than its bounds, where that holds whole numbers.

    Example:
        >>> in_dtype_of(jnp.zeros(1, "uint8"), jnp.array([-3.0, 2.6, 300.0])).tolist()
        [0, 3, 255]
    """
    if jnp.issubdtype(x.dtype, jnp.integer):
        bounds = jnp.iinfo(x.dtype)
        results = jnp.clip(jnp.round(results), bounds.min, bounds.max)
    return results.astype(x.dtype)
