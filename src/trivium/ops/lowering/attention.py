"""Attention: plain for short sequences, a block of queries at a time for long ones, or by cuDNN's kernel.

The plain form holds a number for each query and key, so its memory grows with the square of the length. In blocks it
holds them for some queries at a time, forgets them, and computes them anew for the gradient: the same numbers, in
memory that grows with the length. On two CPU cores it is the faster form, too, from some hundred queries on, since a
block stays in the cache. (Rabe & Staats, "Self-attention Does Not Need O(n²) Memory", 2021,
https://arxiv.org/abs/2112.05682; cuDNN's kernel is that of Dao et al., "FlashAttention", 2022,
https://arxiv.org/abs/2205.14135)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp

from trivium.ops.lowering.drawing import kept_by_chance
from trivium.ops.lowering.windows import on_cpu
from trivium.state.dtypes import is_half
from trivium.state.lowerings import chosen_lowering
from trivium.state.session import session
from trivium.state.types import Array

__all__ = ["Attention", "dot_products"]

# From how many pairs of a query and a key on it is done in blocks, and of how many queries: on the CPU and elsewhere.
_ON_CPU, _ELSEWHERE = (1 << 18, 64), (1 << 22, 512)


def dot_products(query: Array, key: Array) -> Array:
    """Return how well keys agree with queries, shape `(batch, heads, queries, keys)`, in float32 at least.

    Args:
        query: Shape `(batch, queries, heads, depth)`.
        key: Shape `(batch, keys, some, depth)`, where a head of keys serves `heads / some` heads of queries.

    Example:
        >>> dot_products(jnp.ones((1, 2, 4, 8)), jnp.ones((1, 3, 2, 8))).shape
        (1, 4, 2, 3)
    """
    (batch, queries, heads, _), (_, keys, some, _) = query.shape, key.shape
    wide = jnp.promote_types(query.dtype, "float32")
    q, k = _by_head(query, some), _by_head(key, some)
    products = jnp.einsum("hqd,hkd->hqk", q, k, preferred_element_type=wide)
    return products.reshape(batch, heads, queries, keys)


def _by_head(x: Array, some: int) -> Array:
    """Return what `some` heads of each sample hold, shape `(batch * some, rows, depth)`.

    Heads that share keys are rows of one head. XLA's products of arrays with one axis in front are fused with what
    follows, on the CPU, and those with more are not; nor are they where an axis of size 1 is in the way.
    """
    batch, length, heads, depth = x.shape
    return jnp.moveaxis(x, 1, 2).reshape(batch * some, heads // some * length, depth)


@dataclasses.dataclass(frozen=True)
class Attention:
    """How queries attend to keys; calling it attends.

    Args:
        scale: What to multiply queries by, and so their agreement, which must be linear in them then.
        causal: Whether a query looks at no later keys than its own position.
        window: Whether it looks at keys nearer than this only, on both sides; at all where it is `None`.
        cap: A limit `c` that the logits approach: each becomes `c * tanh(x / c)`.
        dropout: The chance of a weight to become 0.
        flash: Whether to take cuDNN's kernel; `None` takes it where it can be taken, if the settings let it.
        agree: How well keys agree with queries: a function like `dot_products`.
        width: How many numbers that function holds for a query and a key.

    Example:
        >>> x = jnp.ones((1, 2, 4, 8))
        >>> Attention(scale=0.5)(x, x[:, :, :2], x[:, :, :2]).shape
        (1, 2, 4, 8)
    """

    scale: float | Array = 1.0
    causal: bool = False
    window: int | None = None
    cap: float | None = None
    dropout: float = 0.0
    flash: bool | None = None
    agree: Callable[[Array, Array], Array] = dot_products
    width: int = 1

    def __call__(
        self,
        query: Array,
        key: Array,
        value: Array,
        bias: Array | None = None,
        mask: Array | None = None,
        chance: Array | None = None,
    ) -> Array:
        """Return the means of the values, weighted by how well their keys agree with each query; 0 where it sees none.

        Args:
            query: Shape `(batch, queries, heads, depth)`.
            key: Shape `(batch, keys, some, depth)`, where a head of keys serves `heads / some` heads of queries.
            value: Shape `(batch, keys, some, depth_of_values)`.
            bias: What to add to the logits; broadcasts with `(batch, heads, queries, keys)`.
            mask: Which keys a query may look at; broadcasts with the same.
            chance: The key that dropout draws from.

        Raises:
            ValueError: The kernel is asked for and cannot be taken.
        """
        if self.flash is not False:
            fused = self._fused(query, key, value, bias, mask, chance)
            if fused is not None:
                return fused
        queries, keys = query.shape[1], key.shape[1]
        many, size = _ON_CPU if on_cpu() else _ELSEWHERE
        # Sums of `tanh` are dear to compute anew, so it takes more of them to be worth it.
        share = max(1, self.width / 16)
        known = isinstance(queries, int) and isinstance(keys, int)
        if (
            known and queries > size
        ):  # Of sizes that are symbols nobody can say which is the larger.
            form = chosen_lowering("attention")
            if form == "blocks" or (form == "auto" and queries * keys * share >= many):
                return self._blockwise(query, key, value, bias, mask, chance, size)
        return self._attend(query, key, value, bias, mask, chance)[0]

    def with_weights(
        self,
        query: Array,
        key: Array,
        value: Array,
        bias: Array | None = None,
        mask: Array | None = None,
        chance: Array | None = None,
    ) -> tuple[Array, Array]:
        """Return the weighted means, and the weights: shape `(batch, heads, queries, keys)`, before dropout.

        Args:
            query: As for a call, like the others.
        """
        means, exponentials, sums = self._attend(query, key, value, bias, mask, chance)
        return means, (exponentials / sums).astype(value.dtype)

    def _attend(
        self,
        query: Array,
        key: Array,
        value: Array,
        bias: Array | None,
        mask: Array | None,
        chance: Array | None,
        first: Array | int = 0,
    ) -> tuple[Array, Array, Array]:
        """Return the weighted means, and the weights before dropout as exponentials and their sums.

        The means are divided by the sums, and not the exponentials, of which there are more: nor are these divided for
        the gradients. (Dao et al., as above)

        Args:
            query: As for a call, like the others.
            first: The position of the first query.
        """
        (batch, queries, heads, _), (_, keys, some, depth) = query.shape, value.shape
        scaled = isinstance(self.scale, float) and self.scale == 1
        if not scaled and not is_half(query.dtype):  # A half type may not hold them.
            query, scaled = (query * self.scale).astype(query.dtype), True
        logits = self.agree(query, key)
        logits = logits if scaled else logits * self.scale
        logits = logits if bias is None else logits + bias
        logits = logits if self.cap is None else self.cap * jnp.tanh(logits / self.cap)
        near = self._near(first, queries, keys)
        seen = near if mask is None else mask if near is None else mask & near
        if seen is not None:
            logits = jnp.where(seen, logits, jnp.finfo(logits.dtype).min)
        # No weight depends on what is taken from all logits of a query, so neither does a gradient.
        largest = jax.lax.stop_gradient(jnp.max(logits, -1, keepdims=True, initial=-jnp.inf))
        exponentials = jnp.exp(logits - largest)
        sums = jnp.sum(exponentials, -1, keepdims=True)
        if mask is not None and seen is not None:
            # Where a query may look at no key, all weights are equal.
            exponentials = jnp.where(seen, exponentials, 0)
        kept = exponentials
        if chance is not None and self.dropout > 0:
            drawn = kept_by_chance(chance, 1 - self.dropout, kept.shape)
            kept = jnp.where(drawn, kept / (1 - self.dropout), 0)
        kept = kept.astype(value.dtype).reshape(batch * some, heads // some * queries, keys)
        # Not yet divided, they may be more than a half type holds.
        products = jnp.einsum(
            "hqk,hkd->hqd", kept, _by_head(value, some), preferred_element_type=sums.dtype
        )
        means = products.reshape(batch, heads, queries, depth) / sums
        return jnp.moveaxis(means, 1, 2).astype(value.dtype), exponentials, sums

    def _near(self, first: Array | int, queries: int, keys: int) -> Array | None:
        """Return which keys each query may look at by its position alone."""
        if not self.causal and self.window is None:
            return None
        ahead = jnp.arange(keys) - (first + jnp.arange(queries))[:, None]
        near = ahead <= 0 if self.causal else jnp.full(ahead.shape, True)
        return near if self.window is None else near & (abs(ahead) < self.window)

    def _blockwise(
        self,
        query: Array,
        key: Array,
        value: Array,
        bias: Array | None,
        mask: Array | None,
        chance: Array | None,
        size: int,
    ) -> Array:
        """Attend for a block of `size` queries at a time, and for those left over."""
        count = query.shape[1] // size

        @jax.checkpoint
        def block(x: tuple[Any, ...]) -> Array:
            i, rows, added, seen = x
            drawn = None if chance is None else jax.random.fold_in(chance, i)
            return self._attend(rows, key, value, added, seen, drawn, i * size)[0]

        def parts(x: Array | None, axis: int) -> tuple[Any, Any]:
            """Return the blocks, one after the other, and the rest; what all queries share goes to each of them."""
            if x is None or x.shape[axis] == 1:
                shared = None if x is None else jnp.broadcast_to(x, (count, *x.shape))
                return shared, x
            whole = jax.lax.slice_in_dim(x, 0, count * size, axis=axis)
            split = whole.reshape(*x.shape[:axis], count, size, *x.shape[axis + 1 :])
            rest = jax.lax.slice_in_dim(x, count * size, None, axis=axis)
            return jnp.moveaxis(split, axis, 0), rest

        queries, added, seen = parts(query, 1), parts(bias, 2), parts(mask, 2)
        blocks = jax.lax.map(block, (jnp.arange(count), queries[0], added[0], seen[0]))
        means = jnp.moveaxis(blocks, 0, 1).reshape(query.shape[0], count * size, *blocks.shape[3:])
        if queries[1].shape[1] == 0:
            return means
        return jnp.concatenate([means, block((count, queries[1], added[1], seen[1]))], axis=1)

    def _fused(
        self,
        query: Array,
        key: Array,
        value: Array,
        bias: Array | None,
        mask: Array | None,
        chance: Array | None,
    ) -> Array | None:
        """Attend by cuDNN's kernel; return `None` where it is not asked for and is not known to fit.

        A mask is a bias to it, which it takes for sizes that are even only, and it has other numbers for queries that
        may look at no key; so it is left alone with masks unless it is asked for.
        """
        if not self.flash:
            plain = bias is None and mask is None and self.cap is None and self.window is None
            plain = plain and chance is None and self.agree is dot_products
            half = query.dtype in (jnp.float16, jnp.bfloat16)
            wanted = session().flash_attention and jax.default_backend() == "gpu"
            if not (plain and half and wanted):
                return None
        reach = None if self.window is None else self.window - 1
        window = None if reach is None else (reach, 0 if self.causal else reach)
        try:
            return jax.nn.dot_product_attention(
                query, key, value, bias, mask, scale=cast(float, self.scale), is_causal=self.causal,
                local_window_size=window, implementation="cudnn",
            )  # fmt: skip
        except (NotImplementedError, RuntimeError, ValueError) as error:
            if not self.flash:
                return None
            raise ValueError(
                f"flash_attention=True takes cuDNN's kernel, which cannot be taken here: {error} Leave "
                "`flash_attention` out: it is taken wherever it can be, and long sequences are attended to in blocks."
            ) from error
