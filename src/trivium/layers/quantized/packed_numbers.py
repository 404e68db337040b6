"""Kernels of whole numbers of four bits, two in a byte."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from trivium.layers.quantized.whole_numbers import WholeNumbers
from trivium.quantizers import (
    abs_max_quantize_grouped_with_zero_point,
    pack_int4,
    unpack_int4,
)
from trivium.state import Variable
from trivium.state.types import Array

if TYPE_CHECKING:
    from trivium.layers.kernels import KernelLayer

__all__ = ["PackedNumbers"]

# What Keras calls the variable that says which group each row is in.
_GROUPS = "g_idx"


class PackedNumbers(WholeNumbers):
    """Whole numbers of four bits, two in a byte: the kernel as a matrix from what is summed over to the outputs.

    There is a scale for each output, or a scale and a zero point for each group of numbers that meet in its sum.
    """

    bits = 4

    def _groups(self, layer: KernelLayer) -> int | None:
        """Return how many numbers share a scale; `None` for all that meet in a sum."""
        size = getattr(layer._own_policy(), "block_size", -1)
        return None if size == -1 else size

    def _matrix_shape(self, layer: KernelLayer) -> tuple[int, int]:
        shape, summed = layer._kernel_shape, layer._summed_axes()
        rows = math.prod(shape[i] for i in summed)
        return rows, math.prod(shape) // rows

    def add(self, layer: KernelLayer) -> None:
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
        groups = layer.add_weight(
            (rows,), "zeros", "float32", trainable=False, autocast=False, name=_GROUPS
        )
        setattr(layer, _GROUPS, groups)
        groups.assign(np.arange(rows) // size)

    def variables(self, layer: KernelLayer) -> list[Variable]:
        """Return the packed numbers and the scale; for groups the zero points and the rows' groups, too."""
        found = super().variables(layer)
        if self._groups(layer) is not None:
            found += [getattr(layer, f"{layer._kernel_name}_zero"), getattr(layer, _GROUPS)]
        return found

    def _as_matrix(self, layer: KernelLayer, kernel: Array) -> Array:
        outputs = [i for i in range(kernel.ndim) if i not in layer._summed_axes()]
        ordered = jnp.transpose(kernel, (*layer._summed_axes(), *outputs))
        return jnp.reshape(ordered, self._matrix_shape(layer))

    def _as_kernel(self, layer: KernelLayer, matrix: Array) -> Array:
        shape, summed = layer._kernel_shape, layer._summed_axes()
        order = [*summed, *(i for i in range(len(shape)) if i not in summed)]
        ordered = jnp.reshape(matrix, [shape[i] for i in order])
        return jnp.transpose(ordered, np.argsort(order).tolist())

    def _turned(self, layer: KernelLayer, matrix: Array) -> Array:
        """Return a matrix as it is kept, or a kept one from what is summed over to the outputs."""
        return jnp.transpose(matrix) if layer._outputs_first else matrix

    def written(self, layer: KernelLayer, config: Any) -> list[Array]:
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

    def _unpacked(self, layer: KernelLayer, packed: Array) -> Array:
        length = self._matrix_shape(layer)[0 if layer._outputs_first else 1]
        return unpack_int4(packed, length, axis=-1)

    def shown(self, layer: KernelLayer) -> Array:
        """Return the whole numbers in the kernel's shape."""
        numbers = self._unpacked(layer, layer._kernel.value)
        return self._as_kernel(layer, self._turned(layer, numbers))

    def numbers(self, layer: KernelLayer) -> tuple[Array, Array]:
        """Return the kernel's numbers and scale, both in its own axes, where there is a scale for each output."""
        scale = getattr(layer, f"{layer._kernel_name}_scale").value
        summed = [i % len(layer._kernel_shape) for i in layer._summed_axes()]
        kept = [1 if i in summed else n for i, n in enumerate(layer._kernel_shape)]
        return self.shown(layer), jnp.reshape(scale, kept)

    def floats(self, layer: KernelLayer) -> Array:
        """Return the kernel in floats."""
        if self._groups(layer) is None:
            return super().floats(layer)
        packed, scale, zero, groups = (v.value for v in self.variables(layer))
        matrix = self._in_floats(layer, packed, scale, zero, groups)
        return self._as_kernel(layer, self._turned(layer, matrix))

    def looked_up(self, layer: KernelLayer, take: Callable[[Variable], Array]) -> Array:
        """Return rows of the kernel in floats."""
        if self._groups(layer) is None:
            packed, scale = map(take, self.variables(layer))
            return self._divided(layer, self._unpacked(layer, packed), scale)
        *kept, groups = self.variables(layer)
        packed, scale, zero = map(take, kept)
        return self._in_floats(layer, packed, scale, zero, groups.value)

    def _in_floats(
        self, layer: KernelLayer, packed: Array, scale: Array, zero: Array, groups: Array
    ) -> Array:
        """Return rows of the kept matrix in floats."""
        along = -1 if layer._outputs_first else 0
        rows = groups.astype("int32")
        numbers = self._unpacked(layer, packed).astype(scale.dtype)
        zeros = jnp.take(zero, rows, axis=along).astype(scale.dtype)
        floats = (numbers - zeros) * jnp.take(scale, rows, axis=along)
        return floats.astype(layer.compute_dtype)

    def outputs(self, layer: KernelLayer, inputs: Array) -> Array:
        """Return sums of products of floats; of whole numbers where the inputs are quantized too."""
        if self._groups(layer) is None:
            return super().outputs(layer, inputs)
        return layer._apply(inputs, self.floats(layer))
