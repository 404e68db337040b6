"""What layers over spatial axes share: the base of their families, and checks of sizes, padding and data format.

A family (`Pooling`, `Conv`, …) is written and documented once, for any number of spatial axes. Its members,
such as `MaxPooling1D`, say their `rank` and no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from trivium.layers.base import Layer
from trivium.layers.checks import is_whole
from trivium.layers.input_spec import InputSpec
from trivium.ops.arrays import channels_are_last
from trivium.state import suggest
from trivium.state.image_format import IMAGE_DATA_FORMATS, image_data_format

__all__ = ["Sizes", "Spatial", "data_format_of", "one_of", "sizes_of", "spatial_axes"]

# One number for all spatial axes, or one for each.
Sizes = int | Sequence[int]


class Spatial(Layer):
    """A layer over `rank` spatial axes: of sequences (1), images (2) or volumes (3).

    Args:
        data_format: `"channels_last"` or `"channels_first"`; where it is `None`, what `config.image_data_format()` says
            when the layer is made.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: `data_format` is neither.

    Shapes:
        `(batch, *spatial, channels)`; `(batch, channels, *spatial)` with `"channels_first"`.
    """

    rank: ClassVar[int]
    # Keras gives a few layers of sequences no `data_format`: their channels are last, whatever the default.
    channels_always_last: ClassVar[bool] = False

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        if self.channels_always_last and data_format is not None:
            kwargs["data_format"] = (
                data_format  # which `Layer` refuses, with the arguments that there are.
            )
        super().__init__(**kwargs)
        if self.channels_always_last:
            self.data_format = "channels_last"
        else:
            self._set(data_format=data_format_of(self, data_format))
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _spatial_axes(self) -> tuple[int, ...]:
        return spatial_axes(self.rank, self.data_format)

    @property
    def _channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else 1


def sizes_of(layer: object, rank: int, least: int = 1, **setting: Any) -> tuple[int, ...]:
    """Return a setting that has one whole number for each spatial axis, or one for all.

    Args:
        layer: The layer, for the message.
        rank: How many spatial axes there are.
        least: The least number allowed.
        setting: The setting's name and value.

    Raises:
        ValueError: It is no such number or sequence.

    Example:
        >>> sizes_of("a layer", 2, strides=3)
        (3, 3)
    """
    ((name, value),) = setting.items()
    sizes = tuple(value) if isinstance(value, Sequence | np.ndarray) else (value,) * rank
    if len(sizes) != rank or not all(is_whole(n, least) for n in sizes):
        raise ValueError(
            f"{type(layer).__name__}: `{name}` is a whole number of at least {least}, or {rank} of them, one for "
            f"each spatial axis; got {value!r}."
        )
    return tuple(int(n) for n in sizes)


def one_of(layer: object, known: Sequence[str], **setting: Any) -> str:
    """Return a setting that is one of a few words, in lower case.

    Args:
        layer: The layer, for the message.
        known: The words.
        setting: The setting's name and value.

    Raises:
        ValueError: It is none of them.

    Example:
        >>> one_of("a layer", ("valid", "same"), padding="SAME")
        'same'
    """
    ((name, value),) = setting.items()
    word = value.lower() if isinstance(value, str) else value
    if word not in known:
        raise ValueError(
            f"{type(layer).__name__}: `{name}` is one of {', '.join(map(repr, known))}; got {value!r}. "
            + suggest(str(value), known)
        )
    return str(word)


def data_format_of(layer: object, data_format: str | None) -> str:
    """Return where the channels are: where `config.image_data_format()` says if nobody else does.

    Args:
        layer: The layer, for the message.
        data_format: `"channels_last"`, `"channels_first"` or `None`.

    Raises:
        ValueError: It is none of these.
    """
    if data_format is None:
        return image_data_format()
    return one_of(layer, IMAGE_DATA_FORMATS, data_format=data_format)


def spatial_axes(rank: int, data_format: str) -> tuple[int, ...]:
    """Return the spatial axes of an array of shape `(batch, *spatial, channels)`, or with the channels first.

    Example:
        >>> spatial_axes(2, "channels_last"), spatial_axes(2, "channels_first")
        ((1, 2), (2, 3))
    """
    first = 1 if channels_are_last(data_format) else 2
    return tuple(range(first, first + rank))
