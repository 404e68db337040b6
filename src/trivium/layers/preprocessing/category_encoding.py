"""Numbers of categories as vectors."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from trivium import ops
from trivium.layers.base import Layer
from trivium.layers.checks import positive_int
from trivium.layers.preprocessing.encodings import encode
from trivium.layers.preprocessing.settings import chosen, dense_only
from trivium.layers.registry import LAYERS
from trivium.state.types import Array, ArrayLike

__all__ = ["CategoryEncoding"]


@LAYERS.register()
class CategoryEncoding(Layer):
    """Numbers of categories as vectors of zeros and ones, or of counts.

    Args:
        num_tokens: How many categories there are: the numbers are from 0 to `num_tokens - 1`.
        output_mode: `"one_hot"`: a vector for each number, with a 1 at its place; in place of a last axis of size 1.
            `"multi_hot"`, `"count"`: one vector for all numbers on the last axis, that says which of the categories are
            among them, or how often each.
        sparse: Kept for Keras's signature: what comes out is dense.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: A setting is out of its range.

    Shapes:
        `"one_hot"`: `(...)` to `(..., num_tokens)`, `(..., 1)` to `(..., num_tokens)`. `"multi_hot"`, `"count"`:
        `(..., n)` to `(..., num_tokens)`.

    Example:
        >>> import numpy as np
        >>> CategoryEncoding(3)(np.array([[0, 2], [1, 1]])).tolist()
        [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
        >>> layer = CategoryEncoding(3, output_mode="count")
        >>> layer(np.array([[1, 1]]), count_weights=np.array([[0.5, 0.25]])).tolist()
        [[0.0, 0.75, 0.0]]
    """

    _stateless = True
    _unwritten = Layer._unwritten | {"sparse"}

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        # A number above 2,048 is another one in half precision.
        super().__init__(**{"autocast": False, **kwargs})
        if num_tokens is None:
            raise ValueError(
                "CategoryEncoding: `num_tokens` says how many categories there are. Where nobody knows, "
                "`IntegerLookup` finds them in data."
            )
        self._set(
            num_tokens=positive_int(self, num_tokens=num_tokens),
            output_mode=chosen(self, ("one_hot", "multi_hot", "count"), output_mode=output_mode),
            sparse=dense_only(self, sparse),
        )

    def call(self, inputs: Array, count_weights: Array | None = None) -> Array:
        """Compute the output.

        Args:
            inputs: The numbers.
            count_weights: With `"count"`, how much each number counts; of the same shape.

        Raises:
            ValueError: A number is none of a category, as far as numbers are known; in a compiled program it counts for
                no category. Or there are weights, and nothing is counted.
        """
        if count_weights is not None and self.output_mode != "count":
            raise ValueError(
                f"Layer {self.path!r} (CategoryEncoding): `count_weights` goes with output_mode='count'; this layer "
                f"has {self.output_mode!r}."
            )
        inputs = ops.convert_to_tensor(inputs)
        if not isinstance(inputs, jax.core.Tracer):
            self.check_numbers(inputs)
        if count_weights is not None:
            count_weights = ops.cast(count_weights, self.compute_dtype)
        numbers = ops.cast(inputs, "int32")
        return encode(numbers, self.output_mode, self.num_tokens, self.compute_dtype, count_weights)

    def check_numbers(self, numbers: ArrayLike) -> None:
        """Find numbers that are none of a category.

        Args:
            numbers: An array with values.

        Raises:
            ValueError: There is one; the message says which, where, and how many categories there are.
        """
        values = np.asarray(numbers)
        wrong = ~((values >= 0) & (values < self.num_tokens) & (values % 1 == 0))
        if wrong.any():
            place = tuple(np.argwhere(wrong)[0].tolist())
            raise ValueError(
                f"Layer {self.path!r} (CategoryEncoding) has num_tokens={self.num_tokens}, so the categories are the "
                f"whole numbers from 0 to {self.num_tokens - 1}; got {values[place].item()!r} at {list(place)}. "
                "`IntegerLookup` gives any numbers their places."
            )
