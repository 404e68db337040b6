"""Reading the graph of a subclassed model: its `call` is run once on symbolic tensors, and what it does is recorded."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from trivium.graph import (
    CaptureError,
    Graph,
    Node,
    ReadVariable,
    SymbolicTensor,
    any_symbolic,
    recording,
)
from trivium.graph.errors import error_location
from trivium.graph.infer import infer
from trivium.layers.base import Layer
from trivium.layers.context import outermost
from trivium.state.frame import Frame, entered
from trivium.state.retracing import fresh_traces
from trivium.state.traces import outside_of_traces
from trivium.state.trees import key_order, map_tree

__all__ = [
    "as_capture_error",
    "capture",
    "entering_call",
    "plain_error",
    "same_form",
    "symbolic_like",
    "trace",
    "wants_arrays",
]


def symbolic_like(structure: Any, whole_batches: bool = False) -> Any:
    """Return symbolic tensors in place of the arrays in a structure.

    Args:
        structure: The arrays, or symbolic tensors.
        whole_batches: Whether the batches are of one known size; else it is unknown.
    """
    names = iter(range(1 << 30))

    def convert(x: Any) -> Any:
        if isinstance(x, SymbolicTensor):
            # An input hands its name on; what a layer gives is another model's affair.
            own = not x.name.startswith("tensor") if x.node is None else x.node.is_source
            name = x.name if own else f"input_{next(names)}"
            batch = x.shape[0] if whole_batches else None
            return SymbolicTensor((batch, *x.shape[1:]), x.dtype, name=name)
        if not hasattr(x, "shape") or not hasattr(x, "dtype"):
            return x
        shape = [int(d) if isinstance(d, int | np.integer) else None for d in x.shape]
        if not whole_batches:
            shape[:1] = [None] * len(shape[:1])
        return SymbolicTensor(tuple(shape), x.dtype, name=f"input_{next(names)}")

    return map_tree(convert, structure)


def same_form(spec: Any, value: Any) -> bool:
    """Say whether a value has the structure, dtypes and known sizes that a model was captured with.

    Args:
        spec: What `symbolic_like` gave.
        value: Arrays.
    """
    flat, tree = jax.tree_util.tree_flatten(spec)
    given, tree_given = jax.tree_util.tree_flatten(value)
    # A call that reads a dict in its order reads another order differently.
    same = str(tree) == str(tree_given) and key_order(spec) == key_order(value)
    return same and all(
        hasattr(x, "shape") and len(x.shape) == t.ndim
        and all(w is None or w == d for w, d in zip(t.shape, x.shape, strict=True))
        and str(x.dtype) == t.dtype
        for t, x in zip(flat, given, strict=True)
    )  # fmt: skip


def capture(model: Layer, args: Any, kwargs: Any, training: bool) -> tuple[Graph, bool]:
    """Record a model's `call`.

    Args:
        model: The model.
        args: The arguments of its call, with symbolic tensors from `symbolic_like`.
        kwargs: The keyword arguments, likewise.
        training: Which mode to record.

    Returns:
        The graph, and whether running it does all that the call does (a layer whose output is not used is not in it).

    Raises:
        CaptureError: The code does what no graph can hold; the message has its file and line.
    """
    with (
        entering_call(model, args, kwargs, training) as (frame, said),
        recording() as nodes,
        outside_of_traces(),  # A constant is one, also where a step is being traced.
    ):
        outputs = model.call(*args, **said)
    inputs = args[0] if len(args) == 1 and not any_symbolic((), kwargs) else (args, kwargs)
    assert frame.call is not None
    graph = Graph(_only_tensors(inputs), outputs, tuple(frame.call.losses))
    held = {id(node) for node in graph.nodes}
    flow = _in_the_flow(graph, nodes)
    whole = all(id(n) in held for n in flow if isinstance(n.operation, Layer))
    return graph, whole


def _in_the_flow(graph: Graph, nodes: list[Node]) -> list[Node]:
    """Return the nodes whose inputs come from the model's: not those of a model that the code declares as it runs."""
    reached = {id(t) for t in graph.input_tensors}
    flow = []
    for node in nodes:
        if isinstance(node.operation, ReadVariable) or any(id(t) in reached for t in node.inputs):
            flow.append(node)
            reached.update(id(t) for t in node.output_tensors)
    return flow


def as_capture_error(error: Exception) -> CaptureError:
    """Return the error that a model's `call` met while it was recorded as one that names the user's line."""
    if isinstance(error, CaptureError):
        return error
    what = _forbidden(error) or (
        f"this model's `call` cannot be recorded as a graph ({type(error).__name__}: {error}). Functions of "
        "`trivium.ops` record themselves."
    )
    refusal = CaptureError(what, error_location(error))
    refusal.__cause__ = error
    return refusal


def plain_error(error: Exception) -> Exception:
    """Return a capture error for what Python code cannot do to an array, and any other error as it is."""
    return as_capture_error(error) if _forbidden(error) else error


# JAX, and our functions that make arrays, name what they cannot take; a size that is not known is `None` to Python.
_REFUSALS = (
    "SymbolicTensor",
    "NoneType",
    "None is not a valid value for jnp.array",
    "concrete values of integer type, got (None",
    "An array needs a size for each axis; got (None",
    "has a size that is not known",
)


def wants_arrays(error: Exception) -> bool:
    """Say whether an error comes from code that was given symbolic tensors where it can only do with arrays.

    Any other error is the user's own: it would come again, and is raised at once.
    """
    if isinstance(error, CaptureError) or _forbidden(error) is not None:
        return True
    if isinstance(error, AttributeError):
        return isinstance(error.obj, SymbolicTensor)
    refused = isinstance(error, TypeError | ValueError)
    return refused and any(word in str(error) for word in _REFUSALS)


def _forbidden(error: Exception) -> str | None:
    """Say what is wrong where Python code treats a traced array as numbers or as a list."""
    if isinstance(error, jax.errors.ConcretizationTypeError):
        return (
            "Python cannot decide by an array's values here (`if`, `while`, `int()`, `float()`): the code runs before "
            "any data exists. Use `ops.where` or `ops.cond` in place of `if`, and a fixed count in place of a loop "
            "over values."
        )
    if isinstance(error, TypeError) and "item assignment" in str(error):
        return (
            "an array cannot be changed in place. Make a new one: `ops.where` chooses element by element, "
            "`ops.slice_update` and `ops.scatter_update` put values in."
        )
    return None


def trace(model: Layer, args: Any, kwargs: Any, training: bool) -> list[tuple[Layer, Any]]:
    """Run a model's `call` once on abstract arrays, to build its layers where its code cannot be recorded.

    Returns:
        The layers it called, in order, each with the shapes of its outputs.
    """
    trail: list[tuple[Layer, Any]] = []
    with entering_call(model, args, kwargs, training) as (_, said), entered(trail=trail):
        infer(model.call, args, said)
    return trail


@contextlib.contextmanager
def entering_call(
    model: Layer, args: Any, kwargs: Any, training: bool | None
) -> Iterator[tuple[Frame, dict[str, Any]]]:
    """Enter a model to run its `call` by itself, outside of any call around it.

    Args:
        model: The model.
        args: The arguments of the call.
        kwargs: The keyword arguments.
        training: The mode.

    Returns:
        The frame, and the keyword arguments with the mode and the masks filled in.
    """
    said = model._with_inherited(args, kwargs, training)
    with outermost(model, training) as frame, model._autocasting(), fresh_traces():
        yield frame, said


def _only_tensors(structure: Any) -> Any:
    leaves = jax.tree_util.tree_leaves(structure)
    if all(isinstance(x, SymbolicTensor) for x in leaves):
        return structure
    return [x for x in leaves if isinstance(x, SymbolicTensor)]
