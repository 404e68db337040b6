"""One tensor out of several."""

from __future__ import annotations

from trivium import layers
from trivium.styles.explain.formulas import Call, register_formula

__all__: list[str] = []


@register_formula(layers.Add)
def _add(call: Call) -> str:
    _each(call, "I")
    return " + ".join(call.inputs)


@register_formula(layers.Subtract)
def _subtract(call: Call) -> str:
    _each(call, "I", "-I")
    return " - ".join(call.inputs)


@register_formula(layers.Average)
def _average(call: Call) -> str:
    _each(call, rf"\frac{{1}}{{{len(call.inputs)}}} I")
    return rf"\frac{{1}}{{{len(call.inputs)}}} \left({' + '.join(call.inputs)}\right)"


def _each(call: Call, *factors: str) -> None:
    """Say the derivative with respect to each input, unless one comes in twice or is broadcast."""
    if call.keeps_shape:
        for i, symbol in enumerate(call.inputs):
            call.jacobian(factors[min(i, len(factors) - 1)], symbol)


@register_formula(layers.Multiply)
def _multiply(call: Call) -> str:
    return r" \odot ".join(call.inputs)


@register_formula(layers.Maximum)
def _maximum(call: Call) -> str:
    return rf"\max\left({', '.join(call.inputs)}\right)"


@register_formula(layers.Minimum)
def _minimum(call: Call) -> str:
    return rf"\min\left({', '.join(call.inputs)}\right)"


@register_formula(layers.Concatenate)
def _concatenate(call: Call) -> str:
    if len(call.out_sizes) > 1:
        call.note(f"one after another along axis {call.layer.axis}")
    return rf"\left[{' ; '.join(call.inputs)}\right]"


@register_formula(layers.Dot)
def _dot(call: Call) -> str:
    a, b = call.inputs
    if call.layer.normalize:
        a, b = (rf"\frac{{{s}}}{{\left\Vert {s}\right\Vert}}" for s in (a, b))
    if any(len(call.notation.sample(slot.tensor)) > 1 for slot in call.data):
        call.note(f"summed over the axes {call.layer.axes}")
    return rf"\left\langle {a}, {b} \right\rangle"
