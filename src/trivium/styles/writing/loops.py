"""Loops: rows of a program that repeat, with numbers and names that step along, are written once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar

from trivium.layers.base import Layer
from trivium.styles.writing.values import Expression

__all__ = ["Header", "Loop", "Row", "headed", "header", "named_anew", "roll", "shortest"]

T = TypeVar("T")

# The most statements in the body of a loop that is looked for: each period is tried at each place.
_LONGEST_BLOCK = 40


@dataclass(frozen=True)
class Row:
    """A statement before it is written.

    Args:
        target: What is assigned to.
        made: The call that makes the layer, where it is made for this row alone; else `None`.
        text: The rest: the call of the layer, or a whole expression.
        layer: The layer that is made or called, to know it by.
        before: Lines that stand before it: functions that it gives to an op.

    Example:
        >>> Row("x", Expression("layers.Flatten"), "(x)", None).code()
        'x = layers.Flatten()(x)'
    """

    target: str
    made: Expression | None
    text: str
    layer: Layer | None = None
    before: tuple[str, ...] = ()

    def code(self) -> str:
        """Return the statement as one line."""
        return f"{self.target} = {self.made or ''}{self.text}"

    def shape(self) -> object:
        """Return what must be equal for two rows to be turns of one loop."""
        if self.made is None:  # What is called here is the same in each turn.
            return self.target, id(self.layer), self.text, self.before
        return self.target, (self.made.head, *(name for name, _ in self.made.arguments)), self.text


@dataclass(frozen=True)
class Loop:
    """Rows that repeat.

    Args:
        turns: For each turn its rows.
    """

    turns: list[list[Row]]


@dataclass(frozen=True)
class Header:
    """What a loop steps through.

    Args:
        variables: The text between `for` and `in`.
        over: The text after `in`.
    """

    variables: str
    over: str

    def __str__(self) -> str:
        return f"for {self.variables} in {self.over}"


def roll(rows: list[Row]) -> list[Row | Loop]:
    """Find the loops in a list of rows: at each place the one that saves most lines.

    Args:
        rows: The rows.

    Returns:
        The rows, with those that repeat gathered into loops.
    """
    shapes = [row.shape() for row in rows]
    rolled: list[Row | Loop] = []
    place = 0
    while place < len(rows):
        best, saved = None, 0
        for period in range(1, min(_LONGEST_BLOCK, (len(rows) - place) // 2) + 1):
            turns = _turns(rows, shapes, place, period)
            gain = _gain(rows, place, period, turns)
            if gain > saved:
                best, saved = (period, turns), gain
        if best is None:
            rolled.append(rows[place])
            place += 1
            continue
        period, turns = best
        starts = range(place, place + period * turns, period)
        rolled.append(Loop([rows[s : s + period] for s in starts]))
        place += period * turns
    return rolled


def _gain(rows: list[Row], place: int, period: int, turns: int) -> int:
    """Say how much is easier to read as a loop: lines saved, less what each thing that changes costs the reader."""
    if turns < 2:
        return 0
    said = header(_columns(rows, place, period, turns))
    assert said is not None
    names = said[0].variables.split(",")
    return (turns - 1) * period - 2 - 2 * sum(name.strip() != "_" for name in names)


def headed(turns: list[list[Row]]) -> tuple[Header, list[Expression | None]]:
    """Return the header of rows that repeat as `roll` found them to, and what each of them makes.

    Args:
        turns: For each turn its rows, or one of these.
    """
    said = header([[row.made for row in column] for column in zip(*turns, strict=True)])
    assert said is not None  # Else it would have been no loop.
    return said


def _columns(rows: list[Row], place: int, period: int, turns: int) -> list[list[Expression | None]]:
    starts = range(place, place + period * turns, period)
    return [[rows[s + i].made for s in starts] for i in range(period)]


def _turns(rows: list[Row], shapes: list[object], place: int, period: int) -> int:
    """Return how often the block repeats such that one header can say what differs."""
    turns, first = 1, shapes[place : place + period]
    while shapes[(s := place + turns * period) : s + period] == first:
        turns += 1
    while turns > 1:
        if header(_columns(rows, place, period, turns)) is not None:
            return turns
        turns -= 1
    return 1


def header(columns: list[list[Expression | None]]) -> tuple[Header, list[Expression | None]] | None:
    """Say in one header how the turns of a loop differ.

    Args:
        columns: For each row of the block what it makes, turn by turn.

    Returns:
        The header and the rows with its variables in them; `None` where none can say it.

    Example:
        >>> made = [Expression("layers.Dense", [(None, n)]) for n in ("64", "32")]
        >>> head, rows = header([made])
        >>> str(head), str(rows[0])
        ('for units in (64, 32)', 'layers.Dense(units)')
    """
    count = len(columns[0])
    values: dict[str, tuple[str, ...]] = {}  # what a variable takes, turn by turn
    numbers: range | None = None
    written: list[Expression | None] = []
    for column in columns:
        first = column[0]
        if first is None:
            written.append(None)
            continue
        arguments = list(first.arguments)
        for i, (name, text) in enumerate(arguments):
            said = tuple(e.arguments[i][1] for e in column if e is not None)
            if len(set(said)) == 1:
                continue
            if name == "name":
                stepped = _numbered(said)
                if stepped is None or (numbers is not None and numbers != stepped[1]):
                    return None
                text, numbers = stepped
            else:
                text = next((v for v, s in values.items() if s == said), "")
                if not text:
                    text = _variable(name or _first_argument(first.head), values)
                    values[text] = said
            arguments[i] = (name, text)
        written.append(replace(first, arguments=arguments))
    return _header(values, numbers, count), written


def _header(values: dict[str, tuple[str, ...]], numbers: range | None, count: int) -> Header:
    turns = [
        t[0] if len(t) == 1 else f"({', '.join(t)})" for t in zip(*values.values(), strict=True)
    ]
    names = ", ".join(values)
    if numbers is None:
        return Header(names, f"({', '.join(turns)})") if values else Header("_", f"range({count})")
    steps = f"range({numbers.start}, {numbers.stop}" + (
        f", {numbers.step})" if numbers.step != 1 else ")"
    )
    if not values:
        return Header("i", steps.replace("range(0, ", "range(") if numbers.step == 1 else steps)
    if numbers.step != 1:
        return Header(
            f"i, {names}" if len(values) == 1 else f"i, ({names})",
            f"zip({steps}, ({', '.join(turns)}))",
        )
    start = f", start={numbers.start}" if numbers.start else ""
    inner = names if len(values) == 1 else f"({names})"
    return Header(f"i, {inner}", f"enumerate(({', '.join(turns)}){start})")


def _numbered(names: tuple[str, ...]) -> tuple[str, range] | None:
    """Return an f-string and the numbers for quoted names that count up in one place."""
    parts = [re.split(r"(\d+)", name) for name in names]
    if len({len(p) for p in parts}) != 1:
        return None
    moving = [i for i in range(len(parts[0])) if len({p[i] for p in parts}) > 1]
    if len(moving) != 1 or moving[0] % 2 == 0:
        return None
    digits = [p[moving[0]] for p in parts]
    numbers = [int(d) for d in digits]
    step = numbers[1] - numbers[0]
    even = step > 0 and all(b - a == step for a, b in pairwise(numbers))
    if not even or [str(n) for n in numbers] != digits or any(c in "".join(names) for c in "{}\\"):
        return None
    text = "".join("{i}" if i == moving[0] else part for i, part in enumerate(parts[0]))
    return f"f{text}", range(numbers[0], numbers[-1] + step, step)


def _variable(wanted: str, taken: object) -> str:
    name, count = wanted, 1
    while name in taken:  # type: ignore[operator]
        count += 1
        name = f"{wanted}_{count}"
    return name


def _first_argument(head: str) -> str:
    """Return what the first argument of a layer's class is called."""
    import inspect

    from trivium import layers

    cls = getattr(layers, head.rpartition(".")[2], None)
    return next(iter(inspect.signature(cls).parameters), "value") if cls else "value"


def shortest(
    write: Callable[[dict[int, str]], tuple[Sequence[Row | Loop], T]], inputs: dict[int, str]
) -> tuple[Sequence[Row | Loop], T]:
    """Write with the input under its name, and with `x = inputs` first; take what is shorter, as loops make it.

    The first of some equal blocks is a turn of a loop only if what goes into it has the name of what comes out of it.

    Args:
        write: Given the expressions for the inputs, returns the rows, rolled up, and whatever goes with them.
        inputs: The expressions for the input tensors, by the tensors' ids.

    Returns:
        What `write` returned.
    """
    plain = write(inputs)
    if len(inputs) != 1:
        return plain
    ((key, name),) = inputs.items()
    if not name.isidentifier():
        return plain
    renamed = write({key: "x"})

    def size(rolled: Sequence[Row | Loop]) -> int:
        return sum(len(item.turns[0]) + 1 if isinstance(item, Loop) else 1 for item in rolled)

    return renamed if size(renamed[0]) + 1 < size(plain[0]) else plain


def named_anew(names: dict[int, str], inputs: dict[int, str]) -> list[str]:
    """Return the lines that give inputs the names under which `shortest` has them written."""
    return [f"{name} = {inputs[key]}" for key, name in names.items() if name != inputs[key]]
