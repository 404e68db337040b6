"""What convolution and pooling share: which cells of an array a sliding window sees."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from trivium.state.frame import current_frame
from trivium.state.lowerings import chosen_lowering

__all__ = ["by_form", "chosen", "fixed", "on_cpu", "pad_spatial", "same_padding", "windows"]


def on_cpu() -> bool:
    """Say whether programs run on the CPU, where XLA's own windows are slow inside a loop."""
    return jax.default_backend() == "cpu" and not current_frame().portable


def chosen(kind: str) -> str:
    """Return the form of a kind of operation: as it is set; else `"auto"` on the CPU, and `"plain"` elsewhere.

    Args:
        kind: A key of `lowering()` of `trivium.config`.
    """
    if current_frame().portable:
        return "plain"
    form = chosen_lowering(kind)
    return "plain" if form == "auto" and not on_cpu() else form


def by_form(kind: str, *static: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile a function as a whole, so that a call outside a program is one program too; for each form another one.

    Args:
        kind: The kind of operation, whose form the function gets as its argument `form`.
        static: The arguments that are no arrays.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        compiled = jax.jit(function, static_argnames=("form", *static))

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            return compiled(*args, **{"form": chosen(kind)} | kwargs)

        return call

    return decorate


def fixed(sizes: Sequence[object]) -> bool:
    """Say whether every size is a number rather than a symbol."""
    return all(isinstance(n, int) for n in sizes)


def same_padding(
    sizes: Sequence[int], window: Sequence[int], strides: Sequence[int], dilation: Sequence[int]
) -> list[tuple[int, int]]:
    """Return the cells to add before and after each axis so that it gives `ceil(size / stride)` windows.

    Example:
        >>> same_padding((28, 5), (3, 2), (1, 2), (1, 1))
        [(1, 1), (0, 1)]
    """
    total = [
        max(((-(-n // s)) - 1) * s + (k - 1) * d + 1 - n, 0)
        for n, k, s, d in zip(sizes, window, strides, dilation, strict=True)
    ]
    return [(t // 2, t - t // 2) for t in total]


def pad_spatial(x: jax.Array, padding: Sequence[tuple[int, int]], value: float = 0.0) -> jax.Array:
    """Return `x` of shape `(batch, *spatial, channels)` with cells added around its spatial axes."""
    if not any(map(any, padding)):
        return x
    config = [(0, 0, 0), *((lo, hi, 0) for lo, hi in padding), (0, 0, 0)]
    return lax.pad(x, jnp.asarray(value, x.dtype), config)


def windows(
    x: jax.Array,
    window: Sequence[int],
    strides: Sequence[int],
    dilation: Sequence[int] | None = None,
) -> list[jax.Array]:
    """Return for each place in the window, in row-major order, what stands there as the window slides.

    Args:
        x: An array of shape `(batch, *spatial, channels)`, padded already.
        window: The window's size along each spatial axis.
        strides: Its step along each.
        dilation: The distance of its cells along each; 1 where it is `None`.

    Returns:
        `prod(window)` arrays of shape `(batch, *positions, channels)`.

    Example:
        >>> x = jnp.arange(5.0).reshape(1, 5, 1)
        >>> [w.ravel().tolist() for w in windows(x, (3,), (2,))]
        [[0.0, 2.0], [1.0, 3.0], [2.0, 4.0]]
    """
    dilation = dilation or (1,) * len(window)
    axes = list(zip(x.shape[1:-1], window, strides, dilation, strict=True))
    counts = [(n - (k - 1) * d - 1) // s + 1 for n, k, s, d in axes]
    steps = (1, *strides, 1)
    slices = []
    for place in itertools.product(*map(range, window)):
        start = [p * d for p, d in zip(place, dilation, strict=True)]
        stop = [a + (c - 1) * s + 1 for a, c, s in zip(start, counts, strides, strict=True)]
        slices.append(lax.slice(x, (0, *start, 0), (x.shape[0], *stop, x.shape[-1]), steps))
    return slices
