"""Images cut into overlapping blocks, and put together out of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import as_array, per_axis
from trivium.state.types import Array, ArrayLike

__all__ = ["fold", "unfold"]

_Pair: TypeAlias = int | Sequence[int]


@op
def unfold(
    x: ArrayLike,
    kernel_size: int | Sequence[int],
    dilation: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    stride: int | Sequence[int] = 1,
) -> Array:
    """Cut images into overlapping blocks.

    Args:
        x: Images, shape `(batch, channels, height, width)`.
        kernel_size: The blocks' height and width.
        dilation: The distance of a block's pixels.
        padding: How many zeros to put around.
        stride: The distance of two blocks.

    Returns:
        An array of shape `(batch, channels * kernel_height * kernel_width, blocks)`.

    Raises:
        ValueError: The images have not four axes.

    Example:
        >>> unfold(jnp.ones((1, 1, 3, 3)), 2).shape
        (1, 4, 4)
    """
    x = jnp.asarray(as_array(x))
    if x.ndim != 4:
        raise ValueError(f"images have shape (batch, channels, height, width); got {x.shape}.")
    rows, columns, x, window = _blocks(x, kernel_size, dilation, padding, stride)
    blocks = x[:, :, rows[:, None, :, None], columns[None, :, None, :]]
    return blocks.transpose(0, 1, 4, 5, 2, 3).reshape(
        x.shape[0], x.shape[1] * window[0] * window[1], -1
    )


@op
def fold(
    x: ArrayLike,
    output_size: int | Sequence[int],
    kernel_size: int | Sequence[int],
    dilation: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    stride: int | Sequence[int] = 1,
) -> Array:
    """Put blocks together to images; pixels that meet add up.

    Args:
        x: Blocks, shape `(batch, channels * kernel_height * kernel_width, blocks)`.
        output_size: The images' height and width.
        kernel_size: The blocks' height and width.
        dilation: The distance of a block's pixels.
        padding: How many zeros to put around.
        stride: The distance of two blocks.

    Returns:
        An array of shape `(batch, channels, height, width)`.

    Raises:
        ValueError: Images of `output_size` do not have that many blocks of that size.

    Example:
        >>> fold(jnp.ones((1, 4, 4)), 3, 2).tolist()[0][0]
        [[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]
    """
    x, size = jnp.asarray(as_array(x)), per_axis(output_size, 2, "output_size")
    kh, kw = per_axis(kernel_size, 2, "kernel_size")
    image = jax.ShapeDtypeStruct((x.shape[0], x.shape[1] // (kh * kw), *size), x.dtype)

    def cut(y: Array) -> Any:
        return unfold(y, kernel_size, dilation, padding, stride)

    wanted = jax.eval_shape(cut, image).shape
    if x.shape != wanted:
        raise ValueError(f"these images have blocks of shape {wanted}; got {x.shape}.")
    result: Array = jax.linear_transpose(cut, image)(x)[0]
    return result


def _blocks(
    x: Array, kernel_size: _Pair, dilation: _Pair, padding: _Pair, stride: _Pair
) -> tuple[Array, Array, Array, tuple[int, ...]]:
    """Return each block's rows and columns, the padded images and the blocks' size."""
    window = per_axis(kernel_size, 2, "kernel_size")
    distance = per_axis(dilation, 2, "dilation")
    around = per_axis(padding, 2, "padding", least=0)
    step = per_axis(stride, 2, "stride")
    x = jnp.pad(x, [(0, 0), (0, 0), *((p, p) for p in around)])
    rows, columns = (
        jnp.arange(0, n - (k - 1) * d, s)[:, None] + jnp.arange(k) * d
        for n, k, d, s in zip(x.shape[2:], window, distance, step, strict=True)
    )
    return rows, columns, x, window
