"""Steps that are written for what they do to the model, `train_step(self, data)`, as pure functions of a state.

Such a step reads and assigns variables, under a `GradientTape` say, and returns logs. It is run once on shapes, which
finds what it reads that is not the model's own: an optimizer beside the compiled one, variables of its own. All of that
is the state of the compiled step.
"""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax

from trivium.state import SeedGenerator, StatelessScope, Variable
from trivium.state.effects import Effects
from trivium.state.frame import entered
from trivium.state.scopes import Policy, paired
from trivium.state.trees import map_tree
from trivium.training.traced import NEEDS_VALUES, values_needed

__all__ = ["either_manner", "pure_step", "takes_data_alone", "touched"]

Step = Callable[..., Any]


def takes_data_alone(step: Step) -> bool:
    """Say whether a step is written as `(data)`, for what it does to the model, and not as `(state, data)`.

    Example:
        >>> takes_data_alone(lambda data: {}), takes_data_alone(lambda state, data: ({}, state))
        (True, False)
    """
    method = getattr(step, "__func__", None)
    if method is None:
        return _takes_data_alone(step)
    # Each step on a batch asks.
    if method not in _known:
        _known[method] = _takes_data_alone(step)
    return _known[method]


# By the function, which goes with its class.
_known: weakref.WeakKeyDictionary[Step, bool] = weakref.WeakKeyDictionary()


def _takes_data_alone(step: Step) -> bool:
    parameters = inspect.signature(step).parameters.values()
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    every = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    return not every and len(places) >= 1 and all(p.default is not p.empty for p in places[1:])


def pure_step(
    step: Step,
    groups: Sequence[Sequence[Variable]],
    policy: Policy,
    generator: SeedGenerator | None,
) -> Step:
    """Return a step that takes data alone as a pure function `(state, data) -> (result, state)`.

    Args:
        step: The step.
        groups: The variables of the state, group by group.
        policy: Which other variables it may give new values.
        generator: What it draws from where its code gives no seed.
    """

    known = {id(v) for group in groups for v in group}

    @functools.wraps(step)
    def pure(state: Any, data: Any) -> Any:
        here = StatelessScope(paired(groups, state), policy=policy, by_call=True)
        with here as scope, entered(generator=generator):
            result = _flat(step(_alone(data)))
        # A step that runs as plain Python may assign to variables that nobody looked for: another optimizer's.
        for variable in scope.variables:
            if id(variable) not in known:
                variable.assign(scope.get_current_value(variable))
        return result, tuple([scope.get_current_value(v) for v in group] for group in groups)

    del pure.__wrapped__  # Its signature is another one.
    return pure


def _alone(data: Any) -> Any:
    """Return a batch as it was given to `fit`: inputs without targets come as they are."""
    return data[0] if isinstance(data, tuple) and len(data) == 1 else data


def _flat(logs: Any) -> Any:
    """Return logs with those in inner dicts, as `compile_metrics` has them, beside the others; variables' values."""
    if not isinstance(logs, Mapping):
        return logs.value if isinstance(logs, Variable) else logs
    flat: dict[str, Any] = {}
    for name, value in logs.items():
        flat.update(_flat(value) if isinstance(value, Mapping) else {name: _flat(value)})
    return flat


def touched(step: Step, batch: Any, generator: SeedGenerator) -> list[Variable]:
    """Return the variables that a step reads or assigns, in the order in which it does so first.

    Args:
        step: The step, which takes data alone.
        batch: A batch, or its specs.
        generator: What it draws from where its code gives no seed.

    Raises:
        CaptureError: The step needs the values of arrays.
    """
    specs = map_tree(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), batch)

    def run(data: Any) -> None:
        here = StatelessScope(policy=_Through(), by_call=True)
        with here as scope, entered(generator=generator):
            step(_alone(data))
        for variable in scope.variables:
            variable.assign(scope.get_current_value(variable))

    try:
        return Effects(run, (specs,)).touched
    except NEEDS_VALUES as error:
        raise values_needed(error) from None


class _Through(Policy):
    """Looks for effects like the scope around it."""

    only_shapes = True


def either_manner(kind: str) -> Callable[[Step], Step]:
    """Return a decorator for a model's step, so that `super().train_step(data)` does it in place.

    Args:
        kind: `"train"`, `"test"` or `"predict"`.
    """

    def decorate(step: Step) -> Step:
        @functools.wraps(step)
        def run(self: Any, *args: Any, **kwargs: Any) -> Any:
            if len(args) + len(kwargs) != 1 or "state" in kwargs:
                return step(self, *args, **kwargs)
            groups = self._groups(kind)
            before = [[v.kept_value for v in group] for group in groups]
            result, after = step(self, tuple(before), *args, **kwargs)
            if kind == "predict":
                groups, before, after = groups[1:], before[1:], (after,)
            for group, old, new in zip(groups, before, after, strict=True):
                for variable, was, value in zip(group, old, new, strict=True):
                    if value is not was:
                        variable.assign(value)
            return result

        return run

    return decorate
