"""The arguments that all optimizers share: their types, what is refused, and how signatures show them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from trivium.optimizers.pure_step import PureStep

__all__ = [
    "CommonArguments",
    "LearningRate",
    "UndecayedArguments",
    "check_arguments",
    "full_signature",
]

LearningRate = float | Callable[..., Any]
"""A number, a schedule, or a function of nothing or of the step."""


class UndecayedArguments(TypedDict, total=False):
    """The arguments that all optimizers share, but for `weight_decay`."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None


class CommonArguments(UndecayedArguments, total=False):
    """The arguments that all optimizers share; `Optimizer` says what they mean."""

    weight_decay: float | None


def check_arguments(optimizer: PureStep, learning_rate: Any) -> None:
    """Refuse settings of an optimizer that are out of their range or do not go together.

    Args:
        optimizer: The optimizer, whose attributes the other settings are.
        learning_rate: What it was given as learning rate.

    Raises:
        ValueError: One of them is.
    """
    if not callable(learning_rate) and not isinstance(learning_rate, float):
        raise ValueError(
            "`learning_rate` should be a float, a LearningRateSchedule, or a function that "
            f"returns the rate; got learning_rate={learning_rate!r}."
        )
    steps, every = optimizer.gradient_accumulation_steps, optimizer.ema_overwrite_frequency
    if steps and steps < 2:
        raise ValueError(f"`gradient_accumulation_steps` must be an integer >= 2; got {steps!r}.")
    if optimizer.use_ema and not 0 <= optimizer.ema_momentum <= 1:
        raise ValueError(f"`ema_momentum` must be from 0 to 1; got {optimizer.ema_momentum!r}.")
    if optimizer.use_ema and every and (not isinstance(every, int) or every < 1):
        raise ValueError(
            f"`ema_overwrite_frequency` must be an integer >= 1 or None; got {every!r}."
        )
    clips = {n: getattr(optimizer, n) for n in ("clipnorm", "clipvalue", "global_clipnorm")}
    if sum(value is not None for value in clips.values()) > 1:
        given = ", ".join(f"{n}={value}" for n, value in clips.items())
        raise ValueError(f"Only one of {', '.join(clips)} can be set; got {given}.")


def full_signature(cls: type, base: type) -> inspect.Signature:
    """Return the signature of a constructor with the common arguments in the place of its `**common`.

    Args:
        cls: The class; its constructor takes some of its arguments as keywords for `base`.
        base: The class whose constructor has all common arguments, the learning rate first and `**kwargs` last.

    Example:
        >>> from trivium.optimizers import SGD, Optimizer
        >>> [*full_signature(SGD, Optimizer).parameters][:4]
        ['learning_rate', 'momentum', 'nesterov', 'weight_decay']
    """
    own = inspect.signature(cls.__init__).parameters  # type: ignore[misc]
    named = {k: p for k, p in list(own.items())[1:] if p.kind is not p.VAR_KEYWORD}
    if len(named) < len(own) - 1:
        common = list(inspect.signature(base.__init__).parameters.values())[2:-1]  # type: ignore[misc]
        last = {k: named.pop(k) for k, p in own.items() if p.kind is p.KEYWORD_ONLY}
        named |= {p.name: p.replace(kind=p.KEYWORD_ONLY) for p in common if p.name not in named}
        named |= last
    return inspect.Signature(list(named.values()))
