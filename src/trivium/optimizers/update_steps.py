"""Optimizers written for Keras: a formula that assigns to variables, run inside the pure step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp

from trivium.optimizers.own_variables import OwnVariables, State, named_after
from trivium.optimizers.transforms import flatten
from trivium.state import StatelessScope, Variable, auto_name, suggest

__all__ = ["UpdateSteps"]

_INITIALIZERS = {"zeros": jnp.zeros, "ones": jnp.ones}


class UpdateSteps(OwnVariables):
    """The part of `Optimizer` that lets a subclass define `update_step` in place of `rule`.

    Example:
        >>> from trivium.optimizers import Optimizer
        >>> class SignDescent(Optimizer):
        ...     def update_step(self, gradient, variable, learning_rate):
        ...         self.assign_sub(variable, learning_rate * jnp.sign(gradient))
        >>> w = Variable([1.0, 2.0])
        >>> SignDescent(learning_rate=0.5).apply([jnp.array([-7.0, 7.0])], [w])
        >>> w.numpy().tolist()
        [1.5, 1.5]
    """

    def _run_update_steps(
        self, state: State, gradients: list[Any], parameters: list[Any], rate: Any
    ) -> tuple[list[Any], State]:
        """Return what the variables hold after their `update_step`s."""
        own, structure = flatten(self._state)
        trained = self._trainable_variables
        values = [*parameters, *jax.tree.leaves(state)]
        with StatelessScope(zip([*trained, *own], values, strict=True)) as scope:
            for variable, gradient in zip(trained, gradients, strict=True):
                if gradient is not None:
                    self.update_step(gradient, variable, rate)
        return (
            [scope.get_current_value(v) for v in trained],
            structure.unflatten([scope.get_current_value(v) for v in own]),
        )

    def add_variable(
        self,
        shape: tuple[int, ...],
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str = "none",
        layout: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Add a variable for `update_step` to use.

        Args:
            shape: The shape.
            initializer: `"zeros"`, `"ones"` or a function `(shape, dtype) -> array`.
            dtype: The dtype; the default float type where it is `None`.
            aggregation: Kept for Keras's signature.
            layout: Kept for Keras's signature.
            name: A name.

        Returns:
            The variable.

        Raises:
            ValueError: There is no initializer of that name.
        """
        if not callable(initializer):
            if initializer not in _INITIALIZERS:
                hint = suggest(initializer, _INITIALIZERS)
                raise ValueError(f"Unknown initializer {initializer!r}. {hint}")
            initializer = _INITIALIZERS[initializer]
        name = name or auto_name("variable")
        variable = self._variable(initializer, name, shape=tuple(shape), dtype=dtype)
        self._state = self._state._replace(added=[*self._state.added, variable])
        return variable

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """Add a variable of the shape and dtype of another one, for `update_step` to use.

        Args:
            reference_variable: The other one.
            name: What to add to its name.
            initializer: As in `add_variable`.

        Returns:
            The variable.
        """
        return self.add_variable(
            reference_variable.shape,
            initializer,
            reference_variable.dtype,
            name=named_after(reference_variable, name or "var"),
        )

    def add_optimizer_variables(
        self, trainable_variables: Iterable[Variable], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """Add a variable, or one for each of several names, for every trainable variable.

        Args:
            trainable_variables: The trainable variables.
            name: A name or a list of names.
            initializer: An initializer, or a list of one for each name.

        Returns:
            A list of variables, or a tuple of lists for several names.
        """
        names = [name] if isinstance(name, str) else list(name)
        several = isinstance(initializer, list | tuple)
        initializers = list(initializer) if several else [initializer] * len(names)
        rows = [
            [
                self.add_variable_from_reference(variable, n, i)
                for n, i in zip(names, initializers, strict=True)
            ]
            for variable in trainable_variables
        ]
        columns = tuple([row[i] for row in rows] for i in range(len(names)))
        return columns[0] if isinstance(name, str) else columns

    def assign(self, variable: Variable, value: Any) -> None:
        """Give a variable a new value; for `update_step`."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        """Add to a variable; for `update_step`."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        """Subtract from a variable; for `update_step`."""
        variable.assign_sub(value)
