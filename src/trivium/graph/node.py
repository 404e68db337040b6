"""Nodes: one call of a layer or op, with the arguments it was given and the tensors it gave."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, cast

import jax

from trivium.graph.closure import Closure, closures
from trivium.graph.errors import CaptureError, TextError
from trivium.graph.infer import infer
from trivium.graph.shared_shapes import shared
from trivium.graph.tensor import SymbolicTensor, is_symbolic, tensor_like
from trivium.state.dtypes import is_float
from trivium.state.frame import current_autocast, current_frame, entered
from trivium.state.scopes import Policy, StatelessScope, autocast_scope
from trivium.state.trees import has_keys, keep_order, map_tree
from trivium.state.types import Operation, Tree
from trivium.state.variable import Variable

__all__ = [
    "CapturePolicy",
    "Node",
    "ReadVariable",
    "is_recording",
    "reading",
    "record",
    "recording",
]


class Node:
    """One call in a graph.

    Args:
        operation: The layer or op that was called.
        args: Its arguments: nested structures in which symbolic tensors are the edges that come in.
        kwargs: Its keyword arguments, likewise.
        outputs: What it gave: a nested structure of symbolic tensors, which are made to point here.

    Example:
        >>> x = SymbolicTensor((None, 3), name="x")
        >>> y = x + 1.0
        >>> y.node.name, [t.name for t in y.node.inputs]
        ('add', ['x'])
    """

    def __init__(
        self, operation: Operation | Callable[..., Any], args: Tree, kwargs: Tree, outputs: Tree
    ) -> None:
        # A plain function among them has a name under another attribute: see `name`.
        self.operation = cast(Operation, operation)
        self.args = args
        self.kwargs = kwargs
        self.outputs = outputs
        self._read()
        for index, tensor in enumerate(self.output_tensors):
            # One that came in goes on pointing at the node that it came from.
            if tensor.node is None:
                tensor.node, tensor.index = self, index

    def _read(self) -> None:
        """Find the tensors among the arguments and the outputs."""
        args, kwargs = self.args, self.kwargs
        self.leaves, self.tree = jax.tree_util.tree_flatten((args, kwargs))
        # Most calls have no dict among their arguments, and `fill` runs for each call of a graph.
        self._ordered = has_keys((args, tuple(kwargs.values())))
        self._edges = [i for i, leaf in enumerate(self.leaves) if is_symbolic(leaf)]
        self.closures: list[Closure] = closures((args, kwargs))
        self.inputs: list[SymbolicTensor] = [self.leaves[i] for i in self._edges]
        self.output_tensors: list[SymbolicTensor] = [
            t for t in jax.tree_util.tree_leaves(self.outputs) if is_symbolic(t)
        ]

    def __getstate__(self) -> dict[str, Any]:
        return {k: vars(self)[k] for k in ("operation", "args", "kwargs", "outputs")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._read()

    @property
    def name(self) -> str:
        """The layer's or op's name."""
        return str(getattr(self.operation, "name", None) or cast(Any, self.operation).__name__)

    @property
    def is_source(self) -> bool:
        """Whether data comes in here: the node of an input layer."""
        return not self.inputs and not isinstance(self.operation, ReadVariable)

    @property
    def variables(self) -> list[Variable]:
        """The variables among the arguments, and the one that the node reads."""
        read = [leaf for leaf in self.leaves if isinstance(leaf, Variable)]
        if isinstance(self.operation, ReadVariable):
            read.append(self.operation.variable)
        return read

    def fill(self, values: dict[int, Any]) -> tuple[Any, Any]:
        """Return the arguments with each incoming tensor replaced by its value.

        Args:
            values: Values by the tensors' ids.
        """
        leaves = list(self.leaves)
        for i in self._edges:
            leaves[i] = values[id(leaves[i])]
        filled = jax.tree_util.tree_unflatten(self.tree, leaves)
        args, kwargs = keep_order((self.args, self.kwargs), filled) if self._ordered else filled
        return args, kwargs

    def __repr__(self) -> str:
        shapes = [t.shape for t in self.output_tensors]
        return f"<Node {self.name}: {[t.name for t in self.inputs]} -> {shapes}>"


class ReadVariable:
    """The operation of a node that reads a variable which a model's own code uses.

    Args:
        variable: The variable.
    """

    def __init__(self, variable: Variable) -> None:
        self.variable = variable
        self.name = variable.name
        # The dtype that the code reads it in, which is the code's and not the reader's of the graph.
        self._autocast = current_autocast() if variable.autocast else None

    @property
    def dtype(self) -> str:
        """The dtype that it is read in."""
        cast = self._autocast is not None and is_float(self.variable.dtype)
        return str(self._autocast) if cast else self.variable.dtype

    def __call__(self) -> Any:
        """Return the variable's value."""
        with autocast_scope(self._autocast):
            return self.variable.value


def reading(variable: Variable, dtype: str | None = None) -> SymbolicTensor:
    """Return a symbolic tensor that stands for reading a variable.

    Args:
        variable: The variable.
        dtype: The dtype that floats are read in; that of the code that is running where it is `None`.
    """
    with autocast_scope(dtype or current_autocast()):
        operation = ReadVariable(variable)
    tensor = SymbolicTensor((), operation.dtype, name=variable.name)
    tensor.dims = variable.shape
    Node(operation, (), {}, tensor)
    return tensor


class CapturePolicy(Policy):
    """While a model's code is captured, each of its own variables reads as one thing that stands for it."""

    captures = True

    def __init__(self) -> None:
        self._reads: dict[int, Any] = {}

    def read(self, variable: Variable) -> Any:
        """Return what stands for a variable."""
        raise NotImplementedError

    def missing(self, variable: Variable) -> Any:
        """Return what stands for a variable, the same each time."""
        if id(variable) not in self._reads:
            self._reads[id(variable)] = self.read(variable)
        return self._reads[id(variable)]

    def refuse(self, variable: Variable) -> None:
        """Refuse a new value."""
        raise CaptureError(
            f"assigning to the variable {variable.path!r} in a model's own `call` is a side effect that no graph "
            "can hold. Put the variable and its update into a layer of its own."
        )


class _Symbols(CapturePolicy):
    """Variables read as symbolic tensors."""

    def read(self, variable: Variable) -> SymbolicTensor:
        return reading(variable)


@contextlib.contextmanager
def recording() -> Iterator[list[Node]]:
    """Collect every node that is recorded while the `with` block lasts.

    Example:
        >>> x = SymbolicTensor((None, 3))
        >>> with recording() as nodes:
        ...     y = x * 2.0 + 1.0
        >>> [node.name for node in nodes]
        ['multiply', 'add']
    """
    nodes: list[Node] = []
    with entered(nodes=nodes), StatelessScope(policy=_Symbols()):
        yield nodes


def _is_text(x: object) -> bool:
    return is_symbolic(x) and x.is_text  # type: ignore[attr-defined]


def is_recording() -> bool:
    """Say whether a `recording` block is active."""
    return current_frame().nodes is not None


def record(
    operation: Operation | Callable[..., Any],
    args: Tree,
    kwargs: Tree,
    function: Callable[..., Any] | None = None,
) -> Any:
    """Record the call `operation(*args, **kwargs)` and return its symbolic outputs.

    Args:
        operation: The layer or op to name in the node.
        args: Its arguments, with symbolic tensors in them.
        kwargs: Its keyword arguments.
        function: What to trace for the output's shapes; `operation` itself where it is `None`.

    Returns:
        Symbolic tensors in the structure that the operation returns.
    """
    traced = function or operation
    try:
        specs = shared(operation, args, kwargs, lambda: infer(traced, args, kwargs))
    except (CaptureError, TextError) as error:
        text = next((t for t in jax.tree_util.tree_leaves((args, kwargs)) if _is_text(t)), None)
        if text is None or (isinstance(error, CaptureError) and not error.wants_array):
            raise
        # Of a layer's call, not of the op inside of it: the outermost one is the one that the user wrote.
        raise TextError(getattr(operation, "name", operation), text.name) from None
    outputs = map_tree(tensor_like, specs)
    node = Node(operation, args, kwargs, outputs)
    for tensor in node.output_tensors:
        tensor.name = node.name if len(node.output_tensors) == 1 else f"{node.name}_{tensor.index}"
    if (nodes := current_frame().nodes) is not None:
        nodes.append(node)
    return outputs
