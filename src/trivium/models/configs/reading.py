"""Reading a graph from its config, ours or Keras's."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from trivium import initializers, ops
from trivium.graph import is_symbolic
from trivium.graph.node import reading
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
from trivium.state.registry import custom_object_scope, deserialize, sharing, suggest

__all__ = ["graph_from_config"]

_NONE: Any = object()
# Several ops may have one class of Keras's; the first of them is meant.
_BY_CLASS = {(known.module, known.class_name): known for known in reversed(OPERATIONS.values())}


def graph_from_config(
    config: Config,
    custom_objects: Mapping[str, Any] | None = None,
    weights: dict[int, Any] | None = None,
    seeds: dict[int, Any] | None = None,
) -> tuple[Any, Any]:
    """Return the inputs and the outputs of the graph that a config describes.

    Args:
        config: `layers`, `input_layers` and `output_layers`, ours or Keras's.
        custom_objects: Classes and functions by name, besides the registered ones.
        weights: Where to put the weights by the numbers that the config has for them.
        seeds: Where to put the states of random generators likewise.

    Raises:
        ValueError: The config names something unknown, or a call needs a tensor that nothing gives.
    """
    with custom_object_scope(custom_objects), sharing():
        reader = _Reader(config["layers"])
        reader.run()
        if weights is not None:
            weights |= reader.numbered()
        if seeds is not None:
            seeds |= reader.seeds
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
        self.seeds: dict[int, Any] = {}
        for entry in entries:
            name = entry["name"]
            self.numbers[name] = entry.get("weights") or []
            if entry["class_name"] == VARIABLE:
                variable, reads = _variable(entry["config"])
                self.operations[name], self.outputs[name] = variable, [[t] for t in reads]
                continue
            operation = self.operations[name] = _operation(entry)
            self.outputs[name] = []
            if isinstance(operation, InputLayer):
                self.outputs[name].append([operation.output])
            if isinstance(operation, Layer):
                if operation.name != name:
                    operation.name = name
                states = seed_places(operation).values() if "seeds" in entry else ()
                self.seeds |= zip(entry.get("seeds", ()), states, strict=True)
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
        """Return the weights by their numbers; code that reads a layer's weight reads that one from here on."""
        found: dict[int, Any] = {}
        if not any(self.numbers.values()):
            return found
        for name, numbers in self.numbers.items():
            mine = self._weights_of(name)
            if len(numbers) != len(mine):
                raise ValueError(
                    f"The config numbers {len(numbers)} weights of {name!r}; it has {len(mine)}."
                )
            if not isinstance(self.operations[name], Variable):
                found |= dict(zip(numbers, mine, strict=True))
        for name, variable in self.operations.items():
            if isinstance(variable, Variable) and self.numbers[name]:
                weight = found.setdefault(self.numbers[name][0], variable)
                if weight.shape != variable.shape:
                    raise ValueError(f"The config reads {name!r} as a weight of another shape.")
                for (read,) in self.outputs[name]:
                    read.node.operation.variable = weight
        if any(i not in found for i in range(len(found))):
            raise ValueError("The config does not number its weights from 0 on.")
        return found

    def _weights_of(self, name: str) -> list[Any]:
        operation = self.operations[name]
        one = isinstance(operation, Variable)
        return [operation] if one else getattr(operation, "weights", [])

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
            if config.get("class_name") == TENSOR:
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
        if key == "training" and key not in said and value == default_training(operation):
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
    if known is None and module != OPS_MODULE:
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
