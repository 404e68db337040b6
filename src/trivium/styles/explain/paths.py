"""The ways from a weight to the loss: how many there are, and which."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

from trivium.state import Variable
from trivium.styles.explain.tape import Slot, Step, Tape

__all__ = ["Path", "Paths"]


@dataclasses.dataclass(frozen=True)
class Path:
    """One way from a weight to the loss.

    Args:
        start: The step that uses the weight.
        slots: The values on the way: an output of the first step, then one of each further step.
        penalty: The step whose own addition to the loss is where the way ends; `None` where it ends at the last value.
    """

    start: Step
    slots: tuple[Slot, ...]
    penalty: Step | None = None

    @property
    def steps(self) -> list[Step]:
        """The steps on the way."""
        steps = [self.start, *(s.step for s in self.slots[1:] if s.step is not None)]
        if self.penalty is None or self.penalty is steps[-1]:
            return steps
        return [*steps, self.penalty]


class Paths:
    """The ways through a tape from its weights to the loss.

    Args:
        tape: The steps.
        ends: The values that the loss is computed from.
        penalties: Whether what steps add to the loss counts.

    Example:
        >>> import trivium as tv
        >>> x = tv.Input((4,))
        >>> h = tv.layers.Dense(4, name="first")(x)
        >>> model = tv.Model(x, tv.layers.add([h, tv.layers.Dense(4)(h)]))
        >>> tape = Tape(model)
        >>> paths = Paths(tape, tape.outputs)
        >>> paths.count(model.get_layer("first").kernel)
        2
    """

    def __init__(self, tape: Tape, ends: list[Slot], penalties: bool = True) -> None:
        self.tape = tape
        self._adding = {id(s) for s in tape.steps if penalties and s.penalties}
        self.ends = list({id(s): s for s in ends if s.differentiable}.values())
        self._ends = {id(s) for s in self.ends}
        self._from: dict[int, int] = {}
        for slot in tape.inputs:
            self._from[id(slot)] = 0
        # Backward through the steps, so that what follows a value has been counted before it.
        for step in reversed(tape.steps):
            for slot in step.outputs:
                self._from[id(slot)] = self._count(slot)

    def _count(self, slot: Slot) -> int:
        if not slot.differentiable:
            return 0
        return (id(slot) in self._ends) + sum(map(self.through, slot.consumers))

    def through(self, step: Step) -> int:
        """Return the number of ways from a step to the loss."""
        return (id(step) in self._adding) + sum(self._from.get(id(s), 0) for s in step.outputs)

    def from_slot(self, slot: Slot) -> int:
        """Return the number of ways from a value to the loss."""
        return self._from[id(slot)]

    def readers(self, variable: Variable) -> list[Step]:
        """Return the steps that use a variable."""
        return [s for s in self.tape.steps if any(v is variable for v in s.touched)]

    def count(self, variable: Variable) -> int:
        """Return the number of ways from a variable to the loss, through the steps that use it.

        Args:
            variable: The variable. A regularizer's direct way to the loss is not counted.
        """
        return sum(map(self.through, self.readers(variable)))

    @property
    def visits(self) -> int:
        """How many times walking all ways goes back through a step."""
        return sum(map(self.through, self.tape.steps))

    def of(self, variable: Variable, limit: int | None = None) -> list[Path]:
        """Return the ways from a variable to the loss.

        Args:
            variable: The variable.
            limit: How many at most.
        """
        found = itertools.chain.from_iterable(map(self._walk, self.readers(variable)))
        return list(itertools.islice(found, limit))

    def _walk(self, start: Step) -> Iterator[Path]:
        if id(start) in self._adding:
            yield Path(start, (), start)
        stack: list[tuple[Slot, ...]] = [(s,) for s in reversed(start.outputs) if self._from[id(s)]]
        while stack:
            slots = stack.pop()
            last = slots[-1]
            if id(last) in self._ends:
                yield Path(start, slots)
            for step in last.consumers:
                if id(step) in self._adding:
                    yield Path(start, slots, step)
            stack.extend(
                (*slots, out)
                for step in reversed(last.consumers)
                for out in reversed(step.outputs)
                if self._from[id(out)]
            )
