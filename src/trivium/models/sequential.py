"""The Sequential API: a stack of layers, each taking what the one before gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from trivium.graph import Graph
from trivium.layers.base import Layer
from trivium.layers.input_layer import InputLayer
from trivium.layers.registry import LAYERS
from trivium.models.model import Model

__all__ = ["Sequential"]


@LAYERS.register()
class Sequential(Model):
    """A stack of layers with one input and one output.

    Args:
        layers: The layers. The first may be `Input(...)`, or say `input_shape=`; without either the model is built
            on the first data.
        trainable: Whether the weights are trained.
        name: A name.

    Raises:
        TypeError: Something among them is no layer.
        ValueError: Two layers have one name, or there are two inputs.

    Example:
        >>> import trivium as tv
        >>> model = tv.Sequential([tv.Input((28, 28)), tv.layers.Flatten(), tv.layers.Dense(10)])
        >>> model.output_shape, model.count_params()
        ((None, 10), 7850)
    """

    _untracked = Model._untracked | {"_entry"}

    def __init__(
        self,
        layers: Sequence[Any] | None = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable=trainable, name=name, **kwargs)
        self._entry: InputLayer | None = None
        self._stack: list[Layer] = []
        self._tensors: list[Any] = []
        if isinstance(layers, Layer):
            layers = [layers]
        for layer in layers or ():
            self._push(layer)
        self._rebuild()

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Put a layer on top of the stack.

        Args:
            layer: A layer, or `Input(...)` as the first.
            rebuild: Whether to work out the shapes anew.

        Raises:
            TypeError: It is no layer.
            ValueError: Its name is taken, it is a second input, or its input does not fit; the stack is as before.
        """
        entry, stack, tensors = self._entry, list(self._stack), list(self._tensors)
        try:
            self._push(layer)
            if rebuild:
                self._rebuild()
        except Exception:
            self._entry, self._stack, self._tensors = entry, stack, tensors
            if tensors:
                self._rebuild()
            raise

    def pop(self, rebuild: bool = True) -> Layer:
        """Take the top layer off the stack.

        Args:
            rebuild: Whether to work out the shapes anew.

        Returns:
            The layer.

        Raises:
            TypeError: The stack is empty.
        """
        if not self._stack:
            raise TypeError(f"Model {self.name!r} has no layers to take off.")
        layer = self._stack.pop()
        if rebuild:
            self._rebuild()
        return layer

    def _push(self, layer: Any) -> None:
        node = getattr(layer, "node", None)
        if node is not None and isinstance(node.operation, InputLayer):
            layer = node.operation
        if isinstance(layer, InputLayer):
            if self._entry is not None or self._stack:
                raise ValueError(
                    f"Model {self.name!r}: a Sequential model has one input, before its first layer; {layer.name!r} is "
                    "another. For several inputs write a Functional model: "
                    "`Model(inputs=[a, b], outputs=...)`."
                )
            self._entry = layer
            return
        if not isinstance(layer, Layer):
            what = (
                f"the class {layer.__name__}; write {layer.__name__}(...)"
                if isinstance(layer, type)
                else repr(layer)
            )
            raise TypeError(
                f"Model {self.name!r}: a Sequential model is made of layers; got {what}."
            )
        if any(layer is other for other in self._stack):
            raise ValueError(
                f"Model {self.name!r}: the layer {layer.name!r} is in the stack already. A layer that is used twice is "
                "shared, and that needs a Functional model."
            )
        if any(layer.name == other.name for other in self._stack):
            raise ValueError(
                f"Model {self.name!r} has a layer called {layer.name!r} already; names within a model are unique. Give "
                "it another `name=`."
            )
        if not self._stack and self._entry is None:
            self._entry = _declared_input(layer)
        self._stack.append(layer)

    def _rebuild(self) -> None:
        """Work out the graph, where the input is known; what the stack below has given stays."""
        self._graph, self.built, self._build_index = None, False, None
        if self._entry is None or not self._stack:
            self._tensors = []
            return
        self._tensors = self._tensors[: len(self._stack)]
        x = self._tensors[-1] if self._tensors else self._entry.output
        for layer in self._stack[len(self._tensors) :]:
            x = layer(x)
            count = len(jax.tree_util.tree_leaves(x))
            if x is None:
                raise ValueError(
                    f"Model {self.name!r}: the `call` of the layer {layer.name!r} "
                    f"({type(layer).__name__}) returned None. Does it end in `return ...`?"
                )
            if count != 1:
                raise ValueError(
                    f"Model {self.name!r}: the layer {layer.name!r} gives {count} outputs, and a "
                    "Sequential model passes one on. Write a Functional model."
                )
            self._tensors.append(x)
        self._declare(Graph(self._entry.output, x))

    def _can_be_called(self) -> bool:
        return True

    def build(self, input_shape: Any = None) -> None:
        """Build the stack for inputs of a shape.

        Args:
            input_shape: The shape with the batch, `None` for unknown sizes.

        Raises:
            ValueError: It is no single shape, or a layer cannot take it.
        """
        if self.built or input_shape is None:
            return
        if any(isinstance(d, list | tuple | dict) for d in input_shape) or isinstance(
            input_shape, dict
        ):
            raise ValueError(
                f"Model {self.name!r} is a Sequential model: it takes one input; got the shapes "
                f"{input_shape}. For several inputs write a Functional model: `Model(inputs=[a, b], outputs=...)`."
            )
        if not self._stack:
            raise ValueError(f"Model {self.name!r} has no layers: `add` one before building it.")
        self._entry = InputLayer(
            batch_shape=(None, *tuple(input_shape)[1:]), dtype=self._stack[0].compute_dtype
        )
        try:
            self._rebuild()
        except Exception:
            self._entry = None
            raise

    def _build_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        Layer._build_for(self, args, kwargs)

    @property
    def _layers(self) -> list[Layer]:
        return list(self._stack)

    def _flow_layers(self) -> list[Layer]:
        return list(self._stack)


def _declared_input(layer: Layer) -> InputLayer | None:
    """Return the input that a first layer's own arguments describe."""
    said = layer._sequential_input
    if "batch_shape" in said or "batch_input_shape" in said:
        return InputLayer(
            batch_shape=said.get("batch_shape") or said["batch_input_shape"],
            dtype=said.get("input_dtype"),
        )
    shape = said.get("input_shape") or ((said["input_dim"],) if "input_dim" in said else None)
    if shape is not None:
        return InputLayer(shape, said.get("batch_size"), said.get("input_dtype"))
    if isinstance(layer, Model) and layer._graph is not None and len(layer.inputs) == 1:
        tensor = layer.inputs[0]
        return InputLayer(batch_shape=tensor.shape, dtype=tensor.dtype)
    return None
