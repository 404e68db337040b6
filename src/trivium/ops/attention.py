"""Attention: values taken together as queries and keys agree."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import as_common_floats
from trivium.state.types import Array, ArrayLike

__all__ = ["dot_product_attention"]


@op
def dot_product_attention(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    bias: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Array:
    """Return for each query the mean of the values, weighted by how well their keys agree with it.

    Args:
        query: An array of shape `(batch, queries, heads, depth)`.
        key: An array of shape `(batch, keys, heads, depth)`.
        value: An array of shape `(batch, keys, heads, depth_of_values)`.
        bias: What to add to the logits; broadcasts with `(batch, heads, queries, keys)`.
        mask: Which keys each query may look at, truth values; broadcasts with the same.
        scale: What to multiply the logits by; `1 / sqrt(depth)` where it is `None`.
        is_causal: Whether a query looks at no later keys than its own position.
        flash_attention: `True` takes cuDNN's fused kernel (NVIDIA only, half types).
        attn_logits_soft_cap: A limit `c` that the logits approach: each becomes `c * tanh(x / c)`.

    Returns:
        An array of shape `(batch, queries, heads, depth_of_values)`.

    Raises:
        ValueError: An array has not four axes, or a cap is asked for together with the fused kernel.

    Example:
        >>> x = jnp.ones((1, 2, 1, 4))
        >>> dot_product_attention(x, x, x).shape
        (1, 2, 1, 4)

    Reference:
        Vaswani et al., "Attention Is All You Need", 2017, https://arxiv.org/abs/1706.03762; for the cap
        Gemma Team, "Gemma 2", 2024, https://arxiv.org/abs/2408.00118
    """
    q, k, v = as_common_floats(query, key, value)
    if any(a.ndim != 4 for a in (q, k, v)):
        raise ValueError(
            "query, key and value have shapes (batch, time, heads, depth); "
            f"got {q.shape}, {k.shape} and {v.shape}."
        )
    bias = None if bias is None else jnp.asarray(bias, q.dtype)
    mask = None if mask is None else jnp.asarray(mask, bool)
    if attn_logits_soft_cap is None:
        attend = partial(
            jax.nn.dot_product_attention, implementation="cudnn" if flash_attention else "xla"
        )
        return attend(q, k, v, bias, mask, scale=scale, is_causal=is_causal)
    if flash_attention:
        raise ValueError(
            "`attn_logits_soft_cap` does not go with `flash_attention`; leave one out."
        )
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    return _capped(q, k, v, bias, mask, scale, is_causal, attn_logits_soft_cap)


def _capped(
    q: Array,
    k: Array,
    v: Array,
    bias: Array | None,
    mask: Array | None,
    scale: float,
    is_causal: bool,
    cap: float,
) -> Array:
    """The plain form, with logits that stay below a cap."""
    logits = jnp.einsum("bqhd,bkhd->bhqk", q, k) * scale
    logits = logits if bias is None else logits + bias
    logits = cap * jnp.tanh(logits / cap)
    if is_causal:
        before = jnp.tril(jnp.ones(logits.shape[-2:], bool))
        mask = before if mask is None else mask & before
    if mask is not None:
        logits = jnp.where(mask, logits, jnp.finfo(q.dtype).min)
    return jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(logits, axis=-1), v)
