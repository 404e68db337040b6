"""What a look into a model shows, in words: numbers that are none, dead units, gradients that vanish or explode."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from trivium.styles.explain.tape import Step, Tape
from trivium.styles.inspect.record import Recorded, Row

__all__ = ["Finding", "Thresholds", "find"]


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something worth a look.

    Args:
        kind: `"nan"`, `"nan gradient"`, `"dead"`, `"saturated"`, `"vanishing"`, `"exploding"`, `"no gradient"` or
            `"large step"`.
        where: The names of the layers, ops or weights concerned.
        text: A sentence that says what was found.
    """

    kind: str
    where: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return self.text


@dataclasses.dataclass(frozen=True)
class Thresholds:
    """From where on something counts.

    Args:
        dead: The share of a layer's units that may be dead.
        saturated: The share of a layer's units that may be saturated.
        vanishing: The gradient at a layer's output vanishes below this share of that before the last layer.
        exploding: It explodes above this many times that.
        step: The optimizer's step is large above this share of the weight itself.
    """

    dead: float
    saturated: float
    vanishing: float
    exploding: float
    step: float


def find(tape: Tape, recorded: Recorded, thresholds: Thresholds, uses_loss: bool) -> list[Finding]:
    """Return what a pass shows, the gravest first.

    Args:
        tape: The model's steps.
        recorded: What the pass gave.
        thresholds: From where on something counts.
        uses_loss: Whether the gradients are those of a loss.
    """
    found = [*_not_finite(recorded), *_not_finite_gradient(recorded)]
    finite = not found
    found += [*_dead(recorded, thresholds), *_saturated(recorded, thresholds)]
    constant = None if uses_loss else _constant(tape, recorded)
    if constant is not None:
        return [*found, constant]
    return [
        *found,
        *(_flow(tape, recorded, thresholds) if finite else ()),
        *_steps(recorded, thresholds),
    ]


def _not_finite(recorded: Recorded) -> Iterator[Finding]:
    """Find where numbers that are none come up first: at a value all of whose sources are finite."""
    rows = {row.name: row for row in recorded.rows}
    weights = {w.layer: w for w in recorded.weights if w.nans}
    for row in recorded.rows:
        if not row.nans + row.infs or any(
            rows[s].nans + rows[s].infs for s in row.sources if s in rows
        ):
            continue
        text = f"{_named(row)} has {_bad(row.nans, row.infs)} among its {_size(row):,} numbers"
        weight = weights.get(row.name)
        if row.kind == "input":
            text = f"The data itself is not finite: {text}."
        elif weight is not None:
            text += f": its weight {weight.name} has {weight.nans:,} numbers that are not finite."
        else:
            text = f"The first numbers that are not finite: {text}, and what it was computed from is finite"
            text += f" ({_ranges(row, rows)})." if row.sources else "."
        yield Finding("nan", (row.name,), text)
        return


def _not_finite_gradient(recorded: Recorded) -> Iterator[Finding]:
    """Find where, on the way back, a gradient stops being finite while all values are."""
    rows = {row.name: row for row in recorded.rows}
    if any(row.nans + row.infs for row in recorded.rows):
        return
    for row in reversed(recorded.rows):
        if row.gradient is None or row.gradient_nans:
            continue
        lost = [rows[s] for s in row.sources if s in rows and rows[s].gradient_nans]
        if lost:
            names = ", ".join(_named(r) for r in lost)
            yield Finding(
                "nan gradient", (row.name,),
                f"On the way back the gradient stops being finite at {_named(row)}: all values are finite, but its "
                f"derivative is not, at {names} ({_ranges(row, rows)}).",
            )  # fmt: skip
            return
    last = next((r for r in reversed(recorded.rows) if r.gradient_nans), None)
    if last is not None:
        yield Finding(
            "nan gradient", (last.name,),
            f"The gradient is not finite from the loss on: that at {_named(last)} has {last.gradient_nans:,} numbers "
            "that are not finite.",
        )  # fmt: skip


def _dead(recorded: Recorded, thresholds: Thresholds) -> Iterator[Finding]:
    for row in recorded.rows:
        if row.dead and row.dead > thresholds.dead * row.units:
            yield Finding(
                "dead", (row.name,),
                f"{row.dead:,} of {row.units:,} units of {_named(row)} are dead: their output is 0 for the whole "
                "batch, so they learn nothing from it.",
            )  # fmt: skip


def _saturated(recorded: Recorded, thresholds: Thresholds) -> Iterator[Finding]:
    for row in recorded.rows:
        if row.saturated and row.saturated > thresholds.saturated * row.units:
            yield Finding(
                "saturated", (row.name,),
                f"{row.saturated:,} of {row.units:,} units of {_named(row)} are saturated: their output is at a limit "
                "of the function for the whole batch, where its derivative is next to nothing.",
            )  # fmt: skip


def _constant(tape: Tape, recorded: Recorded) -> Finding | None:
    """Say that the sum of numbers which add up to 1 has no gradient."""
    ends = {s.step.path for s in tape.outputs if s.step is not None}
    fixed = [row for row in recorded.rows if row.normalized and row.name in ends]
    if not fixed or len(fixed) < len(ends):
        return None
    return Finding(
        "no gradient", tuple(row.name for row in fixed),
        f"The outputs of {', '.join(map(_named, fixed))} add up to 1 whatever the weights are, so the gradients of "
        "their sum are only rounding. Compile the model with a loss and give `y`, and the gradients are those of the "
        "loss.",
    )  # fmt: skip


def _flow(tape: Tape, recorded: Recorded, thresholds: Thresholds) -> Iterator[Finding]:
    """Compare the gradients at the outputs of layers with weights with those that enter the last such layers."""
    norms: dict[str, float] = {}
    for weight in recorded.weights:
        norms[weight.layer] = max(norms.get(weight.layer, 0.0), weight.gradient)
    silent = [name for name, norm in norms.items() if norm == 0]
    if silent and len(silent) < len(norms):
        yield Finding(
            "no gradient", tuple(silent),
            f"No gradient at all reaches the weights of {_listed(silent)}: they do not learn.",
        )  # fmt: skip
    at = {row.name: row.gradient or 0.0 for row in recorded.rows}
    last = _last_steps(tape)
    entries = [recorded.names[id(s)] for step in last for s in step.sources if s.step is not None]
    nearest = max((at[name] for name in entries if name in at), default=0.0)
    if not nearest:
        return
    inner = [step for step in tape.steps if step.weights and step not in last]
    lengths = {
        name: at[name] for name in (recorded.names[id(s.outputs[0])] for s in inner) if name in at
    }
    low = {n: g for n, g in lengths.items() if 0 < g < thresholds.vanishing * nearest}
    high = {n: g for n, g in lengths.items() if g > thresholds.exploding * nearest}
    for kind, verb, extreme, group in (
        ("vanishing", "vanishes", min, low), ("exploding", "explodes", max, high),
    ):  # fmt: skip
        if group:
            name = extreme(group, key=lambda n: group[n])
            yield Finding(
                kind, tuple(group),
                f"The gradient {verb} on the way back: at the output of {name} its length is {group[name]:.2g}, "
                f"{group[name] / nearest:.2g} times that before the last layer ({nearest:.2g})"
                + (f"; {_more(len(group) - 1, 'layer')} beyond the threshold, too." if len(group) > 1 else "."),
            )  # fmt: skip


def _last_steps(tape: Tape) -> list[Step]:
    """Return the steps with weights behind which there are no more weights."""
    behind: set[int] = set()
    last = []
    for step in reversed(tape.steps):
        follows = any(id(s) in behind for s in step.outputs)
        if step.weights and not follows:
            last.append(step)
        if step.weights or follows:
            behind |= {id(s) for s in step.sources}
    return last


def _steps(recorded: Recorded, thresholds: Thresholds) -> Iterator[Finding]:
    large = [w for w in recorded.weights if w.ratio is not None and w.ratio > thresholds.step]
    if large:
        most = max(large, key=lambda w: w.ratio or 0.0)
        yield Finding(
            "large step", tuple(w.name for w in large),
            f"The optimizer's next step is large: it changes {most.name} by {most.ratio:.2g} times its own length"
            + (f"; {_more(len(large) - 1, 'weight')} beyond the threshold, too." if len(large) > 1 else ".")
            + " A smaller learning rate, or `clipnorm`, takes smaller steps.",
        )  # fmt: skip


# -- words ---------------------------------------------------------------------------------------------------------


def _named(row: Row) -> str:
    return f"{row.name} ({row.kind})"


def _size(row: Row) -> int:
    size = 1
    for n in row.shape:
        size *= n
    return size


def _bad(nans: int, infs: int) -> str:
    parts = [f"{count:,} {word}" for count, word in ((nans, "NaN"), (infs, "Inf")) if count]
    return " and ".join(parts)


def _ranges(row: Row, rows: dict[str, Row]) -> str:
    return "; ".join(
        f"{name} from {rows[name].min:.4g} to {rows[name].max:.4g}"
        for name in row.sources
        if name in rows
    )


def _more(count: int, what: str) -> str:
    return f"1 more {what} is" if count == 1 else f"{count} more {what}s are"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
