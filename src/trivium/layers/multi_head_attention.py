"""Attention of several heads, each with projections of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from trivium import regularizers
from trivium.layers.attention_places import Places, both, counted
from trivium.layers.base import Layer
from trivium.layers.checks import flag, is_whole, known, positive_int, unit_fraction
from trivium.layers.einsum_dense import EinsumDense
from trivium.layers.registry import LAYERS
from trivium.layers.types import ConstraintLike, InitializerLike, RegularizerLike
from trivium.ops.lowering import attention
from trivium.state import SeedGenerator
from trivium.state.types import Array, Shape

__all__ = ["GroupedQueryAttention", "MultiHeadAttention"]

# What the projections take over from the layer's settings.
_OF_WEIGHTS = [
    f"{weight}_{kind}" for weight in ("kernel", "bias") for kind in ("initializer", "regularizer", "constraint")
]  # fmt: skip


class HeadedAttention(Layer):
    """For each query and head the mean of the values, weighted by how well their keys agree with it.

    Query, key and value are projected for each head, and the heads' means together to the output. Subclasses say how
    many heads there are, and of what sizes.
    """

    _left_out: ClassVar[dict[str, Any]] = {"flash_attention": None}
    _stored_names: ClassVar[dict[str, str]] = {"gate_dense": "_gate_dense"}

    attention_axes: tuple[int, ...] | None = None
    output_shape: tuple[int, ...] | None = None

    def _sizes(self) -> tuple[int, int, int, int]:
        """Return the numbers of heads of the query and of the key, and the sizes of a key's and a value's head."""
        raise NotImplementedError

    def _set_headed(self, **settings: Any) -> None:
        """Keep the settings, and check those that all subclasses have."""
        for name in ("use_bias", "use_gate", "flash_attention"):
            if settings[name] is not None:
                settings[name] = flag(self, **{name: settings[name]})
        if settings["sliding_window"] is not None:
            positive_int(self, sliding_window=settings["sliding_window"])
        self._of_projections = regularizers.get(settings.pop("activity_regularizer"))
        dropout = settings["dropout"] = unit_fraction(self, dropout=settings["dropout"])
        self._set(**settings)
        if self.flash_attention and dropout > 0:
            raise ValueError(
                f"{type(self).__name__}: the kernel that flash_attention=True takes knows no dropout; got dropout="
                f"{dropout}. Leave `flash_attention` out, or set dropout=0."
            )
        self.supports_masking = True
        self.seed_generator = SeedGenerator(self.seed) if dropout > 0 else None

    def _config_argument(self, name: str) -> Any:
        regularizer = name == "activity_regularizer"
        return self._of_projections if regularizer else super()._config_argument(name)

    def build(self, query_shape: Shape, value_shape: Shape, key_shape: Shape | None = None) -> None:
        """Make the projections."""
        key_shape = value_shape if key_shape is None else key_shape
        self._places(query_shape, value_shape, key_shape)
        heads, key_heads, key_size, value_size = self._sizes()
        to_heads = "...d,dhk->...hk"
        self.query_dense = self._dense("query", query_shape, to_heads, (heads, key_size))
        self.key_dense = self._dense("key", key_shape, to_heads, (key_heads, key_size))
        self.gate_dense = None
        if self.use_gate:
            self.gate_dense = self._dense(
                "gate", query_shape, to_heads, (heads, value_size), activation="sigmoid"
            )
        self.value_dense = self._dense("value", value_shape, to_heads, (key_heads, value_size))
        sizes = self.output_shape or query_shape[-1:]
        letters = "pqrstuvw"[: len(sizes)]
        means = (*query_shape[:-1], heads, value_size)
        self.output_dense = self._dense(
            "attention_output", means, f"...hk,hk{letters}->...{letters}", sizes
        )

    def _dense(
        self, name: str, shape: Shape, equation: str, output_shape: Shape, **options: Any
    ) -> EinsumDense:
        """Return a projection, built for inputs of a shape."""
        letters = equation[-len(output_shape) :]
        dense = EinsumDense(
            equation, output_shape, bias_axes=letters if self.use_bias else None, name=name,
            dtype=self.dtype_policy, activity_regularizer=self._of_projections,
            **{setting: getattr(self, setting) for setting in _OF_WEIGHTS}, **options,
        )  # fmt: skip
        dense.supports_masking = True  # Masks are looked at here.
        dense.build(shape)
        return dense

    def _places(self, query: Any, value: Any, key: Any) -> Places:
        """Return where queries and keys are, for inputs whose shapes fit together."""
        shapes = [known(s) for s in (query, value, key)]
        rank, where = len(query), f"Layer {self.path!r} ({type(self).__name__})"
        got = f"got query {shapes[0]}, value {shapes[1]} and key {shapes[2]}."
        if rank < 3 or any(len(s) != rank for s in shapes):
            raise ValueError(
                f"{where} takes a query, a value and a key of shape (batch, time, features), all of one rank; {got}"
            )
        said = self.attention_axes
        axes = list(range(1, rank - 1)) if said is None else [a % rank for a in said]
        between = all(0 < a < rank - 1 for a in axes) and all(-rank <= a < rank for a in said or ())
        if not between or len(set(axes)) < len(axes):
            raise ValueError(
                f"{where}: `attention_axes` are axes between the batch and the features, each once: from 1 to "
                f"{rank - 2} here; got {said}, {got.removeprefix('got ')}"
            )
        places = Places(query, key, axes, where)
        pairs = [(s[i], shapes[0][i]) for s in shapes[1:] for i in places.others]
        pairs += [(shapes[1][i], shapes[2][i]) for i in axes]
        if any(None not in pair and pair[0] != pair[1] for pair in pairs):
            raise ValueError(
                f"{where} takes a value and a key of one length, and all three of the same sizes on the axes that it "
                f"does not go over, of which the batch is one; {got}"
            )
        return places

    def call(
        self,
        query: Array,
        value: Array,
        key: Array | None = None,
        query_mask: Array | None = None,
        value_mask: Array | None = None,
        key_mask: Array | None = None,
        attention_mask: Array | None = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Any:
        """Compute the output.

        Args:
            query: What looks.
            value: What is averaged.
            key: What is looked at; the value where it is `None`.
            query_mask: Which steps of the query count, shape `(batch, queries)`: the output's mask, and no more.
            value_mask: Which steps of the value count; the others are not looked at.
            key_mask: Which steps of the key count, likewise.
            attention_mask: Which steps each step of the query may look at: shape `(batch, queries, keys)`, without the
                batch, or with an axis of heads behind it.
            return_attention_scores: Whether to return the weights of the means, too, as they were before dropout: shape
                `(batch, heads, queries, keys)`.
            training: Whether weights are dropped.
            use_causal_mask: Whether a step looks at no later ones.
        """
        key = value if key is None else key
        places = self._places(query.shape, value.shape, key.shape)
        places.counting(query_mask, query.shape)
        mask = both(places.counting(value_mask, value.shape), places.counting(key_mask, key.shape))
        seen = places.seen(mask, attention_mask)
        chance = None
        if training and self.seed_generator is not None:
            chance = self.seed_generator.next()
        q = places.flat(self.query_dense(query))
        k = places.flat(self.key_dense(counted(key, mask)))
        v = places.flat(self.value_dense(counted(value, mask)))
        attend = attention.Attention(
            self._sizes()[2] ** -0.5, causal=use_causal_mask, window=self.sliding_window,
            dropout=self.dropout, flash=self.flash_attention,
        )  # fmt: skip
        if not return_attention_scores:
            return self._output(query, places.unflat(attend(q, k, v, mask=seen, chance=chance)))
        if self.flash_attention:
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}): the kernel that flash_attention=True takes gives no "
                "scores; leave `flash_attention` or `return_attention_scores` out."
            )
        means, weights = attend.with_weights(q, k, v, mask=seen, chance=chance)
        scores = weights.reshape(places.scores_shape(weights.shape[1]))
        return self._output(query, places.unflat(means)), scores

    def _output(self, query: Array, means: Array) -> Array:
        if self.gate_dense is not None:
            means = means * self.gate_dense(query)
        return self.output_dense(means)


@LAYERS.register()
class MultiHeadAttention(HeadedAttention):
    """For each query and head the mean of the values, weighted by how well their keys agree with it.

    Query, key and value are projected for each head, and the heads' means together to the output. Long sequences are
    attended to in memory that grows with their length, not with its square.

    Args:
        num_heads: How many heads there are.
        key_dim: The size of a head's query and key.
        value_dim: The size of a head's value; `key_dim` where it is `None`.
        dropout: The chance of a weight of the mean to become 0 while training.
        use_bias: Whether the projections add a bias.
        output_shape: The size, or sizes, of the output's features; the query's where it is `None`.
        attention_axes: The axes that attention goes over; all between batch and features where it is `None`.
        sliding_window: Whether a step looks only at steps that are nearer than this; at all where it is `None`.
        flash_attention: Whether to take cuDNN's fused kernel; where it can be taken where it is `None`.
        kernel_initializer: How the projections' kernels are drawn.
        bias_initializer: How their biases are drawn.
        kernel_regularizer: A penalty on the kernels.
        bias_regularizer: A penalty on the biases.
        activity_regularizer: A penalty on what each projection gives, the output among them.
        kernel_constraint: A function applied to the kernels after each update.
        bias_constraint: A function applied to the biases after each update.
        use_gate: Whether the means are multiplied by the sigmoid of one more projection of the query.
        seed: A whole number, for dropout; by the global seed where it is `None`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: A setting that is true or false is neither.
        ValueError: A number is out of its range, or `flash_attention` is asked for together with dropout.

    Shapes:
        A query `(batch, queries, features)`, a value `(batch, keys, features)` and, where it is another, a key
        `(batch, keys, features)`, to `(batch, queries, features of the query)`.

    Example:
        >>> import numpy as np
        >>> x = np.ones((2, 5, 8), "float32")
        >>> layer = MultiHeadAttention(num_heads=2, key_dim=4)
        >>> output, scores = layer(x, x, return_attention_scores=True, use_causal_mask=True)
        >>> output.shape, scores.shape, scores[0, 0, 0].tolist()
        ((2, 5, 8), (2, 2, 5, 5), [1.0, 0.0, 0.0, 0.0, 0.0])

    Reference:
        Vaswani et al., "Attention Is All You Need", 2017, https://arxiv.org/abs/1706.03762; for the window Beltagy et
        al., "Longformer", 2020, https://arxiv.org/abs/2004.05150; for the gate Qiu et al., "Gated Attention for Large
        Language Models", 2025, https://arxiv.org/abs/2505.06708
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | Sequence[int] | None = None,
        attention_axes: int | Sequence[int] | None = None,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        key_dim = positive_int(self, key_dim=key_dim)
        self._set_headed(
            num_heads=positive_int(self, num_heads=num_heads), key_dim=key_dim,
            value_dim=key_dim if value_dim is None else positive_int(self, value_dim=value_dim),
            dropout=dropout, use_bias=use_bias,
            output_shape=_numbers(self, 1, output_shape=output_shape),
            attention_axes=_numbers(self, None, attention_axes=attention_axes),
            sliding_window=sliding_window, flash_attention=flash_attention,
            kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer, kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint, use_gate=use_gate, seed=seed,
        )  # fmt: skip

    def _sizes(self) -> tuple[int, int, int, int]:
        return self.num_heads, self.num_heads, self.key_dim, self.value_dim


@LAYERS.register("GroupedQueryAttention", name="GroupQueryAttention")
class GroupedQueryAttention(HeadedAttention):
    """`MultiHeadAttention` in which each head of keys and values serves several heads of queries.

    With one head of keys it is multi-query attention; with as many as of queries, multi-head attention.

    Args:
        head_dim: The size of a head's query, key and value.
        num_query_heads: How many heads of queries there are.
        num_key_value_heads: How many heads of keys and values there are, of which that is a multiple.
        dropout: The chance of a weight of the mean to become 0 while training.
        use_bias: Whether the projections add a bias.
        sliding_window: Whether a step looks only at steps that are nearer than this; at all where it is `None`.
        flash_attention: Whether to take cuDNN's fused kernel; where it can be taken where it is `None`.
        kernel_initializer: How the projections' kernels are drawn.
        bias_initializer: How their biases are drawn.
        kernel_regularizer: A penalty on the kernels.
        bias_regularizer: A penalty on the biases.
        activity_regularizer: A penalty on what each projection gives, the output among them.
        kernel_constraint: A function applied to the kernels after each update.
        bias_constraint: A function applied to the biases after each update.
        use_gate: Whether the means are multiplied by the sigmoid of one more projection of the query.
        seed: A whole number, for dropout; by the global seed where it is `None`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: A setting that is true or false is neither.
        ValueError: A number is out of its range, the heads do not divide, or `flash_attention` is asked for together
            with dropout.

    Shapes:
        As for `MultiHeadAttention`.

    Example:
        >>> import numpy as np
        >>> x = np.ones((2, 5, 8), "float32")
        >>> layer = GroupedQueryAttention(head_dim=4, num_query_heads=6, num_key_value_heads=2)
        >>> layer(x, x).shape, layer.query_dense.kernel.shape, layer.key_dense.kernel.shape
        ((2, 5, 8), (8, 6, 4), (8, 2, 4))

    Reference:
        Ainslie et al., "GQA: Training Generalized Multi-Query Transformer Models from Multi-Head Checkpoints", 2023,
        https://arxiv.org/abs/2305.13245
    """

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        some = positive_int(self, num_key_value_heads=num_key_value_heads)
        if positive_int(self, num_query_heads=num_query_heads) % some:
            raise ValueError(
                f"{type(self).__name__}: `num_query_heads` is a multiple of `num_key_value_heads`, since each head of "
                f"keys serves as many heads of queries; got {num_query_heads} and {some}."
            )
        self._set_headed(
            head_dim=positive_int(self, head_dim=head_dim), num_query_heads=int(num_query_heads),
            num_key_value_heads=some, dropout=dropout, use_bias=use_bias,
            sliding_window=sliding_window, flash_attention=flash_attention,
            kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer, kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint, use_gate=use_gate, seed=seed,
        )  # fmt: skip

    # Keras's layer keeps all of them in private attributes, after which its files name them.
    _stored_names: ClassVar[dict[str, str]] = {
        f"{name}_dense": f"_{name}_dense" for name in ("query", "key", "value", "gate", "output")
    }

    def _sizes(self) -> tuple[int, int, int, int]:
        return self.num_query_heads, self.num_key_value_heads, self.head_dim, self.head_dim


def _numbers(layer: Layer, least: int | None, **setting: Any) -> tuple[int, ...] | None:
    """Return a setting that is a whole number, or several, as a tuple; or `None`."""
    ((name, value),) = setting.items()
    values = (value,) if is_whole(value) else value
    floor = {} if least is None else {"least": least}
    if value is None:
        return None
    if (
        not isinstance(values, list | tuple)
        or not values
        or not all(is_whole(v, **floor) for v in values)
    ):
        kind = "whole number" if least is None else "whole number above zero"
        raise ValueError(
            f"{type(layer).__name__}: `{name}` is a {kind}, or a tuple of such, or None; got {value!r}."
        )
    return tuple(int(v) for v in values)
