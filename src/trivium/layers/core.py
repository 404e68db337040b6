"""Small layers of general use: any function as a layer, an activation, masking."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trivium.layers.base import Layer
from trivium.layers.registry import LAYERS

__all__ = ["Activation"]


@LAYERS.register()
class Activation(Layer):
    """An activation as a layer of its own.

    Args:
        activation: A name or a function of an array.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Example:
        >>> import numpy as np
        >>> Activation("relu")(np.array([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    def __init__(self, activation: str | Callable[[Any], Any] | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set(activation=activation)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        return self.activation(inputs)
