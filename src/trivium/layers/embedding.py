"""The embedding: a table of vectors, looked up by number."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from trivium import ops
from trivium.layers.base import Layer
from trivium.layers.checks import flag, positive_int
from trivium.layers.registry import LAYERS
from trivium.layers.types import ConstraintLike, InitializerLike, RegularizerLike
from trivium.state.types import Array, ArrayLike, Shape

__all__ = ["Embedding"]


@LAYERS.register()
class Embedding(Layer):
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

    _unwritten: ClassVar[frozenset[str]] = Layer._unwritten | {"weights"}
    _left_out: ClassVar[dict[str, Any]] = {}
    _constants: ClassVar[dict[str, Any]] = {"quantization_config": None}

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: InitializerLike = "uniform",
        embeddings_regularizer: RegularizerLike = None,
        embeddings_constraint: ConstraintLike = None,
        mask_zero: bool = False,
        weights: ArrayLike | None = None,
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
        self.embeddings = self._add_set_weight("embeddings", (self.input_dim, self.output_dim))

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
        table = ops.convert_to_tensor(self.embeddings)
        rows = jnp.take(table, numbers, axis=0, mode="fill", fill_value=0)
        return ops.cast(rows, self.compute_dtype)

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
