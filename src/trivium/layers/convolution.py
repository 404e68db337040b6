"""Convolution layers over one, two and three spatial axes."""

from __future__ import annotations

from typing import Any, ClassVar

from trivium import ops
from trivium.layers.checks import flag, positive_int
from trivium.layers.input_spec import InputSpec
from trivium.layers.kernels import Kernel, KernelLayer
from trivium.layers.registry import LAYERS
from trivium.layers.spatial import Sizes, Spatial, one_of, sizes_of
from trivium.layers.types import ActivationLike, ConstraintLike, InitializerLike, RegularizerLike
from trivium.state.types import Array, ArrayLike, Shape

__all__ = ["Conv1D", "Conv2D", "Conv3D"]


class BaseConv(Spatial):
    """What every convolution has: a window and its steps, a bias, an activation.

    Its kinds say in `_add_kernels` what kernels they have, and in `_convolve` how those are applied.

    Args:
        kernel_size: The window's size: one number, or one for each axis.
        strides: The window's step, likewise.
        padding: `"valid"` (none), or `"same"` (zeros evenly around, so that stride 1 keeps the size).
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        dilation_rate: The distance between the window's cells, one number or one for each axis.
        activation: The activation; none where it is `None`.
        use_bias: Whether to add a bias.
        settings: What a kind has besides; `bias_initializer` and the like.

    Raises:
        TypeError: `use_bias` is not true or false.
        ValueError: A setting is out of its range.
    """

    _left_out: ClassVar[dict[str, Any]] = {}
    paddings: ClassVar[tuple[str, ...]] = ("valid", "same")

    def _set_convolution(
        self,
        kernel_size: Sizes,
        strides: Sizes,
        padding: str,
        dilation_rate: Sizes,
        use_bias: bool,
        **settings: Any,
    ) -> None:
        self._set(
            kernel_size=sizes_of(self, self.rank, kernel_size=kernel_size),
            strides=sizes_of(self, self.rank, strides=strides),
            padding=one_of(self, self.paddings, padding=padding),
            dilation_rate=sizes_of(self, self.rank, dilation_rate=dilation_rate),
            use_bias=flag(self, use_bias=use_bias),
            **settings,
        )

    def _refuse_strides_with_dilation(self) -> None:
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{type(self).__name__}: `strides` and `dilation_rate` cannot both be above 1; got "
                f"strides={self.strides}, dilation_rate={self.dilation_rate}."
            )

    def build(self, input_shape: Shape) -> None:
        """Make the kernels, and the bias, shape `(filters,)`."""
        channels = input_shape[self._channel_axis]
        if channels is None:
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}) needs a known number of channels; got input of shape "
                f"{tuple(input_shape)}, data_format={self.data_format!r}."
            )
        filters = self._add_kernels(channels)
        self.bias = self._add_set_weight("bias", (filters,)) if self.use_bias else None
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self._channel_axis: channels})

    def _add_kernels(self, channels: int) -> int:
        """Make the kernels for an input with so many channels, and return how many come out."""
        raise NotImplementedError

    def _convolve(self, inputs: Array) -> Array:
        """Apply the kernels."""
        raise NotImplementedError

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        outputs = self._convolve(inputs)
        if self.bias is not None:
            outputs = outputs + self._over_channels(self.bias)
        return self.activation(outputs)

    def _over_channels(self, numbers: ArrayLike) -> Array:
        """Return numbers, one for each filter, so that they meet the output's channels."""
        shape = [1] * (self.rank + 2)
        shape[self._channel_axis] = -1
        return ops.reshape(numbers, shape)


class Conv(KernelLayer, BaseConv):
    """A window that slides over `rank` axes; each filter gives a weighted sum of what it sees.

    Args:
        filters: How many filters: the size of the output's channel axis.
        kernel_size: The window's size: one number, or one for each axis.
        strides: The window's step, likewise.
        padding: `"valid"` (none), or `"same"` (zeros evenly around, so that stride 1 keeps the size); over one axis
            also `"causal"` (zeros before the first step, so that no step sees a later one).
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
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
        kwargs: `name`, `dtype`, `trainable`, as for every layer; and `lora_rank` and `lora_alpha`, see `enable_lora`.

    Raises:
        TypeError: `use_bias` is not true or false.
        ValueError: A setting is out of its range.

    Shapes:
        `(batch, *spatial, channels)` to `(batch, *new_spatial, filters)`; the channels stand second with
        `"channels_first"`.
    """

    kernel = Kernel()
    # Whole numbers are convolved as floats, which hold them and their sums.
    _whole_dtype = "float32"
    _left_out: ClassVar[dict[str, Any]] = {
        "lora_rank": None, "lora_alpha": None, "quantization_config": None,
    }  # fmt: skip

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        groups: int = 1,
        activation: ActivationLike = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self._set_convolution(
            kernel_size, strides, padding, dilation_rate, use_bias,
            filters=positive_int(self, filters=filters), groups=positive_int(self, groups=groups),
            activation=activation,
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
        self._refuse_strides_with_dilation()

    def _add_kernels(self, channels: int) -> int:
        if channels % self.groups:
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}) needs a number of channels that is a multiple of its "
                f"groups={self.groups}; got {channels}."
            )
        self._add_kernel((*self.kernel_size, channels // self.groups, self.filters))
        return self.filters

    def build(self, input_shape: Shape) -> None:
        """Make the kernel, and the bias, shape `(filters,)`."""
        super().build(input_shape)
        self._finish_kernel()

    def _convolve(self, inputs: Array) -> Array:
        return self._linear(inputs)

    def _apply(self, inputs: Array, kernel: ArrayLike) -> Array:
        padding = self.padding
        if padding == "causal":
            padding, inputs = "valid", self._pad_before(inputs)
        return ops.conv(inputs, kernel, self.strides, padding, self.data_format, self.dilation_rate)

    def _summed_axes(self) -> tuple[int, ...]:
        return tuple(range(self.rank + 1))

    def _input_axes(self) -> tuple[int, ...]:
        return tuple(range(1, self.rank + 2))  # Each window sees a part of the whole sample.

    def _factored_axis(self) -> int | None:
        return self._channel_axis if self.groups == 1 else None

    def _output_scale(self, input_scale: Array, kernel_scale: Array) -> Array:
        return input_scale * self._over_channels(kernel_scale)

    def _pad_before(self, inputs: Array) -> Array:
        """Put zeros before the first step, so that no step sees a later one."""
        (time,) = self._spatial_axes
        before = self.dilation_rate[0] * (self.kernel_size[0] - 1)
        return ops.pad(inputs, [(before, 0) if axis == time else (0, 0) for axis in range(3)])


@LAYERS.register()
class Conv1D(Conv):
    """A convolution over one axis, e.g. time: as `Conv`.

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
class Conv2D(Conv):
    """A convolution over two axes, e.g. an image's: as `Conv`.

    Example:
        >>> import numpy as np
        >>> Conv2D(4, 3, activation="relu")(np.ones((2, 28, 28, 1))).shape
        (2, 26, 26, 4)

    Reference:
        LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998.
    """

    rank = 2


@LAYERS.register()
class Conv3D(Conv):
    """A convolution over three axes, e.g. a volume's or a film's: as `Conv`.

    Example:
        >>> import numpy as np
        >>> Conv3D(4, 3)(np.ones((2, 5, 6, 7, 1))).shape
        (2, 3, 4, 5, 4)

    Reference:
        Tran et al., "Learning Spatiotemporal Features with 3D Convolutional Networks", 2014,
        https://arxiv.org/abs/1412.0767
    """

    rank = 3
