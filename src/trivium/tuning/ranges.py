"""Hyperparameters that are numbers from a range, and how an Optuna sampler sees them.

A geometric ladder (1, 2, 4, 8) is sampled by the number of the rung, and `reverse_log`, which is dense at the upper
end, by its mirror image.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trivium.state import suggest
from trivium.tuning.hyperparameter import HyperParameter, Parent

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

__all__ = ["Float", "Int"]

SAMPLINGS = ("linear", "log", "reverse_log")
# How many values of a continuous range a grid takes: the middles of so many equal parts of its axis.
_GRID = 10


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
