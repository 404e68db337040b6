"""The base of all optimizers: everything but the formula that turns a gradient into an update.

What an optimizer does stands in the files that this one builds on, each with a class on top of the one before:
`update_rule` (the formula), `own_variables` (what is kept), `learning_rate`, `row_steps` and `update_steps` (parts of a
step), `pure_step` (a step on arrays) and `compiled_step`. Here are the settings, and the step on variables.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from trivium.optimizers.arguments import LearningRate, check_arguments, full_signature
from trivium.optimizers.compiled_step import CACHED, CompiledStep
from trivium.optimizers.learning_rate import variables_of
from trivium.optimizers.own_variables import State
from trivium.state import (
    Configured,
    Copied,
    Variable,
    auto_name,
    floatx,
    suggest,
    to_snake_case,
)
from trivium.state.guarding import Guarded
from trivium.state.placing import to_device
from trivium.state.scopes import init_scope
from trivium.state.traces import outside_of_traces

__all__ = ["Optimizer"]


class Optimizer(CompiledStep, Guarded, Copied, Configured):
    """The base class of optimizers.

    A step takes, in this order: the gradients, unscaled, accumulated and clipped; weight decay; the
    update; the moving average; the variables' constraints. All of it is one pure function of
    arrays: `apply` runs it on the variables, `stateless_apply` on arrays.

    An optimizer of your own defines one of:

    - `rule(gradient, parameter, slots, learning_rate, step)`, the formula for one parameter, and
      `slots()`;
    - `transformation()`, any optax transformation that takes `learning_rate` and `step` as extra
      arguments;
    - Keras's `update_step(gradient, variable, learning_rate)`, which assigns to variables; the ones
      that it keeps are made in `build` by `add_variable_from_reference`.

    Args:
        learning_rate: A float, a `LearningRateSchedule`, or a function of the step or of nothing.
        weight_decay: Decoupled weight decay: each step first takes `learning_rate * weight_decay`
            of the variable.
        clipnorm: The highest norm of each gradient.
        clipvalue: The highest absolute value of each gradient's entries.
        global_clipnorm: The highest norm of all gradients together.
        use_ema: Whether a moving average of the variables is kept, for `finalize_variable_values`.
        ema_momentum: The share of the old average in the new one.
        ema_overwrite_frequency: After how many updates the variables are set to their averages;
            `None` for only at the end.
        loss_scale_factor: What `scale_loss` multiplies the loss with and `apply` divides the
            gradients by.
        gradient_accumulation_steps: The number of steps whose mean gradient makes one update.
        name: A name; by default the class's, numbered.
        **kwargs: `decay`, which is ignored with a warning.

    Raises:
        ValueError: An argument is unknown or out of its range.

    Example:
        >>> class Halve(Optimizer):
        ...     def rule(self, gradient, parameter, slots, learning_rate, step):
        ...         return -parameter / 2, slots
        >>> w = Variable([4.0, 8.0])
        >>> Halve(learning_rate=0.1).apply([jnp.zeros(2)], [w])
        >>> w.numpy().tolist()
        [2.0, 4.0]
    """

    _remade: ClassVar[dict[str, Any]] = dict.fromkeys(CACHED)
    _synonyms: ClassVar[dict[str, str]] = {
        "lr": "Did you mean 'learning_rate'?",
        "decay": "Give a schedule as `learning_rate`, or set `weight_decay`.",
    }

    def __init__(
        self,
        learning_rate: LearningRate,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.pop("decay", None) is not None:
            # Pointing at the line that makes the optimizer, behind all the constructors in between.
            between = type(self).__mro__[: type(self).__mro__.index(Optimizer)]
            level = 2 + sum("__init__" in vars(cls) for cls in between)
            warnings.warn(
                "`decay` is ignored; give a schedule as `learning_rate`.", stacklevel=level
            )
        if kwargs:
            key, known = next(iter(kwargs)), [*inspect.signature(type(self)).parameters]
            # Keras had it under this name for years, which is too short to be recognized as the other.
            wanted = "learning_rate" if key == "lr" else key
            raise ValueError(
                f"{type(self).__name__} has no argument {key!r}. {suggest(wanted, known)}"
            )
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        check_arguments(self, learning_rate)
        self.name = name or auto_name(to_snake_case(type(self).__name__))
        self.built = False
        self._trainable_variables: list[Variable] = []
        self._undecayed: list[Variable] = []
        self._undecayed_names: list[str] = []
        self._schedule: Callable[..., Any] | None = None
        rate: Variable | None = None
        scheduled: list[Variable] = []
        if callable(learning_rate):
            self._schedule, scheduled = learning_rate, variables_of(learning_rate)
        else:
            rate = self._variable(to_device(np.asarray(learning_rate), floatx()), "learning_rate")
        iteration = self._variable(to_device(np.asarray(0), "int32"), "iteration")
        self._state = State(iteration, rate, [], [], [], [], scheduled)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Show the common arguments in the class's signature, which takes them as keywords."""
        super().__init_subclass__(**kwargs)
        cls.__signature__ = full_signature(cls, Optimizer)  # type: ignore[attr-defined]

    @property
    def inner(self) -> list[Optimizer]:
        """The optimizers that this one hands its work to."""
        return []

    @property
    def path(self) -> str:
        """What the paths of its variables begin with."""
        return self.name

    @property
    def iterations(self) -> Any:
        """The number of updates made: a variable, or a value under gradient accumulation."""
        return self._updates(self._state.iteration)

    def __setattr__(self, name: str, value: Any) -> None:
        mine = vars(self)
        old = mine.get(name)
        before = self._form() if name[:1] != "_" and mine.get("built") and name in mine else None
        super().__setattr__(name, value)
        if before is not None and self._form() != before:
            mine[name] = old
            raise AttributeError(
                f"The {name!r} of {self.name!r} cannot become {value!r}: it says which variables the optimizer keeps, "
                f"and they were made for {name}={old!r}. Set it before the first step, or make a new optimizer."
            )
        if name == "learning_rate":
            return  # A number goes into a variable; a schedule is set by attributes of its own.
        # The compiled step has the hyperparameters in it.
        for key in CACHED:
            mine.pop(key, None)

    def _form(self) -> tuple[list[list[str]], bool, bool]:
        """Return what the settings say about which variables there are."""
        slots = [list(group) for group in self.slots()]
        return slots, bool(self.use_ema), bool(self.gradient_accumulation_steps)

    def build_for(self, variables: Iterable[Variable]) -> None:
        """Make the optimizer's own variables, real ones, whatever is being traced around the call.

        Args:
            variables: The variables that it will train.
        """
        with init_scope(), outside_of_traces():
            self.build(variables)

    def apply(
        self, grads: Sequence[Any], trainable_variables: Iterable[Variable] | None = None
    ) -> None:
        """Make one step on the variables.

        Args:
            grads: The gradients, each of its variable's shape. Where one is `None` the variable
                stays as it is, with a warning.
            trainable_variables: The gradients' variables; all that the optimizer was built with by
                default. The first call builds the optimizer.

        Raises:
            ValueError: The gradients do not fit the variables, all of them are `None`, or the
                optimizer was built with other variables. Nothing has been changed.

        Example:
            >>> from trivium.optimizers import SGD
            >>> w = Variable([1.0, 2.0])
            >>> SGD(learning_rate=0.5).apply([jnp.ones(2)], [w])
            >>> w.numpy().tolist()
            [0.5, 1.5]
        """
        grads = list(grads)
        if not grads:
            return
        if trainable_variables is None:
            if not self.built:
                raise ValueError(
                    f"{self.name!r} does not know its variables yet: call "
                    "`build(trainable_variables)` first, or give the variables with the gradients."
                )
            targets = self._trainable_variables
        else:
            targets = list(trainable_variables)
        self._check_gradients(grads, targets)
        if not self.built:
            self.build_for(targets)
        gradients = self._align(grads, targets)
        missing = [v.path for g, v in zip(grads, targets, strict=True) if g is None]
        if missing:
            warnings.warn(
                f"There are no gradients for the variables {missing}; they stay as they are. Does "
                "the loss depend on them?",
                stacklevel=2,
            )
        own = self.variables
        trained = self._trainable_variables
        parameters, state = self.stateless_apply(
            [v.value for v in own], gradients, [v.value for v in trained]
        )
        for variable, value in zip([*trained, *own], [*parameters, *state], strict=True):
            variable.assign(value)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Variable:
        """Make one step, given pairs of a gradient and its variable.

        Args:
            grads_and_vars: The pairs; see `apply`.

        Returns:
            The variable that counts the steps.

        Raises:
            ValueError: There are no pairs, or `apply` refuses them.
        """
        pairs = list(grads_and_vars)
        if not pairs:
            raise ValueError("`apply_gradients` got no pairs of a gradient and a variable.")
        self.apply([g for g, _ in pairs], [v for _, v in pairs])
        iteration: Variable = self._state.iteration
        return iteration

    def scale_loss(self, loss: Any) -> Any:
        """Return the loss to take gradients of: times `loss_scale_factor`, where there is one.

        Example:
            >>> from trivium.optimizers import SGD
            >>> SGD(loss_scale_factor=8.0).scale_loss(2.0)
            16.0
        """
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def exclude_from_weight_decay(
        self,
        var_list: Iterable[Variable] | None = None,
        var_names: Iterable[str] | None = None,
    ) -> None:
        """Leave variables out of weight decay; call it before the first step.

        Args:
            var_list: Variables to leave out.
            var_names: Patterns: a variable whose name contains one of them is left out, e.g.
                `["bias"]`.
        """
        self._undecayed = list(var_list or ())
        self._undecayed_names = list(var_names or ())

    @property
    def averages(self) -> list[tuple[Variable, Variable]]:
        """The trained variables, each with its moving average; none without `use_ema` or before the first step.

        An addition of Trivium's.
        """
        averages = self._state.averages if self.built and int(self.iterations) else []
        return list(zip(self._trainable_variables if averages else [], averages, strict=True))

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Set the variables to their moving averages, where `use_ema` is on.

        Args:
            var_list: The variables that the optimizer was built with, in order.

        Raises:
            ValueError: These are fewer or more.
        """
        if not self.use_ema:
            return
        self._check_length("var_list", var_list, self._state.averages)
        for variable, average in zip(var_list, self._state.averages, strict=True):
            # A copy: two variables that shared an array could not both be donated to a compiled
            # step.
            variable.assign(jnp.array(average.value))

    def _config_argument(self, name: str) -> Any:
        if name != "learning_rate":
            return super()._config_argument(name)
        rate = self._state.learning_rate
        return self._schedule if self._schedule is not None else float(rate.numpy())
