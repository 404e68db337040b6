"""Normalization."""

from __future__ import annotations

from trivium import layers
from trivium.styles.explain.formulas import Call, register_formula
from trivium.styles.explain.notation import number, plus, words

__all__: list[str] = []


def _standardized(call: Call, mean: str, variance: str) -> str:
    scale = call.weight("gamma", r"\gamma")
    shift = call.weight("beta", r"\beta")
    epsilon = number(call.layer.epsilon)
    body = rf"\frac{{{call.x} - {mean}}}{{\sqrt{{{variance} + {epsilon}}}}}"
    return plus(rf"{scale} \odot {body}" if scale else body, shift)


@register_formula(layers.BatchNormalization)
def _batch_normalization(call: Call) -> str:
    layer = call.layer
    call.weight("gamma", r"\gamma"), call.weight("beta", r"\beta")  # First in the list of weights.
    if not (call.step.training and layer.trainable):
        mean = call.weight("moving_mean", r"\mu")
        return _standardized(call, mean, call.weight("moving_variance", r"\sigma#^{2}"))
    mean, variance = rf"\mu_{{{call.index}}}", rf"\sigma_{{{call.index}}}^{{2}}"
    axes = words("the batch" + (" and all positions" if len(call.in_sizes) > 1 else ""))
    call.where(
        rf"{mean}, {variance} = \text{{mean and variance of }} {call.x} \text{{ over }} {axes}"
    )
    if layer.renorm:
        call.note("corrected towards the moving averages (batch renormalization)")
    return _standardized(call, mean, variance)


@register_formula(layers.LayerNormalization)
def _layer_normalization(call: Call) -> str:
    call.note(f"mean and variance within each sample, along axis {call.layer.axis}")
    return _standardized(call, *_moments(call))


@register_formula(layers.GroupNormalization)
def _group_normalization(call: Call) -> str:
    groups = call.layer.groups
    parts = "each channel" if groups == -1 else f"each of {groups} groups of channels"
    call.note(f"mean and variance within each sample and {parts}")
    return _standardized(call, *_moments(call))


def _moments(call: Call) -> tuple[str, str]:
    return (
        rf"\operatorname{{E}}\left[{call.x}\right]",
        rf"\operatorname{{Var}}\left[{call.x}\right]",
    )


@register_formula(layers.RMSNormalization)
def _rms_normalization(call: Call) -> str:
    call.note(f"the mean within each sample, along axis {call.layer.axis}")
    mean = rf"\operatorname{{E}}\left[{call.x}^{{2}}\right]"
    scale = call.weight("scale", r"\gamma")
    return rf"{scale} \odot \frac{{{call.x}}}{{\sqrt{{{mean} + {number(call.layer.epsilon)}}}}}"


@register_formula(layers.UnitNormalization)
def _unit_normalization(call: Call) -> str:
    return rf"\frac{{{call.x}}}{{\left\Vert {call.x}\right\Vert_{{2}}}}"
