"""Layers that bring each example to one scale: its mean to 0, its variance, mean square or length to 1."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from trivium import ops
from trivium.layers.base import Layer
from trivium.layers.checks import (
    axes_of,
    axis_of,
    flag,
    not_negative,
    positive_axes,
    positive_int,
)
from trivium.layers.input_spec import InputSpec
from trivium.layers.registry import LAYERS
from trivium.layers.types import ConstraintLike, InitializerLike, RegularizerLike
from trivium.state.types import Array, Shape

__all__ = ["GroupNormalization", "LayerNormalization", "RMSNormalization", "UnitNormalization"]


class Scaled(Layer):
    """A normalization within each example, with a factor and a shift of the shape that `_weight_shape` gives.

    Args:
        epsilon: What is added to the variance.
        center: Whether there is a shift, `beta`.
        scale: Whether there is a factor, `gamma`.
        beta_initializer: How `beta` is drawn.
        gamma_initializer: How `gamma` is drawn.
        beta_regularizer: A penalty on `beta`.
        gamma_regularizer: A penalty on `gamma`.
        beta_constraint: A function applied to `beta` after each update.
        gamma_constraint: A function applied to `gamma` after each update.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: `center` or `scale` is not true or false.
        ValueError: `epsilon` is negative.

    Shapes:
        Any, the same for the output.
    """

    def _set_scaled(self, center: bool, scale: bool, epsilon: float, **settings: Any) -> None:
        self._set(
            center=flag(self, center=center),
            scale=flag(self, scale=scale),
            epsilon=not_negative(self, epsilon=epsilon),
            **settings,
        )
        self.supports_masking = True
        # The input comes as it is: what sums over it does so in float32.
        self.autocast = False

    def _weight_shape(self, input_shape: Shape) -> Shape:
        raise NotImplementedError

    def build(self, input_shape: Shape) -> None:
        """Make the factor `gamma` and the shift `beta`."""
        shape = self._weight_shape(input_shape)
        self.gamma = self._add_set_weight("gamma", shape) if self.scale else None
        self.beta = self._add_set_weight("beta", shape) if self.center else None


@LAYERS.register()
class LayerNormalization(Scaled):
    """Brings the mean to 0 and the variance to 1 in each example, then scales and shifts.

    As `Scaled`, whose settings it has, with `gamma` and `beta` of the normalized axes' shape.

    Args:
        axis: The axis, or axes, to normalize over.
        kwargs: `name`, `dtype`, `trainable`, as for every layer; and `rms_scaling`, whether to divide by the standard
            deviation only, which older models do: for root mean squares there is `RMSNormalization`.

    Raises:
        TypeError: `axis` is neither an axis nor a list of axes.
        ValueError: An axis is named twice.

    Example:
        >>> import numpy as np
        >>> LayerNormalization()(np.array([[1.0, 3.0]])).round(2).tolist()
        [[-1.0, 1.0]]

    Reference:
        Ba et al., "Layer Normalization", 2016, https://arxiv.org/abs/1607.06450
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
        beta_regularizer: RegularizerLike = None,
        gamma_regularizer: RegularizerLike = None,
        beta_constraint: ConstraintLike = None,
        gamma_constraint: ConstraintLike = None,
        **kwargs: Any,
    ) -> None:
        rms_scaling = flag(self, rms_scaling=kwargs.pop("rms_scaling", False))
        if rms_scaling:
            warnings.warn(
                "LayerNormalization: `rms_scaling=True` divides by the standard deviation and leaves the mean where it "
                "is; RMSNormalization divides by the root of the mean square.",
                stacklevel=2,
            )
        super().__init__(**kwargs)
        self._set_scaled(
            center, scale, epsilon, axis=axes_of(self, axis), rms_scaling=rms_scaling,
            beta_initializer=beta_initializer, gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer, gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint, gamma_constraint=gamma_constraint,
        )  # fmt: skip

    def _weight_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape[a] for a in positive_axes(self, self.axis, len(input_shape)))

    def build(self, input_shape: Shape) -> None:
        """Make the factor `gamma` and the shift `beta`; with `rms_scaling` the factor alone, always."""
        shape = self._weight_shape(input_shape)
        scale, center = self.scale or self.rms_scaling, self.center and not self.rms_scaling
        self.gamma = self._add_set_weight("gamma", shape) if scale else None
        self.beta = self._add_set_weight("beta", shape) if center else None

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        if self.rms_scaling:
            outputs = self._scaled_by_deviation(inputs)
        else:
            outputs = ops.layer_normalization(
                inputs, self.gamma, self.beta, self.axis, self.epsilon
            )
        return ops.cast(outputs, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        return {**super().get_config(), "rms_scaling": self.rms_scaling}

    def _scaled_by_deviation(self, inputs: Array) -> Array:
        axes = positive_axes(self, self.axis, len(inputs.shape))
        x = ops.cast(inputs, "float32") if str(inputs.dtype) != "float64" else inputs
        assert self.gamma is not None
        gamma = ops.cast(self.gamma, x.dtype)
        gamma = ops.reshape(gamma, [n if i in axes else 1 for i, n in enumerate(x.shape)])
        return x * ops.rsqrt(ops.var(x, axes, keepdims=True) + self.epsilon) * gamma


@LAYERS.register()
class GroupNormalization(Scaled):
    """Brings the mean to 0 and the variance to 1 in each group of channels of each example.

    As `Scaled`, whose settings it has, with `gamma` and `beta` of shape `(channels,)`.

    Args:
        groups: How many groups the channels are split into; -1 makes each channel a group ("instance normalization").
        axis: The channels' axis.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: `axis` is no whole number.
        ValueError: `groups` is no whole number above zero, and not -1.

    Shapes:
        `(batch, ..., channels, ...)`, the same for the output.

    Example:
        >>> import numpy as np
        >>> GroupNormalization(groups=2)(np.array([[1.0, 3.0, 10.0, 30.0]])).round(2).tolist()
        [[-1.0, 1.0, -1.0, 1.0]]

    Reference:
        Wu & He, "Group Normalization", 2018, https://arxiv.org/abs/1803.08494
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
        beta_regularizer: RegularizerLike = None,
        gamma_regularizer: RegularizerLike = None,
        beta_constraint: ConstraintLike = None,
        gamma_constraint: ConstraintLike = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._set_scaled(
            center, scale, epsilon, groups=groups if groups == -1 else positive_int(self, groups=groups),
            axis=axis_of(self, axis),
            beta_initializer=beta_initializer, gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer, gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint, gamma_constraint=gamma_constraint,
        )  # fmt: skip

    def _weight_shape(self, input_shape: Shape) -> tuple[int, ...]:
        (axis,) = positive_axes(self, self.axis, len(input_shape))
        channels = input_shape[axis]
        if axis == 0:
            raise ValueError(
                f"Layer {self.path!r} (GroupNormalization): axis {self.axis} of an input of shape {tuple(input_shape)} "
                "is the batch, whose examples are normalized one by one. Name the channels' axis."
            )
        if channels is None or (self.groups != -1 and channels % self.groups):
            raise ValueError(
                f"Layer {self.path!r} (GroupNormalization) splits the channels into {self.groups} groups; the input of "
                f"shape {tuple(input_shape)} has {channels} on axis {self.axis}, which is no multiple of that."
            )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})
        return (channels,)

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        x = ops.moveaxis(inputs, self.axis, -1)
        groups = x.shape[-1] if self.groups == -1 else self.groups
        split = ops.reshape(x, (*x.shape[:-1], groups, x.shape[-1] // groups))
        axes = [i for i in range(1, len(split.shape)) if i != len(split.shape) - 2]
        outputs = ops.reshape(
            ops.layer_normalization(split, None, None, axes, self.epsilon), x.shape
        )
        if self.gamma is not None:
            outputs = outputs * self.gamma
        if self.beta is not None:
            outputs = outputs + self.beta
        return ops.cast(ops.moveaxis(outputs, -1, self.axis), self.compute_dtype)


@LAYERS.register()
class RMSNormalization(Layer):
    """Divides each example by the root of its mean square, then scales.

    Args:
        axis: The axis, or axes, to normalize over.
        epsilon: What is added to the mean square.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: `axis` is neither an axis nor a list of axes.
        ValueError: An axis is named twice.

    Shapes:
        Any, the same for the output.

    Example:
        >>> import numpy as np
        >>> RMSNormalization()(np.array([[3.0, 3.0]])).round(2).tolist()
        [[1.0, 1.0]]

    Reference:
        Zhang & Sennrich, "Root Mean Square Layer Normalization", 2019, https://arxiv.org/abs/1910.07467
    """

    def __init__(
        self, axis: int | Sequence[int] = -1, epsilon: float = 1e-6, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._set(axis=axes_of(self, axis), epsilon=not_negative(self, epsilon=epsilon))

    def build(self, input_shape: Shape) -> None:
        """Make the factor `scale`, of the normalized axes' shape."""
        axes = positive_axes(self, self.axis, len(input_shape))
        self.scale = self.add_weight([input_shape[a] for a in axes], "ones", name="scale")
        self._broadcast = [n if i in axes else 1 for i, n in enumerate(input_shape)]

    def call(self, x: Array) -> Array:
        """Compute the output."""
        scale = ops.reshape(self.scale, self._broadcast)
        return ops.rms_normalization(x, scale, self.axis, self.epsilon)


@LAYERS.register()
class UnitNormalization(Layer):
    """Brings the length, the root of the sum of squares, to 1.

    Args:
        axis: The axis, or axes, along which the vectors lie.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: `axis` is neither an axis nor a list of axes.
        ValueError: An axis is named twice.

    Shapes:
        Any, the same for the output.

    Example:
        >>> import numpy as np
        >>> np.asarray(UnitNormalization()(np.array([[3.0, 4.0]])), float).round(2).tolist()
        [[0.6, 0.8]]
    """

    _stateless = True

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set(axis=axes_of(self, axis))
        self.supports_masking = True

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        axes = positive_axes(self, self.axis, len(inputs.shape))
        return ops.normalize(inputs, axes, epsilon=1e-12)
