"""Layers that bring raw numbers to a scale that networks learn from well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from trivium import ops
from trivium.layers.base import Layer
from trivium.layers.checks import axes_of, flag
from trivium.layers.input_spec import InputSpec
from trivium.layers.preprocessing.adapting import Adaptive, finite_numbers
from trivium.layers.registry import LAYERS
from trivium.state.dtypes import epsilon
from trivium.state.types import Array, Shape

__all__ = ["Normalization", "Rescaling"]

# A number, or an array of them.
_Numbers = float | Sequence[Any] | np.ndarray | Array


@LAYERS.register()
class Rescaling(Layer):
    """`inputs * scale + offset`.

    Args:
        scale: A number, or an array that broadcasts to the input.
        offset: Likewise.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: `scale` or `offset` is neither a number nor an array of numbers.

    Shapes:
        Any, the same for the output, which is of the layer's compute dtype whatever the input's.

    Example:
        >>> import numpy as np
        >>> Rescaling(1 / 255)(np.array([0, 255], "uint8")).tolist()
        [0.0, 1.0]
    """

    _stateless = True

    def __init__(self, scale: _Numbers, offset: _Numbers = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set(scale=_plain(self, scale=scale), offset=_plain(self, offset=offset))
        self.supports_masking = True

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        scale, offset = (np.asarray(x, self.compute_dtype) for x in (self.scale, self.offset))
        return ops.cast(inputs, self.compute_dtype) * scale + offset


@LAYERS.register()
class Normalization(Adaptive):
    """`(inputs - mean) / standard deviation`, by numbers that are given, or learned from data by `adapt`.

    Args:
        axis: The axis, or axes, along which each position has a mean and a variance of its own: -1 for each feature;
            `None` for one mean and one variance of all numbers.
        mean: The mean, in place of `adapt`: a number, or an array that broadcasts to the sizes of `axis`.
        variance: The variance, likewise.
        invert: Whether to undo the normalization instead: `inputs * standard deviation + mean`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: `axis` is neither an axis nor a list of axes, or `invert` not true or false.
        ValueError: One of `mean` and `variance` is given without the other, or they do not fit each other or `axis`.

    Shapes:
        Any, the same for the output, which is of the layer's compute dtype whatever the input's. A sample without the
        axis of the batch becomes a batch of one.

    Example:
        >>> import numpy as np
        >>> layer = Normalization()
        >>> layer.adapt(np.array([[1.0, 10.0], [3.0, 30.0]]))
        >>> layer(np.array([[1.0, 40.0]])).tolist()
        [[-1.0, 2.0]]

    Reference:
        LeCun et al., "Efficient BackProp", 1998 (why inputs are normalized); Chan et al., "Updating Formulae and a
        Pairwise Algorithm for Computing Sample Variances", 1979 (the variance in one pass).
    """

    def __init__(
        self,
        axis: int | Sequence[int] | None = -1,
        mean: _Numbers | None = None,
        variance: _Numbers | None = None,
        invert: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        none = axis is None or (isinstance(axis, Sequence) and not axis)
        found = [] if none else axes_of(self, axis)
        axes = (found,) if isinstance(found, int) else tuple(found)
        given: tuple[Any, Any] = mean, variance
        if (mean is None) != (variance is None):
            raise ValueError(
                "Normalization: `mean` and `variance` are given both, or neither and `adapt` finds them; got "
                f"mean={mean!r}, variance={variance!r}."
            )
        shapes = [np.shape(x) for x in given]
        if shapes[0] != shapes[1] or len(shapes[0]) > len(axes):
            raise ValueError(
                f"Normalization: `mean` and `variance` are numbers or arrays of one shape, with at most {len(axes)} "
                f"dimensions for axis={axis}; got shapes {shapes[0]} and {shapes[1]}."
            )
        self._set(axis=axes, invert=flag(self, invert=invert))
        self.input_mean = _plain(self, mean=mean)
        self.input_variance = _plain(self, variance=variance)
        self.supports_masking = True

    def build(self, input_shape: Shape) -> None:
        """Make the weights `mean` and `variance`, unless they were given."""
        rank, kept = len(input_shape), self._kept(input_shape)
        sizes = tuple(n for n in (input_shape[a] for a in kept) if n is not None)
        if len(sizes) < len(kept):
            raise ValueError(
                f"Layer {self.path!r} (Normalization) needs to know the input's sizes on the axes {self.axis}; "
                f"got shape {tuple(input_shape)}."
            )
        self._sizes = sizes
        own = dict(zip(kept, sizes, strict=True))
        self._broadcast = tuple(own.get(i, 1) for i in range(rank))
        if self.input_mean is None:
            self.adapt_mean = self.add_weight(sizes, "zeros", name="mean", trainable=False)
            self.adapt_variance = self.add_weight(sizes, "ones", name="variance", trainable=False)
            # Keras's weight files have it; nothing reads it.
            self.count = self.add_weight((), "zeros", "int32", name="count", trainable=False)
        self._check_given(sizes)
        axes = {a - rank: size for a, size in own.items()}
        # A sample alone, without the axis of the batch, becomes a batch of one, as in Keras.
        self.input_spec = InputSpec(min_ndim=rank if 0 in own else rank - 1, axes=axes)

    def _check_given(self, sizes: tuple[int, ...]) -> None:
        shape = np.shape(self.input_mean)
        pairs = zip(reversed(shape), reversed(sizes), strict=False)
        if any(n not in (1, size) for n, size in pairs):
            raise ValueError(
                f"Layer {self.path!r} (Normalization): `mean` and `variance` of shape {shape} do not fit the input's "
                f"sizes {sizes} on the axes {self.axis}."
            )

    def _kept(self, shape: Shape) -> list[int]:
        """Return the axes that have means of their own, counted from the front."""
        rank = len(shape)
        if any(not -rank <= a < rank for a in self.axis):
            raise ValueError(
                f"Layer {self.path!r} (Normalization) has means along the axes {self.axis}, which an input of shape "
                f"{tuple(shape)} does not have."
            )
        return sorted(a % rank for a in self.axis)

    @property
    def mean(self) -> Any:
        """The mean, in a shape that broadcasts to the input; `None` before the layer is built."""
        return self._statistic(self.input_mean, "adapt_mean") if self.built else None

    @property
    def variance(self) -> Any:
        """The variance, in a shape that broadcasts to the input; `None` before the layer is built."""
        return self._statistic(self.input_variance, "adapt_variance") if self.built else None

    def _statistic(self, given: Any, weight: str) -> Any:
        value = getattr(self, weight) if given is None else np.broadcast_to(given, self._sizes)
        return ops.reshape(ops.cast(value, self.compute_dtype), self._broadcast)

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        inputs = ops.cast(inputs, self.compute_dtype)
        deviation = ops.maximum(ops.sqrt(self.variance), epsilon())
        if self.invert:
            return self.mean + inputs * deviation
        return (inputs - self.mean) / deviation

    def _check_adaptive(self) -> None:
        if self.input_mean is not None:
            raise ValueError(
                f"Layer {self.path!r} (Normalization) was given its mean and variance, so there is nothing to adapt."
            )

    def _gathered(self, before: Any, batch: np.ndarray) -> Any:
        """Return the shape of the first batch, and how many numbers each mean is of, the means, and the squares."""
        x = finite_numbers(self, batch)
        first, *moments = before or (x.shape,)
        kept = self._kept(first)
        sizes = self._sizes if self.built else tuple(first[a] for a in kept)
        if x.ndim != len(first) or tuple(x.shape[a] for a in kept) != sizes:
            raise ValueError(
                f"Layer {self.path!r} (Normalization) has means along the axes {self.axis}, of sizes {sizes}; "
                f"`adapt` was given data of shape {x.shape}."
            )
        found = _moments(x, tuple(i for i in range(x.ndim) if i not in kept))
        return first, *(_joined(tuple(moments), found) if moments else found)

    def _learn(self, gathered: Any) -> None:
        first, count, mean, total = gathered
        if not count:
            raise ValueError(f"Layer {self.path!r} (Normalization): `adapt` was given no numbers.")
        if not self.built:
            self.build(first)
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(total / count)

    def _config_argument(self, name: str) -> Any:
        # What `adapt` found is in the weights.
        given = {"mean": self.input_mean, "variance": self.input_variance}
        return given[name] if name in given else super()._config_argument(name)


def _plain(layer: Layer, **setting: Any) -> Any:
    """Return a number or array, or `None`, as what a config can hold: numbers in lists."""
    ((name, value),) = setting.items()
    if value is None or isinstance(value, int | float):
        return value
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{type(layer).__name__}: `{name}` is a number or an array of numbers; got {value!r}."
        )
    return array.tolist()


def _moments(x: np.ndarray, axes: tuple[int, ...]) -> tuple[int, np.ndarray, np.ndarray]:
    """Return how many numbers each mean is of, the means, and the sums of squared distances from them."""
    count = int(np.prod([x.shape[a] for a in axes], dtype=np.int64))
    if not count:
        empty = np.zeros([n for i, n in enumerate(x.shape) if i not in axes])
        return 0, empty, empty
    mean = np.asarray(np.mean(x, axes, np.float64, keepdims=True))
    apart = np.asarray(np.square(x - mean).sum(axes))
    return count, mean.reshape(apart.shape), apart


def _joined(a: tuple[int, Any, Any], b: tuple[int, Any, Any]) -> tuple[int, Any, Any]:
    """Return the moments of two sets of numbers together, from those of each."""
    count = a[0] + b[0]
    share = b[0] / count if count else 0.0
    apart = b[1] - a[1]
    return count, a[1] + apart * share, a[2] + b[2] + apart**2 * (a[0] * share)
