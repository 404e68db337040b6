"""Convolution: on the CPU as matrix products of strided slices; elsewhere as XLA's own convolution.

XLA's convolution leaves its fast path inside a compiled loop on the CPU (jax issue 12868): on two cores a training step
of a 3x3 convolution is then 13 to 21 times slower than these forms, and 50 to 90 times with one group for each channel.
Two things in them are worth most: one product for all cells of the window, and arrays flattened to two axes before it,
without which the kernel's gradient is computed from a transposed copy. `benchmarks/lowering.py` measures every form.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax

from trivium.ops.lowering.windows import fixed, on_cpu, pad_spatial, same_padding, windows
from trivium.state.dtypes import is_half

__all__ = [
    "conv", "conv_transpose", "depthwise", "groups_apart", "groups_batched", "patches", "plain", "rows",
]  # fmt: skip

# Beyond this many bytes the copies of each cell are not all made at once.
_PATCH_LIMIT = 256 * 2**20
# Windows of at least so many rows, each with so many numbers, are faster row by row.
_TALL, _ROW_DEPTH = 5, 48
# Up to this many groups a product for each is faster than one batched product.
_GROUP_LIMIT = 8


# Compiled as a whole, so that a call outside a program is one program too.
@functools.partial(jax.jit, static_argnames=("strides", "padding", "dilation"))
def conv(
    x: jax.Array,
    kernel: jax.Array,
    strides: tuple[int, ...],
    padding: str,
    dilation: tuple[int, ...],
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

    Example:
        >>> conv(jnp.ones((1, 5, 1)), jnp.ones((3, 1, 1)), (1,), "same", (1,)).ravel().tolist()
        [2.0, 3.0, 3.0, 3.0, 2.0]
    """
    window, channels = kernel.shape[:-2], kernel.shape[-2]
    if not (on_cpu() and fixed(x.shape[1:])):
        return plain(x, kernel, strides, padding, dilation)
    if padding == "same":
        x = pad_spatial(x, same_padding(x.shape[1:-1], window, strides, dilation))
    groups = x.shape[-1] // channels
    if channels == 1 < groups:
        form = depthwise
    elif groups > 1:
        form = groups_apart if groups <= _GROUP_LIMIT else groups_batched
    else:
        # With a symbolic batch size the limit is one example's.
        examples = x.shape[0] if isinstance(x.shape[0], int) else 1
        positions = math.prod(n // s for n, s in zip(x.shape[1:-1], strides, strict=True))
        copied = examples * positions * math.prod(window) * channels * x.dtype.itemsize
        tall = window[0] >= _TALL and math.prod(window[1:]) * channels >= _ROW_DEPTH
        form = rows if tall or copied > _PATCH_LIMIT else patches
    return form(x, kernel, strides, dilation)


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
    return _product(together, kernel.reshape(-1, kernel.shape[-1]))


def rows(
    x: jax.Array, kernel: jax.Array, strides: Sequence[int], dilation: Sequence[int]
) -> jax.Array:
    """A product for each index along the window's first axis, added up: that many times less memory."""
    result, first = None, kernel.shape[0]
    reach = x.shape[1] - (first - 1) * dilation[0]
    for i in range(first):
        part = lax.slice_in_dim(x, i * dilation[0], i * dilation[0] + reach, axis=1)
        row = patches(part, kernel[i : i + 1], strides, dilation)
        result = row if result is None else result + row
    assert result is not None
    return result


def groups_apart(
    x: jax.Array, kernel: jax.Array, strides: Sequence[int], dilation: Sequence[int]
) -> jax.Array:
    """Groups of channels apart: a product for each."""
    groups = x.shape[-1] // kernel.shape[-2]
    parts = zip(jnp.split(x, groups, axis=-1), jnp.split(kernel, groups, axis=-1), strict=True)
    return jnp.concatenate([patches(p, k, strides, dilation) for p, k in parts], axis=-1)


def groups_batched(
    x: jax.Array, kernel: jax.Array, strides: Sequence[int], dilation: Sequence[int]
) -> jax.Array:
    """Groups of channels in one batched product."""
    channels = kernel.shape[-2]
    groups = x.shape[-1] // channels
    cells = jnp.stack(windows(x, kernel.shape[:-2], strides, dilation), axis=-2)
    positions, count = cells.shape[:-2], cells.shape[-2]
    split = cells.reshape(-1, count, groups, channels).transpose(2, 0, 1, 3)
    kernels = jnp.stack(jnp.split(kernel, groups, axis=-1))
    weights = kernels.reshape(groups, count * channels, -1)
    products = split.reshape(groups, -1, count * channels) @ weights
    return products.transpose(1, 0, 2).reshape(*positions, kernel.shape[-1])


def depthwise(
    x: jax.Array, kernel: jax.Array, strides: Sequence[int], dilation: Sequence[int]
) -> jax.Array:
    """A group for each channel: products cell by cell, which XLA fuses into one loop.

    Each channel's first filter comes first, then each one's second: inside a compiled loop that takes half the time of
    repeating the channels. Products are added up in float32, as matrix products are, so that a half's sum is rounded
    once and not at each cell.
    """
    channels, dtype = x.shape[-1], x.dtype
    if is_half(dtype):
        x, kernel = x.astype("float32"), kernel.astype("float32")
    cells = windows(x, kernel.shape[:-2], strides, dilation)
    weights = kernel.reshape(len(cells), channels, -1)
    sums = [
        functools.reduce(jnp.add, (c * w for c, w in zip(cells, weights[..., j], strict=True)))
        for j in range(weights.shape[-1])
    ]
    total = sums[0] if len(sums) == 1 else jnp.stack(sums, axis=-1).reshape(*sums[0].shape[:-1], -1)
    return total.astype(dtype)


def _product(x: jax.Array, weights: jax.Array) -> jax.Array:
    flat = x.reshape(-1, x.shape[-1]) @ weights
    return flat.reshape(*x.shape[:-1], weights.shape[-1])


@functools.partial(jax.jit, static_argnames=("strides", "padding", "dilation"))
def conv_transpose(
    x: jax.Array,
    kernel: jax.Array,
    strides: tuple[int, ...],
    padding: tuple[tuple[int, int], ...],
    dilation: tuple[int, ...],
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

    Example:
        >>> conv_transpose(jnp.ones((1, 2, 1)), jnp.ones((2, 1, 1)), (1,), ((0, 0),), (1,)).ravel().tolist()
        [1.0, 2.0, 1.0]
    """
    window = kernel.shape[:-2]
    full = [
        (n - 1) * s + (k - 1) * d + 1
        for n, k, s, d in zip(x.shape[1:-1], window, strides, dilation, strict=True)
    ]
    image = jax.ShapeDtypeStruct((x.shape[0], *full, kernel.shape[-2]), x.dtype)
    transpose = jax.linear_transpose(lambda y: conv(y, kernel, strides, "valid", dilation), image)
    return pad_spatial(transpose(x)[0], padding)
