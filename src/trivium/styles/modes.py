"""The graph of any model, and the one graph that holds for training and inference alike."""

from __future__ import annotations

import weakref
from collections import Counter
from typing import Any

import jax

from trivium.graph import Graph, Node, program_text
from trivium.layers.base import Layer
from trivium.models.hosting import described, host_part
from trivium.models.model import Model
from trivium.state import StatelessScope, Variable
from trivium.state.frame import Call, entered
from trivium.state.tracking import unique

__all__ = ["StyleError", "graph_of", "one_graph"]


# What `one_graph` found, for the two graphs that it was asked about last.
_found: weakref.WeakKeyDictionary[Model, tuple[Graph, Graph, Graph]] = weakref.WeakKeyDictionary()


class StyleError(ValueError):
    """A model cannot be written in a style; the message names the first place that forbids it."""


def graph_of(model: Model, training: bool = False) -> Graph:
    """Return the graph of a model, in whichever style it was written.

    Args:
        model: The model, built.
        training: Which mode, for models whose code asks.

    Returns:
        The graph: its inputs, its nodes in an order that follows from the wiring, its outputs.

    Raises:
        TypeError: `model` is no model.
        ValueError: The model is not built, so its shapes are not known.
        CaptureError: The model's code does what no graph can hold; the message has its file and line.

    Example:
        >>> import trivium as tv
        >>> class Twice(tv.Model):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.dense = tv.layers.Dense(4, name="dense")
        ...     def call(self, inputs):
        ...         return self.dense(self.dense(inputs)) + inputs
        >>> model = Twice()
        >>> model.build((None, 4))
        >>> [node.name for node in graph_of(model).nodes]
        ['dense', 'dense', 'add']
    """
    if not isinstance(model, Model):
        raise TypeError(f"A graph is a model's; got {model!r}.")
    return model.graph(training)


def one_graph(model: Model) -> Graph:
    """Return a graph that does what the model does in both modes.

    The recording of training says more than that of inference, where the code may leave out what acts in training only.
    So it is the one, if running it in inference is the program that the other recording is.

    Raises:
        StyleError: The model's code takes another way in training than in inference.
        ValueError: The model is not built.
        CaptureError: The model's code does what no graph can hold.

    Example:
        >>> import trivium as tv
        >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2), tv.layers.Dropout(0.5)])
        >>> len(one_graph(model).nodes)
        2
    """
    calm, busy = graph_of(model, False), graph_of(model, True)
    if calm is busy:
        return calm
    known = _found.get(model)
    if known is None or known[0] is not calm or known[1] is not busy:
        _found[model] = known = calm, busy, _merged(model, calm, busy)
    return known[2]


def _merged(model: Model, calm: Graph, busy: Graph) -> Graph:
    merged = _with_pins(busy, calm)
    made = next((layer for layer in _layers(busy) if _is_made_in_call(model, layer, calm)), None)
    if made is not None:
        raise StyleError(
            f"Model {model.name!r} makes the layer {made.name!r} ({type(made).__name__}) in its own `call`: each call "
            f"gives it new weights, which no other style can keep. Make it in `__init__`: `self.{made.name} = ...`."
        )
    variables = unique([*model.variables, *(v for x in _layers(merged) for v in x.variables)])
    wanted = [(calm, False)] if merged is busy else [(calm, False), (busy, True)]
    if any(_program(graph, variables, t) != _program(merged, variables, t) for graph, t in wanted):
        raise StyleError(_two_ways(model, calm, busy))
    return merged


def _layers(graph: Graph) -> list[Layer]:
    return [x for x in graph.operations if isinstance(x, Layer)]


def _is_made_in_call(model: Model, layer: Layer, other: Graph) -> bool:
    """Say whether a layer with weights was made while the code was recorded: it is in one recording alone."""
    mine = {id(x) for x in (*model._flatten_layers(), *other.operations)}
    return bool(layer.weights) and id(layer) not in mine


def _program(graph: Graph, variables: list[Variable], training: bool) -> str:
    """Return the program that a graph lowers to in a mode, and what the host does besides."""
    part = host_part(graph, training)
    rest = graph if part is None else part.rest

    def run(state: Any, inputs: Any) -> Any:
        scope = StatelessScope(zip(variables, state, strict=True), collect_losses=True)
        with scope, entered(layers=(), training=training, call=Call()):
            values = rest.trace(inputs)
        ends = [values[id(t)] for t in (*rest.output_tensors, *rest.losses)]
        return ends, scope.losses, [scope.get_current_value(v) for v in variables]

    state = [jax.ShapeDtypeStruct(v.shape, v.dtype) for v in variables]
    text = program_text(run, state, [t.spec for t in rest.input_tensors])
    return f"{jax.tree_util.tree_structure(graph.outputs)} {text}{described(part)}"


def _with_pins(busy: Graph, calm: Graph) -> Graph:
    """Say in the graph of training what the code says for `training` in inference: `dropout(x, training=True)`.

    What it says in training, as `norm(x, training=False)`, is in the graph of training already.
    """
    said = {key: node.kwargs.get("training") for key, node in _numbered_calls(calm)}
    keys = {id(node): key for key, node in _numbered_calls(busy)}
    pins = {
        node: said[key]
        for node in busy.nodes
        if said.get(key := keys[id(node)]) is not None and node.kwargs.get("training") is None
    }
    if not pins:
        return busy

    def call(node: Node, args: Any, kwargs: Any) -> Any:
        return node.operation(*args, **kwargs, **({"training": pins[node]} if node in pins else {}))

    values = busy.trace(busy.inputs, call)
    outputs = jax.tree_util.tree_map(lambda t: values[id(t)], busy.outputs)
    return Graph(busy.inputs, outputs, tuple(values[id(t)] for t in busy.losses))


def _numbered_calls(graph: Graph) -> list[tuple[tuple[int, int], Node]]:
    """Return each node with its layer or op and the number of its call among that one's."""
    seen: Counter[int] = Counter()
    calls = []
    for node in graph.nodes:
        seen[id(node.operation)] += 1
        calls.append(((id(node.operation), seen[id(node.operation)]), node))
    return calls


def _two_ways(model: Model, calm: Graph, busy: Graph) -> str:
    names = [[n.name for n in graph.nodes] for graph in (calm, busy)]
    only = [
        ", ".join(repr(n) for n in dict.fromkeys(a) if n not in b) or "nothing that the other lacks"
        for a, b in (names, reversed(names))
    ]
    how = f"inference alone calls {only[0]}, training alone {only[1]}"
    if names[0] == names[1]:
        how = f"both call {', '.join(map(repr, names[0]))}, but on other values or in another way"
    return (
        f"Model {model.name!r} takes one way in training and another in inference, and a graph has one: {how}. Put "
        "what depends on `training` into a layer of its own, whose `call` takes `training`."
    )
