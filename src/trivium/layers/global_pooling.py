"""Global pooling layers: the largest value or the mean of all positions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from trivium import ops
from trivium.layers.checks import broadcasts, flag, known
from trivium.layers.registry import LAYERS
from trivium.layers.spatial import Spatial
from trivium.state.dtypes import is_half
from trivium.state.types import Array

__all__ = [
    "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D",
    "GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D",
]  # fmt: skip


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
