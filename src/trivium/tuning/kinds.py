"""The kinds of hyperparameters: which values each has, and how an Optuna sampler sees them.

A sampler knows numbers on a linear or a logarithmic axis and categories without an order. Each kind says which of these
it is (`distribution`), and turns what a sampler gives into its value and back. So a geometric ladder (1, 2, 4, 8) is
sampled by the number of the rung, and `reverse_log`, which is dense at the upper end, by its mirror image.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trivium.state import suggest

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

__all__ = ["KINDS", "Boolean", "Choice", "Fixed", "Float", "HyperParameter", "Int", "Parent"]

SAMPLINGS = ("linear", "log", "reverse_log")
# How many values of a continuous range a grid takes: the middles of so many equal parts of its axis.
_GRID = 10


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
    values: tuple[Any, ...]

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


class _Range(HyperParameter):
    """What `Int` and `Float` share: a range on a linear or logarithmic axis, with or without steps."""

    _settings = ("min_value", "max_value", "step", "sampling")

    def __init__(
        self,
        name: str,
        min_value: Any,
        max_value: Any,
        step: Any = None,
        sampling: str | None = "linear",
        default: Any = None,
        conditions: Sequence[Parent] = (),
    ) -> None:
        super().__init__(name, default, conditions)
        sampling = sampling or "linear"
        self.min_value = self._number("min_value", min_value)
        self.max_value = self._number("max_value", max_value)
        self.step = None if step is None else self._number("step", step)
        self.sampling = sampling
        if sampling not in SAMPLINGS:
            raise self._refuse(
                f"there is no sampling {sampling!r}. {suggest(str(sampling), SAMPLINGS)}"
            )
        if self.min_value > self.max_value:
            raise self._refuse(
                f"min_value {min_value} is greater than max_value {max_value}; exchange them."
            )
        if sampling != "linear" and self.min_value <= 0:
            raise self._refuse(
                f"sampling={sampling!r} needs numbers above zero, and min_value is {min_value}; "
                "raise it, or take sampling='linear'."
            )
        least = 0 if sampling == "linear" else 1
        if self.step is not None and self.step <= least:
            what = "is added" if sampling == "linear" else f"multiplies (sampling={sampling!r})"
            raise self._refuse(f"step {what} and must be greater than {least}; got {step}.")
        if (
            default is not None
            and not self.min_value <= self._number("default", default) <= max_value
        ):
            raise self._refuse(f"the default {default} lies outside of {min_value} to {max_value}.")

    def _number(self, what: str, value: Any) -> Any:
        raise NotImplementedError

    def _rounded(self, value: float) -> Any:
        raise NotImplementedError

    def first(self) -> Any:
        return self.min_value

    def admits(self, value: Any) -> bool:
        """Say whether it can have a value."""
        if not isinstance(value, numbers.Real):
            return False
        inside = self.min_value <= value <= self.max_value
        return inside and (self.step is None or value in self._rungs())

    def _rungs(self) -> list[Any]:
        """Return the values of a range with steps."""
        assert self.step is not None
        span, low = self.max_value - self.min_value, self.min_value
        # A little more than the division gives: 0.9 / 0.3 is below 3 in floats.
        if self.sampling == "linear":
            count = math.floor(span / self.step + 1e-8)
            return [self._rounded(low + i * self.step) for i in range(count + 1)]
        count = math.floor(math.log(self.max_value / low, self.step) + 1e-8)
        if self.sampling == "log":
            return [self._rounded(low * self.step**i) for i in range(count + 1)]
        mirrored = [low + self.max_value - low * self.step**i for i in range(count + 1)]
        return [self._rounded(value) for value in reversed(mirrored)]

    def _at(self, share: float, top: float) -> float:
        """Return the value at a share of the axis from `min_value` to `top`."""
        low = self.min_value
        if self.sampling == "linear":
            return float(low + share * (top - low))
        if self.sampling == "log":
            return float(low * (top / low) ** share)
        return float(top + low - low * (top / low) ** (1 - share))


class Int(_Range):
    """A whole number from a range, both ends included.

    Args:
        name: The name.
        min_value: The least.
        max_value: The greatest.
        step: What lies between two values: added with `sampling="linear"`, 1 where it is `None`; multiplied else.
        sampling: `"linear"`, `"log"` (dense at the lower end) or `"reverse_log"` (dense at the upper).
        default: The value where nothing is searched; `min_value` where it is `None`.
        conditions: Conditions, all of which must hold.

    Example:
        >>> Int("units", 32, 128, step=32).options()
        [32, 64, 96, 128]
        >>> Int("units", 1, 20, step=2, sampling="log").options()
        [1, 2, 4, 8, 16]
    """

    def __init__(
        self,
        name: str,
        min_value: int,
        max_value: int,
        step: int | None = None,
        sampling: str | None = "linear",
        default: int | None = None,
        conditions: Sequence[Parent] = (),
    ) -> None:
        if step is None and (sampling or "linear") == "linear":
            step = 1
        super().__init__(name, min_value, max_value, step, sampling, default, conditions)

    def _number(self, what: str, value: Any) -> int:
        whole = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if not whole or not float(value).is_integer():
            raise self._refuse(f"{what} is a whole number; got {value!r}. `Float` takes others.")
        return int(value)

    def _rounded(self, value: float) -> int:
        return round(value)

    def options(self) -> list[int]:
        """Return the values that a grid goes through."""
        if self.step is not None:
            return self._rungs()
        values = [int(self._at((i + 0.5) / _GRID, self.max_value + 1)) for i in range(_GRID)]
        return sorted({min(max(v, self.min_value), self.max_value) for v in values})

    def distribution(self) -> BaseDistribution:
        """Return what a sampler of Optuna's draws from."""
        from optuna.distributions import IntDistribution

        if self.sampling == "linear":
            assert self.step is not None
            top = self.min_value + (self.max_value - self.min_value) // self.step * self.step
            return IntDistribution(self.min_value, top, step=self.step)
        if self.step is not None:
            return IntDistribution(0, len(self._rungs()) - 1)
        return IntDistribution(self.min_value, self.max_value, log=True)

    def drawn(self, sample: Any) -> int:
        """Return the value that a sampler's draw means."""
        if self.sampling != "linear" and self.step is not None:
            return self._rungs()[int(sample)]
        mirrored = self.sampling == "reverse_log"
        return int(self.min_value + self.max_value - sample if mirrored else sample)

    def sample(self, value: Any) -> int:
        """Return the draw that means a value."""
        if self.sampling != "linear" and self.step is not None:
            return self._rungs().index(value)
        mirrored = self.sampling == "reverse_log"
        return int(self.min_value + self.max_value - value if mirrored else value)


class Float(_Range):
    """A number from a range.

    Args:
        name: The name.
        min_value: The least.
        max_value: The greatest.
        step: What lies between two values: added with `sampling="linear"`, multiplied else; `None` for all values.
        sampling: `"linear"`, `"log"` (dense at the lower end) or `"reverse_log"` (dense at the upper).
        default: The value where nothing is searched; `min_value` where it is `None`.
        conditions: Conditions, all of which must hold.

    Example:
        >>> Float("rate", 0.0, 1.0, step=0.25).options()
        [0.0, 0.25, 0.5, 0.75, 1.0]
    """

    def _number(self, what: str, value: Any) -> float:
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise self._refuse(f"{what} is a number; got {value!r}.") from None
        if not math.isfinite(number):
            raise self._refuse(f"{what} is a finite number; got {value!r}.")
        return number

    def _rounded(self, value: float) -> float:
        return float(f"{value:.12g}")  # 0.3 + 0.6 is 0.9, not 0.8999999999999999.

    def options(self) -> list[float]:
        """Return the values that a grid goes through."""
        if self.step is not None:
            return self._rungs()
        return [self._rounded(self._at((i + 0.5) / _GRID, self.max_value)) for i in range(_GRID)]

    def distribution(self) -> BaseDistribution:
        """Return what a sampler of Optuna's draws from."""
        from optuna.distributions import FloatDistribution, IntDistribution

        if self.step is not None:
            return IntDistribution(0, len(self._rungs()) - 1)
        return FloatDistribution(self.min_value, self.max_value, log=self.sampling != "linear")

    def drawn(self, sample: Any) -> float:
        """Return the value that a sampler's draw means."""
        if self.step is not None:
            return self._rungs()[int(sample)]
        mirrored = self.sampling == "reverse_log"
        return float(self.min_value + self.max_value - sample if mirrored else sample)

    def sample(self, value: Any) -> Any:
        """Return the draw that means a value."""
        if self.step is not None:
            return self._rungs().index(value)
        mirrored = self.sampling == "reverse_log"
        # The mirror image of the mirror image is another float; it must not leave the range.
        there = self.min_value + self.max_value - value if mirrored else value
        return min(max(there, self.min_value), self.max_value)

    def get_config(self) -> dict[str, Any]:
        """Return it as plain values."""
        return super().get_config() | {"default": self.default}


class Choice(HyperParameter):
    """One of several values of one type.

    Args:
        name: The name.
        values: The values: texts, numbers or bools.
        ordered: Whether their order means something to a sampler; numbers have one where it is `None`.
        default: The value where nothing is searched; the first where it is `None`.
        conditions: Conditions, all of which must hold.

    Example:
        >>> Choice("activation", ["relu", "tanh"]).default
        'relu'
    """

    _settings = ("values", "ordered")

    def __init__(
        self,
        name: str,
        values: Sequence[Any],
        ordered: bool | None = None,
        default: Any = None,
        conditions: Sequence[Parent] = (),
    ) -> None:
        super().__init__(name, default, conditions)
        self.values = list(values)
        if not self.values:
            raise self._refuse("there is nothing to choose from; give `values` at least one.")
        kinds = {type(value) for value in self.values}
        if kinds == {int, float}:
            self.values, kinds = [float(value) for value in self.values], {float}
        if len(kinds) > 1 or not kinds <= {int, float, str, bool}:
            raise self._refuse(
                "`values` are texts, numbers or bools, all of one type; got "
                f"{', '.join(sorted(kind.__name__ for kind in kinds))}. For objects, give their names and look the "
                "objects up."
            )
        numeric = kinds <= {int, float}
        if ordered and not numeric:
            raise self._refuse("`ordered` is for numbers; leave it out for texts and bools.")
        self.ordered = numeric if ordered is None else bool(ordered)
        if default is not None and default not in self.values:
            raise self._refuse(
                f"the default {default!r} is none of the values. {suggest(str(default), map(str, self.values))}"
            )

    def first(self) -> Any:
        """Return the first value."""
        return self.values[0]

    def options(self) -> list[Any]:
        """Return the values that a grid goes through."""
        return list(self.values)

    def distribution(self) -> BaseDistribution:
        """Return what a sampler of Optuna's draws from."""
        from optuna.distributions import CategoricalDistribution, IntDistribution

        if self.ordered:
            return IntDistribution(0, len(self.values) - 1)
        return CategoricalDistribution(self.values)

    def drawn(self, sample: Any) -> Any:
        """Return the value that a sampler's draw means."""
        return self.values[int(sample)] if self.ordered else sample

    def sample(self, value: Any) -> Any:
        """Return the draw that means a value."""
        return self.values.index(value) if self.ordered else value

    def get_config(self) -> dict[str, Any]:
        """Return it as plain values."""
        return super().get_config() | {"default": self.default}


class Boolean(HyperParameter):
    """Yes or no.

    Args:
        name: The name.
        default: The value where nothing is searched.
        conditions: Conditions, all of which must hold.

    Example:
        >>> Boolean("dropout").options()
        [False, True]
    """

    def __init__(self, name: str, default: bool = False, conditions: Sequence[Parent] = ()) -> None:
        super().__init__(name, default, conditions)
        if default not in (True, False):
            raise self._refuse(f"the default is True or False; got {default!r}.")
        self._default = bool(default)

    def first(self) -> bool:
        """Return the first value."""
        return False

    def options(self) -> list[bool]:
        """Return the values that a grid goes through."""
        return [False, True]

    def distribution(self) -> BaseDistribution:
        """Return what a sampler of Optuna's draws from."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution([False, True])


class Fixed(HyperParameter):
    """A value that is not searched for.

    Args:
        name: The name.
        value: A text, a number or a bool.
        conditions: Conditions, all of which must hold.

    Example:
        >>> Fixed("epochs", 3).options()
        [3]
    """

    _settings = ("value",)

    def __init__(self, name: str, value: Any, conditions: Sequence[Parent] = ()) -> None:
        super().__init__(name, None, conditions)
        if not isinstance(value, int | float | str | bool):
            raise self._refuse(
                f"the value is a text, a number or a bool; got {type(value).__name__} {value!r}."
            )
        self.value = value

    def first(self) -> Any:
        """Return the first value."""
        return self.value

    def options(self) -> list[Any]:
        """Return the values that a grid goes through."""
        return [self.value]

    def distribution(self) -> None:
        """Return what a sampler of Optuna's draws from."""
        return None

    def get_config(self) -> dict[str, Any]:
        """Return it as plain values."""
        config = super().get_config()
        del config["default"]
        return config


KINDS: dict[str, type[HyperParameter]] = {
    kind.__name__: kind for kind in (Int, Float, Choice, Boolean, Fixed)
}
