"""What an optimizer keeps: its variables made, listed, read, set and stored."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from trivium.optimizers.update_rule import UpdateRule
from trivium.state import Variable
from trivium.state.placing import copy_of, to_device

__all__ = ["OwnVariables", "State", "named_after"]


class State(NamedTuple):
    """All that an optimizer keeps: variables in the shell, arrays in the pure step.

    Its leaves, in this order, are the optimizer's `variables`.
    """

    iteration: Any
    learning_rate: Any  # None where it is computed
    averages: list[Any]
    accumulators: list[Any]
    slots: Any  # the transformation's own state
    added: list[Any]
    scheduled: list[Any]  # what the schedule reads and writes


def named_after(variable: Variable, word: str) -> str:
    """Return a name for what is kept for a variable: the variable's path, and the word.

    Example:
        >>> named_after(Variable(1.0, name="kernel"), "momentum")
        'kernel_momentum'
    """
    return f"{variable.path.replace('/', '_')}_{word}"


def _slot_name(path: tuple[Any, ...], leaf: Any, variables: Sequence[Variable]) -> str:
    """Return a name for a leaf of a transformation's state, after its variable if it has one."""
    words = [getattr(k, "key", getattr(k, "name", None)) for k in path]
    word = "_".join(str(w) for w in words if w is not None).replace("/", "_") or "state"
    indices = [k.idx for k in path if hasattr(k, "idx")]
    if indices and indices[-1] < len(variables):
        variable = variables[indices[-1]]
        if variable.shape == leaf.shape:
            return named_after(variable, word)
    return word


class OwnVariables(UpdateRule):
    """The part of `Optimizer` that holds its `State` as variables."""

    name: str
    use_ema: bool
    gradient_accumulation_steps: int | None
    built: bool
    _state: State
    _trainable_variables: list[Variable]

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
        # Found now, and not in the first step: what `fit` knows of a model lasts while its optimizer stays as it is.
        _ = self._indices

    @functools.cached_property
    def _indices(self) -> dict[int, int]:
        return {id(v): i for i, v in enumerate(self._trainable_variables)}

    def _zeros_like(self, variables: Sequence[Variable], name: str) -> list[Variable]:
        return [
            self._variable(to_device(np.zeros(v.shape), v.dtype), named_after(v, name))
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
