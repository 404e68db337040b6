"""The step of every optimizer as a pure function of arrays: all but the formula for one gradient."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp

from trivium.optimizers import transforms
from trivium.optimizers.learning_rate import FollowsRate
from trivium.optimizers.own_variables import State
from trivium.optimizers.row_steps import RowSteps
from trivium.optimizers.side_by_side import Groups, SideBySide
from trivium.optimizers.update_steps import UpdateSteps
from trivium.state import Variable
from trivium.state.lookups import RowGradient
from trivium.state.placing import to_device

__all__ = ["PureStep"]

Parameters: TypeAlias = list[jax.Array]
Gradients: TypeAlias = list[jax.Array | None]
"""A gradient for each parameter; `None` leaves it as it is."""


class PureStep(RowSteps, UpdateSteps, FollowsRate):
    """The part of `Optimizer` that takes a step, on a `State` of arrays and on lists of arrays.

    The lists are in the order of the variables that the optimizer was built with. Nothing here
    touches a variable: `Optimizer.apply` puts the results into them, a compiled training step
    carries them on.
    """

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    weight_decay: float | None
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    _undecayed: list[Variable]
    _undecayed_names: list[str]

    def _updates(self, iteration: Any) -> Any:
        """Return the number of updates made in so many steps."""
        steps = self.gradient_accumulation_steps
        return iteration // steps if steps else iteration

    def _step(
        self,
        groups: Groups,
        fused: bool,
        state: State,
        given: Sequence[jax.Array | RowGradient | None],
        parameters: Parameters,
        rate: Any,
    ) -> tuple[Parameters, State]:
        """Return the parameters and the state after a step; `Optimizer` tells the order, which is Keras's.

        Args:
            groups: The places of parameters that are updated side by side, as one array.
            fused: Whether large parameters are updated in one loop with their slots.
            state: All that the optimizer keeps.
            given: The gradients; those of tables of which few rows were looked up have these rows alone.
            parameters: What is trained.
            rate: The learning rate, where it was asked for outside of the compiled step.
        """
        if rate is None:
            rate, state = self._rate_and_state(state)
        trained = self._trainable_variables
        parameters = [to_device(p, v.dtype) for p, v in zip(parameters, trained, strict=True)]
        gradients, by_rows = self._apart(given)
        gradients = [
            None if g is None else to_device(g, v.dtype)
            for g, v in zip(gradients, trained, strict=True)
        ]
        gradients, parameters, state = self._overwrite(state, gradients, parameters)
        gradients = [None if g is None else self._unscale(g) for g in gradients]
        descend = functools.partial(
            self._descend, parameters=parameters, rate=rate, groups=groups, fused=fused
        )
        if self.gradient_accumulation_steps:
            parameters, state = self._accumulate(state, gradients, parameters, descend)
        else:
            parameters, state = descend(state, gradients)
        if self.use_ema:
            parameters, state = self._average(state, parameters)
        parameters = [
            p if g is None or v.constraint is None else v.constraint(p).astype(p.dtype)
            for v, g, p in zip(trained, gradients, parameters, strict=True)
        ]
        parameters, state = self._descend_by_rows(state, by_rows, parameters, rate)
        return parameters, state._replace(iteration=state.iteration + 1)

    def _overwrite(
        self, state: State, gradients: Gradients, parameters: Parameters
    ) -> tuple[Gradients, Parameters, State]:
        """Set the variables whose gradients are their new values, and take these out of the gradients.

        Nothing that makes a gradient a step is done to them: no scale, clip, decay or constraint.
        Over accumulated steps the largest counts, since such values are scales that nothing may
        exceed.
        """
        steps = self.gradient_accumulation_steps
        rest, new, sums = list(gradients), list(parameters), list(state.accumulators)
        for i, (v, g) in enumerate(zip(self._trainable_variables, gradients, strict=True)):
            if g is None or not v.overwrite_with_gradient:
                continue
            rest[i] = None
            if not steps:
                new[i] = g
                continue
            largest, due = jnp.maximum(sums[i], g), (state.iteration + 1) % steps == 0
            new[i] = jnp.where(due, largest, new[i])
            sums[i] = jnp.where(due, jnp.zeros_like(g), largest)
        return rest, new, state._replace(accumulators=sums)

    def _unscale(self, gradient: jax.Array) -> jax.Array:
        return gradient if self.loss_scale_factor is None else gradient / self.loss_scale_factor

    def _accumulate(
        self,
        state: State,
        gradients: Gradients,
        parameters: Parameters,
        descend: Callable[[State, Gradients], tuple[Parameters, State]],
    ) -> tuple[Parameters, State]:
        """Add the gradients up; every so many steps `descend` by their mean."""
        steps = self.gradient_accumulation_steps
        sums = [
            a if g is None else a + g for a, g in zip(state.accumulators, gradients, strict=True)
        ]

        def update() -> tuple[Parameters, State]:
            means = [None if g is None else s / steps for s, g in zip(sums, gradients, strict=True)]
            new, after = descend(state, means)
            empty = [
                s if g is None else jnp.zeros_like(s) for s, g in zip(sums, gradients, strict=True)
            ]
            return new, after._replace(accumulators=empty)

        def wait() -> tuple[Parameters, State]:
            return parameters, state._replace(accumulators=sums)

        return jax.lax.cond((state.iteration + 1) % steps == 0, update, wait)

    def _descend(
        self,
        state: State,
        gradients: Gradients,
        parameters: Parameters,
        rate: Any,
        groups: Groups,
        fused: bool,
    ) -> tuple[Parameters, State]:
        gradients = self._clip(gradients)
        decays = [self._decay(v) for v in self._trainable_variables]
        groups = () if self._assigns else self._alike(groups, gradients, decays)
        side = SideBySide(groups, len(parameters))
        gradients, parameters = side.join(gradients), side.join(parameters)
        decays = [decays[places[0]] for places in side.places]
        if not self._decay_in_rule:
            parameters = [
                p if g is None or not decay else p - p * decay * jnp.asarray(rate, p.dtype)
                for decay, g, p in zip(decays, gradients, parameters, strict=True)
            ]
        if self._assigns:
            return self._run_update_steps(state, gradients, parameters, rate)
        before = state.slots
        if groups:
            before = [side.join_slots(group) for group in before]
        updates, slots = self._formula().update(
            gradients,
            before,
            parameters,
            learning_rate=rate,
            step=self._updates(state.iteration),
            **({"decays": decays} if self._decay_in_rule else {}),
            **({"rows": len(groups)} if groups else {}),
            **({"fused": True} if fused else {}),
        )
        slots = jax.tree.map(lambda new, old: jnp.asarray(new, old.dtype), slots, before)
        if groups:
            slots = [side.split_slots(group) for group in slots]
        parameters = [
            p if u is None else (p + u).astype(p.dtype)
            for p, u in zip(parameters, updates, strict=True)
        ]
        return side.split(parameters), state._replace(slots=slots)

    def _alike(self, groups: Groups, gradients: Gradients, decays: list[float | None]) -> Groups:
        """Return the groups of parameters whose steps are one formula over all of them."""
        return tuple(
            group
            for group in groups
            if all(gradients[i] is not None for i in group) and len({decays[i] for i in group}) == 1
        )

    def _clip(self, gradients: Gradients) -> Gradients:
        if self.clipnorm and self.clipnorm > 0:
            return transforms.clip_each_norm(gradients, self.clipnorm)
        if self.global_clipnorm and self.global_clipnorm > 0:
            return transforms.clip_global_norm(gradients, self.global_clipnorm)
        if self.clipvalue and self.clipvalue > 0:
            return transforms.clip_value(gradients, self.clipvalue)
        return gradients

    def _decay(self, variable: Variable) -> float | None:
        """Return how much of a variable each step takes, as a multiple of the learning rate."""
        return self.weight_decay if self._decays(variable) else None

    def _decays(self, variable: Variable) -> bool:
        names = "|".join(self._undecayed_names)
        return not any(v is variable for v in self._undecayed) and not (
            names and re.search(names, variable.name)
        )

    def _average(self, state: State, parameters: Parameters) -> tuple[Parameters, State]:
        updates = self._updates(state.iteration)
        averages = []
        for average, p in zip(state.averages, parameters, strict=True):
            # The first average is the variable itself.
            momentum = self.ema_momentum * (updates != 0).astype(p.dtype)
            averages.append(momentum * average + (1 - momentum) * p)
        if self.ema_overwrite_frequency:
            due = (updates + 1) % self.ema_overwrite_frequency == 0
            parameters = [
                jnp.where(due, average, p) for average, p in zip(averages, parameters, strict=True)
            ]
        return parameters, state._replace(averages=averages)
