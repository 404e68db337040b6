"""Transposed convolutions over one, two and three spatial axes: a convolution's way back, from small to large."""

from __future__ import annotations

from typing import Any

from trivium import ops
from trivium.layers.checks import positive_int
from trivium.layers.convolution import BaseConv
from trivium.layers.registry import LAYERS
from trivium.layers.spatial import Sizes, sizes_of
from trivium.layers.types import ActivationLike, ConstraintLike, InitializerLike, RegularizerLike
from trivium.state.types import Array

__all__ = ["Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"]


class ConvTranspose(BaseConv):
    """A convolution's way back over `rank` axes: each cell of the input adds a scaled kernel to the output.

    Args:
        filters: How many filters: the size of the output's channel axis.
        kernel_size: The kernel's size: one number, or one for each axis.
        strides: How far the kernels of neighboring cells are apart in the output, likewise.
        padding: `"valid"` (all that the kernels reach), or `"same"` (`size * stride` positions).
        output_padding: How many positions are added at the end of each axis, fewer than its stride: several sizes
            become one in a convolution with strides, and this says which of them to go back to. What `padding` says
            where it is `None`.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        dilation_rate: The distance between the kernel's cells, one number or one for each axis.
        activation: The activation; none where it is `None`.
        use_bias: Whether to add a bias.
        kernel_initializer: How the kernel, shape `(*kernel_size, filters, channels)`, is drawn.
        bias_initializer: How the bias, shape `(filters,)`, is drawn.
        kernel_regularizer: A penalty on the kernel.
        bias_regularizer: A penalty on the bias.
        activity_regularizer: A penalty on the output.
        kernel_constraint: A function applied to the kernel after each update.
        bias_constraint: A function applied to the bias after each update.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: `use_bias` is not true or false.
        ValueError: A setting is out of its range.

    Shapes:
        `(batch, *spatial, channels)` to `(batch, *new_spatial, filters)`; the channels stand second with
        `"channels_first"`.

    References:
        Zeiler et al., "Deconvolutional Networks", CVPR 2010; Dumoulin & Visin, "A guide to convolution arithmetic for
        deep learning", 2016, https://arxiv.org/abs/1603.07285
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        output_padding: Sizes | None = None,
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
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
        if output_padding is not None:
            output_padding = sizes_of(self, self.rank, least=0, output_padding=output_padding)
        self._set_convolution(
            kernel_size, strides, padding, dilation_rate, use_bias,
            filters=positive_int(self, filters=filters), output_padding=output_padding,
            activation=activation,
            kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint, bias_constraint=bias_constraint,
        )  # fmt: skip
        self._refuse_strides_with_dilation()
        added = self.output_padding or (0,) * self.rank
        if any(more >= stride for more, stride in zip(added, self.strides, strict=True)):
            raise ValueError(
                f"{type(self).__name__}: `output_padding` is smaller than the stride on each axis; got "
                f"output_padding={self.output_padding}, strides={self.strides}."
            )

    def _add_kernels(self, channels: int) -> int:
        self.kernel = self._add_set_weight("kernel", (*self.kernel_size, self.filters, channels))
        return self.filters

    def _convolve(self, inputs: Array) -> Array:
        return ops.conv_transpose(
            inputs, self.kernel, self.strides, self.padding, self.output_padding, self.data_format,
            self.dilation_rate,
        )  # fmt: skip


@LAYERS.register()
class Conv1DTranspose(ConvTranspose):
    """A transposed convolution over one axis, e.g. time: as `ConvTranspose`.

    Example:
        >>> import numpy as np
        >>> Conv1DTranspose(4, 3, strides=2, padding="same")(np.ones((2, 10, 5))).shape
        (2, 20, 4)
    """

    rank = 1


@LAYERS.register()
class Conv2DTranspose(ConvTranspose):
    """A transposed convolution over two axes, e.g. an image's: as `ConvTranspose`.

    Example:
        >>> import numpy as np
        >>> Conv2DTranspose(4, 3, strides=2, output_padding=1)(np.ones((2, 7, 7, 1))).shape
        (2, 16, 16, 4)
    """

    rank = 2


@LAYERS.register()
class Conv3DTranspose(ConvTranspose):
    """A transposed convolution over three axes, e.g. a volume's: as `ConvTranspose`, `data_format` before
    `output_padding`.

    Example:
        >>> import numpy as np
        >>> Conv3DTranspose(4, 2, strides=2)(np.ones((2, 3, 4, 5, 1))).shape
        (2, 6, 8, 10, 4)
    """

    rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        data_format: str | None = None,
        output_padding: Sizes | None = None,
        dilation_rate: Sizes = 1,
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
        super().__init__(
            filters, kernel_size, strides, padding, output_padding, data_format, dilation_rate,
            activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer,
            bias_regularizer, activity_regularizer, kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip
