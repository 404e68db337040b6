"""`explain`: the mathematics of a model, and the chain rule for its weights."""

from __future__ import annotations

import itertools
import math
from typing import Any

from trivium.layers import Layer
from trivium.state import Variable, suggest
from trivium.styles.explain import functions, layer_formulas, op_formulas
from trivium.styles.explain.check import GradientCheck, check_gradients
from trivium.styles.explain.document import Line, Section, to_html, to_latex, to_markdown, to_plain
from trivium.styles.explain.formulas import Formula, formula_of
from trivium.styles.explain.loss_formulas import (
    has_own_loss,
    loss_section,
    slope_of_penalty,
    weighed_outputs,
)
from trivium.styles.explain.notation import Notation
from trivium.styles.explain.paths import Path, Paths
from trivium.styles.explain.plain import to_text
from trivium.styles.explain.tape import Slot, Step, Tape

__all__ = ["Explanation", "Gradient", "explain"]

# Importing these fills the registry of formulas.
_FORMULAS = (functions, layer_formulas, op_formulas)
_LONG = 12  # Factors of a product, or layers of a composition, that are written out.


class _Page:
    """Something that is shown as a page of mathematics."""

    sections: list[Section]

    @property
    def text(self) -> str:
        """The page as plain text, in Unicode."""
        return to_plain(self.sections)

    @property
    def latex(self) -> str:
        """The page as one aligned block of LaTeX, without dollar signs."""
        return to_latex(self.sections)

    def __str__(self) -> str:
        return self.text

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex}\n$$"

    def _repr_markdown_(self) -> str:
        return to_markdown(self.sections)

    def _repr_html_(self) -> str:
        return to_html(self.sections)


class Explanation(_Page):
    """The mathematics of a model.

    Args:
        model: The model, built, in any style.
        weight: The weight whose chain rule is shown; the first one where it is `None`.
        expand_nested: Whether models inside are taken apart.
        training: Whether to explain what the model does in training.
        max_paths: How many paths of a chain rule are written out.

    Attributes:
        sections: The page's sections.
    """

    def __init__(
        self,
        model: Any,
        weight: str | None = None,
        expand_nested: bool = False,
        training: bool = False,
        max_paths: int = 8,
    ) -> None:
        self.max_paths = max_paths
        self._tape = Tape(model, training, expand_nested)
        self._notation = Notation(self._tape)
        self._formulas = {id(s): formula_of(s, self._notation) for s in self._tape.steps}
        self._name_other_weights()
        self._paths = Paths(
            self._tape, [*weighed_outputs(model, self._tape.outputs), *self._tape.losses]
        )
        equations = _equations(self._tape, self._notation, self._formulas)
        self.equations = [line.latex for line in equations.lines]
        self.sections = [_whole(self._tape, self._notation), equations, self._weights_section()]
        self.sections += _functions(self._notation)
        loss = loss_section(self._notation)
        self.sections += [loss] if loss is not None else []
        trained = self._tape.weights
        if trained:
            first = trained[0] if weight is None else self._find(weight)
            self.sections += Gradient(self, first).sections
        elif weight is not None:
            self._find(weight)
        self.sections = [s for s in self.sections if s.lines or s.words]

    @property
    def symbols(self) -> dict[str, str]:
        r"""The weights' names by their symbols.

        Example:
            >>> import trivium as tv
            >>> explain(tv.Sequential([tv.Input((4,)), tv.layers.Dense(3, name="out")])).symbols
            {'W₁': 'out/kernel', 'b₁': 'out/bias'}
        """
        names = self._tape.names
        return {to_text(w.symbol): names[id(w.variable)] for w in self._notation.weights.values()}

    def gradient(self, weight: str) -> Gradient:
        """Return the chain rule for a weight.

        Args:
            weight: Its name as in the explanation, e.g. `"dense_1/kernel"`; or its symbol, e.g. `"W₂"`.

        Raises:
            ValueError: There is no such weight; the message has the nearest name.

        Example:
            >>> import trivium as tv
            >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(3, name="a"), tv.layers.Dense(2, name="b")])
            >>> print(explain(model).gradient("a/bias").text.splitlines()[1])
              ∂ℒ/∂b₁ = ∂ℒ/∂ŷ · ∂ŷ/∂h₁ · ∂h₁/∂b₁   a → b → loss
        """
        return Gradient(self, self._find(weight))

    def check(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        training: bool | None = None,
        max_visits: int = 1000,
        tolerance: float | None = None,
    ) -> GradientCheck:
        """Compute each weight's gradient by walking its paths, and compare it with automatic differentiation.

        Each step is differentiated alone (`jax.vjp`), and the chain rule is applied by walking back from the loss:
        along each path for itself where they are few, else with the paths' sums added up at each step.

        Without `y`, or where the model is not compiled, the sum of the outputs takes the place of the loss.

        In training mode both sides start from the same states of the random generators, so that they draw the same
        numbers. Averages that a step moves for a later one count as constants.

        Args:
            x: Inputs, as for `fit`.
            y: Targets.
            sample_weight: The samples' weights.
            training: The mode; that of the explanation where it is `None`.
            max_visits: How many steps back walking all paths may take; beyond it sums are added up.
            tolerance: The relative difference that passes; 100 times the float type's precision where it is `None`.

        Returns:
            A report with `.rows`, `.max_difference` and `.ok`; printing it shows a table.

        Raises:
            ValueError: The data is not what the model can take.

        Example:
            >>> import numpy as np, trivium as tv
            >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(3, activation="tanh"), tv.layers.Dense(1)])
            >>> model.compile(loss="mse")
            >>> explain(model).check(np.ones((5, 4)), np.ones((5, 1))).ok
            True
        """
        tape = self._tape
        if training is not None and bool(training) != tape.training:
            tape = Tape(tape.model, bool(training), tape.expand_nested)
        symbols = {key: to_text(w.symbol) for key, w in self._notation.weights.items()}
        return check_gradients(tape, x, y, sample_weight, max_visits, tolerance, symbols)

    # -- inside -------------------------------------------------------------------------------------------------

    def _name_other_weights(self) -> None:
        """Give symbols to the trained weights that no formula names, e.g. those of models inside."""
        for step in self._tape.steps:
            index = self._notation.index(step)
            for i, variable in enumerate(step.weights, 1):
                self._notation.weight(variable, rf"\theta_{{{index}}}^{{({i})}}")

    def _weights_section(self) -> Section:
        section = Section("Weights")
        names, trained = self._tape.names, {id(v) for v in self._tape.weights}
        for weight in self._notation.weights.values():
            notes = [
                f"{weight.variable.size:,} numbers" if weight.variable.size != 1 else "1 number"
            ]
            if weight.transposed:
                notes.append("kept transposed, " + " × ".join(map(str, weight.variable.shape)))
            if id(weight.variable) not in trained:
                notes.append("not trained")
            section.add(
                weight.symbol,
                "",
                self._notation.weight_space(weight),
                names[id(weight.variable)],
                "; ".join(notes),
            )
        for symbol, _, space in self._notation.constants.values():
            section.add(symbol, "", space, "a constant")
        return section

    def _find(self, weight: str) -> Variable:
        """Return the weight of a name or symbol."""
        trained = self._tape.weights
        names = {self._tape.names[id(v)]: v for v in trained}
        names |= {v.path: v for v in trained}
        by_symbol = {
            to_text(w.symbol): w.variable for w in self._notation.weights.values()
            if any(w.variable is v for v in trained)
        }  # fmt: skip
        found = names.get(weight, by_symbol.get(weight))
        if found is None:
            ends = [v for name, v in names.items() if name.endswith(f"/{weight}")]
            found = ends[0] if len({id(v) for v in ends}) == 1 else None
        if found is None:
            known = [self._tape.names[id(v)] for v in trained]
            raise ValueError(
                f"Model {self._tape.model.name!r} has no trained weight {weight!r}. {suggest(str(weight), known)}"
            )
        return found


class Gradient(_Page):
    """The chain rule for one weight: a sum over every path from it to the loss, each a product of Jacobians.

    Args:
        explanation: The explanation of the model.
        weight: The weight.

    Attributes:
        sections: The page's sections.
        paths: The number of paths.
    """

    def __init__(self, explanation: Explanation, weight: Variable) -> None:
        self._tape, self._notation = explanation._tape, explanation._notation
        self._formulas, self._paths = explanation._formulas, explanation._paths
        self._weight = weight
        self._regularized = weight.regularizer is not None and not has_own_loss(self._tape.model)
        self._symbol = self._notation.weights[id(weight)].symbol
        self.paths = self._paths.count(weight)
        shown = self._paths.of(weight, explanation.max_paths)
        rule = Section(f"Chain rule for {self._tape.names[id(weight)]}")
        self._products(rule, shown)
        if shown:
            rule.words += _on_the_rule(self._tape.model)
        factors = Section("What is in it, for one sample")
        self._factors(factors, shown)
        self.sections = [section for section in (rule, factors) if section.lines]

    def _products(self, section: Section, shown: list[Path]) -> None:
        left = _ratio(r"\mathcal{L}", self._symbol)
        sign = "= "
        for path, label in zip(shown, _labels(shown), strict=True):
            product = _product(self._chain(path))
            section.add(left, sign + product, label=label)
            left, sign = "", "+ "
        if self.paths > len(shown):
            more = self.paths - len(shown)
            said = f"{_count(more)} more path" + ("" if more == 1 else "s")
            section.add(left, r"+ \ldots", label=said)
        if self._regularized:
            section.add(left, sign + _ratio("R", self._symbol), label="regularization")
        elif not shown:
            section.add(left, "= 0", label="no path leads from it to the loss")

    def _chain(self, path: Path) -> list[tuple[str, str]]:
        """Return the factors of a path as pairs of symbols, the loss first."""
        symbols = [self._notation.slot(s) for s in path.slots]
        if path.penalty is not None:
            symbols.append(rf"\Omega_{{{path.penalty.number}}}")
        if not (path.start.is_read and path.slots):
            symbols.insert(0, self._symbol)
        return list(itertools.pairwise([r"\mathcal{L}", *reversed(symbols)]))

    def _factors(self, section: Section, shown: list[Path]) -> None:
        """Say what is known of the factors: their values where a formula gives them, and their shapes."""
        known: dict[tuple[str, str], Line] = {}
        for path in shown:
            for before, slot in reversed(list(itertools.pairwise(path.slots))):
                pair = self._notation.slot(slot), self._notation.slot(before)
                known.setdefault(pair, self._factor(pair, slot, before))
        if self._regularized:
            slope = slope_of_penalty(self._notation, self._weight)
            section.lines += [Line(_ratio("R", self._symbol), f"= {slope}")] if slope else []
        section.lines += [line for line in known.values() if line.right][:_LONG]
        readers = self._paths.readers(self._weight)
        backward = self._formulas[id(readers[0])].backward if len(readers) == 1 else {}
        if shown and self._symbol in backward:
            delta = rf"\delta_{{{self._notation.index(readers[0])}}}^{{\top}}"
            out = _ratio(r"\ell", self._notation.slot(readers[0].outputs[0]))
            factor = rf" \cdot {backward['']}" if backward[""] else ""
            section.add(_ratio(r"\ell", self._symbol), f"= {backward[self._symbol]}")
            section.add(delta, f"= {out}{factor}")

    def _factor(self, pair: tuple[str, str], slot: Slot, before: Slot) -> Line:
        assert slot.step is not None
        value = self._formulas[id(slot.step)].jacobians.get(pair[1], "")
        sizes = [self._notation.sample(s.tensor) for s in (slot, before)]
        space = ""
        if value and all(isinstance(n, int) for dims in sizes for n in dims):
            space = r"\mathbb{R}^{" + r"\times ".join(str(math.prod(dims)) for dims in sizes) + "}"
        return Line(_ratio(*pair), f"= {value}" if value else "", space)


def explain(
    model: Any,
    weight: str | None = None,
    *,
    expand_nested: bool = False,
    training: bool = False,
    max_paths: int = 8,
) -> Explanation:
    """Explain a model as mathematics: its equations, its loss, and the chain rule for a weight.

    Args:
        model: The model, built, in any style.
        weight: The weight whose chain rule to show, e.g. `"dense_1/kernel"`; the first one where it is `None`.
        expand_nested: Whether models inside are taken apart; else each is one function.
        training: Whether to explain what the model does in training, dropout and all.
        max_paths: How many paths of the chain rule to write out; the others are counted.

    Returns:
        An explanation: it prints as text, has `.latex`, shows itself in notebooks, gives any weight's chain rule by
        `.gradient(name)`, and is verified on data by `.check(x, y)`.

    Raises:
        TypeError: `model` is no model.
        ValueError: The model is not built, or has no such weight.
        CaptureError: The model's code does what no graph can hold; the message has its file and line.

    Example:
        >>> import trivium as tv
        >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(3, activation="relu"), tv.layers.Dense(1)])
        >>> explain(model).equations
        ['x \\\\in \\\\mathbb{R}^{4}', ...]
    """
    return Explanation(model, weight, expand_nested, training, max_paths)


# -- the parts of the page -----------------------------------------------------------------------------------------


def _whole(tape: Tape, notation: Notation) -> Section:
    """Write the model as one function: a composition of its layers where it is a chain."""
    section = Section(f'Model "{tape.model.name}"' + (" in training" if tape.training else ""))
    inputs = ", ".join(notation.slot(s) for s in tape.inputs)
    outputs = ", ".join(dict.fromkeys(notation.slot(s) for s in tape.outputs))
    if _is_chain(tape):
        names = [notation.operator(s) for s in reversed(tape.steps)]
        if len(names) > _LONG:
            names = [*names[:3], r"\cdots", *names[-3:]]
        composed = r" \circ ".join(names)
        section.add(outputs, rf"= \left({composed}\right)\left({inputs}\right)" if len(names) > 1 else
                    rf"= {composed}\left({inputs}\right)")  # fmt: skip
    else:
        left = outputs if "," not in outputs else rf"\left({outputs}\right)"
        section.add(left, rf"= f\left({inputs}\right)")
    return section


def _is_chain(tape: Tape) -> bool:
    before = tape.inputs
    for step in tape.steps:
        if len(step.outputs) != 1 or step.inputs != before or len(before) != 1:
            return False
        before = step.outputs
    return tape.outputs == before and bool(tape.steps) and not tape.losses


def _equations(tape: Tape, notation: Notation, formulas: dict[int, Formula]) -> Section:
    section = Section("Equations, for one sample")
    chain = _is_chain(tape)
    for slot in tape.inputs:
        name = notation.input_name(slot)
        section.add(
            notation.slot(slot),
            "",
            notation.space(slot.tensor),
            "input" + (f" {name}" if name else ""),
        )
    calls: dict[int, int] = {}
    for step in tape.steps:
        if step.is_read:
            continue
        calls[id(step.operation)] = count = calls.get(id(step.operation), 0) + 1
        formula = formulas[id(step)]
        left = ", ".join(notation.slot(s) for s in step.outputs)
        space = r" \times ".join(dict.fromkeys(notation.space(s.tensor) for s in step.outputs))
        symbol = notation.operator(step) if chain else ""
        section.add(
            left,
            f"= {formula.expression}",
            space,
            _label(step, count),
            "; ".join(formula.notes),
            symbol=symbol,
        )
        for equation in formula.where:
            section.add("", rf"\quad {equation}")
    return section


def _label(step: Step, count: int) -> str:
    if not isinstance(step.operation, Layer):
        return ""
    if count > 1:
        return f"{step.path}, call {count}"
    return f"{step.path} ({step.kind})"


def _functions(notation: Notation) -> list[Section]:
    section = Section("Functions")
    for name, definition in notation.functions.items():
        written = name if name.startswith("\\") else rf"\operatorname{{{name}}}".replace("_", r"\_")
        index = "_{i}" if "z_{i}" in definition or "_{i}" in definition else ""
        section.add(rf"{written}\left(z\right){index}", f"= {definition}")
    return [section]


# -- writing a product ---------------------------------------------------------------------------------------------


def _ratio(top: str, bottom: str) -> str:
    return rf"\frac{{\partial {top}}}{{\partial {bottom}}}"


def _product(chain: list[tuple[str, str]]) -> str:
    factors = [_ratio(*pair) for pair in chain]
    if len(factors) > _LONG:
        factors = [*factors[:4], r"\cdots", *factors[-4:]]
    return r" \cdot ".join(factors).replace(r"\cdot \cdots \cdot", r"\cdots")


def _on_the_rule(model: Any) -> list[str]:
    sentences = ["Here h and ŷ stand for the values of all samples of a batch at once."]
    if not model.compiled:
        sentences.append(
            "ℒ is any loss that is computed from ŷ; `compile` the model with one to see it."
        )
    elif has_own_loss(model):
        sentences.append(
            "What the model's `compute_loss` makes of the weights themselves comes on top."
        )
    return sentences


def _labels(paths: list[Path]) -> list[str]:
    """Name the steps of each path; of long ones the ends, and the steps that not all paths go through."""
    shared = (
        set.intersection(*({id(step) for step in path.steps} for path in paths)) if paths else set()
    )
    labels = []
    for path in paths:
        names = [step.name for step in path.steps]
        if len(" → ".join(names)) > 48:
            kept = [
                step.name if i in (0, len(names) - 1) or id(step) not in shared else "…"
                for i, step in enumerate(path.steps)
            ]
            names = [name for name, _ in itertools.groupby(kept)]
        if len(names) > 9:
            names = [*names[:4], "…", *names[-4:]]
        labels.append(" → ".join([*names, "loss"]))
    return labels


def _count(number: int) -> str:
    return f"{number:,}" if number < 10**9 else f"{number:.3g}"
