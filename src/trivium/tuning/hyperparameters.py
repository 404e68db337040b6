"""The hyperparameters of a search: defined where they are used, by asking for their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trivium.state import named_arguments, suggest
from trivium.tuning.errors import UnknownHyperParameterError
from trivium.tuning.hyperparameter import HyperParameter, Parent, Values
from trivium.tuning.kinds import KINDS, Boolean, Choice, Fixed
from trivium.tuning.name_scopes import Scoped
from trivium.tuning.ranges import Float, Int

__all__ = ["HyperParameters"]


class HyperParameters(Scoped):
    """Hyperparameters and their values.

    A search hands one to `build`, which asks it for values. What is asked for the first time is defined by that, and
    has its default as long as nobody searches. The names and arguments are KerasTuner's.

    Attributes:
        values: The values of those that are active, by name.

    Example:
        >>> hp = HyperParameters()
        >>> hp.Int("units", 32, 128, step=32)
        32
        >>> hp.values["units"] = 96
        >>> hp.Int("units", 32, 128, step=32)
        96
        >>> with hp.name_scope("head"):
        ...     hp.Float("rate", 0.0, 0.5, default=0.25)
        0.25
        >>> hp.values
        {'units': 96, 'head/rate': 0.25}
    """

    def __init__(self) -> None:
        super().__init__()
        # A trial draws what its `build` defines anew, where it may.
        self._draw: Callable[[HyperParameter], Any] | None = None

    # -- the kinds -------------------------------------------------------------------------------------------------

    @named_arguments
    def Int(
        self,
        name: str,
        min_value: int,
        max_value: int,
        step: int | None = None,
        sampling: str | None = "linear",
        default: int | None = None,
        parent_name: str | None = None,
        parent_values: Values = None,
    ) -> Any:
        """Return a whole number from a range, both ends included.

        Args:
            name: The name.
            min_value: The least.
            max_value: The greatest.
            step: What lies between two values: added with `sampling="linear"`, multiplied else.
            sampling: `"linear"`, `"log"` (dense at the lower end) or `"reverse_log"` (dense at the upper).
            default: The value where nothing is searched; `min_value` where it is `None`.
            parent_name: Another hyperparameter that it depends on; see `conditional_scope`.
            parent_values: The values of that one with which it counts.

        Returns:
            The value; `None` where its conditions are not met.

        Example:
            >>> HyperParameters().Int("units", 8, 64, default=16)
            16
        """
        return self._asked(
            parent_name, parent_values, Int, name, min_value, max_value, step, sampling, default
        )

    @named_arguments
    def Float(
        self,
        name: str,
        min_value: float,
        max_value: float,
        step: float | None = None,
        sampling: str | None = "linear",
        default: float | None = None,
        parent_name: str | None = None,
        parent_values: Values = None,
    ) -> Any:
        """Return a number from a range.

        Args:
            name: The name.
            min_value: The least.
            max_value: The greatest.
            step: What lies between two values: added with `sampling="linear"`, multiplied else.
            sampling: `"linear"`, `"log"` (dense at the lower end) or `"reverse_log"` (dense at the upper).
            default: The value where nothing is searched; `min_value` where it is `None`.
            parent_name: Another hyperparameter that it depends on; see `conditional_scope`.
            parent_values: The values of that one with which it counts.

        Returns:
            The value; `None` where its conditions are not met.

        Example:
            >>> HyperParameters().Float("learning_rate", 1e-4, 1e-1, sampling="log")
            0.0001
        """
        return self._asked(
            parent_name, parent_values, Float, name, min_value, max_value, step, sampling, default
        )

    @named_arguments
    def Choice(
        self,
        name: str,
        values: Sequence[Any],
        ordered: bool | None = None,
        default: Any = None,
        parent_name: str | None = None,
        parent_values: Values = None,
    ) -> Any:
        """Return one of several values of one type.

        Args:
            name: The name.
            values: The values: texts, numbers or bools.
            ordered: Whether their order means something; numbers have one where it is `None`.
            default: The value where nothing is searched; the first where it is `None`.
            parent_name: Another hyperparameter that it depends on; see `conditional_scope`.
            parent_values: The values of that one with which it counts.

        Returns:
            The value; `None` where its conditions are not met.

        Example:
            >>> HyperParameters().Choice("activation", ["relu", "tanh"])
            'relu'
        """
        return self._asked(parent_name, parent_values, Choice, name, values, ordered, default)

    @named_arguments
    def Boolean(
        self,
        name: str,
        default: bool = False,
        parent_name: str | None = None,
        parent_values: Values = None,
    ) -> Any:
        """Return yes or no.

        Args:
            name: The name.
            default: The value where nothing is searched.
            parent_name: Another hyperparameter that it depends on; see `conditional_scope`.
            parent_values: The values of that one with which it counts.

        Returns:
            The value; `None` where its conditions are not met.

        Example:
            >>> HyperParameters().Boolean("dropout")
            False
        """
        return self._asked(parent_name, parent_values, Boolean, name, default)

    @named_arguments
    def Fixed(
        self,
        name: str,
        value: Any,
        parent_name: str | None = None,
        parent_values: Values = None,
    ) -> Any:
        """Return a value that is noted and not searched for.

        Args:
            name: The name.
            value: A text, a number or a bool.
            parent_name: Another hyperparameter that it depends on; see `conditional_scope`.
            parent_values: The values of that one with which it counts.

        Returns:
            The value; `None` where its conditions are not met.

        Example:
            >>> HyperParameters().Fixed("batch_size", 32)
            32
        """
        return self._asked(parent_name, parent_values, Fixed, name, value)

    def _asked(
        self,
        parent_name: str | None,
        parent_values: Values,
        kind: Any,
        name: str,
        *settings: Any,
    ) -> Any:
        if parent_name is not None:
            with self.conditional_scope(parent_name, parent_values):
                return self._asked(None, None, kind, name, *settings)
        return self._value(kind(self._name(name), *settings, conditions=tuple(self._conditions)))

    def _value(self, asked: HyperParameter) -> Any:
        known = self.find(asked.name, asked.conditions)
        if known is None:
            self._defined.setdefault(asked.name, []).append(asked)
        known = known or asked
        if not known.active(self.values):
            return None
        if known.name not in self.values:
            self.values[known.name] = self._draw(known) if self._draw else known.default
        return self.values[known.name]

    # -- looking at them -------------------------------------------------------------------------------------------

    @property
    def space(self) -> list[HyperParameter]:
        """Every hyperparameter, in the order in which they were defined.

        Example:
            >>> hp = HyperParameters()
            >>> _ = hp.Boolean("dropout")
            >>> hp.space
            [Boolean(name: 'dropout', default: False)]
        """
        return [one for same in self._defined.values() for one in same]

    def find(self, name: str, conditions: Sequence[Parent]) -> HyperParameter | None:
        """Return the hyperparameter of a whole name and conditions, if it is defined."""
        same = self._defined.get(name, ())
        return next((one for one in same if one.conditions == tuple(conditions)), None)

    def is_active(self, hyperparameter: str | HyperParameter) -> bool:
        """Say whether the conditions of a hyperparameter are met.

        Args:
            hyperparameter: Its name, or itself.
        """
        if isinstance(hyperparameter, HyperParameter):
            return hyperparameter.active(self.values)
        same = self._defined.get(self._name(hyperparameter), ())
        return any(one.active(self.values) for one in same)

    def get(self, name: str) -> Any:
        """Return the value of a hyperparameter that was defined before.

        Args:
            name: Its name.

        Raises:
            UnknownHyperParameterError: There is none of that name.
            ValueError: Its conditions are not met.

        Example:
            >>> hp = HyperParameters()
            >>> _ = hp.Int("units", 8, 64)
            >>> hp.get("unit")
            Traceback (most recent call last):
                ...
            trivium.tuning.errors.UnknownHyperParameterError: There is no hyperparameter 'unit'. Did you mean 'units'?
        """
        whole = self._name(name)
        if whole in self.values:
            return self.values[whole]
        if whole in self._defined:
            unmet = [c for one in self._defined[whole] for c in one.conditions]
            raise ValueError(
                f"Hyperparameter {whole!r} does not count here: "
                + "; ".join(f"{c.name!r} would have to be one of {list(c.values)}" for c in unmet)
                + f", and is {self.values.get(unmet[0].name)!r}."
            )
        known = {*self._defined, *self.values}
        hint = suggest(whole, known) if known else "Nothing is defined yet."
        raise UnknownHyperParameterError(f"There is no hyperparameter {whole!r}. {hint}")

    def __getitem__(self, name: str) -> Any:
        return self.get(name)

    def __contains__(self, name: str) -> bool:
        return self._name(name) in self.values

    def ensure_active_values(self) -> None:
        """Give those that are active and have no value their default, and forget the values of those that are not."""
        values: dict[str, Any] = {}
        given, self.values = self.values, values
        for one in self.space:
            if one.active(values) and one.name not in values:
                # One name may mean several things, each under its own conditions.
                known = one.name in given and one.admits(given[one.name])
                values[one.name] = given[one.name] if known else one.default
        # What nobody has defined stays: a caller's own notes, such as Hyperband's.
        values.update({name: v for name, v in given.items() if name not in self._defined})

    # -- copies and configs ----------------------------------------------------------------------------------------

    def merge(self, hps: Any, overwrite: bool = True) -> None:
        """Take over the definitions and values of another one.

        Args:
            hps: The other one, or a list of hyperparameters.
            overwrite: Whether values of one's own are written over.
        """
        ones = hps.space if isinstance(hps, HyperParameters) else list(hps)
        given = hps.values if isinstance(hps, HyperParameters) else {}
        for one in ones:
            if self.find(one.name, one.conditions) is None:
                self._defined.setdefault(one.name, []).append(one)
            if one.active(self.values) and (overwrite or one.name not in self.values):
                self.values[one.name] = given.get(one.name, one.default)

    def copy(self) -> HyperParameters:
        """Return a copy, which goes its own way.

        Example:
            >>> hp = HyperParameters()
            >>> _ = hp.Int("units", 8, 64)
            >>> other = hp.copy()
            >>> other.values["units"] = 9
            >>> hp.get("units")
            8
        """
        return type(self).from_config(self.get_config())

    def get_config(self) -> dict[str, Any]:
        """Return definitions and values as plain values, in KerasTuner's form."""
        space = [
            {"class_name": type(one).__name__, "config": one.get_config()} for one in self.space
        ]
        return {"space": space, "values": dict(self.values)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> HyperParameters:
        """Return the hyperparameters that a config means.

        Args:
            config: What `get_config` gave, ours or KerasTuner's.

        Raises:
            ValueError: It names a kind that there is not.

        Example:
            >>> hp = HyperParameters()
            >>> _ = hp.Choice("activation", ["relu", "tanh"])
            >>> HyperParameters.from_config(hp.get_config()).values
            {'activation': 'relu'}
        """
        made = cls()
        for row in config["space"]:
            kind = KINDS.get(row["class_name"])
            if kind is None:
                raise ValueError(
                    f"There is no kind of hyperparameter {row['class_name']!r}. {suggest(row['class_name'], KINDS)}"
                )
            one = kind.from_config(row["config"])
            made._defined.setdefault(one.name, []).append(one)
        made.values = dict(config["values"])
        return made
