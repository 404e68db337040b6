"""Small layers of general use: any function as a layer, an activation, masking."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trivium import ops
from trivium.layers.base import Layer
from trivium.layers.registry import LAYERS

__all__ = ["Activation", "Flatten"]


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


@LAYERS.register()
class Flatten(Layer):
    """Each sample as one row of numbers.

    Args:
        data_format: `"channels_last"` (as it lies), or `"channels_first"`: the channels are moved last before.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Shapes:
        `(batch, ...)` to `(batch, product of the rest)`.

    Example:
        >>> import numpy as np
        >>> Flatten()(np.ones((2, 28, 28))).shape
        (2, 784)
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set(data_format=data_format or "channels_last")

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        if self.data_format == "channels_first" and len(inputs.shape) > 2:
            inputs = ops.moveaxis(inputs, 1, -1)
        size = 1
        for d in inputs.shape[1:]:
            size *= d
        return ops.reshape(inputs, (inputs.shape[0], size))
