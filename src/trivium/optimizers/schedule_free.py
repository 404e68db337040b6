"""Adam without a schedule: the weights are averages that need none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax.numpy as jnp

from trivium.optimizers.arguments import CommonArguments, LearningRate
from trivium.optimizers.moments import Moments, number_of_update
from trivium.optimizers.registration import registry
from trivium.optimizers.transforms import SlotGroups, Slots

if TYPE_CHECKING:
    pass

from trivium.state.types import Array

__all__ = ["ScheduleFreeAdamW"]


@registry.register("schedulefreeadamw")
class ScheduleFreeAdamW(Moments):
    """Adam that averages its own way instead of following a schedule.

    `z`, which starts as `w`, takes Adam's steps without momentum, with the gradient at `w`: at the update numbered `t`
    from 1, with `rate = learning_rate * min(1, t / warmup_steps)`, `v = beta_2 * v + (1 - beta_2) * g**2` and `z -=
    rate * (g / (sqrt(v / (1 - beta_2**t)) + epsilon) + weight_decay * w)`. `x` is the mean of all `z` so far, weighed
    by `rate**2`, and `w = (1 - beta_1) * z + beta_1 * x`. A learning rate that changes otherwise does not weigh.

    Args:
        learning_rate: A float, a schedule, or a function of the step or of nothing.
        beta_1: The share of the mean in the weights.
        beta_2: The decay of the second moment.
        epsilon: A small number that keeps the division finite.
        warmup_steps: Over how many updates the rate grows to `learning_rate`.
        **common: The arguments of every optimizer; see `Optimizer`.

    Raises:
        ValueError: A common argument is out of its range.

    Example:
        >>> from trivium.state import Variable
        >>> w = Variable([1.0])
        >>> ScheduleFreeAdamW(learning_rate=0.5).apply([jnp.array([8.0])], [w])
        >>> round(float(w.numpy()[0]), 4)
        0.5

    Reference:
        Defazio et al., "The Road Less Scheduled", NeurIPS 2024, https://arxiv.org/abs/2405.15682
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **common)
        self.warmup_steps = warmup_steps

    def slots(self) -> SlotGroups:
        """Return the slots of `z`, which Keras calls momentum, and of the second moment."""
        return [{"momentum": jnp.array, "velocity": 0.0}]

    _decay_in_rule = True  # It is `z` that decays, at `w`.

    def rule(
        self,
        gradient: Array,
        parameter: Array,
        slots: Slots,
        learning_rate: Array,
        step: Array,
        decay: float = 0.0,
    ) -> tuple[Array, Slots]:
        """Return the update of one parameter and its slots; see `Optimizer.rule`."""
        t = number_of_update(step, parameter.dtype)
        share, warmup = 1 / t, self.warmup_steps
        if warmup > 0:
            part = jnp.minimum(t / warmup, 1.0)
            learning_rate = learning_rate * part
            # The squares of 1/n, 2/n, … add up like this, and from n on each is 1.
            early = jnp.minimum(t, warmup)
            total = early * (early + 1) * (2 * early + 1) / (6 * warmup**2) + (t - early)
            share = part**2 / total
        before = slots["momentum"]
        v = slots["velocity"] + (jnp.square(gradient) - slots["velocity"]) * (1 - self.beta_2)
        slope = gradient / (jnp.sqrt(v / (1 - self.beta_2**t)) + self.epsilon)
        z = before - learning_rate * (slope + decay * parameter)
        x = (parameter - (1 - self.beta_1) * before) / self.beta_1
        x = (1 - share) * x + share * z
        after = (1 - self.beta_1) * z + self.beta_1 * x
        return after - parameter, {"momentum": z, "velocity": v}
