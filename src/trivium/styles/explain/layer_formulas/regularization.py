"""Layers that add chance in training."""

from __future__ import annotations

from trivium import layers
from trivium.styles.explain.formulas import Call, register_formula
from trivium.styles.explain.notation import number

__all__: list[str] = []

_STILL = "acts only in training"


def _noise(call: Call, kind: str, result: str, drawn: str) -> str:
    """Write a layer that adds chance in training and does nothing otherwise."""
    if not call.step.training or call.layer.seed_generator is None:
        call.note(f"{kind}: {_STILL}")
        call.jacobian("I")
        return call.x
    call.where(drawn)
    return result


@register_formula(
    layers.Dropout, layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D
)
def _dropout(call: Call) -> str:
    rate, chosen = call.layer.rate, rf"m_{{{call.index}}}"
    kept = number(round(1 - rate, 9))
    if call.step.training and call.layer.noise_shape is not None:
        whole = hasattr(call.layer, "rank")
        shape = call.layer.noise_shape
        call.note("each channel as a whole" if whole else f"one draw for each cell of {shape}")
    return _noise(
        call, f"dropout of {number(rate)}", rf"\frac{{{chosen}}}{{{kept}}} \odot {call.x}",
        rf"{chosen} \sim \text{{0 or 1, where 1 has the chance }} {kept}",
    )  # fmt: skip


@register_formula(layers.GaussianDropout)
def _gaussian_dropout(call: Call) -> str:
    factor, rate = rf"m_{{{call.index}}}", call.layer.rate
    variance = number(rate / (1 - rate))
    return _noise(
        call,
        "noise",
        rf"{factor} \odot {call.x}",
        rf"{factor} \sim \mathcal{{N}}\left(1, {variance}\right)",
    )


@register_formula(layers.GaussianNoise)
def _gaussian_noise(call: Call) -> str:
    noise, deviation = rf"\epsilon_{{{call.index}}}", number(call.layer.stddev)
    return _noise(
        call,
        "noise",
        f"{call.x} + {noise}",
        rf"{noise} \sim \mathcal{{N}}\left(0, {deviation}^{{2}}\right)",
    )


@register_formula(layers.AlphaDropout)
def _alpha_dropout(call: Call) -> str:
    chosen, rate, low = rf"m_{{{call.index}}}", call.layer.rate, -1.7580993408473766
    a = ((1 - rate) * (1 + rate * low**2)) ** -0.5
    kept = rf"{chosen} \odot {call.x} - {number(-low)} \left(1 - {chosen}\right)"
    return _noise(
        call, f"dropout of {number(rate)}",
        rf"{number(a)} \left({kept}\right) + {number(-a * low * rate)}",
        rf"{chosen} \sim \text{{0 or 1, where 1 has the chance }} {number(round(1 - rate, 9))}",
    )  # fmt: skip
