"""Marks in a traced program: where it calls a layer or op, and where it reads a variable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax

from trivium.graph import CaptureError
from trivium.graph.node import CapturePolicy
from trivium.layers.base import Layer
from trivium.state import Variable, jaxpr, shape_scope
from trivium.state.frame import current_frame, entered

__all__ = ["CALL", "READ", "MarkedCall", "Marks", "bind_marked"]


class MarkedCall:
    """What a traced call stands for: a layer or op, with arguments in which the arrays have been taken out."""

    def __init__(self, operation: Any, leaves: list[Any], tree: Any, outputs: Any) -> None:
        self.operation, self.leaves, self.tree, self.outputs = operation, leaves, tree, outputs

    def arguments(self, arrays: Iterator[Any]) -> tuple[Any, Any]:
        """Return the arguments with arrays, or tensors, in their places."""
        filled = [next(arrays) if leaf is _ARRAY else leaf for leaf in self.leaves]
        args, kwargs = jax.tree_util.tree_unflatten(self.tree, filled)
        return args, kwargs


_ARRAY = object()

# The two operations that a traced program has beside JAX's own. Nothing ever runs them: they mark calls and readings.
CALL = jaxpr.marker(
    "trivium_call", lambda *_, what: jax.tree_util.tree_leaves(what.outputs), several=True
)
READ = jaxpr.marker("trivium_read", lambda *, what: what)


def bind_marked(operation: Any, args: Any, kwargs: Any, function: Callable[..., Any]) -> Any:
    """Mark a call in the program that is being traced, and return what stands for its results."""
    if not _stands_in_program():
        if isinstance(operation, Layer):
            raise _hidden(f"calls the layer {operation.name!r}")
        with entered(binder=None):
            return function(*args, **kwargs)
    leaves, tree = jax.tree_util.tree_flatten((args, kwargs))
    arrays = [leaf for leaf in leaves if isinstance(leaf, jax.Array)]
    marked = [_ARRAY if isinstance(leaf, jax.Array) else leaf for leaf in leaves]

    def traced(*given: Any) -> Any:
        a, k = MarkedCall(operation, marked, tree, None).arguments(iter(given))
        return function(*a, **k)

    with entered(binder=None), shape_scope():
        outputs = jax.eval_shape(traced, *arrays)
    results = CALL.bind(*arrays, what=MarkedCall(operation, marked, tree, outputs))
    return jax.tree_util.tree_unflatten(jax.tree_util.tree_structure(outputs), results)


class Marks(CapturePolicy):
    """While a model is traced, its own variables read as marks in the program, one for each."""

    def read(self, variable: Variable) -> jax.Array:
        """Return what stands for a variable's value in the program that is being traced."""
        if not _stands_in_program():
            raise _hidden(f"reads the variable {variable.path!r}")
        return READ.bind(what=variable)


def _stands_in_program() -> bool:
    """Say whether the running code is the model's own, not that of a loop, a branch or a checkpoint inside."""
    scopes = reversed(current_frame().scopes)
    return next((s.inside() for s in scopes if isinstance(s.policy, Marks)), True)


def _hidden(what: str) -> CaptureError:
    return CaptureError(
        f"this line {what} inside of a loop, a branch or a checkpoint, in a model whose `call` uses JAX directly, and "
        "no graph sees into those. Written with functions of `trivium.ops` alone (`ops.scan`, `ops.cond`, `ops.remat`, "
        "and `ops` in place of `jax.numpy`) the model has a graph; as it is, it can be called and trained."
    )
