"""Models without their classes: the graph that a class's code records, opened up until nothing of the class is left.

A file of a model that names classes or functions of somebody's own has this graph besides its config. Where the names
are not known, the graph is the model: it predicts, trains on, converts and explains itself like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trivium import ops
from trivium.graph import Graph, Node, is_symbolic
from trivium.graph.node import ReadVariable, reading
from trivium.layers.base import Layer
from trivium.layers.registry import LAYERS
from trivium.models.capture import capture
from trivium.models.configs import GRAPH_KEYS, graph_config, graph_from_config
from trivium.models.functional_inputs import arrange_inputs
from trivium.models.model import Model
from trivium.saving.places import seed_places
from trivium.state import Variable, is_float
from trivium.state.registry import knows, serialize
from trivium.state.trees import map_tree

__all__ = ["CapturedModel", "captured_config"]


@LAYERS.register(module="trivium.models")
class CapturedModel(Model):
    """A model that is the recorded graph of another one, whose class is not here.

    Args:
        graph: A graph whose outputs are a dict of two modes, `"inference"` and `"training"`: for each the list of the
            model's outputs and of the losses that its code adds.
        kwargs: `name`, `trainable` and `dtype`, as for every model.

    Example:
        >>> import numpy as np, trivium as tv
        >>> x = tv.Input((4,))
        >>> model = CapturedModel(Graph(x, {"inference": [x * 2, []], "training": [x * 3, []]}))
        >>> model.predict(np.ones((1, 4), "float32"), verbose=0).tolist()
        [[2.0, 2.0, 2.0, 2.0]]
    """

    _untracked = Model._untracked | {"modes", "_numbered", "_numbered_seeds"}
    # The weights, and the states of random generators, by the numbers that the config which the model was made of has.
    _numbered: dict[int, Variable]
    _numbered_seeds: dict[int, Variable]

    def __init__(self, graph: Graph, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.modes, self._numbered, self._numbered_seeds = graph, {}, {}
        self.parts = [o for o in graph.operations if isinstance(o, Layer)]
        self.own = list(graph.variables)
        self._each = {
            mode: Graph(graph.inputs, outputs, tuple(losses))
            for mode, (outputs, losses) in graph.outputs.items()
        }
        Model._build_for(self, (graph.inputs,), {})

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Compute the outputs.

        Args:
            inputs: The inputs.
            training: The mode.
        """
        graph = self._each["training" if training else "inference"]
        # A dict of arrays is told apart by the inputs' names, as it was in the model that was saved.
        values = graph.trace(arrange_inputs(graph, inputs, self.path))
        if graph.losses:
            self.add_loss([values[id(t)] for t in graph.losses])
        return map_tree(lambda t: values[id(t)], graph.outputs)

    def get_config(self) -> dict[str, Any]:
        """Return the graph, as Keras writes graphs."""
        common = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": self.dtype_policy.serialize(),
        }
        return {**common, **graph_config(self.modes, self.name, _numbers(self))}

    def get_build_config(self) -> dict[str, Any] | None:
        """Return nothing: the graph knows its shapes."""
        return None

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """Return a new model of a graph's config.

        Args:
            config: What `get_config` gave.
            custom_objects: Classes and functions of yours by name, besides the registered ones.
        """
        found: dict[int, Variable] = {}
        seeds: dict[int, Variable] = {}
        inputs, outputs = graph_from_config(config, custom_objects, found, seeds)
        rest = {k: v for k, v in config.items() if k not in GRAPH_KEYS}
        model = cls(Graph(inputs, outputs), **rest)
        model._numbered, model._numbered_seeds = found, seeds
        return model


def captured_config(model: Model) -> dict[str, Any]:
    """Return the config of a model's graph, for files.

    Each layer and variable in it says which of the model's weights are its own.

    Args:
        model: The model, built.

    Raises:
        CaptureError: The model's code does what no graph can hold.
        NotImplementedError: Something in its graph is nothing that a config can hold.
    """
    modes = [_opened(_graph(model, training), training) for training in (False, True)]
    outputs = {
        mode: [graph.outputs, list(graph.losses)]
        for mode, graph in zip(("inference", "training"), modes, strict=True)
    }
    whole = Graph(modes[0].inputs, outputs)
    config = {
        "name": model.name,
        "dtype": model.dtype_policy.serialize(),
        **graph_config(whole, model.name, _numbers(model)),
    }
    names = {"module": "trivium.models", "class_name": CapturedModel.__name__}
    return {**names, "config": serialize(config), "registered_name": None}


def _numbers(model: Model) -> dict[int, int]:
    """Return the numbers that a file has for a model's weights and its random generators' states, by their ids."""
    return {
        id(v): i
        for held in (model.weights, seed_places(model).values())
        for i, v in enumerate(held)
    }


def _graph(model: Model, training: bool) -> Graph:
    graph = model.graph(training)
    if not isinstance(graph.inputs, tuple):
        return graph
    raise NotImplementedError(
        f"Model {model.name!r} takes several arguments; a file's graph has one."
    )


def _opened(graph: Graph, training: bool) -> Graph:
    """Return a graph in which every layer of somebody's own is what its code records."""
    losses: list[Any] = []
    reads: dict[int, Any] = {}

    def read(x: Any) -> Any:
        if not isinstance(x, Variable):
            return x
        owner: Any = x.owner() if x.owner is not None else None
        if id(x) not in reads:
            reads[id(x)] = reading(x, getattr(owner, "compute_dtype", None))
        return reads[id(x)]

    def call(node: Node, args: Any, kwargs: Any) -> Any:
        layer = node.operation
        if isinstance(layer, ReadVariable):
            return node.outputs
        args, kwargs = map_tree(read, (args, kwargs))
        if not isinstance(layer, Layer) or _is_known(layer):
            return layer(*args, **kwargs)
        if layer.activity_regularizer is not None:
            raise NotImplementedError(f"Layer {layer.path!r} has an activity regularizer.")
        mode = kwargs.get("training")
        args, kwargs = _cast(layer, (args, {k: v for k, v in kwargs.items() if k != "training"}))
        inner, _ = capture(layer, args, kwargs, training if mode is None else bool(mode))
        values = inner.trace(inner.inputs, call)
        losses.extend(values[id(t)] for t in inner.losses)
        return map_tree(lambda t: values[id(t)], inner.outputs)

    values = graph.trace(graph.inputs, call)
    outputs = map_tree(lambda t: values[id(t)], graph.outputs)
    return Graph(graph.inputs, outputs, (*(values[id(t)] for t in graph.losses), *losses))


def _is_known(layer: Layer) -> bool:
    """Say whether everybody has what a layer is made of."""
    try:
        return knows(serialize(layer))
    except (NotImplementedError, TypeError, ValueError):
        return False


def _cast(layer: Layer, tree: Any) -> Any:
    """Cast floats to what a layer computes in, as its call does."""
    compute = layer.compute_dtype

    def cast(x: Any) -> Any:
        differs = layer.autocast and is_symbolic(x) and is_float(x.dtype) and x.dtype != compute
        return ops.cast(x, compute) if differs else x

    return map_tree(cast, tree)
