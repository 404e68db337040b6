"""Activations."""

from __future__ import annotations

from trivium import layers, ops
from trivium.styles.explain.formulas import Call, register_formula
from trivium.styles.explain.notation import number

__all__ = ["activated"]


def activated(call: Call, inner: str, slope: str = "") -> str:
    """Return the layer's activation of `inner`, whose derivative with respect to the input is `slope`."""
    function = call.layer.activation
    if slope and len(call.in_sizes) == 1:
        factor = call.derivative(function, inner)
        linear = call.apply(function, "z") == "z"
        call.jacobian(slope if linear else f"{factor} {slope}" if factor else "")
    return call.apply(function, inner)


@register_formula(layers.Activation)
def _activation(call: Call) -> str:
    call.jacobian(call.derivative(call.layer.activation, call.x) if len(call.in_sizes) == 1 else "")
    return call.apply(call.layer.activation, call.x)


@register_formula(layers.ReLU)
def _relu(call: Call) -> str:
    layer, x = call.layer, call.x
    if not (layer.max_value is not None or layer.negative_slope or layer.threshold):
        call.jacobian(call.derivative(ops.relu, x) if len(call.in_sizes) == 1 else "")
        return call.apply(ops.relu, x)
    top = rf"\max\left(0, {x}\right)"
    if layer.threshold:
        top = rf"{x} \odot \left[{x} > {number(layer.threshold)}\right]"
    if layer.max_value is not None:
        top = rf"\min\left({number(layer.max_value)}, {top}\right)"
    if not layer.negative_slope:
        return top
    below = x if not layer.threshold else f"{x} - {number(layer.threshold)}"
    return rf"{top} + {number(layer.negative_slope)} \min\left(0, {below}\right)"


@register_formula(layers.LeakyReLU)
def _leaky_relu(call: Call) -> str:
    x = call.x
    return rf"\max\left(0, {x}\right) + {number(call.layer.negative_slope)} \min\left(0, {x}\right)"


@register_formula(layers.ELU)
def _elu(call: Call) -> str:
    x, alpha = call.x, number(call.layer.alpha)
    scale = "" if alpha == "1" else f"{alpha} "
    return rf"\max\left(0, {x}\right) + {scale}\min\left(0, e^{{{x}}} - 1\right)"


@register_formula(layers.PReLU)
def _prelu(call: Call) -> str:
    slope = call.weight("alpha", r"\alpha")
    return rf"\max\left(0, {call.x}\right) + {slope} \odot \min\left(0, {call.x}\right)"


@register_formula(layers.Softmax)
def _softmax(call: Call) -> str:
    axis = call.layer.axis
    plain = axis == -1
    if plain and len(call.in_sizes) == 1:
        call.jacobian(call.derivative(ops.softmax, call.x))
    return call.apply(ops.softmax, call.x, **({} if plain else {f"axis {axis}": ""}))
