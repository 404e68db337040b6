"""What a diagram shows: a model's graph as boxes and edges, before anything has a place."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable
from typing import Any

import jax
import numpy as np

from trivium.graph import CaptureError, Graph, Node, ReadVariable, SymbolicTensor, is_symbolic
from trivium.layers.base import Layer
from trivium.state import Variable
from trivium.viz.summary import Row, summary_rows

__all__ = ["Box", "Chart", "Edge", "Spec", "read"]

Spec = tuple[str, str]  # A tensor's shape and dtype, as text.

_OPERATORS = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "floor_divide": "//", "mod": "%",
    "power": "**", "matmul": "@", "less": "<", "less_equal": "<=", "greater": ">",
    "greater_equal": ">=", "logical_and": "&", "logical_or": "|", "logical_xor": "^",
}  # fmt: skip


@dataclasses.dataclass
class Box:
    """One call of a layer or op, or a place where data comes in or goes out.

    Args:
        kind: The layer's class or the op's name.
        name: The layer's name, or that of the input or output.
        role: What decides the color: `input`, `output`, `weights`, `plain`, `merge`, `model` or `op`.
        inputs: Shape and dtype of each tensor that comes in; masks are not counted.
        outputs: Shape and dtype of each tensor that goes out.
        params: The number of parameters; `None` without any.
        activation: The activation's name.
        trainable: Whether the weights are trained; `None` without weights.
        detail: An op's arguments other than tensors, as code.
        call: Which call of the layer it is, from 1.
        calls: How many there are; more than one makes it a shared layer.
        inner: What lies inside, for a nested model that is to be expanded.
    """

    kind: str
    name: str
    role: str
    inputs: list[Spec] = dataclasses.field(default_factory=list)
    outputs: list[Spec] = dataclasses.field(default_factory=list)
    params: int | None = None
    activation: str | None = None
    trainable: bool | None = None
    detail: str = ""
    call: int = 1
    calls: int = 1
    inner: Chart | None = None


@dataclasses.dataclass(frozen=True)
class Edge:
    """A tensor on its way from one box to another.

    Args:
        source: The box it comes from, by its place among the boxes.
        target: The box it goes to.
        port: Which of the source's outputs it is.
        entry: Which input of an expanded model it is; `None` for other targets.
        dashed: Whether it is no data: a mask, or the mere order of calls.
    """

    source: int
    target: int
    port: int = 0
    entry: int | None = None
    dashed: bool = False

    @property
    def tensor(self) -> Hashable:
        """What the edges of one tensor have in common."""
        return self.source, self.port, self.dashed


@dataclasses.dataclass
class Chart:
    """Boxes and edges.

    Args:
        boxes: The boxes, each after those it takes data from.
        edges: The edges.
        inputs: Which boxes are the inputs.
        outputs: Which boxes are the outputs.
        note: A sentence for the reader.
    """

    boxes: list[Box] = dataclasses.field(default_factory=list)
    edges: list[Edge] = dataclasses.field(default_factory=list)
    inputs: list[int] = dataclasses.field(default_factory=list)
    outputs: list[int] = dataclasses.field(default_factory=list)
    note: str = ""

    def add(self, box: Box) -> int:
        """Put a box behind the others and return its place."""
        self.boxes.append(box)
        return len(self.boxes) - 1


def read(model: Any, expand_nested: bool = False) -> Chart:
    """Return what there is to draw of a model.

    A model whose code no graph can hold gives its layers in the order of their calls, and a note that says why.

    Args:
        model: A model in any style, or a graph.
        expand_nested: Whether to look into the models inside.

    Raises:
        TypeError: It is neither a model nor a graph.
        ValueError: The model is not built.
        CaptureError: No graph can hold the model's code, and it calls no layers either.

    Example:
        >>> import trivium as tv
        >>> chart = read(tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)]))
        >>> [box.kind for box in chart.boxes], len(chart.edges)
        (['Input', 'Dense', 'Output'], 2)
    """
    if isinstance(model, Graph):
        return _read_graph(model, expand_nested)
    if isinstance(model, type) or not hasattr(model, "graph"):
        what = f"the class {model.__name__}" if isinstance(model, type) else repr(model)
        raise TypeError(
            f"A diagram shows a model or a graph; got {what}. Of a layer draw the model that holds it, "
            "or `Sequential([Input(shape), layer])`."
        )
    try:
        graph = model.graph()
    except CaptureError as error:
        rows = [row for row in summary_rows(model) if row.shapes]
        if not rows:
            raise
        return _read_calls(rows, error)
    return _read_graph(graph, expand_nested)


def _read_calls(rows: list[Row], error: CaptureError) -> Chart:
    """Read the layers of a model whose wiring is not known."""
    why = str(error).partition(". ")[0].rstrip(".")
    note = f"The layers in the order of their calls; how the data flows is not known: {why}."
    chart = Chart(note=note)
    for row in rows:
        box = _layer_box(row.layer, arity=1)
        box.outputs = [(shape, "") for shape in row.shapes]
        place = chart.add(box)
        if place:
            chart.edges.append(Edge(place - 1, place, dashed=True))
    return chart


def _read_graph(graph: Graph, expand: bool) -> Chart:
    chart = Chart()
    # Where each tensor comes from: a box and which of its outputs.
    origin: dict[int, tuple[int, int]] = {}
    for tensor in graph.input_tensors:
        if id(tensor) not in origin:
            box = Box("Input", tensor.name, "input", outputs=[_spec(tensor)])
            origin[id(tensor)] = chart.add(box), 0
        chart.inputs.append(origin[id(tensor)][0])
    calls: dict[int, int] = {}
    for node in graph.nodes:
        box = _box(node)
        calls[id(node.operation)] = box.call = calls.get(id(node.operation), 0) + 1
        entries = _expand(box, node) if expand else None
        place = chart.add(box)
        _connect(chart, node, place, origin, entries)
        for port, tensor in enumerate(node.output_tensors):
            origin.setdefault(id(tensor), (place, port))
    for box, node in zip(chart.boxes[len(set(chart.inputs)) :], graph.nodes, strict=True):
        box.calls = calls[id(node.operation)] if isinstance(node.operation, Layer) else 1
    ends = [("Output", name, tensor) for name, tensor in _output_names(graph)]
    ends += [("Loss", "", tensor) for tensor in graph.losses]
    for kind, name, tensor in ends:
        source, port = origin[id(tensor)]
        place = chart.add(Box(kind, name, "output", inputs=[_spec(tensor)]))
        chart.edges.append(Edge(source, place, port))
        if kind == "Output":
            chart.outputs.append(place)
    return chart


def _connect(
    chart: Chart,
    node: Node,
    place: int,
    origin: dict[int, tuple[int, int]],
    entries: list[SymbolicTensor] | None,
) -> None:
    """Draw edges to a box from where its tensors come from."""
    masks = _masks(node)
    for entry, tensor in enumerate(node.inputs if entries is None else entries):
        source, port = origin[id(tensor)]
        if entries is None:
            chart.edges.append(Edge(source, place, port, dashed=id(tensor) in masks))
        else:
            chart.edges.append(Edge(source, place, port, entry))


def _box(node: Node) -> Box:
    """Describe a node's box."""
    operation, masks = node.operation, _masks(node)
    data = [tensor for tensor in node.inputs if id(tensor) not in masks]
    if isinstance(operation, Layer):
        box = _layer_box(operation, len(data))
    elif isinstance(operation, ReadVariable):
        variable = operation.variable
        box = Box("Variable", node.name, "weights", params=variable.size)
        box.trainable = variable.trainable
    else:
        box = Box(node.name, "", "op", detail=_arguments(node))
    box.inputs = [_spec(tensor) for tensor in data]
    box.outputs = [_spec(tensor) for tensor in node.output_tensors]
    return box


def _layer_box(layer: Any, arity: int) -> Box:
    weights = layer.weights
    if hasattr(layer, "graph"):
        role = "model"
    elif weights:
        role = "weights"
    else:
        role = "merge" if arity > 1 else "plain"
    activation = getattr(layer, "activation", None)
    if activation is not None:
        activation = getattr(activation, "__name__", None) or type(activation).__name__
    box = Box(type(layer).__name__, layer.name, role, activation=activation)
    if weights:
        box.params = sum(w.size for w in weights)
        box.trainable = bool(layer.trainable_weights)
    return box


def _expand(box: Box, node: Node) -> list[SymbolicTensor] | None:
    """Look into a nested model; return the tensors that its inputs get, or `None` if that cannot be seen."""
    if not hasattr(node.operation, "graph"):
        return None
    try:
        graph = node.operation.graph()
    except (CaptureError, ValueError):
        return None
    given = _given(graph, node)
    if len(given) != len(graph.input_tensors) or not all(map(is_symbolic, given)):
        return None
    if len(graph.output_tensors) != len(node.output_tensors):
        return None
    box.inner = _read_graph(graph, True)
    return given


def _given(graph: Graph, node: Node) -> list[SymbolicTensor]:
    """Return what a nested model is called on, in the order of its inputs."""
    if len(node.args) != 1 or not isinstance(given := node.args[0], dict):
        return node.inputs
    if isinstance(graph.inputs, dict) and set(graph.inputs) <= set(given):
        return jax.tree_util.tree_leaves({key: given[key] for key in graph.inputs})
    names = [tensor.name for tensor in graph.input_tensors]
    return [given[name] for name in names] if set(names) <= set(given) else node.inputs


def _masks(node: Node) -> set[int]:
    """Return the ids of the tensors that reach a node as masks."""
    masks = [v for k, v in node.kwargs.items() if k == "mask" or k.endswith("_mask")]
    return {id(leaf) for leaf in jax.tree_util.tree_leaves(masks) if is_symbolic(leaf)}


def _spec(tensor: SymbolicTensor) -> Spec:
    return str(tensor.shape), tensor.dtype


def _output_names(graph: Graph) -> list[tuple[str, SymbolicTensor]]:
    """Name the outputs by where they lie in the structure: a dictionary's key, a place in a list."""
    found, _ = jax.tree_util.tree_flatten_with_path(graph.outputs)
    keystr = jax.tree_util.keystr
    return [(keystr(path, simple=True, separator="."), tensor) for path, tensor in found]


def _arguments(node: Node) -> str:
    """Write an op's arguments as code where not all of them are tensors."""
    given = [*node.args, *node.kwargs.values()]
    if all(is_symbolic(leaf) for leaf in jax.tree_util.tree_leaves(given, is_leaf=_is_none)):
        return ""
    if node.name == "get_item" and len(node.args) == 2:
        return f"x[{_index(node.args[1])}]"
    if node.name in _OPERATORS and len(node.args) == 2 and not node.kwargs:
        return f" {_OPERATORS[node.name]} ".join(map(_code, node.args))
    plain = [_code(a) for a in node.args if not is_symbolic(a)]
    return ", ".join([*plain, *(f"{k}={_code(v)}" for k, v in node.kwargs.items())])


def _is_none(x: Any) -> bool:
    return x is None


def _index(key: Any) -> str:
    if isinstance(key, tuple) and key:
        return ", ".join(map(_index, key))
    if isinstance(key, slice):
        ends = ["" if end is None else _code(end) for end in (key.start, key.stop)]
        return ":".join([*ends, *([_code(key.step)] if key.step is not None else [])])
    return "..." if key is Ellipsis else _code(key)


def _code(value: Any) -> str:
    """Write a value as Python would."""
    if is_symbolic(value):
        return "x"
    if isinstance(value, Variable):
        return value.name
    if isinstance(value, list | tuple):
        inside = ", ".join(map(_code, value))
        if isinstance(value, list):
            return f"[{inside}]"
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {_code(v)}" for k, v in value.items()) + "}"
    if getattr(value, "ndim", 0):
        return f"array{tuple(np.shape(value))}"
    if isinstance(value, np.generic) or hasattr(value, "item"):
        return repr(value.item())
    return getattr(value, "__name__", None) or repr(value)
