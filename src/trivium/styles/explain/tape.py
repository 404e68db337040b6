"""The tape: a model's graph as steps that can be run, and differentiated, one by one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from trivium.graph import Graph, Node, ReadVariable, SymbolicTensor
from trivium.graph.infer import infer
from trivium.layers import Layer
from trivium.models import Model
from trivium.models.functional_inputs import fit_inputs
from trivium.models.hosting import map_inputs
from trivium.state import StatelessScope, Variable
from trivium.state.dtypes import is_float
from trivium.state.effects import Effects
from trivium.state.frame import Call, entered
from trivium.state.masks import get_mask, set_mask

__all__ = ["Result", "Slot", "Step", "Tape"]


class Slot:
    """A value that flows through a model: an input of it, or an output of one of its steps.

    Args:
        tensor: The symbolic tensor that stands for it in the graph.
        step: The step that gives it; `None` for an input of the model.
        index: Its place among the step's outputs.
    """

    def __init__(self, tensor: SymbolicTensor, step: Step | None = None, index: int = 0) -> None:
        self.tensor = tensor
        self.step = step
        self.index = index
        self.consumers: list[Step] = []

    @property
    def differentiable(self) -> bool:
        """Whether derivatives can flow through it: not through whole numbers and booleans."""
        return is_float(self.tensor.dtype)

    def __repr__(self) -> str:
        return f"<Slot {self.tensor.name} {self.tensor.shape}>"


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class Result:
    """What running a step gave.

    Args:
        outputs: The outputs, flat.
        masks: The masks that stand beside them, `None` where there is none.
        penalties: Scalars that the step adds to the loss.
        state: The new values of the variables that are not trained, by their ids.
    """

    outputs: list[Any]
    masks: list[Any]
    penalties: list[Any]
    state: dict[int, Any]


class Step:
    """One call of a layer or op.

    Args:
        node: The graph's node.
        inputs: Where its incoming tensors come from, in the node's order.
        training: The mode that the call inherits.
        autocast: What dtype the variables around it are read in; `None` for their own.
        number: Its place on the tape, from 1.
        path: The name within the model, with those of the models around it before.
    """

    def __init__(
        self,
        node: Node,
        inputs: list[Slot],
        training: bool,
        autocast: str | None,
        number: int,
        path: str,
    ) -> None:
        self.node = node
        self.operation = node.operation
        self.inputs = inputs
        self.outputs = [Slot(t, self, i) for i, t in enumerate(node.output_tensors)]
        self.training = training
        self.autocast = autocast
        self.number = number
        self.path = path
        self.touched, self.penalties = self._look()
        for slot in self.sources:
            slot.consumers.append(self)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def kind(self) -> str:
        """The layer's class, or `op`."""
        return type(self.operation).__name__ if isinstance(self.operation, Layer) else "op"

    @property
    def is_read(self) -> bool:
        """Whether the step only reads a variable of the model's own."""
        return isinstance(self.operation, ReadVariable)

    @property
    def sources(self) -> list[Slot]:
        """The inputs, each once."""
        return list({id(s): s for s in self.inputs}.values())

    @property
    def weights(self) -> list[Variable]:
        """The trained variables that it reads."""
        return [v for v in self.touched if v.trainable]

    def run(self, values: Sequence[Any], masks: Sequence[Any], state: Mapping[int, Any]) -> Result:
        """Do the call as a pure function.

        Args:
            values: The inputs' values, in the order of `inputs`.
            masks: Their masks, or `None`.
            state: The variables' values, by their ids.
        """
        for value, mask in zip(values, masks, strict=True):
            if mask is not None:
                set_mask(value, mask)
        args, kwargs = self.node.fill(
            {id(t): v for t, v in zip(self.node.inputs, values, strict=True)}
        )
        scope = StatelessScope(
            [(v, state[id(v)]) for v in self.touched if id(v) in state], collect_losses=True
        )
        with scope:
            outputs = jax.tree_util.tree_leaves(self._call(*args, **kwargs))
        after = {id(v): scope.get_current_value(v) for v in self.touched if not v.trainable}
        return Result(
            outputs,
            [get_mask(o) for o in outputs],
            [jnp.sum(loss) for loss in scope.losses],
            {key: value for key, value in after.items() if value is not None},
        )

    def _call(self, *args: Any, **kwargs: Any) -> Any:
        with entered(autocast=self.autocast, layers=(), training=self.training, call=Call()):
            return self.operation(*args, **kwargs)

    def _look(self) -> tuple[list[Variable], int]:
        """Trace the call once, to see which variables it reads or writes and how many losses it adds."""
        seen: list[Effects] = []

        def traced(*args: Any, **kwargs: Any) -> Any:
            seen.append(Effects(self._call, args, kwargs))
            return seen[-1].result

        infer(traced, self.node.args, self.node.kwargs)
        return seen[-1].touched, seen[-1].losses

    def __repr__(self) -> str:
        return f"<Step {self.number} {self.path}>"


class Tape:
    """A model as steps in an order in which they can be run.

    Args:
        model: The model, built, in any style.
        training: The mode.
        expand_nested: Whether models inside are taken apart; else each is one step.

    Raises:
        TypeError: `model` is no model.
        ValueError: The model is not built.
        CaptureError: The model's code does what no graph can hold.

    Example:
        >>> import trivium as tv
        >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(3, name="a"), tv.layers.Dense(2, name="b")])
        >>> [(step.path, [v.name for v in step.weights]) for step in Tape(model).steps]
        [('a', ['kernel', 'bias']), ('b', ['kernel', 'bias'])]
    """

    def __init__(self, model: Any, training: bool = False, expand_nested: bool = False) -> None:
        if not isinstance(model, Model):
            raise TypeError(
                f"Only a model can be looked into; got {model!r}. Put a layer into one: `Sequential([layer])`."
            )
        self.model, self.training, self.expand_nested = model, training, expand_nested
        # Of a model with layers of the host, what compiles: they have no gradients.
        self._whole, self._part = model.graph(training), model._host_part(training)
        self.graph = self._whole if self._part is None else self._part.rest
        self.steps: list[Step] = []
        self.losses: list[Slot] = []
        self._names: dict[tuple[str, str], int] = {}
        self.inputs = [Slot(t) for t in self.graph.input_tensors]
        known = {id(t): s for t, s in zip(self.graph.input_tensors, self.inputs, strict=True)}
        self._walk(model, self.graph, known, training, "")
        self.outputs = [known[id(t)] for t in self.graph.output_tensors]
        self.names = self._variable_names()

    def _walk(
        self, model: Any, graph: Graph, known: dict[int, Slot], training: bool, prefix: str
    ) -> None:
        for node in graph.nodes:
            sources = [known[id(t)] for t in node.inputs]
            inner_mode = node.kwargs.get("training")
            mode = training if inner_mode is None else bool(inner_mode)
            inner = self._inner(node, sources, mode)
            if inner is not None:
                inside = {id(t): s for t, s in zip(inner.input_tensors, sources, strict=True)}
                self._walk(node.operation, inner, inside, mode, f"{prefix}{node.name}/")
                found = [inside[id(t)] for t in inner.output_tensors]
            else:
                path = prefix + self._name(node, prefix)
                autocast = _autocast_around(model)
                step = Step(node, sources, training, autocast, len(self.steps) + 1, path)
                self.steps.append(step)
                found = step.outputs
            for tensor, slot in zip(node.output_tensors, found, strict=True):
                known.setdefault(id(tensor), slot)
        self.losses += [known[id(t)] for t in graph.losses]

    def _inner(self, node: Node, sources: list[Slot], training: bool) -> Graph | None:
        """Return the graph of a model inside, where it can stand in the place of the call."""
        operation = node.operation
        if not self.expand_nested or not isinstance(operation, Model) or len(node.args) != 1:
            return None
        graph = operation.graph(training)
        fits = len(graph.input_tensors) == len(sources) and all(
            t.ndim == s.tensor.ndim and t.dtype == s.tensor.dtype
            for t, s in zip(graph.input_tensors, sources, strict=True)
        )
        return graph if fits and operation.activity_regularizer is None else None

    def _name(self, node: Node, prefix: str) -> str:
        """Return a layer's name, or an op's with a number behind it from the second on."""
        if isinstance(node.operation, Layer | ReadVariable):
            return node.name
        number = self._names.get((prefix, node.name), 0)
        self._names[prefix, node.name] = number + 1
        return node.name if number == 0 else f"{node.name}_{number}"

    def _variable_names(self) -> dict[int, str]:
        """Name each variable by the path from this model to it."""
        names: dict[int, str] = {}
        for step in self.steps:
            layer = step.operation
            for variable in step.touched:
                path = variable.path.removeprefix(f"{self.model.path}/")
                if isinstance(layer, Layer) and variable.path.startswith(f"{layer.path}/"):
                    path = f"{step.path}/{variable.path.removeprefix(f'{layer.path}/')}"
                names.setdefault(id(variable), path)
        for variable in self.model.variables:
            names.setdefault(id(variable), variable.path.removeprefix(f"{self.model.path}/"))
        return names

    @property
    def weights(self) -> list[Variable]:
        """The trained variables, in the order of the data's flow."""
        return list(self.model.trainable_variables)

    def values(self, x: Any) -> list[Any]:
        """Return data as the model's own call takes it in, one array for each input.

        Args:
            x: The data, in any form that the model can be called on.
        """
        model = self.model
        if self._part is not None:
            mapped = map_inputs(self._whole, self._part, x, model.path)
            return [jnp.asarray(value) for value in mapped.values]
        (given,), _ = model._cast(((x,), {}))
        return jax.tree_util.tree_leaves(fit_inputs(self.graph, given, model.path))


def _autocast_around(model: Any) -> str | None:
    """Return the dtype in which what stands in a model's own graph, outside of any layer, reads variables."""
    if model._graph is None or not model.autocast:
        return None
    compute = str(model.compute_dtype)
    return compute if compute != model.variable_dtype else None
