"""Kernels, inputs and gradients rounded to floats of eight bits."""

from __future__ import annotations

import functools
import weakref
from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import jax.numpy as jnp

from trivium import ops
from trivium.layers.quantized.form import Form
from trivium.quantizers import (
    compute_float8_amax_history,
    compute_float8_scale,
    quantize_and_dequantize,
)
from trivium.state import Variable
from trivium.state.frame import current_frame
from trivium.state.types import Array

if TYPE_CHECKING:
    from trivium.layers.kernels import KernelLayer

__all__ = ["EightBitFloats"]

_Learned: TypeAlias = tuple[Array, Array]
"""A scale, and a history of sizes."""


class EightBitFloats(Form):
    """Floats of eight bits for inputs, kernel and gradients, scaled by the largest of the last steps.

    What is learned of the sizes comes as gradients that are new values: the optimizer sets the variables to them.
    """

    keeps_floats = True
    _parts = ("inputs", "{kernel}", "outputs_grad")

    def check(self, layer: KernelLayer) -> None:
        """Refuse a layer whose input is no floats."""
        if not layer._float_inputs:
            raise NotImplementedError(
                f"{layer._where} cannot be quantized to 'float8': it looks its outputs up and multiplies nothing. "
                "Take 'int8' or 'int4'."
            )

    def add(self, layer: KernelLayer) -> None:
        """Make a scale and a history of sizes for the inputs, the kernel and the gradient of the outputs."""
        length = getattr(layer._own_policy(), "amax_history_length", 1024)
        for part in self._names(layer):
            for what, shape, first in (("scale", (), "ones"), ("amax_history", (length,), "zeros")):
                variable = layer.add_weight(
                    shape, first, "float32", autocast=False, name=f"{part}_{what}"
                )
                variable.overwrite_with_gradient = True
                setattr(layer, f"{part}_{what}", variable)

    def _names(self, layer: KernelLayer) -> list[str]:
        return [part.format(kernel=layer._kernel_name) for part in self._parts]

    def variables(self, layer: KernelLayer) -> list[Variable]:
        """Return none: nothing is to be written into them at first."""
        return []

    def written(self, layer: KernelLayer, config: Any) -> list[Array]:
        """Return nothing."""
        return []

    def floats(self, layer: KernelLayer) -> Array:
        """Return the kernel."""
        return ops.convert_to_tensor(layer._kernel)

    def outputs(self, layer: KernelLayer, inputs: Array) -> Array:
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

    def _refuse_second_call(self, layer: KernelLayer, history: Array) -> None:
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
_last_step: weakref.WeakKeyDictionary[KernelLayer, weakref.ref[Array]] = weakref.WeakKeyDictionary()


def _in_eight_bits(x: Array, scale: Array, history: Array, kind: Any) -> tuple[Array, _Learned]:
    """Return floats as eight bits say them, and the scale and the history of sizes after that."""
    scale = compute_float8_scale(jnp.max(history), scale, float(jnp.finfo(kind).max))
    after = compute_float8_amax_history(x, history)
    return quantize_and_dequantize(x, scale, kind, x.dtype), (scale, after)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _rounded_forward(learns: bool, x: Array, scale: Array, history: Array) -> Array:
    """Round what goes forward: four bits of exponent, three of the number."""
    return _rounded_forward_forward(learns, x, scale, history)[0]


def _rounded_forward_forward(
    learns: bool, x: Array, scale: Array, history: Array
) -> tuple[Array, _Learned]:
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


def _rounded_backward_backward(kept: _Learned, gradient: Array) -> tuple[Array, Array, Array]:
    scale, history = kept
    rounded, after = _in_eight_bits(gradient, scale, history, jnp.float8_e5m2)
    return rounded, *after


_rounded_backward.defvjp(
    lambda x, scale, history: (x, (scale, history)), _rounded_backward_backward
)
