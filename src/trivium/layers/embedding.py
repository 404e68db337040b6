"""The embedding: a table of vectors, looked up by number."""

from __future__ import annotations

import functools
import warnings
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from trivium import ops
from trivium.layers.checks import flag, known, not_negative, positive_int
from trivium.layers.kernels import Kernel, KernelLayer
from trivium.layers.registry import LAYERS
from trivium.layers.types import ConstraintLike, InitializerLike, RegularizerLike
from trivium.state.dtypes import standardize_dtype
from trivium.state.masks import get_mask, set_mask
from trivium.state.types import Array, ArrayLike, Shape

__all__ = ["Embedding", "ReversibleEmbedding"]


@LAYERS.register()
class Embedding(KernelLayer):
    """A vector of its own for each whole number.

    A number that is not from 0 to `input_dim - 1` is an error where the layer is called on arrays. A compiled program
    cannot stop for one: it takes a vector of zeros for it, and training then changes no vector.

    Args:
        input_dim: How many numbers there are: 0 to `input_dim - 1`.
        output_dim: The size of the vectors.
        embeddings_initializer: How the table, shape `(input_dim, output_dim)`, is drawn.
        embeddings_regularizer: A penalty on the table.
        embeddings_constraint: A function applied to the table after each update.
        mask_zero: Whether 0 stands for padding: the layers that follow then leave those steps out.
        weights: The table's first values.
        lora_rank: The rank of two factors whose product is added to the table and trained in its place; none where it
            is `None`. See `enable_lora`.
        lora_alpha: The product counts `lora_alpha / lora_rank` times; once where it is `None`.
        quantization_config: How the table is quantized, where the dtype policy says that it is.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: `mask_zero` is not true or false.
        ValueError: A size is no whole number above zero, or `weights` has another shape.

    Shapes:
        Whole numbers of shape `(batch, ...)` to `(batch, ..., output_dim)`.

    Example:
        >>> import numpy as np
        >>> layer = Embedding(3, 2, mask_zero=True)
        >>> ids = np.array([[1, 2, 0]])
        >>> layer(ids).shape, layer.compute_mask(ids).tolist()
        ((1, 3, 2), [[True, True, False]])

    Reference:
        Bengio et al., "A Neural Probabilistic Language Model", JMLR 2003.
    """

    embeddings = Kernel()
    _outputs_first, _float_inputs = True, False
    _takes_entries = True
    _unwritten: ClassVar[frozenset[str]] = KernelLayer._unwritten | {"weights"}
    _left_out: ClassVar[dict[str, Any]] = {"lora_rank": None, "lora_alpha": None}

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: InitializerLike = "uniform",
        embeddings_regularizer: RegularizerLike = None,
        embeddings_constraint: ConstraintLike = None,
        mask_zero: bool = False,
        weights: ArrayLike | None = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.pop("input_length", None) is not None:
            warnings.warn(
                "Embedding: `input_length` has no use any more; leave it out.", stacklevel=2
            )
        activity = kwargs.pop("activity_regularizer", None)
        super().__init__(
            lora_rank=lora_rank, lora_alpha=lora_alpha, quantization_config=quantization_config, **kwargs
        )  # fmt: skip
        self._set(
            input_dim=positive_int(self, input_dim=input_dim),
            output_dim=positive_int(self, output_dim=output_dim),
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer, activity_regularizer=activity,
            embeddings_constraint=embeddings_constraint, mask_zero=flag(self, mask_zero=mask_zero),
        )  # fmt: skip
        self.supports_masking = self.mask_zero
        # Numbers that come as floats would lose digits in a half type.
        self.autocast = False
        if weights is not None:
            self.build()
            self.set_weights(list(weights) if isinstance(weights, list | tuple) else [weights])

    def build(self, input_shape: Shape | None = None) -> None:
        """Make the table."""
        self._add_kernel((self.input_dim, self.output_dim))
        self._finish_kernel()

    def compute_mask(self, inputs: Array, mask: Array | None = None) -> Array | None:
        """Return which numbers are not 0, if 0 stands for padding."""
        if not self.mask_zero:
            return super().compute_mask(inputs, mask)
        return ops.not_equal(inputs, 0)

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        if not isinstance(inputs, jax.core.Tracer):
            self.check_numbers(inputs)
        # Small integer types cannot hold every size, and floats are no numbers of rows.
        numbers = inputs if str(inputs.dtype) == "int64" else ops.cast(inputs, "int32")
        # The end of the table is no row of it: what is looked up there is filled in, and its gradient goes nowhere.
        numbers = ops.where(numbers < 0, self.input_dim, numbers)
        return ops.cast(self._linear(numbers), self.compute_dtype)

    def _apply(self, inputs: Array, kernel: ArrayLike) -> Array:
        table = ops.convert_to_tensor(kernel)
        return jnp.take(table, inputs, axis=0, mode="fill", fill_value=0)

    def _from_form(self, form: Any, inputs: Array) -> Array:
        return form.looked_up(self, functools.partial(self._apply, inputs))

    def _summed_axes(self) -> tuple[int, ...]:
        return (1,)  # A vector has a scale of its own, though nothing is summed.

    def check_numbers(self, numbers: ArrayLike) -> None:
        """Find numbers that have no vector.

        Args:
            numbers: An array with values.

        Raises:
            ValueError: There is one; the message says which, where, and how many vectors there are.
        """
        values = np.asarray(numbers)
        wrong = ~((values >= 0) & (values < self.input_dim))
        if wrong.any():
            place = tuple(np.argwhere(wrong)[0].tolist())
            raise ValueError(
                f"Layer {self.path!r} (Embedding) has a vector for each of the numbers 0 to {self.input_dim - 1} "
                f"(input_dim={self.input_dim}); got {values[place]} at {list(place)}. Make "
                "`input_dim` 1 more than the largest number, or map the rare ones to one that stands for all of them."
            )


@LAYERS.register()
class ReversibleEmbedding(Embedding):
    """An `Embedding` that goes back, too: from vectors to a number for each row of the table, how well the two agree.

    As `Embedding`, whose settings it has but `weights`. `layer(ids)` looks vectors up, and `layer(vectors,
    reverse=True)` gives the logits of a distribution over the numbers: a language model's first and last layer in one.

    Args:
        tie_weights: Whether the way back goes by the same table; else it has one of its own, of shape `(output_dim,
            input_dim)`.
        reverse_dtype: The dtype that the way back is computed in; the compute dtype where it is `None`.
        logit_soft_cap: A limit `c` that the logits approach: each becomes `c * tanh(x / c)`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: `mask_zero` or `tie_weights` is not true or false.
        ValueError: A size is no whole number above zero, or the cap no number above zero.

    Shapes:
        Whole numbers of shape `(batch, ...)` to `(batch, ..., output_dim)`; back, `(batch, ..., output_dim)` to
        `(batch, ..., input_dim)`.

    Example:
        >>> import numpy as np
        >>> layer = ReversibleEmbedding(7, 3)
        >>> vectors = layer(np.array([[1, 2, 0]]))
        >>> vectors.shape, layer(vectors, reverse=True).shape
        ((1, 3, 3), (1, 3, 7))

    Reference:
        Press & Wolf, "Using the Output Embedding to Improve Language Models", 2016, https://arxiv.org/abs/1608.05859
    """

    _unwritten: ClassVar[frozenset[str]] = Embedding._unwritten

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: InitializerLike = "uniform",
        embeddings_regularizer: RegularizerLike = None,
        embeddings_constraint: ConstraintLike = None,
        mask_zero: bool = False,
        reverse_dtype: str | None = None,
        logit_soft_cap: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            input_dim, output_dim, embeddings_initializer, embeddings_regularizer, embeddings_constraint, mask_zero,
            **kwargs,
        )  # fmt: skip
        if logit_soft_cap is not None and not not_negative(self, logit_soft_cap=logit_soft_cap):
            raise ValueError("ReversibleEmbedding: `logit_soft_cap` is above zero, or None; got 0.")
        dtype = None if reverse_dtype is None else standardize_dtype(reverse_dtype)
        self._set(
            tie_weights=flag(self, tie_weights=tie_weights), reverse_dtype=dtype, logit_soft_cap=logit_soft_cap
        )  # fmt: skip

    def build(self, input_shape: Shape | None = None) -> None:
        """Make the table, and the one of the way back if it has its own."""
        super().build(input_shape)
        self.reverse_embeddings = None
        if not self.tie_weights:
            self.reverse_embeddings = self.add_weight(
                (self.output_dim, self.input_dim), self.embeddings_initializer, name="reverse_embeddings"
            )  # fmt: skip

    def compute_output_shape(self, input_shape: Any, reverse: bool = False) -> Any:
        """Return the shape of the output, for either way."""
        if reverse:
            return (*input_shape[:-1], self.input_dim)
        return super().compute_output_shape(input_shape)

    def call(self, inputs: Array, reverse: bool = False) -> Array:
        """Compute the output.

        Args:
            inputs: Whole numbers; or vectors, to go back.
            reverse: Whether to go back.
        """
        if not reverse:
            return super().call(inputs)
        if inputs.shape[-1] != self.output_dim:
            raise ValueError(
                f"Layer {self.path!r} (ReversibleEmbedding) goes back from vectors of size {self.output_dim} "
                f"(output_dim); got shape {known(inputs.shape)}."
            )
        dtype = self.reverse_dtype or self.compute_dtype
        own = self.reverse_embeddings
        table = ops.transpose(self._float_kernel()) if own is None else ops.convert_to_tensor(own)
        logits = ops.matmul(ops.cast(inputs, dtype), ops.cast(table, dtype))
        cap = self.logit_soft_cap
        return logits if cap is None else cap * ops.tanh(logits / cap)

    def _pass_mask(self, args: Any, outputs: Any) -> None:
        """Vectors have a mask that stays; numbers have one where 0 stands for padding."""
        back = len(outputs.shape) == len(args[0].shape)
        if not back:
            super()._pass_mask(args, outputs)
        elif (mask := get_mask(args[0])) is not None:
            set_mask(outputs, mask)
