"""`explain`: the mathematics of a model, and the chain rule for its weights."""

from __future__ import annotations

from typing import Any

from trivium.state import Variable, suggest
from trivium.styles.explain import functions, layer_formulas, op_formulas
from trivium.styles.explain.chain_rule import Gradient
from trivium.styles.explain.check import GradientCheck, check_gradients
from trivium.styles.explain.document import Page, Section
from trivium.styles.explain.equations import equations_section, functions_section, whole_section
from trivium.styles.explain.formulas import formula_of
from trivium.styles.explain.loss_formulas import (
    loss_section,
    weighed_outputs,
)
from trivium.styles.explain.notation import Notation
from trivium.styles.explain.paths import Paths
from trivium.styles.explain.plain import to_text
from trivium.styles.explain.tape import Tape

__all__ = ["Explanation", "Gradient", "explain"]

# Importing these fills the registry of formulas.
_FORMULAS = (functions, layer_formulas, op_formulas)


class Explanation(Page):
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
        equations = equations_section(self._tape, self._notation, self._formulas)
        self.equations = [line.latex for line in equations.lines]
        self.sections = [
            whole_section(self._tape, self._notation),
            equations,
            self._weights_section(),
            functions_section(self._notation),
        ]
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
