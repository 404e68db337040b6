"""What Adam and its kin have in common: their settings, and the moments that they keep."""

from __future__ import annotations

from typing import Unpack

import jax.numpy as jnp

from trivium.optimizers.arguments import CommonArguments, LearningRate
from trivium.optimizers.optimizer import Optimizer
from trivium.optimizers.transforms import SlotGroups, Slots
from trivium.state.types import Array, DType

__all__ = ["Moments", "number_of_update"]


def number_of_update(step: Array | int, dtype: DType) -> Array:
    """Return the number of this update, from 1.

    It is a float32 at least: in a half type 0.999 is 1, and no bias correction would be left.

    Example:
        >>> number_of_update(0, "float16")
        Array(1., dtype=float32)
    """
    return jnp.asarray(step + 1, jnp.promote_types(dtype, "float32"))


class Moments(Optimizer):
    """The base of optimizers that keep a running mean of the gradient and one of its square."""

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def slots(self) -> SlotGroups:
        """Return the slots of the moments."""
        return [{"momentum": 0.0, "velocity": 0.0}]

    def _moments(self, gradient: Array, slots: Slots) -> tuple[Array, Array]:
        """Return the running means of the gradient and of its square."""
        m, v = slots["momentum"], slots["velocity"]
        # Written as Keras does: `beta * m + (1 - beta) * g` rounds otherwise.
        m = m + (gradient - m) * (1 - self.beta_1)
        v = v + (jnp.square(gradient) - v) * (1 - self.beta_2)
        return m, v
