"""Operations of one's own, and a graph as one of them."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from trivium.graph.graph import Graph
from trivium.graph.infer import infer
from trivium.graph.node import Node, record
from trivium.graph.op import any_symbolic
from trivium.graph.tensor import SymbolicTensor
from trivium.state.configured import Configured
from trivium.state.names import auto_name, to_snake_case
from trivium.state.trees import map_tree
from trivium.state.types import Tree

__all__ = ["Function", "Operation"]


class Operation(Configured):
    """A computation without weights, as a class: what a function under `@op` is, with settings.

    A subclass writes `call`. Called with arrays it runs; called with symbolic tensors it records itself as a node. Its
    config is what its constructor takes.

    Args:
        name: The name; made from the class's where it is `None`.

    Example:
        >>> class Scale(Operation):
        ...     def __init__(self, factor, name=None):
        ...         super().__init__(name)
        ...         self.factor = factor
        ...
        ...     def call(self, x):
        ...         return x * self.factor
        >>> scale = Scale(3.0)
        >>> scale(2.0), scale(SymbolicTensor((None, 4))).shape, scale.get_config()["factor"]
        (6.0, (None, 4), 3.0)
    """

    def __init__(self, name: str | None = None) -> None:
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise ValueError(f"An operation's name is a text without '/'; got {name!r}.")
        self.name = name or auto_name(to_snake_case(type(self).__name__))
        self._inbound_nodes: list[Node] = []

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs.

        Raises:
            NotImplementedError: The subclass has none of its own.
        """
        raise NotImplementedError(f"{type(self).__name__} has no `call`: write what it computes.")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run on arrays, or record on symbolic tensors."""
        if any_symbolic(args, kwargs):
            return self.symbolic_call(*args, **kwargs)
        return self.call(*args, **kwargs)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """Record a call on symbolic tensors."""
        outputs = record(self, args, kwargs, self.call)
        self._inbound_nodes.append(jax.tree_util.tree_leaves(outputs)[0].node)
        return outputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Return symbolic tensors of the shapes and dtypes that a call would give."""
        specs = infer(self.call, args, kwargs)
        return map_tree(lambda s: SymbolicTensor(s.shape, s.dtype), specs)

    @property
    def input(self) -> Any:
        """What the operation was called on, if that was one thing."""
        node = self._only_node()
        (given,) = node.args if len(node.args) == 1 else (list(node.inputs),)
        return given

    @property
    def output(self) -> Any:
        """What the call gave."""
        return self._only_node().outputs

    def _only_node(self) -> Node:
        if len(self._inbound_nodes) != 1:
            raise AttributeError(
                f"Operation {self.name!r} was recorded {len(self._inbound_nodes)} times; its `input` and `output` are "
                "those of one call."
            )
        return self._inbound_nodes[0]

    def __getstate__(self) -> dict[str, Any]:
        # A graph that is copied notes its calls itself.
        return {**vars(self), "_inbound_nodes": []}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


class Function(Operation):
    """The computation between symbolic tensors, to be done again on others: a model without state or training.

    Layers in it keep their weights. `Model` is what trains, saves and shows them.

    Args:
        inputs: Symbolic tensors: one, or a nested structure of them.
        outputs: Others that follow from them.
        name: The name.

    Raises:
        DisconnectedGraphError: An output needs a tensor that none of the inputs gives.
        ValueError: It is called on another structure.

    Example:
        >>> from trivium import Input, ops
        >>> x, y = Input((3,)), Input((3,))
        >>> distance = Function([x, y], ops.sum(ops.abs(x - y), axis=-1))
        >>> distance([[[1.0, 2.0, 3.0]], [[0.0, 2.0, 5.0]]]).tolist()
        [3.0]
    """

    def __init__(self, inputs: Tree, outputs: Tree, name: str | None = None) -> None:
        super().__init__(name)
        self.graph = Graph(inputs, outputs)

    @property
    def inputs(self) -> list[SymbolicTensor]:
        """The tensors that data comes in by."""
        return self.graph.input_tensors

    @property
    def outputs(self) -> list[SymbolicTensor]:
        """The tensors that it gives."""
        return self.graph.output_tensors

    @property
    def operations(self) -> list[Any]:
        """The layers and ops, those farthest from the outputs first."""
        return self.graph.operations

    @property
    def input_shape(self) -> Any:
        """The shapes of the inputs, in their structure."""
        return map_tree(lambda t: t.shape, self.graph.inputs)

    @property
    def output_shape(self) -> Any:
        """The shapes of the outputs, in their structure."""
        return map_tree(lambda t: t.shape, self.graph.outputs)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """Record what is inside, so that weights of layers are those of the model around it."""
        return self.call(*args, **kwargs)

    def call(self, inputs: Tree) -> Any:
        """Compute the outputs from values in the structure of the inputs."""
        try:
            given = jax.tree_util.tree_map(_array, self.graph.inputs, inputs)
        except ValueError as error:
            raise ValueError(
                f"Function {self.name!r} takes values in the structure of its inputs, {self.input_shape}; {error}"
            ) from error
        return self.graph.run(given)


def _array(_: SymbolicTensor, value: Any) -> Any:
    """Return what is given for an input: lists of numbers as arrays."""
    return value if hasattr(value, "shape") else jnp.asarray(value)
