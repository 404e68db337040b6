"""Pooling layers: the largest value or the mean of each window that slides over the positions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from trivium import ops
from trivium.layers.registry import LAYERS
from trivium.layers.spatial import Sizes, Spatial, one_of, sizes_of
from trivium.state.types import Array

__all__ = [
    "AveragePooling1D", "AveragePooling2D", "AveragePooling3D",
    "MaxPooling1D", "MaxPooling2D", "MaxPooling3D",
]  # fmt: skip


class Pooling(Spatial):
    """A window that slides over `rank` axes and keeps one value of what it sees, as `_pool` says.

    Args:
        pool_size: The window's size: one number, or one for each axis.
        strides: Its step, likewise; `pool_size` where it is `None`.
        padding: `"valid"` (windows that fit) or `"same"` (`ceil(size / stride)` windows; cells beyond the edge are not
            counted).
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: A setting is out of its range.

    Shapes:
        `(batch, *spatial, channels)` to `(batch, *new_spatial, channels)`; the channels stand second with
        `"channels_first"`.
    """

    _stateless = True

    _pool: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        pool_size: Sizes = 2,
        strides: Sizes | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self._set(
            pool_size=sizes_of(self, self.rank, pool_size=pool_size),
            strides=sizes_of(self, self.rank, strides=pool_size if strides is None else strides),
            padding=one_of(self, ("valid", "same"), padding=padding),
        )

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        return self._pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


class _MaxPooling(Pooling):
    _pool = staticmethod(ops.max_pool)


class _AveragePooling(Pooling):
    _pool = staticmethod(ops.average_pool)


@LAYERS.register("MaxPool1D")
class MaxPooling1D(_MaxPooling):
    """The largest value in each window of a sequence: as `Pooling`, over one axis.

    Example:
        >>> import numpy as np
        >>> MaxPooling1D()(np.arange(4.0).reshape(1, 4, 1)).ravel().tolist()
        [1.0, 3.0]
    """

    rank = 1


@LAYERS.register("MaxPool2D")
class MaxPooling2D(_MaxPooling):
    """The largest value in each window of an image: as `Pooling`, over two axes.

    Example:
        >>> import numpy as np
        >>> MaxPooling2D()(np.arange(16.0).reshape(1, 4, 4, 1)).ravel().tolist()
        [5.0, 7.0, 13.0, 15.0]
    """

    rank = 2


@LAYERS.register("MaxPool3D")
class MaxPooling3D(_MaxPooling):
    """The largest value in each window of a volume: as `Pooling`, over three axes.

    Example:
        >>> import numpy as np
        >>> MaxPooling3D(4)(np.arange(64.0).reshape(1, 4, 4, 4, 1)).item()
        63.0
    """

    rank = 3


@LAYERS.register("AvgPool1D")
class AveragePooling1D(_AveragePooling):
    """The mean in each window of a sequence: as `Pooling`, over one axis.

    Example:
        >>> import numpy as np
        >>> AveragePooling1D()(np.arange(4.0).reshape(1, 4, 1)).ravel().tolist()
        [0.5, 2.5]
    """

    rank = 1


@LAYERS.register("AvgPool2D")
class AveragePooling2D(_AveragePooling):
    """The mean in each window of an image: as `Pooling`, over two axes.

    Example:
        >>> import numpy as np
        >>> AveragePooling2D()(np.arange(16.0).reshape(1, 4, 4, 1)).ravel().tolist()
        [2.5, 4.5, 10.5, 12.5]
    """

    rank = 2


@LAYERS.register("AvgPool3D")
class AveragePooling3D(_AveragePooling):
    """The mean in each window of a volume: as `Pooling`, over three axes.

    Example:
        >>> import numpy as np
        >>> AveragePooling3D(4)(np.arange(64.0).reshape(1, 4, 4, 4, 1)).item()
        31.5
    """

    rank = 3
