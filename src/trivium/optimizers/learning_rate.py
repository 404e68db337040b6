"""The learning rate of an optimizer: a variable, or what a schedule or a function says at each step."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from trivium.optimizers.own_variables import OwnVariables, State
from trivium.optimizers.schedules import LearningRateSchedule
from trivium.state import StatelessScope, Variable

__all__ = ["FollowsRate", "takes_step", "variables_of"]


def takes_step(function: Callable[..., Any]) -> bool:
    """Say whether a function that gives the learning rate wants the step, or nothing.

    Example:
        >>> takes_step(lambda step: 0.1 / step), takes_step(lambda: 0.1)
        (True, False)
    """
    try:
        inspect.signature(function).bind()
    except TypeError:
        return True
    return False


def variables_of(schedule: Callable[..., Any]) -> list[Variable]:
    """Return the variables that a schedule, or a function that gives the learning rate, works with.

    Those among its attributes, in containers and in schedules inside of it too, and those that a
    function names. What a layer or another object has is that object's state, and not among them.

    Args:
        schedule: The schedule or function.

    Example:
        >>> factor = Variable(0.5, name="factor")
        >>> [v.name for v in variables_of(lambda step: 0.1 * factor.value)]
        ['factor']
    """
    found: list[Variable] = []
    seen: set[int] = set()
    stack: list[Any] = [schedule]
    while stack:
        thing = stack.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, Variable):
            if thing.owner is None:
                found.append(thing)
        elif inspect.ismethod(thing):
            stack += [thing.__self__, thing.__func__]
        elif inspect.isfunction(thing):
            names = inspect.getclosurevars(thing)
            values = [*names.nonlocals.values(), *names.globals.values()]
            stack += [v for v in values if isinstance(v, Variable | LearningRateSchedule)]
        elif isinstance(thing, list | tuple):
            stack += thing
        elif isinstance(thing, dict):
            stack += thing.values()
        elif isinstance(thing, LearningRateSchedule) or thing is schedule:
            stack += getattr(thing, "__dict__", {}).values()
    return found


class FollowsRate(OwnVariables):
    """The part of `Optimizer` that says what the learning rate is."""

    _schedule: Callable[..., Any] | None

    @property
    def learning_rate(self) -> Any:
        """The learning rate: a variable, or the value at this step where it is computed.

        It can be set to a number, unless it follows a schedule, and to a schedule.
        """
        return self._rate(self._state.iteration.value, self._state.learning_rate)

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        if callable(learning_rate):
            self._schedule = learning_rate
            self._state = self._state._replace(
                learning_rate=None, scheduled=variables_of(learning_rate)
            )
        elif self._schedule is not None:
            raise TypeError(
                f"The `learning_rate` of {self.name!r} is a LearningRateSchedule or a function, so "
                "it cannot be set to a number. Create the optimizer with a float, or set another "
                "schedule."
            )
        else:
            self._state.learning_rate.assign(learning_rate)

    def _rate(self, iteration: Any, variable: Any) -> Any:
        if self._schedule is None:
            return variable
        return self._schedule(iteration) if takes_step(self._schedule) else self._schedule()

    def _rate_and_state(self, state: State) -> tuple[Any, State]:
        """Return the learning rate of a step, and the state in which the schedule left its variables.

        They are arguments and results of the compiled step as all state is: read as they stand, they
        would be constants in it, and what is assigned to them later would never be seen.
        """
        own = self._state.scheduled
        if not own:
            return self._rate(state.iteration, state.learning_rate), state
        with StatelessScope(zip(own, state.scheduled, strict=True)) as scope:
            rate = self._rate(state.iteration, state.learning_rate)
        after = [scope.get_current_value(v) for v in own]
        return rate, state._replace(scheduled=after)
