"""Signals: Fourier transforms, frames and windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from trivium.graph.op import op
from trivium.ops.arrays import as_array, as_complex, as_floats, per_axis
from trivium.ops.spectra import overlap_add
from trivium.state.dtypes import standardize_dtype
from trivium.state.registry import suggest
from trivium.state.types import Array, ArrayLike, DType

__all__ = [
    "bartlett", "blackman", "extract_sequences", "fft", "fft2", "fold", "hamming", "hanning",
    "ifft2", "irfft", "istft", "kaiser", "rfft", "stft", "unfold",
]  # fmt: skip

_Pair: TypeAlias = int | Sequence[int]


@op
def fft(x: Sequence[ArrayLike]) -> tuple[Array, Array]:
    """Return the Fourier transform along the last axis.

    Args:
        x: A pair of arrays: the real and the imaginary part.

    Returns:
        A pair of arrays: the real and the imaginary part.

    Example:
        >>> [part.tolist() for part in fft(([1.0, 1.0], [0.0, 0.0]))]
        [[2.0, 0.0], [0.0, 0.0]]
    """
    return _parts(jnp.fft.fft(_complex(x)))


@op
def fft2(x: Sequence[ArrayLike]) -> tuple[Array, Array]:
    """Return the Fourier transform along the last two axes.

    Args:
        x: A pair of arrays: the real and the imaginary part.

    Returns:
        A pair of arrays: the real and the imaginary part.

    Example:
        >>> fft2((jnp.ones((2, 2)), jnp.zeros((2, 2))))[0].tolist()
        [[4.0, 0.0], [0.0, 0.0]]
    """
    return _parts(jnp.fft.fft2(_complex(x)))


@op
def ifft2(x: Sequence[ArrayLike]) -> tuple[Array, Array]:
    """Return the inverse Fourier transform along the last two axes.

    Args:
        x: A pair of arrays: the real and the imaginary part.

    Returns:
        A pair of arrays: the real and the imaginary part.

    Example:
        >>> ifft2((jnp.ones((2, 2)), jnp.zeros((2, 2))))[0].tolist()
        [[1.0, 0.0], [0.0, 0.0]]
    """
    return _parts(jnp.fft.ifft2(_complex(x)))


@op
def rfft(x: ArrayLike, fft_length: int | None = None) -> tuple[Array, Array]:
    """Return the half of the Fourier transform of real samples that is not determined by the other.

    Args:
        fft_length: How many samples; the last axis is cut or filled with zeros.

    Returns:
        A pair of arrays: the real and the imaginary part.

    Example:
        >>> rfft([1.0, 1.0])[0].tolist()
        [2.0, 0.0]
    """
    return _parts(jnp.fft.rfft(as_floats(x), fft_length))


@op
def irfft(x: Sequence[ArrayLike], fft_length: int | None = None) -> Array:
    """Return the real samples whose `rfft` is given.

    Args:
        x: A pair of arrays: the real and the imaginary part.
        fft_length: How many samples to return; twice the frequencies less two where it is `None`.

    Example:
        >>> irfft(([2.0, 0.0], [0.0, 0.0])).tolist()
        [1.0, 1.0]
    """
    return jnp.fft.irfft(_complex(x), fft_length)


@op
def extract_sequences(x: ArrayLike, sequence_length: int, sequence_stride: int) -> Array:
    """Cut samples into overlapping frames.

    Args:
        x: An array of shape `(..., samples)`.
        sequence_length: How many samples each frame has.
        sequence_stride: How many samples lie between the beginnings of two frames.

    Returns:
        An array of shape `(..., frames, sequence_length)`.

    Example:
        >>> extract_sequences([1.0, 2.0, 3.0, 4.0], 2, 1).tolist()
        [[1.0, 2.0], [2.0, 3.0], [3.0, 4.0]]
    """
    x = jnp.asarray(as_array(x))
    count = (x.shape[-1] - sequence_length) // sequence_stride + 1
    starts = jnp.arange(count) * sequence_stride
    return x[..., starts[:, None] + jnp.arange(sequence_length)]


@op
def stft(
    x: ArrayLike,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: Any = "hann",
    center: bool = True,
) -> tuple[Array, Array]:
    """Return the Fourier transforms of overlapping frames.

    Args:
        x: An array of shape `(..., samples)`.
        sequence_length: How many samples each frame has.
        sequence_stride: How many samples lie between the beginnings of two frames.
        fft_length: How many samples each transform has; frames are filled with zeros on both sides.
        window: `"hann"`, `"hamming"`, an array of shape `(sequence_length,)`, or `None` for none.
        center: Whether frames are centered at their positions; the ends are then filled by reflection.

    Returns:
        A pair of arrays: the real and the imaginary part, of shape `(..., frames, fft_length // 2 + 1)`.

    Raises:
        ValueError: The window is unknown, of another length than the frames, or longer than a transform.

    Example:
        >>> stft(jnp.ones((16,)), 4, 2, 4)[0].shape
        (9, 3)
    """
    x = as_floats(x)
    if center:
        x = jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(fft_length // 2,) * 2], mode="reflect")
    frames = extract_sequences(x, fft_length, sequence_stride)
    return _parts(jnp.fft.rfft(frames * _window(window, sequence_length, fft_length, x.dtype)))


@op
def istft(
    x: Sequence[ArrayLike],
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: Any = "hann",
    center: bool = True,
) -> Array:
    """Return the samples whose `stft` is given.

    Args:
        x: A pair of arrays: the real and the imaginary part.
        sequence_length: How many samples each frame has.
        sequence_stride: How many samples lie between the beginnings of two frames.
        fft_length: How many samples each transform has; frames are filled with zeros on both sides.
        length: How many samples to return.
        window: `"hann"`, `"hamming"`, an array of shape `(sequence_length,)`, or `None` for none.
        center: Whether frames are centered at their positions.

    Raises:
        ValueError: The window is unknown, of another length than the frames, or longer than a transform.

    Example:
        >>> istft(stft(jnp.ones((16,)), 4, 2, 4), 4, 2, 4).round(4).tolist()[:3]
        [1.0, 1.0, 1.0]
    """
    spectrum = _complex(x)
    frames = jnp.fft.irfft(spectrum, fft_length)
    weights = _window(window, sequence_length, fft_length, frames.dtype)
    total = overlap_add(frames * weights, sequence_stride)
    norm = overlap_add(jnp.broadcast_to(weights**2, frames.shape[-2:]), sequence_stride)
    samples = total / jnp.where(norm > 1e-10, norm, 1.0)
    start = fft_length // 2 if center else 0
    if length is not None:
        return samples[..., start : start + length]
    return samples[..., start : samples.shape[-1] - start]


def bartlett(x: int) -> Any:
    """Return the triangular window.

    Args:
        x: How many points.

    Example:
        >>> bartlett(3).round(2).tolist()
        [0.0, 1.0, 0.0]
    """
    return jnp.bartlett(int(x)).astype(standardize_dtype(None))


def blackman(x: int) -> Any:
    """Return the Blackman window.

    Args:
        x: How many points.

    Example:
        >>> blackman(3).round(2).tolist()
        [-0.0, 1.0, -0.0]
    """
    return jnp.blackman(int(x)).astype(standardize_dtype(None))


def hamming(x: int) -> Any:
    """Return the Hamming window.

    Args:
        x: How many points.

    Example:
        >>> hamming(3).round(2).tolist()
        [0.07999999821186066, 1.0, 0.07999999821186066]
    """
    return jnp.hamming(int(x)).astype(standardize_dtype(None))


def hanning(x: int) -> Any:
    """Return the Hann window.

    Args:
        x: How many points.

    Example:
        >>> hanning(3).round(2).tolist()
        [0.0, 1.0, 0.0]
    """
    return jnp.hanning(int(x)).astype(standardize_dtype(None))


def kaiser(x: int, beta: float) -> Any:
    """Return the Kaiser window.

    Args:
        x: How many points.
        beta: The shape: the larger, the narrower.

    Example:
        >>> kaiser(3, 0.0).tolist()
        [1.0, 1.0, 1.0]
    """
    return jnp.kaiser(int(x), beta).astype(standardize_dtype(None))


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


_WINDOWS: dict[str, Callable[[int], Any]] = {"hann": jnp.hanning, "hamming": jnp.hamming}


def _window(window: Any, length: int, fft_length: int, dtype: DType | None) -> Array:
    """Return the window of `length` in the middle of `fft_length` zeros."""
    if fft_length < length:
        raise ValueError(
            f"`fft_length` is at least `sequence_length`; got {fft_length} and {length}."
        )
    if isinstance(window, str):
        if window not in _WINDOWS:
            raise ValueError(f"unknown window {window!r}. {suggest(window, _WINDOWS)}")
        values = _WINDOWS[window](length + 1)[:-1]  # one period, as transforms want it
    else:
        values = jnp.ones(fft_length) if window is None else jnp.asarray(window)
        if window is not None and values.shape != (length,):
            raise ValueError(
                f"The window has shape {values.shape}, wanted ({length},), the frames' length."
            )
    before = (fft_length - values.shape[0]) // 2
    return jnp.pad(values.astype(dtype), (before, fft_length - values.shape[0] - before))


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


def _complex(x: Sequence[ArrayLike]) -> Array:
    if not isinstance(x, list | tuple) or len(x) != 2:
        raise ValueError("complex numbers are a pair of arrays, the real and the imaginary part.")
    real, imaginary = map(as_array, x)
    if np.shape(real) != np.shape(imaginary):
        raise ValueError(
            f"the real and imaginary parts differ in shape: {np.shape(real)} and {np.shape(imaginary)}."
        )
    return as_complex(real, imaginary)


def _parts(x: Array) -> tuple[Array, Array]:
    return jnp.real(x), jnp.imag(x)
