"""Convolution: on the CPU in forms that are fast inside a compiled loop too; elsewhere as XLA derives them.

One group of channels is XLA's convolution with gradients of our own (`canonical`). Small windows, and those without
padding, are a matrix product. Several groups, for which XLA has no fast form on the CPU, are a convolution for each,
one batched product, or, with a group for each channel, sums that XLA fuses into one loop. `benchmarks/lowering.py`
measures every form.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from trivium.ops.lowering.canonical import Geometry, convolve, plain, product
from trivium.ops.lowering.windows import by_form, fixed, pad_spatial, same_padding, windows
from trivium.state.dtypes import is_half

__all__ = ["conv", "conv_transpose", "depthwise", "groups_apart", "groups_batched", "whole"]

# Up to this many groups a convolution for each is faster than one batched product.
_GROUP_LIMIT = 8
# Windows of so few numbers, or without padding of so few cells, are a product.
_FEW_NUMBERS, _FEW_CELLS = 80, 16
# Of so many filters on one channel a convolution by itself is faster than a product.
_MANY_FILTERS = 16


@by_form("convolution", "strides", "padding", "dilation")
def conv(
    x: jax.Array,
    kernel: jax.Array,
    strides: tuple[int, ...],
    padding: str,
    dilation: tuple[int, ...],
    form: str = "auto",
) -> jax.Array:
    """Slide a kernel over an array; groups follow from the channels that the kernel lacks.

    Args:
        x: An array of shape `(batch, *spatial, channels)`.
        kernel: An array of shape `(*window, channels / groups, filters)`.
        strides: The window's step along each spatial axis.
        padding: `"valid"` or `"same"`.
        dilation: The distance of the window's cells along each spatial axis.
        form: How one group is convolved; by its shapes where it is `"auto"`.

    Returns:
        An array of shape `(batch, *positions, filters)`.

    Example:
        >>> conv(jnp.ones((1, 5, 1)), jnp.ones((3, 1, 1)), (1,), "same", (1,)).ravel().tolist()
        [2.0, 3.0, 3.0, 3.0, 2.0]
    """
    window, channels = kernel.shape[:-2], kernel.shape[-2]
    if form == "plain" or not fixed(x.shape[1:]):
        return plain(x, kernel, strides, padding, dilation)
    pads = [(0, 0)] * len(window)
    if padding == "same":
        pads = same_padding(x.shape[1:-1], window, strides, dilation)
    groups = x.shape[-1] // channels
    if groups == 1:
        return whole(x, kernel, Geometry(strides, tuple(pads), dilation, (1,) * len(window)), form)
    x = pad_spatial(x, pads)
    few = groups_apart if groups <= _GROUP_LIMIT else groups_batched
    several = depthwise if channels == 1 else few
    return several(x, kernel, strides, dilation)


def whole(x: jax.Array, kernel: jax.Array, how: Geometry, form: str = "auto") -> jax.Array:
    """One group: a convolution in float32, which half precision is rounded from once; or a product.

    Args:
        x: An array of shape `(batch, *spatial, channels)`.
        kernel: An array of shape `(*window, channels, filters)`.
        how: How it slides.
        form: `"convolution"`, `"product"`, or, by the shapes, `"auto"`.
    """
    if form == "product":
        return product(x, kernel, how)
    if form == "auto" and _as_product(kernel.shape, how):
        quick = _is_quick_alone(kernel.shape, how)
        return (_product_of_gradients if quick else product)(x, kernel, how)
    return _convolved(x, kernel, how)


def _convolved(x: jax.Array, kernel: jax.Array, how: Geometry) -> jax.Array:
    if is_half(x.dtype):
        wide = convolve(x.astype("float32"), kernel.astype("float32"), how)
        return wide.astype(x.dtype)
    # Eigen's convolution knows no other dtype; XLA runs the others number by number.
    return (convolve if x.dtype == "float32" else product)(x, kernel, how)


def _as_product(kernel: Sequence[int], how: Geometry) -> bool:
    """Say whether a product trains faster than a convolution, though its values alone may take longer.

    Measured with gradients in a compiled loop on two quiet cores, product and convolution in ms: 64×28×28×32 → 32, 3×3,
    54 and 71 without padding, 49 and 30 with it; 128×26×26×1 → 32 3.6 and 10; 64×32×32×3 → 32 with padding 5.5 and 13.
    """
    *window, channels, _ = kernel
    cells = math.prod(window)
    unpadded = not any(map(any, how.padding)) and all(n == 1 for n in how.spread)
    return cells * channels <= _FEW_NUMBERS or (unpadded and cells <= _FEW_CELLS)


def _is_quick_alone(kernel: Sequence[int], how: Geometry) -> bool:
    """Say whether a convolution that trains slower than a product is faster where nobody asks for gradients.

    Measured in a loop, convolution and product in ms of a core: 32×13×13×32 → 64, 3×3, 1.2 and 2.5; 64×28×28×32 → 64,
    1×1, 3.3 and 2.5; 32×28×28×1 → 32, 3×3, 0.28 and 0.55, and → 8 1.06 and 0.52; 32×32×32×3 → 32, 3×3, 2.7 and 1.7.
    """
    *window, channels, filters = kernel
    cells = math.prod(window)
    if cells * channels > _FEW_NUMBERS:
        return cells > 1
    one = channels == 1 and len(window) > 1 and filters >= _MANY_FILTERS
    return one and all(n == 1 for n in how.spread)


@functools.partial(jax.custom_jvp, nondiff_argnums=(2,))
def _product_of_gradients(x: jax.Array, kernel: jax.Array, how: Geometry) -> jax.Array:
    """A convolution where nothing but its values is asked for; with derivatives of any kind, a product."""
    return _convolved(x, kernel, how)


@functools.partial(_product_of_gradients.defjvp, symbolic_zeros=True)
def _differentiated(how: Geometry, primals: Any, tangents: Any) -> tuple[Any, Any]:
    # What does not move, as the images that a network is given, has no gradient to compute.
    moving = [i for i, t in enumerate(tangents) if not isinstance(t, SymbolicZero)]

    def of(*moved: jax.Array) -> jax.Array:
        both = list(primals)
        for i, value in zip(moving, moved, strict=True):
            both[i] = value
        return product(both[0], both[1], how)

    return jax.jvp(of, [primals[i] for i in moving], [tangents[i] for i in moving])


def groups_apart(
    x: jax.Array, kernel: jax.Array, strides: Sequence[int], dilation: Sequence[int]
) -> jax.Array:
    """Groups of channels apart: a convolution for each."""
    ones = (1,) * len(strides)
    how = Geometry(tuple(strides), ((0, 0),) * len(ones), tuple(dilation), ones)
    groups = x.shape[-1] // kernel.shape[-2]
    parts = zip(jnp.split(x, groups, axis=-1), jnp.split(kernel, groups, axis=-1), strict=True)
    return jnp.concatenate([whole(p, k, how) for p, k in parts], axis=-1)


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


@by_form("convolution", "strides", "padding", "dilation")
def conv_transpose(
    x: jax.Array,
    kernel: jax.Array,
    strides: tuple[int, ...],
    padding: tuple[tuple[int, int], ...],
    dilation: tuple[int, ...],
    form: str = "auto",
) -> jax.Array:
    """The transpose of a convolution: each cell of `x` adds a scaled kernel to the output.

    Args:
        x: An array of shape `(batch, *spatial, channels)`.
        kernel: An array of shape `(*window, filters, channels)`.
        strides: The distance of the kernels along each spatial axis of the output.
        padding: Cells to add (negative: to cut) before and after each spatial axis of the full output, whose size
            is `(size - 1) * stride + (window - 1) * dilation + 1`.
        dilation: The distance of a kernel's cells along each spatial axis.
        form: As for `conv`.

    Returns:
        An array of shape `(batch, *positions, filters)`.

    Example:
        >>> conv_transpose(jnp.ones((1, 2, 1)), jnp.ones((2, 1, 1)), (1,), ((0, 0),), (1,)).ravel().tolist()
        [1.0, 2.0, 1.0]
    """
    turned = jnp.flip(kernel, range(kernel.ndim - 2)).swapaxes(-1, -2)
    reach = [(k - 1) * d for k, d in zip(kernel.shape[:-2], dilation, strict=True)]
    added = tuple((r + low, r + high) for r, (low, high) in zip(reach, padding, strict=True))
    ones = (1,) * len(strides)
    if form == "plain" or not fixed(x.shape[1:]):
        return plain(x, turned, ones, added, dilation, strides)
    return whole(x, turned, Geometry(ones, added, dilation, strides), form)
