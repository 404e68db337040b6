"""Pooling layers: the largest value or the mean of each window, or of all positions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from trivium import ops
from trivium.layers.base import Layer
from trivium.layers.input_spec import InputSpec
from trivium.layers.registry import LAYERS
from trivium.layers.spatial import data_format_of, one_of, sizes_of, spatial_axes

__all__ = [
    "AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "GlobalAveragePooling1D",
    "GlobalAveragePooling2D", "GlobalAveragePooling3D", "GlobalMaxPooling1D", "GlobalMaxPooling2D",
    "GlobalMaxPooling3D", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D",
]  # fmt: skip

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


@LAYERS.register("MaxPool1D")
class MaxPooling1D(_Pooling):
    """The largest value in each window of a sequence.

    Args:
        pool_size: The window's size.
        strides: Its step; `pool_size` where it is `None`.
        padding: `"valid"` (windows that fit) or `"same"` (`ceil(size / stride)` windows).
        data_format: `"channels_last"` or `"channels_first"`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: A setting is out of its range.

    Shapes:
        `(batch, steps, channels)` to `(batch, new_steps, channels)`; the channels stand
        second with `"channels_first"`.

    Example:
        >>> import numpy as np
        >>> MaxPooling1D()(np.arange(4.0).reshape(1, 4, 1)).ravel().tolist()
        [1.0, 3.0]
    """

    rank = 1
    _pool = staticmethod(ops.max_pool)


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
        `(batch, height, width, channels)` to `(batch, new_height, new_width, channels)`; the channels stand
        second with `"channels_first"`.

    Example:
        >>> import numpy as np
        >>> MaxPooling2D()(np.arange(16.0).reshape(1, 4, 4, 1)).ravel().tolist()
        [5.0, 7.0, 13.0, 15.0]
    """

    rank = 2
    _pool = staticmethod(ops.max_pool)


@LAYERS.register("MaxPool3D")
class MaxPooling3D(_Pooling):
    """The largest value in each window of a volume.

    Args:
        pool_size: The window's size, one number or three.
        strides: Its step, likewise; `pool_size` where it is `None`.
        padding: `"valid"` (windows that fit) or `"same"` (`ceil(size / stride)` windows).
        data_format: `"channels_last"` or `"channels_first"`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: A setting is out of its range.

    Shapes:
        `(batch, depth, height, width, channels)` to `(batch, new_depth, new_height, new_width, channels)`; the channels
        stand second with `"channels_first"`.

    Example:
        >>> import numpy as np
        >>> MaxPooling3D()(np.arange(64.0).reshape(1, 4, 4, 4, 1)).ravel().tolist()
        [21.0, 23.0, 29.0, 31.0, 53.0, 55.0, 61.0, 63.0]
    """

    rank = 3
    _pool = staticmethod(ops.max_pool)


@LAYERS.register("AvgPool1D")
class AveragePooling1D(_Pooling):
    """The mean in each window of a sequence.

    Args:
        pool_size: The window's size.
        strides: Its step; `pool_size` where it is `None`.
        padding: `"valid"` (windows that fit) or `"same"` (`ceil(size / stride)` windows; cells
            beyond the edge are not counted).
        data_format: `"channels_last"` or `"channels_first"`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: A setting is out of its range.

    Shapes:
        `(batch, steps, channels)` to `(batch, new_steps, channels)`; the channels stand
        second with `"channels_first"`.

    Example:
        >>> import numpy as np
        >>> AveragePooling1D()(np.arange(4.0).reshape(1, 4, 1)).ravel().tolist()
        [0.5, 2.5]
    """

    rank = 1
    _pool = staticmethod(ops.average_pool)


@LAYERS.register("AvgPool2D")
class AveragePooling2D(_Pooling):
    """The mean in each window of an image.

    Args:
        pool_size: The window's size, one number or `(height, width)`.
        strides: Its step, likewise; `pool_size` where it is `None`.
        padding: `"valid"` (windows that fit) or `"same"` (`ceil(size / stride)` windows; cells
            beyond the edge are not counted).
        data_format: `"channels_last"` or `"channels_first"`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: A setting is out of its range.

    Shapes:
        `(batch, height, width, channels)` to `(batch, new_height, new_width, channels)`; the channels stand
        second with `"channels_first"`.

    Example:
        >>> import numpy as np
        >>> AveragePooling2D()(np.arange(16.0).reshape(1, 4, 4, 1)).ravel().tolist()
        [2.5, 4.5, 10.5, 12.5]
    """

    rank = 2
    _pool = staticmethod(ops.average_pool)


@LAYERS.register("AvgPool3D")
class AveragePooling3D(_Pooling):
    """The mean in each window of a volume.

    Args:
        pool_size: The window's size, one number or three.
        strides: Its step, likewise; `pool_size` where it is `None`.
        padding: `"valid"` (windows that fit) or `"same"` (`ceil(size / stride)` windows; cells
            beyond the edge are not counted).
        data_format: `"channels_last"` or `"channels_first"`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: A setting is out of its range.

    Shapes:
        `(batch, depth, height, width, channels)` to `(batch, new_depth, new_height, new_width, channels)`; the channels
        stand second with `"channels_first"`.

    Example:
        >>> import numpy as np
        >>> AveragePooling3D()(np.arange(64.0).reshape(1, 4, 4, 4, 1)).ravel().tolist()
        [10.5, 12.5, 18.5, 20.5, 42.5, 44.5, 50.5, 52.5]
    """

    rank = 3
    _pool = staticmethod(ops.average_pool)


class _GlobalPooling(Layer):
    """One value for all positions of `rank` axes, as `_reduce` says."""

    rank: ClassVar[int]
    _reduce: ClassVar[Callable[..., Any]]

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._set(data_format=data_format_of(self, data_format), keepdims=keepdims)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _axes(self) -> tuple[int, ...]:
        return spatial_axes(self.rank, self.data_format)

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        return self._reduce(inputs, self._axes, keepdims=self.keepdims)


@LAYERS.register("GlobalMaxPool1D")
class GlobalMaxPooling1D(_GlobalPooling):
    """The largest value over all positions of a sequence.

    Args:
        data_format: `"channels_last"` or `"channels_first"`.
        keepdims: Whether the reduced axes stay, with size 1.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Shapes:
        `(batch, steps, channels)` to `(batch, channels)`, or `(batch, 1, channels)`; the channels
        stand second with `"channels_first"`.

    Example:
        >>> import numpy as np
        >>> GlobalMaxPooling1D()(np.ones((2, 3, 7))).shape
        (2, 7)
    """

    rank = 1
    _reduce = staticmethod(ops.max)


@LAYERS.register("GlobalMaxPool2D")
class GlobalMaxPooling2D(_GlobalPooling):
    """The largest value over all positions of an image.

    Args:
        data_format: `"channels_last"` or `"channels_first"`.
        keepdims: Whether the reduced axes stay, with size 1.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Shapes:
        `(batch, height, width, channels)` to `(batch, channels)`, or `(batch, 1, 1, channels)`; the channels
        stand second with `"channels_first"`.

    Example:
        >>> import numpy as np
        >>> GlobalMaxPooling2D()(np.ones((2, 3, 4, 7))).shape
        (2, 7)
    """

    rank = 2
    _reduce = staticmethod(ops.max)


@LAYERS.register("GlobalMaxPool3D")
class GlobalMaxPooling3D(_GlobalPooling):
    """The largest value over all positions of a volume.

    Args:
        data_format: `"channels_last"` or `"channels_first"`.
        keepdims: Whether the reduced axes stay, with size 1.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Shapes:
        `(batch, depth, height, width, channels)` to `(batch, channels)`, or `(batch, 1, 1, 1, channels)`; the channels
        stand second with `"channels_first"`.

    Example:
        >>> import numpy as np
        >>> GlobalMaxPooling3D()(np.ones((2, 3, 4, 5, 7))).shape
        (2, 7)
    """

    rank = 3
    _reduce = staticmethod(ops.max)


@LAYERS.register("GlobalAvgPool1D")
class GlobalAveragePooling1D(_GlobalPooling):
    """The mean over all positions of a sequence. Steps that a mask says do not count are left out.

    Args:
        data_format: `"channels_last"` or `"channels_first"`.
        keepdims: Whether the reduced axes stay, with size 1.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Shapes:
        `(batch, steps, channels)` to `(batch, channels)`, or `(batch, 1, channels)`; the channels
        stand second with `"channels_first"`.

    Example:
        >>> import numpy as np
        >>> GlobalAveragePooling1D()(np.ones((2, 3, 7))).shape
        (2, 7)

    Reference:
        Lin et al., "Network In Network", 2013, https://arxiv.org/abs/1312.4400
    """

    rank = 1
    _reduce = staticmethod(ops.mean)

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(data_format, keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Compute the output.

        Args:
            inputs: The input.
            mask: Which steps count, shape `(batch, steps)`.
        """
        if mask is None:
            return super().call(inputs)
        channels = 3 - self._axes[0]
        counts = ops.expand_dims(ops.cast(mask, inputs.dtype), channels)
        total = ops.sum(inputs * counts, self._axes, keepdims=self.keepdims)
        return total / ops.sum(counts, self._axes, keepdims=self.keepdims)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Return no mask: there are no steps left."""
        return None


@LAYERS.register("GlobalAvgPool2D")
class GlobalAveragePooling2D(_GlobalPooling):
    """The mean over all positions of an image.

    Args:
        data_format: `"channels_last"` or `"channels_first"`.
        keepdims: Whether the reduced axes stay, with size 1.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Shapes:
        `(batch, height, width, channels)` to `(batch, channels)`, or `(batch, 1, 1, channels)`; the channels
        stand second with `"channels_first"`.

    Example:
        >>> import numpy as np
        >>> GlobalAveragePooling2D()(np.ones((2, 3, 4, 7))).shape
        (2, 7)

    Reference:
        Lin et al., "Network In Network", 2013, https://arxiv.org/abs/1312.4400
    """

    rank = 2
    _reduce = staticmethod(ops.mean)


@LAYERS.register("GlobalAvgPool3D")
class GlobalAveragePooling3D(_GlobalPooling):
    """The mean over all positions of a volume.

    Args:
        data_format: `"channels_last"` or `"channels_first"`.
        keepdims: Whether the reduced axes stay, with size 1.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Shapes:
        `(batch, depth, height, width, channels)` to `(batch, channels)`, or `(batch, 1, 1, 1, channels)`; the channels
        stand second with `"channels_first"`.

    Example:
        >>> import numpy as np
        >>> GlobalAveragePooling3D()(np.ones((2, 3, 4, 5, 7))).shape
        (2, 7)

    Reference:
        Lin et al., "Network In Network", 2013, https://arxiv.org/abs/1312.4400
    """

    rank = 3
    _reduce = staticmethod(ops.mean)
