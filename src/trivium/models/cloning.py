"""Cloning: the same model anew, with layers and weights of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from trivium.graph import Node
from trivium.layers.base import Layer
from trivium.layers.input_layer import InputLayer
from trivium.models.functional import Functional
from trivium.models.model import Model
from trivium.models.sequential import Sequential

__all__ = ["clone_model"]


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
) -> Model:
    """Return a model like `model` with new layers and freshly drawn weights.

    Args:
        model: The model, in any style.
        input_tensors: Symbolic tensors to build the clone on, in the structure of the model's inputs; new inputs where
            it is `None`.
        clone_function: What makes a new layer of an old one; by default the layer's class from its config.
        call_function: What calls a new layer, `(layer, *args, **kwargs)`; a plain call by default.
        recursive: Whether `clone_function` is applied to the layers of models inside, too.

    Returns:
        The clone: Sequential of Sequential, Functional of Functional, else a new object of the class.

    Raises:
        TypeError: `model` is no model.

    Example:
        >>> import trivium as tv
        >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)])
        >>> copy = tv.models.clone_model(model)
        >>> copy.fingerprint() == model.fingerprint(), copy.layers[0] is model.layers[0]
        (True, False)
    """
    if not isinstance(model, Model):
        raise TypeError(f"`clone_model` takes a model; got {model!r}.")
    remade: dict[int, Layer] = {}

    def clone(layer: Layer) -> Layer:
        if id(layer) not in remade:
            remade[id(layer)] = _clone_layer(layer, clone_function, call_function, recursive)
        return remade[id(layer)]

    if isinstance(model, Sequential):
        entry = [] if model._entry is None else [_clone_input(model._entry, input_tensors)]
        return Sequential(
            [*entry, *map(clone, model._stack)], trainable=model.trainable, name=model.name
        )
    if type(model) is not Functional:
        return type(model).from_config(model.get_config())
    graph = model.graph()
    inputs = input_tensors
    if inputs is None:
        inputs = jax.tree_util.tree_map(lambda t: _new_input(t), graph.inputs)

    def call(node: Node, args: Any, kwargs: Any) -> Any:
        operation = clone(node.operation) if isinstance(node.operation, Layer) else node.operation
        return (
            call_function(operation, *args, **kwargs)
            if call_function
            else operation(*args, **kwargs)
        )

    return Functional(inputs, graph.run(inputs, call), name=model.name, trainable=model.trainable)


def _clone_layer(layer: Layer, clone_function: Any, call_function: Any, recursive: bool) -> Layer:
    if isinstance(layer, Sequential | Functional) and (recursive or clone_function is None):
        return clone_model(layer, None, clone_function, call_function, recursive)
    if clone_function is not None:
        return clone_function(layer)
    return type(layer).from_config(layer.get_config())


def _new_input(tensor: Any) -> Any:
    return InputLayer(batch_shape=tensor.shape, dtype=tensor.dtype, name=tensor.name).output


def _clone_input(entry: InputLayer, input_tensors: Any) -> InputLayer:
    if input_tensors is not None:
        return jax.tree_util.tree_leaves(input_tensors)[0].node.operation
    return InputLayer.from_config(entry.get_config())
