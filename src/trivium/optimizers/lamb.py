"""Adam for large batches: each layer's step is as long as its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax.numpy as jnp

from trivium.optimizers.moments import Moments, number_of_update
from trivium.optimizers.registration import registry

if TYPE_CHECKING:
    pass

from trivium.optimizers.transforms import Slots
from trivium.state.types import Array

__all__ = ["Lamb"]


@registry.register("lamb")
class Lamb(Moments):
    """Adam whose steps are as long as a layer's weights, for large batches.

    With Adam's moments, at the update numbered `t` from 1: `u = m / (1 - beta_1**t) / (sqrt(v / (1 - beta_2**t)) +
    epsilon) + weight_decay * w` and `w -= learning_rate * norm(w) / norm(u) * u`, without the ratio where one of the
    norms is 0.

    Args:
        learning_rate: A float, a schedule, or a function of the step or of nothing.
        beta_1: The decay of the first moment.
        beta_2: The decay of the second moment.
        epsilon: A small number that keeps the division finite.
        **common: The arguments of every optimizer; see `Optimizer`.

    Raises:
        ValueError: A common argument is out of its range.

    Example:
        >>> from trivium.state import Variable
        >>> w = Variable([4.0])
        >>> Lamb(learning_rate=0.5).apply([jnp.array([8.0])], [w])
        >>> round(float(w.numpy()[0]), 4)
        2.0

    Reference:
        You et al., "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes", ICLR 2020,
        https://arxiv.org/abs/1904.00962
    """

    _decay_in_rule = True  # The ratio is that of the whole step.

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
        m, v = self._moments(gradient, slots)
        t = number_of_update(step, parameter.dtype)
        u = m / (1 - self.beta_1**t) / (jnp.sqrt(v / (1 - self.beta_2**t)) + self.epsilon)
        u = u + decay * parameter
        size, length = (jnp.sqrt(jnp.sum(jnp.square(x))) for x in (parameter, u))
        usable = (size > 0) & (length > 0)
        ratio = jnp.where(usable, size / jnp.where(usable, length, 1.0), 1.0)
        return -ratio * learning_rate * u, {"momentum": m, "velocity": v}
