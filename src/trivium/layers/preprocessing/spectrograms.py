"""Sounds as pictures: which frequencies they have, and when."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from trivium import initializers, ops
from trivium.layers.base import Layer
from trivium.layers.checks import flag, not_negative, number, positive_int
from trivium.layers.input_spec import InputSpec
from trivium.layers.registry import LAYERS
from trivium.layers.spatial import data_format_of, one_of
from trivium.ops.arrays import channels_are_last
from trivium.state.dtypes import epsilon
from trivium.state.types import Array, DType, Shape

__all__ = ["MelSpectrogram", "STFTSpectrogram"]

_MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")
# A frequency in hertz on the scale of the Hidden Markov Model Toolkit: equal steps sound equal.
_BREAK_HERTZ, _MELS = 700.0, 1127.0


@LAYERS.register()
class STFTSpectrogram(Layer):
    """The Fourier transforms of a sound in a sliding window, as convolutions whose kernels can be trained.

    Args:
        mode: What of them comes out: `"log"` (the logarithm of the magnitude), `"magnitude"`, `"psd"` (the density of
            power, of both halves of the spectrum), `"real"`, `"imag"`, `"angle"`, or `"stft"` (real and imaginary part,
            one behind the other on the axis of frequencies).
        frame_length: How many samples the window has.
        frame_step: How many samples it moves by; half its length where it is `None`.
        fft_length: How many samples each transform is of, as if the rest were zeros; the least power of two that is no
            less than the window where it is `None`.
        window: How much each sample in the window counts: a name that `scipy.signal.get_window` knows, an array, or
            `None` for all alike.
        periodic: Whether the window is one of a periodic signal.
        scaling: `"density"`, `"spectrum"`, or `None` for none.
        padding: `"valid"`: windows lie in the sound; `"same"`: zeros are put around it so that there are
            `samples / frame_step` windows.
        expand_dims: Whether channels keep an axis of their own, as in pictures.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: A setting is out of its range.

    Shapes:
        `(batch, samples, channels)` to `(batch, windows, channels * frequencies)`, or to `(batch, windows, frequencies,
        channels)` with `expand_dims`, where `frequencies` is `fft_length // 2 + 1`, twice that for `"stft"`. With
        `"channels_first"`: `(batch, channels, samples)` to `(batch, channels * frequencies, windows)` or `(batch,
        channels, windows, frequencies)`.

    Example:
        >>> import numpy as np
        >>> sound = np.sin(np.arange(64) * 2 * np.pi / 8)[None, :, None]
        >>> STFTSpectrogram("magnitude", frame_length=16)(sound).shape
        (1, 7, 9)

    Reference:
        Allen, "Short term spectral analysis, synthesis, and modification by discrete Fourier transform", 1977,
        https://doi.org/10.1109/TASSP.1977.1162950
    """

    def __init__(
        self,
        mode: str = "log",
        frame_length: int = 256,
        frame_step: int | None = None,
        fft_length: int | None = None,
        window: Any = "hann",
        periodic: bool = False,
        scaling: str | None = "density",
        padding: str = "valid",
        expand_dims: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        length = positive_int(self, frame_length=frame_length)
        if frame_step is not None and positive_int(self, frame_step=frame_step) > length:
            raise ValueError(
                f"STFTSpectrogram: `frame_step` is at most `frame_length`, or samples are left out; got "
                f"frame_step={frame_step}, frame_length={frame_length}."
            )
        if fft_length is not None and positive_int(self, fft_length=fft_length) < length:
            raise ValueError(
                f"STFTSpectrogram: `fft_length` is at least `frame_length`; got fft_length={fft_length}, "
                f"frame_length={frame_length}."
            )
        if fft_length is not None and fft_length & (fft_length - 1):
            warnings.warn(
                f"STFTSpectrogram: `fft_length` is a power of two as a rule; got {fft_length}.",
                stacklevel=2,
            )
        self._set(
            mode=one_of(self, _MODES, mode=mode), frame_length=length, frame_step=frame_step,
            fft_length=fft_length, window=window, periodic=flag(self, periodic=periodic), scaling=scaling,
            padding=one_of(self, ("valid", "same"), padding=padding),
            expand_dims=flag(self, expand_dims=expand_dims), data_format=data_format_of(self, data_format),
        )  # fmt: skip
        for side in (
            self._sides
        ):  # A window or scaling that is none is an error here, whatever the frequencies.
            self._initializer(side)((length, 1, 2))
        self.input_spec = InputSpec(ndim=3)

    @property
    def _frequencies(self) -> int:
        length = self.fft_length or 1 << (self.frame_length - 1).bit_length()
        return int(length) // 2 + 1

    @property
    def _sides(self) -> tuple[str, ...]:
        return (self.mode,) if self.mode in ("real", "imag") else ("real", "imag")

    def _initializer(self, side: str) -> initializers.STFT:
        return initializers.STFT(side, self.window, self.scaling, self.periodic)

    def build(self, input_shape: Shape) -> None:
        """Make a kernel for the real part and one for the imaginary part, as far as the mode needs them."""
        for side in self._sides:
            shape = (self.frame_length, 1, self._frequencies)
            kernel = self.add_weight(shape, self._initializer(side), name=f"{side}_kernel")
            setattr(self, f"{side}_kernel", kernel)

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        inputs = ops.cast(inputs, self.compute_dtype)
        last = channels_are_last(self.data_format)
        sound = ops.transpose(inputs, (0, 2, 1)) if last else inputs
        parts = [self._transformed(sound, getattr(self, f"{side}_kernel")) for side in self._sides]
        y = self._of_mode(*parts)  # (batch, channels, windows, frequencies)
        if self.expand_dims:
            return ops.transpose(y, (0, 2, 3, 1)) if last else y
        batch, channels, windows, frequencies = y.shape
        if last:
            return ops.reshape(
                ops.transpose(y, (0, 2, 1, 3)), (batch, windows, channels * frequencies)
            )
        return ops.reshape(ops.transpose(y, (0, 1, 3, 2)), (batch, channels * frequencies, windows))

    def _transformed(self, sound: Array, kernel: Array) -> Array:
        """Return one part of the transforms of each channel by itself."""
        batch, channels, samples = sound.shape
        y = ops.conv(
            ops.reshape(sound, (batch * channels, samples, 1)),
            ops.cast(kernel, sound.dtype),
            strides=self.frame_step or self.frame_length // 2,
            padding=self.padding,
            data_format="channels_last",
        )
        return ops.reshape(y, (batch, channels, *y.shape[1:]))

    def _of_mode(self, real: Array, imag: Array | None = None) -> Array:
        if imag is None:
            return real  # The only part that there is.
        if self.mode == "stft":
            return ops.concatenate([real, imag], -1)
        if self.mode == "angle":
            return ops.arctan2(imag, real)
        power = ops.square(real) + ops.square(imag)
        if self.mode == "psd":
            # Each frequency but the first and the last stands for its negative one, too.
            return power + ops.pad(power[..., 1:-1], [(0, 0)] * 3 + [(1, 1)])
        magnitude = ops.sqrt(ops.maximum(power, epsilon()))
        if self.mode == "magnitude":
            return magnitude
        return ops.log(ops.maximum(magnitude, epsilon()))


@LAYERS.register()
class MelSpectrogram(Layer):
    """How loud a sound is at pitches that are equal steps apart for the ear, in a sliding window, in decibels.

    Args:
        fft_length: How many samples each Fourier transform is of.
        sequence_stride: How many samples the window moves by.
        sequence_length: How many samples the window has; `fft_length` where it is `None`.
        window: `"hann"`, `"hamming"`, an array of `sequence_length` numbers, or `None` for none.
        sampling_rate: How many samples the sound has in a second.
        num_mel_bins: How many pitches.
        min_freq: The lowest frequency, in hertz.
        max_freq: The highest; half the sampling rate where it is `None`.
        power_to_db: Whether the power is told in decibels.
        top_db: How many decibels below the loudest place of the same sound the quietest is taken to be.
        mag_exp: The exponent of the magnitude: 2 for power, 1 for the magnitude itself.
        min_power: The least power that is told from 0.
        ref_power: The power of 0 decibels.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: A setting is no number.
        ValueError: A setting is out of its range.

    Shapes:
        `(..., samples)` to `(..., num_mel_bins, samples // sequence_stride + 1)`: one sound or a batch.

    Example:
        >>> import numpy as np
        >>> MelSpectrogram(fft_length=64, sequence_stride=16, num_mel_bins=8)(np.ones((2, 128))).shape
        (2, 8, 9)

    Reference:
        Stevens, Volkmann and Newman, "A scale for the measurement of the psychological magnitude pitch", 1937; in the
        form of the Hidden Markov Model Toolkit.
    """

    _stateless = True

    def __init__(
        self,
        fft_length: int = 2048,
        sequence_stride: int = 512,
        sequence_length: int | None = None,
        window: Any = "hann",
        sampling_rate: int = 16000,
        num_mel_bins: int = 128,
        min_freq: float = 20.0,
        max_freq: float | None = None,
        power_to_db: bool = True,
        top_db: float = 80.0,
        mag_exp: float = 2.0,
        min_power: float = 1e-10,
        ref_power: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        fft_length = positive_int(self, fft_length=fft_length)
        length = positive_int(self, sequence_length=sequence_length or fft_length)
        if length > fft_length:
            raise ValueError(
                f"MelSpectrogram: `sequence_length` is at most `fft_length`; got sequence_length={length}, "
                f"fft_length={fft_length}."
            )
        rate = positive_int(self, sampling_rate=sampling_rate)
        highest = max_freq or rate // 2
        if not not_negative(self, min_freq=min_freq) < number(self, max_freq=highest):
            raise ValueError(
                f"MelSpectrogram: `min_freq` is below `max_freq`; got min_freq={min_freq}, max_freq={highest}."
            )
        self._set(
            fft_length=fft_length, sequence_length=length,
            sequence_stride=positive_int(self, sequence_stride=sequence_stride), window=window, sampling_rate=rate,
            num_mel_bins=positive_int(self, num_mel_bins=num_mel_bins), min_freq=min_freq, max_freq=highest,
            power_to_db=flag(self, power_to_db=power_to_db), top_db=not_negative(self, top_db=top_db),
            mag_exp=number(self, mag_exp=mag_exp), min_power=not_negative(self, min_power=min_power),
            ref_power=number(self, ref_power=ref_power),
        )  # fmt: skip

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        # There are no Fourier transforms in half precision.
        dtype = self.compute_dtype if self.compute_dtype == "float64" else "float32"
        real, imag = ops.stft(
            ops.cast(inputs, dtype), self.sequence_length, self.sequence_stride, self.fft_length, self.window
        )  # fmt: skip
        power = ops.square(real) + ops.square(imag)
        if self.mag_exp != 2:
            # Silence has no slope, where that of a root would be infinite.
            power = ops.power(ops.maximum(power, np.finfo(dtype).tiny), self.mag_exp / 2)
        matrix = self.linear_to_mel_weight_matrix(
            self.num_mel_bins, power.shape[-1], self.sampling_rate, self.min_freq, self.max_freq, dtype
        )  # fmt: skip
        y = ops.swapaxes(ops.matmul(power, matrix), -1, -2)
        return ops.cast(self._decibels(y) if self.power_to_db else y, self.compute_dtype)

    def _decibels(self, power: Array) -> Array:
        reference = max(abs(self.ref_power), self.min_power)
        loud = 10.0 * (ops.log10(ops.maximum(power, self.min_power)) - np.log10(reference))
        # The loudest place of each sound by itself: what else is in the batch has no part in it.
        return ops.maximum(loud, ops.max(loud, (-2, -1), keepdims=True) - self.top_db)

    def linear_to_mel_weight_matrix(
        self,
        num_mel_bins: int = 20,
        num_spectrogram_bins: int = 129,
        sampling_rate: int = 8000,
        lower_edge_hertz: float = 125.0,
        upper_edge_hertz: float = 3800.0,
        dtype: DType = "float32",
    ) -> np.ndarray:
        """Return how much each frequency counts for each pitch: triangles with a peak of 1, on the mel scale.

        Args:
            num_mel_bins: How many pitches.
            num_spectrogram_bins: How many frequencies, from 0 to half the sampling rate.
            sampling_rate: How many samples there are in a second.
            lower_edge_hertz: Where the first triangle begins.
            upper_edge_hertz: Where the last one ends.
            dtype: The matrix's dtype.

        Returns:
            An array of shape `(num_spectrogram_bins, num_mel_bins)`.

        Example:
            >>> MelSpectrogram().linear_to_mel_weight_matrix(2, 4, 8000, 0.0, 4000.0, "float64").round(2).tolist()
            [[0.0, 0.0], [0.32, 0.68], [0.0, 0.53], [0.0, 0.0]]
        """
        mels = _mels(np.linspace(0, sampling_rate / 2, num_spectrogram_bins))[:, None]
        edges = np.linspace(_mels(lower_edge_hertz), _mels(upper_edge_hertz), num_mel_bins + 2)
        lower, center, upper = edges[:-2], edges[1:-1], edges[2:]
        rising, falling = (mels - lower) / (center - lower), (upper - mels) / (upper - center)
        weights = np.maximum(0.0, np.minimum(rising, falling))
        weights[0] = 0.0  # The toolkit leaves the mean of the sound out.
        return weights.astype(dtype)


def _mels(hertz: Any) -> Any:
    return _MELS * np.log1p(np.asarray(hertz) / _BREAK_HERTZ)
