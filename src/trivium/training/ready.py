"""What a pass works with: the step, the variables that hold its state, and where its programs are kept."""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from trivium.state.variable import held_by
from trivium.training.alone import Alone
from trivium.training.executables import Programs

__all__ = ["Ready", "State"]


class State:
    """Groups of variables as the state of a pure step.

    The variables hold the state, and nothing else does: each chunk takes their arrays and gives them the new ones. So
    whatever anybody assigns between two chunks is what the next one begins with.

    Args:
        groups: Lists of variables, e.g. trainable, non-trainable, the optimizer's, the metrics'.
    """

    def __init__(self, *groups: Sequence[Any]) -> None:
        self.variables = [v for group in groups for v in group]
        self.sizes = [len(group) for group in groups]
        # Two values for one variable cannot both be written in its place.
        times = Counter(map(id, self.variables)) if self._has_twins() else {}
        self.shared = frozenset(i for i, v in enumerate(self.variables) if times.get(id(v), 1) > 1)

    def _has_twins(self) -> bool:
        return len(set(map(id, self.variables))) < len(self.variables)

    def take(self, reused: Sequence[int] = ()) -> list[Any]:
        """Return the variables' arrays, or rows of others, to be used and not kept.

        Args:
            reused: The numbers of those whose memory the new values will be written in.
        """
        values = held_by(self.variables)
        for number in reused:
            values[number] = self.variables[number].own()
        return values

    def give(self, numbers: Sequence[int], values: Sequence[Any]) -> None:
        """Give variables new arrays that nobody else holds.

        Args:
            numbers: Which variables.
            values: Their arrays, or rows of some.
        """
        for number, value in zip(numbers, values, strict=True):
            self.variables[number].replace(value, lent=False)

    def put_back(self, values: Sequence[Any], error: Exception) -> None:
        """Give the variables the arrays from before a chunk that failed while it ran.

        Args:
            values: What `take` gave.
            error: The error, which gets a note where some of the arrays are gone.
        """
        gone = []
        for variable, value in zip(self.variables, values, strict=False):
            if value.is_deleted():
                gone.append(variable.path)
            else:
                variable.replace(value)
        if gone:
            error.add_note(
                f"The step failed on the device after it had begun to write over {gone[0]!r} and others: these "
                f"{len(gone)} values are lost. Load them from a file, or make the model anew."
            )

    def nested(self, values: Sequence[Any]) -> tuple[list[Any], ...]:
        """Return values in the structure that steps take, a list for each group."""
        left = iter(values)
        return tuple([next(left) for _ in range(size)] for size in self.sizes)

    def names(self) -> list[str]:
        """Return the variables' paths."""
        return [v.path for v in self.variables]

    def form(self) -> Hashable:
        """Return what a program must know of the values: groups, shapes and dtypes."""
        return tuple(self.sizes), tuple([v.form for v in self.variables]), self.shared


class _Version:
    """A large value as a part of a key: hashed once, and compared only where it is not the same one."""

    __slots__ = ("_hash", "_value")

    def __init__(self, value: Hashable) -> None:
        self._value, self._hash = value, hash(value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Version):
            return False
        if self._value is not other._value and self._value == other._value:
            other._value = self._value  # So that they are not compared again.
        return self._value is other._value

    def __hash__(self) -> int:
        return self._hash


@dataclasses.dataclass(frozen=True)
class Ready:
    """What a pass works with, as the model is now.

    Args:
        step: The step, `(state, batch) -> (result, state)`.
        state: The state.
        programs: Where compiled programs are kept from pass to pass.
        depends: What the step depends on besides its arguments; a program serves one such value.
        eager: Whether to run the step as plain Python.
        alone: What predicts single batches, by what they have in common.
    """

    step: Callable[..., Any]
    state: State
    programs: Programs
    depends: Hashable = None
    eager: bool = False
    alone: dict[Hashable, Alone] = dataclasses.field(default_factory=dict, compare=False)

    @functools.cached_property
    def version(self) -> Hashable:
        """What a program serves one of: what the step depends on, and the form of the state."""
        return _Version((self.depends, self.state.form()))
