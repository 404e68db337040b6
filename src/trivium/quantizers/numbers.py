"""How floats are written in fewer bits: whole numbers with a scale, packed in pairs, and eight-bit floats."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.graph.op import op
from trivium.state.dtypes import is_half
from trivium.state.types import Array, ArrayLike, DType

__all__ = [
    "abs_max_quantize", "abs_max_quantize_grouped_with_zero_point", "compute_float8_amax_history",
    "compute_float8_scale", "fake_quant_with_min_max_vars", "pack_int4", "quantize_and_dequantize", "unpack_int4",
]  # fmt: skip


def abs_max_quantize(
    inputs: ArrayLike,
    axis: int | Sequence[int],
    value_range: tuple[int, int] = (-127, 127),
    dtype: str = "int8",
    epsilon: float = 1e-7,
    to_numpy: bool = False,
) -> tuple[Array, Array]:
    """Write floats as whole numbers: times the scale that brings the largest of them to the end of the range, rounded.

    Args:
        inputs: An array of floats.
        axis: The axes along which numbers share a scale.
        value_range: The least and the largest whole number.
        dtype: The dtype of the whole numbers.
        epsilon: Added to the largest size, which may be 0.
        to_numpy: Whether to compute on the host, where a large kernel takes no memory of the device.

    Returns:
        The whole numbers, and the scale, with size 1 on `axis`: `inputs` are about `numbers / scale`.

    Example:
        >>> numbers, scale = abs_max_quantize(np.array([[0.6, -1.0], [4.0, 3.0]], "float32"), axis=-1)
        >>> numbers.tolist(), scale.round(2).tolist()
        ([[76, -127], [127, 95]], [[127.0], [31.75]])
    """
    xp: Any = np if to_numpy else jnp
    given = np.asarray(inputs) if to_numpy else jnp.asarray(inputs)
    # Half types lose the last of the eight bits in the product.
    x = given.astype("float32") if is_half(given.dtype) else given
    axes = tuple(axis) if isinstance(axis, Sequence) else axis
    largest = xp.max(xp.abs(x), axis=axes, keepdims=True)
    scale = (value_range[1] / (largest + epsilon)).astype(x.dtype)
    numbers = xp.clip(xp.round(x * scale), *value_range)
    return jnp.asarray(numbers.astype(dtype)), jnp.asarray(scale.astype(given.dtype))


def abs_max_quantize_grouped_with_zero_point(
    inputs: ArrayLike,
    block_size: int,
    value_range: tuple[int, int] = (-8, 7),
    dtype: str = "int8",
    epsilon: float = 1e-7,
    to_numpy: bool = False,
) -> tuple[Array, Array, Array]:
    """Write a matrix as whole numbers, with a scale and a zero point for each group of `block_size` rows of a column.

    A group's range reaches from its least to its largest number, and holds 0, which is written exactly.

    Args:
        inputs: A matrix of floats.
        block_size: The rows of a group; the last group may have fewer.
        value_range: The least and the largest whole number.
        dtype: The dtype of the whole numbers and zero points.
        epsilon: Added to the scale, which may be 0.
        to_numpy: Whether to compute on the host.

    Returns:
        The whole numbers, the scales and the zero points, these two of shape `(groups, columns)`: `inputs` are about
        `(numbers - zero) * scale`.

    Example:
        >>> numbers, scale, zero = abs_max_quantize_grouped_with_zero_point(np.array([[0.0], [1.5], [-3.0]]), 2)
        >>> numbers.ravel().tolist(), zero.ravel().tolist(), [f"{s:.1f}" for s in scale.ravel()]
        ([-8, 7, -8], [-8, 7], ['0.1', '0.2'])

    Reference:
        Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
        2017, https://arxiv.org/abs/1712.05877
    """
    xp: Any = np if to_numpy else jnp
    x = xp.asarray(inputs)
    rows, columns = x.shape
    groups = -(-rows // block_size)
    # Rows of zeros at the end widen no range, since each holds 0.
    blocks = xp.pad(x, ((0, groups * block_size - rows), (0, 0))).reshape(
        groups, block_size, columns
    )
    least, most = value_range
    low = xp.minimum(xp.min(blocks, axis=1), 0)
    high = xp.maximum(xp.max(blocks, axis=1), 0)
    scale = (high - low) / (most - least) + epsilon
    zero = xp.clip(xp.round(least - low / scale), least, most)
    numbers = xp.clip(xp.round(blocks / scale[:, None]) + zero[:, None], least, most)
    numbers = numbers.reshape(-1, columns)[:rows]
    return jnp.asarray(numbers.astype(dtype)), jnp.asarray(scale), jnp.asarray(zero.astype(dtype))


def pack_int4(
    arr: ArrayLike, axis: int = 0, dtype: str = "int8"
) -> tuple[Array, tuple[int, ...], int]:
    """Put two whole numbers of four bits into each byte: the first of a pair into the lower half.

    Args:
        arr: Whole numbers from -8 to 7, or from 0 to 15 for `"uint8"`.
        axis: The axis along which numbers are paired; a zero is added at its end if their count is odd.
        dtype: `"int8"` or `"uint8"`, which `arr` has, too.

    Returns:
        The packed array, its shape, and how many numbers there were along the axis.

    Raises:
        TypeError: `arr` is of another dtype.

    Example:
        >>> packed, shape, length = pack_int4(np.array([1, 2, -1], "int8"))
        >>> packed.tolist(), shape, length
        ([33, 15], (2,), 3)
    """
    x = jnp.asarray(arr) if isinstance(arr, jax.Array) else np.asarray(arr)
    if dtype not in ("int8", "uint8") or str(x.dtype) != dtype:
        raise TypeError(
            f"pack_int4: an array of int8 or uint8 is packed, and `dtype` says which; got an array of {x.dtype} and "
            f"dtype={dtype!r}."
        )
    x = jnp.moveaxis(jnp.asarray(x), axis, 0)
    length = x.shape[0]
    x = jnp.pad(x, [(0, length % 2), *[(0, 0)] * (x.ndim - 1)])
    packed = (x[0::2] & 0x0F) | (x[1::2] << 4)
    packed = jnp.moveaxis(packed.astype(dtype), 0, axis)
    return packed, packed.shape, length


def unpack_int4(packed: ArrayLike, orig_len: int, axis: int = 0, dtype: str = "int8") -> Array:
    """Return the whole numbers that `pack_int4` put in pairs.

    Args:
        packed: The packed array.
        orig_len: How many numbers there were along the axis.
        axis: The axis.
        dtype: `"int8"` or `"uint8"`, which `packed` has, too.

    Raises:
        TypeError: `packed` is of another dtype.

    Example:
        >>> unpack_int4(np.array([33, 15], "int8"), 3).tolist()
        [1, 2, -1]
    """
    x = jnp.asarray(packed)
    if dtype not in ("int8", "uint8") or str(x.dtype) != dtype:
        raise TypeError(
            f"unpack_int4: an array of int8 or uint8 is unpacked, and `dtype` says which; got an array of {x.dtype} "
            f"and dtype={dtype!r}."
        )
    x = jnp.moveaxis(x, axis, 0)
    # The shifts bring the sign along; bytes without sign have none.
    pairs = jnp.stack([(x << 4) >> 4, x >> 4], axis=1)
    numbers = pairs.reshape(-1, *x.shape[1:])[:orig_len]
    return jnp.moveaxis(numbers, 0, axis)


@op
def fake_quant_with_min_max_vars(
    inputs: ArrayLike,
    min_vals: ArrayLike,
    max_vals: ArrayLike,
    num_bits: int = 8,
    narrow_range: bool = False,
    axis: int | None = None,
) -> Array:
    """Round floats to what `num_bits` whole numbers between a least and a largest one can say, and leave them floats.

    The range is moved a little so that it holds 0 exactly. Gradients pass where the input is in it; elsewhere they go
    to the end of the range that the input is beyond.

    Args:
        inputs: An array of floats.
        min_vals: The least float: one, or one for each place on `axis`.
        max_vals: The largest, likewise.
        num_bits: The number of bits, 2 to 16.
        narrow_range: Whether the lowest of the whole numbers is left out, which makes their range symmetric.
        axis: The axis that has ranges of its own; one range for all where it is `None`.

    Raises:
        ValueError: `num_bits` is out of its range.

    Example:
        >>> fake_quant_with_min_max_vars(np.array([-2.0, 0.1, 0.6], "float32"), 0.0, 3.0, num_bits=2).tolist()
        [0.0, 0.0, 1.0]

    Reference:
        Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
        2017, https://arxiv.org/abs/1712.05877
    """
    if not 2 <= num_bits <= 16:
        raise ValueError(f"`num_bits` is a whole number from 2 to 16; got {num_bits!r}.")
    x, low, high = jnp.asarray(inputs), jnp.asarray(min_vals), jnp.asarray(max_vals)
    levels = (int(narrow_range), 2**num_bits - 1)
    shape = [1] * x.ndim
    if axis is not None:
        shape[axis] = -1
        low, high = jnp.reshape(low, shape), jnp.reshape(high, shape)
    return _fake_quant(levels, x, low.astype(x.dtype), high.astype(x.dtype))


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _fake_quant(levels: tuple[int, int], x: Array, low: Array, high: Array) -> Array:
    return _fake_quant_forward(levels, x, low, high)[0]


def _fake_quant_forward(
    levels: tuple[int, int], x: Array, low: Array, high: Array
) -> tuple[Array, Any]:
    least, most = levels
    scale = (high - low) / (most - least)
    zero = jnp.clip(jnp.round(least - low / scale), least, most)
    low, high = (least - zero) * scale, (most - zero) * scale
    clipped = jnp.clip(x, low, high)
    return jnp.round((clipped - low) / scale) * scale + low, (x < low, x > high, low)


def _fake_quant_backward(levels: tuple[int, int], kept: Any, gradient: Array) -> Any:
    below, above, low = kept

    def at_end(where: Array) -> Array:
        summed = [i for i in range(gradient.ndim) if low.ndim == 0 or low.shape[i] == 1]
        total = jnp.sum(jnp.where(where, gradient, 0), axis=tuple(summed), keepdims=True)
        return total.reshape(low.shape)

    return jnp.where(below | above, 0, gradient), at_end(below), at_end(above)


_fake_quant.defvjp(_fake_quant_forward, _fake_quant_backward)


def compute_float8_scale(
    amax: ArrayLike, scale: ArrayLike, dtype_max: float, margin: int = 0
) -> Array:
    """Return the scale by which numbers are divided before they are written as eight-bit floats.

    Args:
        amax: The largest size of the numbers.
        scale: The scale until now, kept where `amax` is 0 or not finite.
        dtype_max: The largest number of the eight-bit type.
        margin: How many powers of two to stay below it.

    Example:
        >>> float(compute_float8_scale(896.0, 1.0, 448.0)), float(compute_float8_scale(0.0, 7.0, 448.0))
        (2.0, 7.0)
    """
    amax, scale = jnp.asarray(amax), jnp.asarray(scale)
    usable = (amax > 0) & jnp.isfinite(amax)
    return jnp.where(usable, amax * (2**margin / dtype_max), scale).astype(scale.dtype)


def compute_float8_amax_history(x: ArrayLike, amax_history: ArrayLike) -> Array:
    """Return the largest sizes of the last steps, with that of `x` first in the place of the oldest.

    Args:
        x: An array of floats.
        amax_history: The largest sizes until now.

    Example:
        >>> compute_float8_amax_history(np.array([-3.0, 1.0]), np.array([2.0, 1.0, 0.5])).tolist()
        [3.0, 0.5, 2.0]
    """
    history = jnp.asarray(amax_history)
    largest = jnp.max(jnp.abs(jnp.asarray(x))).astype(history.dtype)
    return jnp.roll(history, -1).at[0].set(largest)


def quantize_and_dequantize(
    inputs: ArrayLike, scale: ArrayLike, quantized_dtype: DType, compute_dtype: DType
) -> Array:
    """Return floats as they are after a while in an eight-bit float type.

    Args:
        inputs: An array of floats.
        scale: What they are divided by meanwhile.
        quantized_dtype: The eight-bit type, `"float8_e4m3fn"` or `"float8_e5m2"`.
        compute_dtype: The dtype of the result.

    Example:
        >>> quantize_and_dequantize(np.array([0.3, 1000.0], "float32"), 1.0, "float8_e4m3fn", "float32").tolist()
        [0.3125, 448.0]

    Reference:
        Micikevicius et al., "FP8 Formats for Deep Learning", 2022, https://arxiv.org/abs/2209.05433
    """
    kind = jnp.dtype(quantized_dtype)
    largest = float(jnp.finfo(kind).max)
    scale = jnp.asarray(scale)
    scaled = jnp.asarray(inputs).astype(scale.dtype) / scale
    # Eight-bit types have no infinity to go to, or one that training cannot come back from.
    small = jnp.clip(scaled, -largest, largest).astype(kind)
    return (small.astype(scale.dtype) * scale).astype(jnp.dtype(compute_dtype))
