"""Layers around another layer."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from trivium import ops
from trivium.layers.base import Layer
from trivium.layers.registry import LAYERS
from trivium.layers.signature import signature_of
from trivium.ops.control import slice_of
from trivium.state.effects import Effects
from trivium.state.types import Array, Shape

__all__ = ["TimeDistributed", "Wrapper"]


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


@LAYERS.register()
class TimeDistributed(Wrapper):
    """A layer called on each step of a sequence.

    The steps go side by side; one after the other where the layer keeps something from call to call, such as moving
    statistics.

    Args:
        layer: The layer.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: `layer` is no layer.

    Shapes:
        `(batch, steps, ...)` to `(batch, steps, ...)`, as the layer has it for `(batch, ...)`.

    Example:
        >>> import numpy as np
        >>> from trivium.layers import Dense
        >>> TimeDistributed(Dense(3))(np.ones((2, 5, 4))).shape
        (2, 5, 3)
    """

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def build(self, input_shape: Shape | None = None) -> None:
        """Build the layer for one step."""
        if input_shape is None or len(input_shape) < 3:
            raise ValueError(
                f"Layer {self.path!r} (TimeDistributed) wants input of shape (batch, steps, ...); got "
                f"{input_shape}."
            )
        super().build((input_shape[0], *input_shape[2:]))

    def call(self, inputs: Array, training: bool | None = None, mask: Any = None) -> Any:
        """Call the layer on each step.

        Args:
            inputs: The sequences.
            training: Whether the model is being trained.
            mask: Which steps count; each step's part goes to the layer, if it takes a mask.
        """
        takes = mask is not None and "mask" in signature_of(type(self.layer)).masks
        steps = [jnp.swapaxes(x, 0, 1) for x in ([inputs, mask] if takes else [inputs])]

        def one(at: list[Array]) -> Any:
            return self.layer(at[0], **({"mask": at[1]} if takes else {}))

        writes = Effects(one, (slice_of(steps),)).writes
        keeps = any(v.aggregation != "seed" for v in writes)
        outputs = (ops.map if keeps else ops.vectorized_map)(one, steps)
        return jax.tree_util.tree_map(lambda y: jnp.swapaxes(y, 0, 1), outputs)
