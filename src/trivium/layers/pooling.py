"""Pooling layers: the largest value or the mean of each window, or of all positions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from trivium import ops
from trivium.layers.base import Layer
from trivium.layers.input_spec import InputSpec
from trivium.layers.registry import LAYERS
from trivium.layers.spatial import data_format_of, one_of, sizes_of, spatial_axes

__all__ = ["MaxPooling2D"]

_Sizes = int | Sequence[int]


class _Pooling(Layer):
    """A window that slides over `rank` axes and keeps one value of what it sees, as `_pool` says."""

    rank: ClassVar[int]
    _pool: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        pool_size: _Sizes = 2,
        strides: _Sizes | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._set(
            pool_size=sizes_of(self, self.rank, pool_size=pool_size),
            strides=sizes_of(self, self.rank, strides=pool_size if strides is None else strides),
            padding=one_of(self, ("valid", "same"), padding=padding),
            data_format=data_format_of(self, data_format),
        )
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        return self._pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


@LAYERS.register("MaxPool2D")
class MaxPooling2D(_Pooling):
    """The largest value in each window of an image.

    Args:
        pool_size: The window's size, one number or `(height, width)`.
        strides: Its step, likewise; `pool_size` where it is `None`.
        padding: `"valid"` (windows that fit) or `"same"` (`ceil(size / stride)` windows).
        data_format: `"channels_last"` or `"channels_first"`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: A setting is out of its range.

    Shapes:
        `(batch, height, width, channels)` to `(batch, new_height, new_width, channels)`; the channels stand second
        with `"channels_first"`.

    Example:
        >>> import numpy as np
        >>> MaxPooling2D()(np.arange(16.0).reshape(1, 4, 4, 1)).ravel().tolist()
        [5.0, 7.0, 13.0, 15.0]
    """

    rank = 2
    _pool = staticmethod(ops.max_pool)
