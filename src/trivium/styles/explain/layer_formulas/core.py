"""Layers that multiply by a matrix or look up in a table, and those that hand numbers on in another form."""

from __future__ import annotations

from trivium import layers
from trivium.styles.explain.formulas import Call, register_formula
from trivium.styles.explain.layer_formulas.activations import activated
from trivium.styles.explain.notation import at, number, plus, words

__all__: list[str] = []


@register_formula(layers.Dense)
def _dense(call: Call) -> str:
    matrix = call.weight("kernel", "W", transposed=True)
    bias = call.weight("bias", "b")
    inner = plus(f"{matrix} {call.x}", bias)
    if len(call.in_sizes) > 1:
        call.note("at every position, along the last axis")
    else:
        delta = rf"\delta_{{{call.index}}}"
        slope = call.derivative(call.layer.activation, inner)
        if slope and call.apply(call.layer.activation, "z") != "z":
            call.result.backward = {"": slope, matrix: rf"{delta} {call.x}^{{\top}}", bias: delta}
        elif slope:
            call.result.backward = {"": "", matrix: rf"{delta} {call.x}^{{\top}}", bias: delta}
    return activated(call, inner, matrix)


@register_formula(layers.Embedding)
def _embedding(call: Call) -> str:
    call.note("the rows of the table that the numbers name")
    return rf"{call.weight('embeddings', 'E')}\left[{call.x}\right]"


@register_formula(layers.ReversibleEmbedding)
def _reversible_embedding(call: Call) -> str:
    node, cap = call.step.node, call.layer.logit_soft_cap
    reverse = node.args[1] if len(node.args) > 1 else node.kwargs.get("reverse")
    if not reverse:
        return _embedding(call)
    call.note("a score for each row of the table")
    own = call.layer.reverse_embeddings is not None
    table = (
        call.weight("reverse_embeddings", "R", transposed=True)
        if own
        else call.weight("embeddings", "E")
    )
    if cap is None:
        return f"{table} {call.x}"
    return rf"{number(cap)} \tanh\left(\frac{{{table} {call.x}}}{{{number(cap)}}}\right)"


@register_formula(layers.Identity, layers.ActivityRegularization)
def _identity(call: Call) -> str:
    call.jacobian("I")
    return call.x


@register_formula(layers.Flatten)
def _flatten(call: Call) -> str:
    call.jacobian("I")
    return rf"\operatorname{{vec}}\left({call.x}\right)"


@register_formula(layers.Reshape)
def _reshape(call: Call) -> str:
    call.jacobian("I")
    return rf"\operatorname{{reshape}}\left({call.x}\right)"


@register_formula(layers.Permute)
def _permute(call: Call) -> str:
    dims = call.layer.dims
    if dims == (2, 1):
        return rf"{call.x}^{{\top}}"
    return rf"\operatorname{{permute}}_{{{','.join(map(str, dims))}}}\left({call.x}\right)"


@register_formula(layers.RepeatVector)
def _repeat_vector(call: Call) -> str:
    call.note("the vector in every row")
    return rf"\mathbf{{1}}_{{{call.layer.n}}} {call.x}^{{\top}}"


@register_formula(layers.Masking)
def _masking(call: Call) -> str:
    chosen = rf"m_{{{call.index}}}"
    padding = number(call.layer.mask_value)
    call.where(
        rf"{at(chosen, 't')} = \text{{0 where all of }} {at(call.x, 't')} \text{{ is }} {padding} \text{{, else 1}}"
    )
    call.note("what follows leaves out the steps where it is 0")
    return rf"{chosen} \odot {call.x}"


@register_formula(layers.Lambda)
def _lambda(call: Call) -> str:
    name = getattr(call.layer.function, "__name__", "<lambda>")
    name = "f" if name == "<lambda>" else name.replace("_", r"\_")
    settings = [f"{words(k)} = {number(v) if isinstance(v, int | float) else words(str(v))}"
                for k, v in call.layer.arguments.items()]  # fmt: skip
    return rf"\operatorname{{{name}}}\left({', '.join([*call.inputs, *settings])}\right)"


@register_formula(layers.Rescaling)
def _rescaling(call: Call) -> str:
    scale, offset = call.layer.scale, call.layer.offset
    written = [number(v) if isinstance(v, int | float) else rf"{letter}_{{{call.index}}}"
               for v, letter in ((scale, "s"), (offset, "c"))]  # fmt: skip
    return rf"{written[0]} \cdot {call.x}" + ("" if written[1] == "0" else f" + {written[1]}")


@register_formula(layers.Normalization)
def _normalization(call: Call) -> str:
    mean = call.weight("adapt_mean", r"\mu") or rf"\mu_{{{call.index}}}"
    variance = call.weight("adapt_variance", r"\sigma#^{2}") or rf"\sigma_{{{call.index}}}^{{2}}"
    call.note("mean and variance of the data that it was adapted to, or was given")
    if call.layer.invert:
        return rf"{mean} + \sqrt{{{variance}}} \odot {call.x}"
    return rf"\frac{{{call.x} - {mean}}}{{\sqrt{{{variance}}}}}"
