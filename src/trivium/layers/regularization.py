"""Layers that act while training only, most of them by chance, and penalties on what flows through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from trivium import ops, random
from trivium.layers.base import Layer
from trivium.layers.checks import is_whole, known, not_negative, unit_fraction
from trivium.layers.input_spec import InputSpec
from trivium.layers.registry import LAYERS
from trivium.layers.spatial import data_format_of, spatial_axes
from trivium.regularizers import L1L2
from trivium.state import SeedGenerator
from trivium.state.types import Array

__all__ = [
    "ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise", "SpatialDropout1D",
    "SpatialDropout2D", "SpatialDropout3D",
]  # fmt: skip

# What `selu` tends to far below 0.
_SELU_LOWEST = -1.6732632423543772 * 1.0507009873554805


class _Noise(Layer):
    """A layer that does something by chance while training, and nothing otherwise. Subclasses give `_disturb`."""

    _stateless = True
    noise_shape: tuple[int | None, ...] | None = None
    # Where a model's code leaves the call out in inference, nothing is lost by leaving it in.
    _acts_in_training_only = True

    def _set_noise(self, strength: float, seed: int | None) -> None:
        """Keep the seed; a layer without any effect draws nothing, so it keeps no generator."""
        self._set(seed=seed)
        self.supports_masking = True
        self.seed_generator = SeedGenerator(seed) if strength > 0 else None

    def call(self, inputs: Array, training: bool = False) -> Array:
        """Compute the output.

        Args:
            inputs: The input.
            training: Whether the layer does anything.
        """
        if self.noise_shape is not None:
            self._check_noise_shape(known(inputs.shape))
        if training and self.seed_generator is None:
            self._check_idle()
            return inputs
        return self._disturb(inputs) if training else inputs

    def _check_idle(self) -> None:
        """Refuse a rate that was raised from 0: it would do nothing, since there is nothing to draw from."""
        strength = getattr(self, "rate", 0) or getattr(self, "stddev", 0)
        if strength > 0:
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}) was made to do nothing, so it has no generator of random "
                f"numbers; it cannot work with {strength} now. Make it anew with this number, or at first with a "
                "small one."
            )

    def _check_noise_shape(self, shape: tuple[int | None, ...]) -> None:
        """Compare the shape in which chance is asked with the input's, in inference too: a slip shows at once."""
        own = self.noise_shape or ()
        fits = len(own) == len(shape) and all(
            m in (1, None, n) or n is None for m, n in zip(own, shape, strict=True)
        )
        if not fits:
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}): `noise_shape` has 1, None or the input's own size for "
                f"each of the input's {len(shape)} axes; got noise_shape={own}, input of shape {shape}."
            )

    def _disturb(self, inputs: Array) -> Array:
        raise NotImplementedError


@LAYERS.register()
class Dropout(_Noise):
    """While training, sets inputs to 0 by chance and scales the others up, so that the expected sum stays.

    Args:
        rate: The chance of becoming 0, from 0 to 1.
        noise_shape: The shape in which chance is asked, which broadcasts to the input's; `None` in it means the input's
            size. `(None, 1, None)` drops a feature in all steps of a sequence alike.
        seed: A whole number; by the global seed where it is `None`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: `rate` is no number from 0 to 1; or `noise_shape` has something else than sizes and `None`, or does
            not broadcast to the input's shape.

    Example:
        >>> import numpy as np
        >>> layer = Dropout(0.5, seed=1)
        >>> sorted(set(layer(np.ones(100), training=True).tolist())), set(layer(np.ones(100)).tolist())
        ([0.0, 2.0], {1.0})

    Reference:
        Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 2014.
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._set(rate=unit_fraction(self, rate=rate), noise_shape=_shape(self, noise_shape))
        self._set_noise(self.rate, seed)

    def _disturb(self, inputs: Array) -> Array:
        return random.dropout(inputs, self.rate, self.noise_shape, self.seed_generator)


@LAYERS.register()
class GaussianDropout(_Noise):
    """While training, multiplies inputs by normal numbers of mean 1, as uncertain as `Dropout` of the same rate.

    Args:
        rate: The rate, from 0 to below 1; the standard deviation is `sqrt(rate / (1 - rate))`.
        seed: A whole number; by the global seed where it is `None`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: `rate` is out of its range.

    Shapes:
        Any, the same for the output.

    Example:
        >>> import numpy as np
        >>> bool(0.8 < GaussianDropout(0.2, seed=1)(np.ones(1000), training=True).mean() < 1.2)
        True

    Reference:
        Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 2014.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set(rate=_below_one(self, rate))
        self._set_noise(self.rate, seed)

    def _disturb(self, inputs: Array) -> Array:
        stddev = (self.rate / (1 - self.rate)) ** 0.5
        return inputs * random.normal(
            inputs.shape, 1.0, stddev, self.compute_dtype, self.seed_generator
        )


@LAYERS.register()
class GaussianNoise(_Noise):
    """While training, adds normal numbers of mean 0.

    Args:
        stddev: Their standard deviation.
        seed: A whole number; by the global seed where it is `None`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: `stddev` is negative.

    Shapes:
        Any, the same for the output.

    Example:
        >>> import numpy as np
        >>> bool(-0.2 < GaussianNoise(1.0, seed=1)(np.zeros(1000), training=True).mean() < 0.2)
        True

    Reference:
        Bishop, "Training with Noise is Equivalent to Tikhonov Regularization", 1995.
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set(stddev=not_negative(self, stddev=stddev))
        self._set_noise(self.stddev, seed)

    def _disturb(self, inputs: Array) -> Array:
        return inputs + random.normal(
            inputs.shape, 0.0, self.stddev, self.compute_dtype, self.seed_generator
        )


@LAYERS.register()
class AlphaDropout(_Noise):
    """While training, sets inputs by chance to what `selu` gives far below 0, then keeps mean and variance.

    Args:
        rate: The chance, from 0 to below 1.
        noise_shape: The shape in which chance is asked, as for `Dropout`.
        seed: A whole number; by the global seed where it is `None`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: `rate` is out of its range.

    Shapes:
        Any, the same for the output.

    Example:
        >>> import numpy as np
        >>> AlphaDropout(0.5, seed=1)(np.zeros((3, 4)), training=True).shape
        (3, 4)

    Reference:
        Klambauer et al., "Self-Normalizing Neural Networks", 2017, https://arxiv.org/abs/1706.02515
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._set(rate=_below_one(self, rate), noise_shape=_shape(self, noise_shape))
        self._set_noise(self.rate, seed)

    def _disturb(self, inputs: Array) -> Array:
        low = _SELU_LOWEST
        own = self.noise_shape or inputs.shape
        shape = tuple(n if m is None else m for m, n in zip(own, inputs.shape, strict=True))
        kept = (
            random.uniform(shape, dtype=self.compute_dtype, seed=self.seed_generator) >= self.rate
        )
        scale = ((1 - self.rate) * (1 + self.rate * low**2)) ** -0.5
        return ops.where(kept, inputs, low) * scale - scale * low * self.rate


class SpatialDropout(Dropout):
    """`Dropout` of whole channels: chance is asked once for each sample and channel, whatever the `rank` spatial axes.

    Args:
        rate: The chance of becoming 0, from 0 to 1.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        seed: A whole number; by the global seed where it is `None`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: `rate` is no number from 0 to 1.

    Shapes:
        `(batch, *spatial, channels)`, the same for the output; the channels stand second with `"channels_first"`.

    Reference:
        Tompson et al., "Efficient Object Localization Using Convolutional Networks", 2014,
        https://arxiv.org/abs/1411.4280
    """

    rank: ClassVar[int]
    # Keras writes less for these than for other layers.
    _unwritten: ClassVar[frozenset[str]] = Dropout._unwritten | {"noise_shape"}
    _left_out: ClassVar[dict[str, Any]] = {**Dropout._left_out, "trainable": True}

    def __init__(
        self, rate: float, data_format: str | None = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        data_format = data_format_of(self, data_format)
        axes = spatial_axes(self.rank, data_format)
        noise_shape = tuple(1 if i in axes else None for i in range(self.rank + 2))
        super().__init__(rate, noise_shape, seed, **kwargs)
        self.data_format = data_format
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _config_argument(self, name: str) -> Any:
        return self.dtype_policy.name if name == "dtype" else super()._config_argument(name)


@LAYERS.register()
class SpatialDropout1D(SpatialDropout):
    """`Dropout` of whole features of a sequence, in all steps alike: as `SpatialDropout`, with channels last always.

    Example:
        >>> import numpy as np
        >>> y = SpatialDropout1D(0.5, seed=1)(np.ones((1, 5, 100)), training=True)
        >>> bool((y == y[:, :1]).all()), sorted(set(y.ravel().tolist()))
        (True, [0.0, 2.0])
    """

    rank = 1
    _unwritten: ClassVar[frozenset[str]] = SpatialDropout._unwritten | {"data_format"}

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(rate, "channels_last", seed, **kwargs)


@LAYERS.register()
class SpatialDropout2D(SpatialDropout):
    """`Dropout` of whole channels of an image: as `SpatialDropout`, over two axes.

    Example:
        >>> import numpy as np
        >>> y = SpatialDropout2D(0.5, seed=1)(np.ones((1, 4, 5, 100)), training=True)
        >>> bool((y == y[:, :1, :1]).all()), sorted(set(y.ravel().tolist()))
        (True, [0.0, 2.0])
    """

    rank = 2


@LAYERS.register()
class SpatialDropout3D(SpatialDropout):
    """`Dropout` of whole channels of a volume: as `SpatialDropout`, over three axes.

    Example:
        >>> import numpy as np
        >>> y = SpatialDropout3D(0.5, seed=1)(np.ones((1, 3, 4, 5, 100)), training=True)
        >>> bool((y == y[:, :1, :1, :1]).all()), sorted(set(y.ravel().tolist()))
        (True, [0.0, 2.0])
    """

    rank = 3


@LAYERS.register()
class ActivityRegularization(Layer):
    """The input itself, with a penalty on it added to the loss.

    Args:
        l1: The weight of the sum of absolute values.
        l2: The weight of the sum of squares.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: A weight is negative.

    Shapes:
        Any, the same for the output. The penalty is divided by the batch's size.

    Example:
        >>> import numpy as np
        >>> layer = ActivityRegularization(l1=0.5)
        >>> y = layer(np.ones((2, 3)))
        >>> layer.losses[0].item()
        1.5
    """

    _unwritten: ClassVar[frozenset[str]] = Layer._unwritten | {"activity_regularizer"}
    _stateless = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        l1, l2 = not_negative(self, l1=l1), not_negative(self, l2=l2)
        super().__init__(activity_regularizer=L1L2(l1=l1, l2=l2), **kwargs)
        self._set(l1=l1, l2=l2)
        self.supports_masking = True

    def call(self, inputs: Array) -> Array:
        """Return the input."""
        return inputs


def _shape(layer: Layer, noise_shape: Sequence[int | None] | None) -> tuple[int | None, ...] | None:
    if noise_shape is None:
        return None
    sizes = tuple(noise_shape) if isinstance(noise_shape, Sequence) else (noise_shape,)
    if not isinstance(noise_shape, Sequence) or not all(
        n is None or is_whole(n, least=1) for n in sizes
    ):
        raise ValueError(
            f"{type(layer).__name__}: `noise_shape` is a tuple of whole numbers above zero, and None for the input's "
            f"own sizes; got {noise_shape!r}."
        )
    return tuple(None if n is None else int(n) for n in sizes)


def _below_one(layer: Layer, rate: float) -> float:
    if unit_fraction(layer, rate=rate) == 1:
        raise ValueError(
            f"{type(layer).__name__}: `rate` is below 1, since at 1 nothing is left to scale; got {rate!r}."
        )
    return float(rate)
