"""Attention of one head without projections: Luong's and Bahdanau's."""

from __future__ import annotations

from typing import Any, ClassVar

import jax.numpy as jnp

from trivium.layers.attention_places import counted
from trivium.layers.base import Layer
from trivium.layers.checks import flag, known, unit_fraction
from trivium.layers.registry import LAYERS
from trivium.ops.lowering import attention
from trivium.state import SeedGenerator
from trivium.state.types import Array, Shape

__all__ = ["AdditiveAttention", "Attention"]


@LAYERS.register()
class Attention(Layer):
    """For each query the mean of the values, weighted by how well their keys agree with it: by their dot product.

    Args:
        use_scale: Whether a weight multiplies the agreement.
        score_mode: `"dot"`, or `"concat"` for a weight times the sum of `tanh(query + key)`.
        dropout: The chance of a weight of the mean to become 0 while training.
        seed: A whole number, for dropout; by the global seed where it is `None`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: `use_scale` is not true or false.
        ValueError: `score_mode` is none of these, or `dropout` no number from 0 to 1.

    Shapes:
        `[query, value]` or `[query, value, key]` of shapes `(batch, ..., queries, depth)`,
        `(batch, ..., keys, depth_of_values)` and `(batch, ..., keys, depth)`, where the value is the key, too, if there
        is no third; to `(batch, ..., queries, depth_of_values)`.

    Example:
        >>> import numpy as np
        >>> query, value = np.ones((1, 2, 4)), np.arange(3.0).reshape(1, 3, 1) * np.ones(4)
        >>> output, scores = Attention()([query, value], return_attention_scores=True)
        >>> output.shape, scores.shape
        ((1, 2, 4), (1, 2, 3))

    Reference:
        Luong et al., "Effective Approaches to Attention-based Neural Machine Translation", 2015,
        https://arxiv.org/abs/1508.04025
    """

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if score_mode not in ("dot", "concat"):
            raise ValueError(
                f"{type(self).__name__}: `score_mode` is 'dot' or 'concat'; got {score_mode!r}."
            )
        self._set(
            use_scale=flag(self, use_scale=use_scale), score_mode=score_mode,
            dropout=unit_fraction(self, dropout=dropout), seed=seed,
        )  # fmt: skip
        self.supports_masking = True
        self.seed_generator = SeedGenerator(seed) if self.dropout > 0 else None

    def build(self, input_shape: Any) -> None:
        """Make the scale and the weight of the sum, where there are any."""
        self._check(input_shape)
        self.scale = self.add_weight((), "ones", name="scale") if self.use_scale else None
        self.concat_score_weight = None
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight")

    def _check(self, shapes: Any) -> None:
        """Compare the shapes of query, value and key."""
        where = f"Layer {self.path!r} ({type(self).__name__})"
        if not _are_several(shapes) or len(shapes) not in (2, 3):
            raise ValueError(
                f"{where} takes a list [query, value] or [query, value, key]; got shape {shapes}."
            )
        given = [known(s) for s in shapes]
        (query, value), key = given[:2], given[-1]
        equal = [*zip(query[:-2], key[:-2], strict=False), *zip(value[:-1], key[:-1], strict=False)]
        equal.append((query[-1], key[-1]))
        ranks = {len(s) for s in given}
        if len(ranks) > 1 or min(ranks) < 3 or any(None not in p and p[0] != p[1] for p in equal):
            raise ValueError(
                f"{where} takes a query of shape (batch, ..., queries, depth), a value of shape (batch, ..., keys, "
                "depth_of_values) and a key of shape (batch, ..., keys, depth), which is the value where it is left "
                f"out; got {', '.join(map(str, given))}."
            )

    def _agreement(self, query: Array, key: Array) -> Array:
        """Return how well keys agree with queries, as `attention.dot_products` does."""
        if self.score_mode == "dot":
            return attention.dot_products(query, key)
        assert self.concat_score_weight is not None
        sums = _sums_of_tanh(query, key, 1 if self.scale is None else self.scale.value)
        return sums * self.concat_score_weight.value

    def _attend(self, causal: bool, depth: int) -> attention.Attention:
        dots = self.score_mode == "dot"
        return attention.Attention(
            self.scale.value if dots and self.scale is not None else 1.0,
            causal=causal, dropout=self.dropout, flash=False, agree=self._agreement, width=1 if dots else depth,
        )  # fmt: skip

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """Compute the output.

        Args:
            inputs: The query, the value and, where it is another, the key.
            mask: Which steps of the query count, and which of the value: the others of the query become 0, and the
                others of the value are not looked at.
            training: Whether weights are dropped.
            return_attention_scores: Whether to return the weights of the mean, too, as they were before dropout.
            use_causal_mask: Whether a query looks at no later keys than its own position.
        """
        self._check([x.shape for x in inputs] if _are_several(inputs) else inputs.shape)
        query, value, key = inputs[0], inputs[1], inputs[-1 if len(inputs) > 2 else 1]
        query_mask, seen = self._masks(inputs, mask)
        query, key, value = counted(query, query_mask), counted(key, seen), counted(value, seen)
        chance = None
        if training and self.seed_generator is not None:
            chance = self.seed_generator.next()
        attend = self._attend(use_causal_mask, query.shape[-1])
        q, k, v = (x.reshape(-1, x.shape[-2], 1, x.shape[-1]) for x in (query, key, value))
        seen = None if seen is None else seen.reshape(-1, 1, 1, seen.shape[-1])
        scores = None
        if return_attention_scores:
            means, weights = attend.with_weights(q, k, v, mask=seen, chance=chance)
            scores = weights.reshape(*query.shape[:-1], key.shape[-2])
        else:
            means = attend(q, k, v, mask=seen, chance=chance)
        outputs = means.reshape(*query.shape[:-1], value.shape[-1])
        outputs = counted(outputs, query_mask)
        return outputs if scores is None else (outputs, scores)

    def _masks(self, inputs: Any, mask: Any) -> list[Array | None]:
        """Return the masks of the query and the value, `None` where there is none."""
        if mask is None:
            return [None, None]
        if not isinstance(mask, list | tuple) or len(mask) not in (2, 3):
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}): `mask` is a list [query_mask, value_mask], with None "
                f"for what has no mask; a third, for the key, is not looked at. Got {mask!r}."
            )
        masks = [None if m is None else jnp.asarray(m, bool) for m in mask[:2]]
        for m, x in zip(masks, inputs, strict=False):
            if m is not None and len(m.shape) != len(x.shape) - 1:
                raise ValueError(
                    f"Layer {self.path!r} ({type(self).__name__}): a mask has its input's shape without the last axis; "
                    f"got a mask of shape {known(m.shape)} for an input of shape {known(x.shape)}."
                )
        return masks

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the query's mask."""
        return mask[0] if isinstance(mask, list | tuple) else None


@LAYERS.register()
class AdditiveAttention(Attention):
    """For each query the mean of the values, weighted by how well their keys agree with it: by sums of `tanh`.

    That is the sum of `tanh(query + key)` over the features, each of which has a weight.

    Args:
        use_scale: Whether there are such weights.
        dropout: The chance of a weight of the mean to become 0 while training.
        kwargs: `seed`, `name`, `dtype`, `trainable`.

    Raises:
        TypeError: `use_scale` is not true or false.
        ValueError: `dropout` is no number from 0 to 1.

    Shapes:
        As for `Attention`.

    Example:
        >>> import numpy as np
        >>> AdditiveAttention()([np.ones((1, 2, 4)), np.ones((1, 3, 4))]).shape
        (1, 2, 4)

    Reference:
        Bahdanau et al., "Neural Machine Translation by Jointly Learning to Align and Translate", 2014,
        https://arxiv.org/abs/1409.0473
    """

    _unwritten: ClassVar[frozenset[str]] = Attention._unwritten | {"score_mode"}

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        """Make the weights of the features, where there are any."""
        self._check(input_shape)
        depth: Shape = input_shape[0][-1:]
        self.scale = (
            self.add_weight(depth, "glorot_uniform", name="scale") if self.use_scale else None
        )

    def _agreement(self, query: Array, key: Array) -> Array:
        return _sums_of_tanh(query, key, 1, None if self.scale is None else self.scale.value)

    def _attend(self, causal: bool, depth: int) -> attention.Attention:
        return attention.Attention(
            causal=causal, dropout=self.dropout, flash=False, agree=self._agreement, width=depth
        )


def _sums_of_tanh(
    query: Array, key: Array, scale: Array | int, weights: Array | None = None
) -> Array:
    """Return the weighted sums of `tanh(scale * (query + key))`, shape `(batch, 1, queries, keys)`."""
    terms = jnp.tanh(scale * (query[:, :, None, 0] + key[:, None, :, 0]))
    terms = terms if weights is None else terms * weights
    return jnp.sum(terms, -1, dtype=jnp.promote_types(terms.dtype, "float32"))[:, None]


def _are_several(values: Any) -> bool:
    """Say whether there are several tensors or shapes; a shape is a tuple, too."""
    return isinstance(values, list | tuple) and not any(isinstance(v, int) for v in values)
