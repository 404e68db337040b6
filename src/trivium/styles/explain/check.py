"""The chain rule at work: gradients by walking back through single steps, compared with automatic differentiation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.state import suggest
from trivium.styles.explain.document import printed
from trivium.styles.explain.loss_formulas import weighed_outputs
from trivium.styles.explain.objective import Objective
from trivium.styles.explain.paths import Paths
from trivium.styles.explain.tape import Result, Slot, Step, Tape

__all__ = ["CheckRow", "GradientCheck", "check_gradients"]


@dataclasses.dataclass(frozen=True)
class CheckRow:
    """One weight's gradient, computed in two ways.

    Args:
        weight: The weight's name.
        symbol: Its symbol in the explanation.
        shape: Its shape.
        paths: How many paths lead from it to the loss.
        largest: The gradient's largest number, without its sign.
        difference: The largest difference between the two ways.
        relative: That difference as a share of `largest`.
        ok: Whether the two agree.
    """

    weight: str
    symbol: str
    shape: tuple[int, ...]
    paths: int
    largest: float
    difference: float
    relative: float
    ok: bool


class GradientCheck:
    """What came of comparing gradients by the chain rule with those of automatic differentiation.

    Args:
        rows: The weights.
        target: What was differentiated, in words.
        walked: Whether each path was walked for itself; else the paths' sums were added up at each step.
        steps: How many times the walk went back through a step.
        tolerance: The relative difference that passes.
    """

    def __init__(
        self, rows: list[CheckRow], target: str, walked: bool, steps: int, tolerance: float
    ) -> None:
        self.rows = rows
        self.target = target
        self.walked = walked
        self.steps = steps
        self.tolerance = tolerance

    @property
    def max_difference(self) -> float:
        """The largest difference of all weights; not a number where one gradient is none and the other is."""
        return float(np.max([row.difference for row in self.rows], initial=0.0))

    @property
    def ok(self) -> bool:
        """Whether all gradients agree."""
        return all(row.ok for row in self.rows)

    @property
    def method(self) -> str:
        """How the chain rule was applied, in words."""
        if self.walked:
            return f"each path walked for itself, {self.steps:,} steps back in all"
        return f"the paths' sums added up at each step, {self.steps:,} steps back in all"

    def __getitem__(self, weight: str) -> CheckRow:
        """Return a weight's row by its name."""
        for row in self.rows:
            if row.weight == weight:
                return row
        raise KeyError(
            f"There is no weight {weight!r}. {suggest(weight, [r.weight for r in self.rows])}"
        )

    def __rich__(self) -> Any:
        from rich.console import Group
        from rich.table import Table

        table = Table(header_style="bold", title_justify="left")
        for name, side in (
            ("Weight", "left"), ("Shape", "left"), ("Paths", "right"), ("Largest gradient", "right"),
            ("Largest difference", "right"), ("Relative", "right"), ("Agree", "center"),
        ):  # fmt: skip
            table.add_column(name, justify=side, overflow="fold")  # type: ignore[arg-type]
        for row in self.rows:
            table.add_row(*_cells(row))
        return Group(self._headline(), table)

    def _headline(self) -> str:
        verdict = "agree" if self.ok else "DO NOT AGREE"
        return (
            f"Gradients of {self.target} by the chain rule ({self.method}) and by automatic differentiation {verdict}: "
            f"the largest difference is {self.max_difference:.2g}."
        )

    def __str__(self) -> str:
        return printed(self)

    def __repr__(self) -> str:
        return f"<GradientCheck {len(self.rows)} weights, ok={self.ok}, max_difference={self.max_difference:.3g}>"

    def _repr_html_(self) -> str:
        names = (
            "Weight",
            "Shape",
            "Paths",
            "Largest gradient",
            "Largest difference",
            "Relative",
            "Agree",
        )
        head = "".join(f"<th>{name}</th>" for name in names)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in _cells(row)) + "</tr>"
            for row in self.rows
        )
        return f"<p>{escape(self._headline())}</p><table><tr>{head}</tr>{body}</table>"


def _cells(row: CheckRow) -> list[str]:
    return [
        f"{row.symbol}  {row.weight}".strip(), " × ".join(map(str, row.shape)) or "1",
        f"{row.paths:,}" if row.paths < 10**9 else f"{row.paths:.3g}", f"{row.largest:.3g}",
        f"{row.difference:.2g}", f"{row.relative:.2g}", "yes" if row.ok else "NO",
    ]  # fmt: skip


def check_gradients(
    tape: Tape,
    x: Any,
    y: Any,
    sample_weight: Any,
    max_visits: int,
    tolerance: float | None,
    symbols: Mapping[int, str],
) -> GradientCheck:
    """Compare the chain rule, applied step by step, with automatic differentiation of the whole.

    Args:
        tape: The model's steps.
        x: The inputs, as for `fit`.
        y: The targets.
        sample_weight: The samples' weights.
        max_visits: How many steps back walking all paths may take.
        tolerance: The relative difference that passes; by the float type where it is `None`.
        symbols: The weights' symbols, by their ids.
    """
    objective = Objective(tape, x, y, sample_weight, "check")
    values = objective.values()
    walk = _Walk(tape, objective, values)
    paths = Paths(tape, walk.ends, penalties=objective.uses_loss)
    walked = paths.visits <= max_visits
    mine = walk.by_path() if walked else walk.by_sums()
    theirs = _automatic(objective, values, tape)
    tolerance = _tolerance(tape) if tolerance is None else tolerance
    rows = _rows(tape, paths, mine, theirs, tolerance, symbols)
    return GradientCheck(rows, objective.words, walked, walk.steps, tolerance)


def _automatic(objective: Objective, values: Mapping[int, Any], tape: Tape) -> dict[int, Any]:
    def whole(trained: dict[int, Any]) -> Any:
        return objective.whole({**values, **trained})

    return jax.grad(whole)({id(v): values[id(v)] for v in tape.weights})


def _tolerance(tape: Tape) -> float:
    """Return 100 times the precision of the coarsest float type that a step computes in."""
    dtypes = {s.tensor.dtype for step in tape.steps for s in step.outputs if s.differentiable}
    return 100 * max((float(jnp.finfo(d).eps) for d in dtypes), default=1e-7)


def _rows(
    tape: Tape,
    paths: Paths,
    mine: Mapping[int, Any],
    theirs: Mapping[int, Any],
    tolerance: float,
    symbols: Mapping[int, str],
) -> list[CheckRow]:
    # Where terms cancel, what is left is rounding of the terms, whose size the largest of all gradients tells.
    overall = max((_finite(g) for g in theirs.values()), default=0.0)
    rows = []
    for variable in tape.weights:
        key = id(variable)
        a, b = np.asarray(mine[key], "float64"), np.asarray(theirs[key], "float64")
        largest, difference = _largest(b), _difference(a, b)
        ok = bool(difference <= tolerance * (_finite(b) + 0.1 * overall))
        relative = difference / largest if largest else float(difference > 0)
        rows.append(
            CheckRow(
                tape.names[key], symbols.get(key, ""), tuple(variable.shape), paths.count(variable),
                largest, difference, relative, ok,
            )
        )  # fmt: skip
    return rows


def _largest(array: Any) -> float:
    return float(np.max(np.abs(np.asarray(array, "float64")), initial=0.0))


def _finite(array: Any) -> float:
    """Return the largest of the finite numbers, without its sign."""
    array = np.asarray(array, "float64")
    return _largest(array[np.isfinite(array)])


def _difference(a: np.ndarray, b: np.ndarray) -> float:
    """Return the largest difference; places where both are infinite or both are not a number agree."""
    with np.errstate(invalid="ignore"):
        apart = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
    return float(np.max(apart, initial=0.0))


@dataclasses.dataclass
class _Done:
    """A step that has been run, with the way back through it."""

    back: Callable[..., Any]
    zeros: list[Any]
    places: dict[int, int]  # Which cotangent belongs to which output, by the slots' ids.
    penalties: int


class _Walk:
    """A forward pass that keeps each step's vector-Jacobian product, and the ways back from the loss."""

    def __init__(self, tape: Tape, objective: Objective, values: dict[int, Any]) -> None:
        self.tape, self.objective = tape, objective
        self.steps = 0
        self._done: dict[int, _Done] = {}
        self._values: dict[int, Any] = {}
        self._masks: dict[int, Any] = {}
        for slot, value in zip(tape.inputs, tape.values(objective.x), strict=True):
            self._values[id(slot)], self._masks[id(slot)] = value, None
        state, penalties = dict(values), []
        for step in tape.steps:
            result, added = self._forward(step, state)
            state |= result.state
            penalties += [(step, i, value) for i, value in enumerate(added)]
        self._end(values, penalties)

    def _forward(self, step: Step, state: Mapping[int, Any]) -> tuple[Result, list[Any]]:
        sources = [s for s in step.sources if s.differentiable]
        weights = step.weights

        def run(inputs: list[Any], trained: list[Any]) -> Any:
            values = {**self._values, **{id(s): v for s, v in zip(sources, inputs, strict=True)}}
            now = {**state, **{id(v): x for v, x in zip(weights, trained, strict=True)}}
            result = step.run(
                [values[id(s)] for s in step.inputs],
                [self._masks.get(id(s)) for s in step.inputs],
                now,
            )
            floats = [
                o for s, o in zip(step.outputs, result.outputs, strict=True) if s.differentiable
            ]
            return [*floats, *result.penalties], result

        given = [self._values[id(s)] for s in sources], [state[id(v)] for v in weights]
        floats, back, result = jax.vjp(run, *given, has_aux=True)
        for slot, value, mask in zip(step.outputs, result.outputs, result.masks, strict=True):
            self._values.setdefault(id(slot), value)
            self._masks.setdefault(id(slot), mask)
        kept = [id(s) for s in step.outputs if s.differentiable]
        self._done[id(step)] = _Done(
            back,
            [jnp.zeros_like(f) for f in floats],
            {key: i for i, key in enumerate(kept)},
            len(result.penalties),
        )
        return result, floats[len(kept) :]

    def _end(self, values: dict[int, Any], penalties: list[tuple[Step, int, Any]]) -> None:
        """Differentiate the last step: from outputs and penalties to the loss."""
        tape = self.tape
        outputs = list({id(s): s for s in tape.outputs if s.differentiable}.values())
        added = list({id(s): s for s in tape.losses if s.differentiable}.values())
        weights = tape.weights

        def last(outs: list[Any], extra: list[Any], own: list[Any], trained: list[Any]) -> Any:
            known = {id(s): v for s, v in zip([*outputs, *added], [*outs, *extra], strict=True)}
            known = {**self._values, **known}
            total = [*own, *(known[id(s)] for s in tape.losses)]
            now = {**values, **{id(v): x for v, x in zip(weights, trained, strict=True)}}
            masks = [self._masks.get(id(s)) for s in tape.outputs]
            return self.objective.last([known[id(s)] for s in tape.outputs], masks, total, now)

        given = (
            [self._values[id(s)] for s in outputs], [self._values[id(s)] for s in added],
            [value for _, _, value in penalties], [values[id(v)] for v in weights],
        )  # fmt: skip
        outs, extra, own, direct = jax.grad(last, argnums=(0, 1, 2, 3))(*given)
        self._starts: list[tuple[Slot, Any]] = [
            *zip(outputs, outs, strict=True), *zip(added, extra, strict=True)
        ]  # fmt: skip
        self._penalties = [
            (step, i, g)
            for (step, i, _), g in zip(penalties, own, strict=True)
            if self.objective.uses_loss
        ]
        self._direct = {id(v): g for v, g in zip(weights, direct, strict=True)}

    @property
    def ends(self) -> list[Slot]:
        """The values that the loss is computed from."""
        if not self.objective.uses_loss:
            return list(self.tape.outputs)
        return [*weighed_outputs(self.tape.model, self.tape.outputs), *self.tape.losses]

    def _back(
        self, step: Step, cotangents: list[Any], gradients: dict[int, Any]
    ) -> list[tuple[Slot, Any]]:
        """Go back through one step: add to its weights' gradients, and return what arrives at its inputs."""
        self.steps += 1
        arrived, trained = self._done[id(step)].back(cotangents)
        for variable, gradient in zip(step.weights, trained, strict=True):
            gradients[id(variable)] = gradients[id(variable)] + gradient
        return list(zip([s for s in step.sources if s.differentiable], arrived, strict=True))

    def by_path(self) -> dict[int, Any]:
        """Return the weights' gradients, walking back along each path for itself."""
        gradients = dict(self._direct)
        leads = _leads_to_weights(self.tape)
        stack = list(self._starts)
        for step, i, g in self._penalties:
            done = self._done[id(step)]
            cotangents = list(done.zeros)
            cotangents[len(done.places) + i] = g
            stack += self._back(step, cotangents, gradients)
        while stack:
            slot, cotangent = stack.pop()
            if slot.step is None or id(slot.step) not in leads:
                continue
            done = self._done[id(slot.step)]
            cotangents = list(done.zeros)
            cotangents[done.places[id(slot)]] = cotangent
            stack += self._back(slot.step, cotangents, gradients)
        return gradients

    def by_sums(self) -> dict[int, Any]:
        """Return the weights' gradients, adding up at each value what arrives there over all paths."""
        gradients = dict(self._direct)
        arrived: dict[int, Any] = {}
        for slot, cotangent in self._starts:
            _add(arrived, slot, cotangent)
        own = {(id(step), i): g for step, i, g in self._penalties}
        leads = _leads_to_weights(self.tape)
        for step in reversed(self.tape.steps):
            if id(step) not in leads:
                continue
            done = self._done[id(step)]
            cotangents = list(done.zeros)
            for key, place in done.places.items():
                cotangents[place] = arrived.get(key, cotangents[place])
            for i in range(done.penalties):
                place = len(done.places) + i
                cotangents[place] = own.get((id(step), i), cotangents[place])
            for slot, cotangent in self._back(step, cotangents, gradients):
                _add(arrived, slot, cotangent)
        return gradients


def _add(arrived: dict[int, Any], slot: Slot, cotangent: Any) -> None:
    key = id(slot)
    arrived[key] = arrived[key] + cotangent if key in arrived else cotangent


def _leads_to_weights(tape: Tape) -> set[int]:
    """Return the ids of the steps that trained weights lie in or before."""
    leads: set[int] = set()
    for step in tape.steps:
        if step.weights or any(s.step is not None and id(s.step) in leads for s in step.sources):
            leads.add(id(step))
    return leads
