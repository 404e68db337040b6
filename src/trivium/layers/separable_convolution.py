"""Depthwise and separable convolutions: each channel is convolved by itself, and then the channels are mixed."""

from __future__ import annotations

from typing import Any

from trivium import ops
from trivium.layers.checks import positive_int
from trivium.layers.convolution import BaseConv
from trivium.layers.registry import LAYERS
from trivium.layers.spatial import Sizes
from trivium.layers.types import ActivationLike, ConstraintLike, InitializerLike, RegularizerLike
from trivium.state.types import Array

__all__ = ["DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"]


class DepthwiseConv(BaseConv):
    """A window that slides over `rank` axes of each channel by itself, with kernels of its own.

    Args:
        kernel_size: The window's size: one number, or one for each axis.
        strides: The window's step, likewise.
        padding: `"valid"` (none), or `"same"` (zeros evenly around, so that stride 1 keeps the size).
        depth_multiplier: How many channels come out for each that goes in.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        dilation_rate: The distance between the window's cells, one number or one for each axis.
        activation: The activation; none where it is `None`.
        use_bias: Whether to add a bias.
        depthwise_initializer: How the kernel, shape `(*kernel_size, channels, depth_multiplier)`, is drawn.
        bias_initializer: How the bias, shape `(channels * depth_multiplier,)`, is drawn.
        depthwise_regularizer: A penalty on the kernel.
        bias_regularizer: A penalty on the bias.
        activity_regularizer: A penalty on the output.
        depthwise_constraint: A function applied to the kernel after each update.
        bias_constraint: A function applied to the bias after each update.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: `use_bias` is not true or false.
        ValueError: A setting is out of its range.

    Shapes:
        `(batch, *spatial, channels)` to `(batch, *new_spatial, channels * depth_multiplier)`; the channels stand
        second with `"channels_first"`.
    """

    def __init__(
        self,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        activation: ActivationLike = None,
        use_bias: bool = True,
        depthwise_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        depthwise_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        depthwise_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self._set_convolution(
            kernel_size, strides, padding, dilation_rate, use_bias,
            depth_multiplier=positive_int(self, depth_multiplier=depth_multiplier),
            activation=activation,
            depthwise_initializer=depthwise_initializer, bias_initializer=bias_initializer,
            depthwise_regularizer=depthwise_regularizer, bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            depthwise_constraint=depthwise_constraint, bias_constraint=bias_constraint,
        )  # fmt: skip

    def _add_kernels(self, channels: int) -> int:
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.kernel = self._add_set_weight("kernel", shape, settings="depthwise")
        return channels * self.depth_multiplier

    def _convolve(self, inputs: Array) -> Array:
        return ops.depthwise_conv(
            inputs, self.kernel, self.strides, self.padding, self.data_format, self.dilation_rate
        )


@LAYERS.register()
class DepthwiseConv1D(DepthwiseConv):
    """A convolution over one axis of each channel by itself: as `DepthwiseConv`.

    Example:
        >>> import numpy as np
        >>> DepthwiseConv1D(3, depth_multiplier=2)(np.ones((2, 10, 5))).shape
        (2, 8, 10)
    """

    rank = 1


@LAYERS.register()
class DepthwiseConv2D(DepthwiseConv):
    """A convolution over two axes of each channel by itself: as `DepthwiseConv`.

    Example:
        >>> import numpy as np
        >>> DepthwiseConv2D(3, padding="same")(np.ones((2, 28, 28, 8))).shape
        (2, 28, 28, 8)

    Reference:
        Howard et al., "MobileNets", 2017, https://arxiv.org/abs/1704.04861
    """

    rank = 2


class SeparableConv(BaseConv):
    """A convolution over `rank` axes of each channel by itself, and then one of size 1 that mixes the channels.

    Args:
        filters: How many filters: the size of the output's channel axis.
        kernel_size: The window's size: one number, or one for each axis.
        strides: The window's step, likewise.
        padding: `"valid"` (none), or `"same"` (zeros evenly around, so that stride 1 keeps the size).
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        dilation_rate: The distance between the window's cells, one number or one for each axis.
        depth_multiplier: How many channels the first convolution gives for each that goes in.
        activation: The activation; none where it is `None`.
        use_bias: Whether to add a bias.
        depthwise_initializer: How the first kernel, shape `(*kernel_size, channels, depth_multiplier)`, is drawn.
        pointwise_initializer: How the second kernel, shape `(1, …, channels * depth_multiplier, filters)`, is drawn.
        bias_initializer: How the bias, shape `(filters,)`, is drawn.
        depthwise_regularizer: A penalty on the first kernel.
        pointwise_regularizer: A penalty on the second kernel.
        bias_regularizer: A penalty on the bias.
        activity_regularizer: A penalty on the output.
        depthwise_constraint: A function applied to the first kernel after each update.
        pointwise_constraint: A function applied to the second kernel after each update.
        bias_constraint: A function applied to the bias after each update.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: `use_bias` is not true or false.
        ValueError: A setting is out of its range.

    Shapes:
        `(batch, *spatial, channels)` to `(batch, *new_spatial, filters)`; the channels stand second with
        `"channels_first"`.

    Reference:
        Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", 2016,
        https://arxiv.org/abs/1610.02357
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        depth_multiplier: int = 1,
        activation: ActivationLike = None,
        use_bias: bool = True,
        depthwise_initializer: InitializerLike = "glorot_uniform",
        pointwise_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        depthwise_regularizer: RegularizerLike = None,
        pointwise_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        depthwise_constraint: ConstraintLike = None,
        pointwise_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self._set_convolution(
            kernel_size, strides, padding, dilation_rate, use_bias,
            filters=positive_int(self, filters=filters),
            depth_multiplier=positive_int(self, depth_multiplier=depth_multiplier),
            activation=activation,
            depthwise_initializer=depthwise_initializer, depthwise_regularizer=depthwise_regularizer,
            depthwise_constraint=depthwise_constraint,
            pointwise_initializer=pointwise_initializer, pointwise_regularizer=pointwise_regularizer,
            pointwise_constraint=pointwise_constraint,
            bias_initializer=bias_initializer, bias_regularizer=bias_regularizer,
            bias_constraint=bias_constraint, activity_regularizer=activity_regularizer,
        )  # fmt: skip

    def _add_kernels(self, channels: int) -> int:
        between = channels * self.depth_multiplier
        self.depthwise_kernel = self._add_set_weight(
            "depthwise_kernel", (*self.kernel_size, channels, self.depth_multiplier), "depthwise"
        )
        self.pointwise_kernel = self._add_set_weight(
            "pointwise_kernel", (*(1,) * self.rank, between, self.filters), "pointwise"
        )
        return self.filters

    def _convolve(self, inputs: Array) -> Array:
        return ops.separable_conv(
            inputs, self.depthwise_kernel, self.pointwise_kernel, self.strides, self.padding,
            self.data_format, self.dilation_rate,
        )  # fmt: skip


@LAYERS.register()
class SeparableConv1D(SeparableConv):
    """A separable convolution over one axis: as `SeparableConv`.

    Example:
        >>> import numpy as np
        >>> SeparableConv1D(4, 3)(np.ones((2, 10, 5))).shape
        (2, 8, 4)
    """

    rank = 1


@LAYERS.register()
class SeparableConv2D(SeparableConv):
    """A separable convolution over two axes: as `SeparableConv`.

    Example:
        >>> import numpy as np
        >>> SeparableConv2D(4, 3, padding="same")(np.ones((2, 28, 28, 3))).shape
        (2, 28, 28, 4)
    """

    rank = 2
