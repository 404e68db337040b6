"""Convolution: on the CPU as matrix products of strided slices; elsewhere as XLA's own convolution."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax

from trivium.ops.lowering.windows import fixed, on_cpu, pad_spatial, same_padding, windows

__all__ = ["conv", "conv_transpose"]


def conv(
    x: jax.Array,
    kernel: jax.Array,
    strides: Sequence[int],
    padding: str,
    dilation: Sequence[int],
) -> jax.Array:
    """Slide a kernel over an array; groups follow from the channels that the kernel lacks.

    Args:
        x: An array of shape `(batch, *spatial, channels)`.
        kernel: An array of shape `(*window, channels / groups, filters)`.
        strides: The window's step along each spatial axis.
        padding: `"valid"` or `"same"`.
        dilation: The distance of the window's cells along each spatial axis.

    Returns:
        An array of shape `(batch, *positions, filters)`.
    """
    window = kernel.shape[:-2]
    if not (on_cpu() and fixed(x.shape[1:-1])):
        return plain(x, kernel, strides, padding, dilation)
    if padding == "same":
        x = pad_spatial(x, same_padding(x.shape[1:-1], window, strides, dilation))
    groups = x.shape[-1] // kernel.shape[-2]
    if groups > 1:
        return plain(x, kernel, strides, "valid", dilation)
    return patches(x, kernel, strides, dilation)


def plain(
    x: jax.Array,
    kernel: jax.Array,
    strides: Sequence[int],
    padding: str,
    dilation: Sequence[int],
) -> jax.Array:
    """The plain form: XLA's convolution."""
    axes = "DHW"[-(x.ndim - 2) :]
    return lax.conv_general_dilated(
        x,
        kernel,
        strides,
        padding.upper(),
        rhs_dilation=dilation,
        dimension_numbers=(f"N{axes}C", f"{axes}IO", f"N{axes}C"),
        feature_group_count=x.shape[-1] // kernel.shape[-2],
    )


def patches(
    x: jax.Array, kernel: jax.Array, strides: Sequence[int], dilation: Sequence[int]
) -> jax.Array:
    """All cells of a window side by side, and one matrix product."""
    cells = windows(x, kernel.shape[:-2], strides, dilation)
    together = cells[0] if len(cells) == 1 else jnp.concatenate(cells, axis=-1)
    return jnp.matmul(together, kernel.reshape(-1, kernel.shape[-1]))


def conv_transpose(
    x: jax.Array,
    kernel: jax.Array,
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    dilation: Sequence[int],
) -> jax.Array:
    """The transpose of a convolution: each cell of `x` adds a scaled kernel to the output.

    Args:
        x: An array of shape `(batch, *spatial, channels)`.
        kernel: An array of shape `(*window, filters, channels)`.
        strides: The distance of the kernels along each spatial axis of the output.
        padding: Cells to add (negative: to cut) before and after each spatial axis of the full output, whose size
            is `(size - 1) * stride + (window - 1) * dilation + 1`.
        dilation: The distance of a kernel's cells along each spatial axis.

    Returns:
        An array of shape `(batch, *positions, filters)`.
    """
    window = kernel.shape[:-2]
    full = [
        (n - 1) * s + (k - 1) * d + 1
        for n, k, s, d in zip(x.shape[1:-1], window, strides, dilation, strict=True)
    ]
    image = jax.ShapeDtypeStruct((x.shape[0], *full, kernel.shape[-2]), x.dtype)
    transpose = jax.linear_transpose(
        lambda y: conv(y, kernel, strides, "valid", dilation), image
    )
    return pad_spatial(transpose(x)[0], padding)
