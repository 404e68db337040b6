"""The loss as mathematics: each output's loss, how samples are averaged, and the penalties besides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from trivium import losses, regularizers
from trivium.layers import Layer
from trivium.state import Variable
from trivium.styles.explain.document import Section
from trivium.styles.explain.formulas import register_formula
from trivium.styles.explain.notation import Notation, number, words
from trivium.styles.explain.tape import Slot, Step
from trivium.training.compiled import CompiledLoss
from trivium.training.outputs import Outputs
from trivium.training.trainer import Trainer

__all__ = [
    "chosen_losses", "has_own_loss", "loss_section", "penalties_of", "slope_of_penalty", "weighed_outputs",
]  # fmt: skip

_Y, _P = "y", r"\hat{y}"
_SLASH = r"\frac{{{}}}{{{}}}".format


class _Terms:
    """What a loss's formula is written with.

    Args:
        size: The size of the outputs' last axis, in letters.
        settings: The loss's settings by name.
    """

    def __init__(self, size: str, settings: dict[str, Any]) -> None:
        self.size, self.settings = size, settings
        self.notes: list[str] = []
        index = "" if size == "1" else "_{i}"
        self.y, self.p = _Y + index, _P + index

    def get(self, name: str, default: Any) -> Any:
        return self.settings.get(name, default)

    def mean(self, term: str) -> str:
        """Return the mean of a term over the last axis."""
        return (
            term
            if self.size == "1"
            else rf"{_SLASH(1, self.size)} \sum_{{i=1}}^{{{self.size}}} {term}"
        )

    def sum(self, term: str) -> str:
        return rf"\sum_{{i=1}}^{{{self.size}}} {term}"

    def smooth(self) -> None:
        """Say where targets are smoothed."""
        if smoothing := self.get("label_smoothing", 0.0):
            self.notes.append(f"targets smoothed by {smoothing:g}")

    def probability(self, symbol: str, squash: str) -> str:
        """Return predictions as probabilities: themselves, or what a function makes of logits."""
        if not self.get("from_logits", False):
            return symbol
        self.notes.append("predictions are logits")
        return squash


_LOSSES: dict[str, Callable[[_Terms], str]] = {}


def _rule(name: str) -> Callable[[Callable[[_Terms], str]], Callable[[_Terms], str]]:
    def add(rule: Callable[[_Terms], str]) -> Callable[[_Terms], str]:
        _LOSSES[name] = rule
        return rule

    return add


def _paren(body: str) -> str:
    return rf"\left({body}\right)"


_SIMPLE: dict[str, Callable[[_Terms], str]] = {
    "mean_squared_error": lambda t: t.mean(_paren(f"{t.y} - {t.p}") + "^{2}"),
    "mean_absolute_error": lambda t: t.mean(rf"\left|{t.y} - {t.p}\right|"),
    "mean_absolute_percentage_error": lambda t: "100 "
    + t.mean(_SLASH(rf"\left|{t.y} - {t.p}\right|", rf"\left|{t.y}\right|")),
    "mean_squared_logarithmic_error": lambda t: t.mean(
        _paren(rf"\log\left(1 + {t.y}\right) - \log\left(1 + {t.p}\right)") + "^{2}"
    ),
    "log_cosh": lambda t: t.mean(rf"\log \cosh\left({t.p} - {t.y}\right)"),
    "cosine_similarity": lambda t: "-"
    + _SLASH(rf"{_Y}^{{\top}} {_P}", rf"\left\Vert {_Y}\right\Vert \, \left\Vert {_P}\right\Vert"),
    "poisson": lambda t: t.mean(_paren(rf"{t.p} - {t.y} \log {t.p}")),
    "kl_divergence": lambda t: t.sum(rf"{t.y} \log {_SLASH(t.y, t.p)}"),
    "hinge": lambda t: t.mean(rf"\max\left(0, 1 - {t.y} {t.p}\right)"),
    "squared_hinge": lambda t: t.mean(rf"\max\left(0, 1 - {t.y} {t.p}\right)^{{2}}"),
    "categorical_hinge": lambda t: rf"\max\left(0, 1 + \max_{{i}} \left(1 - {t.y}\right) {t.p}"
    rf" - \sum_{{i}} {t.y} {t.p}\right)",
    "dice": lambda t: "1 - " + _SLASH(rf"2 \sum_{{i}} {t.y} {t.p}", rf"\sum_{{i}} {t.y} + \sum_{{i}} {t.p}"),
    "categorical_generalized_cross_entropy": lambda t: _SLASH(
        rf"1 - \left({_P}_{{{_Y}}}\right)^{{{number(t.get('q', 0.5))}}}", number(t.get("q", 0.5))
    ),
}  # fmt: skip
_LOSSES.update(_SIMPLE)


@_rule("huber")
def _huber(t: _Terms) -> str:
    delta = number(t.get("delta", 1.0))
    index = t.y.removeprefix(_Y)
    rest = rf"\left(e{index} - a{index}\right)"
    body = rf"\frac{{1}}{{2}} a{index}^{{2}} + " + (rest if delta == "1" else rf"{delta} {rest}")
    error = rf"e{index} = \left|{t.y} - {t.p}\right|"
    return (
        t.mean(body if t.size == "1" else _paren(body))
        + rf", \quad {error}, \quad a{index} = \min\left(e{index}, {delta}\right)"
    )


@_rule("sparse_categorical_crossentropy")
def _sparse(t: _Terms) -> str:
    t.notes.append("y is the number of the right class")
    if t.get("ignore_class", None) is not None:
        t.notes.append(f"samples of class {t.settings['ignore_class']} do not count")
    if t.get("from_logits", False):
        t.notes.append("predictions are logits")
        return rf"-{_P}_{{{_Y}}} + \log \sum_{{j}} e^{{{_P}_{{j}}}}"
    return rf"-\log {_P}_{{{_Y}}}"


@_rule("categorical_crossentropy")
def _categorical(t: _Terms) -> str:
    t.smooth()
    p = t.probability(t.p, rf"\operatorname{{softmax}}\left({_P}\right)_{{i}}")
    return "-" + t.sum(rf"{t.y} \log {p}")


@_rule("categorical_focal_crossentropy")
def _categorical_focal(t: _Terms) -> str:
    t.smooth()
    p = t.probability(t.p, rf"\operatorname{{softmax}}\left({_P}\right)_{{i}}")
    gamma = number(t.get("gamma", 2.0))
    alpha = t.get("alpha", 0.25)
    scale = number(alpha) if isinstance(alpha, int | float) else r"\alpha_{i}"
    return "-" + t.sum(rf"{scale} \left(1 - {p}\right)^{{{gamma}}} {t.y} \log {p}")


@_rule("binary_crossentropy")
def _binary(t: _Terms) -> str:
    t.smooth()
    p = t.probability(t.p, rf"\operatorname{{sigmoid}}\left({t.p}\right)")
    body = rf"{t.y} \log {p} + \left(1 - {t.y}\right) \log\left(1 - {p}\right)"
    return "-" + t.mean(_paren(body))


@_rule("binary_focal_crossentropy")
def _binary_focal(t: _Terms) -> str:
    t.smooth()
    p = t.probability(t.p, rf"\operatorname{{sigmoid}}\left({t.p}\right)")
    gamma = number(t.get("gamma", 2.0))
    if t.get("apply_class_balancing", False):
        t.notes.append(f"targets 1 weigh {t.get('alpha', 0.25):g}, targets 0 the rest to 1")
    body = (
        rf"{t.y} \left(1 - {p}\right)^{{{gamma}}} \log {p}"
        rf" + \left(1 - {t.y}\right) {p}^{{{gamma}}} \log\left(1 - {p}\right)"
    )
    return "-" + t.mean(_paren(body))


@_rule("tversky")
def _tversky(t: _Terms) -> str:
    a, b = number(t.get("alpha", 0.5)), number(t.get("beta", 0.5))
    both = rf"\sum_{{i}} {t.y} {t.p}"
    wrong = rf"{a} \sum_{{i}} \left(1 - {t.y}\right) {t.p} + {b} \sum_{{i}} {t.y} \left(1 - {t.p}\right)"
    return "1 - " + _SLASH(both, f"{both} + {wrong}")


@_rule("ctc")
def _ctc(t: _Terms) -> str:
    t.notes.append("over all alignments a of the labels in time, blanks between them")
    return r"-\log \sum_{a} \prod_{t} P\left(a_{t}\right)"


@register_formula(losses.Loss)
def _loss_as_step(call: Any) -> str:
    """Write a loss that a model computes inside."""
    fn = getattr(call.layer, "fn", None)
    name = getattr(fn, "__name__", None) or call.step.node.name
    call.note("averaged over the samples")
    return _named(name, ", ".join(call.inputs))


def _named(name: str, arguments: str) -> str:
    escaped = name.replace("_", r"\_")
    return rf"\operatorname{{{escaped}}}\left({arguments}\right)"


# -- the whole -----------------------------------------------------------------------------------------------------


def chosen_losses(model: Any) -> list[tuple[Any, Any]]:
    """Return each output's loss and its weight; nothing where the model was compiled without a loss, or not at all.

    Args:
        model: The model.
    """
    loss = model._trainer.loss if model.compiled else None
    if loss is None:
        return []
    if not loss.built:
        specs = jax.tree_util.tree_map(lambda t: t.spec, model.graph().outputs)
        outputs = Outputs(specs, model.output_names)
        chosen = loss.chosen(outputs)
        loss = CompiledLoss(loss.loss, loss.loss_weights)
        loss.build(outputs, outputs.flat)
        # Which crossentropy these words mean is known from the targets only.
        by_shape = [isinstance(c, str) and c.lower() in ("crossentropy", "ce") for c in chosen]
        functions = [
            _crossentropy if b else f for b, f in zip(by_shape, loss.functions, strict=True)
        ]
        return list(zip(functions, loss.weights, strict=True))
    return list(zip(loss.functions, loss.weights, strict=True))


def _crossentropy() -> None:
    """Stands for the crossentropy that goes with targets yet to be seen."""


_crossentropy.__name__ = "crossentropy"


def has_own_loss(model: Any) -> bool:
    """Say whether a model computes its loss in a way of its own."""
    return type(model).compute_loss is not Trainer.compute_loss


def weighed_outputs(model: Any, outputs: list[Slot]) -> list[Slot]:
    """Return the outputs that the loss is computed from: all where nobody has said what the loss is.

    Args:
        model: The model.
        outputs: Its outputs, flat.
    """
    if not model.compiled or has_own_loss(model):
        return outputs
    chosen = chosen_losses(model)
    return [s for s, (f, _) in zip(outputs, chosen, strict=True) if f is not None] if chosen else []


def penalties_of(variables: list[Variable]) -> list[Variable]:
    """Return the variables that have regularizers."""
    return [v for v in variables if v.regularizer is not None]


def loss_section(notation: Notation) -> Section | None:
    """Write the loss that the model was compiled with; `None` where it was not.

    Args:
        notation: The symbols of the model.
    """
    model, tape = notation.tape.model, notation.tape
    if not model.compiled:
        return None
    section = Section("Loss")
    terms: list[str] = []
    if has_own_loss(model):
        section.add(r"\mathcal{L}", r"= \operatorname{compute\_loss}\left(x, y, \hat{y}\right)",
                    note="the model's own method")  # fmt: skip
        return section
    definitions: list[tuple[str, str, str]] = []
    chosen = chosen_losses(model)
    several = sum(function is not None for function, _ in chosen) > 1
    for i, (function, scale) in enumerate(chosen):
        if function is not None:
            symbol = rf"\ell_{{{i + 1}}}" if several else r"\ell"
            terms.append(_mean_over_samples(notation, i, function, scale, symbol))
            formula, note = _definition(notation, i, function)
            if tape.outputs[i].tensor.mask is not None:
                note = "; ".join([*([note] if note else []), "only steps that the mask lets count"])
            definitions.append((symbol, formula, note))
    penalized = penalties_of(tape.weights)
    if penalized:
        terms.append("R")
    adding = [step for step in tape.steps if step.penalties]
    terms += [rf"\Omega_{{{step.number}}}" for step in adding]
    terms += [notation.slot(slot) for slot in tape.losses]
    section.add(
        r"\mathcal{L}",
        "= " + (" + ".join(terms) or "0"),
        note="N samples in a batch" if chosen else "",
    )
    for symbol, formula, note in definitions:
        section.add(rf"{symbol}\left({_Y}, {_P}\right)", f"= {formula}", note=note)
    if penalized:
        section.add(
            "R", "= " + " + ".join(_penalty(notation, v) for v in penalized), note="regularization"
        )
    for step in adding:
        section.add(
            rf"\Omega_{{{step.number}}}",
            f"= {_activity(notation, step)}",
            note=f"added by {step.path}",
        )
    if type(model).train_step is not Trainer.train_step:
        section.words.append("The model has a `train_step` of its own, which may use another loss.")
    return section


def _mean_over_samples(
    notation: Notation, place: int, function: Any, scale: Any, symbol: str
) -> str:
    slot = notation.tape.outputs[place]
    y, p = notation.target(place), notation.slot(slot)
    positions = notation.sizes(slot.tensor)[:-1]
    where, count = "(n)", ["N", *positions]
    over = "n=1"
    end = "N"
    if positions:
        where, over, end = "(n,j)", "n,j", ""
    factor = "" if scale is None or scale == 1 else rf"{number(scale)} \cdot "
    total = rf"\sum_{{{over}}}" + (f"^{{{end}}}" if end else "")
    term = rf"{symbol}\left({y}^{{{where}}}, {p}^{{{where}}}\right)"
    reduction = getattr(function, "reduction", "sum_over_batch_size")
    share = (
        "" if reduction in ("sum", "none", None) else rf"\frac{{1}}{{{' '.join(_spaced(count))}}} "
    )
    return f"{factor}{share}{total} {term}"


def _spaced(parts: list[str]) -> list[str]:
    return [part if i == 0 else rf"\cdot {part}" for i, part in enumerate(parts)]


def _definition(notation: Notation, place: int, function: Any) -> tuple[str, str]:
    tensor = notation.tape.outputs[place].tensor
    sizes = notation.sizes(tensor)
    plain = getattr(function, "fn", None)
    settings = getattr(function, "_fn_kwargs", {})
    name = getattr(plain or function, "__name__", type(function).__name__)
    known = plain in losses.registry.LOSSES.functions.values() if plain is not None else False
    terms = _Terms(sizes[-1] if sizes else "1", settings)
    if known and name in _LOSSES:
        return _LOSSES[name](terms), "; ".join(terms.notes)
    return _named(name, f"{_Y}, {_P}"), ""


def _norms(regularizer: Any, symbol: str) -> str:
    """Return a penalty on something, in LaTeX."""
    if isinstance(regularizer, regularizers.L1L2):
        parts = []
        if regularizer.l1:
            parts.append(rf"{number(regularizer.l1)} \left\Vert {symbol}\right\Vert_{{1}}")
        if regularizer.l2:
            parts.append(rf"{number(regularizer.l2)} \left\Vert {symbol}\right\Vert_{{2}}^{{2}}")
        return " + ".join(parts) or "0"
    return _named(getattr(regularizer, "__name__", type(regularizer).__name__), symbol)


def _penalty(notation: Notation, variable: Variable) -> str:
    symbol = notation.weights.get(id(variable))
    return _norms(variable.regularizer, symbol.symbol if symbol else words(variable.name))


def slope_of_penalty(notation: Notation, variable: Variable) -> str:
    """Return the derivative of the regularization with respect to a weight; nothing where it is no sum of norms."""
    regularizer = variable.regularizer
    symbol = notation.weights[id(variable)].symbol
    if not isinstance(regularizer, regularizers.L1L2):
        return ""
    parts = []
    if regularizer.l1:
        parts.append(rf"{number(regularizer.l1)} \operatorname{{sign}}\left({symbol}\right)")
    if regularizer.l2:
        parts.append(rf"{number(2 * regularizer.l2)} \, {symbol}")
    return " + ".join(parts)


def _activity(notation: Notation, step: Step) -> str:
    regularizer = getattr(step.operation, "activity_regularizer", None)
    if isinstance(step.operation, Layer) and regularizer is not None and step.penalties == 1:
        symbol = notation.slot(step.outputs[0])
        return rf"\frac{{1}}{{N}} \sum_{{n=1}}^{{N}} {_norms(regularizer, f'{symbol}^{{(n)}}')}"
    return r"\text{what the layer adds by } \operatorname{add\_loss}"
