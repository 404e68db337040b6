"""First values that take a signal apart into waves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from trivium.initializers.base import INITIALIZERS, Initializer, dtype_of, shape_of
from trivium.state.types import DType

__all__ = ["STFT"]


@INITIALIZERS.register("stft", "STFTInitializer")
class STFT(Initializer):
    """The kernel of a convolution over samples that gives their Fourier transforms in a sliding window.

    Args:
        side: `"real"` or `"imag"`: which part of the transform.
        window: The weights of the samples: a name that `scipy.signal.get_window` knows, an array, or `None` for none.
        scaling: What the weights are divided by: `"density"` the root of the sum of their squares, `"spectrum"` their
            sum, `None` nothing.
        periodic: Whether the window, whose next sample is its first again, has one sample less than a symmetric one.

    Raises:
        ValueError: A word is none of these.

    Example:
        >>> STFT("imag", window=None, scaling=None)((4, 1, 3))[:, 0, 1].round().tolist()
        [-0.0, -1.0, -0.0, 1.0]

    Reference:
        Allen, "Short term spectral analysis, synthesis, and modification by discrete Fourier transform", 1977,
        https://doi.org/10.1109/TASSP.1977.1162950
    """

    def __init__(
        self,
        side: str = "real",
        window: Any = "hann",
        scaling: str | None = "density",
        periodic: bool = False,
    ) -> None:
        for name, value, known in (
            ("side", side, ("real", "imag")),
            ("scaling", scaling, ("density", "spectrum", None)),
        ):
            if value not in known:
                raise ValueError(f"STFT: `{name}` is one of {known}; got {value!r}.")
        self.side, self.window, self.scaling, self.periodic = side, window, scaling, periodic

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> np.ndarray:
        """Return the kernel, of shape `(samples, 1, frequencies)`.

        Raises:
            ValueError: The shape is another, or the window has another length, or a sum of 0 to scale by.
        """
        sizes = shape_of(shape)
        if len(sizes) != 3 or sizes[1] != 1 or sizes[2] < 2:
            raise ValueError(f"STFT: the kernel's shape is (samples, 1, frequencies); got {sizes}.")
        samples, _, frequencies = sizes
        angles = np.outer(np.arange(samples), np.arange(frequencies)) * np.pi / (frequencies - 1)
        waves = np.cos(angles) if self.side == "real" else -np.sin(angles)
        return (waves * self._weights(samples)[:, None])[:, None].astype(dtype_of(dtype))

    def _weights(self, samples: int) -> np.ndarray:
        if self.window is None:
            weights = np.ones(samples)
        elif isinstance(self.window, str):
            from scipy.signal import get_window

            try:
                weights = get_window(self.window, samples, fftbins=self.periodic)
            except ValueError as error:
                raise ValueError(
                    "STFT: `window` is a name that `scipy.signal.get_window` knows, an array or None; got "
                    f"{self.window!r}. {error}"
                ) from None
        else:
            weights = np.asarray(self.window, "float64")
        if weights.shape != (samples,):
            raise ValueError(
                f"STFT: the window has the shape {weights.shape}; the kernel has {samples} samples."
            )
        total = {"density": np.sqrt(np.sum(weights**2)), "spectrum": np.sum(weights), None: 1.0}
        if not total[self.scaling]:
            raise ValueError(
                f"STFT: nothing can be scaled by the window {self.window!r} of {samples} samples, whose sum is 0. Take "
                "more samples, or scaling=None."
            )
        return np.asarray(weights / total[self.scaling])
