"""The chain rule for a weight: a product of Jacobians for each path from it to the loss."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

from trivium.state import Variable
from trivium.styles.explain.document import Line, Page, Section
from trivium.styles.explain.loss_formulas import has_own_loss, slope_of_penalty
from trivium.styles.explain.paths import Path
from trivium.styles.explain.tape import Slot

if TYPE_CHECKING:
    from trivium.styles.explain.explanation import Explanation

__all__ = ["Gradient"]

_LONG = 12  # Factors of a product that are written out.


class Gradient(Page):
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
