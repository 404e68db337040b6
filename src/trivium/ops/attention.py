"""Attention: values taken together as queries and keys agree."""

from __future__ import annotations

import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import as_common_floats
from trivium.ops.lowering.attention import Attention
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
        key: An array of shape `(batch, keys, heads, depth)`; of fewer heads where each serves several of the query's.
        value: An array of shape `(batch, keys, heads, depth_of_values)`, of as many heads as `key`.
        bias: What to add to the logits; broadcasts with `(batch, heads, queries, keys)`.
        mask: Which keys each query may look at, truth values; broadcasts with the same.
        scale: What to multiply the logits by; `1 / sqrt(depth)` where it is `None`.
        is_causal: Whether a query looks at no later keys than its own position.
        flash_attention: `True` takes cuDNN's fused kernel (NVIDIA only, half types), and `None` where it can be taken.
            Elsewhere long sequences are attended to a block of queries at a time, in memory that grows with the length
            and not with its square.
        attn_logits_soft_cap: A limit `c` that the logits approach: each becomes `c * tanh(x / c)`.

    Returns:
        An array of shape `(batch, queries, heads, depth_of_values)`.

    Raises:
        ValueError: An array has not four axes, sizes do not fit together, the fused kernel is asked for where there is
            none, or together with a cap.

    Example:
        >>> x = jnp.ones((1, 2, 1, 4))
        >>> dot_product_attention(x, x, x).shape
        (1, 2, 1, 4)

    Reference:
        Vaswani et al., "Attention Is All You Need", 2017, https://arxiv.org/abs/1706.03762; for the cap
        Gemma Team, "Gemma 2", 2024, https://arxiv.org/abs/2408.00118
    """
    q, k, v = as_common_floats(query, key, value)
    _check_shapes(q, k, v)
    if attn_logits_soft_cap is not None and flash_attention:
        raise ValueError(
            "`attn_logits_soft_cap` does not go with `flash_attention`; leave one out."
        )
    attend = Attention(
        q.shape[-1] ** -0.5 if scale is None else scale,
        causal=is_causal, cap=attn_logits_soft_cap, flash=flash_attention,
    )  # fmt: skip
    bias = None if bias is None else jnp.asarray(bias, q.dtype)
    mask = None if mask is None else jnp.asarray(mask, bool)
    bias, mask = (x if x is None else x[(None,) * (4 - x.ndim)] for x in (bias, mask))
    return attend(q, k, v, bias, mask)


def _check_shapes(query: Array, key: Array, value: Array) -> None:
    shapes = query.shape, key.shape, value.shape
    if any(len(shape) != 4 for shape in shapes):
        raise ValueError(
            "query, key and value have shapes (batch, time, heads, depth); "
            f"got {shapes[0]}, {shapes[1]} and {shapes[2]}."
        )
    (batch, _, heads, depth), (_, keys, some, _), _ = shapes
    equal = [(batch, s[0]) for s in shapes[1:]] + [(depth, shapes[1][3])]
    equal += [(keys, shapes[2][1]), (some, shapes[2][2])]
    sizes = [(a, b) for a, b in equal if isinstance(a, int) and isinstance(b, int)]
    if any(a != b for a, b in sizes) or heads % some:
        raise ValueError(
            "query and key have one depth, key and value one length and number of heads, of which the query's number "
            f"of heads is a multiple, and all of them one batch size; got query {shapes[0]}, key {shapes[1]} and "
            f"value {shapes[2]}, each (batch, time, heads, depth)."
        )
