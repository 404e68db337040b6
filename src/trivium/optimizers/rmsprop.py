"""Step sizes that follow the sizes of past gradients: RMSprop, Adagrad, Adadelta."""

from __future__ import annotations

from typing import Unpack

import jax.numpy as jnp

from trivium.optimizers.arguments import CommonArguments, LearningRate
from trivium.optimizers.optimizer import Optimizer
from trivium.optimizers.registration import registry
from trivium.optimizers.transforms import SlotGroups, Slots, one
from trivium.state.types import Array

__all__ = ["Adadelta", "Adagrad", "RMSprop"]


@registry.register("rmsprop")
class RMSprop(Optimizer):
    """Gradients divided by the root of their running mean square.

    `v = rho * v + (1 - rho) * g**2` and `w -= learning_rate * g / sqrt(v + epsilon)`. Centered, `v`
    less the square of the gradient's running mean stands under the root. With momentum, what is
    taken from `w` is added up: `m = momentum * m + learning_rate * g / sqrt(v + epsilon)` and `w -=
    m`.

    Args:
        learning_rate: A float, a schedule, or a function of the step or of nothing.
        rho: The decay of the running means.
        momentum: The share of the last update in the next.
        epsilon: A small number that keeps the division finite.
        centered: Whether to divide by the standard deviation instead.
        **common: The arguments of every optimizer; see `Optimizer`.

    Raises:
        ValueError: A common argument is out of its range.

    Example:
        >>> from trivium.state import Variable
        >>> w = Variable([1.0])
        >>> RMSprop(learning_rate=0.5, rho=0.75).apply([jnp.array([8.0])], [w])
        >>> abs(round(float(w.numpy()[0]), 4))
        0.0

    Reference:
        Tieleman and Hinton, "Lecture 6.5 - rmsprop", COURSERA: Neural Networks for Machine
        Learning, 2012, https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf;
        Graves, "Generating Sequences With Recurrent Neural Networks", 2013,
        https://arxiv.org/abs/1308.0850 (centered)
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered

    def slots(self) -> SlotGroups:
        """Return the slots that are needed of the mean square, the momentum and the mean."""
        wanted = {
            "velocity": True,
            "momentum": self.momentum > 0,
            "average_gradient": self.centered,
        }
        return [{name: 0.0} for name, needed in wanted.items() if needed]

    def rule(
        self, gradient: Array, parameter: Array, slots: Slots, learning_rate: Array, step: Array
    ) -> tuple[Array, Slots]:
        """Return the update of one parameter and its slots; see `Optimizer.rule`."""
        new = {"velocity": self.rho * slots["velocity"] + (1 - self.rho) * jnp.square(gradient)}
        square = new["velocity"]
        if self.centered:
            mean = self.rho * slots["average_gradient"] + (1 - self.rho) * gradient
            new["average_gradient"] = mean
            # A variance is not below 0; the difference of two large numbers may be, and has no root.
            square = jnp.maximum(square - jnp.square(mean), 0.0)
        descent = -learning_rate * gradient / jnp.sqrt(square + self.epsilon)
        if not self.momentum > 0:
            return descent, new
        new["momentum"] = self.momentum * slots["momentum"] - descent
        return -new["momentum"] * one(step, parameter.dtype), new


@registry.register("adagrad")
class Adagrad(Optimizer):
    """Gradients divided by the root of the sum of all their squares.

    `a = a + g**2` and `w -= learning_rate * g / sqrt(a + epsilon)`.

    Args:
        learning_rate: A float, a schedule, or a function of the step or of nothing.
        initial_accumulator_value: The first value of `a`.
        epsilon: A small number that keeps the division finite.
        **common: The arguments of every optimizer; see `Optimizer`.

    Raises:
        ValueError: A common argument is out of its range.

    Example:
        >>> from trivium.state import Variable
        >>> w = Variable([1.0])
        >>> Adagrad(learning_rate=0.5, initial_accumulator_value=9.0).apply([jnp.array([4.0])], [w])
        >>> round(float(w.numpy()[0]), 4)
        0.6

    Reference:
        Duchi et al., "Adaptive Subgradient Methods for Online Learning and Stochastic
        Optimization", JMLR 12, 2011, https://jmlr.org/papers/v12/duchi11a.html
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon

    def slots(self) -> SlotGroups:
        """Return the slot of the sum of squares."""
        return [{"accumulator": self.initial_accumulator_value}]

    @property
    def _skips_zeros(self) -> bool:
        return type(self).rule is Adagrad.rule

    def rule(
        self, gradient: Array, parameter: Array, slots: Slots, learning_rate: Array, step: Array
    ) -> tuple[Array, Slots]:
        """Return the update of one parameter and its slots; see `Optimizer.rule`."""
        total = slots["accumulator"] + jnp.square(gradient)
        return -learning_rate * gradient / jnp.sqrt(total + self.epsilon), {"accumulator": total}


@registry.register("adadelta")
class Adadelta(Optimizer):
    """Gradients scaled to the size of past updates, so that the learning rate has no unit.

    `a = rho * a + (1 - rho) * g**2`, `delta = -sqrt(d + epsilon) / sqrt(a + epsilon) * g`,
    `d = rho * d + (1 - rho) * delta**2` and `w += learning_rate * delta`. The paper's learning rate
    is 1.

    Args:
        learning_rate: A float, a schedule, or a function of the step or of nothing.
        rho: The decay of the running means.
        epsilon: A small number under the roots.
        **common: The arguments of every optimizer; see `Optimizer`.

    Raises:
        ValueError: A common argument is out of its range.

    Example:
        >>> from trivium.state import Variable
        >>> w = Variable([1.0])
        >>> Adadelta(learning_rate=1.0, rho=0.75, epsilon=0.0625).apply([jnp.array([0.866])], [w])
        >>> round(float(w.numpy()[0]), 2)
        0.57

    Reference:
        Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012, https://arxiv.org/abs/1212.5701
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.rho = rho
        self.epsilon = epsilon

    def slots(self) -> SlotGroups:
        """Return the slots of the mean squares of the gradients and of the updates."""
        return [{"accumulated_grad": 0.0, "accumulated_delta_var": 0.0}]

    def rule(
        self, gradient: Array, parameter: Array, slots: Slots, learning_rate: Array, step: Array
    ) -> tuple[Array, Slots]:
        """Return the update of one parameter and its slots; see `Optimizer.rule`."""
        rho, past = self.rho, slots["accumulated_delta_var"]
        a = rho * slots["accumulated_grad"] + (1 - rho) * jnp.square(gradient)
        delta = -jnp.sqrt(past + self.epsilon) * gradient / jnp.sqrt(a + self.epsilon)
        return learning_rate * delta, {
            "accumulated_grad": a,
            "accumulated_delta_var": rho * past + (1 - rho) * jnp.square(delta),
        }
