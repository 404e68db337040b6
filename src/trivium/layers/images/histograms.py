"""Layers that spread the values of an image over their range, by what values it has. They act in both modes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from trivium import ops
from trivium.layers.checks import not_negative, positive_int
from trivium.layers.images.pixels import SteadyLayer, by_rows, rescaled, whole_levels
from trivium.layers.images.settings import ValueRange
from trivium.layers.registry import LAYERS
from trivium.layers.spatial import sizes_of
from trivium.state.types import Array

__all__ = ["AutoContrast", "ContrastLimitedAdaptiveHistogramEqualization", "Equalization"]

_BYTES = (0, 255)


@LAYERS.register()
class AutoContrast(SteadyLayer):
    """Stretches each channel of each image, so that it reaches from the one end of the range of values to the other.

    A channel that has one value alone stays as it is. The layer does the same in inference.

    Args:
        value_range: The least and the greatest number that a pixel holds.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: `value_range` is not two numbers, one above the other.

    Example:
        >>> import numpy as np
        >>> AutoContrast()(np.array([[[100.0], [110.0], [120.0]]])).ravel().tolist()
        [0.0, 127.5, 255.0]

    Reference:
        Pillow's `ImageOps.autocontrast`.
    """

    def __init__(self, value_range: ValueRange = (0, 255), **kwargs: Any) -> None:
        super().__init__(value_range, **kwargs)

    def _changed(self, pixels: Array, transformation: Any) -> Any:
        low, high = (by_rows(f, pixels, self._spatial_axes) for f in (jnp.min, jnp.max))
        stretched = rescaled(
            (pixels - low) / jnp.where(high > low, high - low, 1), (0, 1), self.value_range
        )
        return ops.where(high > low, ops.clip(stretched, *self.value_range), pixels)


@LAYERS.register()
class Equalization(SteadyLayer):
    """Gives each channel of each image values that are spread evenly over the range, in the order that they had.

    A value becomes the share of the channel's pixels that it is above of. A channel that has one value alone stays as
    it is. The layer does the same in inference.

    Args:
        value_range: The least and the greatest number that a pixel holds.
        bins: How many levels of values are told apart.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: `value_range` is not two numbers, one above the other, or `bins` no number above zero.

    Example:
        >>> import numpy as np
        >>> Equalization()(np.array([[[100.0], [101.0], [200.0]]])).ravel().tolist()
        [0.0, 128.0, 255.0]

    Reference:
        Gonzalez and Woods, "Digital Image Processing", 4th ed. 2018, section 3.3.
    """

    def __init__(
        self,
        value_range: ValueRange = (0, 255),
        bins: int = 256,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, data_format=data_format, **kwargs)
        self._set(bins=positive_int(self, bins=bins))

    def _changed(self, pixels: Array, transformation: Any) -> Any:
        bins = rescaled(pixels, self.value_range, (0, self.bins - 1))
        levels = whole_levels(bins, self.compute_dtype, self.bins)
        rows = jnp.moveaxis(levels, self._channel_axis, 1)
        shape = rows.shape
        rows = rows.reshape(shape[0], shape[1], -1)
        counts = histogram(rows, self.bins)
        below = jnp.cumsum(counts, -1)
        # The least level becomes 0: its own pixels do not count.
        least = jnp.max(jnp.where(below == counts, counts, 0), -1, keepdims=True)
        others = below[..., -1:] - least
        table = jnp.round((below - least) * 255 / jnp.maximum(others, 1))
        spread = jnp.take_along_axis(table, rows, -1).reshape(shape)
        several = jnp.moveaxis((others > 0)[..., None], 1, self._channel_axis)
        spread = rescaled(jnp.moveaxis(spread, 1, self._channel_axis), _BYTES, self.value_range)
        return jnp.where(several, spread, pixels)


@LAYERS.register()
class ContrastLimitedAdaptiveHistogramEqualization(SteadyLayer):
    """Equalizes each region of an image by the histogram of its surroundings, which is kept from being too steep.

    An image is cut into tiles, which get tables of their own as in `Equalization`; a pixel takes what the tables of
    the four tiles around it say, each the more the nearer it is. The layer does the same in inference.

    Args:
        value_range: The least and the greatest number that a pixel holds.
        clip_limit: How many times the mean count of a level, at most, a level's count is: the rest is dealt out to all
            levels. It limits how much noise is strengthened where there is little else; 0 sets no limit.
        tile_grid_size: How many tiles there are, along the height and the width.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: A setting is out of its range.

    Example:
        >>> import numpy as np
        >>> image = np.linspace(100, 110, 64).reshape(8, 8, 1)
        >>> y = ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(1, 1))(image)
        >>> np.ptp(image) < np.ptp(y) < 255
        np.True_

    Reference:
        Zuiderveld, "Contrast Limited Adaptive Histogram Equalization", Graphics Gems IV, 1994.
    """

    def __init__(
        self,
        value_range: ValueRange = (0, 255),
        clip_limit: float = 4.0,
        tile_grid_size: Sequence[int] = (8, 8),
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, data_format=data_format, **kwargs)
        self._set(
            clip_limit=not_negative(self, clip_limit=clip_limit),
            tile_grid_size=sizes_of(self, 2, tile_grid_size=tile_grid_size),
        )

    def _changed(self, pixels: Array, transformation: Any) -> Any:
        levels = whole_levels(rescaled(pixels, self.value_range, _BYTES), self.compute_dtype)
        planes = jnp.moveaxis(levels, self._channel_axis, 1)
        height, width = planes.shape[2:]
        rows, columns = self.tile_grid_size
        tall, wide = -(-height // rows), -(-width // columns)
        around = [(0, 0), (0, 0), (0, tall * rows - height), (0, wide * columns - width)]
        planes = jnp.pad(planes, around, "symmetric")
        tables = self._tables(planes, tall, wide)
        # Between the middles of the tiles; beyond the outermost ones their own tables hold alone.
        down, right = _weights(rows, tall), _weights(columns, wide)
        equalized: Any = 0
        for row, by_row in down:
            for column, by_column in right:
                tile = row[:, None] * columns + column
                value = _looked_up(tables, tile, planes)
                equalized = equalized + value * by_row[:, None] * by_column
        equalized = jnp.moveaxis(equalized[:, :, :height, :width], 1, self._channel_axis)
        return rescaled(equalized, _BYTES, self.value_range)

    def _tables(self, planes: Array, tall: int, wide: int) -> Array:
        """Return what becomes of each level in each tile, shape `(batch, channels, tiles, 256)`."""
        batch, channels = planes.shape[:2]
        rows, columns = self.tile_grid_size
        tiles = planes.reshape(batch, channels, rows, tall, columns, wide).swapaxes(3, 4)
        counts = histogram(tiles.reshape(batch, channels, rows * columns, tall * wide), 256)
        if self.clip_limit > 0:
            limited = jnp.minimum(counts, self.clip_limit * (tall * wide) / 256)
            counts = limited + jnp.sum(counts - limited, -1, keepdims=True) / 256
        below = jnp.cumsum(counts, -1)
        least = below[..., :1]
        others = tall * wide - least
        return jnp.clip((below - least) * 255 / jnp.where(others == 0, 1, others), 0, 255)


def histogram(levels: Array, count: int) -> Array:
    """Return how often each level occurs along the last axis.

    Args:
        levels: Whole numbers from 0 to `count - 1`, shape `(..., n)`.
        count: How many levels there are.

    Returns:
        Floats of shape `(..., count)`.

    Example:
        >>> histogram(jnp.array([[0, 2, 2]]), 3).tolist()
        [[1.0, 0.0, 2.0]]
    """
    rows = levels.reshape(-1, levels.shape[-1])
    # One scatter into a flat array: on CPU a hundred times faster than comparing with each level.
    places = rows + count * jnp.arange(rows.shape[0])[:, None]
    counts = jnp.zeros(rows.shape[0] * count, "float32")
    return counts.at[places.ravel()].add(1).reshape(*levels.shape[:-1], count)


def _weights(tiles: int, size: int) -> list[tuple[Array, Array]]:
    """Return the numbers of the two tiles around each pixel along an axis, with their weights."""
    place = (jnp.arange(tiles * size) - size / 2) / size
    before = jnp.floor(place)
    share = place - before
    numbers = [jnp.clip(before + k, 0, tiles - 1).astype("int32") for k in (0, 1)]
    return [(numbers[0], 1 - share), (numbers[1], share)]


def _looked_up(tables: Array, tile: Array, planes: Array) -> Array:
    """Return what the table of a tile, given for each place, says of each pixel."""
    batch, channels, tiles, count = tables.shape
    first = jnp.arange(batch * channels).reshape(batch, channels, 1, 1) * tiles
    return tables.reshape(-1)[(first + tile) * count + planes]
