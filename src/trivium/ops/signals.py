"""Signals: Fourier transforms, of all samples and of frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from trivium.graph.op import op
from trivium.ops.arrays import as_array, as_complex, as_floats
from trivium.ops.spectra import overlap_add
from trivium.state.registry import suggest
from trivium.state.types import Array, ArrayLike, DType

__all__ = [
    "extract_sequences", "fft", "fft2", "ifft2", "irfft", "istft", "rfft", "stft",
]  # fmt: skip


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
