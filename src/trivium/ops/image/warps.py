"""Warps: images sampled at other places than their pixels."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import as_array, as_wide_floats
from trivium.ops.image.batches import on_batch
from trivium.ops.image.filters import blur
from trivium.ops.keys import key_of
from trivium.state.types import Array, ArrayLike

__all__ = ["affine_transform", "elastic_transform", "map_coordinates", "perspective_transform"]

_ORDERS = {"nearest": 0, "bilinear": 1}
_FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


@op
def map_coordinates(
    inputs: ArrayLike,
    coordinates: ArrayLike,
    order: int,
    fill_mode: str = "constant",
    fill_value: float = 0,
) -> Array:
    """Return the values of an array at places between its cells.

    Args:
        inputs: An array of any rank.
        coordinates: The places, shape `(rank, ...)`: for each axis where on it.
        order: 0 takes the nearest cell, 1 interpolates between neighbors.
        fill_mode: What lies outside, with `abcd` inside: `"constant"` (`fill_value`), `"nearest"` (`aa|abcd|dd`),
            `"wrap"` (`cd|abcd|ab`), `"mirror"` (`cb|abcd|cb`) or `"reflect"` (`ba|abcd|dc`).
        fill_value: What lies outside with `"constant"`.

    Returns:
        An array of the shape of `coordinates` without its first axis, in the dtype of `inputs`.

    Raises:
        ValueError: The order or the mode is none of these, or the coordinates have another number of axes.

    Example:
        >>> map_coordinates([0.0, 10.0, 20.0], [[0.5, 3.0]], order=1, fill_mode="nearest").tolist()
        [5.0, 20.0]
    """
    x, places = jnp.asarray(as_array(inputs)), as_wide_floats(coordinates)
    if order not in (0, 1):
        raise ValueError(f"`order` is 0 or 1; got {order!r}.")
    _check("fill_mode", fill_mode, _FILL_MODES)
    if places.shape[:1] != (x.ndim,):
        raise ValueError(
            f"`coordinates` has a row for each of the {x.ndim} axes of `inputs`; got shape {places.shape}."
        )
    values: Array = jax.scipy.ndimage.map_coordinates(x, list(places), order, fill_mode, fill_value)
    return values


@op
def affine_transform(
    images: ArrayLike,
    transform: ArrayLike,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Array:
    """Move, turn, stretch or shear images.

    Args:
        images: Images of shape `(..., height, width, channels)`.
        transform: Where each pixel comes from: `[a0, a1, a2, b0, b1, b2, c0, c1]`, or a row of these for each image.
            The pixel at column `x`, row `y` comes from column `(a0 x + a1 y + a2) / k`, row `(b0 x + b1 y + b2) / k`
            with `k = c0 x + c1 y + 1`.
        interpolation: `"nearest"` or `"bilinear"`.
        fill_mode: What lies outside; see `map_coordinates`.
        fill_value: What lies outside with `"constant"`.
        data_format: Where the channels are; last where it is `None`.

    Raises:
        ValueError: There are not eight numbers for all images or for each, or a word is none of these.

    Example:
        >>> affine_transform([[[1.0], [2.0]]], [1, 0, 1, 0, 1, 0, 0, 0]).ravel().tolist()
        [2.0, 0.0]
    """
    rows = as_wide_floats(transform)
    if rows.ndim not in (1, 2) or rows.shape[-1] != 8:
        raise ValueError(f"`transform` has the shape (8,) or (images, 8); got {rows.shape}.")
    return _projected(images, rows, interpolation, fill_mode, fill_value, data_format)


@op
def perspective_transform(
    images: ArrayLike,
    start_points: ArrayLike,
    end_points: ArrayLike,
    interpolation: str = "bilinear",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Array:
    """See images from another point of view: four points move to four others, and straight lines stay straight.

    Args:
        images: Images of shape `(..., height, width, channels)`.
        start_points: Four points `(x, y)`, shape `(4, 2)`, or `(images, 4, 2)`.
        end_points: Where they come to lie, likewise.
        interpolation: `"nearest"` or `"bilinear"`.
        fill_value: What lies outside.
        data_format: Where the channels are; last where it is `None`.

    Raises:
        ValueError: There are not four points, or the interpolation is another word.

    Example:
        >>> corners = [[0, 0], [2, 0], [0, 1], [2, 1]]
        >>> moved = [[1, 0], [3, 0], [1, 1], [3, 1]]
        >>> perspective_transform([[[1.0], [2.0]]] * 2, corners, moved)[0].round(3).ravel().tolist()
        [0.0, 1.0]
    """
    starts, ends = as_wide_floats(start_points), as_wide_floats(end_points)
    for name, points in (("start_points", starts), ("end_points", ends)):
        if points.ndim not in (2, 3) or points.shape[-2:] != (4, 2):
            raise ValueError(
                f"`{name}` has the shape (4, 2) or (images, 4, 2); got {points.shape}."
            )
    # Each pair of points gives two equations for the eight numbers of the transform, from the ends to the starts.
    starts, ends = jnp.broadcast_arrays(starts, ends)
    x, y = ends[..., 0], ends[..., 1]
    one, zero = jnp.ones_like(x), jnp.zeros_like(x)
    left = [x, y, one, zero, zero, zero], [zero, zero, zero, x, y, one]
    rows = [
        jnp.stack([*row, -starts[..., i] * x, -starts[..., i] * y], -1)
        for i, row in enumerate(left)
    ]
    matrix = jnp.concatenate(rows, -2)
    right = jnp.concatenate([starts[..., 0], starts[..., 1]], -1)
    transform = jnp.linalg.solve(matrix, right[..., None])[..., 0]
    return _projected(images, transform, interpolation, "constant", fill_value, data_format)


@op
def elastic_transform(
    images: ArrayLike,
    alpha: float = 20.0,
    sigma: float = 5.0,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
    seed: Any = None,
    data_format: str | None = None,
) -> Array:
    """Distort images as if they were drawn on rubber: each pixel is moved at random, neighbors alike.

    Args:
        images: Images of shape `(..., height, width, channels)`.
        alpha: How far they are moved.
        sigma: How far the likeness of neighbors reaches: the standard deviation of the blur of the displacements.
        interpolation: `"nearest"` or `"bilinear"`.
        fill_mode: What lies outside; see `map_coordinates`.
        fill_value: What lies outside with `"constant"`.
        seed: A whole number, a `SeedGenerator` or `None`; see `random`.
        data_format: Where the channels are; last where it is `None`.

    Raises:
        ValueError: A word is none of these.

    Example:
        >>> elastic_transform(jnp.ones((8, 8, 1)), seed=1)[0, 0].tolist()
        [1.0]

    Reference:
        Simard, Steinkraus and Platt, "Best Practices for Convolutional Neural Networks Applied to Visual Document
        Analysis", ICDAR 2003, https://doi.org/10.1109/ICDAR.2003.1227801
    """
    _check("interpolation", interpolation, tuple(_ORDERS))
    _check("fill_mode", fill_mode, _FILL_MODES)
    key, reach = key_of(seed), 2 * int(3 * sigma) + 1

    def distorted(x: Array) -> Array:
        batch, height, width, _ = x.shape
        noise = jax.random.normal(key, (batch, height, width, 2))
        moves = alpha * blur(noise, (reach, reach), (sigma, sigma))
        places = jnp.moveaxis(moves, -1, 1) + jnp.indices((height, width))
        return _sampled(x, places, interpolation, fill_mode, fill_value)

    return on_batch(distorted, images, data_format)


def _projected(
    images: ArrayLike, rows: Array, interpolation: str, mode: str, value: float, layout: str | None
) -> Array:
    """Sample images where a projection sends their pixels; `rows` holds the numbers of one for all, or of each."""
    _check("interpolation", interpolation, tuple(_ORDERS))
    _check("fill_mode", mode, _FILL_MODES)

    def projected(x: Array) -> Array:
        batch, height, width, _ = x.shape
        each = rows.reshape(-1, 8)
        if each.shape[0] not in (1, batch):
            raise ValueError(f"there are {each.shape[0]} transforms for {batch} images.")
        y, x_ = jnp.indices((height, width), dtype=rows.dtype)
        a0, a1, a2, b0, b1, b2, c0, c1 = (each[:, i, None, None] for i in range(8))
        scale = c0 * x_ + c1 * y + 1
        places = jnp.stack([b0 * x_ + b1 * y + b2, a0 * x_ + a1 * y + a2], 1) / scale[:, None]
        places = jnp.broadcast_to(places, (batch, *places.shape[1:]))
        return _sampled(x, places, interpolation, mode, value)

    return on_batch(projected, images, layout)


def _sampled(x: Array, places: Array, interpolation: str, mode: str, value: float) -> Array:
    """Return the pixels at `places`, shape `(batch, 2, height, width)`, of each image.

    What `map_coordinates` does for one channel, for all at once: a pixel is one row of a table, so that each neighbor
    is one look-up of all channels. In a compiled loop on CPUs that takes half the time, or less.
    """
    batch, height, width, channels = x.shape
    table = x.reshape(batch * height * width, channels)
    first = (jnp.arange(batch) * (height * width))[:, None, None]

    def pixel(row: Array, column: Array) -> Array:
        (r, inside_r), (c, inside_c) = _inside(row, height, mode), _inside(column, width, mode)
        found = jnp.take(table, first + r * width + c, axis=0, mode="clip")
        if mode != "constant":
            return found
        return jnp.where((inside_r & inside_c)[..., None], found, jnp.asarray(value, x.dtype))

    if interpolation == "nearest":
        row, column = (_away_from_zero(places[:, i]).astype(int) for i in (0, 1))
        return pixel(row, column)
    low = jnp.floor(places)
    share = (places - low)[..., None]
    top, left = low[:, 0].astype(int), low[:, 1].astype(int)
    rows = [
        pixel(row, left) * (1 - share[:, 1]) + pixel(row, left + 1) * share[:, 1]
        for row in (top, top + 1)
    ]
    mixed = rows[0] * (1 - share[:, 0]) + rows[1] * share[:, 0]
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


def _check(name: str, word: str, known: tuple[str, ...]) -> None:
    if word not in known:
        raise ValueError(f"`{name}` is one of {known}; got {word!r}.")
