"""The densely connected layer."""

from __future__ import annotations

from typing import Any

from trivium import ops
from trivium.layers.checks import flag, positive_int
from trivium.layers.input_spec import InputSpec
from trivium.layers.kernels import Kernel, KernelLayer
from trivium.layers.registry import LAYERS
from trivium.layers.types import ActivationLike, ConstraintLike, InitializerLike, RegularizerLike
from trivium.state.types import Array, ArrayLike, Shape

__all__ = ["Dense"]


@LAYERS.register()
class Dense(KernelLayer):
    """`activation(inputs @ kernel + bias)`, on the last axis.

    Args:
        units: The size of the output's last axis.
        activation: The activation; none where it is `None`.
        use_bias: Whether to add a bias.
        kernel_initializer: How the kernel, shape `(inputs, units)`, is drawn.
        bias_initializer: How the bias, shape `(units,)`, is drawn.
        kernel_regularizer: A penalty on the kernel.
        bias_regularizer: A penalty on the bias.
        activity_regularizer: A penalty on the output.
        kernel_constraint: A function applied to the kernel after each update.
        bias_constraint: A function applied to the bias after each update.
        lora_rank: The rank of two factors whose product is added to the kernel and trained in its place; none where it
            is `None`. See `enable_lora`.
        lora_alpha: The product counts `lora_alpha / lora_rank` times; once where it is `None`.
        quantization_config: How the kernel is quantized, where the dtype policy says that it is.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: `use_bias` is not true or false.
        ValueError: `units` is no positive whole number.

    Shapes:
        `(batch, ..., inputs)` to `(batch, ..., units)`.

    Example:
        >>> import numpy as np
        >>> Dense(3, activation="relu")(np.ones((2, 5))).shape
        (2, 3)
    """

    kernel = Kernel()

    def __init__(
        self,
        units: int,
        activation: ActivationLike = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            activity_regularizer=activity_regularizer,
            lora_rank=lora_rank, lora_alpha=lora_alpha, quantization_config=quantization_config, **kwargs,
        )  # fmt: skip
        self._set(
            units=positive_int(self, units=units), activation=activation, use_bias=flag(self, use_bias=use_bias),
            kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint, bias_constraint=bias_constraint,
        )  # fmt: skip
        self.supports_masking = True
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: Shape) -> None:
        """Make the kernel and the bias."""
        self._add_kernel((input_shape[-1], self.units))
        self.bias = self._add_set_weight("bias", (self.units,)) if self.use_bias else None
        self._finish_kernel()
        self.input_spec = InputSpec(min_ndim=2, axes={-1: input_shape[-1]})

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        outputs = self._linear(inputs)
        if self.bias is not None:
            outputs = outputs + self.bias
        return self.activation(outputs)

    def _apply(self, inputs: Array, kernel: ArrayLike) -> Array:
        return ops.matmul(inputs, kernel)

    def _summed_axes(self) -> tuple[int, ...]:
        return (0,)
