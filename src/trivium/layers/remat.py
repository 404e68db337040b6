"""Layers that forget what they compute on the way, to save memory: chosen where they are made."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax

from trivium import ops
from trivium.state.effects import Effects
from trivium.state.frame import FrameScope

__all__ = ["RematScope"]

_MODES = ("full", "activations", "larger_than", "list_of_layers")


class RematScope(FrameScope):
    """Layers made in the `with` block compute anew, when gradients need it, what they computed on the way.

    It saves memory and costs time; the numbers are the same.

    Args:
        mode: Which layers: `"full"` all; `"activations"` all, but the results of products and convolutions are kept;
            `"larger_than"` those that give more than `output_size_threshold` numbers; `"list_of_layers"` those in
            `layer_names`; `None` none.
        output_size_threshold: How many numbers, the batch's included.
        layer_names: Names of layers.

    Raises:
        ValueError: There is no such mode.

    Example:
        >>> from trivium import layers
        >>> with RematScope(mode="full"):
        ...     dense = layers.Dense(2)

    Reference:
        Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016.
    """

    def __init__(
        self,
        mode: str | None = "full",
        output_size_threshold: int = 1024,
        layer_names: Sequence[str] | None = None,
    ) -> None:
        if mode is not None and mode not in _MODES:
            raise ValueError(f"RematScope: `mode` is one of {_MODES} or None; got {mode!r}.")
        self.mode = mode
        self.output_size_threshold = output_size_threshold
        self.layer_names = tuple(layer_names or ())

    def _changes(self) -> dict[str, Any]:
        return {"remat": self}

    def applied(self, name: str, call: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Return what a layer's `call` gives, rematerialized where the mode says so.

        Args:
            name: The layer's name.
            call: Its `call`.
            args: The arguments.
            kwargs: The keyword arguments.
        """
        if self.mode is None or (self.mode == "list_of_layers" and name not in self.layer_names):
            return call(*args, **kwargs)
        small = self.mode == "larger_than" and (
            _size(Effects(call, args, kwargs).result) <= self.output_size_threshold
        )
        if small:
            return call(*args, **kwargs)
        return ops.remat(call, keep_products=self.mode == "activations")(*args, **kwargs)


def _size(outputs: Any) -> int:
    return sum(math.prod(x.shape) for x in jax.tree_util.tree_leaves(outputs))
