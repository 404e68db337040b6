"""Several optimizers in one, each for its part of the variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any

from trivium.optimizers.loss_scale import LossScaleOptimizer
from trivium.optimizers.optimizer import Optimizer
from trivium.optimizers.registration import registry
from trivium.state import Configured, Variable

__all__ = ["MultiOptimizer", "OptimizerMap"]


@registry.register("optimizermap")
class OptimizerMap(Configured, MutableMapping[str, Optimizer]):
    """Says by the path of a variable which optimizer it belongs to.

    Args:
        default_optimizer: The optimizer of the variables that nothing else matches.
        optimizer_map: Optimizers by paths, or by patterns that match whole paths: `"encoder/.*"`.

    Raises:
        TypeError: Something among them is no optimizer.

    Example:
        >>> from trivium.optimizers import SGD, Adam
        >>> chosen = OptimizerMap(SGD(), {"encoder/.*": Adam()})
        >>> type(chosen["encoder/dense/kernel"]).__name__, type(chosen["decoder"]).__name__
        ('Adam', 'SGD')
    """

    def __init__(
        self, default_optimizer: Optimizer, optimizer_map: Mapping[str, Optimizer] | None = None
    ) -> None:
        self.default_optimizer = _checked(default_optimizer)
        self._map: dict[str, Optimizer] = {}
        for pattern, optimizer in (optimizer_map or {}).items():
            self[pattern] = optimizer

    def __getitem__(self, path: str) -> Optimizer:
        if path in self._map:
            return self._map[path]
        found = [pattern for pattern in self._map if re.fullmatch(pattern, path)]
        if len(found) > 1:
            raise ValueError(
                f"The variable {path!r} is matched by the patterns {found}: let one match it."
            )
        return self._map[found[0]] if found else self.default_optimizer

    def __setitem__(self, pattern: str, optimizer: Optimizer) -> None:
        if pattern in self._map:
            raise ValueError(f"The pattern {pattern!r} has an optimizer already; delete it first.")
        self._map[pattern] = _checked(optimizer)

    def __delitem__(self, pattern: str) -> None:
        del self._map[pattern]

    def __iter__(self) -> Iterator[str]:
        return iter(self._map)

    def __len__(self) -> int:
        return len(self._map)

    def __call__(self, variable: Variable) -> Optimizer:
        """Return the optimizer of a variable."""
        return self[variable.path]

    def _config_argument(self, name: str) -> Any:
        return self._map if name == "optimizer_map" else super()._config_argument(name)


def _checked(optimizer: Any) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"An optimizer is wanted here; got {optimizer!r}.")
    if isinstance(optimizer, LossScaleOptimizer | MultiOptimizer):
        raise ValueError(
            f"A {type(optimizer).__name__} cannot be one of several optimizers: put it around all of them."
        )
    return optimizer


@registry.register("multioptimizer")
class MultiOptimizer(Optimizer):
    """Gives each variable to one of several optimizers.

    Each of them clips, decays and counts by itself. The learning rates are theirs: see `optimizers`, and
    `learning_rate` for setting all of them in proportion.

    Args:
        optimizer_map: An `OptimizerMap`, or a function that returns a variable's optimizer.
        loss_scale_factor: The loss scale of all of them, in place of their own.
        name: A name.

    Raises:
        ValueError: One of the optimizers wraps others itself.

    Example:
        >>> import jax.numpy as jnp
        >>> from trivium.optimizers import SGD
        >>> a, b = Variable([0.0], name="a"), Variable([0.0], name="b")
        >>> MultiOptimizer(OptimizerMap(SGD(0.5), {"b": SGD(0.25)})).apply([-jnp.ones(1)] * 2, [a, b])
        >>> a.numpy().tolist(), b.numpy().tolist()
        ([0.5], [0.25])
    """

    def __init__(
        self,
        optimizer_map: Callable[[Variable], Optimizer],
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ) -> None:
        self.optimizers: list[Optimizer] = []
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        self.optimizer_map = optimizer_map
        self._places: list[list[int]] = []
        self._last_rates: list[float] = []
        self._proportions: list[float] = []
        if isinstance(optimizer_map, OptimizerMap):
            for optimizer in (*optimizer_map.values(), optimizer_map.default_optimizer):
                self._add(optimizer)

    def _add(self, optimizer: Any) -> int:
        """Return the place of an optimizer among `optimizers`, where it is put if it is new."""
        known = [id(x) for x in self.optimizers]
        if id(optimizer) not in known:
            _checked(optimizer).loss_scale_factor = self.loss_scale_factor
            self.optimizers.append(optimizer)
            self._places.append([])
            return len(known)
        return known.index(id(optimizer))

    def build(self, variables: Iterable[Variable]) -> None:
        """Ask for each variable's optimizer and build the optimizers.

        Args:
            variables: The variables to train. A second call changes nothing.
        """
        if self.built:
            return
        self._trainable_variables = list(variables)
        for i, variable in enumerate(self._trainable_variables):
            self._places[self._add(self.optimizer_map(variable))].append(i)
        for optimizer, places in zip(self.optimizers, self._places, strict=True):
            if places:
                optimizer.build([self._trainable_variables[i] for i in places])
        self.built = True

    @property
    def inner(self) -> list[Optimizer]:
        """The optimizers inside."""
        return self.optimizers

    @property
    def variables(self) -> list[Variable]:
        """The optimizer's own variables and those of all inner ones, in the order of Keras's files."""
        return [*super().variables, *(v for o in self.optimizers for v in o.variables)]

    def stateless_apply(
        self,
        optimizer_variables: Sequence[Any],
        grads: Sequence[Any],
        trainable_variables: Sequence[Any],
    ) -> tuple[list[Any], list[Any]]:
        """Make one step, as a pure function of arrays; see `Optimizer`."""
        self._check_length("optimizer_variables", optimizer_variables, self.variables)
        given = self._align(grads, self._trainable_variables)
        own = len(super().variables)
        parameters, rest = list(trainable_variables), list(optimizer_variables[own:])
        # The counter of steps comes first; it is ours, and so is the rate, which nobody uses.
        state = [optimizer_variables[0] + 1, *optimizer_variables[1:own]]
        for optimizer, places in zip(self.optimizers, self._places, strict=True):
            count = len(optimizer.variables)
            mine, rest = rest[:count], rest[count:]
            if any(given[i] is not None for i in places):
                new, mine = optimizer.stateless_apply(
                    mine, [given[i] for i in places], [parameters[i] for i in places]
                )
                for i, value in zip(places, new, strict=True):
                    parameters[i] = value
            state += mine
        return parameters, state

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the default optimizer, or of the first one where there is no default.

        Setting it sets those of all the others in proportion, so that whoever plans the rate needs
        not know that there are several. The proportions are those that the optimizers have by
        themselves. (`LearningRateScheduler` and `ReduceLROnPlateau` set each rate by itself.)
        """
        return self._leading.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        if callable(learning_rate):
            raise TypeError(
                f"{self.name!r} has several learning rates: set schedules on its `optimizers`."
            )
        leading = self._leading
        fixed = [o.name for o in self.optimizers if o._schedule is not None]
        if fixed:
            raise TypeError(
                f"The learning rates of {fixed} in {self.name!r} are schedules or functions, so they "
                "cannot be set to numbers."
            )
        rates = [float(o.learning_rate) for o in self.optimizers]
        if rates != self._last_rates:  # The first time, or one of them has been set by itself.
            whole = float(leading.learning_rate)
            self._proportions = [rate / whole if whole else 1.0 for rate in rates]
        for optimizer, proportion in zip(self.optimizers, self._proportions, strict=True):
            optimizer.learning_rate = float(learning_rate) * proportion
        # Kept, since a rate of 0, as at the start of a warm-up, does not tell them.
        self._last_rates = [float(o.learning_rate) for o in self.optimizers]

    @property
    def _leading(self) -> Optimizer:
        chosen = self.optimizer_map
        if isinstance(chosen, OptimizerMap):
            return chosen.default_optimizer
        if not self.optimizers:
            raise AttributeError(
                f"{self.name!r} has no learning rate before it is built: only then its function says "
                "which optimizers there are."
            )
        return self.optimizers[0]

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "loss_scale_factor":
            for optimizer in self.optimizers:
                optimizer.loss_scale_factor = value

    def exclude_from_weight_decay(self, *args: Any, **kwargs: Any) -> None:
        """Leave variables out of every optimizer's weight decay; see `Optimizer`."""
        for optimizer in self.optimizers:
            optimizer.exclude_from_weight_decay(*args, **kwargs)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Set the variables to the moving averages that the optimizers keep; see `Optimizer`."""
        self._check_length("var_list", var_list, self._trainable_variables)
        for optimizer, places in zip(self.optimizers, self._places, strict=True):
            if places:
                optimizer.finalize_variable_values([var_list[i] for i in places])
