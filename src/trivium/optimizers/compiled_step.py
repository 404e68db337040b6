"""The pure step compiled, and the gradients that it is given brought into its order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.optimizers import transforms
from trivium.optimizers.learning_rate import takes_step
from trivium.optimizers.pure_step import PureStep
from trivium.optimizers.side_by_side import Groups
from trivium.state import Variable
from trivium.state.frame import current_frame
from trivium.state.guarding import changes_of
from trivium.state.lookups import RowGradient

__all__ = ["CACHED", "CompiledStep"]

CACHED = ("_compiled_for", "_indices")
"""The attributes that are made when needed, and made anew when a setting is another."""


class CompiledStep(PureStep):
    """The part of `Optimizer` that runs its step on arrays, compiled once for the settings that it has."""

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
        constant = self._schedule is not None and not takes_step(self._schedule)
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

    def _align(self, grads: Sequence[Any], targets: Sequence[Variable]) -> list[jax.Array | None]:
        """Return a gradient, or `None`, for each variable that the optimizer was built with."""
        self._check_gradients(grads, targets)
        aligned: list[jax.Array | None] = [None] * len(self._trainable_variables)
        for gradient, variable in zip(grads, targets, strict=True):
            aligned[self._get_variable_index(variable)] = (
                None if gradient is None else jnp.asarray(gradient)
            )
        return aligned

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
