"""What the activation functions are, as formulas of `z`."""

from __future__ import annotations

import inspect

from trivium import activations, ops
from trivium.styles.explain.formulas import Call, register_formula, register_function

__all__: list[str] = []

_EXP = r"\frac{e^{z} - e^{-z}}{e^{z} + e^{-z}}"
_RAMP = r"\min\left(1, \max\left(0, \frac{z}{6} + \frac{1}{2}\right)\right)"
# Name, what it is called, definition; of those that are elementwise.
_ELEMENTWISE = (
    ("linear", "", ""),
    ("relu", "ReLU", r"\max\left(0, z\right)"),
    ("relu6", "ReLU6", r"\min\left(6, \max\left(0, z\right)\right)"),
    ("leaky_relu", "LeakyReLU", r"\max\left(0, z\right) + 0.2 \min\left(0, z\right)"),
    ("elu", "ELU", r"\max\left(0, z\right) + \min\left(0, e^{z} - 1\right)"),
    ("celu", "CELU", r"\max\left(0, z\right) + \min\left(0, e^{z} - 1\right)"),
    ("selu", "SELU", r"1.0507 \left(\max\left(0, z\right) + 1.6733 \min\left(0, e^{z} - 1\right)\right)"),
    ("gelu", "GELU", r"z \cdot P\left(Z \leq z\right), \quad Z \sim \mathcal{N}\left(0, 1\right)"),
    ("silu", "SiLU", r"\frac{z}{1 + e^{-z}}"),
    ("mish", "mish", r"z \tanh\left(\log\left(1 + e^{z}\right)\right)"),
    ("sigmoid", "sigmoid", r"\frac{1}{1 + e^{-z}}"),
    ("log_sigmoid", "log_sigmoid", r"-\log\left(1 + e^{-z}\right)"),
    ("hard_sigmoid", "hard_sigmoid", _RAMP),
    ("hard_silu", "hard_silu", rf"z \, {_RAMP}"),
    ("tanh", r"\tanh", _EXP),
    ("hard_tanh", "hard_tanh", r"\min\left(1, \max\left(-1, z\right)\right)"),
    ("tanh_shrink", "tanh_shrink", r"z - \tanh\left(z\right)"),
    ("hard_shrink", "hard_shrink", r"z \left[\left|z\right| > \frac{1}{2}\right]"),
    ("soft_shrink", "soft_shrink", r"\max\left(0, z - \frac{1}{2}\right) + \min\left(0, z + \frac{1}{2}\right)"),
    ("softplus", "softplus", r"\log\left(1 + e^{z}\right)"),
    ("squareplus", "squareplus", r"\frac{z + \sqrt{z^{2} + 4}}{2}"),
    ("softsign", "softsign", r"\frac{z}{1 + \left|z\right|}"),
    ("sparse_plus", "sparse_plus", r"\frac{1}{4}\left(\min\left(1, \max\left(-1, z\right)\right) + 1\right)^{2}"
                                   r" + \max\left(0, z - 1\right)"),
    ("sparse_sigmoid", "sparse_sigmoid", r"\frac{1}{2}\min\left(2, \max\left(0, z + 1\right)\right)"),
    ("exponential", r"\exp", ""),
)  # fmt: skip
_OTHERS = (
    ("softmax", "softmax", r"\frac{e^{z_{i}}}{\sum_{j} e^{z_{j}}}",
     r"\left(\operatorname{diag}\left({f}\right) - {f} {f}^{\top}\right)"),
    ("log_softmax", "log_softmax", r"z_{i} - \log \sum_{j} e^{z_{j}}", ""),
    ("sparsemax", "sparsemax", r"\max\left(0, z_{i} - \tau\right), \quad \tau \text{ such that all add up to 1}", ""),
    ("glu", "GLU", r"a_{i} \frac{1}{1 + e^{-b_{i}}}, \quad z = \left(a, b\right)", ""),
)  # fmt: skip


def _unary(call: Call) -> str:
    """Write an activation function as a step of its own, its settings by name where they are not the defaults."""
    function = call.step.operation
    settings = {k: v for k, v in call.arguments.items() if k != "x"}
    changed = {k: v for k, v in settings.items() if v != _defaults(function).get(k)}
    if not changed:
        call.jacobian(call.derivative(function, call.x) if len(call.in_sizes) == 1 else "")
    return call.apply(function, call.x, **changed)


def _defaults(function: object) -> dict[str, object]:
    parameters = inspect.signature(function).parameters.values()  # type: ignore[arg-type]
    return {p.name: p.default for p in parameters}


def _register() -> None:
    for room in (activations, ops):
        for key, name, definition in _ELEMENTWISE:
            if (function := getattr(room, key, None)) is not None:
                register_function(function, name, definition)
                register_formula(function)(_unary)
        for key, name, definition, jacobian in _OTHERS:
            if (function := getattr(room, key, None)) is not None:
                register_function(function, name, definition, False, jacobian)
                register_formula(function)(_unary)


_register()
