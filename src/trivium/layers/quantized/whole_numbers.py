"""Kernels of whole numbers of eight bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from trivium.layers.quantized.form import Form
from trivium.quantizers import AbsMaxQuantizer
from trivium.state import Variable
from trivium.state.types import Array, ArrayLike

if TYPE_CHECKING:
    from trivium.layers.kernels import KernelLayer

__all__ = ["WholeNumbers"]

_Kept: TypeAlias = tuple[Array, Array, Array]


class WholeNumbers(Form):
    """Whole numbers of eight bits with a scale for each output."""

    bits: ClassVar[int] = 8

    def add(self, layer: KernelLayer) -> None:
        """Make the numbers and the scale."""
        scale = self._scale_shape(layer)
        self._add(layer, "", layer._kernel_shape, "int8", "zeros")
        self._add(layer, "_scale", scale, layer.variable_dtype, "ones")

    def _add(
        self, layer: KernelLayer, suffix: str, shape: tuple[int, ...], dtype: str, initializer: str
    ) -> None:
        name = f"{layer._kernel_name}{suffix}"
        # A scale counts in full: half a type's digits would be lost in every product.
        variable = layer.add_weight(
            shape, initializer, dtype, trainable=False, autocast=False, name=name
        )
        setattr(layer, name, variable)

    def _scale_shape(self, layer: KernelLayer) -> tuple[int, ...]:
        summed = [n % len(layer._kernel_shape) for n in layer._summed_axes()]
        kept = [1 if i in summed else n for i, n in enumerate(layer._kernel_shape)]
        shape: tuple[int, ...] = jax.eval_shape(
            layer._keep_scale, jax.ShapeDtypeStruct(tuple(kept), "float32")
        ).shape
        return shape

    def variables(self, layer: KernelLayer) -> list[Variable]:
        """Return the numbers and the scale."""
        return [layer._kernel, getattr(layer, f"{layer._kernel_name}_scale")]

    def written(self, layer: KernelLayer, config: Any) -> list[Array]:
        """Return the numbers and the scale."""
        numbers, scale = self._rounded(layer, config)
        return [numbers, layer._keep_scale(scale)]

    def _rounded(self, layer: KernelLayer, config: Any) -> tuple[Array, Array]:
        """Return the kernel's numbers and scale, both in its own axes."""
        # Keras's ranges: -127 to 127, and -8 to 7.
        most = 2 ** (self.bits - 1) - 1
        least = -most if self.bits == 8 else -most - 1
        quantizer = config.weight_quantizer or AbsMaxQuantizer(value_range=(least, most))
        kernel, axes = np.asarray(layer._kernel.kept_value, "float32"), layer._summed_axes()
        numbers, scale = _call(quantizer, kernel, axes)
        wanted = np.max(kernel, axis=axes, keepdims=True).shape
        if numbers.shape != kernel.shape or np.shape(scale) != wanted:
            raise ValueError(
                f"{layer._where} has a scale for each output, of shape {wanted}; its `weight_quantizer` gave one of "
                f"shape {np.shape(scale)}. Give it `axis={axes}`."
            )
        return numbers, jnp.asarray(scale)

    def numbers(self, layer: KernelLayer) -> tuple[Array, Array]:
        """Return the kernel's numbers and scale, both in its own axes."""
        numbers, scale = (v.value for v in self.variables(layer))
        return numbers, layer._kept_scale(scale)

    def floats(self, layer: KernelLayer) -> Array:
        """Return the kernel in floats."""
        numbers, scale = self.numbers(layer)
        return (numbers / scale).astype(layer.compute_dtype)

    def looked_up(self, layer: KernelLayer, take: Callable[[Variable], Array]) -> Array:
        """Return rows of the kernel in floats.

        Args:
            layer: The layer, whose outputs are rows of its kernel.
            take: What takes the rows of an array; zeros where there is no such row.
        """
        numbers, scale = map(take, self.variables(layer))
        return self._divided(layer, numbers, scale)

    def _divided(self, layer: KernelLayer, numbers: Array, scale: Array) -> Array:
        # A row that is not there has zeros and a scale of zero, and stays zeros.
        scale = jnp.where(scale == 0, 1, scale)[..., None]
        return (numbers / scale).astype(layer.compute_dtype)

    def outputs(self, layer: KernelLayer, inputs: Array) -> Array:
        """Return sums of products of whole numbers, where the inputs are quantized too; else of floats."""
        quantizer = layer._quantizer("activation", AbsMaxQuantizer())
        if quantizer is None:
            return layer._apply(inputs, self.floats(layer))
        return _whole_products(layer, quantizer)(inputs, *self.numbers(layer))


def _whole_products(layer: KernelLayer, quantizer: Any) -> Callable[[Array, Array, Array], Array]:
    """Return what a layer makes of inputs with a kernel of whole numbers, the inputs being rounded to such, too.

    Gradients pass the rounding as if it were not there (Bengio et al., "Estimating or Propagating Gradients Through
    Stochastic Neurons", 2013, https://arxiv.org/abs/1308.3432).
    """
    compute = layer.compute_dtype

    @jax.custom_vjp
    def products(x: Array, numbers: Array, scale: Array) -> Array:
        rounded, x_scale = _call(quantizer, x.astype("float32"), layer._input_axes())
        kind = layer._whole_dtype
        sums = layer._apply(rounded.astype(kind), numbers.astype(kind))
        return (sums / layer._output_scale(x_scale, scale)).astype(compute)

    def forward(x: Array, numbers: Array, scale: Array) -> tuple[Array, _Kept]:
        return products(x, numbers, scale), (jnp.zeros_like(x), numbers, scale)

    def backward(kept: _Kept, gradient: Array) -> tuple[Array, None, None]:
        x, numbers, scale = kept
        kernel = (numbers / scale).astype(compute)
        _, back = jax.vjp(lambda x: layer._apply(x, kernel), x.astype(compute))
        return back(gradient)[0].astype(x.dtype), None, None

    products.defvjp(forward, backward)
    return products


def _call(quantizer: Any, x: ArrayLike, axes: tuple[int, ...]) -> tuple[Array, Array]:
    """Quantize along a layer's axes, unless the quantizer has its own."""
    numbers, scale = quantizer(x, axis=axes) if _asks_axis(quantizer) else quantizer(x)
    return numbers, scale


def _asks_axis(quantizer: Any) -> bool:
    return isinstance(quantizer, AbsMaxQuantizer) and quantizer.axis is None
