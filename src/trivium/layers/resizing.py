"""Layers that add, cut or repeat cells along the spatial axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import numpy as np

from trivium import ops
from trivium.layers.base import Layer
from trivium.layers.checks import is_whole
from trivium.layers.registry import LAYERS
from trivium.layers.spatial import Sizes, Spatial, one_of, sizes_of
from trivium.state.types import Array

__all__ = [
    "Cropping1D", "Cropping2D", "Cropping3D", "UpSampling1D", "UpSampling2D", "UpSampling3D", "ZeroPadding1D",
    "ZeroPadding2D", "ZeroPadding3D",
]  # fmt: skip

# One number for all margins, one for each axis, or a pair (before, after) for each axis.
_Cells = int | Sequence[int] | Sequence[Sequence[int]]
_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


def _pairs(layer: Layer, rank: int, **setting: Any) -> tuple[tuple[int, int], ...]:
    """Return a pair of numbers for each axis, from one number, one for each axis, or one pair for each."""
    ((name, value),) = setting.items()
    whole = isinstance(value, int | np.integer)
    each = (value,) * rank if whole else (value,) if rank == 1 else value
    try:
        pairs = tuple((n, n) if isinstance(n, int | np.integer) else tuple(n) for n in each)
    except TypeError:
        pairs = ()
    if len(pairs) != rank or not all(
        len(p) == 2 and all(is_whole(n, least=0) for n in p) for p in pairs
    ):
        raise ValueError(
            f"{type(layer).__name__}: `{name}` is a whole number of at least 0, one for each of the {rank} spatial "
            f"axes, or a pair (before, after) for each; got {value!r}."
        )
    return tuple((int(before), int(after)) for before, after in pairs)


class Margins(Spatial):
    """A layer that adds or cuts cells around `rank` axes; `setting` names the argument that says how many.

    Args:
        cells: How many: one number, one for each axis, or a pair `(before, after)` for each; one pair for one axis.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: `cells` is none of these.

    Shapes:
        `(batch, *spatial, channels)` to `(batch, *new_spatial, channels)`; the channels stand second with
        `"channels_first"`.
    """

    _stateless = True

    setting: ClassVar[str]
    _unwritten: ClassVar[frozenset[str]] = Spatial._unwritten | {"cells"}

    def __init__(self, cells: _Cells, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        pairs = _pairs(self, self.rank, **{self.setting: cells})
        # As Keras writes it: one pair for one axis, else a pair for each.
        self._set(**{self.setting: pairs[0] if self.rank == 1 else pairs})

    @property
    def _by_axis(self) -> list[tuple[int, int]]:
        """The pair of each axis, batch and channels included."""
        value = getattr(self, self.setting)
        pairs = iter([value] if self.rank == 1 else value)
        axes = self._spatial_axes
        return [next(pairs) if axis in axes else (0, 0) for axis in range(self.rank + 2)]


class _ZeroPadding(Margins):
    setting = "padding"

    def __init__(self, padding: _Cells = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(padding, data_format, **kwargs)

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        return ops.pad(inputs, self._by_axis)


class _Cropping(Margins):
    setting = "cropping"

    def __init__(self, cropping: _Cells = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(cropping, data_format, **kwargs)

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        cuts = list(zip(self._by_axis, inputs.shape, strict=True))
        for axis, ((before, after), size) in enumerate(cuts):
            if isinstance(size, int) and before + after and before + after >= size:
                raise ValueError(
                    f"Layer {self.path!r} ({type(self).__name__}) would cut {before} + {after} of the {size} cells on "
                    f"axis {axis}, so nothing would be left."
                )
        return inputs[tuple(slice(before, size - after) for (before, after), size in cuts)]


@LAYERS.register()
class ZeroPadding1D(_ZeroPadding):
    """Zeros around a sequence: as `Margins`, over one axis.

    Example:
        >>> import numpy as np
        >>> ZeroPadding1D()(np.ones((2, 3, 7))).shape
        (2, 5, 7)
    """

    rank = 1


@LAYERS.register()
class ZeroPadding2D(_ZeroPadding):
    """Zeros around an image: as `Margins`, over two axes.

    Example:
        >>> import numpy as np
        >>> ZeroPadding2D(((1, 0), (2, 0)))(np.ones((2, 3, 4, 7))).shape
        (2, 4, 6, 7)
    """

    rank = 2


@LAYERS.register()
class ZeroPadding3D(_ZeroPadding):
    """Zeros around a volume: as `Margins`, over three axes.

    Example:
        >>> import numpy as np
        >>> ZeroPadding3D()(np.ones((2, 3, 4, 5, 7))).shape
        (2, 5, 6, 7, 7)
    """

    rank = 3


@LAYERS.register()
class Cropping1D(_Cropping):
    """The inner part of a sequence: as `Margins`, over one axis, with the channels last always.

    Example:
        >>> import numpy as np
        >>> Cropping1D(1)(np.ones((2, 3, 7))).shape
        (2, 1, 7)
    """

    rank = 1
    channels_always_last = True
    _unwritten: ClassVar[frozenset[str]] = _Cropping._unwritten | {"data_format"}

    def __init__(self, cropping: _Cells = 1, **kwargs: Any) -> None:
        super().__init__(cropping, **kwargs)


@LAYERS.register()
class Cropping2D(_Cropping):
    """The inner part of an image: as `Margins`, over two axes.

    Example:
        >>> import numpy as np
        >>> Cropping2D(1)(np.ones((2, 3, 4, 7))).shape
        (2, 1, 2, 7)
    """

    rank = 2

    # Keras cuts nothing by default here, and one cell in the other ranks.
    def __init__(self, cropping: _Cells = 0, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(cropping, data_format, **kwargs)


@LAYERS.register()
class Cropping3D(_Cropping):
    """The inner part of a volume: as `Margins`, over three axes.

    Example:
        >>> import numpy as np
        >>> Cropping3D(1)(np.ones((2, 3, 4, 5, 7))).shape
        (2, 1, 2, 3, 7)
    """

    rank = 3


class UpSampling(Spatial):
    """Each cell several times along `rank` axes.

    Args:
        size: How many times: one number, or one for each axis.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: A setting is out of its range.

    Shapes:
        `(batch, *spatial, channels)` to `(batch, *new_spatial, channels)`; the channels stand second with
        `"channels_first"`.
    """

    _stateless = True

    def __init__(self, size: Sizes = 2, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        sizes = sizes_of(self, self.rank, size=size)
        self._set(size=sizes[0] if self.rank == 1 else sizes)

    @property
    def _times(self) -> dict[int, int]:
        sizes = (self.size,) if self.rank == 1 else self.size
        return dict(zip(self._spatial_axes, sizes, strict=True))

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        for axis, times in self._times.items():
            inputs = ops.repeat(inputs, times, axis=axis)
        return inputs


@LAYERS.register()
class UpSampling1D(UpSampling):
    """Each cell of a sequence several times: as `UpSampling`, over one axis, with the channels last always.

    Example:
        >>> import numpy as np
        >>> UpSampling1D()(np.ones((2, 3, 7))).shape
        (2, 6, 7)
    """

    rank = 1
    channels_always_last = True
    _unwritten: ClassVar[frozenset[str]] = Spatial._unwritten | {"data_format"}

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(size, **kwargs)


@LAYERS.register()
class UpSampling2D(UpSampling):
    """Each cell of an image several times: as `UpSampling`, over two axes.

    Args:
        size: As for `UpSampling`.
        data_format: Likewise.
        interpolation: `"nearest"` (repeated), `"bilinear"`, `"bicubic"`, `"lanczos3"` or `"lanczos5"`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Example:
        >>> import numpy as np
        >>> UpSampling2D()(np.ones((2, 3, 4, 7))).shape
        (2, 6, 8, 7)
    """

    rank = 2

    def __init__(
        self,
        size: Sizes = 2,
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ) -> None:
        super().__init__(size, data_format, **kwargs)
        self._set(interpolation=one_of(self, _INTERPOLATIONS, interpolation=interpolation))

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        if self.interpolation == "nearest":
            return super().call(inputs)
        times = self._times
        shape = tuple(n * times.get(i, 1) for i, n in enumerate(inputs.shape))
        return jax.image.resize(inputs, shape, self.interpolation)


@LAYERS.register()
class UpSampling3D(UpSampling):
    """Each cell of a volume several times: as `UpSampling`, over three axes.

    Example:
        >>> import numpy as np
        >>> UpSampling3D()(np.ones((2, 3, 4, 5, 7))).shape
        (2, 6, 8, 10, 7)
    """

    rank = 3
