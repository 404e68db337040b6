"""The graph: the calls between given inputs and outputs, in an order that follows from the wiring alone."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax

from trivium.graph.closure import Closure
from trivium.graph.errors import DisconnectedGraphError
from trivium.graph.folding import fold, folds, loops
from trivium.graph.node import Node
from trivium.graph.splitting import Split, split
from trivium.graph.tensor import SymbolicTensor, is_symbolic
from trivium.state.trees import map_tree
from trivium.state.types import Operation, Tree
from trivium.state.variable import Variable

__all__ = ["Graph", "source_tensors"]

_NAMED = 6  # How many names of the way to a tensor an error has.


class Graph:
    """The part of the recorded calls that computes `outputs` from `inputs`.

    Args:
        inputs: A nested structure of symbolic tensors: where data comes in. Any tensor will do, also one in the
            middle of a larger graph: what lies before it is cut off.
        outputs: A nested structure of symbolic tensors.
        losses: Scalars that are computed besides the outputs, to be added to a loss.

    Raises:
        DisconnectedGraphError: An output needs a tensor that none of the inputs gives.
        TypeError: Something among the inputs or outputs is no symbolic tensor.

    Example:
        >>> x = SymbolicTensor((None, 3), name="x")
        >>> graph = Graph(x, x * 2.0 + 1.0)
        >>> [node.name for node in graph.nodes], graph.run(1.5).item()
        (['multiply', 'add'], 4.0)
    """

    def __init__(self, inputs: Tree, outputs: Tree, losses: tuple[Any, ...] = ()) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self.losses = losses
        self.input_tensors = _tensors(inputs, "inputs")
        self.output_tensors = _tensors(outputs, "outputs")
        self.nodes = _order(self.input_tensors, [*self.output_tensors, *losses])

    def __getstate__(self) -> dict[str, Any]:
        # In this order each node comes after those that it needs, so that nothing goes deep into a deep graph.
        return {k: vars(self)[k] for k in ("inputs", "nodes", "outputs", "losses")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.input_tensors = jax.tree_util.tree_leaves(self.inputs)
        self.output_tensors = jax.tree_util.tree_leaves(self.outputs)
        for node in self.nodes:
            # Layers are copied without the graphs that they are in.
            calls = getattr(node.operation, "_inbound_nodes", None)
            if calls is not None and not any(node is known for known in calls):
                calls.append(node)

    @property
    def operations(self) -> list[Any]:
        """Each layer and op once, those farthest from the outputs first, as Keras lists a model's layers.

        What functions among the arguments call (the body of a loop) stands before the op that takes them, if it keeps
        variables.
        """
        if not hasattr(self, "_operations"):
            within: dict[int, list[Operation]] = {}
            for node in self.nodes:
                bodies = [c.graph for c in node.closures if c.graph is not None]
                called = [o for graph in bodies for o in graph.operations]
                inner = [o for o in called if hasattr(o, "variables")]
                within.setdefault(id(node.operation), []).extend(inner)
            each = [o for one in _by_depth(self) for o in (*within.get(id(one), ()), one)]
            self._operations = list({id(o): o for o in each}.values())
        return self._operations

    # Asked for in each walk over a model; a graph's nodes and what they read stay what they are.
    @functools.cached_property
    def all_nodes(self) -> list[Node]:
        """The nodes, and before each those of the functions that stand among its arguments."""
        every: list[Node] = []
        for node in self.nodes:
            for closure in node.closures:
                if closure.graph is not None:
                    every += closure.graph.all_nodes
            every.append(node)
        return every

    @functools.cached_property
    def variables(self) -> list[Variable]:
        """The variables that the graph reads by itself, beside those of its layers."""
        read = [leaf for node in self.all_nodes for leaf in node.variables]
        return list({id(v): v for v in read}.values())

    def run(self, inputs: Tree, call: Callable[[Node, Any, Any], Any] | None = None) -> Any:
        """Compute the outputs.

        Args:
            inputs: Values in the structure of `self.inputs`.
            call: What to do at a node instead of `node.operation(*args, **kwargs)`; given the node and its
                arguments. With symbolic values this rewrites the graph.

        Returns:
            Values in the structure of `self.outputs`.
        """
        values = self.trace(inputs, call)
        return map_tree(lambda t: values[id(t)], self.outputs)

    def trace(
        self, inputs: Tree, call: Callable[[Node, Any, Any], Any] | None = None
    ) -> dict[int, Any]:
        """Compute every tensor of the graph and return the values by the tensors' ids."""
        # An optional input may be None, which JAX takes for an empty tree.
        tensors, flat = (
            jax.tree_util.tree_leaves(t, is_leaf=_is_none) for t in (self.inputs, inputs)
        )
        values = {id(t): v for t, v in zip(tensors, flat, strict=True) if t is not None}
        folded = {r.start: r for r in loops(self)} if call is None and folds() else {}
        done = 0
        for number, node in enumerate(self.nodes):
            if number < done:
                continue
            if number in folded and fold(folded[number], values):
                done = folded[number].stop
                continue
            args, kwargs = node.fill(values)
            if call is not None and node.closures:
                args, kwargs = _in_closures((args, kwargs), call)
            result = call(node, args, kwargs) if call else node.operation(*args, **kwargs)
            for tensor, value in zip(
                node.output_tensors, jax.tree_util.tree_leaves(result), strict=True
            ):
                # A tensor in the middle that was given as an input keeps the value that was given.
                values.setdefault(id(tensor), value)
        return values

    def split(self, host: Callable[[Node], bool]) -> Split | None:
        """Cut the graph in what the host does ahead of the device, what compiles, and what the host does behind it.

        Args:
            host: Says which nodes can only run on the host. Those that take or give text are among them by themselves.

        Returns:
            The parts; `None` where all of the graph compiles.

        Example:
            >>> x, y = SymbolicTensor((None, 3), name="x"), SymbolicTensor((None, 3), name="y")
            >>> parts = Graph([x, y], (x * 2.0 + 1.0) * y).split(lambda node: node.name == "add")
            >>> [node.name for node in parts.prefix.nodes], [node.name for node in parts.rest.nodes]
            (['multiply', 'add'], ['multiply'])
        """
        return split(self, host)


def source_tensors(tensor: SymbolicTensor) -> list[SymbolicTensor]:
    """Return the inputs that a symbolic tensor follows from, in the order in which its calls use them.

    Args:
        tensor: The tensor.

    Example:
        >>> x, y = SymbolicTensor((2,), name="x"), SymbolicTensor((2,), name="y")
        >>> [t.name for t in source_tensors(y * x + y)]
        ['y', 'x']
    """
    found: dict[int, SymbolicTensor] = {}
    seen: set[int] = set()
    stack = [tensor]
    while stack:
        node = (reached := stack.pop()).node
        if node is None or node.is_source:
            found[id(reached)] = reached
        elif id(node) not in seen:
            seen.add(id(node))
            stack += reversed(node.inputs)
    return list(found.values())


def _is_none(x: object) -> bool:
    return x is None


def _in_closures(arguments: Tree, call: Callable[[Node, Any, Any], Any]) -> Any:
    """Do the same at the nodes of the functions among the arguments: who rewrites a graph rewrites the loops in it."""
    return jax.tree_util.tree_map(
        lambda a: a.with_call(call) if isinstance(a, Closure) else a,
        arguments,
        is_leaf=lambda a: isinstance(a, Closure),
    )


def _tensors(structure: Tree, what: str) -> list[SymbolicTensor]:
    flat = jax.tree_util.tree_leaves(structure)
    for tensor in flat:
        if not is_symbolic(tensor):
            shape = getattr(tensor, "shape", None)
            came = repr(tensor) if shape is None else f"an array of shape {tuple(shape)}"
            raise TypeError(
                f"A graph's {what} are symbolic tensors, which `Input` and calling layers on them give; "
                f"got {came}."
            )
    return flat


def _order(inputs: list[SymbolicTensor], outputs: list[SymbolicTensor]) -> list[Node]:
    """Return the nodes depth first from the outputs, each after those it needs.

    The order follows from the wiring alone: not from when the nodes were recorded, so that two writings of one network
    whose lines stand in another order draw the same numbers and lower to the same program. Written with a stack of its
    own, since Python's ends at a thousand layers.
    """
    given = {id(t) for t in inputs}
    order: list[Node] = []
    done: set[int] = set()
    # A frame is a tensor to reach and the last names on the way to it, for the error. A node to emit is pushed before
    # what it needs, so that it is popped after that; what is pushed in reverse is reached in the arguments' order.
    stack: list[tuple[Any, tuple[str, ...]]] = [(t, ()) for t in reversed(outputs)]
    while stack:
        item, way = stack.pop()
        if isinstance(item, Node):
            if id(item) not in done:
                done.add(id(item))
                order.append(item)
            continue
        if id(item) in given:
            continue
        node = item.node
        if node is None or node.is_source:
            raise DisconnectedGraphError(_disconnected(item, way, inputs))
        if id(node) not in done:
            stack.append((node, way))
            stack.extend((t, (node.name, *way[: _NAMED - 1])) for t in reversed(node.inputs))
    return order


def _disconnected(
    tensor: SymbolicTensor, way: tuple[str, ...], inputs: list[SymbolicTensor]
) -> str:
    path = " -> ".join(repr(name) for name in way) or "an output itself"
    return (
        f"The graph is disconnected: the tensor {tensor.name!r} of shape {tensor.shape} is needed by {path}, but it "
        f"cannot be reached from the inputs {[t.name for t in inputs]}. Add it to `inputs`, or compute it from them."
    )


def _by_depth(graph: Graph) -> list[Any]:
    """Order the operations by their longest way to an output, and where that is equal by first sight from there.

    That is Keras's order of `model.layers`, on which weight files, `get_weights` and programs that index layers depend.
    A layer that is called several times stands where its farthest call does, and what that call needs moves back with
    it: so the height of an *operation* is carried from call to call, the depth of a *node* from tensor to tensor.
    """
    sight: dict[int, int] = {}
    seen: set[int] = set()
    stack: list[Any] = list(reversed([*graph.output_tensors, *graph.losses]))
    while stack:
        node = stack.pop().node
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        sight.setdefault(id(node.operation), len(sight))
        stack.extend(reversed(node.inputs))
    given = {id(t) for t in graph.input_tensors}
    sources = [t.node for t in graph.input_tensors if t.node is not None and t.node.is_source]
    nodes = [*sources, *graph.nodes]
    known = {id(n) for n in nodes}
    depth = {id(n): 0 for n in nodes}
    height: dict[int, int] = {}
    # From the outputs back: all that uses a node was seen before it.
    for node in reversed(nodes):
        depth[id(node)] = max(depth[id(node)], height.get(id(node.operation), 0))
        height[id(node.operation)] = depth[id(node)]
        for tensor in node.inputs:
            before = tensor.node
            # What lies before an input in the middle of a larger graph is none of this one's business.
            cut = id(tensor) in given and before is not None and before.inputs
            if before is not None and id(before) in known and not cut:
                depth[id(before)] = max(depth[id(before)], depth[id(node)] + 1)
    unique = {id(n.operation): n.operation for n in nodes}
    return [unique[key] for key in sorted(unique, key=lambda k: (-height[k], sight.get(k, -1)))]
