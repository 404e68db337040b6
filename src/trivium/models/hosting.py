"""Models with parts that only the host can run: what is done to the data ahead of the device, and what compiles."""

from __future__ import annotations

import weakref
from typing import Any, NamedTuple

import jax
import numpy as np

from trivium.data.texts import is_text
from trivium.graph import Graph, Node, Split, SymbolicTensor, is_symbolic, tensor_like
from trivium.layers.base import Layer
from trivium.layers.context import entering
from trivium.layers.host import HostLayer
from trivium.models.capture import capture, symbolic_like
from trivium.models.functional_inputs import fit_inputs
from trivium.state.frame import current_frame
from trivium.state.trees import map_tree

__all__ = ["Mapped", "described", "finish", "has_host_layers", "host_part", "map_inputs"]


class Mapped(NamedTuple):
    """What the host has made of a model's inputs: where the device takes over. A model takes it in their place.

    A model whose outputs the host has to finish gives one, too.

    Attributes:
        values: Arrays, or symbolic tensors, in the order of the graph's frontier.
    """

    values: tuple[Any, ...]


def has_host_layers(layer: Layer) -> bool:
    """Say whether there is a layer that runs on the host in a layer or model, however deep, or it is one."""
    return any(isinstance(x, HostLayer) and x.on_host for x in layer._flatten_layers())


# Found once for each graph and mode: `predict` on a single sample asks, too.
_known: weakref.WeakKeyDictionary[Graph, dict[bool, Split | None]] = weakref.WeakKeyDictionary()


def host_part(graph: Graph, training: bool) -> Split | None:
    """Return the parts of a model's graph, models inside it taken apart with it; `None` where all of it compiles.

    Args:
        graph: The graph.
        training: The mode.
    """
    parts = _known.setdefault(graph, {})
    if training not in parts:
        parts[training] = _opened(graph, training).split(_is_host)
    return parts[training]


def map_inputs(graph: Graph, part: Split, x: Any, path: str) -> Mapped:
    """Do the host's part.

    Args:
        graph: The model's graph.
        part: Its parts.
        x: Arrays as the model takes them, text among them.
        path: The model's path, for messages.
    """
    values = part.prefix.trace(fit_inputs(graph, x, path), _on_host)
    count = len(part.prefix.outputs) - len(part.around)
    return Mapped(tuple(values[id(t)] for t in part.prefix.outputs[:count]))


def finish(part: Split, given: Mapped) -> Any:
    """Return a model's outputs, given what its compiled part made."""
    assert part.suffix is not None
    return part.suffix.run((given.values, ()), _on_host)


def described(part: Split | None) -> str:
    """Return what two models share exactly when the host does the same in both: no names, and all settings.

    Args:
        part: The parts of a model's graph; nothing is said of `None`.
    """
    if part is None:
        return ""
    return "; ".join(_described(graph) for graph in (part.prefix, part.suffix) if graph is not None)


def _described(graph: Graph) -> str:
    numbers = {id(t): i for i, t in enumerate(graph.input_tensors)}
    lines = [str([(t.dtype, t.shape) for t in graph.input_tensors])]
    for node in graph.nodes:
        args, kwargs = node.fill({id(t): f"#{numbers[id(t)]}" for t in node.inputs})
        lines.append(f"{_operation(node.operation)} {args} {kwargs}")
        for tensor in node.output_tensors:
            numbers.setdefault(id(tensor), len(numbers))
    return " | ".join([*lines, str([numbers[id(t)] for t in graph.output_tensors])])


def _operation(operation: Any) -> str:
    if isinstance(operation, _Ahead):
        return operation.described()
    if isinstance(operation, HostLayer):
        return operation.description()
    inner = operation.graph() if hasattr(operation, "_host_part") else None
    if inner is not None:
        return f"({_described(inner)})"
    return type(operation).__name__ if isinstance(operation, Layer) else str(operation.name)


def _is_host(node: Node) -> bool:
    operation = node.operation
    if isinstance(operation, _Ahead):
        return True
    return isinstance(operation, Layer) and has_host_layers(operation)


def _on_host(node: Node, args: Any, kwargs: Any) -> Any:
    """Run a node on arrays of the host. What could be traced runs as in an eager call, and gives NumPy arrays."""
    operation = node.operation
    if isinstance(operation, HostLayer) and operation.on_host:
        args, kwargs = operation._cast((args, kwargs))
        return operation.on_arrays(*args, **kwargs)
    return map_tree(lambda x: x if is_text(x) else np.asarray(x), operation(*args, **kwargs))


# -- models and layers inside -----------------------------------------------------------------------------------


class _Inside:
    """What a node calls that the device takes over in the middle: a layer of the host that has a part for the device,
    a model, or a layer that holds layers of the host."""

    def __init__(self, layer: Any, graph: Graph | None, part: Split | None) -> None:
        self.layer, self._graph, self.part = layer, graph, part

    def frontier(self, args: Any) -> tuple[SymbolicTensor, ...]:
        """Return new symbolic tensors for what the host hands on."""
        specs = self.layer.prepared_spec(*args) if self.part is None else self.part.rest.inputs
        return tuple(tensor_like(spec, self.layer.name) for spec in specs)

    def prepare(self, args: Any) -> tuple[Any, ...]:
        """Do the host's part."""
        if self.part is None:
            args, _ = self.layer._cast((args, {}))
            values: tuple[Any, ...] = self.layer.prepare(*args)
            return values
        assert self._graph is not None
        return map_inputs(self._graph, self.part, args[0], self.layer.path).values

    def finish(self, values: tuple[Any, ...], said: dict[str, Any]) -> Any:
        """Do what is left."""
        layer = self.layer
        if hasattr(layer, "_host_part"):
            return layer(Mapped(values), **said)
        with entering(layer, said.get("training", current_frame().training)), layer._autocasting():
            if self.part is None:
                return layer.finish(*values)
            rest = self.part.rest
            found = rest.trace(values)
            if rest.losses:
                layer.add_loss([found[id(t)] for t in rest.losses])
            return map_tree(lambda t: found[id(t)], rest.outputs)


class _Ahead:
    """The operation of a node: what the host does in something inside, which gives its frontier."""

    def __init__(self, inside: _Inside) -> None:
        self.name, self._inside = inside.layer.name, inside

    def __call__(self, *args: Any) -> tuple[Any, ...]:
        return self._inside.prepare(args)

    def described(self) -> str:
        """Say what it does, without names."""
        layer, part = self._inside.layer, self._inside.part
        return layer.description() if part is None else f"({described(part)})"


class _Behind:
    """The operation of a node: what is left of something inside, from its frontier on."""

    def __init__(self, inside: _Inside) -> None:
        self.name, self._inside = inside.layer.name, inside

    @property
    def variables(self) -> list[Any]:
        """The layer's."""
        found: list[Any] = self._inside.layer.variables
        return found

    def __call__(self, values: tuple[Any, ...], **said: Any) -> Any:
        return self._inside.finish(values, said)


def _inside(node: Node, training: bool) -> _Inside | None:
    """Say how to part what a node calls, where a part of it compiles and is worth it."""
    layer = node.operation
    if not isinstance(layer, Layer):
        return None
    if isinstance(layer, HostLayer):
        return _Inside(layer, None, None) if layer.on_host and layer.has_device_part else None
    # A model without weights that only prepares data runs on the host as a whole.
    if not has_host_layers(layer) or not layer.variables:
        return None
    mode = bool(node.kwargs.get("training", training))
    if hasattr(layer, "_host_part"):
        part, graph = layer._host_part(mode), layer.graph(mode)
    else:
        graph, _ = capture(layer, symbolic_like(node.args), {}, mode)
        part = host_part(graph, mode)
    return None if part is None or part.suffix is not None else _Inside(layer, graph, part)


def _opened(graph: Graph, training: bool) -> Graph:
    """Return the graph with each model and layer that the device takes over in the middle as two nodes.

    The nodes are copied with new tensors, and nothing is called: what is recorded stays as it is.
    """
    inside = {id(n): found for n in graph.nodes if (found := _inside(n, training)) is not None}
    if not inside:
        return graph
    values: dict[int, Any] = {id(t): t for t in graph.input_tensors}
    for node in graph.nodes:
        args, kwargs = node.fill(values)
        operation: Any = node.operation
        if id(node) in inside:
            found = inside[id(node)]
            frontier = found.frontier(args)
            Node(_Ahead(found), args, {}, frontier)
            said = {k: v for k, v in kwargs.items() if not _is_tensor(v)}
            operation, args, kwargs = _Behind(found), (frontier,), said
        outputs = map_tree(lambda t: tensor_like(t, t.name), node.outputs)
        copied = Node(operation, args, kwargs, outputs)
        pairs = zip(node.output_tensors, copied.output_tensors, strict=True)
        values.update((id(old), new) for old, new in pairs if id(old) not in values)
    new = lambda t: values[id(t)]  # noqa: E731
    return Graph(graph.inputs, map_tree(new, graph.outputs), tuple(map(new, graph.losses)))


def _is_tensor(value: Any) -> bool:
    return any(map(is_symbolic, jax.tree_util.tree_leaves(value)))
