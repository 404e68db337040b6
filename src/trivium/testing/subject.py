"""A layer under test, with inputs for it, and the ways in which the checks call it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import tree_leaves, tree_map, tree_structure

from trivium.layers import Input, Layer
from trivium.models import Model
from trivium.state import StatelessScope

__all__ = ["Subject", "difference", "is_float_array", "program"]

# Its programs run once: what costs is compiling with care for speed.
_QUICKLY: Any = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}


class Subject:
    """A layer to check. The one that is given is left as it is: copies are called.

    Args:
        layer: The layer, built or not.
        inputs: What it is called on: arrays with the batch first, in any structure.
        kwargs: More arguments for its call.
    """

    def __init__(self, layer: Layer, inputs: Any, kwargs: dict[str, Any]) -> None:
        self.given, self.kwargs = layer, kwargs
        # One example says nothing about how examples go together.
        self.inputs = tree_map(_at_least_two, inputs)
        self.batch = min(x.shape[0] for x in tree_leaves(self.inputs))
        self.kind = type(layer)
        self.layer: Layer = layer  # Until there is a copy that has been called.

    def fresh(self) -> Layer:
        """Return a copy of the layer as it was given."""
        return copy.deepcopy(self.given)

    def twin(self) -> Layer:
        """Return a copy with the weights of the layer that the checks call."""
        twin = self.fresh()
        twin(self.inputs, **self.kwargs)
        twin.set_weights(self.layer.get_weights())
        return twin

    def run(self, layer: Layer, inputs: Any, training: bool) -> tuple[Any, Any, list[Any]]:
        """Call a layer and leave it as it is: return the outputs, the losses' sum, and its variables' values after."""
        mapping = [(v, v.value) for v in layer.variables]
        with StatelessScope(mapping, collect_losses=True) as scope:
            outputs = layer(inputs, training=training, **self.kwargs)
        losses = sum((jnp.sum(x) for x in scope.losses), jnp.zeros(()))
        return outputs, losses, [scope.get_current_value(v) for v, _ in mapping]

    def rows(self, tree: Any, start: int, stop: int) -> Any:
        """Return some examples of each array."""
        return tree_map(lambda x: x[start:stop], tree)

    def symbols(self, batch: int | None = None) -> Any:
        """Return symbolic inputs like the arrays."""
        return tree_map(
            lambda x: Input(batch_shape=(batch, *x.shape[1:]), dtype=str(x.dtype)), self.inputs
        )

    def sizes(self, batch: int | None) -> Any:
        """Return the inputs' shapes, as `build` takes them."""
        return tree_map(lambda x: (batch, *x.shape[1:]), self.inputs)

    def model(self, layer: Layer) -> Model:
        """Return a model of one layer."""
        x = self.symbols()
        return Model(x, layer(x, **self.kwargs))


def program(function: Callable[..., Any], *args: Any) -> Any:
    """Run a function as one program."""
    return jax.jit(function).lower(*args).compile(compiler_options=_QUICKLY)(*args)


def is_float_array(x: Any) -> bool:
    """Say whether something is an array of floats."""
    return hasattr(x, "dtype") and jnp.issubdtype(x.dtype, jnp.floating)


def difference(one: Any, other: Any, tolerance: float = 1e-4) -> str | None:
    """Say in words how two structures of arrays differ; `None` where they are equal within the tolerance.

    Example:
        >>> difference({"a": jnp.zeros(2)}, {"a": jnp.ones(2)})
        'they differ by up to 1'
    """
    a, b = tree_leaves(one), tree_leaves(other)
    if str(tree_structure(one)) != str(tree_structure(other)):
        return f"one is {tree_structure(one)}, the other {tree_structure(other)}"
    for x, y in zip(map(np.asarray, a), map(np.asarray, b), strict=True):
        if x.shape != y.shape:
            return f"one has shape {x.shape}, the other {y.shape}"
        x, y = (v.astype("float64") if v.dtype.kind not in "US" else v for v in (x, y))
        if not np.allclose(x, y, rtol=tolerance, atol=tolerance, equal_nan=True):
            return f"they differ by up to {np.nanmax(np.abs(x - y)):.3g}"
    return None


def _at_least_two(x: Any) -> Any:
    x = jnp.asarray(x)
    if not x.ndim:
        raise ValueError("check_layer: `inputs` are arrays with the batch as their first axis.")
    return jnp.concatenate([x, x[..., ::-1]]) if x.shape[0] == 1 else x
