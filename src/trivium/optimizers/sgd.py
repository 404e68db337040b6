"""Stochastic gradient descent, with momentum and by signs."""

from __future__ import annotations

from typing import Unpack

import jax.numpy as jnp

from trivium.optimizers.arguments import CommonArguments, LearningRate
from trivium.optimizers.optimizer import Optimizer
from trivium.optimizers.registration import registry
from trivium.optimizers.transforms import SlotGroups, Slots, one
from trivium.state.types import Array

__all__ = ["SGD", "Lion"]


@registry.register("sgd")
class SGD(Optimizer):
    """Gradient descent, with optional momentum.

    `w += -learning_rate * g`; with momentum `m = momentum * m - learning_rate * g` and `w += m`, or
    with Nesterov's look-ahead `w += momentum * m - learning_rate * g`.

    Args:
        learning_rate: A float, a schedule, or a function of the step or of nothing.
        momentum: The share of the last update in the next, a float from 0 to 1.
        nesterov: Whether to use Nesterov's momentum.
        **common: The arguments of every optimizer; see `Optimizer`.

    Raises:
        ValueError: `momentum` is not a float from 0 to 1, or a common argument is out of its range.

    Example:
        >>> from trivium.state import Variable
        >>> w, sgd = Variable([1.0]), SGD(learning_rate=0.5, momentum=0.5)
        >>> for _ in range(2):
        ...     sgd.apply([jnp.ones(1)], [w])
        >>> w.numpy().tolist()
        [-0.25]

    Reference:
        Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML
        2013, https://proceedings.mlr.press/v28/sutskever13.html
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **common: Unpack[CommonArguments],
    ) -> None:
        if not isinstance(momentum, float) or not 0 <= momentum <= 1:
            raise ValueError(f"`momentum` must be a float from 0 to 1; got {momentum!r}.")
        super().__init__(learning_rate, **common)
        self.momentum = momentum
        self.nesterov = nesterov

    def slots(self) -> SlotGroups:
        """Return the momentum's slot, where there is momentum."""
        return [{"momentum": 0.0}] if self.momentum else []

    @property
    def _skips_zeros(self) -> bool:
        return not self.momentum and type(self).rule is SGD.rule

    def rule(
        self, gradient: Array, parameter: Array, slots: Slots, learning_rate: Array, step: Array
    ) -> tuple[Array, Slots]:
        """Return the update of one parameter and its slots; see `Optimizer.rule`."""
        descent = -learning_rate * gradient
        if not slots:
            return descent, slots
        m = self.momentum * slots["momentum"] + descent
        if self.nesterov:
            return self.momentum * m + descent, {"momentum": m}
        return m * one(step, m.dtype), {"momentum": m}


@registry.register("lion")
class Lion(Optimizer):
    """Evolved sign momentum: every entry moves by exactly the learning rate.

    `w -= learning_rate * sign(beta_1 * m + (1 - beta_1) * g)`, then `m = beta_2 * m + (1 - beta_2)
    * g`.

    Args:
        learning_rate: A float, a schedule, or a function of the step or of nothing.
        beta_1: The share of the momentum in the update.
        beta_2: The share of the old momentum in the new one.
        **common: The arguments of every optimizer; see `Optimizer`.

    Raises:
        ValueError: `beta_1` is not above 0 and at most 1, or a common argument is out of its range.

    Example:
        >>> from trivium.state import Variable
        >>> w = Variable([1.0, 1.0])
        >>> Lion(learning_rate=0.25).apply([jnp.array([9.0, -0.1])], [w])
        >>> w.numpy().tolist()
        [0.75, 1.25]

    Reference:
        Chen et al., "Symbolic Discovery of Optimization Algorithms", NeurIPS 2023,
        https://arxiv.org/abs/2302.06675
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **common: Unpack[CommonArguments],
    ) -> None:
        if not 0 < beta_1 <= 1:
            raise ValueError(
                f"`beta_1` must be above 0, or no momentum is left, and at most 1; got {beta_1!r}."
            )
        super().__init__(learning_rate, **common)
        self.beta_1 = beta_1
        self.beta_2 = beta_2

    def slots(self) -> SlotGroups:
        """Return the momentum's slot."""
        return [{"momentum": 0.0}]

    def rule(
        self, gradient: Array, parameter: Array, slots: Slots, learning_rate: Array, step: Array
    ) -> tuple[Array, Slots]:
        """Return the update of one parameter and its slots; see `Optimizer.rule`."""
        m = slots["momentum"]
        direction = jnp.sign(self.beta_1 * m + (1 - self.beta_1) * gradient)
        return -learning_rate * direction, {
            "momentum": self.beta_2 * m + (1 - self.beta_2) * gradient
        }
