"""Warps: images sampled at other places than their pixels."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import as_array, as_wide_floats
from trivium.ops.image.batches import on_batch
from trivium.ops.image.filters import blur
from trivium.ops.image.sampling import sampled
from trivium.ops.keys import key_of
from trivium.state.types import Array, ArrayLike

__all__ = [
    "affine_transform", "elastic_transform", "homography", "map_coordinates", "perspective_transform", "stretched",
]  # fmt: skip

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
    transform = homography(starts, ends)
    return _projected(images, transform, interpolation, "constant", fill_value, data_format)


def homography(starts: Array, ends: Array) -> Array:
    """Return the transform by which four points come to lie at others, as `affine_transform` takes it.

    Args:
        starts: Four points `(x, y)`, shape `(..., 4, 2)`.
        ends: Where they come to lie, likewise.

    Returns:
        Eight numbers, shape `(..., 8)`, that say for a place among the ends where it comes from.

    Example:
        >>> corners = jnp.array([[0.0, 0.0], [2.0, 0.0], [0.0, 1.0], [2.0, 1.0]])
        >>> homography(corners, corners + 1)[:3].round(3).tolist()
        [1.0, 0.0, -1.0]
    """
    # Each pair of points gives two equations.
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
    solved: Array = jnp.linalg.solve(matrix, right[..., None])[..., 0]
    return solved


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
        noise = jax.random.normal(key, (*x.shape[:3], 2))
        return stretched(x, noise, alpha, sigma, reach, interpolation, fill_mode, fill_value)

    return on_batch(distorted, images, data_format)


def stretched(
    x: Array,
    noise: Array,
    alpha: Any,
    sigma: Any,
    reach: int,
    interpolation: str,
    mode: str,
    value: float,
) -> Array:
    """Move the pixels of images by noise that is blurred, so that neighbors move alike.

    Args:
        x: Images of shape `(batch, height, width, channels)`.
        noise: Normal numbers of shape `(batch, height, width, 2)`: how far down, and how far to the right.
        alpha: The factor of the blurred noise.
        sigma: The standard deviation of the blur.
        reach: How many rows and columns count for it.
        interpolation: `"nearest"` or `"bilinear"`.
        mode: What lies outside; see `map_coordinates`.
        value: What lies outside with `"constant"`.

    Example:
        >>> noise = jnp.zeros((1, 2, 2, 2))
        >>> x = jnp.arange(4.0).reshape(1, 2, 2, 1)
        >>> stretched(x, noise, 1.0, 1.0, 3, "bilinear", "reflect", 0.0).ravel().tolist()
        [0.0, 1.0, 2.0, 3.0]
    """
    moves = alpha * blur(noise, (reach, reach), (sigma, sigma))
    places = jnp.moveaxis(moves, -1, 1) + jnp.indices(x.shape[1:3])
    return sampled(x, places, interpolation, mode, value)


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
        return sampled(x, places, interpolation, mode, value)

    return on_batch(projected, images, layout)


def _check(name: str, word: str, known: tuple[str, ...]) -> None:
    if word not in known:
        raise ValueError(f"`{name}` is one of {known}; got {word!r}.")
