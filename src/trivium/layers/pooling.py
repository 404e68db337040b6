"""Pooling layers: the largest value or the mean of each window, of so many windows, or of all positions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from trivium import ops
from trivium.layers.checks import broadcasts, flag, known
from trivium.layers.registry import LAYERS
from trivium.layers.spatial import Sizes, Spatial, one_of, sizes_of
from trivium.state.dtypes import is_half
from trivium.state.types import Array

__all__ = [
    "AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D",
    "AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "GlobalAveragePooling1D",
    "GlobalAveragePooling2D", "GlobalAveragePooling3D", "GlobalMaxPooling1D", "GlobalMaxPooling2D",
    "GlobalMaxPooling3D", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D",
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


class GlobalPooling(Spatial):
    """One value for all positions of `rank` axes, as `_reduce` says.

    Args:
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        keepdims: Whether the reduced axes stay, with size 1.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: `keepdims` is not true or false.
        ValueError: `data_format` is neither.

    Shapes:
        `(batch, *spatial, channels)` to `(batch, channels)`, or `(batch, 1, …, channels)` with `keepdims`; the channels
        stand second with `"channels_first"`.

    Reference:
        Lin et al., "Network In Network", 2013, https://arxiv.org/abs/1312.4400
    """

    _stateless = True

    _reduce: ClassVar[Callable[..., Any]]

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        self._set(keepdims=flag(self, keepdims=keepdims))

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        return self._reduce(inputs, self._spatial_axes, keepdims=self.keepdims)


class _GlobalMaxPooling(GlobalPooling):
    _reduce = staticmethod(ops.max)


class _GlobalAveragePooling(GlobalPooling):
    _reduce = staticmethod(ops.mean)


@LAYERS.register("GlobalMaxPool1D")
class GlobalMaxPooling1D(_GlobalMaxPooling):
    """The largest value over all positions of a sequence: as `GlobalPooling`, over one axis.

    Example:
        >>> import numpy as np
        >>> GlobalMaxPooling1D()(np.ones((2, 3, 7))).shape
        (2, 7)
    """

    rank = 1


@LAYERS.register("GlobalMaxPool2D")
class GlobalMaxPooling2D(_GlobalMaxPooling):
    """The largest value over all positions of an image: as `GlobalPooling`, over two axes.

    Example:
        >>> import numpy as np
        >>> GlobalMaxPooling2D()(np.ones((2, 3, 4, 7))).shape
        (2, 7)
    """

    rank = 2


@LAYERS.register("GlobalMaxPool3D")
class GlobalMaxPooling3D(_GlobalMaxPooling):
    """The largest value over all positions of a volume: as `GlobalPooling`, over three axes.

    Example:
        >>> import numpy as np
        >>> GlobalMaxPooling3D()(np.ones((2, 3, 4, 5, 7))).shape
        (2, 7)
    """

    rank = 3


@LAYERS.register("GlobalAvgPool1D")
class GlobalAveragePooling1D(_GlobalAveragePooling):
    """The mean over all positions of a sequence: as `GlobalPooling`, over one axis.

    Steps that a mask says do not count are left out; where none counts the mean is 0.

    Example:
        >>> import numpy as np
        >>> steps = np.array([[[1.0], [9.0]], [[1.0], [9.0]]])
        >>> GlobalAveragePooling1D()(steps, mask=np.array([[True, False], [False, False]])).tolist()
        [[1.0], [0.0]]
    """

    rank = 1

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(data_format, keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs: Array, mask: Array | None = None) -> Array:
        """Compute the output.

        Args:
            inputs: The input.
            mask: Which steps count, shape `(batch, steps)`.
        """
        if mask is None:
            return super().call(inputs)
        shape, (steps,) = known(inputs.shape), self._spatial_axes
        if len(mask.shape) != 2 or not broadcasts(mask.shape, (shape[0], shape[steps])):
            raise ValueError(
                f"Layer {self.path!r} (GlobalAveragePooling1D) wants a mask of shape (batch, steps), "
                f"{(shape[0], shape[steps])} here; got {known(mask.shape)}."
            )
        # A sum over many steps overflows in half precision, where their mean does not.
        half = is_half(inputs.dtype)
        x = ops.cast(inputs, "float32") if half else inputs
        counts = ops.expand_dims(ops.cast(mask, x.dtype), self._channel_axis)
        # What does not count may be anything, infinite too, so it is replaced and not multiplied by 0.
        shown = ops.where(counts != 0, x * counts, 0)
        total = ops.sum(shown, self._spatial_axes, keepdims=self.keepdims)
        weight = ops.sum(counts, self._spatial_axes, keepdims=self.keepdims)
        outputs = total / ops.where(weight == 0, 1, weight)
        return ops.cast(outputs, inputs.dtype) if half else outputs

    def compute_mask(self, inputs: Array, mask: Array | None = None) -> Array | None:
        """Return no mask: there are no steps left."""
        return None


@LAYERS.register("GlobalAvgPool2D")
class GlobalAveragePooling2D(_GlobalAveragePooling):
    """The mean over all positions of an image: as `GlobalPooling`, over two axes.

    Example:
        >>> import numpy as np
        >>> GlobalAveragePooling2D()(np.ones((2, 3, 4, 7))).shape
        (2, 7)
    """

    rank = 2


@LAYERS.register("GlobalAvgPool3D")
class GlobalAveragePooling3D(_GlobalAveragePooling):
    """The mean over all positions of a volume: as `GlobalPooling`, over three axes.

    Example:
        >>> import numpy as np
        >>> GlobalAveragePooling3D()(np.ones((2, 3, 4, 5, 7))).shape
        (2, 7)
    """

    rank = 3
