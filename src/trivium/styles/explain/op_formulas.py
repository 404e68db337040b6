"""What the common ops and operators compute. An op that is not here is written by its name and arguments."""

from __future__ import annotations

import linecache
import os
from typing import Any

from trivium import ops
from trivium.models.traced import JaxCode
from trivium.styles.explain.formulas import Call, Rule, register_formula
from trivium.styles.explain.notation import words

__all__: list[str] = []

# Templates of the arguments' symbols by the ops' own names for them.
_TEMPLATES = {
    "add": "{x1} + {x2}", "subtract": "{x1} - {x2}", "divide": r"\frac{{{x1}}}{{{x2}}}",
    "true_divide": r"\frac{{{x1}}}{{{x2}}}", "matmul": "{x1} {x2}", "negative": "-{x}",
    "floor_divide": r"\left\lfloor \frac{{{x1}}}{{{x2}}} \right\rfloor", "mod": r"{x1} \operatorname{{mod}} {x2}",
    "absolute": r"\left|{x}\right|", "abs": r"\left|{x}\right|", "square": "{x}^{{2}}", "sqrt": r"\sqrt{{{x}}}",
    "rsqrt": r"\frac{{1}}{{\sqrt{{{x}}}}}", "reciprocal": r"\frac{{1}}{{{x}}}", "exp": r"\exp\left({x}\right)",
    "log": r"\log\left({x}\right)", "log1p": r"\log\left(1 + {x}\right)", "expm1": r"\exp\left({x}\right) - 1",
    "log2": r"\log_{{2}}\left({x}\right)", "log10": r"\log_{{10}}\left({x}\right)", "sin": r"\sin\left({x}\right)",
    "cos": r"\cos\left({x}\right)", "tan": r"\tan\left({x}\right)", "sinh": r"\sinh\left({x}\right)",
    "cosh": r"\cosh\left({x}\right)", "floor": r"\left\lfloor {x} \right\rfloor",
    "ceil": r"\left\lceil {x} \right\rceil", "maximum": r"\max\left({x1}, {x2}\right)",
    "minimum": r"\min\left({x1}, {x2}\right)", "less": r"\left[{x1} < {x2}\right]",
    "less_equal": r"\left[{x1} \leq {x2}\right]", "greater": r"\left[{x1} > {x2}\right]",
    "greater_equal": r"\left[{x1} \geq {x2}\right]", "equal": r"\left[{x1} = {x2}\right]",
    "not_equal": r"\left[{x1} \neq {x2}\right]", "logical_and": r"{x1} \wedge {x2}",
    "logical_or": r"{x1} \vee {x2}", "logical_not": r"\neg {x}", "outer": r"{x1} {x2}^{{\top}}",
    "clip": r"\min\left({x_max}, \max\left({x_min}, {x}\right)\right)", "copy": "{x}",
    "conj": r"\bar{{{x}}}", "hypot": r"\sqrt{{{x1}^{{2}} + {x2}^{{2}}}}",
    "logaddexp": r"\log\left(e^{{{x1}}} + e^{{{x2}}}\right)",
}  # fmt: skip
_JACOBIANS: dict[str, tuple[str, ...]] = {
    "add": ("I", "I"),
    "subtract": ("I", "-I"),
    "negative": ("-I",),
}
# What runs over axes, and how it is written.
_REDUCTIONS = {
    "sum": r"\sum", "prod": r"\prod", "mean": r"\operatorname{mean}", "max": r"\max", "amax": r"\max", "min": r"\min",
    "amin": r"\min", "std": r"\operatorname{std}", "var": r"\operatorname{Var}", "any": r"\operatorname{any}",
    "all": r"\operatorname{all}", "argmax": r"\operatorname{argmax}", "argmin": r"\operatorname{argmin}",
    "median": r"\operatorname{median}", "logsumexp": r"\log\sum\exp", "count_nonzero": r"\operatorname{count}",
}  # fmt: skip


def _template(name: str, template: str) -> Rule:
    def rule(call: Call) -> str:
        written = {k: call.argument(k) for k in call.arguments if "{" + k + "}" in template}
        signed = {
            k: rf"\left({v}\right)" if v.startswith("-") and k != "x1" else v
            for k, v in written.items()
        }
        if call.keeps_shape:
            for key, factor in zip(
                [k for k in ("x", "x1", "x2") if k in written],
                _JACOBIANS.get(name, ()),
                strict=False,
            ):
                if written[key] in call.inputs:
                    call.jacobian(factor, written[key])
        return template.format(**signed)

    return rule


def _reduction(symbol: str) -> Rule:
    def rule(call: Call) -> str:
        axis, x = call.arguments.get("axis"), call.x
        over = "" if axis is None else rf"_{{{_axes(call, axis)}}}"
        if axis is None and call.notation.has_batch(call.data[0].tensor):
            call.note("over all numbers of all samples")
        return (
            rf"{symbol}{over} {x}"
            if symbol.startswith(r"\sum")
            else rf"{symbol}{over}\left({x}\right)"
        )

    return rule


def _axes(call: Call, axis: Any) -> str:
    many = axis if isinstance(axis, list | tuple) else [axis]
    return words(("axes " if len(many) > 1 else "axis ") + ", ".join(map(str, many)))


def _multiply(call: Call) -> str:
    """Write numbers and scalars before, and a circled dot between arrays."""
    a, b = call.argument("x1"), call.argument("x2")
    plain = [_is_scalar(call.arguments[k]) for k in ("x1", "x2")]
    if plain[1] and not plain[0]:
        a, b = b, a
    if any(plain):
        numbers = [_is_number(call.arguments[k]) for k in ("x1", "x2")]
        if call.keeps_shape and any(numbers):
            call.jacobian(rf"{a} I")
        return rf"{a} \cdot {b}" if a[-1].isdigit() else f"{a} {b}"
    if call.keeps_shape and len(call.in_sizes) == 1 and len(call.data) == 2:
        call.jacobian(rf"\operatorname{{diag}}\left({b}\right)", a)
        call.jacobian(rf"\operatorname{{diag}}\left({a}\right)", b)
    return rf"{a} \odot {b}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _is_scalar(value: Any) -> bool:
    return _is_number(value) or getattr(value, "shape", None) == ()


def _power(call: Call) -> str:
    return f"{call.argument('x1')}^{{{call.argument('x2')}}}"


def _get_item(call: Call) -> str:
    key = call.arguments["key"]
    parts = [call.notation.value(call.step, k) for k in (key if isinstance(key, tuple) else (key,))]
    if call.notation.has_batch(call.data[0].tensor) and parts[0] == ":":
        parts = parts[1:]
        call.note("of each sample")
    return rf"{call.x}\left[{', '.join(parts)}\right]" if parts else call.x


def _joined(call: Call) -> str:
    if len(call.out_sizes) > 1:
        call.note(f"one after another along axis {call.arguments.get('axis', 0)}")
    return rf"\left[{' ; '.join(call.inputs)}\right]"


def _where(call: Call) -> str:
    condition, a, b = (call.argument(k) for k in call.arguments)
    return rf"{condition} \cdot {a} + \left(1 - {condition}\right) \cdot {b}"


def _same(call: Call) -> str:
    call.jacobian("I")
    return call.x


def _stopped(call: Call) -> str:
    call.jacobian("0")
    call.note("taken as a constant: no derivative flows back")
    return call.x


def _reshaped(call: Call) -> str:
    call.jacobian("I")
    flat = len(call.out_sizes) == 1 and len(call.in_sizes) > 1
    return rf"\operatorname{{{'vec' if flat else 'reshape'}}}\left({call.x}\right)"


def _transposed(call: Call) -> str:
    axes = call.arguments.get("axes")
    if axes is None or tuple(axes) == (0, 2, 1):
        return rf"{call.x}^{{\top}}"
    return rf"\operatorname{{permute}}_{{{','.join(map(str, axes))}}}\left({call.x}\right)"


def _cast(call: Call) -> str:
    call.jacobian("I")
    call.note(f"as {call.arguments['dtype']}")
    return call.x


@register_formula(JaxCode)
def _jax_code(call: Call) -> str:
    """Name a line of the user's own JAX code, and quote it."""
    path, _, line = call.layer.location.rpartition(":")
    quoted = linecache.getline(path, int(line)).strip() if line.isdigit() else ""
    call.note(f"line {line} of {os.path.basename(path)}: {quoted}" if quoted else "JAX code")
    return rf"f_{{{call.index}}}\left({', '.join(call.inputs)}\right)"


def _register() -> None:
    for name, template in _TEMPLATES.items():
        register_formula(getattr(ops, name))(_template(name, template))
    for name, symbol in _REDUCTIONS.items():
        register_formula(getattr(ops, name))(_reduction(symbol))
    for name, rule in (
        ("multiply", _multiply), ("power", _power), ("get_item", _get_item), ("concatenate", _joined),
        ("hstack", _joined), ("where", _where), ("stop_gradient", _stopped), ("reshape", _reshaped),
        ("transpose", _transposed), ("cast", _cast), ("expand_dims", _same), ("squeeze", _same),
    ):  # fmt: skip
        register_formula(getattr(ops, name))(rule)


_register()
