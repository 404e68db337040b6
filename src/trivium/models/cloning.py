"""Cloning: the same model anew, with layers and weights of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from trivium.graph import Node, is_symbolic
from trivium.layers.base import Layer
from trivium.layers.input_layer import Input, InputLayer
from trivium.models.model import Model
from trivium.models.sequential import Sequential
from trivium.state.registry import custom_object_scope, inside_another
from trivium.state.trees import keep_order, map_tree

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
        TypeError: `model` is no model, or something among `input_tensors` no symbolic tensor.
        ValueError: The inputs are not as many as the model's, or the model's style does not allow an argument: a
            Sequential model calls its layers itself, and a subclassed one is made by its class.

    Example:
        >>> import trivium as tv
        >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)])
        >>> copy = tv.models.clone_model(model)
        >>> copy.fingerprint() == model.fingerprint(), copy.layers[0] is model.layers[0]
        (True, False)
    """
    if not isinstance(model, Model):
        raise TypeError(f"`clone_model` takes a model; got {model!r}.")
    if isinstance(model, Sequential) and call_function is not None:
        raise _refusal(model, "call_function", "a Sequential model calls its layers itself")
    return _Cloner(clone_function, call_function, recursive, {}).model(model, input_tensors)


class _Cloner:
    """One cloning: what it does to layers, and the layers that it has made, so that shared ones stay shared."""

    def __init__(
        self, clone_function: Any, call_function: Any, recursive: bool, made: dict[int, Layer]
    ) -> None:
        self.clone_function = clone_function
        self.call_function = call_function
        self.recursive = recursive
        self.made = made

    def model(self, model: Model, input_tensors: Any = None) -> Model:
        if isinstance(model, Sequential):
            return self.sequential(model, input_tensors)
        if model._is_graph_alone():
            return self.functional(model, input_tensors)
        for argument in ("clone_function", "call_function"):
            if getattr(self, argument) is not None:
                raise _refusal(model, argument, "its class makes and calls its layers")
        if input_tensors is not None:
            raise _refusal(model, "input_tensors", "its class makes its inputs")
        return type(model).from_config(model.get_config())

    def layer(self, layer: Layer) -> Layer:
        if id(layer) not in self.made:
            self.made[id(layer)] = self.new_layer(layer)
        return self.made[id(layer)]

    def new_layer(self, layer: Layer) -> Layer:
        if isinstance(layer, Sequential) or (isinstance(layer, Model) and layer._is_graph_alone()):
            if self.recursive:
                return self.model(layer)
            if self.clone_function is None:
                return _Cloner(None, None, True, self.made).model(layer)
        if self.clone_function is not None:
            return self.clone_function(layer)
        classes = custom_object_scope(layer._classes_inside())
        with classes, inside_another():  # Even where the class has a `from_config` of its own.
            return type(layer).from_config(layer.get_config())

    def sequential(self, model: Sequential, input_tensors: Any) -> Model:
        entry: list[Any] = []
        if input_tensors is not None:
            (tensor,) = _checked(input_tensors, 1)
            entry = [_input_like(tensor, model._entry.name if model._entry else None)]
        elif model._entry is not None:
            entry = [InputLayer.from_config(model._entry.get_config())]
        layers = [*entry, *map(self.layer, model._stack)]
        clone = Sequential(layers, trainable=model.trainable, name=model.name)
        if not entry and model._start is not None:
            clone._begin(map_tree(_new_input, model._start))
        return clone

    def functional(self, model: Model, input_tensors: Any) -> Model:
        graph = model.graph()
        inputs = input_tensors
        if inputs is None:
            inputs = map_tree(_new_input, graph.inputs)
        else:
            flat = _checked(inputs, len(graph.input_tensors))
            tree = jax.tree_util.tree_structure(graph.inputs)
            inputs = keep_order(graph.inputs, jax.tree_util.tree_unflatten(tree, flat))
        outputs = graph.run(inputs, self.call)
        return type(model)(
            inputs=inputs, outputs=outputs, name=model.name, trainable=model.trainable
        )

    def call(self, node: Node, args: Any, kwargs: Any) -> Any:
        if not isinstance(node.operation, Layer):
            return node.operation(*args, **kwargs)
        layer = self.layer(node.operation)
        if self.call_function is not None:
            return self.call_function(layer, *args, **kwargs)
        return layer(*args, **kwargs)


def _new_input(tensor: Any) -> Any:
    source = tensor.node.operation if tensor.node is not None else None
    if isinstance(source, InputLayer):
        return InputLayer.from_config(source.get_config()).output
    return _input_like(tensor, tensor.name)


def _checked(input_tensors: Any, count: int) -> list[Any]:
    flat = jax.tree_util.tree_leaves(input_tensors)
    for tensor in flat:
        if not is_symbolic(tensor):
            raise TypeError(
                f"`input_tensors` are symbolic tensors, which `Input` gives; got {tensor!r}."
            )
    if len(flat) != count:
        raise ValueError(
            f"`input_tensors` holds {len(flat)} tensors; the model has {count} inputs."
        )
    return flat


def _refusal(model: Model, argument: str, why: str) -> ValueError:
    return ValueError(
        f"`clone_model` cannot use `{argument}` with {model.name!r} ({type(model).__name__}): {why}. It serves "
        "Functional models."
    )


def _input_like(tensor: Any, name: str | None) -> Any:
    return Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=name)
