"""Several optimizers in one, each for its part of the variables."""

from __future__ import annotations

import inspect
import re
import warnings
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
        TypeError: Something among them is no optimizer, or no pattern.
        ValueError: A pattern cannot be read, or one of the optimizers wraps others itself.

    Example:
        >>> from trivium.optimizers import SGD, Adam
        >>> chosen = OptimizerMap(SGD(), {"encoder/.*": Adam()})
        >>> type(chosen["encoder/dense/kernel"]).__name__, type(chosen["decoder"]).__name__
        ('Adam', 'SGD')
    """

    def __init__(
        self, default_optimizer: Optimizer, optimizer_map: Mapping[str, Optimizer] | None = None
    ) -> None:
        self.default_optimizer = _checked(default_optimizer, "OptimizerMap: `default_optimizer`")
        self._map: dict[str, Optimizer] = {}
        if not isinstance(optimizer_map, Mapping | None):
            raise TypeError(
                "OptimizerMap: `optimizer_map` is a dict of optimizers by patterns of paths; got "
                f"{_shown(optimizer_map)}. Write {{'encoder/.*': Adam()}}."
            )
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
        if not isinstance(pattern, str):
            path = getattr(pattern, "path", None)
            remedy = f": for this layer {path + '/.*'!r}" if isinstance(path, str) else ""
            raise TypeError(
                "OptimizerMap: the keys are the paths of variables, or patterns that match whole paths; got "
                f"{_shown(pattern)}. Write text{remedy}."
            )
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(
                f"OptimizerMap: {pattern!r} is no pattern that can be read: {error}. Write what `re.fullmatch` takes."
            ) from None
        self._map[pattern] = _checked(optimizer, f"OptimizerMap: the value of {pattern!r}")

    def __delitem__(self, pattern: str) -> None:
        del self._map[pattern]

    def __iter__(self) -> Iterator[str]:
        return iter(self._map)

    def __len__(self) -> int:
        return len(self._map)

    def __call__(self, variable: Variable) -> Optimizer:
        """Return the optimizer of a variable."""
        return self[variable.path]

    def _warn_of_idle(self, paths: Sequence[str], name: str) -> None:
        """Warn of patterns that match none of the variables that are trained: the default has them."""
        for pattern, optimizer in self._map.items():
            if pattern not in paths and not any(re.fullmatch(pattern, path) for path in paths):
                warnings.warn(
                    f"{name!r}: the pattern {pattern!r} matches none of the {len(paths)} variables that are trained, "
                    f"so its {type(optimizer).__name__} trains nothing. A pattern matches a whole path, as "
                    f"{paths[0] if paths else 'encoder/kernel'!r} is one.",
                    stacklevel=3,
                )

    def _config_argument(self, name: str) -> Any:
        return self._map if name == "optimizer_map" else super()._config_argument(name)


def _checked(optimizer: Any, place: str) -> Optimizer:
    """Return what is an optimizer that several can have among them; else raise an error that names the place."""
    if not isinstance(optimizer, Optimizer):
        remedy = ""
        if isinstance(optimizer, type) and issubclass(optimizer, Optimizer):
            remedy = f" Write {optimizer.__name__}()."
        elif isinstance(optimizer, str) and optimizer.lower() in registry.names():
            remedy = f" Give the optimizer itself: trivium.optimizers.get({optimizer!r})."
        elif isinstance(optimizer, Mapping):
            remedy = " The default comes first: OptimizerMap(SGD(), {'encoder/.*': Adam()})."
        raise TypeError(f"{place} is an optimizer; got {_shown(optimizer)}.{remedy}")
    if isinstance(optimizer, LossScaleOptimizer | MultiOptimizer):
        raise ValueError(
            f"{place} is a {type(optimizer).__name__}, which cannot be one of several optimizers: put it around all "
            "of them."
        )
    return optimizer


def _shown(value: Any) -> str:
    """Return a few words for what came, whatever its size."""
    if isinstance(value, str | type) or value is None:
        return repr(value)
    return f"a {type(value).__name__}"


def _takes_a_variable(given: Any) -> bool:
    if isinstance(given, type) or not callable(given):
        return False
    try:
        inspect.signature(given).bind(None)
    except TypeError:
        return False
    except ValueError:  # Nobody can say what it takes.
        pass
    return True


def _no_map(given: Any) -> TypeError:
    """Return the error for what says nothing of which optimizer is whose, with the way to write it."""
    remedy = "OptimizerMap(SGD(), {'encoder/.*': Adam()})"
    if isinstance(given, type) and issubclass(given, OptimizerMap):
        remedy += ", which is an object of the class"
    elif isinstance(given, Mapping):
        remedy += ": there is a default beside the dict"
    elif isinstance(given, list | tuple):
        remedy += (
            ": which variables are whose follows from their paths, in place of lists of layers"
        )
    return TypeError(
        "MultiOptimizer: `optimizer_map` is an OptimizerMap, or a function that returns a variable's optimizer; got "
        f"{_shown(given)}{' of other arguments' if inspect.isfunction(given) else ''}. Write {remedy}."
    )


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
        TypeError: `optimizer_map` is neither.
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
        if not _takes_a_variable(optimizer_map):
            raise _no_map(optimizer_map)
        self.optimizers: list[Optimizer] = []
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        self.optimizer_map = optimizer_map
        self._places: list[list[int]] = []
        self._last_rates: list[float] = []
        self._proportions: list[float] = []
        if isinstance(optimizer_map, OptimizerMap):
            for optimizer in (*optimizer_map.values(), optimizer_map.default_optimizer):
                self._add(optimizer)

    def _add(self, optimizer: Optimizer) -> int:
        """Return the place of an optimizer among `optimizers`, where it is put if it is new."""
        known = [id(x) for x in self.optimizers]
        if id(optimizer) not in known:
            optimizer.loss_scale_factor = self.loss_scale_factor
            self.optimizers.append(optimizer)
            self._places.append([])
            return len(known)
        return known.index(id(optimizer))

    def build(self, variables: Iterable[Variable]) -> None:
        """Ask for each variable's optimizer and build the optimizers.

        Args:
            variables: The variables to train. A second call changes nothing.

        Raises:
            TypeError: The function returns something else than an optimizer.
            ValueError: A variable is matched by several patterns.

        Warns:
            UserWarning: A pattern matches none of the variables.
        """
        if self.built:
            return
        trained = list(variables)
        # All are asked before any is put in its place: it may fail.
        chosen = [
            _checked(
                self.optimizer_map(v), f"{self.name!r}: what `optimizer_map` returns for {v.path!r}"
            )
            for v in trained
        ]
        if isinstance(self.optimizer_map, OptimizerMap):
            self.optimizer_map._warn_of_idle([v.path for v in trained], self.name)
        self._trainable_variables = trained
        for i, optimizer in enumerate(chosen):
            self._places[self._add(optimizer)].append(i)
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
