"""Layers around another layer."""

from __future__ import annotations

from typing import Any

from trivium.layers.base import Layer
from trivium.layers.registry import LAYERS
from trivium.state.types import Shape

__all__ = ["Wrapper"]


@LAYERS.register()
class Wrapper(Layer):
    """A layer around another one; the base of those that change how a layer is called or what its weights are.

    Give a subclass a `call`. The layer inside is built for the wrapper's input, unless the subclass says otherwise in
    `build`, and is part of the wrapper's config.

    Args:
        layer: The layer inside.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: `layer` is no layer.

    Example:
        >>> import numpy as np
        >>> from trivium.layers import Dense
        >>> class Twice(Wrapper):
        ...     def call(self, inputs):
        ...         return self.layer(self.layer(inputs))
        >>> twice = Twice(Dense(3))
        >>> twice(np.ones((2, 3))).shape, [w.name for w in twice.weights]
        ((2, 3), ['kernel', 'bias'])
    """

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        if not isinstance(layer, Layer):
            raise TypeError(
                f"{type(self).__name__}: `layer` is a layer to put inside; got {layer!r}."
                + (" Make one of the class first." if isinstance(layer, type) else "")
            )
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Shape | None = None) -> None:
        """Build the layer inside for the same input."""
        if not self.layer.built and input_shape is not None:
            self.layer.build(input_shape)
