"""The equations of a model: the whole as one function, and each step of it."""

from __future__ import annotations

from trivium.layers import Layer
from trivium.styles.explain.document import Section
from trivium.styles.explain.formulas import Formula
from trivium.styles.explain.notation import Notation
from trivium.styles.explain.tape import Step, Tape

__all__ = ["equations_section", "functions_section", "whole_section"]

_LONG = 12  # Layers of a composition that are written out.


def whole_section(tape: Tape, notation: Notation) -> Section:
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


def equations_section(tape: Tape, notation: Notation, formulas: dict[int, Formula]) -> Section:
    """Write what each step computes, with the space that its result lies in."""
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


def functions_section(notation: Notation) -> Section:
    """Define the functions that the equations use by a name."""
    section = Section("Functions")
    for name, definition in notation.functions.items():
        written = name if name.startswith("\\") else rf"\operatorname{{{name}}}".replace("_", r"\_")
        index = "_{i}" if "z_{i}" in definition or "_{i}" in definition else ""
        section.add(rf"{written}\left(z\right){index}", f"= {definition}")
    return section
