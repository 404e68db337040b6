"""The forms of a quantized kernel: which variables it is kept in, and how a layer computes with them.

A layer that is linear in its kernel (`layers/kernels.py`) asks its form for everything; a form asks the layer what it
makes of inputs with a kernel, and along which axes numbers share a scale.
"""

from __future__ import annotations

import functools
import math
import weakref
from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from trivium import ops
from trivium.quantizers import (
    AbsMaxQuantizer,
    abs_max_quantize_grouped_with_zero_point,
    compute_float8_amax_history,
    compute_float8_scale,
    pack_int4,
    quantize_and_dequantize,
    unpack_int4,
)
from trivium.state import Variable
from trivium.state.frame import current_frame
from trivium.state.types import Array, ArrayLike

__all__ = ["FORMS", "Form"]


class Form:
    """How a kernel is kept and computed with. One object for all layers: what is kept, the layer has."""

    # Whether the kernel itself stays, and something is kept besides.
    keeps_floats: ClassVar[bool] = False

    def check(self, layer: Any) -> None:
        """Refuse a layer that cannot have this form."""

    def add(self, layer: Any) -> None:
        """Make the layer's variables."""
        raise NotImplementedError

    def variables(self, layer: Any) -> list[Variable]:
        """Return them."""
        raise NotImplementedError

    def written(self, layer: Any, config: Any) -> list[Array]:
        """Return what they are for the layer's kernel as it is now, in floats."""
        raise NotImplementedError

    def outputs(self, layer: Any, inputs: Array) -> Array:
        """Return what the layer makes of its inputs."""
        raise NotImplementedError

    def shown(self, layer: Any) -> Any:
        """Return the kernel as users read it."""
        return layer._kernel

    def floats(self, layer: Any) -> Array:
        """Return the kernel in floats."""
        raise NotImplementedError


class WholeNumbers(Form):
    """Whole numbers of eight bits with a scale for each output."""

    bits: ClassVar[int] = 8

    def add(self, layer: Any) -> None:
        """Make the numbers and the scale."""
        scale = self._scale_shape(layer)
        self._add(layer, "", layer._kernel_shape, "int8", "zeros")
        self._add(layer, "_scale", scale, layer.variable_dtype, "ones")

    def _add(self, layer: Any, suffix: str, shape: Any, dtype: str, initializer: str) -> None:
        name = f"{layer._kernel_name}{suffix}"
        # A scale counts in full: half a type's digits would be lost in every product.
        variable = layer.add_weight(
            shape, initializer, dtype, trainable=False, autocast=False, name=name
        )
        setattr(layer, name, variable)

    def _scale_shape(self, layer: Any) -> tuple[int, ...]:
        summed = [n % len(layer._kernel_shape) for n in layer._summed_axes()]
        kept = [1 if i in summed else n for i, n in enumerate(layer._kernel_shape)]
        shape: tuple[int, ...] = jax.eval_shape(
            layer._keep_scale, jax.ShapeDtypeStruct(tuple(kept), "float32")
        ).shape
        return shape

    def variables(self, layer: Any) -> list[Variable]:
        """Return the numbers and the scale."""
        return [layer._kernel, getattr(layer, f"{layer._kernel_name}_scale")]

    def written(self, layer: Any, config: Any) -> list[Array]:
        """Return the numbers and the scale."""
        numbers, scale = self._rounded(layer, config)
        return [numbers, layer._keep_scale(scale)]

    def _rounded(self, layer: Any, config: Any) -> tuple[Array, Array]:
        """Return the kernel's numbers and scale, both in its own axes."""
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

    def numbers(self, layer: Any) -> tuple[Array, Array]:
        """Return the kernel's numbers and scale, both in its own axes."""
        numbers, scale = (v.value for v in self.variables(layer))
        return numbers, layer._kept_scale(scale)

    def floats(self, layer: Any) -> Array:
        """Return the kernel in floats."""
        numbers, scale = self.numbers(layer)
        return (numbers / scale).astype(layer.compute_dtype)

    def looked_up(self, layer: Any, take: Callable[[Any], Array]) -> Array:
        """Return rows of the kernel in floats.

        Args:
            layer: The layer, whose outputs are rows of its kernel.
            take: What takes the rows of an array; zeros where there is no such row.
        """
        numbers, scale = map(take, self.variables(layer))
        return self._divided(layer, numbers, scale)

    def _divided(self, layer: Any, numbers: Array, scale: Array) -> Array:
        scale = jnp.where(scale == 0, 1, scale)[..., None]
        return (numbers / scale).astype(layer.compute_dtype)

    def outputs(self, layer: Any, inputs: Array) -> Array:
        """Return sums of products of whole numbers, where the inputs are quantized too; else of floats."""
        quantizer = layer._quantizer("activation", AbsMaxQuantizer())
        if quantizer is None:
            return layer._apply(inputs, self.floats(layer))
        return _whole_products(layer, quantizer)(inputs, *self.numbers(layer))


def _whole_products(layer: Any, quantizer: Any) -> Any:
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

    def forward(x: Array, numbers: Array, scale: Array) -> Any:
        return products(x, numbers, scale), (jnp.zeros_like(x), numbers, scale)

    def backward(kept: Any, gradient: Array) -> Any:
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


class PackedNumbers(WholeNumbers):
    """Whole numbers of four bits, two in a byte: the kernel as a matrix from what is summed over to the outputs.

    There is a scale for each output, or a scale and a zero point for each group of numbers that meet in its sum.
    """

    bits = 4

    def _groups(self, layer: Any) -> int | None:
        """Return how many numbers share a scale; `None` for all that meet in a sum."""
        size = getattr(layer._own_policy(), "block_size", -1)
        return None if size == -1 else size

    def _matrix_shape(self, layer: Any) -> tuple[int, int]:
        shape, summed = layer._kernel_shape, layer._summed_axes()
        rows = math.prod(shape[i] for i in summed)
        return rows, math.prod(shape) // rows

    def add(self, layer: Any) -> None:
        """Make the packed numbers and the scale, and for groups the zero points and which row is in which group."""
        (rows, columns), size = self._matrix_shape(layer), self._groups(layer)
        dtype = layer.variable_dtype
        last = columns if not layer._outputs_first else rows
        packed = (rows if not layer._outputs_first else columns, -(-last // 2))
        self._add(layer, "", packed, "int8", "zeros")
        if size is None:
            self._add(layer, "_scale", (columns,), dtype, "ones")
            return
        kept = (-(-rows // size), columns)
        kept = kept[::-1] if layer._outputs_first else kept
        self._add(layer, "_scale", kept, dtype, "ones")
        self._add(layer, "_zero", kept, "int8", "zeros")
        layer.g_idx = layer.add_weight(
            (rows,), "zeros", "float32", trainable=False, autocast=False, name="g_idx"
        )
        layer.g_idx.assign(np.arange(rows) // size)

    def variables(self, layer: Any) -> list[Variable]:
        """Return the packed numbers and the scale; for groups the zero points and the rows' groups, too."""
        found = super().variables(layer)
        if self._groups(layer) is not None:
            found += [getattr(layer, f"{layer._kernel_name}_zero"), layer.g_idx]
        return found

    def _as_matrix(self, layer: Any, kernel: Array) -> Array:
        outputs = [i for i in range(kernel.ndim) if i not in layer._summed_axes()]
        ordered = jnp.transpose(kernel, (*layer._summed_axes(), *outputs))
        return jnp.reshape(ordered, self._matrix_shape(layer))

    def _as_kernel(self, layer: Any, matrix: Array) -> Array:
        shape, summed = layer._kernel_shape, layer._summed_axes()
        order = [*summed, *(i for i in range(len(shape)) if i not in summed)]
        ordered = jnp.reshape(matrix, [shape[i] for i in order])
        return jnp.transpose(ordered, np.argsort(order).tolist())

    def _turned(self, layer: Any, matrix: Array) -> Array:
        """Return a matrix as it is kept, or a kept one from what is summed over to the outputs."""
        return jnp.transpose(matrix) if layer._outputs_first else matrix

    def written(self, layer: Any, config: Any) -> list[Array]:
        """Return the packed numbers, the scales and what else there is."""
        if config.block_size in (None, -1):
            numbers, scale = self._rounded(layer, config)
            matrix = self._turned(layer, self._as_matrix(layer, numbers))
            return [pack_int4(matrix, axis=-1)[0], jnp.ravel(scale)]
        kernel = self._as_matrix(layer, jnp.asarray(layer._kernel.kept_value, "float32"))
        parts = abs_max_quantize_grouped_with_zero_point(kernel, config.block_size)
        numbers, scale, zero = (self._turned(layer, part) for part in parts)
        rows = np.arange(kernel.shape[0]) // config.block_size
        return [pack_int4(numbers, axis=-1)[0], scale, zero, jnp.asarray(rows, "float32")]

    def _unpacked(self, layer: Any, packed: Array) -> Array:
        length = self._matrix_shape(layer)[0 if layer._outputs_first else 1]
        return unpack_int4(packed, length, axis=-1)

    def shown(self, layer: Any) -> Array:
        """Return the whole numbers in the kernel's shape."""
        numbers = self._unpacked(layer, layer._kernel.value)
        return self._as_kernel(layer, self._turned(layer, numbers))

    def numbers(self, layer: Any) -> tuple[Array, Array]:
        """Return the kernel's numbers and scale, both in its own axes, where there is a scale for each output."""
        scale = getattr(layer, f"{layer._kernel_name}_scale").value
        summed = [i % len(layer._kernel_shape) for i in layer._summed_axes()]
        kept = [1 if i in summed else n for i, n in enumerate(layer._kernel_shape)]
        return self.shown(layer), jnp.reshape(scale, kept)

    def floats(self, layer: Any) -> Array:
        """Return the kernel in floats."""
        if self._groups(layer) is None:
            return super().floats(layer)
        packed, scale, zero, groups = (v.value for v in self.variables(layer))
        matrix = self._in_floats(layer, packed, scale, zero, groups)
        return self._as_kernel(layer, self._turned(layer, matrix))

    def looked_up(self, layer: Any, take: Callable[[Any], Array]) -> Array:
        """Return rows of the kernel in floats."""
        if self._groups(layer) is None:
            packed, scale = map(take, self.variables(layer))
            return self._divided(layer, self._unpacked(layer, packed), scale)
        *kept, groups = self.variables(layer)
        packed, scale, zero = map(take, kept)
        return self._in_floats(layer, packed, scale, zero, groups.value)

    def _in_floats(
        self, layer: Any, packed: Array, scale: Array, zero: Array, groups: Array
    ) -> Array:
        """Return rows of the kept matrix in floats."""
        along = -1 if layer._outputs_first else 0
        rows = groups.astype("int32")
        numbers = self._unpacked(layer, packed).astype(scale.dtype)
        zeros = jnp.take(zero, rows, axis=along).astype(scale.dtype)
        floats = (numbers - zeros) * jnp.take(scale, rows, axis=along)
        return floats.astype(layer.compute_dtype)

    def outputs(self, layer: Any, inputs: Array) -> Array:
        """Return sums of products of floats; of whole numbers where the inputs are quantized too."""
        if self._groups(layer) is None:
            return super().outputs(layer, inputs)
        return layer._apply(inputs, self.floats(layer))


class EightBitFloats(Form):
    """Floats of eight bits for inputs, kernel and gradients, scaled by the largest of the last steps.

    What is learned of the sizes comes as gradients that are new values: the optimizer sets the variables to them.
    """

    keeps_floats = True
    _parts = ("inputs", "{kernel}", "outputs_grad")

    def check(self, layer: Any) -> None:
        """Refuse a layer whose input is no floats."""
        if not layer._float_inputs:
            raise NotImplementedError(
                f"{layer._where} cannot be quantized to 'float8': it looks its outputs up and multiplies nothing. "
                "Take 'int8' or 'int4'."
            )

    def add(self, layer: Any) -> None:
        """Make a scale and a history of sizes for the inputs, the kernel and the gradient of the outputs."""
        length = getattr(layer._own_policy(), "amax_history_length", 1024)
        for part in self._names(layer):
            for what, shape, first in (("scale", (), "ones"), ("amax_history", (length,), "zeros")):
                variable = layer.add_weight(
                    shape, first, "float32", autocast=False, name=f"{part}_{what}"
                )
                variable.overwrite_with_gradient = True
                setattr(layer, f"{part}_{what}", variable)

    def _names(self, layer: Any) -> list[str]:
        return [part.format(kernel=layer._kernel_name) for part in self._parts]

    def variables(self, layer: Any) -> list[Variable]:
        """Return none: nothing is to be written into them at first."""
        return []

    def written(self, layer: Any, config: Any) -> list[Array]:
        """Return nothing."""
        return []

    def floats(self, layer: Any) -> Array:
        """Return the kernel."""
        return ops.convert_to_tensor(layer._kernel)

    def outputs(self, layer: Any, inputs: Array) -> Array:
        """Return sums of products of eight-bit floats."""
        of_inputs, of_kernel, of_gradient = (
            (getattr(layer, f"{part}_scale").value, getattr(layer, f"{part}_amax_history").value)
            for part in self._names(layer)
        )
        learns = bool(current_frame().training)
        if learns:
            self._refuse_second_call(layer, of_gradient[1])
        x, kernel = inputs.astype(layer.compute_dtype), ops.convert_to_tensor(layer._kernel)
        outputs = layer._apply(
            _rounded_forward(learns, x, *of_inputs), _rounded_forward(learns, kernel, *of_kernel)
        )
        return _rounded_backward(outputs, *of_gradient) if learns else outputs

    def _refuse_second_call(self, layer: Any, history: Array) -> None:
        """Refuse to be called twice in a step, where the new values, which come as gradients, would be added up.

        Within a step all calls of the layer read the one array that stands for its variable there, and no other step
        does.
        """
        before = _last_step.get(layer)
        if isinstance(history, jax.core.Tracer) and before is not None and before() is history:
            raise NotImplementedError(
                f"{layer._where} is called twice in one step of training, and is quantized to 'float8': what it learns "
                "of the sizes of its numbers holds for one call. Take 'int8' or 'int4', or a layer for each call."
            )
        _last_step[layer] = weakref.ref(history)


# What stood for a float8 layer's history when it was last called in training: beside the layers, which are copied.
_last_step: weakref.WeakKeyDictionary[Any, weakref.ref[Array]] = weakref.WeakKeyDictionary()


def _in_eight_bits(x: Array, scale: Array, history: Array, kind: Any) -> Any:
    """Return floats as eight bits say them, and the scale and the history of sizes after that."""
    scale = compute_float8_scale(jnp.max(history), scale, float(jnp.finfo(kind).max))
    after = compute_float8_amax_history(x, history)
    return quantize_and_dequantize(x, scale, kind, x.dtype), (scale, after)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _rounded_forward(learns: bool, x: Array, scale: Array, history: Array) -> Array:
    """Round what goes forward: four bits of exponent, three of the number."""
    return _rounded_forward_forward(learns, x, scale, history)[0]


def _rounded_forward_forward(learns: bool, x: Array, scale: Array, history: Array) -> Any:
    if learns:
        return _in_eight_bits(x, scale, history, jnp.float8_e4m3fn)
    rounded = quantize_and_dequantize(x, scale, jnp.float8_e4m3fn, x.dtype)
    return rounded, (jnp.zeros_like(scale), jnp.zeros_like(history))


_rounded_forward.defvjp(
    _rounded_forward_forward, lambda learns, after, gradient: (gradient, *after)
)


@jax.custom_vjp
def _rounded_backward(x: Array, scale: Array, history: Array) -> Array:
    """Round the gradient, which takes five bits of exponent, two of the number."""
    return x


def _rounded_backward_backward(kept: Any, gradient: Array) -> Any:
    scale, history = kept
    rounded, after = _in_eight_bits(gradient, scale, history, jnp.float8_e5m2)
    return rounded, *after


_rounded_backward.defvjp(
    lambda x, scale, history: (x, (scale, history)), _rounded_backward_backward
)

FORMS: dict[str, Form] = {
    "int8": WholeNumbers(),
    "int4": PackedNumbers(),
    "float8": EightBitFloats(),
}
