"""Closures: a function that stands among a node's arguments, with the graph of what it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import jax

from trivium.graph.tensor import is_symbolic
from trivium.state.types import Tree

__all__ = ["Closure", "closures"]


class Body(Protocol):
    """What a closure knows of its graph."""

    inputs: Any

    @property
    def operations(self) -> list[Any]:
        """Each layer and op once."""
        ...

    @property
    def all_nodes(self) -> list[Any]:
        """The nodes, and those of functions inside."""
        ...

    def run(self, inputs: Any, call: Callable[[Any, Any, Any], Any] | None = None) -> Any:
        """Compute the outputs."""
        ...


@jax.tree_util.register_pytree_node_class
class Closure:
    """A function together with the tensors that it uses besides its arguments.

    As a pytree it consists of those tensors, so they count among the inputs of a node that holds it. The layers that
    it calls are nodes of its graph, so a model that holds it owns them, and who rewrites the model's graph rewrites
    this one, too.

    Args:
        body: What the function does: a graph from `[its arguments, tensors]` to `results`; or, for a function that
            cannot be recorded, the function itself, which then uses no tensors.
        tensors: What it uses from around it.
        results: What it returns: a structure in which some leaves are the graph's outputs.
        call: What to do at a node of the graph instead of calling its operation.
    """

    def __init__(
        self,
        body: Body | Callable[..., Any],
        tensors: list[Any],
        results: Tree = None,
        call: Callable[[Any, Any, Any], Any] | None = None,
    ) -> None:
        self.body = body
        self.tensors = tensors
        self.results = results
        self._call = call

    @property
    def graph(self) -> Body | None:
        """What the function does; `None` where it could not be recorded."""
        return None if callable(self.body) else self.body

    @property
    def arguments(self) -> tuple[Any, ...]:
        """Its arguments, with symbolic tensors for arrays."""
        return () if self.graph is None else tuple(self.graph.inputs[0])

    def __call__(self, *args: Tree) -> Any:
        """Call the function."""
        if callable(self.body):
            return self.body(*args)
        computed = iter(self.body.run([args, self.tensors], self._call))
        return jax.tree_util.tree_map(
            lambda leaf: next(computed) if is_symbolic(leaf) else leaf, self.results
        )

    def with_call(self, call: Callable[[Any, Any, Any], Any]) -> Closure:
        """Return the same function with something else done at each of its nodes.

        Args:
            call: Takes the node, its arguments and its keyword arguments, and returns its results.
        """
        return Closure(self.body, self.tensors, self.results, call)

    def over(self, *tensors: Tree) -> Closure:
        """Return the same function of other tensors.

        Args:
            tensors: One in the place of each.
        """
        return Closure(self.body, list(tensors), self.results, self._call)

    def tree_flatten(self) -> tuple[list[Any], Any]:
        """Return the tensors, and the rest."""
        return self.tensors, (self.body, _Structure(self.results), self._call)

    @classmethod
    def tree_unflatten(cls, rest: Any, tensors: Any) -> Closure:
        """Build it from `tree_flatten`'s parts."""
        body, results, call = rest
        return cls(body, list(tensors), results.value, call)


class _Structure:
    """Holds a structure of symbolic tensors, which compare element by element, as one thing that is equal to itself."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Structure) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


def closures(structure: Tree) -> list[Closure]:
    """Return the closures in nested arguments.

    Example:
        >>> len(closures(([Closure(abs, [])], {"x": 1})))
        1
    """
    leaves = jax.tree_util.tree_leaves(structure, is_leaf=lambda x: isinstance(x, Closure))
    return [leaf for leaf in leaves if isinstance(leaf, Closure)]
