"""What forbids a style: the first place, in words for a beginner."""

from __future__ import annotations

from collections import Counter

from trivium.graph import Graph, ReadVariable, SymbolicTensor, is_symbolic
from trivium.layers.base import Layer
from trivium.styles.calls import Call, written_calls
from trivium.styles.modes import StyleError

__all__ = ["sequential_layers", "sequential_obstacle"]


def sequential_layers(graph: Graph, name: str) -> list[Layer]:
    """Return the layers of a graph that is a stack.

    Args:
        graph: The graph.
        name: The model's name, for the message.

    Raises:
        StyleError: It is none; the message names the first place that forbids it.
    """
    obstacle = sequential_obstacle(graph)
    if obstacle is not None:
        raise StyleError(f"Model {name!r} cannot be a Sequential model: {obstacle}")
    operations = (call.node.operation for call in written_calls(graph))
    return [operation for operation in operations if isinstance(operation, Layer)]


def sequential_obstacle(graph: Graph) -> str | None:
    """Say what keeps a graph from being a stack of layers, or return `None`.

    Example:
        >>> import trivium as tv
        >>> x = tv.Input((4,), name="x")
        >>> sequential_obstacle(tv.Model(x, x + tv.layers.Dense(4, name="dense")(x)).graph())
        '`add` joins two branches: the input `x` and `dense`.'
    """
    inputs, outputs = graph.input_tensors, graph.output_tensors
    for what, tensors, structure in (
        ("inputs", inputs, graph.inputs),
        ("outputs", outputs, graph.outputs),
    ):
        if len(tensors) != 1:
            names = ", ".join(f"`{t.name}`" for t in tensors)
            return f"it has {len(tensors)} {what} ({names}); a stack has one."
        if not is_symbolic(structure):
            return f"its {what} come as a {type(structure).__name__}; a stack takes and gives a tensor by itself."
    if graph.losses:
        return "its own `call` adds a loss; a stack has no code of its own. Put `add_loss` into a layer."
    calls = written_calls(graph)
    if not calls:
        return "it calls no layer."
    users = Counter(id(t) for call in calls for t in call.inputs)
    # Where branches join says more than where they part.
    joins = (_joining(call) for call in calls)
    others = (_forbidden(call, users) for call in calls)
    return next((text for text in (*joins, *others) if text is not None), None)


def _joining(call: Call) -> str | None:
    coming = list({id(t): t for t in call.inputs}.values())
    if len(coming) < 2:
        return None
    return f"`{call.node.name}` joins {_count(len(coming))} branches: {_listed(coming)}."


def _listed(tensors: list[SymbolicTensor]) -> str:
    *most, last = map(_source, tensors)
    return f"{', '.join(most)} and {last}"


def _forbidden(call: Call, users: Counter[int]) -> str | None:
    """Say what is wrong with one call."""
    node, coming = call.node, list({id(t): t for t in call.inputs}.values())
    if isinstance(node.operation, ReadVariable):
        return (
            f"its own code uses the weight `{node.name}`; in a stack weights belong to layers. Write a layer that adds "
            "the weight in `build` and uses it in `call`."
        )
    branching = next((t for t in coming if users[id(t)] > 1), None)
    if branching is not None:
        return (
            f"{_source(branching)} is used {users[id(branching)]} times, first by `{node.name}`; in a stack each layer "
            "feeds the next one only."
        )
    if not isinstance(node.operation, Layer):
        return (
            f"`{node.name}` is an operation, not a layer, and a stack holds layers only. Make it a `Lambda` layer, or "
            "a layer of your own."
        )
    if len(call.args) != 1 or call.kwargs or not is_symbolic(call.args[0]):
        said = ", ".join(
            f"{k}={'a tensor' if is_symbolic(v) else repr(v)}" for k, v in call.kwargs.items()
        )
        return (
            f"the layer `{node.name}` is called with {said or 'more than one tensor'}; a stack gives each layer what "
            "the one before it returns, and nothing else."
        )
    if len(node.output_tensors) != 1:
        return f"the layer `{node.name}` gives {len(node.output_tensors)} outputs; a stack passes one on."
    return None


def _count(number: int) -> str:
    words = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}
    return words.get(number, str(number))


def _source(tensor: SymbolicTensor) -> str:
    node = tensor.node
    if node is None or node.is_source:
        return f"the input `{tensor.name}`"
    return f"`{node.name}`"
