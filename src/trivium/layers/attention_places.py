"""Where attention takes place: the axes that it goes over become one, the others part of the batch; so do masks."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp

from trivium.layers.checks import broadcasts, known
from trivium.state.types import Array

__all__ = ["Places", "both", "counted"]


class Places:
    """The places of queries and of keys.

    Args:
        query: The query's shape, `(batch, ..., features)`.
        key: The key's shape, which differs on `axes` and in its features alone.
        axes: The axes that attention goes over.
        where: The layer, for messages.

    Example:
        >>> places = Places((2, 3, 5, 4), (2, 3, 6, 4), [2], "Layer 'a'")
        >>> places.flat(jnp.ones((2, 3, 5, 8, 1))).shape, places.scores_shape(8)
        ((6, 5, 8, 1), (2, 3, 8, 5, 6))
    """

    def __init__(self, query: Any, key: Any, axes: list[int], where: str) -> None:
        self.query, self.key, self.axes, self.where = query, key, axes, where
        self.others = [i for i in range(len(query) - 1) if i not in axes]

    def _over(self, shape: Any) -> tuple[Any, ...]:
        return tuple(shape[i] for i in self.axes)

    def flat(self, x: Array) -> Array:
        """Return an array of shape `(batch, ..., *rest)` as one of shape `(some, places, *rest)`."""
        last = range(len(self.query) - 1, x.ndim)
        moved = jnp.transpose(x, (*self.others, *self.axes, *last))
        some = math.prod(x.shape[i] for i in self.others)
        return moved.reshape(some, math.prod(self._over(x.shape)), *x.shape[len(self.query) - 1 :])

    def unflat(self, x: Array) -> Array:
        """Take `flat` back, for what has a place for each query."""
        order = [*self.others, *self.axes]
        sizes, last = [self.query[i] for i in order], x.shape[2:]
        back = sorted(range(len(order)), key=order.__getitem__)
        rest = range(len(order), len(order) + len(last))
        return jnp.transpose(x.reshape(*sizes, *last), (*back, *rest))

    def scores_shape(self, heads: int) -> tuple[Any, ...]:
        """Return the shape of the scores: `(batch, ..., heads, *queries, *keys)`."""
        others = tuple(self.query[i] for i in self.others)
        return (*others, heads, *self._over(self.query), *self._over(self.key))

    def seen(self, keys: Array | None, pairs: Any) -> Array | None:
        """Return which keys each query may look at, as far as masks say it: `(some, heads or 1, queries, keys)`.

        Args:
            keys: Which places of the key count, of the key's shape without its features.
            pairs: Which pairs do: shape `(batch, queries, keys)`, without the batch, or with further axes behind it.

        Raises:
            ValueError: `pairs` has no such shape.
        """
        of_keys = None if keys is None else self.flat(keys)[:, None, None, :]
        return of_keys if pairs is None else both(of_keys, self._of_pairs(pairs))

    def counting(self, mask: Any, shape: Any) -> Array | None:
        """Return the mask of an input of a shape in the input's shape without its features.

        Args:
            mask: A mask of that shape or its first axes; or `None`.
            shape: The input's shape.

        Raises:
            ValueError: The mask has another shape.
        """
        if mask is None:
            return None
        mask, shape = jnp.asarray(mask, bool), shape[:-1]
        wide = mask.reshape(*mask.shape, *(1,) * (len(shape) - mask.ndim))
        if mask.ndim < 2 or not broadcasts(wide.shape, shape):
            raise ValueError(
                f"{self.where}: the mask of an input of shape {known(shape)}, features aside, has that shape or its "
                f"first axes, two at least; got a mask of shape {known(mask.shape)}."
            )
        return jnp.broadcast_to(wide, shape)

    def _of_pairs(self, mask: Any) -> Array:
        mask, count = jnp.asarray(mask, bool), 2 * len(self.axes)
        first = mask.ndim - count
        gap = (1,) * (len(self.others) + 1 - first)
        wide = mask.reshape(*mask.shape[: max(first, 0)], *gap, *mask.shape[max(first, 0) :])
        full = self.scores_shape(wide.shape[len(self.others)] if first >= 0 else 1)
        if first < 0 or not broadcasts(wide.shape, full):
            raise ValueError(
                f"{self.where}: `attention_mask` has a truth value for each query and key, shape "
                f"{known((full[0], *full[-count:]))}, without the batch, or with further axes behind it as in the "
                f"scores' shape (batch, ..., heads, queries, keys); got shape {known(mask.shape)}."
            )
        if count == 2 and len(self.others) == 1:
            return wide
        some = math.prod(full[: len(self.others)])
        over = math.prod(self._over(self.query)), math.prod(self._over(self.key))
        return jnp.broadcast_to(wide, full).reshape(some, full[len(self.others)], *over)


def both(one: Array | None, other: Array | None) -> Array | None:
    """Return where both masks let look; `None` stands for one that lets look everywhere.

    Example:
        >>> both(None, None), both(jnp.array([True, False]), None).tolist()
        (None, [True, False])
    """
    return other if one is None else one if other is None else one & other


def counted(x: Array, mask: Array | None) -> Array:
    """Return an input with 0 where its mask says that it does not count, so that what stands there may be anything.

    Example:
        >>> counted(jnp.array([[1.0], [jnp.nan]]), jnp.array([True, False])).tolist()
        [[1.0], [0.0]]
    """
    return x if mask is None else jnp.where(mask[..., None], x, 0)
