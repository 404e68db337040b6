"""A graph's calls as a person would write them: without the masks that pass from layer to layer by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax

from trivium.graph import Graph, Node, SymbolicTensor, any_symbolic, is_symbolic
from trivium.layers.base import Layer

__all__ = ["Call", "written_calls"]


@dataclass(frozen=True)
class Call:
    """One call.

    Args:
        node: Its node.
        args: The arguments that are written.
        kwargs: The keyword arguments that are written.
    """

    node: Node
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    @property
    def inputs(self) -> list[SymbolicTensor]:
        """The tensors among the arguments."""
        leaves = jax.tree_util.tree_leaves((self.args, self.kwargs))
        return [leaf for leaf in leaves if is_symbolic(leaf)]


def written_calls(graph: Graph) -> list[Call]:
    """Return the calls that a program for the graph writes, each after those it needs.

    Example:
        >>> import trivium as tv
        >>> x = tv.Input((3, 2))
        >>> y = tv.layers.Dense(4, name="dense")(tv.layers.Masking(name="masking")(x))
        >>> graph = tv.Model(x, tv.layers.GlobalAveragePooling1D(name="pool")(y)).graph()
        >>> [call.node.name for call in written_calls(graph)]
        ['masking', 'dense', 'pool']
    """
    wanted = {id(t) for t in (*graph.output_tensors, *graph.losses)}
    kept = []
    for node in reversed(graph.nodes):
        if any(id(t) in wanted for t in node.output_tensors):
            kept.append(Call(node, node.args, _said(node)))
            wanted.update(id(t) for t in kept[-1].inputs)
    return kept[::-1]


def _said(node: Node) -> dict[str, Any]:
    """Return the keyword arguments without the masks that the layer would be given anyway."""
    layer, kwargs = node.operation, node.kwargs
    if not isinstance(layer, Layer):
        return kwargs

    def by_itself(name: str, value: Any) -> bool:
        if name != "mask" and not name.endswith("_mask"):
            return False
        usual = jax.tree_util.tree_leaves(layer._inherited_mask(name, node.args, kwargs))
        said = jax.tree_util.tree_leaves(value)
        return len(usual) == len(said) and all(a is b for a, b in zip(usual, said, strict=True))

    return {k: v for k, v in kwargs.items() if not (any_symbolic([v]) and by_itself(k, v))}
