"""`tf.signal`: transforms of complex numbers, frames, windows, bands of the mel scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from trivium import ops
from trivium.compat.errors import NotCovered
from trivium.compat.written import covers
from trivium.graph.op import op
from trivium.state.types import Array, ArrayLike

__all__ = ["frames_of", "vorbis_window"]

# -- transforms: of complex numbers, which our ops have as pairs of parts ------------------------------------------


@op
def _transform(x: ArrayLike, name: str, sizes: Sequence[int] | None, rank: int) -> Array:
    """Call one of JAX's transforms along the last axes, which are cut or filled with zeros to their sizes."""
    axes = tuple(range(-rank, 0))
    made: Array = getattr(jnp.fft, name)(jnp.asarray(x), sizes, axes=axes)
    return made


def _lengths(fft_length: Any, rank: int) -> list[int] | None:
    if fft_length is None:
        return None
    return [int(n) for n in np.ravel(np.asarray(fft_length))][-rank:]


def _cover_transform(name: str, rank: int, real: bool) -> None:
    kind = f"{name}n"
    path = f"tensorflow.signal.{name}" + (f"{rank}d" if rank > 1 else "")

    def complex_transform(input: Any, name: str | None = None) -> Any:
        return _transform(input, kind, None, rank)

    def real_transform(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Any:
        return _transform(input_tensor, kind, _lengths(fft_length, rank), rank)

    covers(path)(real_transform if real else complex_transform)


for _name in ("fft", "ifft", "rfft", "irfft"):
    for _rank in (1, 2, 3):
        _cover_transform(_name, _rank, "r" in _name)


@op
def _transform_axes(
    x: ArrayLike, kind: str, sizes: list[int] | None, axes: list[int] | None, norm: str | None
) -> Array:
    made: Array = getattr(jnp.fft, kind)(jnp.asarray(x), sizes, axes, norm)
    return made


def _cover_any_axes(kind: str) -> None:
    def transform(
        input_tensor: ArrayLike,
        fft_length: ArrayLike | None = None,
        axes: ArrayLike | None = None,
        norm: str | None = None,
        name: str | None = None,
    ) -> Array:
        sizes, along = (
            None if n is None else np.ravel(np.asarray(n)).tolist() for n in (fft_length, axes)
        )
        return _transform_axes(input_tensor, kind, sizes, along, norm)

    covers(f"tensorflow.signal.{kind[:-1]}nd", f"tensorflow.{kind[:-1]}nd")(transform)


for _name in ("fftn", "ifftn", "rfftn", "irfftn"):
    _cover_any_axes(_name)


@covers("tensorflow.signal.fftshift")
def _fftshift(x: Any, axes: Any = None, name: str | None = None) -> Any:
    return jnp.fft.fftshift(jnp.asarray(x), axes)


@covers("tensorflow.signal.ifftshift")
def _ifftshift(x: Any, axes: Any = None, name: str | None = None) -> Any:
    return jnp.fft.ifftshift(jnp.asarray(x), axes)


@covers("tensorflow.signal.dct")
def _dct(
    input: Any,
    type: int = 2,
    n: int | None = None,
    axis: int = -1,
    norm: str | None = None,
    name: str | None = None,
) -> Any:
    if axis != -1:
        raise NotCovered(f"tf.signal.dct: axis={axis} is not covered; -1 is.")
    if n is not None:
        missing = max(n - input.shape[-1], 0)
        input = ops.pad(input[..., :n], [[0, 0]] * (len(input.shape) - 1) + [[0, missing]])
    return ops.dct(input, type, norm)


@covers("tensorflow.signal.idct")
def _idct(
    input: Any,
    type: int = 2,
    n: int | None = None,
    axis: int = -1,
    norm: str | None = None,
    name: str | None = None,
) -> Any:
    return _dct(input, {2: 3, 3: 2}.get(type, type), n, axis, norm)


# -- windows ----------------------------------------------------------------------------------------------------


def _cosine(length: Any, periodic: Any, first: float, second: float, dtype: Any) -> Any:
    """Return a cosine, raised: over one period, or up to its end."""
    length = int(length)
    if length == 1:
        return jnp.ones(1, str(dtype))
    # TensorFlow takes windows of odd length for symmetric ones.
    period = length + int(bool(periodic)) * (1 - length % 2) - 1
    wave = first - second * np.cos(2 * np.pi * np.arange(length) / period)
    return jnp.asarray(wave, str(dtype))


@covers("tensorflow.signal.hann_window")
def _hann_window(
    window_length: Any, periodic: Any = True, dtype: Any = "float32", name: str | None = None
) -> Any:
    return _cosine(window_length, periodic, 0.5, 0.5, dtype)


@covers("tensorflow.signal.hamming_window")
def _hamming_window(
    window_length: Any, periodic: Any = True, dtype: Any = "float32", name: str | None = None
) -> Any:
    return _cosine(window_length, periodic, 0.54, 0.46, dtype)


@covers("tensorflow.signal.kaiser_window")
def _kaiser_window(
    window_length: Any, beta: float = 12.0, dtype: Any = "float32", name: str | None = None
) -> Any:
    return jnp.asarray(np.kaiser(int(window_length), beta), str(dtype))


@covers("tensorflow.signal.vorbis_window")
def vorbis_window(window_length: Any, dtype: Any = "float32", name: str | None = None) -> Any:
    """Return the window that the audio format Vorbis has, whose squares add up to 1 where frames overlap by half."""
    places = (np.arange(int(window_length)) + 0.5) / int(window_length)
    return jnp.asarray(np.sin(np.pi / 2 * np.sin(np.pi * places) ** 2), str(dtype))


# -- frames -----------------------------------------------------------------------------------------------------


@covers("tensorflow.signal.frame")
def frames_of(
    signal: Any,
    frame_length: int,
    frame_step: int,
    pad_end: bool = False,
    pad_value: Any = 0,
    axis: int = -1,
    name: str | None = None,
) -> Any:
    """Return the parts of a signal that are so long, one every so many steps, on an axis of their own."""
    signal = ops.convert_to_tensor(signal) if not hasattr(signal, "shape") else signal
    rank = len(signal.shape)
    axis %= rank
    moved = ops.moveaxis(signal, axis, -1)
    length, step = int(frame_length), int(frame_step)
    if pad_end:
        missing = max((-(-moved.shape[-1] // step) - 1) * step + length - moved.shape[-1], 0)
        moved = ops.pad(moved, [[0, 0]] * (rank - 1) + [[0, missing]], constant_values=pad_value)
    frames = ops.extract_sequences(moved, length, step)
    return ops.moveaxis(frames, (-2, -1), (axis, axis + 1))


@covers("tensorflow.signal.overlap_and_add")
def _overlap_and_add(signal: Any, frame_step: int, name: str | None = None) -> Any:
    return ops.overlap_add(signal, int(frame_step))


Window = Callable[..., Any] | None


def _weights(window_fn: Window, length: int, dtype: Any) -> Any:
    return 1.0 if window_fn is None else window_fn(length, dtype=str(dtype))


def _power_of_two(length: int) -> int:
    return 1 << (length - 1).bit_length()


@covers("tensorflow.signal.stft")
def _stft(
    signals: Any,
    frame_length: int,
    frame_step: int,
    fft_length: int | None = None,
    window_fn: Window = _hann_window,
    pad_end: bool = False,
    name: str | None = None,
) -> Any:
    length = int(frame_length)
    frames = frames_of(signals, length, frame_step, pad_end)
    size = _power_of_two(length) if fft_length is None else int(fft_length)
    return _transform(frames * _weights(window_fn, length, ops.dtype(frames)), "rfftn", [size], 1)


@covers("tensorflow.signal.inverse_stft")
def _inverse_stft(
    stfts: Any,
    frame_length: int,
    frame_step: int,
    fft_length: int | None = None,
    window_fn: Window = _hann_window,
    name: str | None = None,
) -> Any:
    length = int(frame_length)
    size = _power_of_two(length) if fft_length is None else int(fft_length)
    frames = _transform(stfts, "irfftn", [size], 1)[..., :length]
    missing = length - frames.shape[-1]
    if missing:
        frames = ops.pad(frames, [[0, 0]] * (len(frames.shape) - 1) + [[0, missing]])
    return ops.overlap_add(frames * _weights(window_fn, length, ops.dtype(frames)), int(frame_step))


@covers("tensorflow.signal.inverse_stft_window_fn")
def _inverse_stft_window_fn(
    frame_step: int, forward_window_fn: Callable[..., Any] = _hann_window, name: str | None = None
) -> Callable[..., Any]:
    def inverse(frame_length: int, dtype: Any = "float32") -> Any:
        """Return the window that makes the sum of overlapping frames what it was."""
        length, step = int(frame_length), int(frame_step)
        forward = np.asarray(forward_window_fn(length, dtype=dtype))
        overlaps = -(-length // step)
        squares = np.pad(forward**2, (0, overlaps * step - length)).reshape(overlaps, step).sum(0)
        return jnp.asarray(forward / np.tile(squares, overlaps)[:length], str(dtype))

    return inverse


# -- the mel scale ----------------------------------------------------------------------------------------------


@covers("tensorflow.signal.linear_to_mel_weight_matrix")
def _linear_to_mel_weight_matrix(
    num_mel_bins: int = 20,
    num_spectrogram_bins: int = 129,
    sample_rate: Any = 8000,
    lower_edge_hertz: float = 125.0,
    upper_edge_hertz: float = 3800.0,
    dtype: Any = "float32",
    name: str | None = None,
) -> Any:
    weights = ops.mel_weights(
        int(num_mel_bins),
        int(num_spectrogram_bins),
        float(sample_rate),
        float(lower_edge_hertz),
        float(upper_edge_hertz),
    )
    return jnp.asarray(weights, str(dtype))


@covers("tensorflow.signal.mfccs_from_log_mel_spectrograms")
def _mfccs_from_log_mel_spectrograms(log_mel_spectrograms: Any, name: str | None = None) -> Any:
    return ops.dct(log_mel_spectrograms) / np.float32(np.sqrt(2 * log_mel_spectrograms.shape[-1]))
