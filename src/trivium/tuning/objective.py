"""What a search makes small or large: one of a trial's results, or several in a sum."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from trivium.metrics.base import Metric
from trivium.state import suggest
from trivium.tuning.errors import FatalValueError

__all__ = ["MultiObjective", "Objective", "ObjectiveLike", "create_objective"]

_DIRECTIONS = ("min", "max")


class Objective:
    """A result that a search makes small or large.

    Args:
        name: Its name in the logs of `fit`, or in what `run_trial` returns.
        direction: `"min"` or `"max"`.

    Raises:
        ValueError: There is no such direction.

    Example:
        >>> Objective("val_accuracy", "max").better_than(0.9, 0.8)
        True
    """

    def __init__(self, name: str, direction: str) -> None:
        if direction not in _DIRECTIONS:
            raise ValueError(
                f"The direction of objective {name!r} is 'min' or 'max'; got {direction!r}."
            )
        self.name, self.direction = name, direction

    def has_value(self, logs: Mapping[str, Any]) -> bool:
        """Say whether logs have the result."""
        return self.name in logs

    def get_value(self, logs: Mapping[str, Any]) -> float:
        """Return the result in logs."""
        return float(logs[self.name])

    def better_than(self, a: float, b: float) -> bool:
        """Say whether one result is better than another."""
        return a > b if self.direction == "max" else a < b

    def missing(self, logs: Mapping[str, Any]) -> list[str]:
        """Return the names that logs would have to have and have not."""
        return [] if self.has_value(logs) else [self.name]

    @property
    def worst(self) -> float:
        """What every result is better than."""
        return -math.inf if self.direction == "max" else math.inf

    def get_config(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"name": self.name, "direction": self.direction}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Objective) and self.get_config() == other.get_config()

    def __hash__(self) -> int:
        return hash((self.name, self.direction))

    def __repr__(self) -> str:
        return f'Objective(name="{self.name}", direction="{self.direction}")'


class MultiObjective(Objective):
    """The sum of what is to be small, less the sum of what is to be large.

    Args:
        objectives: The objectives.

    Example:
        >>> both = MultiObjective([Objective("loss", "min"), Objective("accuracy", "max")])
        >>> both.get_value({"loss": 0.5, "accuracy": 0.75})
        -0.25
    """

    def __init__(self, objectives: Sequence[Objective]) -> None:
        super().__init__("multi_objective", "min")
        self.objectives = list(objectives)

    def has_value(self, logs: Mapping[str, Any]) -> bool:
        """Say whether logs have the result."""
        return all(one.has_value(logs) for one in self.objectives)

    def get_value(self, logs: Mapping[str, Any]) -> float:
        """Return the result in logs."""
        return sum(
            one.get_value(logs) * (1 if one.direction == "min" else -1) for one in self.objectives
        )

    def missing(self, logs: Mapping[str, Any]) -> list[str]:
        """Return the names that logs would have to have and have not."""
        return [one.name for one in self.objectives if not one.has_value(logs)]

    def get_config(self) -> dict[str, Any]:
        """Return it as plain values."""
        return super().get_config() | {"objectives": [o.get_config() for o in self.objectives]}

    def __hash__(self) -> int:
        return hash(tuple(self.objectives))

    def __repr__(self) -> str:
        return f"MultiObjective({self.objectives})"


ObjectiveLike: TypeAlias = "str | Objective | Sequence[ObjectiveLike] | None"
"""What an argument `objective` may be; see `create_objective`."""


def create_objective(objective: ObjectiveLike) -> Objective:
    """Return what an argument `objective` means.

    Args:
        objective: A name, an `Objective`, a list of these for their sum, or `None` for a number that `run_trial` or
            `HyperModel.fit` returns and that is to be small.

    Raises:
        FatalValueError: Whether more or less of it is better is not known.

    Example:
        >>> create_objective("val_accuracy")
        Objective(name="val_accuracy", direction="max")
    """
    if objective is None:
        return Objective("default_objective", "min")
    if isinstance(objective, Objective):
        return objective
    if isinstance(objective, str):
        return Objective(objective, _direction(objective))
    if isinstance(objective, Sequence):
        return MultiObjective([create_objective(one) for one in objective])
    raise FatalValueError(
        f"`objective` is the name of a result, an Objective, or a list of them; got {objective!r}."
    )


def _direction(name: str) -> str:
    """Return which way a result of this name is better, as its metric says."""
    plain = name.removeprefix("val_")
    if plain == "loss" or plain.endswith("_loss"):
        return "min"
    from trivium import losses, metrics

    for known in (plain, plain.rpartition("_")[0]):  # `auc_1` is the second AUC.
        with_name = _looked_up(metrics, known)
        if isinstance(with_name, Metric) and with_name._direction in ("up", "down"):
            return "max" if with_name._direction == "up" else "min"
        if _looked_up(losses, known) is not None:
            return "min"
    if plain in ("acc", "accuracy", "weighted_accuracy", "weighted_acc"):
        return "max"
    raise FatalValueError(
        f"Is more or less of {name!r} better? Its name does not say: give "
        f'`objective=tuning.Objective("{name}", "max")`, or "min". {_hint(plain)}'
    )


def _looked_up(room: Any, name: str) -> Any:
    try:
        found = room.get(name)
        return found() if isinstance(found, type) else found
    except Exception:  # No such name, or one that takes arguments.
        return None


def _hint(name: str) -> str:
    hint = suggest(name, ("loss", "accuracy", "auc", "mae", "mse"))
    return hint if "?" in hint else ""
