"""Writing a graph as a config: its layers and ops, and the calls of each."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from trivium import ops
from trivium.graph import Graph, Node, SymbolicTensor, is_symbolic
from trivium.graph.node import ReadVariable
from trivium.layers.base import Layer
from trivium.layers.input_layer import InputLayer
from trivium.layers.registry import LAYERS
from trivium.models.configs.form import (
    OPS_MODULE,
    TENSOR,
    VARIABLE,
    Config,
    default_training,
)
from trivium.models.keras_operations import OPERATIONS
from trivium.saving.places import seed_places
from trivium.state import Variable
from trivium.state.dtypes import standardize_dtype
from trivium.state.registry import serialize, sharing

__all__ = ["graph_config"]


class _Entry:
    """A layer with its calls in the graph, or one call of an op."""

    def __init__(self, operation: Any) -> None:
        self.operation = operation
        self.calls: list[Node] = []
        self.name = ""

    @property
    def first(self) -> int:
        # At the ends of a graph, Keras counts a Functional model's own graph as its first call.
        return int(isinstance(self.operation, LAYERS.find("Functional")))


def graph_config(graph: Graph, where: str, weights: Mapping[int, int] | None = None) -> Config:
    """Return `layers`, `input_layers` and `output_layers` of a graph, as Keras's configs have them.

    Args:
        graph: The graph.
        where: The model's name, for messages.
        weights: Numbers of weights, and of random generators' states, by their ids: each entry then says which are
            its own.

    Raises:
        NotImplementedError: The graph holds what no config can: a loss, a line of JAX code.
    """
    if graph.losses:
        raise _refusal(where, "adds to the loss in its own `call`")
    entries = _entries(graph)
    places = {
        id(tensor): (entry, number, index)
        for entry in entries
        for number, call in enumerate(entry.calls)
        for index, tensor in enumerate(call.output_tensors)
    }

    def history(tensor: SymbolicTensor) -> list[Any]:
        entry, number, index = places[id(tensor)]
        return [entry.name, number, index]

    def end(tensor: SymbolicTensor) -> list[Any]:
        entry, number, index = places[id(tensor)]
        return [entry.name, entry.first + number, index]

    with sharing():
        layers = [_entry_config(entry, history, where, weights) for entry in entries]
    _check_apart(layers, where)
    return {
        "layers": layers,
        "input_layers": jax.tree_util.tree_map(end, graph.inputs),
        "output_layers": jax.tree_util.tree_map(end, graph.outputs),
    }


def _check_apart(layers: list[Config], where: str) -> None:
    """Raise an error where two layers have one weight: read again, each would have one of its own."""
    owners: dict[int, str] = {}
    for layer in layers:
        for number in layer.get("weights", ()) if layer["class_name"] != VARIABLE else ():
            if owners.setdefault(number, layer["name"]) != layer["name"]:
                raise NotImplementedError(
                    f"Layers {owners[number]!r} and {layer['name']!r} of {where!r} have a weight in common, which no "
                    "config says."
                )


def _entries(graph: Graph) -> list[_Entry]:
    """Return what the config lists, in Keras's order: those farthest from the outputs first."""
    entries: dict[int, _Entry] = {}
    of_call: list[tuple[Node, _Entry]] = []
    for call in (*map(_source, graph.input_tensors), *graph.nodes):
        shared = isinstance(call.operation, Layer)
        key = id(call.operation) if shared else id(call)
        if isinstance(call.operation, ReadVariable):
            key = id(call.operation.variable)
        entry = entries.setdefault(key, _Entry(call.operation))
        entry.calls.append(call)
        of_call.append((call, entry))
    for entry in entries.values():
        made = {
            id(node): i for i, node in enumerate(getattr(entry.operation, "_inbound_nodes", []))
        }
        entry.calls.sort(key=lambda call: made.get(id(call), len(made)))
    ordered = _by_depth(of_call, graph)
    names: set[str] = set()
    for entry in sorted(ordered, key=lambda e: not isinstance(e.operation, Layer)):
        base = entry.calls[0].name
        numbered = (base, *(f"{base}_{i}" for i in range(1, len(ordered) + 1)))
        entry.name = next(n for n in numbered if n not in names)
        names.add(entry.name)
    return ordered


def _source(tensor: SymbolicTensor) -> Node:
    """Return the call that gives an input: of its own input layer, or of one made for it."""
    if tensor.node is not None and tensor.node.is_source:
        return tensor.node
    stand_in = InputLayer(batch_shape=tensor.shape, dtype=tensor.dtype, name=tensor.name)
    return Node(stand_in, (), {}, tensor)


def _by_depth(calls: list[tuple[Node, _Entry]], graph: Graph) -> list[_Entry]:
    """Order the entries by their longest way to an output, and where that is equal by first sight from there."""
    giving = {id(t): entry for call, entry in calls for t in call.output_tensors}
    node_of = {id(t): call for call, _ in calls for t in call.output_tensors}
    depth = {id(call): 0 for call, _ in calls}
    height: dict[int, int] = {}
    for call, entry in reversed(calls):
        depth[id(call)] = max(depth[id(call)], height.get(id(entry), 0))
        height[id(entry)] = depth[id(call)]
        for tensor in call.inputs:
            before = node_of[id(tensor)]
            depth[id(before)] = max(depth[id(before)], depth[id(call)] + 1)
    sight: dict[int, int] = {}
    seen: set[int] = set()
    stack = list(reversed(graph.output_tensors))
    while stack:
        tensor = stack.pop()
        call = node_of[id(tensor)]
        if id(call) not in seen:
            seen.add(id(call))
            sight.setdefault(id(giving[id(tensor)]), len(sight))
            stack.extend(reversed(call.inputs))
    unique = list({id(entry): entry for _, entry in calls}.values())
    return sorted(unique, key=lambda e: (-height[id(e)], sight.get(id(e), -1)))


def _entry_config(
    entry: _Entry,
    history: Callable[[Any], Any],
    where: str,
    weights: Mapping[int, int] | None,
) -> Config:
    operation = entry.operation
    if isinstance(operation, ReadVariable):
        numbers = {} if weights is None else {"weights": [weights[id(operation.variable)]]}
        return {**_variable_config(entry), **numbers, "name": entry.name, "inbound_nodes": []}
    written = [_written(call) for call in entry.calls]
    nodes = []
    for (args, kwargs, _), call in zip(written, entry.calls, strict=True):
        if call.inputs:
            populated, said = _populated(operation, args, kwargs)
            node = {"args": args, "kwargs": populated, **({"said": said} if said else {})}
            nodes.append(_with_history(node, history))
    if isinstance(operation, Layer):
        config = serialize(operation)
    else:
        config = _operation_names(operation, where)
        if config["class_name"] != "function":
            config["config"] = {"name": entry.name, **config["config"], **serialize(written[0][2])}
    if weights is not None and isinstance(operation, Layer) and operation.weights:
        config["weights"] = [weights[id(w)] for w in operation.weights]
    states = seed_places(operation).values() if isinstance(operation, Layer) else ()
    if weights is not None and states and all(id(state) in weights for state in states):
        config["seeds"] = [weights[id(state)] for state in states]
    config |= {"name": entry.name, "inbound_nodes": nodes}
    return config  # The dict itself, since what stands here may stand elsewhere, too.


def _variable_config(entry: _Entry) -> Config:
    """Return the config of a variable that a graph reads by itself, which is beyond Keras's."""
    variable: Variable = entry.operation.variable
    parts = {k: getattr(variable, k) for k in ("initializer", "regularizer", "constraint")}
    if not hasattr(parts["initializer"], "get_config"):
        parts["initializer"] = None
    said = {
        "name": entry.name,
        "shape": variable.shape,
        "dtype": standardize_dtype(variable._dtype),
        "trainable": variable.trainable_unless_frozen,
        "autocast": variable.autocast,
        "read_as": [
            call.operation.dtype for call in entry.calls if isinstance(call.operation, ReadVariable)
        ],
        **parts,
    }
    return {"module": "trivium", "class_name": VARIABLE, "config": serialize(said)}


def _populated(operation: Any, args: Any, kwargs: Config) -> tuple[Config, list[str]]:
    """Return keyword arguments with those that Keras adds, and the names of said ones that are the defaults."""
    said: list[str] = []
    if not isinstance(operation, Layer):
        return kwargs, said
    default = default_training(operation)
    if default is not None:
        if kwargs.get("training") == default:
            said.append("training")
        kwargs = {"training": default, **kwargs}
    if hasattr(operation, "_is_graph_alone") and "mask" not in kwargs:
        kwargs = {**kwargs, "mask": jax.tree_util.tree_map(lambda x: None, args[0])}
    return kwargs, said


def _written(call: Node) -> tuple[Any, Config, Config]:
    """Return a call's arguments, its keyword arguments, and those that are the operation's settings."""
    operation: Any = call.operation
    name = getattr(operation, "__name__", "")
    known = OPERATIONS.get(name)
    if known is None or operation is not ops.BY_NAME[known.op]:
        return call.args, call.kwargs, {}
    bound = inspect.signature(operation).bind(*call.args, **call.kwargs)
    given = dict(bound.arguments)
    bound.apply_defaults()
    settings = {k: bound.arguments[k] for k in known.settings}
    if any(is_symbolic(leaf) for leaf in jax.tree_util.tree_leaves(settings)):
        return call.args, call.kwargs, {}
    args: list[Any] = []
    kwargs: Config = {}
    in_order = True
    for key, parameter in bound.signature.parameters.items():
        if key in settings:
            continue
        if key not in given:
            in_order = False  # What follows an argument left out is said by its name.
        elif parameter.kind is parameter.VAR_POSITIONAL:
            args += given[key]
        elif parameter.kind is parameter.VAR_KEYWORD:
            kwargs |= given[key]
        elif in_order and parameter.kind is not parameter.KEYWORD_ONLY:
            args.append(given[key])
        else:
            kwargs[key] = given[key]
    if name == "get_item" and len(args) == 2 and isinstance(args[1], list):
        args[1] = np.asarray(args[1])  # In JSON a list is a tuple, which is another index.
    return tuple(args), kwargs, settings


def _operation_names(operation: Any, where: str) -> Config:
    """Return the config of what a node calls that is no layer, still without its settings."""
    name = getattr(operation, "__name__", "")
    if name and ops.BY_NAME.get(name) is operation:
        known = OPERATIONS.get(name)
        if known is None:
            return {
                "module": OPS_MODULE,
                "class_name": name,
                "config": {},
                "registered_name": name,
            }
        return {
            "module": known.module,
            "class_name": known.class_name,
            "config": {},
            "registered_name": known.class_name,
        }
    if hasattr(operation, "get_config") or inspect.isfunction(operation):
        written: Config = serialize(operation)
        return written
    raise _refusal(where, f"computes {name or type(operation).__name__!r} in its own `call`")


def _refusal(where: str, what: str) -> NotImplementedError:
    return NotImplementedError(
        f"Model {where!r} {what}, which no config can hold: put it into a layer. `trivium.source` writes the program "
        "that makes the model, and `save_weights` keeps its weights."
    )


def _with_history(value: Any, history: Callable[[Any], Any]) -> Any:
    if is_symbolic(value):
        said = {"shape": value.shape, "dtype": value.dtype, "keras_history": history(value)}
        return {"class_name": TENSOR, "config": said}
    if isinstance(value, list | tuple):
        written = [_with_history(v, history) for v in value]
        return written if isinstance(value, list) else tuple(written)
    if isinstance(value, dict):
        return {k: _with_history(v, history) for k, v in value.items()}
    return serialize(value)
