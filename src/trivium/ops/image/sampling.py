"""Images looked at between their pixels."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from trivium.ops.lowering.windows import fixed, on_cpu
from trivium.state.types import Array

__all__ = ["sampled"]


def sampled(x: Array, places: Array, interpolation: str, mode: str, value: float) -> Array:
    """Return what images show at places between their pixels.

    What `map_coordinates` does for one channel, for all at once: a pixel is one row of a table, so that each neighbor
    is one look-up of all channels. On CPUs one image comes after the other: where a batch is looked up at once, XLA
    puts the look-up into whatever reads its result, and does it there once for each channel and each window that a
    pixel is in; a layer in a training loop took five times as long.

    Args:
        x: Images of shape `(batch, height, width, channels)`.
        places: Where to look, shape `(batch, 2, new_height, new_width)`: the row and the column, as floats.
        interpolation: `"nearest"` or `"bilinear"`.
        mode: What lies outside; see `map_coordinates`.
        value: What lies outside with `"constant"`.

    Returns:
        Images of shape `(batch, new_height, new_width, channels)`, in the dtype of `x`; whole numbers are rounded.

    Example:
        >>> x = jnp.array([0.0, 10.0]).reshape(1, 1, 2, 1)
        >>> places = jnp.array([[0.0, 0.0], [0.5, 3.0]]).reshape(1, 2, 1, 2)
        >>> sampled(x, places, "bilinear", "reflect", 0.0).ravel().tolist()
        [5.0, 0.0]
    """

    def one(pair: tuple[Array, Array]) -> Array:
        return _looked_up(*pair, interpolation, mode, value)

    if on_cpu() and fixed(x.shape[:1]):
        found: Array = jax.lax.map(one, (x, places))
        return found
    return jax.vmap(lambda *pair: one(pair))(x, places)


def _looked_up(x: Array, places: Array, interpolation: str, mode: str, value: float) -> Array:
    """Do it for one image, with places of shape `(2, new_height, new_width)`."""
    height, width, channels = x.shape
    table = x.reshape(height * width, channels)

    def pixel(row: Array, column: Array) -> Array:
        (r, inside_r), (c, inside_c) = _inside(row, height, mode), _inside(column, width, mode)
        found = jnp.take(table, r * width + c, axis=0, mode="clip")
        if mode != "constant":
            return found
        return jnp.where((inside_r & inside_c)[..., None], found, jnp.asarray(value, x.dtype))

    if interpolation == "nearest":
        row, column = (_away_from_zero(at).astype(int) for at in places)
        return pixel(row, column)
    low = jnp.floor(places)
    share = (places - low)[..., None]
    top, left = (at.astype(int) for at in low)
    rows = [
        pixel(row, left) * (1 - share[1]) + pixel(row, left + 1) * share[1]
        for row in (top, top + 1)
    ]
    mixed = rows[0] * (1 - share[0]) + rows[1] * share[0]
    if jnp.issubdtype(x.dtype, jnp.integer):
        mixed = _away_from_zero(mixed)
    return mixed.astype(x.dtype)


def _inside(index: Array, size: Any, mode: str) -> tuple[Array, Any]:
    """Return which cell an index on an axis means, and whether the axis has it itself."""
    if mode == "wrap":
        return index % size, True
    if mode == "reflect":
        there = index % (2 * size)
        return jnp.where(there < size, there, 2 * size - 1 - there), True
    if mode == "mirror":
        turn = jnp.maximum(size - 1, 1)
        there = turn - jnp.abs(index % (2 * turn) - turn)
        return jnp.minimum(there, size - 1), True  # An axis of one cell has that one alone.
    return jnp.clip(index, 0, size - 1), (index >= 0) & (index < size)


def _away_from_zero(x: Array) -> Array:
    """Return floats rounded, halves away from zero."""
    return jnp.trunc(x + jnp.copysign(0.5, x))
