"""Convolution layers over one, two and three spatial axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from trivium import ops
from trivium.layers.base import Layer
from trivium.layers.checks import positive_int
from trivium.layers.input_spec import InputSpec
from trivium.layers.registry import LAYERS
from trivium.layers.spatial import data_format_of, one_of, sizes_of, spatial_axes

__all__ = ["Conv1D", "Conv2D", "Conv3D"]

_Sizes = int | Sequence[int]


class _Conv(Layer):
    """What the convolutions share; `rank` says over how many axes the window slides."""

    rank: ClassVar[int]
    paddings: ClassVar[tuple[str, ...]] = ("valid", "same")

    def __init__(
        self,
        filters: int,
        kernel_size: _Sizes,
        strides: _Sizes = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: _Sizes = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._set(
            filters=positive_int(self, filters=filters),
            kernel_size=sizes_of(self, self.rank, kernel_size=kernel_size),
            strides=sizes_of(self, self.rank, strides=strides),
            padding=one_of(self, self.paddings, padding=padding),
            data_format=data_format_of(self, data_format),
            dilation_rate=sizes_of(self, self.rank, dilation_rate=dilation_rate),
            groups=positive_int(self, groups=groups),
            activation=activation, use_bias=use_bias,
            kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint, bias_constraint=bias_constraint,
        )  # fmt: skip
        if self.filters % self.groups:
            raise ValueError(
                f"{type(self).__name__}: each group makes equally many filters, so `filters` is a multiple of `groups`"
                f"; got filters={self.filters}, groups={self.groups}."
            )
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{type(self).__name__}: `strides` and `dilation_rate` cannot both be above 1; got "
                f"strides={self.strides}, dilation_rate={self.dilation_rate}."
            )
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else 1

    def build(self, input_shape: Any) -> None:
        """Make the kernel, shape `(*kernel_size, channels / groups, filters)`, and the bias, shape `(filters,)`."""
        channels = input_shape[self._channel_axis]
        if channels is None or channels % self.groups:
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}) needs a known number of channels that is a multiple "
                f"of its groups={self.groups}; got input of shape {tuple(input_shape)}, "
                f"data_format={self.data_format!r}."
            )
        shape = (*self.kernel_size, channels // self.groups, self.filters)
        self.kernel = self._add_set_weight("kernel", shape)
        self.bias = self._add_set_weight("bias", (self.filters,)) if self.use_bias else None
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self._channel_axis: channels})

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        padding = self.padding
        if padding == "causal":
            padding, inputs = "valid", self._pad_before(inputs)
        outputs = ops.conv(
            inputs, self.kernel, self.strides, padding, self.data_format, self.dilation_rate
        )
        if self.bias is not None:
            shape = [1] * (self.rank + 2)
            shape[self._channel_axis] = -1
            outputs = outputs + ops.reshape(self.bias, shape)
        return self.activation(outputs)

    def _pad_before(self, inputs: Any) -> Any:
        """Put zeros before the first step, so that no step sees a later one."""
        (time,) = spatial_axes(1, self.data_format)
        before = self.dilation_rate[0] * (self.kernel_size[0] - 1)
        return ops.pad(inputs, [(before, 0) if axis == time else (0, 0) for axis in range(3)])


@LAYERS.register()
class Conv1D(_Conv):
    """A convolution over one axis, e.g. time.

    Args:
        filters: How many filters: the size of the output's channel axis.
        kernel_size: The window's size.
        strides: The window's step.
        padding: `"valid"` (none), `"same"` (zeros evenly around, so that stride 1 keeps the size), or `"causal"`
            (zeros before the first step, so that no step sees a later one).
        data_format: `"channels_last"` or `"channels_first"`.
        dilation_rate: The distance between the window's cells.
        groups: How many groups the channels are split into; each group of filters sees its own.
        activation: The activation; none where it is `None`.
        use_bias: Whether to add a bias.
        kernel_initializer: How the kernel, shape `(kernel_size, channels / groups, filters)`, is drawn.
        bias_initializer: How the bias, shape `(filters,)`, is drawn.
        kernel_regularizer: A penalty on the kernel.
        bias_regularizer: A penalty on the bias.
        activity_regularizer: A penalty on the output.
        kernel_constraint: A function applied to the kernel after each update.
        bias_constraint: A function applied to the bias after each update.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: A setting is out of its range.

    Shapes:
        `(batch, steps, channels)` to `(batch, new_steps, filters)`.

    Example:
        >>> import numpy as np
        >>> Conv1D(4, 3, padding="causal")(np.ones((2, 10, 5))).shape
        (2, 10, 4)

    Reference:
        van den Oord et al., "WaveNet", 2016, https://arxiv.org/abs/1609.03499 (causal and dilated convolutions).
    """

    rank = 1
    paddings = ("valid", "same", "causal")


@LAYERS.register()
class Conv2D(_Conv):
    """A convolution over two axes, e.g. an image's.

    Args:
        filters: How many filters: the size of the output's channel axis.
        kernel_size: The window's size, one number or `(height, width)`.
        strides: The window's step, likewise.
        padding: `"valid"` (none), or `"same"` (zeros evenly around, so that stride 1 keeps the size).
        data_format: `"channels_last"` or `"channels_first"`.
        dilation_rate: The distance between the window's cells, one number or one for each axis.
        groups: How many groups the channels are split into; each group of filters sees its own.
        activation: The activation; none where it is `None`.
        use_bias: Whether to add a bias.
        kernel_initializer: How the kernel, shape `(*kernel_size, channels / groups, filters)`, is drawn.
        bias_initializer: How the bias, shape `(filters,)`, is drawn.
        kernel_regularizer: A penalty on the kernel.
        bias_regularizer: A penalty on the bias.
        activity_regularizer: A penalty on the output.
        kernel_constraint: A function applied to the kernel after each update.
        bias_constraint: A function applied to the bias after each update.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: A setting is out of its range.

    Shapes:
        `(batch, height, width, channels)` to `(batch, new_height, new_width, filters)`; the channels stand second
        with `"channels_first"`.

    Example:
        >>> import numpy as np
        >>> Conv2D(4, 3, activation="relu")(np.ones((2, 28, 28, 1))).shape
        (2, 26, 26, 4)

    Reference:
        LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998.
    """

    rank = 2


@LAYERS.register()
class Conv3D(_Conv):
    """A convolution over three axes, e.g. a volume's or a film's.

    Args:
        filters: How many filters: the size of the output's channel axis.
        kernel_size: The window's size, one number or three.
        strides: The window's step, likewise.
        padding: `"valid"` (none), or `"same"` (zeros evenly around, so that stride 1 keeps the size).
        data_format: `"channels_last"` or `"channels_first"`.
        dilation_rate: The distance between the window's cells, one number or three.
        groups: How many groups the channels are split into; each group of filters sees its own.
        activation: The activation; none where it is `None`.
        use_bias: Whether to add a bias.
        kernel_initializer: How the kernel, shape `(*kernel_size, channels / groups, filters)`, is drawn.
        bias_initializer: How the bias, shape `(filters,)`, is drawn.
        kernel_regularizer: A penalty on the kernel.
        bias_regularizer: A penalty on the bias.
        activity_regularizer: A penalty on the output.
        kernel_constraint: A function applied to the kernel after each update.
        bias_constraint: A function applied to the bias after each update.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: A setting is out of its range.

    Shapes:
        `(batch, depth, height, width, channels)` to `(batch, new_depth, new_height, new_width, filters)`; the channels
        stand second with `"channels_first"`.

    Example:
        >>> import numpy as np
        >>> Conv3D(4, 3)(np.ones((2, 5, 6, 7, 1))).shape
        (2, 3, 4, 5, 4)

    Reference:
        Tran et al., "Learning Spatiotemporal Features with 3D Convolutional Networks", 2014,
        https://arxiv.org/abs/1412.0767
    """

    rank = 3
