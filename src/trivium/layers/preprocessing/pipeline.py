"""Layers one behind the other, as one layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from trivium.layers.base import Layer
from trivium.layers.registry import LAYERS
from trivium.layers.signature import signature_of

__all__ = ["Pipeline"]


@LAYERS.register()
class Pipeline(Layer):
    """Layers one behind the other, each called on what the one before gives: a chain that prepares data.

    It is no model: it has no `fit`, and stands as one layer in a model, or alone in `Dataset.map`. Called by itself it
    is in training mode, so that its random layers draw; in a model it has the model's mode.

    Args:
        layers: The layers.
        name: A name.

    Raises:
        TypeError: `layers` is no list of layers.

    Shapes:
        As the first layer takes it, to as the last one gives it.

    Example:
        >>> import numpy as np
        >>> from trivium.layers import CategoryEncoding, Discretization
        >>> Pipeline([Discretization([0.0, 1.0]), CategoryEncoding(3)])(np.array([[0.5], [2.0]])).tolist()
        [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """

    _unwritten: ClassVar[frozenset[str]] = Layer._unwritten | {
        "dtype", "trainable", "activity_regularizer",
    }  # fmt: skip
    _stored_names: ClassVar[dict[str, str]] = {"layers": "_pipeline_layers"}

    def __init__(self, layers: Sequence[Layer], name: str | None = None) -> None:
        super().__init__(name=name)
        if not isinstance(layers, list | tuple) or not all(isinstance(x, Layer) for x in layers):
            raise TypeError(f"Pipeline: `layers` is a list of layers; got {layers!r}.")
        self.layers = list(layers)
        self.supports_masking = True

    def build(self, input_shape: Any = None) -> None:
        """Build each layer for what the one before gives.

        Args:
            input_shape: The shape of the input.
        """
        for number, layer in enumerate(self.layers):
            if all(later.built for later in self.layers[number:]):
                return  # Nothing is computed, on shapes either, for those that there is nothing to build for.
            layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)

    def call(self, inputs: Any, training: bool = True, mask: Any = None) -> Any:
        """Call each layer on what the one before gives.

        Args:
            inputs: What the first layer takes.
            training: Whether random layers draw.
            mask: The input's mask, for the first layer if it takes one; the others get those that come to them.
        """
        for layer in self.layers:
            takes = mask is not None and "mask" in signature_of(type(layer)).masks
            inputs = layer(inputs, training=training, **({"mask": mask} if takes else {}))
            mask = None
        return inputs
