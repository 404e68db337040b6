"""What is made of spectra: cosine transforms, bands of the mel scale, samples out of frames."""

from __future__ import annotations

import jax.numpy as jnp
import jax.scipy.fft
import numpy as np

from trivium.graph.op import op
from trivium.ops.arrays import as_array, as_floats
from trivium.state.types import Array, ArrayLike

__all__ = ["dct", "mel_weights", "overlap_add"]


@op
def dct(x: ArrayLike, type: int = 2, norm: str | None = None) -> Array:
    """Return the discrete cosine transform along the last axis.

    Args:
        type: 1, 2, 3 or 4: which of the transforms.
        norm: `"ortho"` for the transform that keeps lengths, whose inverse is its transpose; `None` without a factor.

    Raises:
        ValueError: There is no such type or norm, or the last axis is too short.

    Example:
        >>> dct([1.0, 1.0, 1.0, 1.0]).round(3).tolist()
        [8.0, 0.0, 0.0, 0.0]
        >>> dct(dct([1.0, 2.0], norm="ortho"), 3, norm="ortho").round(3).tolist()
        [1.0, 2.0]

    Reference:
        Ahmed, Natarajan and Rao, "Discrete Cosine Transform", IEEE Transactions on Computers C-23(1), 1974,
        https://doi.org/10.1109/T-C.1974.223784
    """
    x = as_floats(x)
    if type not in (1, 2, 3, 4) or norm not in (None, "ortho") or (type == 1 and norm):
        raise ValueError(
            f"`type` is 1, 2, 3 or 4, and `norm` None or, but for type 1, 'ortho'; got {type!r} and {norm!r}."
        )
    size = x.shape[-1]
    if type == 2:
        found: Array = jax.scipy.fft.dct(x, norm=norm)
        return found
    if type == 3:  # The inverse of type 2 but for a factor.
        back: Array = jax.scipy.fft.idct(x, norm=norm)
        return back if norm else back * (2 * size)
    if type == 1:
        if size < 2:
            raise ValueError(f"The transform of type 1 has at least two points; got {size}.")
        places = np.arange(float(size))
        weights = 2 * np.cos(np.pi * np.outer(places, places) / (size - 1))
        weights[[0, -1]] /= 2
    else:
        places = np.arange(size) + 0.5
        weights = 2 * np.cos(np.pi * np.outer(places, places) / size)
        weights = weights / np.sqrt(2 * size) if norm else weights
    return jnp.matmul(x, weights.astype(x.dtype))


def mel_weights(
    num_mel_bins: int,
    num_spectrogram_bins: int,
    sample_rate: float,
    lower_edge_hertz: float = 125.0,
    upper_edge_hertz: float = 3800.0,
) -> np.ndarray:
    """Return the matrix that makes bands of the mel scale of a spectrum: triangles that overlap by half.

    Args:
        num_mel_bins: How many bands.
        num_spectrogram_bins: How many frequencies the spectrum has, from 0 Hz to half of the sample rate.
        sample_rate: Samples a second.
        lower_edge_hertz: Where the first band begins.
        upper_edge_hertz: Where the last one ends.

    Returns:
        Shape `(num_spectrogram_bins, num_mel_bins)`, float32. The lowest frequency, the mean, counts for nothing.

    Raises:
        ValueError: The edges do not ascend, or lie outside of the spectrum.

    Example:
        >>> mel_weights(2, 5, 8000).round(2).tolist()
        [[0.0, 0.0], [0.72..., 0.28...], [0.0, 0.89...], [0.0, 0.34...], [0.0, 0.0]]

    Reference:
        Young et al., "The HTK Book", section 5.4.
    """
    if not 0 <= lower_edge_hertz < upper_edge_hertz <= sample_rate / 2:
        raise ValueError(
            f"The edges ascend from 0 to half of the sample rate, {sample_rate / 2}; got {lower_edge_hertz} and "
            f"{upper_edge_hertz}."
        )

    def mel(hertz: np.ndarray) -> np.ndarray:
        return 1127.0 * np.log1p(np.asarray(hertz) / 700.0)

    places = mel(np.linspace(0, sample_rate / 2, num_spectrogram_bins)[1:])[:, None]
    edges = np.linspace(mel(lower_edge_hertz), mel(upper_edge_hertz), num_mel_bins + 2)  # type: ignore[arg-type]
    low, center, high = edges[:-2], edges[1:-1], edges[2:]
    up, down = (places - low) / (center - low), (high - places) / (high - center)
    weights = np.maximum(np.minimum(up, down), 0)
    return np.pad(weights, [(1, 0), (0, 0)]).astype(np.float32)


@op
def overlap_add(x: ArrayLike, sequence_stride: int) -> Array:
    """Return samples whose frames are given; where frames overlap, they add up.

    Args:
        x: Frames, shape `(..., frames, sequence_length)`.
        sequence_stride: How many samples lie between the beginnings of two frames.

    Returns:
        Shape `(..., (frames - 1) * sequence_stride + sequence_length)`.

    Example:
        >>> overlap_add([[1.0, 1.0], [1.0, 1.0]], 1).tolist()
        [1.0, 2.0, 1.0]
    """
    x = jnp.asarray(as_array(x))
    count, length = x.shape[-2:]
    samples = (jnp.arange(count) * sequence_stride)[:, None] + jnp.arange(length)
    empty = jnp.zeros((*x.shape[:-2], (count - 1) * sequence_stride + length), x.dtype)
    return empty.at[..., samples].add(x)
