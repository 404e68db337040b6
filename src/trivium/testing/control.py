"""Calls in a row, made plainly or inside the ops that loop, branch and forget: they are to be the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax.tree_util import tree_map

from trivium import ops
from trivium.layers import Layer
from trivium.state import StatelessScope

__all__ = ["WAYS", "in_turn"]

WAYS = ("plain", "scan", "cond", "remat")


def in_turn(layer: Layer, call: Callable[[Any], Any], way: str, arrays: Any, flag: Any) -> Any:
    """Call a layer twice, the second time on the batch turned round.

    Args:
        layer: The layer.
        call: How it is called on inputs.
        way: One of `WAYS`.
        arrays: The inputs.
        flag: A truth value that the compiler does not know, for branches: true.

    Returns:
        The outputs of both calls, the sum of the losses, and the values of all variables after.
    """
    second = tree_map(lambda x: x[::-1], arrays)
    with StatelessScope([(v, v.value) for v in layer.variables], collect_losses=True) as scope:
        if way == "scan":
            both = tree_map(lambda a, b: jnp.stack([a, b]), arrays, second)
            _, stacked = ops.scan(lambda c, x: (c, call(x)), jnp.zeros(()), both)
            outputs = [tree_map(lambda y, i=i: y[i], stacked) for i in range(2)]
        elif way == "cond":
            branches = (lambda: call(arrays)), (lambda: call(second))
            outputs = [ops.cond(taken, *branches) for taken in (flag, ~flag)]
        elif way == "remat":
            outputs = [ops.remat(call)(x) for x in (arrays, second)]
        else:
            outputs = [call(x) for x in (arrays, second)]
        losses = jnp.asarray(sum(jnp.sum(x) for x in scope.losses), "float32")
        return outputs, losses, [scope.get_current_value(v) for v in layer.variables]
