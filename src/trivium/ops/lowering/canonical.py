"""XLA's convolution with gradients that XLA runs as fast as the convolution itself, inside a compiled loop too.

On the CPU XLA hands a convolution to Eigen, which is fast, if its arrays lie in one order: samples, space, channels;
and the kernel's space, channels, filters. Others it first brings into that order, but only in a program's outermost
computation: in the body of a loop they are run number by number, up to a hundred times as slow (jax issue 12868). The
gradients that JAX derives are of such other orders. Here they are convolutions in the one order, between transposes
of ours, so that a loop costs them nothing.

A kernel with more cells than the array XLA takes for the array and the array for the kernel, turned around, which Eigen
does not know, in a loop or outside. Where that would be, a matrix product is taken.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from trivium.ops.lowering.windows import pad_spatial, windows
from trivium.state.bilinear import bilinear

__all__ = ["Geometry", "convolve", "kernel_by_convolution", "kernel_by_product", "plain", "product"]

# Up to so many cells the copies that a product needs cost less than a convolution with a strided kernel.
_SMALL = 16
# What a core's own cache holds with room to spare, and of how few samples Eigen gathers too short rows.
_CACHE, _FEWEST = 1 << 20, 8


class Geometry(NamedTuple):
    """How a kernel slides over an array, for each spatial axis.

    Args:
        strides: The window's step.
        padding: Cells to add before and after.
        dilation: The distance of the window's cells.
        spread: The distance that the array's cells are brought to before; zeros stand between.
    """

    strides: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    spread: tuple[int, ...]


def convolve(x: jax.Array, kernel: jax.Array, how: Geometry) -> jax.Array:
    """Slide a kernel over an array.

    Args:
        x: An array of shape `(batch, *spatial, channels)`.
        kernel: An array of shape `(*window, channels, filters)`.
        how: How it slides.

    Returns:
        An array of shape `(batch, *positions, filters)`.

    Example:
        >>> how = Geometry((1,), ((1, 1),), (1,), (1,))
        >>> convolve(jnp.ones((1, 5, 1)), jnp.ones((3, 1, 1)), how).ravel().tolist()
        [2.0, 3.0, 3.0, 3.0, 2.0]
    """
    return _convolve(x, kernel, how=how)


def _forward(x: jax.Array, kernel: jax.Array, *, how: Geometry) -> jax.Array:
    if _is_larger(kernel.shape[:-2], x):
        return product(x, kernel, how)
    cut = [(min(low, 0), min(high, 0)) for low, high in how.padding]
    if any(map(any, cut)):  # Eigen adds cells and takes none away.
        x = pad_spatial(_spread(x, how.spread), cut)
        how = how._replace(spread=(1,) * len(cut))
    padding = [(max(low, 0), max(high, 0)) for low, high in how.padding]
    return plain(x, kernel, how.strides, padding, how.dilation, how.spread)


def plain(
    x: jax.Array,
    kernel: jax.Array,
    strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    dilation: Sequence[int],
    spread: Sequence[int] | None = None,
) -> jax.Array:
    """The plain form: XLA's convolution, with the gradients that JAX derives.

    Args:
        x: An array of shape `(batch, *spatial, channels)`.
        kernel: An array of shape `(*window, channels / groups, filters)`.
        strides: As for `Geometry`, and so are the others.
        padding: Cells to add, or `"valid"` or `"same"`.
        dilation: The distance of the window's cells.
        spread: The distance of the array's cells.
    """
    axes = "DHW"[-(x.ndim - 2) :]
    return lax.conv_general_dilated(
        x,
        kernel,
        strides,
        padding.upper() if isinstance(padding, str) else padding,
        lhs_dilation=spread,
        rhs_dilation=dilation,
        dimension_numbers=(f"N{axes}C", f"{axes}IO", f"N{axes}C"),
        feature_group_count=x.shape[-1] // kernel.shape[-2],
    )


def _is_larger(window: tuple[int, ...], x: Any) -> bool:
    """Say whether XLA would take a kernel for the array."""
    return bool(math.prod(window) > math.prod(x.shape[1:-1]))


def _sizes(x: Any, kernel: Any, how: Geometry) -> list[tuple[int, int, int]]:
    """Return for each spatial axis the reach of the array spread out, of the kernel, and of the positions."""
    found = []
    for n, k, s, (low, high), d, a in zip(x.shape[1:-1], kernel.shape[:-2], *how, strict=True):
        reach, window = (n - 1) * a + 1, (k - 1) * d + 1
        found.append((reach, window, (low + reach + high - window) // s * s + 1))
    return found


def _turned(x: Any, kernel: Any, how: Geometry) -> Geometry:
    """Return how the kernel, turned around, slides over what `convolve` gives to give back the array's form."""
    padding = []
    for (reach, window, positions), (low, _) in zip(
        _sizes(x, kernel, how), how.padding, strict=True
    ):
        before = window - 1 - low
        padding.append((before, reach + window - 1 - positions - before))
    return Geometry(how.spread, tuple(padding), how.dilation, how.strides)


def _turn(kernel: jax.Array) -> jax.Array:
    return jnp.flip(kernel, range(kernel.ndim - 2)).swapaxes(-1, -2)


def _for_input(g: jax.Array, x: Any, kernel: jax.Array, how: Geometry) -> jax.Array:
    """The gradient of the array: the kernel, turned around, slides over the result's gradient."""
    return convolve(g, _turn(kernel), _turned(x, kernel, how))


def _for_kernel(g: jax.Array, x: jax.Array, kernel: Any, how: Geometry) -> jax.Array:
    """The gradient of the kernel, in the form that is faster for the shapes."""
    strided, spread = (any(n > 1 for n in by) for by in (how.strides, how.spread))
    if spread and not strided:
        # As that of the convolution that leads back, so that it is the smaller array that slides over the larger.
        *window, channels, filters = kernel.shape
        back = jax.ShapeDtypeStruct((*window, filters, channels), kernel.dtype)
        return _turn(_for_kernel(x, g, back, _turned(x, kernel, how)))
    few = math.prod(kernel.shape[:-2]) <= _SMALL
    if spread or (strided and few) or _is_larger(g.shape[1:-1], x):
        return kernel_by_product(g, x, kernel, how)
    return kernel_by_convolution(g, x, kernel, how)


def kernel_by_convolution(g: jax.Array, x: jax.Array, kernel: Any, how: Geometry) -> jax.Array:
    """The gradient of the kernel: that of the result slides over the array, with the samples for channels.

    The samples are taken some at a time, so that what Eigen gathers a window from, all over the array, is in the cache:
    two to three times as fast.

    Args:
        g: The result's gradient.
        x: The array.
        kernel: The spec of the kernel.
        how: How it slides.
    """
    padding = [
        (low, positions + window - 1 - reach - low)
        for (reach, window, positions), (low, _) in zip(
            _sizes(x, kernel, how), how.padding, strict=True
        )
    ]
    last = x.ndim - 1
    space = tuple(range(1, last))
    turned = Geometry(how.dilation, tuple(padding), how.strides, how.spread)

    def of(g: jax.Array, x: jax.Array) -> jax.Array:
        found = convolve(x.transpose(last, *space, 0), g.transpose(*space, 0, last), turned)
        return found.transpose(*space, 0, last)

    size = _samples_at_once(x)
    count, rest = divmod(x.shape[0], size)
    if count == 1 and not rest:
        return of(g, x)
    parts = [a[: count * size].reshape(count, size, *a.shape[1:]) for a in (g, x)]
    total = of(g[count * size :], x[count * size :]) if rest else jnp.zeros(kernel.shape, x.dtype)
    return lax.scan(lambda total, part: (total + of(*part), None), total, tuple(parts))[0]


def _samples_at_once(x: jax.Array) -> int:
    """Return how many samples fill the cache; a number that leaves none over, if there is one near."""
    samples = x.shape[0]
    if not isinstance(samples, int):
        return samples
    most = max(_FEWEST, _CACHE * samples // max(1, x.size * x.dtype.itemsize))
    if samples <= most:
        return max(1, samples)
    return next((n for n in range(most, most // 2, -1) if samples % n == 0), most)


def kernel_by_product(g: jax.Array, x: jax.Array, kernel: Any, how: Geometry) -> jax.Array:
    """The gradient of the kernel: one matrix product with all cells of a window side by side.

    Args:
        g: The result's gradient.
        x: The array.
        kernel: The spec of the kernel.
        how: How it slides.
    """
    side = _cells(x, kernel, how)
    found = side.reshape(-1, side.shape[-1]).T @ g.reshape(-1, g.shape[-1])
    return found.reshape(kernel.shape)


def product(x: jax.Array, kernel: jax.Array, how: Geometry) -> jax.Array:
    """What `convolve` gives, as one matrix product: the form for dtypes that Eigen's convolution does not know.

    Args:
        x: As for `convolve`, and so are the others.
        kernel: The kernel.
        how: How it slides.
    """
    side = _cells(x, kernel, how)
    flat = side.reshape(-1, side.shape[-1]) @ kernel.reshape(-1, kernel.shape[-1])
    return flat.reshape(*side.shape[:-1], kernel.shape[-1])


def _cells(x: jax.Array, kernel: Any, how: Geometry) -> jax.Array:
    """Return for each position the cells of the window, side by side."""
    padded = pad_spatial(_spread(x, how.spread), how.padding)
    cells = windows(padded, kernel.shape[:-2], how.strides, how.dilation)
    return cells[0] if len(cells) == 1 else jnp.concatenate(cells, axis=-1)


def _spread(x: jax.Array, by: tuple[int, ...]) -> jax.Array:
    """Return an array with zeros between its cells."""
    if all(n == 1 for n in by):
        return x
    zero = jnp.zeros((), x.dtype)
    return lax.pad(x, zero, [(0, 0, 0), *((0, 0, n - 1) for n in by), (0, 0, 0)])


def _batched(x: Any, kernel: Any, axes: Any, how: Geometry) -> jax.Array:
    """Convolve under `jax.vmap`: samples of many arrays are samples; several kernels need a batched product."""
    if axes[1] is None:
        x = jnp.moveaxis(x, axes[0], 0)
        found = convolve(x.reshape(-1, *x.shape[2:]), kernel, how)
        return found.reshape(*x.shape[:2], *found.shape[1:])
    return jax.vmap(lambda x, k: product(x, k, how), axes)(x, kernel)


_convolve = bilinear("trivium_convolve", _forward, _for_input, _for_kernel, _batched)
