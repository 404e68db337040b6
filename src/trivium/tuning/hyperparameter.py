"""What every hyperparameter has, of whatever kind: a name, a default, and conditions under which it counts.

A sampler knows numbers on a linear or a logarithmic axis and categories without an order. Each kind says which of these
it is (`distribution`), and turns what a sampler gives into its value and back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

__all__ = ["HyperParameter", "Parent", "Value", "Values"]

Value: TypeAlias = bool | int | float | str
"""What a hyperparameter's value can be: what a file and a database can hold."""

Values: TypeAlias = Value | list[Value] | tuple[Value, ...] | set[Value] | None
"""The values of another hyperparameter with which one counts: one of them, or several."""


@dataclass(frozen=True)
class Parent:
    """A condition: another hyperparameter has one of some values.

    Args:
        name: The other one's whole name.
        values: The values.

    Example:
        >>> Parent("optimizer", ("sgd",)).holds({"optimizer": "sgd"})
        True
    """

    name: str
    values: tuple[Value | None, ...]

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Say whether the condition is met."""
        return self.name in values and values[self.name] in self.values

    def get_config(self) -> dict[str, Any]:
        """Return the condition as plain values, in KerasTuner's form."""
        return {
            "class_name": "Parent",
            "config": {"name": self.name, "values": list(self.values)},
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Parent:
        """Return the condition that a config means."""
        inner = config["config"]
        return cls(inner["name"], tuple(inner["values"]))


class HyperParameter:
    """One number or choice of a search, active where its conditions hold.

    Args:
        name: The name.
        default: The value that is taken where nothing is searched.
        conditions: Conditions, all of which must hold.
    """

    _settings: tuple[str, ...] = ()

    def __init__(self, name: str, default: Any = None, conditions: Sequence[Parent] = ()) -> None:
        if not isinstance(name, str) or not name:
            raise ValueError(
                f"The name of a hyperparameter is a text that is not empty; got {name!r}."
            )
        self.name, self.conditions, self._default = name, tuple(conditions), default

    @property
    def default(self) -> Any:
        """The value that is taken where nothing is searched."""
        return self.first() if self._default is None else self._default

    @property
    def key(self) -> str:
        """What the storage knows it by: one name may mean several things under several conditions."""
        where = " & ".join(f"{c.name} in {list(c.values)}" for c in self.conditions)
        return f"{self.name} [{where}]" if where else self.name

    def active(self, values: Mapping[str, Any]) -> bool:
        """Say whether all its conditions hold."""
        return all(condition.holds(values) for condition in self.conditions)

    def first(self) -> Any:
        """Return the first value."""
        raise NotImplementedError

    def admits(self, value: Any) -> bool:
        """Say whether it can have a value."""
        return value in self.options()

    def options(self) -> list[Any]:
        """Return the values that a grid goes through; of a continuous range, a few of them."""
        raise NotImplementedError

    def distribution(self) -> BaseDistribution | None:
        """Return what a sampler of Optuna's draws from; `None` where there is nothing to choose."""
        raise NotImplementedError

    def drawn(self, sample: Any) -> Any:
        """Return the value that a sampler's draw means."""
        return sample

    def sample(self, value: Any) -> Any:
        """Return the draw that means a value."""
        return value

    def get_config(self) -> dict[str, Any]:
        """Return its definition as plain values, in KerasTuner's form."""
        config: dict[str, Any] = {"name": self.name, "default": self._default}
        config["conditions"] = [c.get_config() for c in self.conditions]
        return config | {name: getattr(self, name) for name in self._settings}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> HyperParameter:
        """Return the hyperparameter that a config means."""
        conditions = [Parent.from_config(c) for c in config.get("conditions", [])]
        return cls(**{**config, "conditions": conditions})

    def __repr__(self) -> str:
        shown = ", ".join(f"{k}: {getattr(self, k)!r}" for k in (*self._settings, "default"))
        return f"{type(self).__name__}(name: {self.name!r}, {shown})"

    def _refuse(self, why: str) -> ValueError:
        return ValueError(f"Hyperparameter {self.name!r} ({type(self).__name__}): {why}")
