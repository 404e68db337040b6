"""Convolution over one, two or three spatial axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from trivium.graph.op import op
from trivium.ops import lowering
from trivium.ops.arrays import as_array, channels_are_last, per_axis
from trivium.ops.spatial import (
    Sizes,
    channels_back,
    channels_last,
    check_fits,
    check_padding,
    check_rank,
)
from trivium.state.types import Array, ArrayLike

__all__ = ["conv", "conv_transpose", "depthwise_conv", "separable_conv"]


@op
def conv(
    inputs: ArrayLike,
    kernel: ArrayLike,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Array:
    """Slide a kernel over the spatial axes.

    Args:
        inputs: An array of shape `(batch, *spatial, channels)`, or `(batch, channels, *spatial)` with
            `"channels_first"`.
        kernel: An array of shape `(*window, channels / groups, filters)`. Fewer channels than the inputs' make
            groups: each group of filters sees its own group of channels.
        strides: The window's step, one number or one for each spatial axis.
        padding: `"valid"` (none) or `"same"` (zeros evenly around, so that stride 1 keeps the size).
        data_format: `"channels_last"` (also `None`) or `"channels_first"`.
        dilation_rate: The distance between the window's cells, one number or one for each spatial axis.

    Returns:
        An array of shape `(batch, *positions, filters)`, the channels where `data_format` has them.

    Raises:
        ValueError: The kernel does not fit the inputs; the message has both shapes.

    Example:
        >>> x = jnp.arange(5.0).reshape(1, 5, 1)
        >>> conv(x, jnp.ones((3, 1, 1))).ravel().tolist()
        [3.0, 6.0, 9.0]

    Reference:
        Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", 2016,
        https://arxiv.org/abs/1603.07285
    """
    kernel = jnp.asarray(as_array(kernel))
    x = channels_last(inputs, data_format).astype(kernel.dtype)
    axes = _check_ranks(x, kernel)
    if x.shape[-1] % kernel.shape[-2]:
        raise ValueError(
            f"the inputs' {x.shape[-1]} channels are no multiple of the kernel's {kernel.shape[-2]} "
            f"(kernel {kernel.shape} = (*window, channels / groups, filters))."
        )
    if kernel.shape[-1] % (groups := x.shape[-1] // kernel.shape[-2]):
        raise ValueError(
            f"{kernel.shape[-1]} filters cannot be shared out among {groups} groups of channels."
        )
    check_padding(padding)
    strides = per_axis(strides, axes, "strides")
    dilation = per_axis(dilation_rate, axes, "dilation_rate")
    check_fits(x.shape, kernel.shape[:-2], padding, dilation)
    return channels_back(lowering.conv(x, kernel, strides, padding, dilation), data_format)


@op
def depthwise_conv(
    inputs: ArrayLike,
    kernel: ArrayLike,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Array:
    """Slide kernels of its own over each channel.

    Args:
        inputs: An array of shape `(batch, *spatial, channels)`, or as `data_format` says.
        kernel: An array of shape `(*window, channels, multiplier)`.
        strides: The window's step, one number or one for each spatial axis.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"` (also `None`) or `"channels_first"`.
        dilation_rate: The distance between the window's cells.

    Returns:
        An array of shape `(batch, *positions, channels * multiplier)`.

    Raises:
        ValueError: The kernel does not fit the inputs.

    Example:
        >>> depthwise_conv(jnp.ones((1, 4, 4, 2)), jnp.ones((3, 3, 2, 1))).shape
        (1, 2, 2, 2)
    """
    kernel = jnp.asarray(as_array(kernel))
    channels = np.shape(as_array(inputs))[-1 if channels_are_last(data_format) else 1]
    if kernel.shape[-2] != channels:
        raise ValueError(
            f"the inputs have {channels} channels, the kernel {kernel.shape[-2]} "
            f"(kernel {kernel.shape} = (*window, channels, multiplier))."
        )
    grouped = kernel.reshape(*kernel.shape[:-2], 1, kernel.shape[-2] * kernel.shape[-1])
    return conv(inputs, grouped, strides, padding, data_format, dilation_rate)


@op
def separable_conv(
    inputs: ArrayLike,
    depthwise_kernel: ArrayLike,
    pointwise_kernel: ArrayLike,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Array:
    """Convolve each channel by itself, then mix the channels at each position.

    Args:
        inputs: An array of shape `(batch, *spatial, channels)`, or as `data_format` says.
        depthwise_kernel: An array of shape `(*window, channels, multiplier)`.
        pointwise_kernel: An array of shape `(*ones, channels * multiplier, filters)`.
        strides: The window's step, one number or one for each spatial axis.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"` (also `None`) or `"channels_first"`.
        dilation_rate: The distance between the window's cells.

    Returns:
        An array of shape `(batch, *positions, filters)`.

    Raises:
        ValueError: A kernel does not fit what comes to it.

    Example:
        >>> separable_conv(jnp.ones((1, 4, 2)), jnp.ones((3, 2, 1)), jnp.ones((1, 2, 5))).shape
        (1, 2, 5)

    Reference:
        Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", 2016,
        https://arxiv.org/abs/1610.02357
    """
    depthwise_kernel, pointwise_kernel = as_array(depthwise_kernel), as_array(pointwise_kernel)
    between, taken = math.prod(np.shape(depthwise_kernel)[-2:]), np.shape(pointwise_kernel)[-2]
    if taken != between:
        raise ValueError(
            f"the depthwise kernel gives {between} channels, the pointwise kernel takes {taken}."
        )
    x = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(x, pointwise_kernel, 1, "valid", data_format)


@op
def conv_transpose(
    inputs: ArrayLike,
    kernel: ArrayLike,
    strides: Sizes = 1,
    padding: str = "valid",
    output_padding: Sizes | None = None,
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Array:
    """Go a convolution's way back: each cell adds a scaled kernel to the output.

    Args:
        inputs: An array of shape `(batch, *spatial, channels)`, or as `data_format` says.
        kernel: An array of shape `(*window, filters, channels)`.
        strides: The kernels' distance in the output, one number or one for each spatial axis.
        padding: `"valid"` or `"same"` (gives `size * stride` positions).
        output_padding: Positions added at the end of each axis; `None` chooses as `padding` says.
        data_format: `"channels_last"` (also `None`) or `"channels_first"`.
        dilation_rate: The distance between a kernel's cells.

    Returns:
        An array of shape `(batch, *positions, filters)`.

    Raises:
        ValueError: The kernel does not fit the inputs.

    Example:
        >>> conv_transpose(jnp.ones((1, 2, 1)), jnp.ones((2, 1, 1)), strides=2).ravel().tolist()
        [1.0, 1.0, 1.0, 1.0]

    Reference:
        Zeiler et al., "Deconvolutional Networks", CVPR 2010.
    """
    kernel = jnp.asarray(as_array(kernel))
    x = channels_last(inputs, data_format).astype(kernel.dtype)
    axes = _check_ranks(x, kernel)
    if x.shape[-1] != kernel.shape[-1]:
        raise ValueError(
            f"the inputs have {x.shape[-1]} channels, the kernel {kernel.shape[-1]} "
            f"(kernel {kernel.shape} = (*window, filters, channels))."
        )
    if not jnp.issubdtype(kernel.dtype, jnp.inexact):
        raise ValueError(f"the kernel holds floats; got {kernel.dtype}.")
    check_padding(padding)
    strides = per_axis(strides, axes, "strides")
    dilation = per_axis(dilation_rate, axes, "dilation_rate")
    extra: Sequence[int | None] = [None] * axes
    if output_padding is not None:
        extra = per_axis(output_padding, axes, "output_padding", least=0)
    pads = tuple(
        _transposed_padding((k - 1) * d + 1, s, padding, e)
        for k, d, s, e in zip(kernel.shape[:-2], dilation, strides, extra, strict=True)
    )
    return channels_back(lowering.conv_transpose(x, kernel, strides, pads, dilation), data_format)


def _check_ranks(x: Array, kernel: Array) -> int:
    """Return the number of spatial axes."""
    check_rank(x)
    if x.ndim != kernel.ndim:
        raise ValueError(
            f"inputs with {x.ndim - 2} spatial axes need a kernel of shape (*window, channels, channels) with as many; "
            f"got shapes {x.shape} and {kernel.shape}."
        )
    return x.ndim - 2


def _transposed_padding(
    extent: int, stride: int, padding: str, output_padding: int | None
) -> tuple[int, int]:
    """Return the cells to add to (if negative: cut from) both ends of a full transposed convolution's axis."""
    if padding == "valid":
        return 0, max(stride - extent, 0) if output_padding is None else output_padding
    # Without an output padding the size becomes `size * stride`.
    more = stride if output_padding is None else extent % 2 + output_padding
    total = extent - 2 + more
    before = min(-(-total // 2), extent - 1)
    return before - (extent - 1), total - before - (extent - 1)
