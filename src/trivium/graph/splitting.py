"""Cutting a graph in three: what the host does ahead of the device, what compiles, and what the host does behind it.

Text, and whatever else cannot be traced, stays on the host. What the host must do *first* follows from the inputs
alone, so it is done once, ahead of the device, as a part of reading the data: the *prefix*. All else compiles, also
what stands before or beside it and could be traced: the *rest*. What the host must do with numbers that are learned,
such as looking up the words of predicted classes, is done to results: the *suffix*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from jax.tree_util import tree_leaves

from trivium.graph.node import Node, ReadVariable
from trivium.graph.tensor import SymbolicTensor

if TYPE_CHECKING:
    from trivium.graph.graph import Graph

__all__ = ["Split", "split"]


class Split(NamedTuple):
    """The parts of a graph.

    Attributes:
        prefix: From the graph's inputs to the frontier, a tuple of tensors where the device takes over.
        rest: From the frontier on. Where there is no suffix it gives the graph's outputs, in their structure.
        suffix: From `(what the rest gives, around)` to the graph's outputs; `None` where there is nothing left to do.
        around: Tensors of text that the prefix has and the suffix wants, and that no device can pass on.
    """

    prefix: Graph
    rest: Graph
    suffix: Graph | None
    around: tuple[SymbolicTensor, ...]


def split(graph: Graph, host: Callable[[Node], bool]) -> Split | None:
    """Cut a graph; see `Graph.split`.

    Args:
        graph: The graph.
        host: Says which nodes can only run on the host. Those that take or give text are among them by themselves.
    """
    from trivium.graph.graph import Graph

    on_host = [n for n in graph.nodes if host(n) or _has_text(n)]
    if not on_host and not any(t.is_text for t in graph.input_tensors):
        return None
    behind = _behind(graph.nodes, {id(n) for n in on_host})
    ahead = _ahead(graph.nodes, [n for n in on_host if id(n) not in behind])
    compiled = [n for n in graph.nodes if id(n) not in ahead and id(n) not in behind]
    made = _made_by(compiled)
    wanted = _unique([*graph.output_tensors, *graph.losses])
    late = [n for n in graph.nodes if id(n) in behind]
    if not late and not any(t.is_text for t in wanted):
        frontier = _frontier(compiled, wanted, made)
        rest = Graph(frontier, graph.outputs, graph.losses)
        return Split(Graph(graph.inputs, frontier), rest, None, ())
    given = _made_by(late)
    kept = _unique(t for t in (*(t for n in late for t in n.inputs), *wanted) if id(t) not in given)
    numbers = tuple(t for t in kept if not t.is_text)
    around = tuple(t for t in kept if t.is_text)
    frontier = _frontier(compiled, numbers, made)
    return Split(
        Graph(graph.inputs, (*frontier, *around)),
        Graph(frontier, numbers, graph.losses),
        Graph((numbers, around), graph.outputs),
        around,
    )


def _has_text(node: Node) -> bool:
    return any(t.is_text for t in (*node.inputs, *node.output_tensors))


def _is_learned(node: Node) -> bool:
    """Say whether what a node gives follows from more than its inputs: from weights, or from random numbers."""
    operation = node.operation
    if getattr(operation, "changed_by_adapt_alone", False):
        return False  # What was found in data stays what it is while a model is trained.
    return isinstance(operation, ReadVariable) or bool(
        node.variables or getattr(operation, "variables", ())
    )


def _behind(nodes: list[Node], on_host: set[int]) -> set[int]:
    """Return which nodes come after the device: those of the host that want what is learned, and all behind them."""
    learned: set[int] = set()
    behind: set[int] = set()
    for node in nodes:
        before = {id(t.node) for t in node.inputs}
        if before & behind or (id(node) in on_host and before & learned):
            behind.add(id(node))
        if before & learned or (id(node) not in on_host and _is_learned(node)):
            learned.add(id(node))
    return behind


def _ahead(nodes: list[Node], first: list[Node]) -> set[int]:
    """Return which nodes come before the device: those given, and all that they need."""
    needed = {id(n) for n in first}
    for node in reversed(nodes):
        if id(node) in needed:
            needed.update(id(t.node) for t in node.inputs if t.node is not None)
    return needed


def _made_by(nodes: list[Node]) -> set[int]:
    return {id(t) for n in nodes for t in n.output_tensors}


def _frontier(
    compiled: list[Node], wanted: Iterable[SymbolicTensor], made: set[int]
) -> tuple[SymbolicTensor, ...]:
    """Return the tensors that the device takes over, in the order in which its nodes use them first."""
    used = [t for n in compiled for t in n.inputs]
    return tuple(t for t in _unique([*used, *wanted]) if id(t) not in made)


def _unique(tensors: Iterable[Any]) -> list[Any]:
    return list({id(t): t for t in tree_leaves(list(tensors))}.values())
