"""The base of all optimizers: everything but the formula that turns a gradient into an update."""

from __future__ import annotations

import functools
import inspect
import warnings
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

import jax
import jax.numpy as jnp
import numpy as np

from trivium.optimizers import schedules, transforms
from trivium.optimizers.pure_step import PureStep, State
from trivium.optimizers.side_by_side import Groups
from trivium.state import (
    Configured,
    Copied,
    Registry,
    Variable,
    auto_name,
    floatx,
    suggest,
    to_snake_case,
)
from trivium.state.frame import current_frame
from trivium.state.guarding import Guarded, changes_of
from trivium.state.lookups import RowGradient
from trivium.state.placing import copy_of, to_device
from trivium.state.scopes import init_scope
from trivium.state.traces import outside_of_traces

if TYPE_CHECKING:
    import optax

__all__ = ["CommonArguments", "LearningRate", "Optimizer", "UndecayedArguments", "registry"]


class _Optimizers(Registry[Any]):
    """Optimizers by name, in any case; an optax transformation is an optimizer too."""

    def get(self, identifier: Any) -> Any:
        """Return the optimizer that `identifier` means."""
        if isinstance(identifier, Optimizer):
            return identifier
        if isinstance(identifier, tuple) and getattr(identifier, "_fields", None) == (
            "init",
            "update",
        ):
            return self.find("OptaxOptimizer")(identifier)
        if isinstance(identifier, str) and identifier.lower() in self.names():
            identifier = identifier.lower()
        optimizer = super().get(identifier)
        if optimizer is not None and not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"Cannot read {identifier!r} as an optimizer: give a name, a config, an optimizer, or "
                "an optax transformation such as `optax.adam(1e-3)`."
            )
        return optimizer


registry = _Optimizers("optimizer", module="keras.optimizers")

LearningRate = float | Callable[..., Any]
"""A number, a schedule, or a function of nothing or of the step."""


_CACHED = ("_compiled_for", "_indices")


class UndecayedArguments(TypedDict, total=False):
    """The arguments that all optimizers share, but for `weight_decay`."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None


class CommonArguments(UndecayedArguments, total=False):
    """The arguments that all optimizers share; `Optimizer` says what they mean."""

    weight_decay: float | None


def _takes_step(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind()
    except TypeError:
        return True
    return False


def _slot_name(path: tuple[Any, ...], leaf: Any, variables: Sequence[Variable]) -> str:
    """Return a name for a leaf of a transformation's state, after its variable if it has one."""
    words = [getattr(k, "key", getattr(k, "name", None)) for k in path]
    word = "_".join(str(w) for w in words if w is not None).replace("/", "_") or "state"
    indices = [k.idx for k in path if hasattr(k, "idx")]
    if indices and indices[-1] < len(variables):
        variable = variables[indices[-1]]
        if variable.shape == leaf.shape:
            return f"{variable.path.replace('/', '_')}_{word}"
    return word


class Optimizer(PureStep, Guarded, Copied, Configured):
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

    _remade: ClassVar[dict[str, Any]] = dict.fromkeys(_CACHED)

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
            warnings.warn("`decay` is ignored; give a schedule as `learning_rate`.", stacklevel=3)
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
        self._check_arguments(learning_rate)
        self.name = name or auto_name(to_snake_case(type(self).__name__))
        self.built = False
        self._trainable_variables: list[Variable] = []
        self._undecayed: list[Variable] = []
        self._undecayed_names: list[str] = []
        self._schedule: Callable[..., Any] | None = None
        rate: Variable | None = None
        scheduled: list[Variable] = []
        if callable(learning_rate):
            self._schedule, scheduled = learning_rate, schedules.variables_of(learning_rate)
        else:
            rate = self._variable(_number(learning_rate, floatx()), "learning_rate")
        iteration = self._variable(_number(0, "int32"), "iteration")
        self._state = State(iteration, rate, [], [], [], [], scheduled)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Show the common arguments in the class's signature, which takes them as keywords."""
        super().__init_subclass__(**kwargs)
        own = inspect.signature(cls.__init__).parameters
        named = {k: p for k, p in list(own.items())[1:] if p.kind is not p.VAR_KEYWORD}
        if len(named) < len(own) - 1:
            common = list(inspect.signature(Optimizer.__init__).parameters.values())[2:-1]
            last = {k: named.pop(k) for k, p in own.items() if p.kind is p.KEYWORD_ONLY}
            named |= {p.name: p.replace(kind=p.KEYWORD_ONLY) for p in common if p.name not in named}
            named |= last
        cls.__signature__ = inspect.Signature(list(named.values()))  # type: ignore[attr-defined]

    def _check_arguments(self, learning_rate: Any) -> None:
        if not callable(learning_rate) and not isinstance(learning_rate, float):
            raise ValueError(
                "`learning_rate` should be a float, a LearningRateSchedule, or a function that "
                f"returns the rate; got learning_rate={learning_rate!r}."
            )
        steps, every = self.gradient_accumulation_steps, self.ema_overwrite_frequency
        if steps and steps < 2:
            raise ValueError(
                f"`gradient_accumulation_steps` must be an integer >= 2; got {steps!r}."
            )
        if self.use_ema and not 0 <= self.ema_momentum <= 1:
            raise ValueError(f"`ema_momentum` must be from 0 to 1; got {self.ema_momentum!r}.")
        if self.use_ema and every and (not isinstance(every, int) or every < 1):
            raise ValueError(
                f"`ema_overwrite_frequency` must be an integer >= 1 or None; got {every!r}."
            )
        clips = {n: getattr(self, n) for n in ("clipnorm", "clipvalue", "global_clipnorm")}
        if sum(value is not None for value in clips.values()) > 1:
            given = ", ".join(f"{n}={value}" for n, value in clips.items())
            raise ValueError(f"Only one of {', '.join(clips)} can be set; got {given}.")

    _synonyms: ClassVar[dict[str, str]] = {
        "lr": "Did you mean 'learning_rate'?",
        "decay": "Give a schedule as `learning_rate`, or set `weight_decay`.",
    }

    # The formula: a subclass defines one of `rule`, `transformation` and `update_step`.

    def slots(self) -> transforms.SlotGroups:
        """Return the names and first values of what `rule` keeps for each parameter.

        They come in groups: all parameters' slots of one group lie before those of the next.
        """
        return ()

    def rule(
        self, gradient: Any, parameter: Any, slots: dict[str, Any], learning_rate: Any, step: Any
    ) -> tuple[Any, dict[str, Any]]:
        """Return what is added to one parameter, and its slots after it.

        Args:
            gradient: The gradient, of the parameter's shape and dtype.
            parameter: The parameter.
            slots: The arrays kept for it, by name.
            learning_rate: The learning rate, in the parameter's dtype.
            step: The number of updates made before, an int32.

        Returns:
            The update and the new slots.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must define `rule`, `transformation` or `update_step`."
        )

    def transformation(self) -> optax.GradientTransformationExtraArgs:
        """Return the formula as an optax transformation.

        Its `update` wants the extra arguments `learning_rate` and `step`. Clipping, weight decay
        and the like are not part of it.

        Example:
            >>> from trivium.optimizers import SGD
            >>> import optax
            >>> sgd = SGD(momentum=0.9).transformation()
            >>> w, g = {"w": jnp.ones(2)}, {"w": jnp.ones(2)}
            >>> updates, _ = sgd.update(g, sgd.init(w), w, learning_rate=0.5, step=0)
            >>> optax.apply_updates(w, updates)["w"].tolist()
            [0.5, 0.5]
        """
        return transforms.from_rule(self.rule, self.slots())

    def _formula(self) -> Any:
        """Return `transformation()`; where it is that of `rule`, what does the same without optax."""
        if type(self).transformation is Optimizer.transformation:
            return transforms.of_rule(self.rule, self.slots())
        return self.transformation()

    # State.

    def _variable(self, value: Any, name: str, **kwargs: Any) -> Variable:
        variable = Variable(value, trainable=False, autocast=False, name=name, **kwargs)
        variable.owner = weakref.ref(self)
        return variable

    def build(self, variables: Iterable[Variable]) -> None:
        """Make the optimizer's own variables.

        Args:
            variables: The variables to train. A second call changes nothing.

        Example:
            >>> from trivium.optimizers import SGD
            >>> sgd = SGD(momentum=0.9)
            >>> sgd.build([Variable([1.0], name="kernel")])
            >>> [v.name for v in sgd.variables]
            ['iteration', 'learning_rate', 'kernel_momentum']
        """
        if self.built:
            return
        variables = list(variables)
        averages = self._zeros_like(variables, "average") if self.use_ema else []
        accumulators: list[Variable] = []
        if self.gradient_accumulation_steps:
            accumulators = self._zeros_like(variables, "gradient_accumulator")
        slots: Any = []
        if not self._assigns:
            parameters = [v.peek() for v in variables]
            theirs = set(map(id, parameters))

            def slot(path: Any, leaf: Any) -> Variable:
                array = leaf if isinstance(leaf, jax.Array) else jnp.asarray(leaf)
                # A copy where a transformation keeps the parameters' own arrays, or one array in several places: each
                # may be donated.
                if array is not leaf or id(leaf) in theirs:
                    array = copy_of(array)
                theirs.add(id(leaf))
                return self._variable(array, _slot_name(path, array, variables))

            slots = jax.tree_util.tree_map_with_path(slot, self._formula().init(parameters))
        self._trainable_variables = variables
        self._state = self._state._replace(
            averages=averages, accumulators=accumulators, slots=slots
        )
        self.built = True

    def _zeros_like(self, variables: Sequence[Variable], name: str) -> list[Variable]:
        return [
            self._variable(
                to_device(np.zeros(v.shape), v.dtype), f"{v.path.replace('/', '_')}_{name}"
            )
            for v in variables
        ]

    @property
    def variables(self) -> list[Variable]:
        """The optimizer's own variables, in the order of Keras's files."""
        return jax.tree.leaves(self._state)

    def get_weights(self) -> list[np.ndarray]:
        """Return what `variables` hold, in their order, as NumPy arrays.

        Example:
            >>> from trivium.optimizers import SGD
            >>> sgd, w = SGD(learning_rate=0.5, momentum=0.5), Variable([1.0])
            >>> sgd.apply([jnp.ones(1)], [w])
            >>> [x.tolist() for x in sgd.get_weights()]
            [1, 0.5, [-0.5]]
        """
        return [v.numpy() for v in self.variables]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Give `variables` what `get_weights` of an optimizer of this kind returned.

        Args:
            weights: One array for each of `variables`, in their order.

        Raises:
            ValueError: The optimizer is not built, so that it has no variables yet, or an array is
                missing or has another shape. Nothing has been changed.

        Example:
            >>> from trivium.optimizers import SGD
            >>> sgd = SGD()
            >>> sgd.build([Variable([1.0])])
            >>> sgd.set_weights([7, 0.25])
            >>> int(sgd.iterations), float(sgd.learning_rate)
            (7, 0.25)
        """
        self._check_built()
        own, values = self.variables, list(weights)
        self._check_length("weights", values, own)
        for variable, value in zip(own, values, strict=True):
            if np.shape(value) != variable.shape:
                raise ValueError(
                    f"`weights` has shape {np.shape(value)} for {variable.path!r}, which has "
                    f"{variable.shape}."
                )
        for variable, value in zip(own, values, strict=True):
            variable.assign(value)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Put what `variables` hold into a store, under `"0"`, `"1"` and so on.

        Args:
            store: A dict, or something that takes arrays by name as one does.
        """
        for i, value in enumerate(self.get_weights()):
            store[str(i)] = value

    def load_own_variables(self, store: Any) -> None:
        """Give `variables` what `save_own_variables` put into a store.

        Args:
            store: A dict, or something that has arrays by name as one does.

        Raises:
            ValueError: `set_weights` refuses them.
        """
        self.set_weights([np.asarray(store[str(i)]) for i in range(len(store))])

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

    @property
    def learning_rate(self) -> Any:
        """The learning rate: a variable, or the value at this step where it is computed.

        It can be set to a number, unless it follows a schedule, and to a schedule.
        """
        return self._rate(self._state.iteration.value, self._state.learning_rate)

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        if callable(learning_rate):
            self._schedule = learning_rate
            self._state = self._state._replace(
                learning_rate=None, scheduled=schedules.variables_of(learning_rate)
            )
        elif self._schedule is not None:
            raise TypeError(
                f"The `learning_rate` of {self.name!r} is a LearningRateSchedule or a function, so "
                "it cannot be set to a number. Create the optimizer with a float, or set another "
                "schedule."
            )
        else:
            self._state.learning_rate.assign(learning_rate)

    def _rate(self, iteration: Any, variable: Any) -> Any:
        if self._schedule is None:
            return variable
        return self._schedule(iteration) if _takes_step(self._schedule) else self._schedule()

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
        for key in _CACHED:
            mine.pop(key, None)

    def _form(self) -> Any:
        """Return what the settings say about which variables there are."""
        slots = [list(group) for group in self.slots()]
        return slots, bool(self.use_ema), bool(self.gradient_accumulation_steps)

    # The pure step, compiled.

    @property
    def _compiled(self) -> Callable[..., Any]:
        # A schedule is part of the step, with the settings that it has now.
        changes = changes_of(self._schedule)
        if vars(self).get("_compiled_for", (None,))[0] != changes:
            vars(self)["_compiled_for"] = changes, self._jitted()
        compiled: Callable[..., Any] = vars(self)["_compiled_for"][1]
        return compiled

    def _jitted(self) -> Callable[..., Any]:
        # Inlined where it is traced, so that a compiled training step sees the plain operations. A function of its own
        # each time, since JAX takes equal bound methods for one and would give the trace of older hyperparameters.
        return jax.jit(
            lambda groups, fused, *arrays: self._step(groups, fused, *arrays),
            inline=True,
            static_argnums=(0, 1),
        )

    @property
    def _by_rule(self) -> bool:
        """Whether the step is a formula for each parameter."""
        return not self._assigns and type(self).transformation is Optimizer.transformation

    def _fused(self, gradients: Sequence[Any]) -> bool:
        """Say whether large parameters are updated in one loop with their slots, and note that for what compiles it."""
        noted, trained = current_frame().fused, self._trainable_variables
        if noted is None or not self._by_rule or not any(map(transforms.is_large, trained)):
            return False
        # XLA's pass for it ends the process where slots' rows are looked up by the same numbers, as steps by rows do.
        noted.append(not any(isinstance(gradient, RowGradient) for gradient in gradients))
        return noted[-1]

    def _groups(self) -> Groups:
        """Return the parameters that equal blocks have in the same place, where the step around this runs such as one.

        A formula for all parameters at once knows of no such groups.
        """
        columns = current_frame().folds
        if not columns or not self._by_rule:
            return ()
        groups = (tuple([self._indices.get(id(v), -1) for v in column]) for column in columns)
        return tuple([group for group in groups if -1 not in group])

    # The friendly shell.

    def stateless_apply(
        self,
        optimizer_variables: Sequence[Any],
        grads: Sequence[Any],
        trainable_variables: Sequence[Any],
    ) -> tuple[list[Any], list[Any]]:
        """Make one step, as a pure function of arrays.

        Args:
            optimizer_variables: The values of `variables`.
            grads: The gradients, each of its variable's shape; `None` leaves the variable as it is.
            trainable_variables: The values of the variables that the optimizer was built with.

        Returns:
            The new values of the trainable variables, and of the optimizer's variables, of the same
            dtypes.

        Raises:
            ValueError: The optimizer is not built, or the values do not fit its variables.

        Example:
            >>> from trivium.optimizers import SGD
            >>> sgd = SGD(learning_rate=0.5)
            >>> sgd.build([Variable([1.0])])
            >>> state = [v.value for v in sgd.variables]
            >>> (w,), state = jax.jit(sgd.stateless_apply)(state, [jnp.ones(1)], [jnp.ones(1)])
            >>> w.tolist(), int(state[0])
            ([0.5], 1)
        """
        self._check_built()
        leaves, structure = transforms.flatten(self._state)
        self._check_length("optimizer_variables", optimizer_variables, leaves)
        self._check_length("trainable_variables", trainable_variables, self._trainable_variables)
        gradients = self._by_rows(self._align(grads, self._trainable_variables))
        # A function of nothing may return another number each time, so it is called outside of the
        # compiled step.
        constant = self._schedule is not None and not _takes_step(self._schedule)
        state, rate = structure.unflatten(optimizer_variables), None
        if constant:
            rate, state = self._rate_and_state(state)
            rate = jnp.asarray(rate)
        parameters, state = self._compiled(
            self._groups(),
            self._fused(gradients),
            state,
            gradients,
            list(trainable_variables),
            rate,
        )
        return parameters, jax.tree.leaves(state)

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

    def _align(self, grads: Sequence[Any], targets: Sequence[Variable]) -> list[Any]:
        """Return a gradient, or `None`, for each variable that the optimizer was built with."""
        self._check_gradients(grads, targets)
        aligned: list[Any] = [None] * len(self._trainable_variables)
        for gradient, variable in zip(grads, targets, strict=True):
            aligned[self._get_variable_index(variable)] = (
                None if gradient is None else jnp.asarray(gradient)
            )
        return aligned

    @functools.cached_property
    def _indices(self) -> dict[int, int]:
        return {id(v): i for i, v in enumerate(self._trainable_variables)}

    def _get_variable_index(self, variable: Variable) -> int:
        index = self._indices.get(id(variable))
        if index is None:
            raise ValueError(
                f"{self.name!r} was not built with the variable {variable.path!r}. An optimizer "
                "belongs to the variables of its first use: make a new one for others."
            )
        return index

    def _check_gradients(self, grads: Sequence[Any], targets: Sequence[Variable]) -> None:
        self._check_length("grads", grads, targets)
        for gradient, variable in zip(grads, targets, strict=True):
            if gradient is not None and np.shape(gradient) != variable.shape:
                raise ValueError(
                    f"The gradient of {variable.path!r} has shape {np.shape(gradient)}, the "
                    f"variable {variable.shape}."
                )
        if grads and all(gradient is None for gradient in grads):
            raise ValueError("All gradients are None: does the loss depend on the variables?")

    def _check_built(self) -> None:
        if not self.built:
            raise ValueError(
                f"{self.name!r} has no variables yet: call `build(trainable_variables)` first."
            )

    def _check_length(self, argument: str, values: Sequence[Any], wanted: Sequence[Any]) -> None:
        if len(values) != len(wanted):
            raise ValueError(
                f"`{argument}` must have one entry for each of the {len(wanted)} variables of "
                f"{self.name!r}; got {len(values)}."
            )

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


def _number(value: Any, dtype: str) -> jax.Array:
    # JAX would compile a program that casts it.
    return to_device(np.asarray(value) if isinstance(value, int | float) else value, dtype)
