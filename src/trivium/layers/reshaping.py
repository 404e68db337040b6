"""Layers that give the same numbers another shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from trivium import ops
from trivium.layers.base import Layer
from trivium.layers.checks import positive_int
from trivium.layers.input_spec import InputSpec
from trivium.layers.registry import LAYERS
from trivium.layers.spatial import data_format_of
from trivium.state.types import Array

__all__ = ["Flatten", "Permute", "RepeatVector", "Reshape"]


@LAYERS.register()
class Flatten(Layer):
    """Each sample as one row of numbers.

    Args:
        data_format: `"channels_last"` (as it lies), or `"channels_first"`: the channels are moved last before.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Shapes:
        `(batch, ...)` to `(batch, product of the rest)`.

    Example:
        >>> import numpy as np
        >>> Flatten()(np.ones((2, 28, 28))).shape
        (2, 784)
    """

    _stateless = True

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set(data_format=data_format_of(self, data_format))
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        if self.data_format == "channels_first" and len(inputs.shape) > 2:
            inputs = ops.moveaxis(inputs, 1, -1)
        return ops.reshape(inputs, (inputs.shape[0], math.prod(inputs.shape[1:])))


@LAYERS.register()
class Reshape(Layer):
    """Another shape for each sample, the numbers in the same order.

    Args:
        target_shape: The shape without the batch. One size may be -1, which means whatever is left.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: `target_shape` is no tuple of sizes.
        ValueError: More than one size is -1, or one is below that.

    Shapes:
        `(batch, ...)` to `(batch, *target_shape)`.

    Example:
        >>> import numpy as np
        >>> Reshape((-1, 2))(np.ones((5, 3, 4))).shape
        (5, 6, 2)
    """

    _stateless = True

    def __init__(self, target_shape: Sequence[int | None], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        shape = () if isinstance(target_shape, int) else tuple(target_shape)
        if isinstance(target_shape, int) or not all(isinstance(n, int | None) for n in shape):
            raise TypeError(
                f"Reshape: `target_shape` is a tuple of whole numbers, such as (3, 4); got {target_shape!r}."
            )
        if sum(n in (-1, None) for n in shape) > 1 or any(n is not None and n < -1 for n in shape):
            raise ValueError(
                f"Reshape: `target_shape` has whole numbers of at least 0, of which one may be -1; got {shape}."
            )
        self._set(target_shape=shape)

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        shape = tuple(-1 if n is None else n for n in self.target_shape)
        sizes = inputs.shape[1:]
        if all(isinstance(n, int) for n in sizes):
            shape = self._filled(shape, sizes)
        return ops.reshape(inputs, (inputs.shape[0], *shape))

    def _filled(self, shape: tuple[int, ...], sizes: tuple[int, ...]) -> tuple[int, ...]:
        """Put a number in the place of -1, so that an empty batch, too, can be reshaped."""
        count, fixed = math.prod(sizes), math.prod(n for n in shape if n != -1)
        if count != fixed and (-1 not in shape or not fixed or count % fixed):
            raise ValueError(
                f"Layer {self.path!r} (Reshape) cannot give the {count} numbers of a sample of shape {tuple(sizes)} "
                f"the shape {self.target_shape}."
            )
        return tuple(count // fixed if n == -1 else n for n in shape)


@LAYERS.register()
class Permute(Layer):
    """The axes of each sample in another order.

    Args:
        dims: The axes, counted from 1, in their new order.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: `dims` does not have each of 1, 2, … once.

    Shapes:
        `(batch, n_1, ..., n_k)` to `(batch, n_dims[0], ..., n_dims[k-1])`.

    Example:
        >>> import numpy as np
        >>> Permute((2, 1))(np.ones((5, 3, 4))).shape
        (5, 4, 3)
    """

    _stateless = True

    def __init__(self, dims: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        axes = tuple(dims) if isinstance(dims, Sequence) else None
        if axes is None or not all(axis in axes for axis in range(1, len(axes) + 1)):
            raise ValueError(
                "Permute: `dims` has each of the axes from 1 to the last once (0 is the batch, which stays); got "
                f"{dims!r}."
            )
        self._set(dims=axes)
        self.input_spec = InputSpec(ndim=len(axes) + 1)

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        return ops.transpose(inputs, (0, *self.dims))


@LAYERS.register()
class RepeatVector(Layer):
    """Each sample, a vector, `n` times: a sequence of equal steps.

    Args:
        n: How many times.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: `n` is no whole number above zero.

    Shapes:
        `(batch, features)` to `(batch, n, features)`.

    Example:
        >>> import numpy as np
        >>> RepeatVector(3)(np.ones((5, 4))).shape
        (5, 3, 4)
    """

    _stateless = True

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set(n=positive_int(self, n=n))
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)
