"""`tf.signal`: the modified discrete cosine transform, of frames that overlap by half, and its windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import jax.numpy as jnp
import numpy as np

from trivium import ops
from trivium.compat.tensorflow.signals import frames_of, vorbis_window
from trivium.compat.written import covers
from trivium.state.types import Array, ArrayLike, DType

__all__: list[str] = []

Window: TypeAlias = Callable[..., Any] | None


@covers("tensorflow.signal.kaiser_bessel_derived_window")
def _kaiser_bessel_derived_window(
    window_length: int, beta: float = 12.0, dtype: DType = "float32", name: str | None = None
) -> Array:
    sums = np.cumsum(np.kaiser(int(window_length) // 2 + 1, float(beta)))
    half = np.sqrt(sums[:-1] / sums[-1])
    return jnp.asarray(np.concatenate([half, half[::-1]]), str(dtype))


def _weights(window: Window, length: int, dtype: DType) -> Any:
    # Without a window, the factor under which what is transformed back adds up to the signal.
    return np.sqrt(0.5).astype("float32") if window is None else window(length, dtype=str(dtype))


@covers("tensorflow.signal.mdct")
def _mdct(
    signals: ArrayLike,
    frame_length: int,
    window_fn: Window = vorbis_window,
    pad_end: bool = False,
    norm: str | None = None,
    name: str | None = None,
) -> Array:
    length = int(frame_length)
    if length % 4:
        raise ValueError(f"tf.signal.mdct: `frame_length` is a multiple of 4; got {length}.")
    frames = frames_of(signals, length, length // 2, pad_end)
    frames = frames * _weights(window_fn, length, ops.dtype(frames))
    # The four quarters of a frame, folded into two (Princen, Johnson and Bradley, 1987).
    a, b, c, d = (frames[..., i * length // 4 : (i + 1) * length // 4] for i in range(4))
    folded = ops.concatenate([-ops.flip(c, -1) - d, a - ops.flip(b, -1)], axis=-1)
    return ops.dct(folded, 4, norm)


@covers("tensorflow.signal.inverse_mdct")
def _inverse_mdct(
    mdcts: ArrayLike,
    window_fn: Window = vorbis_window,
    norm: str | None = None,
    name: str | None = None,
) -> Array:
    spectra = ops.convert_to_tensor(mdcts)
    half = int(ops.shape(spectra)[-1])
    # Without a norm, the transform of type 4 is its own inverse up to this factor.
    folded = ops.dct(spectra, 4, norm) * (1.0 if norm == "ortho" else 0.5 / half)
    first, second = folded[..., : half // 2], folded[..., half // 2 :]
    parts = [second, -ops.flip(second, -1), -ops.flip(first, -1), -first]
    frames = ops.concatenate(parts, axis=-1)
    return ops.overlap_add(frames * _weights(window_fn, 2 * half, ops.dtype(frames)), half)
