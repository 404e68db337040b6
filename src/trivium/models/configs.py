"""Graphs as configs, in Keras's own format: the layers, the calls of each, and where data comes in and goes out.

A call names the tensors it is given by a history: the layer that gives it, which of that layer's calls in the model,
and which of the call's outputs. Keras writes masks and `training` where nobody has said them, too: a mask is an edge,
and `training` has its default. What would come by itself is left to come by itself when a config is read; what was said
and happens to be the default stands under `said`, which Keras passes over.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from trivium import initializers, ops
from trivium.graph import Graph, Node, SymbolicTensor, is_symbolic
from trivium.graph.node import ReadVariable, reading
from trivium.layers.base import Layer
from trivium.layers.input_layer import InputLayer
from trivium.layers.registry import LAYERS
from trivium.models.keras_operations import OPERATIONS
from trivium.state import Variable
from trivium.state.dtypes import standardize_dtype
from trivium.state.registry import custom_object_scope, deserialize, serialize, sharing, suggest

__all__ = ["GRAPH_KEYS", "graph_config", "graph_from_config"]

Config = dict[str, Any]

GRAPH_KEYS = ("layers", "input_layers", "output_layers")
_TENSOR = "__keras_tensor__"
_VARIABLE = "__variable__"
_OPS_MODULE = "trivium.ops"
_NONE: Any = object()
_BY_CLASS = {(known.module, known.class_name): known for known in reversed(OPERATIONS.values())}


# -- writing ----------------------------------------------------------------------------------------------------


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
        weights: Numbers of weights by their ids: each entry then says which are its own.

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
    return {
        "layers": layers,
        "input_layers": jax.tree_util.tree_map(end, graph.inputs),
        "output_layers": jax.tree_util.tree_map(end, graph.outputs),
    }


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
    return {"module": "trivium", "class_name": _VARIABLE, "config": serialize(said)}


def _populated(operation: Any, args: Any, kwargs: Config) -> tuple[Config, list[str]]:
    """Return keyword arguments with those that Keras adds, and the names of said ones that are the defaults."""
    said: list[str] = []
    if not isinstance(operation, Layer):
        return kwargs, said
    default = _default_training(operation)
    if default is not None:
        if kwargs.get("training") == default:
            said.append("training")
        kwargs = {"training": default, **kwargs}
    if hasattr(operation, "_is_graph_alone") and "mask" not in kwargs:
        kwargs = {**kwargs, "mask": jax.tree_util.tree_map(lambda x: None, args[0])}
    return kwargs, said


def _default_training(operation: Any) -> bool | None:
    """Return what a layer's `call` takes for `training` where nobody says it."""
    call: Any = getattr(operation, "call", None)
    parameter = inspect.signature(call).parameters.get("training") if call is not None else None
    default = None if parameter is None else parameter.default
    return default if isinstance(default, bool) else None


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
                "module": _OPS_MODULE,
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
        return {"class_name": _TENSOR, "config": said}
    if isinstance(value, list | tuple):
        written = [_with_history(v, history) for v in value]
        return written if isinstance(value, list) else tuple(written)
    if isinstance(value, dict):
        return {k: _with_history(v, history) for k, v in value.items()}
    return serialize(value)


# -- reading ----------------------------------------------------------------------------------------------------


def graph_from_config(
    config: Config,
    custom_objects: Mapping[str, Any] | None = None,
    weights: dict[int, Any] | None = None,
) -> tuple[Any, Any]:
    """Return the inputs and the outputs of the graph that a config describes.

    Args:
        config: `layers`, `input_layers` and `output_layers`, ours or Keras's.
        custom_objects: Classes and functions by name, besides the registered ones.
        weights: Where to put the weights by the numbers that the config has for them.

    Raises:
        ValueError: The config names something unknown, or a call needs a tensor that nothing gives.
    """
    with custom_object_scope(custom_objects), sharing():
        reader = _Reader(config["layers"])
        reader.run()
        if weights is not None:
            weights |= reader.numbered()
        return reader.tensors(config["input_layers"]), reader.tensors(config["output_layers"])


class _Missing(Exception):
    """A tensor that has not been computed yet."""


class _Reader:
    """Makes the layers, and then the calls, each when what it needs is there."""

    def __init__(self, entries: list[Config]) -> None:
        self.operations: dict[str, Callable[..., Any]] = {}
        self.outputs: dict[str, list[list[Any]]] = {}
        self.waiting: list[tuple[str, Config]] = []
        self.numbers: dict[str, list[int]] = {}
        for entry in entries:
            name = entry["name"]
            self.numbers[name] = entry.get("weights") or []
            if entry["class_name"] == _VARIABLE:
                variable, reads = _variable(entry["config"])
                self.operations[name], self.outputs[name] = variable, [[t] for t in reads]
                continue
            operation = self.operations[name] = _operation(entry)
            self.outputs[name] = []
            if isinstance(operation, InputLayer):
                self.outputs[name].append([operation.output])
            if isinstance(operation, Layer) and operation.name != name:
                operation.name = name
            self.waiting += [(name, call) for call in entry.get("inbound_nodes", ())]

    def run(self) -> None:
        while self.waiting:
            left: list[tuple[str, Config]] = []
            for name, call in self.waiting:
                # The calls of a layer are counted, so they are made in order.
                if any(name == n for n, _ in left):
                    left.append((name, call))
                    continue
                try:
                    args, kwargs = self.value(call["args"]), self.value(call.get("kwargs") or {})
                except _Missing:
                    left.append((name, call))
                    continue
                kwargs = _unpopulated(self.operations[name], args, kwargs, call.get("said", ()))
                leaves = jax.tree_util.tree_leaves(self.operations[name](*args, **kwargs))
                self.outputs[name].append([leaf for leaf in leaves if is_symbolic(leaf)])
            if len(left) == len(self.waiting):
                names = ", ".join(sorted({repr(name) for name, _ in left}))
                raise ValueError(
                    f"The config's graph is not connected: the calls of {names} need tensors that nothing gives."
                )
            self.waiting = left

    def numbered(self) -> dict[int, Any]:
        """Return the weights by their numbers."""
        found: dict[int, Any] = {}
        if not any(self.numbers.values()):
            return found
        for name, numbers in self.numbers.items():
            operation = self.operations[name]
            mine = (
                [operation]
                if isinstance(operation, Variable)
                else getattr(operation, "weights", [])
            )
            if len(numbers) != len(mine):
                raise ValueError(
                    f"The config numbers {len(numbers)} weights of {name!r}; it has {len(mine)}."
                )
            found |= dict(zip(numbers, mine, strict=True))
        if any(i not in found for i in range(len(found))):
            raise ValueError("The config does not number its weights from 0 on.")
        return found

    def tensor(self, name: str, call: int, index: int) -> Any:
        if name not in self.operations:
            raise ValueError(
                f"The config's graph takes a tensor from {name!r}, which is none of its layers. "
                f"{suggest(name, self.operations)}"
            )
        if call >= len(self.outputs[name]):
            raise _Missing
        return self.outputs[name][call][index]

    def value(self, config: Any) -> Any:
        if isinstance(config, list | tuple):
            read = [self.value(v) for v in config]
            return read if isinstance(config, list) else tuple(read)
        if isinstance(config, dict):
            if config.get("class_name") == _TENSOR:
                return self.tensor(*config["config"]["keras_history"])
            if "class_name" not in config:
                return {k: self.value(v) for k, v in config.items()}
        return config if isinstance(config, str) else deserialize(config)

    def tensors(self, structure: Any) -> Any:
        """Return the tensors at places, in the places' structure."""
        if isinstance(structure, dict):
            return {k: self.tensors(v) for k, v in structure.items()}
        if len(structure) == 3 and isinstance(structure[0], str):
            name, call, index = structure
            own = isinstance(self.operations.get(name), LAYERS.find("Functional"))
            return self.tensor(name, call - own, index)
        tensors = [self.tensors(v) for v in structure]
        return tuple(tensors) if isinstance(structure, tuple) else tensors


def _unpopulated(operation: Any, args: Any, kwargs: Config, said: Any) -> Config:
    """Return keyword arguments without those that would come by themselves."""
    if not isinstance(operation, Layer):
        return kwargs
    kept = {}
    for key, value in kwargs.items():
        if key == "training" and key not in said and value == _default_training(operation):
            continue
        if key == "mask" or key.endswith("_mask"):
            usual = jax.tree_util.tree_leaves(operation._inherited_mask(key, args, kwargs))
            given = jax.tree_util.tree_leaves(value)
            if len(usual) == len(given) and all(map(_same, usual, given)):
                continue
        kept[key] = value
    return kept


def _same(a: Any, b: Any) -> bool:
    """Say whether two tensors are computed in the same way from the same tensors."""
    if a is b or not (is_symbolic(a) and is_symbolic(b)):
        return a is b or (type(a) is type(b) and bool(np.all(a == b)))
    if a.node is None or b.node is None or a.index != b.index or not a.node.inputs:
        return False
    if a.node.operation is not b.node.operation or isinstance(a.node.operation, Layer):
        return False
    mine, theirs = (jax.tree_util.tree_leaves((t.node.args, t.node.kwargs)) for t in (a, b))
    return len(mine) == len(theirs) and all(map(_same, mine, theirs))


def _variable(config: Config) -> tuple[Any, list[Any]]:
    """Return a variable of a graph's own, and the tensors that stand for each reading of it."""
    initializer = deserialize(config["initializer"]) or initializers.get("zeros")
    variable = Variable(
        initializer, tuple(config["shape"]), config["dtype"], trainable=config["trainable"],
        autocast=config["autocast"], name=config["name"],
    )  # fmt: skip
    variable.regularizer = deserialize(config["regularizer"])
    variable.constraint = deserialize(config["constraint"])
    return variable, [reading(variable, dtype) for dtype in config["read_as"]]


def _operation(entry: Config) -> Callable[..., Any]:
    """Return what an entry's calls call: a layer, or an op with its settings."""
    module, name = entry.get("module"), entry["class_name"]
    known = _BY_CLASS.get((str(module), name))
    if known is None and module != _OPS_MODULE:
        if str(module).startswith("keras.src.ops."):
            names = [k.class_name for k in OPERATIONS.values()]
            raise ValueError(
                f"The config's operation {name!r} of Keras is not known. {suggest(name, names)}"
            )
        operation: Callable[..., Any] = deserialize({k: v for k, v in entry.items() if k != "name"})
        return operation
    if known is None and name not in ops.BY_NAME:
        raise ValueError(f"The config's op {name!r} is not known. {suggest(name, ops.BY_NAME)}")
    function = ops.BY_NAME[name if known is None else known.op]
    settings = {k: deserialize(v) for k, v in entry["config"].items() if k != "name"}
    return lambda *args, **kwargs: _call_op(function, settings, args, kwargs)


def _call_op(function: Callable[..., Any], settings: Config, args: Any, kwargs: Config) -> Any:
    if function is ops.get_item and isinstance(args[1], list):
        args = (args[0], tuple(args[1]))
    rest, settings, ordered = iter(args), dict(settings), []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            break
        value = settings.pop(parameter.name, _NONE)
        value = next(rest, _NONE) if value is _NONE else value
        if value is _NONE or parameter.kind is parameter.KEYWORD_ONLY:
            settings |= {} if value is _NONE else {parameter.name: value}
            break
        ordered.append(value)
    return function(*ordered, *rest, **settings, **kwargs)
