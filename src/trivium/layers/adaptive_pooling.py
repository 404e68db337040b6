"""Adaptive pooling layers: the largest value or the mean of each of so many windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from trivium import ops
from trivium.layers.registry import LAYERS
from trivium.layers.spatial import Sizes, Spatial, sizes_of
from trivium.state.types import Array

__all__ = [
    "AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D",
]  # fmt: skip


class AdaptivePooling(Spatial):
    """Windows that cover `rank` axes evenly, as many as there shall be positions; each gives what `_pool` says.

    Of `n` positions and `m` windows, window `i` has those from `floor(i * n / m)` to `ceil((i + 1) * n / m)`, so that
    neighbors may share one; where there are more windows than positions, some have the same.

    Args:
        output_size: How many windows: one number, or one for each axis.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: A setting is out of its range.

    Shapes:
        `(batch, *spatial, channels)` to `(batch, *output_size, channels)`; the channels stand second with
        `"channels_first"`.

    Reference:
        The windows are those of PyTorch's adaptive pooling.
    """

    _stateless = True

    _pool: ClassVar[Callable[..., Any]]

    def __init__(self, output_size: Sizes, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self._set(output_size=sizes_of(self, self.rank, output_size=output_size))

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        return self._pool(inputs, self.output_size, self.data_format)


class _AdaptiveMaxPooling(AdaptivePooling):
    _pool = staticmethod(ops.adaptive_max_pool)


class _AdaptiveAveragePooling(AdaptivePooling):
    _pool = staticmethod(ops.adaptive_average_pool)


@LAYERS.register()
class AdaptiveMaxPooling1D(_AdaptiveMaxPooling):
    """The largest value in each of so many windows of a sequence: as `AdaptivePooling`, over one axis.

    Example:
        >>> import numpy as np
        >>> AdaptiveMaxPooling1D(2)(np.arange(4.0).reshape(1, 4, 1)).ravel().tolist()
        [1.0, 3.0]
    """

    rank = 1


@LAYERS.register()
class AdaptiveMaxPooling2D(_AdaptiveMaxPooling):
    """The largest value in each of so many windows of an image: as `AdaptivePooling`, over two axes.

    Example:
        >>> import numpy as np
        >>> AdaptiveMaxPooling2D((1, 2))(np.arange(16.0).reshape(1, 4, 4, 1)).ravel().tolist()
        [13.0, 15.0]
    """

    rank = 2


@LAYERS.register()
class AdaptiveMaxPooling3D(_AdaptiveMaxPooling):
    """The largest value in each of so many windows of a volume: as `AdaptivePooling`, over three axes.

    Example:
        >>> import numpy as np
        >>> AdaptiveMaxPooling3D((1, 1, 2))(np.arange(64.0).reshape(1, 4, 4, 4, 1)).ravel().tolist()
        [61.0, 63.0]
    """

    rank = 3


@LAYERS.register()
class AdaptiveAveragePooling1D(_AdaptiveAveragePooling):
    """The mean in each of so many windows of a sequence: as `AdaptivePooling`, over one axis.

    Example:
        >>> import numpy as np
        >>> AdaptiveAveragePooling1D(2)(np.arange(4.0).reshape(1, 4, 1)).ravel().tolist()
        [0.5, 2.5]
    """

    rank = 1


@LAYERS.register()
class AdaptiveAveragePooling2D(_AdaptiveAveragePooling):
    """The mean in each of so many windows of an image: as `AdaptivePooling`, over two axes.

    Example:
        >>> import numpy as np
        >>> AdaptiveAveragePooling2D((1, 2))(np.arange(16.0).reshape(1, 4, 4, 1)).ravel().tolist()
        [6.5, 8.5]
    """

    rank = 2


@LAYERS.register()
class AdaptiveAveragePooling3D(_AdaptiveAveragePooling):
    """The mean in each of so many windows of a volume: as `AdaptivePooling`, over three axes.

    Example:
        >>> import numpy as np
        >>> AdaptiveAveragePooling3D((1, 1, 2))(np.arange(64.0).reshape(1, 4, 4, 4, 1)).ravel().tolist()
        [30.5, 32.5]
    """

    rank = 3
