"""The kinds of hyperparameters: ranges of numbers, which stand beside, choices, yes or no, and what is fixed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trivium.state import suggest
from trivium.tuning.hyperparameter import HyperParameter, Parent
from trivium.tuning.ranges import Float, Int

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

__all__ = ["KINDS", "Boolean", "Choice", "Fixed"]


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
