"""Ops on text: those that only move entries about are done to the numbers of the entries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.data.texts import is_text
from trivium.graph.tensor import SymbolicTensor, is_symbolic

__all__ = ["moved"]

# What these give are entries of what they are given, in other places.
_MOVES = frozenset({
    "concatenate", "expand_dims", "flip", "get_item", "hstack", "moveaxis", "ravel", "repeat", "reshape", "roll",
    "split", "squeeze", "stack", "swapaxes", "take", "tile", "transpose", "unstack", "vstack",
})  # fmt: skip


def moved(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Return what an op gives for text; `NotImplemented` where it is given none, or computes.

    Args:
        function: The function behind the op.
        args: Its arguments, with arrays of text among them, or symbolic tensors that stand for text.
        kwargs: Its keyword arguments.

    Example:
        >>> texts = np.array([["a", "b"], ["c", "d"]], np.dtypes.StringDType())
        >>> moved(jnp.transpose, (texts,), {}).tolist()
        [['a', 'c'], ['b', 'd']]
    """
    leaves, tree = jax.tree_util.tree_flatten((args, kwargs))
    symbols = [i for i, x in enumerate(leaves) if is_symbolic(x) and x.is_text]
    texts = [i for i, x in enumerate(leaves) if is_text(x)]
    if function.__name__ not in _MOVES or not (symbols or texts):
        return NotImplemented
    count = 0
    pool = [np.ravel(leaves[i]) for i in texts]
    for i in (*symbols, *texts):
        x = leaves[i]
        if i in symbols:
            leaves[i] = jnp.zeros(x.dims, "int32")
        else:
            leaves[i] = jnp.arange(count, count + x.size, dtype="int32").reshape(x.shape)
            count += x.size
    plain, named = jax.tree_util.tree_unflatten(tree, leaves)
    result = function(*plain, **named)
    if symbols:
        return jax.tree_util.tree_map(lambda r: SymbolicTensor(r.shape, "string", "text"), result)
    entries = np.concatenate(pool)
    return jax.tree_util.tree_map(lambda r: entries[np.asarray(r)], result)
