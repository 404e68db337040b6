"""Shapes: functions that move the elements of an array around and leave them as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import as_array, channels_are_last
from trivium.state.registry import suggest
from trivium.state.symbolic_dimensions import is_unknown
from trivium.state.types import Array, ArrayLike, Axes

__all__ = [
    "broadcast_to", "depth_to_space", "expand_dims", "flip", "fliplr", "flipud", "meshgrid",
    "moveaxis", "pad", "ravel", "repeat", "reshape", "roll", "rot90", "space_to_depth", "squeeze",
    "swapaxes", "tile", "transpose",
]  # fmt: skip

_PAD_MODES = (
    "constant", "edge", "empty", "linear_ramp", "maximum", "mean", "median", "minimum", "reflect",
    "symmetric", "wrap",
)  # fmt: skip


@op
def reshape(x: ArrayLike, newshape: int | Sequence[int | None]) -> Array:
    """Give another shape to the same elements in the same order.

    Args:
        newshape: The new shape; one size may be -1, which means whatever is left. `None`, an unknown size in a
            symbolic tensor's shape, stands for the size that `x` has there, or for -1 where it is the only unknown.

    Example:
        >>> reshape([1, 2, 3, 4], (2, -1)).tolist()
        [[1, 2], [3, 4]]
    """
    x = as_array(x)
    x = x if isinstance(x, jax.Array) else jnp.asarray(x)
    sizes = [newshape] if isinstance(newshape, int) else list(newshape)
    unknown = [i for i, n in enumerate(sizes) if n is None]
    if len(unknown) == 1 and -1 not in sizes:
        sizes[unknown[0]] = -1
    else:
        sizes = [x.shape[i] if n is None else n for i, n in enumerate(sizes)]
    return jnp.reshape(x, sizes)


@op
def ravel(x: ArrayLike) -> Array:
    """Flatten to one axis.

    Example:
        >>> ravel([[1, 2], [3, 4]]).tolist()
        [1, 2, 3, 4]
    """
    return jnp.ravel(as_array(x))


@op
def transpose(x: ArrayLike, axes: Sequence[int] | None = None) -> Array:
    """Reorder the axes.

    Args:
        axes: The old axes in their new order; the reverse order where it is `None`.

    Example:
        >>> transpose([[1, 2], [3, 4]]).tolist()
        [[1, 3], [2, 4]]
    """
    return jnp.transpose(as_array(x), axes)


@op
def swapaxes(x: ArrayLike, axis1: int, axis2: int) -> Array:
    """Exchange two axes.

    Args:
        axis1: An axis.
        axis2: Another axis.

    Example:
        >>> swapaxes([[1, 2]], 0, 1).tolist()
        [[1], [2]]
    """
    return jnp.swapaxes(as_array(x), axis1, axis2)


@op
def moveaxis(x: ArrayLike, source: int | Sequence[int], destination: int | Sequence[int]) -> Array:
    """Move axes; the others keep their order.

    Args:
        source: The axes to move.
        destination: Where they go.

    Example:
        >>> moveaxis(jnp.zeros((2, 3, 4)), 0, -1).shape
        (3, 4, 2)
    """
    return jnp.moveaxis(as_array(x), source, destination)


@op
def expand_dims(x: ArrayLike, axis: int | Sequence[int]) -> Array:
    """Add axes of size 1.

    Args:
        axis: Where the new axes stand in the result.

    Example:
        >>> expand_dims([1, 2], 0).tolist()
        [[1, 2]]
    """
    return jnp.expand_dims(as_array(x), axis if isinstance(axis, int) else tuple(axis))


@op
def squeeze(x: ArrayLike, axis: Axes = None) -> Array:
    """Drop axes of size 1.

    Args:
        axis: The axes to drop; all of size 1 where it is `None`.

    Example:
        >>> squeeze([[1, 2]]).tolist()
        [1, 2]
    """
    axes = axis if axis is None or isinstance(axis, int) else tuple(axis)
    return jnp.squeeze(as_array(x), axes)


@op
def broadcast_to(x: ArrayLike, shape: Sequence[int | None]) -> Array:
    """Repeat along axes of size 1, and along new ones in front.

    Args:
        shape: The new shape; `None` stands for the size that `x` has there, counted from the last axis.

    Example:
        >>> broadcast_to([1, 2], (2, 2)).tolist()
        [[1, 2], [1, 2]]
    """
    x = jnp.asarray(as_array(x))
    own = [1] * (len(shape) - x.ndim) + list(x.shape)
    return jnp.broadcast_to(x, [m if n is None else n for n, m in zip(shape, own, strict=True)])


@op
def tile(x: ArrayLike, repeats: int | Sequence[int]) -> Array:
    """Repeat the whole array.

    Args:
        repeats: How often along each axis.

    Example:
        >>> tile([1, 2], 2).tolist()
        [1, 2, 1, 2]
    """
    return jnp.tile(as_array(x), repeats)


@op
def repeat(x: ArrayLike, repeats: int | Sequence[int], axis: int | None = None) -> Array:
    """Repeat each element.

    Args:
        repeats: How often each element; a number, or one for each element.
        axis: The axis; the flattened array's where it is `None`.

    Example:
        >>> repeat([1, 2], 2).tolist()
        [1, 1, 2, 2]
    """
    one = isinstance(repeats, int) or is_unknown(repeats)
    times: Any = repeats if one else jnp.asarray(repeats)
    return jnp.repeat(as_array(x), times, axis)


@op
def flip(x: ArrayLike, axis: Axes = None) -> Array:
    """Reverse the order along axes.

    Args:
        axis: The axes; all where it is `None`.

    Example:
        >>> flip([1, 2, 3]).tolist()
        [3, 2, 1]
    """
    return jnp.flip(as_array(x), axis if axis is None or isinstance(axis, int) else tuple(axis))


@op
def flipud(x: ArrayLike) -> Array:
    """Reverse the order along the first axis.

    Example:
        >>> flipud([[1], [2]]).tolist()
        [[2], [1]]
    """
    return jnp.flipud(as_array(x))


@op
def fliplr(x: ArrayLike) -> Array:
    """Reverse the order along the second axis.

    Example:
        >>> fliplr([[1, 2]]).tolist()
        [[2, 1]]
    """
    return jnp.fliplr(as_array(x))


@op
def rot90(array: ArrayLike, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Array:
    """Turn by quarter turns.

    Args:
        array: An array with two axes or more.
        k: How many quarter turns.
        axes: The plane: from the first of these axes to the second.

    Example:
        >>> rot90([[1, 2], [3, 4]]).tolist()
        [[2, 4], [1, 3]]
    """
    return jnp.rot90(as_array(array), k, axes)


@op
def roll(x: ArrayLike, shift: int | Sequence[int], axis: Axes = None) -> Array:
    """Move along, and in again at the other end.

    Args:
        shift: By how many places.
        axis: The axes; the flattened array's where it is `None`.

    Example:
        >>> roll([1, 2, 3], 1).tolist()
        [3, 1, 2]
    """
    return jnp.roll(as_array(x), shift, axis)


@op
def pad(
    x: ArrayLike,
    pad_width: int | Sequence[int] | Sequence[Sequence[int]],
    mode: str = "constant",
    constant_values: ArrayLike | None = None,
) -> Array:
    """Add elements around.

    Args:
        pad_width: Pairs of how many elements to add before and after each axis; one pair for all axes, or one number.
        mode: What to add, as NumPy names it: `"constant"`, `"edge"`, `"empty"`, `"linear_ramp"`, `"maximum"`, `"mean"`,
            `"median"`, `"minimum"`, `"reflect"`, `"symmetric"` or `"wrap"`.
        constant_values: The constant, 0 where it is `None`.

    Raises:
        ValueError: The mode is unknown, or `constant_values` is given with another one than `"constant"`.

    Example:
        >>> pad([1, 2], (1, 1)).tolist()
        [0, 1, 2, 0]
    """
    if mode not in _PAD_MODES:
        raise ValueError(f"unknown mode {mode!r}. {suggest(mode, _PAD_MODES)}")
    if constant_values is None:
        return jnp.pad(as_array(x), pad_width, mode)
    if mode != "constant":
        raise ValueError(f"`constant_values` goes with mode='constant' alone; got mode={mode!r}.")
    return jnp.pad(as_array(x), pad_width, mode, constant_values=constant_values)


@op
def meshgrid(*x: ArrayLike, indexing: str = "xy") -> list[Array]:
    """Return the coordinates of a grid's points.

    Args:
        x: Arrays with one axis.
        indexing: `"xy"`, where the second array's axis comes first, or `"ij"`.

    Returns:
        A list with an array for each coordinate.

    Example:
        >>> [part.tolist() for part in meshgrid([1, 2], [3, 4])]
        [[[1, 2], [1, 2]], [[3, 3], [4, 4]]]
    """
    return jnp.meshgrid(*map(as_array, x), indexing=indexing)


@op
def space_to_depth(x: ArrayLike, block_size: int, data_format: str = "channels_last") -> Array:
    """Move each block of pixels into the channels: its place comes before the old channel, or behind it if they
    are first.

    Args:
        x: Images, shape `(batch, height, width, channels)`, or as `data_format` says.
        block_size: The blocks' height and width.
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: The height or width is no multiple of `block_size`.

    Example:
        >>> space_to_depth(jnp.zeros((1, 4, 4, 3)), 2).shape
        (1, 2, 2, 12)
    """
    x, b = jnp.asarray(as_array(x)), block_size
    if not channels_are_last(data_format):
        batch, channels, height, width = _block_shape(x.shape, (2, 3), b)
        y = x.reshape(batch, channels, height // b, b, width // b, b).transpose(0, 1, 3, 5, 2, 4)
        return y.reshape(batch, channels * b * b, height // b, width // b)
    batch, height, width, channels = _block_shape(x.shape, (1, 2), b)
    y = x.reshape(batch, height // b, b, width // b, b, channels).transpose(0, 1, 3, 2, 4, 5)
    return y.reshape(batch, height // b, width // b, b * b * channels)


@op
def depth_to_space(x: ArrayLike, block_size: int, data_format: str = "channels_last") -> Array:
    """Move channels out into blocks of pixels; `space_to_depth` moves them back.

    Args:
        x: Images, shape `(batch, height, width, channels)`, or as `data_format` says.
        block_size: The blocks' height and width.
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: The channels are no multiple of `block_size ** 2`.

    Example:
        >>> depth_to_space(jnp.zeros((1, 2, 2, 12)), 2).shape
        (1, 4, 4, 3)
    """
    x, b = jnp.asarray(as_array(x)), block_size
    if not channels_are_last(data_format):
        batch, channels, h, w = _block_shape(x.shape, (1,), b * b)
        y = x.reshape(batch, channels // b**2, b, b, h, w).transpose(0, 1, 4, 2, 5, 3)
        return y.reshape(batch, channels // b**2, h * b, w * b)
    batch, h, w, channels = _block_shape(x.shape, (3,), b * b)
    y = x.reshape(batch, h, w, b, b, channels // b**2).transpose(0, 1, 3, 2, 4, 5)
    return y.reshape(batch, h * b, w * b, channels // b**2)


def _block_shape(shape: Any, axes: Sequence[int], divisor: int) -> Any:
    """Return the shape of images, after a look at the axes that are divided."""
    if len(shape) != 4:
        raise ValueError(f"images have 4 axes; got shape {shape}.")
    if any(isinstance(shape[a], int) and shape[a] % divisor for a in axes):
        raise ValueError(f"axes {tuple(axes)} of shape {shape} are no multiples of {divisor}.")
    return shape
