"""The graph of any model, and the one graph that holds for training and inference alike."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import jax

from trivium.graph import Graph, Node, is_symbolic
from trivium.models.model import Model

__all__ = ["StyleError", "graph_of", "one_graph"]


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
    alike = _calls(calm) == _calls(busy)
    if alike and _pins(calm) == _pins(busy):
        return calm
    if not alike and _calls(calm) != _calls(busy, _acts_in_training_only):
        raise StyleError(_two_ways(model, calm, busy))
    # `dropout(x, training=True)` says something in inference, `norm(x, training=False)` in training: say both.
    pins = {**_pins(calm), **_pins(busy)}

    places = {id(node): place for place, node in _places(busy)}

    def call(node: Node, args: Any, kwargs: Any) -> Any:
        place = places[id(node)]
        said = {"training": pins[place]} if place in pins else {}
        return node.operation(*args, **{**kwargs, **said})

    values = busy.trace(busy.inputs, call)
    outputs = jax.tree_util.tree_map(lambda t: values[id(t)], busy.outputs)
    return Graph(busy.inputs, outputs, tuple(values[id(t)] for t in busy.losses))


def _acts_in_training_only(node: Node) -> bool:
    return getattr(node.operation, "_acts_in_training_only", False)


def _places(graph: Graph) -> list[tuple[tuple[int, int], Node]]:
    """Return each node with its layer or op and the number of its call among that one's."""
    seen: Counter[int] = Counter()
    places = []
    for node in graph.nodes:
        seen[id(node.operation)] += 1
        places.append(((id(node.operation), seen[id(node.operation)]), node))
    return places


def _pins(graph: Graph) -> dict[tuple[int, int], bool]:
    """Return where the code says something else for `training` than what the model was called with."""
    said = {place: node.kwargs.get("training") for place, node in _places(graph)}
    return {place: value for place, value in said.items() if value is not None}


def _calls(graph: Graph, passing: Any = None) -> list[Any]:
    """Describe what is called on what; nodes for which `passing` holds stand for their input."""
    numbers = {id(t): i for i, t in enumerate(graph.input_tensors)}
    fresh = itertools.count(len(numbers))
    calls: list[Any] = []

    def known(leaf: Any) -> Any:
        return numbers[id(leaf)] if is_symbolic(leaf) else (type(leaf).__name__, repr(leaf))

    for node in graph.nodes:
        if passing is not None and passing(node):
            numbers[id(node.output_tensors[0])] = numbers[id(node.inputs[0])]
            continue
        kwargs = {k: v for k, v in node.kwargs.items() if k != "training"}
        leaves, tree = jax.tree_util.tree_flatten((node.args, kwargs))
        variables = [id(v) for v in node.variables]
        own = getattr(node.operation, "signature", id(node.operation))
        own = None if variables and not node.inputs else own
        calls.append((own, variables, str(tree), [known(x) for x in leaves]))
        for tensor in node.output_tensors:
            numbers[id(tensor)] = next(fresh)
    ends = [numbers[id(t)] for t in (*graph.output_tensors, *graph.losses)]
    return [*calls, str(jax.tree_util.tree_structure(graph.outputs)), ends]


def _two_ways(model: Model, calm: Graph, busy: Graph) -> str:
    names = [[n.name for n in graph.nodes] for graph in (calm, busy)]
    only = [
        ", ".join(repr(n) for n in dict.fromkeys(a) if n not in b) or "nothing that the other lacks"
        for a, b in (names, reversed(names))
    ]
    return (
        f"Model {model.name!r} takes one way in training and another in inference, and a graph has one: inference "
        f"alone calls {only[0]}, training alone {only[1]}. Put what depends on `training` into a layer of its own, "
        "whose `call` takes `training`."
    )
