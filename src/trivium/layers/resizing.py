"""Layers that add, cut or repeat cells along the spatial axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import jax

from trivium import ops
from trivium.layers.base import Layer
from trivium.layers.input_spec import InputSpec
from trivium.layers.registry import LAYERS
from trivium.layers.spatial import data_format_of, one_of, sizes_of, spatial_axes

__all__ = [
    "Cropping1D", "Cropping2D", "Cropping3D", "UpSampling1D", "UpSampling2D", "UpSampling3D", "ZeroPadding1D",
    "ZeroPadding2D", "ZeroPadding3D",
]  # fmt: skip

_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


class _Margins(Layer):
    """What adding and cutting margins around `rank` spatial axes share: a setting with two numbers for each axis."""

    rank: ClassVar[int]
    setting: ClassVar[str]

    def _set_margins(self, value: Any, data_format: str | None) -> None:
        """Keep the margins as Keras writes them: one pair for one axis, else a pair for each."""
        pairs = _pairs(self, self.rank, **{self.setting: value})
        self._set(**{self.setting: pairs[0] if self.rank == 1 else pairs})
        self._set(data_format=data_format_of(self, data_format))
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _pairs_by_axis(self) -> dict[int, tuple[int, int]]:
        value = getattr(self, self.setting)
        pairs = [value] if self.rank == 1 else value
        return dict(zip(spatial_axes(self.rank, self.data_format), pairs, strict=True))


def _pairs(layer: Layer, rank: int, **setting: Any) -> tuple[tuple[int, int], ...]:
    """Return a pair of numbers for each axis, from one number, one for each axis, or one pair for each."""
    ((name, value),) = setting.items()
    if rank == 1 and not isinstance(value, int):
        value = (value,)
    each = (value,) * rank if isinstance(value, int) else tuple(value)
    pairs = tuple((n, n) if isinstance(n, int) else tuple(n) for n in each)
    if len(pairs) != rank or any(
        len(p) != 2 or not all(isinstance(n, int) and n >= 0 for n in p) for p in pairs
    ):
        raise ValueError(
            f"{type(layer).__name__}: `{name}` is a whole number of at least 0, one for each of the {rank} spatial "
            f"axes, or a pair (before, after) for each; got {setting[name]!r}."
        )
    return pairs


class _ZeroPadding(_Margins):
    setting = "padding"

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set_margins(padding, data_format)

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        pairs = self._pairs_by_axis
        return ops.pad(inputs, [pairs.get(i, (0, 0)) for i in range(self.rank + 2)])


class _Cropping(_Margins):
    setting = "cropping"

    def __init__(self, cropping: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set_margins(cropping, data_format)

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        pairs = self._pairs_by_axis
        for axis, (before, after) in pairs.items():
            size = inputs.shape[axis]
            if isinstance(size, int) and before + after >= size:
                raise ValueError(
                    f"Layer {self.path!r} ({type(self).__name__}) would cut {before} + {after} of the {size} cells on "
                    f"axis {axis}, so nothing would be left."
                )
        cuts = [pairs.get(i, (0, 0)) for i in range(self.rank + 2)]
        return inputs[tuple(slice(b, n - a) for (b, a), n in zip(cuts, inputs.shape, strict=True))]


class _UpSampling(Layer):
    """Each cell several times along `rank` spatial axes."""

    rank: ClassVar[int]

    def _set_size(self, size: Any, data_format: str | None) -> None:
        sizes = sizes_of(self, self.rank, size=size)
        self._set(size=sizes[0] if self.rank == 1 else sizes)
        self.data_format = data_format_of(self, data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _times(self) -> dict[int, int]:
        sizes = (self.size,) if self.rank == 1 else self.size
        return dict(zip(spatial_axes(self.rank, self.data_format), sizes, strict=True))

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        for axis, times in self._times.items():
            inputs = ops.repeat(inputs, times, axis=axis)
        return inputs


@LAYERS.register()
class ZeroPadding1D(_ZeroPadding):
    """Zeros around a sequence.

    Args:
        padding: The number of cells before and after, or the pair `(before, after)`.
        data_format: `"channels_last"` or `"channels_first"`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: `padding` is none of these.

    Shapes:
        `(batch, steps, channels)` to `(batch, new_steps, channels)`.

    Example:
        >>> import numpy as np
        >>> ZeroPadding1D()(np.ones((2, 3, 7))).shape
        (2, 5, 7)
    """

    rank = 1


@LAYERS.register()
class ZeroPadding2D(_ZeroPadding):
    """Zeros around an image.

    Args:
        padding: The number of cells: one number, one for each axis, or a pair `(before, after)` for each.
        data_format: `"channels_last"` or `"channels_first"`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: `padding` is none of these.

    Shapes:
        `(batch, height, width, channels)` to `(batch, new_height, new_width, channels)`.

    Example:
        >>> import numpy as np
        >>> ZeroPadding2D()(np.ones((2, 3, 4, 7))).shape
        (2, 5, 6, 7)
    """

    rank = 2


@LAYERS.register()
class ZeroPadding3D(_ZeroPadding):
    """Zeros around a volume.

    Args:
        padding: The number of cells: one number, one for each axis, or a pair `(before, after)` for each.
        data_format: `"channels_last"` or `"channels_first"`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: `padding` is none of these.

    Shapes:
        `(batch, depth, height, width, channels)` to `(batch, new_depth, new_height, new_width, channels)`.

    Example:
        >>> import numpy as np
        >>> ZeroPadding3D()(np.ones((2, 3, 4, 5, 7))).shape
        (2, 5, 6, 7, 7)
    """

    rank = 3


@LAYERS.register()
class Cropping1D(_Cropping):
    """The inner part of a sequence.

    Args:
        cropping: The number of cells at both ends, or the pair `(before, after)`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: `cropping` is none of these, or nothing would be left.

    Shapes:
        `(batch, steps, channels)` to `(batch, new_steps, channels)`.

    Example:
        >>> import numpy as np
        >>> Cropping1D(1)(np.ones((2, 3, 7))).shape
        (2, 1, 7)
    """

    rank = 1

    def __init__(self, cropping: Any = 1, **kwargs: Any) -> None:
        super().__init__(cropping, None, **kwargs)
        self._settings.remove("data_format")


@LAYERS.register()
class Cropping2D(_Cropping):
    """The inner part of an image.

    Args:
        cropping: The number of cells: one number, one for each axis, or a pair `(before, after)` for each.
        data_format: `"channels_last"` or `"channels_first"`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: `cropping` is none of these, or nothing would be left.

    Shapes:
        `(batch, height, width, channels)` to `(batch, new_height, new_width, channels)`.

    Example:
        >>> import numpy as np
        >>> Cropping2D(1)(np.ones((2, 3, 4, 7))).shape
        (2, 1, 2, 7)
    """

    rank = 2

    def __init__(self, cropping: Any = 0, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(cropping, data_format, **kwargs)


@LAYERS.register()
class Cropping3D(_Cropping):
    """The inner part of a volume.

    Args:
        cropping: The number of cells: one number, one for each axis, or a pair `(before, after)` for each.
        data_format: `"channels_last"` or `"channels_first"`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: `cropping` is none of these, or nothing would be left.

    Shapes:
        `(batch, depth, height, width, channels)` to `(batch, new_depth, new_height, new_width, channels)`.

    Example:
        >>> import numpy as np
        >>> Cropping3D(1)(np.ones((2, 3, 4, 5, 7))).shape
        (2, 1, 2, 3, 7)
    """

    rank = 3


@LAYERS.register()
class UpSampling1D(_UpSampling):
    """Each cell of a sequence several times.

    Args:
        size: How many times.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: A setting is out of its range.

    Shapes:
        `(batch, steps, channels)` to `(batch, new_steps, channels)`.

    Example:
        >>> import numpy as np
        >>> UpSampling1D()(np.ones((2, 3, 7))).shape
        (2, 6, 7)
    """

    rank = 1

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set_size(size, None)


@LAYERS.register()
class UpSampling2D(_UpSampling):
    """Each cell of an image several times.

    Args:
        size: How many times, one number or one for each axis.
        data_format: `"channels_last"` or `"channels_first"`.
        interpolation: `"nearest"` (repeated), `"bilinear"`, `"bicubic"`, `"lanczos3"` or `"lanczos5"`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: A setting is out of its range.

    Shapes:
        `(batch, height, width, channels)` to `(batch, new_height, new_width, channels)`.

    Example:
        >>> import numpy as np
        >>> UpSampling2D()(np.ones((2, 3, 4, 7))).shape
        (2, 6, 8, 7)
    """

    rank = 2

    def __init__(
        self,
        size: int | Sequence[int] = 2,
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._set_size(size, data_format)
        self._set(
            data_format=self.data_format,
            interpolation=one_of(self, _INTERPOLATIONS, interpolation=interpolation),
        )

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        if self.interpolation == "nearest":
            return super().call(inputs)
        times = self._times
        shape = tuple(n * times.get(i, 1) for i, n in enumerate(inputs.shape))
        return jax.image.resize(inputs, shape, self.interpolation)


@LAYERS.register()
class UpSampling3D(_UpSampling):
    """Each cell of a volume several times.

    Args:
        size: How many times, one number or one for each axis.
        data_format: `"channels_last"` or `"channels_first"`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: A setting is out of its range.

    Shapes:
        `(batch, depth, height, width, channels)` to `(batch, new_depth, new_height, new_width, channels)`.

    Example:
        >>> import numpy as np
        >>> UpSampling3D()(np.ones((2, 3, 4, 5, 7))).shape
        (2, 6, 8, 10, 7)
    """

    rank = 3

    def __init__(
        self, size: int | Sequence[int] = 2, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._set_size(size, data_format)
        self._set(data_format=self.data_format)
