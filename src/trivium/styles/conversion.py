"""A model in another style, with the same graph and the same weights."""

from __future__ import annotations

import linecache
from typing import Any

import jax

from trivium.graph import Graph, SymbolicTensor
from trivium.models.functional import Functional
from trivium.models.model import Model
from trivium.models.sequential import Sequential
from trivium.state.copying import Recipe
from trivium.styles.hooks import keep_hooks, overridden_hooks
from trivium.styles.modes import one_graph
from trivium.styles.obstacles import sequential_layers
from trivium.styles.writing import check_style
from trivium.styles.writing.class_body import class_body
from trivium.styles.writing.names import class_name, input_name, said_name
from trivium.styles.writing.structures import call_of, only_inputs
from trivium.styles.writing.values import MODULES, Values

__all__ = ["convert"]


def convert(model: Model, to: str) -> Model:
    """Return a model of another style that has the same graph and shares the layers and weights.

    Both models compute the same, to the bit; training one trains the other. The new model is not compiled.

    Args:
        model: The model, built, in any style.
        to: `"sequential"`, `"functional"` or `"subclass"`.

    Returns:
        The model in that style.

    Raises:
        ValueError: The style is unknown, or the model is not built.
        StyleError: The style cannot hold the model; the message names the first place that forbids it.
        CaptureError: The model's own code does what no graph can hold.

    Example:
        >>> import trivium as tv
        >>> stack = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)])
        >>> written = convert(stack, to="subclass")
        >>> written.fingerprint() == stack.fingerprint(), written.layers[0] is stack.layers[0]
        (True, True)
    """
    check_style(to)
    graph = one_graph(model)
    made = {"sequential": _sequential, "functional": _functional, "subclass": _subclass}[to](
        model, graph
    )
    made._trainable, made._policy = model.trainable, model.dtype_policy
    # It has the same layers, whose paths begin with the first model's name, so that is its name, too. A path holds for
    # as long as its owner lives: were the first model collected before this one, paths would change at a moment that
    # nobody chose.
    made._name, made._named_by_itself = model.name, model._named_by_itself
    made._converted_from = model
    if overridden_hooks(model):
        # What the hooks read of the model's own: a metric, a factor, an inner model.
        for key, value in vars(model).items():
            if key not in vars(made) and key not in Model._untracked:
                setattr(made, key, value)
    return made


def _sequential(model: Model, graph: Graph) -> Model:
    layers = sequential_layers(graph, model.name)
    entry = graph.input_tensors[0]
    stack = keep_hooks(model, Sequential)(name=said_name(model))
    stack.add(_input_like(entry))
    for layer in layers:
        stack.add(layer)
    return stack


def _input_like(tensor: SymbolicTensor) -> SymbolicTensor:
    from trivium.layers.input_layer import Input

    return Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=input_name(tensor))


def _functional(model: Model, graph: Graph) -> Model:
    inputs = only_inputs(graph)
    functional = keep_hooks(model, Functional)(inputs, graph.outputs, name=said_name(model))
    if graph.losses:
        functional._declare(Graph(inputs, graph.outputs, graph.losses))
    return functional


def _subclass(model: Model, graph: Graph) -> Model:
    constants: dict[str, Any] = {}

    def bind(value: Any) -> str:
        """Give what has no text a name in the new method's module."""
        for name, known in constants.items():
            if known is value:
                return name
        constants[f"constant_{len(constants) + 1}"] = value
        return f"constant_{len(constants)}"

    name = class_name(model)
    body = class_body(model, Values(bind), None)
    code = "\n".join(body.call_lines()) + "\n"
    cls = Recipe(_class_of, name, code, constants).cls
    made = keep_hooks(model, cls)(name=said_name(model))
    made._policy = model.dtype_policy
    for key, value in body.attributes.items():
        setattr(made, key, value)
    args, kwargs = call_of(graph)
    made(*jax.tree_util.tree_map(_like, args), **jax.tree_util.tree_map(_like, kwargs))
    return made


def _class_of(name: str, code: str, constants: dict[str, Any]) -> type[Model]:
    """Return a class of model whose `call` is this code."""
    file = f"<{name}.call, converted>"
    linecache.cache[file] = (len(code), None, code.splitlines(True), file)
    space = {**MODULES, **constants}
    exec(compile(code, file, "exec"), space)
    return type(name, (Model,), {"call": space["call"], "__module__": __name__})


def _like(tensor: Any) -> SymbolicTensor:
    return SymbolicTensor(tensor.shape, tensor.dtype, name=tensor.name)
