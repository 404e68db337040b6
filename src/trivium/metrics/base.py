"""The metric: a running statistic over batches, kept in variables."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

import numpy as np

from trivium.graph import op
from trivium.losses.registry import LOSSES, FunctionRegistry
from trivium.state.configured import Configured
from trivium.state.copying import Copied
from trivium.state.dtype_policies import DTypeLike, get_policy
from trivium.state.dtypes import floatx
from trivium.state.guarding import Guarded
from trivium.state.names import auto_name, to_snake_case
from trivium.state.placing import zeros
from trivium.state.registry import suggest
from trivium.state.scopes import StatelessScope
from trivium.state.tracking import METRICS as TRACKED_METRICS
from trivium.state.tracking import members, unique
from trivium.state.types import DType
from trivium.state.variable import Variable

__all__ = ["METRICS", "Metric", "metric_class", "metric_function"]

C = TypeVar("C", bound=type)
P = ParamSpec("P")
R = TypeVar("R")

# Configs may name any loss function as a metric.
METRICS = FunctionRegistry("metric", module="keras.metrics", functions=LOSSES.functions)


def metric_class(*aliases: str) -> Callable[[C], C]:
    """Return a decorator that makes a class known by its name, also in snake case, and aliases."""

    def declare(cls: C) -> C:
        registered: C = METRICS.register(to_snake_case(cls.__name__), *aliases)(cls)
        return registered

    return declare


def metric_function(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function of `(y_true, y_pred)` an op and a metric function that configs may name."""
    declared = op(function)
    METRICS.functions[function.__name__] = declared
    return declared


def _zeros(shape: tuple[int, ...], dtype: DType | None = None) -> np.ndarray:
    return np.zeros(shape, dtype)


def _ones(shape: tuple[int, ...], dtype: DType | None = None) -> np.ndarray:
    return np.ones(shape, dtype)


_FIRST_VALUES = {"zeros": _zeros, "zero": _zeros, "Zeros": _zeros, "ones": _ones, "Ones": _ones}


def _with_values(result: Callable[..., Any]) -> Callable[..., Any]:
    """Let a metric return its variable for what the variable holds, as programs for TensorFlow do."""

    @functools.wraps(result)
    def wrapped(self: Metric) -> Any:
        value = result(self)
        if value is None:
            raise ValueError(
                f"`{result.__qualname__}` of the metric {self.name!r} returned None: does it end in "
                "`return ...`?"
            )
        if isinstance(value, dict):
            return {k: v.value if isinstance(v, Variable) else v for k, v in value.items()}
        return value.value if isinstance(value, Variable) else value

    return wrapped


@metric_class()
class Metric(Guarded, Copied, Configured):
    """A metric; subclass it and write `update_state` and `result` for one of your own.

    Args:
        dtype: What it computes and keeps its state in; the default float type where it is `None`.
        name: A name; the class's, in snake case, where it is `None`.

    Example:
        >>> import jax.numpy as jnp
        >>> class Largest(Metric):
        ...     def __init__(self, name="largest", dtype=None):
        ...         super().__init__(name=name, dtype=dtype)
        ...         self.largest = self.add_weight(name="largest", initializer="zeros")
        ...
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.largest.assign(jnp.maximum(self.largest.value, max(y_pred)))
        ...
        ...     def result(self):
        ...         return self.largest.value
        >>> metric = Largest()
        >>> metric.update_state([0.0], [3.0])
        >>> float(metric([0.0], [2.0]))
        3.0
        >>> state = metric.stateless_update_state(metric.stateless_reset_state(), [0.0], [2.0])
        >>> float(metric.stateless_result(state)), float(metric.result())
        (2.0, 3.0)
    """

    # "up" where more is better, "down" where less is: what callbacks need to know under
    # mode="auto".
    _direction: str | None = None
    _tracked_as = TRACKED_METRICS

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "result" in cls.__dict__:
            cls.result = _with_values(cls.__dict__["result"])  # type: ignore[method-assign]

    def __init__(self, dtype: DTypeLike | None = None, name: str | None = None) -> None:
        self.name = name or auto_name(to_snake_case(type(self).__name__))
        self.dtype = get_policy(dtype or floatx()).compute_dtype
        self._variables: list[Variable] = []
        self.built = True

    @property
    def path(self) -> str:
        """The name that its variables' paths start with."""
        return self.name.replace("/", ">")

    def build(self, y_true_shape: Sequence[Any], y_pred_shape: Sequence[Any]) -> None:
        """Add the variables whose shapes depend on the data's, once; most metrics have none.

        `update_state` does it on the first batch. Code that needs the state's shapes before, such
        as a compiled loop, calls this.

        Args:
            y_true_shape: The targets' shape.
            y_pred_shape: The predictions' shape.

        Raises:
            ValueError: The metric cannot be computed from such shapes.
        """
        if not self.built:
            self._build(tuple(y_true_shape), tuple(y_pred_shape))
            self.built = True

    def _build(self, y_true_shape: tuple[Any, ...], y_pred_shape: tuple[Any, ...]) -> None:
        """Add those variables; a metric that has any writes this and sets `built` to `False`."""

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any = None,
        dtype: DType | None = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """Add a variable to the state.

        Args:
            shape: Its shape.
            initializer: A function `(shape, dtype) -> array`, `"zeros"` or `"ones"`; zeros where it
                is `None`.
            dtype: Its dtype; the default float type where it is `None`.
            aggregation: How several devices' values are combined; kept for Keras's configs.
            name: A name.

        Returns:
            The variable.

        Raises:
            RuntimeError: `super().__init__()` has not been called.
            ValueError: There is no such initializer.
        """
        if "_variables" not in vars(self):
            raise RuntimeError(
                f"{type(self).__name__}: call super().__init__() first in __init__; "
                "only then can the metric have variables."
            )
        if initializer is None or isinstance(initializer, str):
            key = initializer or "zeros"
            if key not in _FIRST_VALUES:
                raise ValueError(
                    f"Metric {self.name!r}: unknown initializer {key!r} for variable {name!r}. "
                    f"{suggest(key, _FIRST_VALUES)} Or give a function (shape, dtype) -> array."
                )
            initializer = _FIRST_VALUES[key]
        variable = Variable(
            initializer,
            shape=tuple(shape),
            dtype=dtype,
            trainable=False,
            autocast=False,
            aggregation=aggregation,
            name=name,
        )
        variable.owner = weakref.ref(self)
        self._variables.append(variable)
        return variable

    def add_weight(
        self,
        shape: Sequence[int] = (),
        initializer: Any = None,
        dtype: DType | None = None,
        name: str | None = None,
    ) -> Variable:
        """Add a variable to the state; see `add_variable`."""
        return self.add_variable(shape, initializer, dtype, name=name)

    @property
    def variables(self) -> list[Variable]:
        """The state: its own variables, then those of metrics among its attributes."""
        mine = members(self)
        nested = (v for metric in mine.metrics for v in metric.variables)
        return unique([*self._variables, *mine.variables, *nested])

    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        """Take a batch into the state; yours to write.

        Args:
            *args: Usually targets and predictions, shape `(batch, ...)`.
            **kwargs: Usually `sample_weight`.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no `update_state(self, y_true, y_pred, "
            "sample_weight=None)`: write one that assigns to the metric's variables."
        )

    def result(self) -> Any:
        """Return the value over all batches since the last reset; yours to write."""
        raise NotImplementedError(
            f"{type(self).__name__} has no `result(self)`: write one that computes the value from "
            "the variables."
        )

    def reset_state(self) -> None:
        """Set every variable to zeros."""
        for v in self.variables:
            v.assign(zeros(v.shape, v.kept_dtype))

    def stateless_update_state(
        self, metric_variables: Sequence[Any], *args: Any, **kwargs: Any
    ) -> list[Any]:
        """Return the state after a batch, without touching the variables.

        Args:
            metric_variables: The state, one array for each of `variables`, in their order.
            *args: As for `update_state`.
            **kwargs: As for `update_state`.

        Returns:
            The new state.

        Raises:
            ValueError: There are more or fewer arrays than variables.
        """
        with self._scope(metric_variables) as scope:
            self.update_state(*args, **kwargs)
            return self._values(scope)

    def stateless_result(self, metric_variables: Sequence[Any]) -> Any:
        """Return the value of a given state.

        Args:
            metric_variables: The state, one array for each of `variables`, in their order.

        Raises:
            ValueError: There are more or fewer arrays than variables.
        """
        with self._scope(metric_variables):
            return self.result()

    def stateless_reset_state(self) -> list[Any]:
        """Return the state after a reset, without touching the variables."""
        with StatelessScope() as scope:
            self.reset_state()
            return self._values(scope)

    def _scope(self, values: Sequence[Any]) -> StatelessScope:
        variables = self.variables
        if len(values) != len(variables):
            hint = "" if self.built else " Its variables do not exist yet: call `build` first."
            raise ValueError(
                f"Metric {self.name!r} has {len(variables)} variables "
                f"({[v.name for v in variables]}); metric_variables has {len(values)} arrays. "
                f"Give one for each, in that order.{hint}"
            )
        return StatelessScope(zip(variables, values, strict=True))

    def _values(self, scope: StatelessScope) -> list[Any]:
        values = []
        for v in self.variables:
            value = scope.get_current_value(v)
            values.append(v.value if value is None else value)
        return values

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Take a batch into the state and return the value so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"
