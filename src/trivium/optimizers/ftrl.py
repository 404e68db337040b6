"""Follow the regularized leader: exact zeros under L1 regularization."""

from __future__ import annotations

from typing import Unpack

import jax.numpy as jnp

from trivium.optimizers.arguments import CommonArguments, LearningRate
from trivium.optimizers.optimizer import Optimizer
from trivium.optimizers.registration import registry
from trivium.optimizers.transforms import SlotGroups, Slots
from trivium.state.types import Array

__all__ = ["Ftrl"]


@registry.register("ftrl")
class Ftrl(Optimizer):
    """Follow the regularized leader (FTRL-Proximal), for large sparse linear models.

    With `p = -learning_rate_power`, `l2 = l2_regularization_strength + beta / (2 * learning_rate)`,
    and `n'` for `n + g**2`: `z += g + 2 * l2_shrinkage_regularization_strength * w - (n'**p - n**p)
    / learning_rate * w`, `n = n'` and `w = (clip(z, -l1, l1) - z) / (n**p / learning_rate + 2 *
    l2)`.

    Args:
        learning_rate: A float, a schedule, or a function of the step or of nothing.
        learning_rate_power: How the step falls with the sum of squares `n`; at most 0, and 0 keeps
            it.
        initial_accumulator_value: The first value of `n`; at least 0.
        l1_regularization_strength: The L1 penalty `l1`; at least 0.
        l2_regularization_strength: The L2 penalty; at least 0.
        l2_shrinkage_regularization_strength: An L2 penalty on the value of the weights only; at
            least 0.
        beta: The paper's `beta`.
        **common: The arguments of every optimizer; see `Optimizer`.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> from trivium.state import Variable
        >>> w = Variable([1.0, 1.0])
        >>> ftrl = Ftrl(learning_rate=1.0, l1_regularization_strength=0.5)
        >>> ftrl.apply([jnp.array([1.0, -2.0])], [w])
        >>> [round(float(x), 4) for x in w.numpy()]
        [0.0, 1.5846]

    Reference:
        McMahan et al., "Ad Click Prediction: a View from the Trenches", KDD 2013,
        https://research.google/pubs/ad-click-prediction-a-view-from-the-trenches/
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **common: Unpack[CommonArguments],
    ) -> None:
        if learning_rate_power > 0:
            raise ValueError(
                f"`learning_rate_power` must be at most 0; got {learning_rate_power!r}."
            )
        for name, value in {
            "initial_accumulator_value": initial_accumulator_value,
            "l1_regularization_strength": l1_regularization_strength,
            "l2_regularization_strength": l2_regularization_strength,
            "l2_shrinkage_regularization_strength": l2_shrinkage_regularization_strength,
        }.items():
            if value < 0:
                raise ValueError(f"`{name}` must be at least 0; got {value!r}.")
        super().__init__(learning_rate, **common)
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta

    def slots(self) -> SlotGroups:
        """Return the slots of `n` and `z`."""
        return [{"accumulator": self.initial_accumulator_value, "linear": 0.0}]

    def rule(
        self, gradient: Array, parameter: Array, slots: Slots, learning_rate: Array, step: Array
    ) -> tuple[Array, Slots]:
        """Return the update of one parameter and its slots; see `Optimizer.rule`."""
        l1, power = self.l1_regularization_strength, -self.learning_rate_power
        l2 = self.l2_regularization_strength + self.beta / (2.0 * learning_rate)
        n = slots["accumulator"] + jnp.square(gradient)
        strength = n**power / learning_rate
        z = (
            slots["linear"]
            + gradient
            + 2 * self.l2_shrinkage_regularization_strength * parameter
            - (strength - slots["accumulator"] ** power / learning_rate) * parameter
        )
        target = (jnp.clip(z, -l1, l1) - z) / (strength + 2 * l2)
        return target - parameter, {"accumulator": n, "linear": z}
