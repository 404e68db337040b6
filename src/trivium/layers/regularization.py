"""Layers that act while training only, most of them by chance, and penalties on what flows through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trivium import ops, random
from trivium.layers.base import Layer
from trivium.layers.checks import unit_fraction
from trivium.layers.input_spec import InputSpec
from trivium.layers.registry import LAYERS
from trivium.layers.spatial import data_format_of
from trivium.regularizers import L1L2
from trivium.state import SeedGenerator

__all__ = ["Dropout"]


class _Noise(Layer):
    """A layer that does something by chance while training, and nothing otherwise. Subclasses give `_disturb`."""

    def _set_noise(self, strength: float, seed: int | None) -> None:
        """Keep the seed; a layer without any effect draws nothing, so it keeps no generator."""
        self._set(seed=seed)
        self.supports_masking = True
        self.seed_generator = SeedGenerator(seed) if strength > 0 else None

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Compute the output.

        Args:
            inputs: The input.
            training: Whether the layer does anything.
        """
        return self._disturb(inputs) if training and self.seed_generator is not None else inputs

    def _disturb(self, inputs: Any) -> Any:
        raise NotImplementedError


@LAYERS.register()
class Dropout(_Noise):
    """While training, sets inputs to 0 by chance and scales the others up, so that the expected sum stays.

    Args:
        rate: The chance of becoming 0, from 0 to 1.
        noise_shape: The shape in which chance is asked, which broadcasts to the input's; `None` in it means the input's
            size. `(None, 1, None)` drops a feature in all steps of a sequence alike.
        seed: A whole number; by the global seed where it is `None`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: `rate` is no number from 0 to 1.

    Example:
        >>> import numpy as np
        >>> layer = Dropout(0.5, seed=1)
        >>> sorted(set(layer(np.ones(100), training=True).tolist())), set(layer(np.ones(100)).tolist())
        ([0.0, 2.0], {1.0})

    Reference:
        Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 2014.
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._set(rate=unit_fraction(self, rate=rate), noise_shape=noise_shape)
        self._set_noise(self.rate, seed)

    def _disturb(self, inputs: Any) -> Any:
        return random.dropout(inputs, self.rate, self.noise_shape, self.seed_generator)
