"""The embedding: a table of vectors, looked up by number."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import jax.numpy as jnp

from trivium import ops
from trivium.layers.base import Layer
from trivium.layers.checks import positive_int
from trivium.layers.registry import LAYERS

__all__ = ["Embedding"]


@LAYERS.register()
class Embedding(Layer):
    """A vector of its own for each whole number.

    Args:
        input_dim: How many numbers there are: 0 to `input_dim - 1`.
        output_dim: The size of the vectors.
        embeddings_initializer: How the table, shape `(input_dim, output_dim)`, is drawn.
        embeddings_regularizer: A penalty on the table.
        embeddings_constraint: A function applied to the table after each update.
        mask_zero: Whether 0 stands for padding: the layers that follow then leave those steps out.
        weights: The table's first values.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: A size is no whole number above zero, or `weights` has another shape.

    Shapes:
        Whole numbers of shape `(batch, ...)` to `(batch, ..., output_dim)`. A number beyond the table gives NaN.

    Example:
        >>> import numpy as np
        >>> layer = Embedding(3, 2, mask_zero=True)
        >>> ids = np.array([[1, 2, 0]])
        >>> layer(ids).shape, layer.compute_mask(ids).tolist()
        ((1, 3, 2), [[True, True, False]])

    Reference:
        Bengio et al., "A Neural Probabilistic Language Model", JMLR 2003.
    """

    _unwritten: ClassVar[frozenset[str]] = Layer._unwritten | {"weights"}
    _left_out: ClassVar[dict[str, Any]] = {}
    _constants: ClassVar[dict[str, Any]] = {"quantization_config": None}

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.pop("input_length", None) is not None:
            warnings.warn(
                "Embedding: `input_length` has no use any more; leave it out.", stacklevel=2
            )
        activity = kwargs.pop("activity_regularizer", None)
        super().__init__(**kwargs)
        self._set(
            input_dim=positive_int(self, input_dim=input_dim),
            output_dim=positive_int(self, output_dim=output_dim),
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer, activity_regularizer=activity,
            embeddings_constraint=embeddings_constraint, mask_zero=mask_zero,
        )  # fmt: skip
        self.supports_masking = mask_zero
        # Numbers that come as floats would lose digits in a half type.
        self.autocast = False
        if weights is not None:
            self.build()
            self.set_weights(list(weights) if isinstance(weights, list | tuple) else [weights])

    def build(self, input_shape: Any = None) -> None:
        """Make the table."""
        self.embeddings = self._add_set_weight("embeddings", (self.input_dim, self.output_dim))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Return which numbers are not 0, if 0 stands for padding."""
        if not self.mask_zero:
            return super().compute_mask(inputs, previous_mask)
        return ops.not_equal(inputs, 0)

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        if not jnp.issubdtype(inputs.dtype, jnp.integer):
            inputs = ops.cast(inputs, "int32")
        return ops.cast(ops.take(self.embeddings, inputs, axis=0), self.compute_dtype)
